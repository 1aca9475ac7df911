//! A whole backup and the increments after it: whether they fit together, and what of them comes back.

use std::path::PathBuf;

use super::backup_folder::{BackupFolder, Increment, Part, cannot};
use super::file_sum::FileSum;
use crate::config::Config;
use crate::failure::Failure;
use crate::terminal::bytes_bar;

/// Backups that fit together, the oldest first; at least one.
#[derive(Debug)]
pub(super) struct Chain {
    earlier: Vec<BackupFolder>,
    last: BackupFolder,
}

/// What brings a stream back: a copy of all of it, and what was added since.
pub(super) struct Pieces<'a> {
    /// The backup that holds the copy.
    pub(super) whole: &'a BackupFolder,
    /// Those that hold what was added, in order.
    pub(super) added: Vec<(&'a BackupFolder, &'a Part)>,
}

impl Chain {
    /// Reads what the folders say of themselves and looks whether one goes on where the one before it ends.
    ///
    /// # Errors
    /// One is no finished backup, or they do not fit together, with the reason.
    pub(super) async fn read(folders: &[PathBuf], config: &Config) -> Result<Self, Failure> {
        let mut read = Vec::new();
        for folder in folders {
            let backup = BackupFolder::read(folder, config).await?;
            let fits = match read.last() {
                None => begins(&backup),
                Some(before) => follows(before, &backup),
            };
            fits.map_err(Failure::wrong_call)?;
            read.push(backup);
        }
        let last = read.pop().ok_or_else(|| Failure::wrong_call("which backup?"))?;
        Ok(Self { earlier: read, last })
    }

    /// Reads every file and looks whether it is what was written. A backup that an older build made says nothing of its
    /// files.
    ///
    /// # Errors
    /// One is missing or is not what was written.
    pub(super) async fn check_files(&self) -> Result<(), Failure> {
        let bar = bytes_bar("checking");
        for backup in self.all() {
            if let Some(path) = backup.manifest.unlisted() {
                let text = format!("{} is damaged: it says nothing of {path}", backup.name());
                return Err(Failure::new(text));
            }
            for (path, sum) in &backup.manifest.files {
                let file = backup.path.join(path);
                let found = FileSum::of_file(file.clone(), bar.clone()).await;
                if found.map_err(cannot("cannot read", &file))? != *sum {
                    let file = file.display();
                    return Err(Failure::new(format!(
                        "{file} is damaged: it is not what was written"
                    )));
                }
            }
        }
        bar.finish_and_clear();
        Ok(())
    }

    /// The newest of them: what comes back is what there was then.
    pub(super) const fn last(&self) -> &BackupFolder {
        &self.last
    }

    /// What the newest of them says of what was added; none of a whole backup.
    pub(super) const fn increment(&self) -> Option<&Increment> {
        self.last.manifest.increment.as_ref()
    }

    /// All of them, the oldest first.
    pub(super) fn all(&self) -> impl DoubleEndedIterator<Item = &BackupFolder> {
        self.earlier.iter().chain([&self.last])
    }

    /// What brings a stream of the newest back.
    pub(super) fn pieces(&self, stream: &str) -> Pieces<'_> {
        let (mut whole, mut added) = (&self.last, Vec::new());
        for backup in self.all().rev() {
            whole = backup;
            let Some(part) = backup.part(stream) else { break };
            added.push((backup, part));
        }
        added.reverse();
        Pieces { whole, added }
    }
}

/// Whether a chain may begin with a backup.
fn begins(backup: &BackupFolder) -> Result<(), String> {
    match &backup.manifest.increment {
        None => Ok(()),
        Some(increment) => Err(format!(
            "{} holds only what came after {}: begin with the whole backup from before it",
            backup.name(),
            increment.since
        )),
    }
}

/// Whether an increment goes on where the backup before it ends.
fn follows(before: &BackupFolder, backup: &BackupFolder) -> Result<(), String> {
    let (earlier, later) = (before.name(), backup.name());
    let Some(increment) = &backup.manifest.increment else {
        return Err(format!("{later} is a whole backup: it begins a chain and goes on from none"));
    };
    if increment.since.epoch != before.position.epoch {
        return Err(format!(
            "{later} is of another log than {earlier} ({}, not {})",
            increment.since.epoch, before.position.epoch
        ));
    }
    if increment.since.sequence > before.position.sequence {
        return Err(format!(
            "{later} begins after {}, and {earlier} ends at {}: what lies between them is missing. Name all \
             backups in between, the oldest first",
            increment.since, before.position
        ));
    }
    let is_older = backup.manifest.made_at < before.manifest.made_at;
    if is_older || increment.position.sequence < before.position.sequence {
        return Err(format!("{later} is older than {earlier}: name the oldest first"));
    }
    for (stream, part) in &increment.parts {
        let end = before.ends.get(stream);
        if end.is_none_or(|end| *end < part.after) {
            return Err(format!(
                "{later} holds what was added to {stream} after {}, and {earlier} does not reach there",
                part.after
            ));
        }
    }
    Ok(())
}
