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
}
