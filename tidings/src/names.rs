//! The key of the lanes of names, `names.secret` in the keys folder unless `--name-key` says where: made once, then
//! only ever read.
//!
//! It is needed by every service that looks a name up (auth-svc, chat-svc, notifier) and by no other, and it
//! must stay what it was as long as the log lives (docs/adr/0020). With another one every name would be free
//! again; so a start with a wrong one, or without the one a log was begun with, is refused.

use std::fs;
use std::io;
use std::path::Path;

use eventlog::{EventLog, NameKeyError, NamesNoted};
use schemas::NameKey;

use crate::failure::Failure;
use crate::secret_file;

/// What the file is called where nothing else is said, and in a backup.
pub(crate) const FILE: &str = "names.secret";
/// What the room of everybody is called: its name is held in every log that has not been begun without it.
const GENERAL: &str = "general";

/// The key of this log. Makes it when neither the folder nor the log has one yet; of several processes that
/// make it at the same time all get the same.
///
/// # Errors
/// The log was begun with another key, or with none; its key is missing or damaged; the folder or the log
/// cannot be used.
pub(crate) async fn open(file: &Path, log: &EventLog) -> Result<NameKey, Failure> {
    let noted = log.names_noted().await;
    let noted = noted.map_err(|error| Failure::because("the log cannot be read", &error))?;
    let found = read(file).map_err(|error| cannot(file, &error))?;
    let key = match (found, noted) {
        (Some(key), _) => key,
        (None, NamesNoted::Free) => make(file).map_err(|error| cannot(file, &error))?,
        (None, NamesNoted::Keyed) => return Err(missing(file)),
        (None, NamesNoted::Unknown) => return Err(refused(file, &NameKeyError::Unkeyed)),
    };
    let witnesses = [key.admins(), key.room_name(GENERAL)];
    match log.note_names(&key, &witnesses).await {
        Ok(()) => Ok(key),
        Err(error) => Err(refused(file, &error)),
    }
}

/// The key as it lies in the file, for a copy of this log; none when the log has not begun. Without the right one
/// a copy would be of no use.
///
/// # Errors
/// As [`open`]; nothing is made.
pub(crate) async fn to_copy(file: &Path, log: &EventLog) -> Result<Option<Vec<u8>>, Failure> {
    let noted = log.names_noted().await;
    let noted = noted.map_err(|error| Failure::because("the log cannot be read", &error))?;
    if noted == NamesNoted::Free {
        return Ok(None);
    }
    open(file, log).await?;
    fs::read(file).map(Some).map_err(|error| cannot(file, &error))
}

fn cannot(file: &Path, error: &io::Error) -> Failure {
    Failure::because(&format!("the name key {} cannot be used", file.display()), error)
}

fn missing(file: &Path) -> Failure {
    Failure::new(format!(
        "the name key {} is missing, and the log was begun with one. A new one would let every name be \
         registered a second time: bring the file back, from a backup or from where the other services \
         have it (docs/OPERATING.md, Keys)",
        file.display()
    ))
}

fn refused(file: &Path, error: &NameKeyError) -> Failure {
    let file = file.display();
    match error {
        NameKeyError::OtherKey => Failure::new(format!(
            "the name key {file} is not the one this log was begun with: every name could be registered a \
             second time. Use the one the log belongs to (docs/OPERATING.md, Keys)"
        )),
        NameKeyError::Unkeyed => Failure::new(
            "this log knows of no name key: an older build has begun it, whose names are plain hashes that \
             this one cannot find. Begin anew in an empty data folder (or namespace), or go on with that build",
        ),
        NameKeyError::Log(error) => Failure::because("the name key cannot be noted", error),
    }
}

/// The key in a file; none when there is no such file.
fn read(file: &Path) -> io::Result<Option<NameKey>> {
    Ok(secret_file::read(file)?.map(|secret| NameKey::new(&secret)))
}

/// Makes the file, unless another process is first; then its key is the key.
fn make(file: &Path) -> io::Result<NameKey> {
    Ok(NameKey::new(&secret_file::make(file)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_damaged_key_is_no_key() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("names.secret");
        assert!(read(&file).unwrap().is_none());
        for bytes in [&b""[..], b"short", &[7; 33]] {
            fs::write(&file, bytes).unwrap();
            assert!(read(&file).unwrap_err().to_string().contains("damaged"));
        }
    }
}
