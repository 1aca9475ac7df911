//! Files of 32 secret bytes: made once, whole and on disk, then only ever read.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use data_encoding::HEXLOWER;

use crate::data::make_private;

/// How many bytes such a file has.
pub(crate) const BYTES: usize = 32;

/// The secret in a file; none when there is no such file.
///
/// # Errors
/// It cannot be read, or has another length.
pub(crate) fn read(file: &Path) -> io::Result<Option<[u8; BYTES]>> {
    match fs::read(file) {
        Ok(bytes) => match bytes.as_slice().try_into() {
            Ok(secret) => Ok(Some(secret)),
            Err(_) => Err(io::Error::other("it is damaged: a key has 32 bytes")),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Makes the file, unless another process is first; then its secret is the secret.
///
/// # Errors
/// The folder cannot be written.
pub(crate) fn make(file: &Path) -> io::Result<[u8; BYTES]> {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    make_private(folder)?;
    let secret: [u8; BYTES] = rand::random();
    let draft = draft(folder);
    let mut new = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
    let linked = new
        .write_all(&secret)
        .and_then(|()| new.sync_all())
        .and_then(|()| fs::hard_link(&draft, file))
        .or_else(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => Ok(()),
            _ => Err(error),
        });
    fs::remove_file(&draft)?;
    linked?;
    File::open(folder)?.sync_all()?;
    read(file)?.ok_or_else(|| io::Error::other("it was removed by another process"))
}

fn draft(folder: &Path) -> PathBuf {
    let name: [u8; 16] = rand::random();
    folder.join(format!(".draft-{}", HEXLOWER.encode(&name)))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn processes_that_start_together_get_the_same_private_key() {
        let folder = tempfile::tempdir().unwrap();
        let keys = folder.path().join("keys");
        let file = keys.join("names.secret");
        let made: Vec<[u8; BYTES]> = std::thread::scope(|scope| {
            let making: Vec<_> = (0..8).map(|_| scope.spawn(|| make(&file).unwrap())).collect();
            making.into_iter().map(|making| making.join().unwrap()).collect()
        });
        assert!(made.iter().all(|secret| *secret == made[0]));
        let left: Vec<_> = fs::read_dir(&keys).unwrap().map(Result::unwrap).collect();
        assert_eq!(left.len(), 1, "drafts are gone");
        assert_eq!(left[0].metadata().unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::metadata(&keys).unwrap().permissions().mode() & 0o777, 0o700);
    }
}
