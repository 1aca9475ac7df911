//! `tidings restore`: brings a backup, and the increments after it, back into an empty installation.
//!
//! The read model is not in a backup: it is built from the log. Nor are sessions and what signs their tokens: what was
//! logged out or stolen since must not live again. A restore ends every session, and new secrets are made at the next
//! start.
//!
//! The log comes first and is held back: no process takes it for a log until everything else is there, so a restore that
//! is cut short is never started on. With increments it loses what is gone by now and gets what was added before that.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use eventlog::{EventLog, LogError, Snapshot};
use serde_json::json;
use tokio::fs::{self, File};
use tokio::io::BufReader;
use tokio::time::sleep;

use super::attach::Attached;
use super::backup_folder::{
    BackupFolder, Part, cannot, copying, lasts, messages_path, snapshot_of, stream_path,
};
use super::chain::{Chain, Pieces};
use super::key_files;
use super::messages_file::MessagesReader;
use crate::cli::Output;
use crate::config::{Config, Sync};
use crate::copies;
use crate::data::make_private;
use crate::failure::Failure;
use crate::names;
use crate::shared_deps::connect_log;
use crate::terminal::{bytes_bar, count, print, print_json, waiting};

/// How often a copy of a stream is begun. A server gives up on one of which nothing came, or could be written, for five
/// seconds; of the stream nothing is there then.
const TRIES: u32 = 5;
/// Before it is begun again.
const PAUSE: Duration = Duration::from_secs(2);
/// What the server calls that.
const RESTORE_FAILED: u64 = 10_062;
/// What it calls a stream that is there. Before the first try none was.
const LEFT_OVER: u64 = 10_130;
/// When a server of our own syncs by itself meanwhile: it stores event by event, and synced one by one a thousand take a
/// second. What counts is synced by [`bring`].
const SELDOM: Sync = Sync::Every(Duration::from_secs(120));

/// What to restore.
pub(super) struct Restore {
    /// A whole backup and the increments after it, in order.
    pub(super) folders: Vec<PathBuf>,
    /// Only look whether they could be restored.
    pub(super) check: bool,
    pub(super) output: Output,
}

/// Brings backups back into an empty namespace and an empty keys folder, or looks whether that could be. Every session has
/// ended then.
///
/// # Errors
/// They are no backups, do not fit together, are another namespace's, or are damaged: nothing is made then. Something is
/// there already.
pub(super) async fn run(what: Restore, config: &Config) -> Result<ExitCode, Failure> {
    let Restore { folders, check, output } = what;
    let chain = Chain::read(&folders, config).await?;
    chain.check_files().await?;
    if check {
        return report_checked(&chain, output);
    }
    make_private(&config.data)
        .map_err(|error| Failure::because("the data folder cannot be made", &error))?;
    let attached = Attached::to(&Config { sync: SELDOM, ..config.clone() }).await?;
    let restored = bring(&chain, config, &attached).await;
    attached.detach().await;
    report(&chain, &restored?, output)
}

/// What was brought back.
struct Restored {
    messages: u64,
    /// How many copies each stream has.
    copies: usize,
}

/// Brings everything back.
async fn bring(chain: &Chain, config: &Config, attached: &Attached) -> Result<Restored, Failure> {
    let log = connect_log(attached.url(), "tidings restore", config).await?;
    let copies = copies_here(&log, chain, config).await?;
    refuse_what_is_there(&log).await?;
    let last = chain.last();
    let keys = last.path.join("keys");
    if let Some(file) = key_files::other(&config.keys, &keys) {
        return Err(Failure::wrong_call(format!("{} exists already", file.display())));
    }
    if let Some(files) = attached.files() {
        log.sync_below(files.to_owned());
    }
    let events = log.namespace().events_stream();
    let mut messages = bring_stream(&log, &events, &chain.pieces(&events)).await?;
    // Held back on the disk, too, before anything else is there.
    log.sync_everything().await.map_err(|error| of_log(&error))?;
    let lasting = last.manifest.streams.iter().filter(|stream| lasts(stream, &config.namespace));
    for stream in lasting.filter(|stream| **stream != events) {
        messages += bring_stream(&log, stream, &chain.pieces(stream)).await?;
    }
    key_files::copy(&keys, &config.keys).await?;
    if let Ok(key) = fs::read(keys.join(names::FILE)).await {
        key_files::put(&config.name_key, &key)?;
    }
    // On the disk before it counts as whole.
    log.sync_everything().await.map_err(|error| of_log(&error))?;
    let added = chain.increment().map(|it| (it.queues.as_slice(), it.position.sequence));
    log.complete_restore(added).await.map_err(|error| of_log(&error))?;
    log.attach().await.map_err(|error| of_log(&error))?;
    let head = log.check_everything(None).await.map_err(|error| of_log(&error))?;
    if chain.increment().is_some() {
        log.forget_lists_after(head).await.map_err(|error| of_log(&error))?;
    }
    log.sync_everything().await.map_err(|error| of_log(&error))?;
    if copies > 1 {
        let spinner = waiting("making copies");
        let raised = log.raise_copies(copies, copies::say).await;
        spinner.finish_and_clear();
        raised.map_err(|error| Failure::new(copies::not_raised(copies, &error)))?;
    }
    Ok(Restored { messages, copies })
}

