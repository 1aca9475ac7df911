//! Whether there is room on a disk: told by writing, because what a file system says is free is not always free
//! for everybody.

use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::time::Duration;

use crate::data::make_private;
use crate::terminal;

/// Bytes a start needs at most: keys, addresses, an empty read model, and what nats-server makes.
const START: usize = 4 * 1024 * 1024;
const LOOK: Duration = Duration::from_secs(1);

/// Returns when the data folder has room for a start. Whatever else is wrong with the folder the start says
/// better.
pub(crate) async fn wait_to_start(data: &Path) {
    let mut told = false;
    while let Err(error) = takes(data, START).await
        && is_full(&error)
    {
        if !std::mem::replace(&mut told, true) {
            let folder = data.display();
            tracing::error!(data = %folder, %error, "no room in the data folder: waiting for it");
            terminal::tell(&format!("There is no room in {folder}: waiting until there is."));
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// Whether a folder takes so many bytes more.
///
/// # Errors
/// It does not, or cannot be written to.
pub(crate) async fn takes(folder: &Path, bytes: usize) -> io::Result<()> {
    let folder = folder.to_owned();
    let file = folder.join(format!(".room-{}", std::process::id()));
    let tried = tokio::task::spawn_blocking(move || {
        make_private(&folder)?;
        let tried = try_to_write(&file, bytes);
        let removed = fs::remove_file(&file);
        tried.and(removed)
    });
    tried.await.map_err(io::Error::other).flatten()
}

fn try_to_write(file: &Path, bytes: usize) -> io::Result<()> {
    let mut file =
        OpenOptions::new().create(true).write(true).truncate(true).mode(0o600).open(file)?;
    file.write_all(&vec![0x55; bytes])?;
    file.sync_all()
}

fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded)
}
