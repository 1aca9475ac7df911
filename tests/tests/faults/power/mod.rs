//! A file system that forgets what was not synced when its power is lost. See [`disk`] for what that means.

mod disk;
mod mount;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError};

use fuser::{BackgroundSession, MountOption};
use tempfile::TempDir;

use crate::schedule::{Dice, say};
use disk::Disk;
use mount::Mounted;

/// A folder whose power can be lost. Everything that uses it must have ended before it is mounted again.
pub(crate) struct Power {
    folder: TempDir,
    disk: Arc<Mutex<Disk>>,
    session: Option<BackgroundSession>,
}

impl Power {
    /// Mounts an empty disk; none, said loudly, on a machine that cannot.
    ///
    /// # Panics
    /// When the machine can, and it does not work all the same.
    pub(crate) fn on(case: &str) -> Option<Self> {
        let able = Path::new("/dev/fuse").exists() && nix::unistd::geteuid().is_root();
        if !able {
            say(case, "SKIPPED: NO /dev/fuse, OR NOT ROOT: POWER LOSS IS NOT TESTED HERE");
            return None;
        }
        let folder = TempDir::with_prefix("tidings-power-").unwrap();
        let mut power = Self { folder, disk: Arc::new(Mutex::new(Disk::empty())), session: None };
        power.mount();
        Some(power)
    }

    /// Where it is mounted.
    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().to_owned()
    }

    fn mount(&mut self) {
        let options =
            [MountOption::FSName("forgetful".to_owned()), MountOption::DefaultPermissions];
        let mounted = Mounted::of(Arc::clone(&self.disk));
        let session = fuser::spawn_mount2(mounted, self.folder.path(), &options);
        self.session = Some(session.expect("a file system is mounted"));
    }

    /// The power is lost: from this moment on nothing reaches the disk.
    pub(crate) fn fails(&self, dice: &mut Dice) {
        let mut disk = self.disk.lock().unwrap_or_else(PoisonError::into_inner);
        disk.lose(dice);
        disk.off = true;
    }

    /// It is back, with what is left.
    pub(crate) fn returns(&mut self) {
        self.unmount();
        self.disk.lock().unwrap_or_else(PoisonError::into_inner).off = false;
        self.mount();
    }
}

impl Power {
    fn unmount(&mut self) {
        drop(self.session.take());
        // A file that is still held open keeps it there.
        let mounts = std::fs::read_to_string("/proc/mounts").unwrap_or_default();
        if mounts.contains(&*self.folder.path().to_string_lossy()) {
            let _ = Command::new("umount").arg("-l").arg(self.folder.path()).status();
        }
    }
}

impl Drop for Power {
    fn drop(&mut self) {
        // Before the folder it is mounted on is removed.
        self.unmount();
    }
}