/// How many copies the streams are to have: as many as is asked for, and in a cluster no fewer than the backed-up log had.
async fn copies_here(log: &EventLog, chain: &Chain, config: &Config) -> Result<usize, Failure> {
    let asked = usize::from(config.replicas);
    if log.is_in_cluster() {
        let events = log.namespace().events_stream();
        let snapshot = snapshot_of(&chain.pieces(&events).whole.path, &events).await?;
        return Ok(asked.max(snapshot.copies()));
    }
    if asked > 1 {
        let text = format!("--replicas {asked} needs a cluster, and the NATS server is none");
        return Err(Failure::wrong_call(text));
    }
    Ok(1)
}

/// A restore wants a namespace of which nothing is there.
async fn refuse_what_is_there(log: &EventLog) -> Result<(), Failure> {
    let there = log.streams().await.map_err(|error| of_log(&error))?;
    let Some(stream) = there.first() else { return Ok(()) };
    let text = match log.attach().await {
        // Another's, or what a restore has left that was cut short.
        Err(error @ LogError::Foreign { .. }) => error.to_string(),
        _ => format!("there is something already (stream {stream}); restore wants nothing there"),
    };
    Err(Failure::wrong_call(text))
}

/// Brings a stream back, from a copy of all of it and what was added since; how many messages it has.
async fn bring_stream(log: &EventLog, stream: &str, pieces: &Pieces<'_>) -> Result<u64, Failure> {
    let is_log = stream == log.namespace().events_stream();
    let mut snapshot = snapshot_of(&pieces.whole.path, stream).await?;
    let last = pieces.added.last();
    // A single server takes no more, and one that is brought to several is copied once it is whole.
    snapshot.with_one_copy();
    if is_log {
        snapshot.renew_epoch();
        snapshot.hold_back();
    }
    bring_copy(log, &snapshot, &pieces.whole.path.join(stream_path(stream))).await?;
    let Some((_, last)) = last else { return Ok(snapshot.messages()) };
    // What is gone by now goes first: none of it is to be seen again.
    log.clear(stream, &last.gone).await.map_err(|error| copying(stream, &error))?;
    if is_log {
        refill(log, stream, &pieces.added, last).await?;
    } else {
        put(log, stream, &pieces.added, last).await?;
    }
    let extent = log.extent(stream).await.map_err(|error| copying(stream, &error))?;
    Ok(extent.map_or(0, |extent| extent.through.saturating_sub(extent.gone.count())))
}

/// Makes a stream from a copy of all of it; begins again where the server gave up on it.
async fn bring_copy(log: &EventLog, snapshot: &Snapshot, file: &Path) -> Result<(), Failure> {
    let stream = snapshot.stream();
    let bar = bytes_bar(stream);
    let mut tries = 1;
    loop {
        let opened = File::open(file).await.map_err(cannot("cannot read", file))?;
        let mut source = BufReader::new(opened);
        let brought = log.restore(snapshot, &mut source, |bytes| bar.set_position(bytes)).await;
        match brought {
            Ok(()) => break,
            Err(error) if tries < TRIES && (is_stalled(&error) || tries > 1 && is_left(&error)) => {
                tracing::warn!(nats.stream = stream, %error, "a copy of a stream begins again");
                // The former try may have come to its end without a word, and there was nothing before it.
                if is_left(&error) {
                    log.undo_restore(stream).await.map_err(|error| copying(stream, &error))?;
                }
                tries += 1;
                sleep(PAUSE).await;
            }
            Err(error) => return Err(copying(stream, &error)),
        }
    }
    bar.finish_and_clear();
    Ok(())
}

