//! The data folder: who may use it, and how others find the process that does.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::failure::Failure;
use crate::private;

/// What `run.json` says about the `tidings serve` that uses this folder now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Run {
    /// Its process id.
    pub(crate) pid: u32,
    /// Where clients connect.
    pub(crate) http: String,
    /// Where operators look: metrics, and health with reasons.
    #[serde(default)]
    pub(crate) admin: Option<String>,
    /// The NATS server it uses, with user and password: the reason for the file's mode 0600.
    pub(crate) nats: String,
}

/// A data folder that this process alone uses, until this is dropped or the process dies.
#[derive(Debug)]
pub(crate) struct DataFolder {
    path: PathBuf,
    /// The lock is the operating system's and ends with the process, even at kill -9.
    _lock: File,
    /// Whether we wrote run.json and have to take it away.
    announced: bool,
}

/// The answer to wanting a data folder.
pub(crate) enum Claim {
    /// It is ours.
    Ours(DataFolder),
    /// Another process uses it.
    InUse,
}

impl DataFolder {
    /// Makes the folder if it is missing, and claims it.
    ///
    /// # Errors
    /// It cannot be made or written to.
    pub(crate) fn claim(path: &Path) -> Result<Claim, Failure> {
        let cannot = |error: std::io::Error| {
            Failure::because(&format!("the data folder {} cannot be used", path.display()), &error)
        };
        make_private(path).map_err(cannot)?;
        let path = fs::canonicalize(path).map_err(cannot)?;
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(path.join("lock"))
            .map_err(cannot)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(Claim::InUse),
            Err(TryLockError::Error(error)) => return Err(cannot(error)),
        }
        private::take_from_others(&path);
        // Left by a process that was killed: the holder of the lock is gone.
        remove_if_there(&path.join("run.json")).map_err(cannot)?;
        Ok(Claim::Ours(Self { path, _lock: lock, announced: false }))
    }

    /// The folder, absolute.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Tells other processes where we are, all at once: a reader never sees half of it.
    ///
    /// # Errors
    /// The file cannot be written.
    pub(crate) fn announce(&mut self, run: &Run) -> Result<(), Failure> {
        let text = serde_json::to_vec(run)
            .map_err(|error| Failure::because("run.json cannot be written", &error))?;
        write_private(&self.path.join("run.json"), &text)
            .map_err(|error| Failure::because("run.json cannot be written", &error))?;
        self.announced = true;
        Ok(())
    }

    /// Tells other processes no longer where we are: who comes now waits for the folder.
    pub(crate) fn withdraw(&mut self) {
        if std::mem::take(&mut self.announced) {
            // When it cannot be removed, the next claim removes it.
            let _ = fs::remove_file(self.path.join("run.json"));
        }
    }
}

impl Drop for DataFolder {
    fn drop(&mut self) {
        self.withdraw();
    }
}

/// What the running `serve` of a folder says about itself; none when there is no such file (yet).
pub(crate) fn running(path: &Path) -> Option<Run> {
    serde_json::from_slice(&fs::read(path.join("run.json")).ok()?).ok()
}

/// Makes a folder that only its owner can enter, and its parents, if it is missing; a power loss does not take it
/// away again.
pub(crate) fn make_private(path: &Path) -> std::io::Result<()> {
    let missing = path.ancestors().take_while(|folder| !folder.exists());
    let missing: Vec<&Path> = missing.filter(|folder| !folder.as_os_str().is_empty()).collect();
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path)?;
    missing.into_iter().try_for_each(sync_folder_of)
}

/// Writes a file that only its owner can read: first beside its place, then into it. When it returns the file is
/// there after a power loss, too.
pub(crate) fn write_private(path: &Path, text: &[u8]) -> std::io::Result<()> {
    let fresh = path.with_extension("new");
    remove_if_there(&fresh)?;
    let mut file = OpenOptions::new().create_new(true).write(true).mode(0o600).open(&fresh)?;
    file.write_all(text)?;
    file.sync_all()?;
    fs::rename(&fresh, path)?;
    sync_folder_of(path)
}

/// Makes what a file or folder is called survive a power loss.
pub(crate) fn sync_folder_of(path: &Path) -> std::io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

fn remove_if_there(path: &Path) -> std::io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn claimed(path: &Path) -> DataFolder {
        match DataFolder::claim(path).unwrap() {
            Claim::Ours(folder) => folder,
            Claim::InUse => panic!("in use"),
        }
    }

    #[test]
    fn one_process_at_a_time() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("data");
        let first = claimed(&path);
        assert!(matches!(DataFolder::claim(&path).unwrap(), Claim::InUse));
        drop(first);
        claimed(&path);
    }

    #[test]
    fn run_json_is_private_and_ends_with_its_writer() {
        let parent = tempfile::tempdir().unwrap();
        let mut folder = claimed(parent.path());
        let (http, admin) = ("http://x".into(), Some("http://z".into()));
        let run = Run { pid: 1, http, admin, nats: "nats://y".into() };
        folder.announce(&run).unwrap();
        assert_eq!(running(parent.path()), Some(run));
        let mode = fs::metadata(parent.path().join("run.json")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        drop(folder);
        assert_eq!(running(parent.path()), None);
    }

    #[test]
    fn what_a_killed_process_left_is_taken_away() {
        let parent = tempfile::tempdir().unwrap();
        fs::write(parent.path().join("run.json"), "{}").unwrap();
        claimed(parent.path());
        assert!(!parent.path().join("run.json").exists());
    }
}
