//! Where the read model is kept, as an operator says it.

use std::path::PathBuf;

/// Where the read model is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReadModelUrl {
    /// In SQLite files in this folder.
    Sqlite(PathBuf),
    /// In MongoDB, a replica set, at this connection string (`mongodb://...`).
    Mongo(String),
}

/// A text that does not say where the read model is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the read model must be `sqlite` or start with `mongodb://` or `mongodb+srv://`")]
pub struct InvalidUrl;

impl ReadModelUrl {
    /// Parses what an operator gave as `--read-model`: `sqlite` means files in `<data>/read`.
    ///
    /// # Errors
    /// [`InvalidUrl`] for anything but `sqlite` and MongoDB connection strings.
    pub fn parse(text: &str, data: &std::path::Path) -> Result<Self, InvalidUrl> {
        if text == "sqlite" {
            Ok(Self::Sqlite(data.join("read")))
        } else if text.starts_with("mongodb://") || text.starts_with("mongodb+srv://") {
            Ok(Self::Mongo(text.to_owned()))
        } else {
            Err(InvalidUrl)
        }
    }

    /// Where it is, for an operator to read: without the user and the password of a connection string, and what follows
    /// its hosts.
    #[must_use]
    pub fn shown(&self) -> String {
        match self {
            Self::Sqlite(folder) => folder.display().to_string(),
            Self::Mongo(url) => {
                let (scheme, rest) = url.split_once("://").unwrap_or(("mongodb", url));
                // A password may hold an `@`, and a `/` or `?` only escaped.
                let hosts = rest.split(['/', '?']).next().unwrap_or_default();
                let hosts = hosts.rsplit_once('@').map_or(hosts, |(_, hosts)| hosts);
                format!("{scheme}://{hosts}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::ReadModelUrl;

    #[test]
    fn what_is_shown_of_a_place_is_no_secret() {
        for (url, shown) in [
            ("sqlite", "d/read"),
            ("mongodb://me:p@ss@a:1,b:2/?replicaSet=rs0", "mongodb://a:1,b:2"),
            ("mongodb+srv://me:secret@db.example.org", "mongodb+srv://db.example.org"),
            ("mongodb://a:1/?authSource=x@y", "mongodb://a:1"),
        ] {
            let url = ReadModelUrl::parse(url, "d".as_ref()).unwrap();
            assert_eq!(url.shown(), shown);
        }
    }
}
