//! The configuration file of the private server.

use std::path::{Path, PathBuf};

use super::access::{Access, USER};
use crate::config::Sync;

/// Largest message in bytes; one of ours is far smaller.
const MAX_PAYLOAD: u32 = 1_048_576;

/// The file's text. Written anew at every start, so an edit is never in vain without a word.
pub(crate) fn text(access: &Access, folder: &Path, name: &str, sync: Sync) -> String {
    let sync = match sync {
        Sync::Always => "always".to_owned(),
        Sync::Every(span) => format!("\"{}ms\"", span.as_millis()),
    };
    let store = quoted(&store(folder));
    let Access { port, password } = access;
    format!(
        "# Written by `tidings serve` at every start: changes made here are lost.\n\
         server_name: \"{name}\"\n\
         listen: \"127.0.0.1:{port}\"\n\
         max_payload: {MAX_PAYLOAD}\n\
         authorization {{\n  user: {USER}\n  password: \"{password}\"\n}}\n\
         jetstream {{\n  store_dir: {store}\n  sync_interval: {sync}\n}}\n"
    )
}

/// Where a server with its configuration in this folder stores.
pub(crate) fn store(folder: &Path) -> PathBuf {
    folder.join("store")
}

fn quoted(path: &Path) -> String {
    let escaped = path.to_string_lossy().replace('\\', "\\\\").replace('"', "\\\"");
    format!("\"{escaped}\"")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn it_listens_on_loopback_and_wants_the_password() {
        let access = Access { port: 14_222, password: "abc".into() };
        let conf = text(&access, Path::new("/da\"ta"), "tidings", Sync::Always);
        assert!(conf.contains("listen: \"127.0.0.1:14222\""), "{conf}");
        assert!(conf.contains("password: \"abc\""), "{conf}");
        assert!(conf.contains("store_dir: \"/da\\\"ta/store\""), "{conf}");
        assert!(conf.contains("sync_interval: always"), "{conf}");
        let every = Sync::Every(Duration::from_secs(1));
        assert!(text(&access, Path::new("/d"), "x", every).contains("sync_interval: \"1000ms\""));
    }
}
