//! The keys that a backup holds: what names, invitations and links are found by, and nothing that sessions are made with.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use tokio::fs;

use super::backup_folder::cannot;
use super::file_sum::FileSum;
use crate::data::{make_private, write_private};
use crate::failure::Failure;

/// Files of one of these keys folders are small; a larger one is not a key.
const LARGEST: u64 = 1 << 20;

/// Whether a file of the keys folder comes back with a restore: not what sessions, tokens and codes are made
/// with. What names, invitations and links are found by must stay what it is.
fn is_lasting(name: &str) -> bool {
    let of_sessions = ["signing", "refresh", "otp"].iter().any(|made| name.starts_with(made));
    !of_sessions && !name.starts_with('.')
}

/// Copies the files of a flat folder, readable by their owner only; a folder that is not there has none. Their names, with
/// their checksums.
///
/// # Errors
/// One cannot be read or written.
pub(super) async fn copy(from: &Path, into: &Path) -> Result<BTreeMap<String, FileSum>, Failure> {
    let mut copied = BTreeMap::new();
    let Ok(mut entries) = fs::read_dir(from).await else { return Ok(copied) };
    make_private(into).map_err(cannot("cannot make", into))?;
    while let Some(entry) = entries.next_entry().await.map_err(cannot("cannot read", from))? {
        let path: PathBuf = entry.path();
        let about = entry.metadata().await.map_err(cannot("cannot read", &path))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if !about.is_file() || about.len() > LARGEST || !is_lasting(&name) {
            continue;
        }
        let content = fs::read(&path).await.map_err(cannot("cannot read", &path))?;
        let target = into.join(&name);
        write_private(&target, &content).map_err(cannot("cannot write", &target))?;
        copied.insert(name, FileSum::of(&content));
    }
    Ok(copied)
}

/// A file that lies in a keys folder and is not one that comes back: a restore must not mix with an installation that
/// has keys of its own.
pub(super) fn other(folder: &Path, backup: &Path) -> Option<PathBuf> {
    let entries = std::fs::read_dir(folder).ok()?;
    let mut files = entries.filter_map(|entry| entry.ok().map(|entry| entry.path()));
    files.find(|path| path.is_file() && !comes_back(path, backup))
}

/// Whether the backup has this very key.
fn comes_back(path: &Path, backup: &Path) -> bool {
    let Some(name) = path.file_name() else { return false };
    let there = (std::fs::read(path), std::fs::read(backup.join(name)));
    is_lasting(&name.to_string_lossy()) && matches!(there, (Ok(ours), Ok(theirs)) if ours == theirs)
}

/// Writes a key, readable by its owner only.
///
/// # Errors
/// It cannot be written.
pub(super) fn put(file: &Path, key: &[u8]) -> Result<(), Failure> {
    let write = || {
        make_private(file.parent().unwrap_or(Path::new(".")))?;
        write_private(file, key)
    };
    write().map_err(cannot("cannot write", file))
}
