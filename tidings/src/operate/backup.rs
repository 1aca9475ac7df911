//! `tidings backup`: a folder with everything that cannot be made again, or what of it has changed since an earlier one.
//!
//! That is the log, the dead letters, the secrets and media of the namespace, and the keys. The read model is
//! not in it: it is built from the log. Nor are sessions and what signs their tokens. Media in a bucket elsewhere
//! are not in it either, only what the log says of them.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use eventlog::EventLog;
use schemas::{Position, Sequence, Timestamp};
use serde_json::json;

use super::attach::Attached;
use super::backup_folder::{
    BackupFolder, FORMAT, Increment, Manifest, cannot, copying, lasts, write_manifest,
};
use super::copying::Copying;
use super::file_sum::FileSum;
use super::key_files;
use crate::cli::Output;
use crate::config::Config;
use crate::data::sync_folder_of;
use crate::failure::Failure;
use crate::names;
use crate::shared_deps::connect_log;
use crate::terminal::{count, print, print_json};

/// What the streams of media begin with.
const MEDIA: &str = "OBJ_";

/// How long before an event a piece of a file was stored if a backup that ends with that event is sure to have it: the clocks
/// of several servers may differ by less. That it has it is looked at when the two are restored.
const WELL_BEFORE: Duration = Duration::from_secs(10 * 60);

/// Where an increment begins.
struct Since {
    position: Position,
    /// Where each stream of the earlier backup ends; of a mere position, where those of media had come by then.
    ends: BTreeMap<String, Sequence>,
}

impl Since {
    /// Reads an earlier backup, or a position.
    async fn read(text: &str, config: &Config) -> Result<Self, Failure> {
        if Path::new(text).is_dir() {
            let earlier = BackupFolder::read(Path::new(text), config).await?;
            return Ok(Self { position: earlier.position, ends: earlier.ends });
        }
        match Position::parse(text) {
            Ok(position) => Ok(Self { position, ends: BTreeMap::new() }),
            Err(_) => {
                let text = format!("{text} is neither the folder of a backup nor a position");
                Err(Failure::wrong_call(text))
            }
        }
    }

    /// Finds out where media had come when the log ended at a mere position. Nothing of what had just begun: that is
    /// copied whole.
    async fn find_ends(&mut self, log: &EventLog) -> Result<(), Failure> {
        if !self.ends.is_empty() {
            return Ok(());
        }
        let streams = log.streams().await.map_err(|error| copying("the log", &error))?;
        for stream in streams.into_iter().filter(|stream| stream.starts_with(MEDIA)) {
            let end = log.reached_before(&stream, self.position.sequence, WELL_BEFORE).await;
            let end = end.map_err(|error| copying(&stream, &error))?;
            if end > 0 {
                self.ends.insert(stream, end);
            }
        }
        Ok(())
    }

    /// Whether this log is the one the earlier backup is of, and goes on from there.
    async fn fits(&self, log: &EventLog) -> Result<(), Failure> {
        let (epoch, since) = (log.epoch(), &self.position);
        if epoch != since.epoch {
            return Err(Failure::wrong_call(format!(
                "{since} is a place in another log than this one ({epoch}): the log was restored, or a loss was \
                 accepted, since. Make a whole backup"
            )));
        }
        let head = log.head().await.map_err(|error| copying("the log", &error))?;
        if head < since.sequence {
            return Err(Failure::wrong_call(format!(
                "{since} is not reached yet, the log ends at {head}"
            )));
        }
        Ok(())
    }
}

