//! Whatever Tidings keeps is for its owner's eyes: folders 0700, files 0600, whichever process makes them and whatever was
//! there before.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use nix::sys::stat::{Mode, umask};

/// What group and others may do.
const OTHERS: u32 = 0o077;

/// From now on this process, and those it starts (nats-server), make nothing that others may read. Libraries that
/// make files (the database, the mailer) are covered too.
pub(crate) fn make_only_private_files() {
    umask(Mode::from_bits_truncate(0o077));
}

/// Takes from group and others what rights they have to a folder and everything in it. What links point to is left
/// alone, and what is not ours to change is said.
pub(crate) fn take_from_others(folder: &Path) {
    let mut open: Vec<PathBuf> = vec![folder.to_owned()];
    while let Some(path) = open.pop() {
        match close_to_others(&path) {
            Ok(true) => open.extend(
                fs::read_dir(&path).into_iter().flatten().flatten().map(|entry| entry.path()),
            ),
            Ok(false) => {}
            // Files of a running store come and go.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => {
                let path = path.display();
                tracing::warn!(%path, %error, "others may read this, and that cannot be changed");
            }
        }
    }
}

/// Whether it is a folder, to be gone through.
fn close_to_others(path: &Path) -> io::Result<bool> {
    let about = fs::symlink_metadata(path)?;
    if !about.is_dir() && !about.is_file() {
        return Ok(false);
    }
    let mode = about.permissions().mode();
    if mode & OTHERS != 0 {
        fs::set_permissions(path, Permissions::from_mode(mode & 0o777 & !OTHERS))?;
    }
    Ok(about.is_dir())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn what_was_open_to_others_is_closed_and_links_are_not_followed() {
        let parent = tempfile::tempdir().unwrap();
        let outside = parent.path().join("outside");
        fs::write(&outside, "x").unwrap();
        fs::set_permissions(&outside, Permissions::from_mode(0o644)).unwrap();
        let data = parent.path().join("data");
        let read = data.join("read");
        fs::create_dir_all(&read).unwrap();
        let file = read.join("gen-1.db");
        fs::write(&file, "x").unwrap();
        symlink(&outside, data.join("link")).unwrap();
        for (path, mode) in [(&data, 0o755), (&read, 0o777), (&file, 0o664)] {
            fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
        }
        take_from_others(&data);
        assert_eq!([mode(&data), mode(&read), mode(&file)], [0o700, 0o700, 0o600]);
        assert_eq!(mode(&outside), 0o644);
        take_from_others(&parent.path().join("nothing"));
    }
}