/// Whether the server may have given up on a copy that came too slowly for it.
const fn is_stalled(error: &LogError) -> bool {
    matches!(error, LogError::Unavailable(_) | LogError::Refused { code: RESTORE_FAILED, .. })
}

/// Whether what is left of the former try is still there, or all that it was to bring: servers of a cluster clear away what
/// is left a moment later.
const fn is_left(error: &LogError) -> bool {
    matches!(error, LogError::Refused { code: LEFT_OVER, .. })
}

/// Writes the events of increments under the sequences they had, but for those that are gone.
async fn refill(
    log: &EventLog,
    stream: &str,
    added: &[(&BackupFolder, &Part)],
    last: &Part,
) -> Result<(), Failure> {
    let failed = |error: LogError| copying(stream, &error);
    let mut refill = log.refill().await.map_err(failed)?;
    let (bar, mut bytes) = (bytes_bar(stream), 0);
    for (backup, _) in added {
        let file = backup.path.join(messages_path(stream));
        let unreadable = cannot("cannot read", &file);
        let mut reader = MessagesReader::open(&file).await.map_err(&unreadable)?;
        while let Some(messages) = reader.next().await.map_err(&unreadable)? {
            for message in messages {
                bytes += u64::try_from(message.payload.len()).unwrap_or_default();
                if !last.gone.cover(message.sequence, message.sequence) {
                    refill.push(message).await.map_err(failed)?;
                }
            }
            bar.set_position(bytes);
        }
    }
    refill.finish(last.through, &last.gone).await.map_err(failed)?;
    bar.finish_and_clear();
    Ok(())
}

/// Puts back the pieces of files that increments hold, but for those that are gone.
async fn put(
    log: &EventLog,
    stream: &str,
    added: &[(&BackupFolder, &Part)],
    last: &Part,
) -> Result<(), Failure> {
    let (bar, mut bytes) = (bytes_bar(stream), 0);
    for (backup, _) in added {
        let file = backup.path.join(messages_path(stream));
        let unreadable = cannot("cannot read", &file);
        let mut reader = MessagesReader::open(&file).await.map_err(&unreadable)?;
        while let Some(mut messages) = reader.next().await.map_err(&unreadable)? {
            messages.retain(|message| !last.gone.cover(message.sequence, message.sequence));
            let size = |message: &eventlog::Copied| message.payload.len();
            bytes += u64::try_from(messages.iter().map(size).sum::<usize>()).unwrap_or_default();
            log.put_copied(messages).await.map_err(|error| copying(stream, &error))?;
            bar.set_position(bytes);
        }
    }
    bar.finish_and_clear();
    Ok(())
}

fn of_log(error: &LogError) -> Failure {
    copying("the log", error)
}

/// The folders of a chain, as people call them.
fn folders(chain: &Chain) -> String {
    let names: Vec<String> = chain.all().map(|backup| backup.name().to_string()).collect();
    names.join(", ")
}

fn report_checked(chain: &Chain, output: Output) -> Result<ExitCode, Failure> {
    let position = &chain.last().position;
    if output.json {
        let folders: Vec<_> = chain.all().map(|backup| &backup.path).collect();
        print_json(&json!({ "restorable": true, "folders": folders, "position": position }))?;
    } else {
        print(&format!("{}: whole, and fit together, up to {position}\n", folders(chain)))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn report(chain: &Chain, restored: &Restored, output: Output) -> Result<ExitCode, Failure> {
    let Restored { messages, copies } = restored;
    let last = chain.last();
    let manifest = &last.manifest;
    if output.json {
        let folders: Vec<_> = chain.all().map(|backup| &backup.path).collect();
        print_json(&json!({
            "folder": last.path, "folders": folders, "messages": messages, "copies": copies,
            "manifest": manifest, "sessions": "ended", "secrets": "new", "passwords_of": manifest.made_at,
        }))?;
        return Ok(ExitCode::SUCCESS);
    }
    let (streams, keys) =
        (count(manifest.streams.len(), "stream"), count(manifest.keys.len(), "key"));
    let messages = count(*messages, "message");
    let from = folders(chain);
    let each = if *copies > 1 { format!(" of {copies} copies each") } else { String::new() };
    print(&format!(
        "restored {from}: {streams}{each}, {messages}, {keys}\n\
         Every session has ended: people log in again, and the next start makes new secrets.\n\
         Passwords are those of the backup ({}): a password changed since is the former one again.\n",
        manifest.made_at
    ))?;
    Ok(ExitCode::SUCCESS)
}