/// Copies everything, or what has changed since an earlier backup, into a new folder, while writers go on.
///
/// # Errors
/// The folder exists, the earlier backup is none or is of another log, the log is damaged, or something cannot be read or
/// written; the folder is then not a backup.
pub(crate) async fn backup(
    (into, since): (&Path, Option<&str>),
    output: Output,
    config: &Config,
    attached: &Attached,
) -> Result<ExitCode, Failure> {
    if into.exists() {
        return Err(Failure::wrong_call(format!("{} exists already", into.display())));
    }
    let mut since = match since {
        Some(text) => Some(Since::read(text, config).await?),
        None => None,
    };
    let log = connect_log(attached.url(), "tidings backup", config).await?;
    log.attach().await.map_err(|error| Failure::because("the log cannot be read", &error))?;
    match &mut since {
        Some(since) => {
            since.fits(&log).await?;
            since.find_ends(&log).await?;
        }
        // A copy of a damaged log is a damaged log, and the server copies it without a word.
        None => log
            .check_everything(None)
            .await
            .map(drop)
            .map_err(|error| copying("the log", &error))?,
    }
    let name_key = names::to_copy(&config.name_key, &log).await?;
    let (files, parts) = (BTreeMap::new(), BTreeMap::new());
    let mut copied = Copying { log: &log, folder: into, files, parts, messages: 0 };
    let streams = copy_streams(&mut copied, since.as_ref(), config).await?;
    let mut keys = key_files::copy(&config.keys, &into.join("keys")).await?;
    if let Some(key) = name_key.filter(|_| !keys.contains_key(names::FILE)) {
        key_files::put(&into.join("keys").join(names::FILE), &key)?;
        keys.insert(names::FILE.to_owned(), FileSum::of(&key));
    }
    let increment = match since {
        Some(since) => Some(increment(&mut copied, since.position).await?),
        None => None,
    };
    let Copying { mut files, messages, .. } = copied;
    files.extend(keys.iter().map(|(name, sum)| (format!("keys/{name}"), sum.clone())));
    let manifest = Manifest {
        format: FORMAT,
        namespace: config.namespace.to_string(),
        made_at: Timestamp::now(),
        made_by: env!("CARGO_PKG_VERSION").to_owned(),
        streams,
        keys: keys.into_keys().collect(),
        increment,
        files,
    };
    write_manifest(into, &manifest)?;
    sync_folder_of(into).map_err(cannot("cannot write", into))?;
    report(into, &manifest, messages, output)
}

/// Copies the streams, the log first: what an event refers to is then in a copy taken later.
async fn copy_streams(
    copied: &mut Copying<'_>,
    since: Option<&Since>,
    config: &Config,
) -> Result<Vec<String>, Failure> {
    let streams = copied.log.streams().await;
    let mut streams = streams.map_err(|error| copying("the log", &error))?;
    streams.retain(|stream| lasts(stream, &config.namespace));
    let log = config.namespace.events_stream();
    for stream in &streams {
        let is_copied = match since {
            None => false,
            Some(since) if *stream == log => {
                copied.events(stream, since.position.sequence).await.map(|()| true)?
            }
            // Small streams are copied whole, as is what the earlier backup did not have.
            Some(since) => match since.ends.get(stream).filter(|_| stream.starts_with(MEDIA)) {
                Some(after) => copied.pieces(stream, *after).await?,
                None => false,
            },
        };
        if !is_copied {
            copied.whole(stream).await?;
        }
    }
    Ok(streams)
}

/// What makes a backup an increment, once its streams are copied.
async fn increment(copied: &mut Copying<'_>, since: Position) -> Result<Increment, Failure> {
    let log = copied.log;
    let parts = std::mem::take(&mut copied.parts);
    let through = parts.get(&log.namespace().events_stream()).map(|part| part.through);
    let position = through.map(|sequence| Position { epoch: since.epoch, sequence });
    let position = position.ok_or_else(|| Failure::new("the log was not copied"))?;
    let queues = log.queues().await.map_err(|error| copying("the log", &error))?;
    Ok(Increment { since, position, parts, queues })
}

fn report(
    folder: &Path,
    manifest: &Manifest,
    messages: u64,
    output: Output,
) -> Result<ExitCode, Failure> {
    if output.json {
        print_json(&json!({ "folder": folder, "messages": messages, "manifest": manifest }))?;
        return Ok(ExitCode::SUCCESS);
    }
    let (streams, messages) = (count(manifest.streams.len(), "stream"), count(messages, "message"));
    let (keys, at) = (count(manifest.keys.len(), "key"), folder.display());
    let what = match &manifest.increment {
        None => format!("backup {at}"),
        Some(Increment { since, position, .. }) => {
            format!("backup {at} of what came after {since}, up to {position}")
        }
    };
    print(&format!("{what}: {streams}, {messages}, {keys}\n"))?;
    Ok(ExitCode::SUCCESS)
}
