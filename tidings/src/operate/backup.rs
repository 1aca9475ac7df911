//! `tidings backup` and `tidings restore`: a folder with everything that cannot be made again.
//!
//! That is the log, the dead letters, the secrets and media of the namespace (each a copy in the format of
//! `nats stream backup`), and the keys. The read model is not in it: it is built from the log. Nor are sessions
//! and what signs their tokens: what was logged out or stolen since must not live again. A restore ends every
//! session, and new secrets are made at the next start.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use eventlog::{EventLog, LogError, Snapshot};
use schemas::{Namespace, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::fs::{self, File, OpenOptions};
use tokio::io::{BufReader, BufWriter};

use super::attach::Attached;
use crate::cli::Output;
use crate::config::Config;
use crate::data::{make_private, sync_folder_of, write_private};
use crate::failure::Failure;
use crate::names;
use crate::shared_deps::connect_log;
use crate::terminal::{bytes_bar, print, print_json};

/// The layout this build writes and reads.
const FORMAT: u32 = 1;
/// What a restore says it has done.
const RESTORED: &str = "restored";
/// Files of one of these keys folders are small; a larger one is not a key.
const LARGEST_KEY: u64 = 1 << 20;

/// What lies in a backup, written last: a folder without it is not a backup.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Manifest {
    format: u32,
    namespace: String,
    made_at: Timestamp,
    made_by: String,
    /// The streams, in the order in which they are restored: the log first.
    streams: Vec<String>,
    keys: Vec<String>,
}

/// Buckets of what ends with a restore: sessions, whose they are, tickets for sockets, one-time codes, and the
/// store's own tries.
const EPHEMERAL: &[&str] =
    &["sessions", "user_sessions", "tickets", "challenges", "codes", "attempts", "store_probe"];

/// Whether a stream comes back with a restore.
fn lasts(stream: &str, namespace: &Namespace) -> bool {
    EPHEMERAL.iter().all(|bucket| *stream != format!("KV_{}", namespace.bucket(bucket)))
}

/// Whether a file of the keys folder comes back with a restore: not what sessions, tokens and codes are made
/// with. What names, invitations and links are found by must stay what it is.
fn is_lasting_key(name: &str) -> bool {
    let of_sessions = ["signing", "refresh", "otp"].iter().any(|made| name.starts_with(made));
    !of_sessions && !name.starts_with('.')
}

fn cannot(what: &str, path: &Path) -> impl Fn(std::io::Error) -> Failure {
    let what = format!("{what} {}", path.display());
    move |error| Failure::because(&what, &error)
}

/// Copies everything into a new folder, while writers go on.
///
/// # Errors
/// The folder exists, the log is damaged, or something cannot be read or written; the folder is then not a backup.
pub(crate) async fn backup(
    into: &Path,
    output: Output,
    config: &Config,
    attached: &Attached,
) -> Result<ExitCode, Failure> {
    if into.exists() {
        return Err(Failure::wrong_call(format!("{} exists already", into.display())));
    }
    let log = connect_log(attached.url(), "tidings backup", config).await?;
    log.attach().await.map_err(|error| Failure::because("the log cannot be read", &error))?;
    let name_key = names::to_copy(&config.name_key, &log).await?;
    // A copy of a damaged log is a damaged log, and the server copies it without a word.
    log.check_everything(None).await.map_err(|error| copying("the log", &error))?;
    let mut streams = log.streams().await.map_err(|error| copying("the log", &error))?;
    streams.retain(|stream| lasts(stream, &config.namespace));
    let mut messages = 0;
    for stream in &streams {
        messages += copy_stream(&log, stream, &into.join("streams").join(stream)).await?;
    }
    let mut keys = copy_files(&config.keys, &into.join("keys")).await?;
    if let Some(key) = name_key.filter(|_| !keys.iter().any(|key| key == names::FILE)) {
        put_key(&into.join("keys").join(names::FILE), &key)?;
        keys.push(names::FILE.to_owned());
    }
    let manifest = Manifest {
        format: FORMAT,
        namespace: config.namespace.to_string(),
        made_at: Timestamp::now(),
        made_by: env!("CARGO_PKG_VERSION").to_owned(),
        streams,
        keys,
    };
    write_json(&into.join("backup.json"), &manifest)?;
    sync_folder_of(into).map_err(cannot("cannot write", into))?;
    report("backup", into, &manifest, messages, output)
}

/// Brings a backup back into an empty namespace and an empty keys folder. Every session has ended then.
///
/// # Errors
/// It is no backup, it is another namespace's, something is there already, or it is damaged.
pub(crate) async fn restore(
    from: &Path,
    output: Output,
    config: &Config,
    attached: &Attached,
) -> Result<ExitCode, Failure> {
    let manifest = read_manifest(from, config).await?;
    let log = connect_log(attached.url(), "tidings restore", config).await?;
    let there = log.streams().await.map_err(|error| copying("the log", &error))?;
    if let Some(stream) = there.first() {
        let text = format!("there is a log already (stream {stream}); restore wants an empty one");
        return Err(Failure::wrong_call(text));
    }
    if let Some(file) = other_key(&config.keys, &from.join("keys")) {
        return Err(Failure::wrong_call(format!("{} exists already", file.display())));
    }
    if let Some(files) = attached.files() {
        log.sync_below(files.to_owned());
    }
    // The log last: without it nothing else counts as there, so a restore that was cut short is seen.
    let mut messages = 0;
    let lasting = manifest.streams.iter().filter(|stream| lasts(stream, &config.namespace));
    for stream in lasting.rev() {
        messages += restore_stream(&log, &from.join("streams").join(stream)).await?;
    }
    copy_files(&from.join("keys"), &config.keys).await?;
    if let Ok(key) = fs::read(from.join("keys").join(names::FILE)).await {
        put_key(&config.name_key, &key)?;
    }
    log.attach().await.map_err(|error| copying("the log", &error))?;
    log.check_everything(None).await.map_err(|error| copying("the log", &error))?;
    log.sync_everything().await.map_err(|error| copying("the log", &error))?;
    report(RESTORED, from, &manifest, messages, output)
}

fn copying(what: &str, error: &LogError) -> Failure {
    Failure::because(&format!("{what} cannot be copied"), error)
}

async fn copy_stream(log: &EventLog, stream: &str, folder: &Path) -> Result<u64, Failure> {
    make_private(folder).map_err(cannot("cannot make", folder))?;
    let file = folder.join("stream.tar.s2");
    let made = OpenOptions::new().create_new(true).write(true).mode(0o600).open(&file).await;
    let mut sink = BufWriter::new(made.map_err(cannot("cannot make", &file))?);
    let bar = bytes_bar(stream);
    let snapshot = log
        .snapshot(stream, &mut sink, |bytes| bar.set_position(bytes))
        .await
        .map_err(|error| copying(stream, &error))?;
    sink.get_ref().sync_all().await.map_err(cannot("cannot write", &file))?;
    write_json(&folder.join("backup.json"), &snapshot)?;
    bar.finish_and_clear();
    Ok(snapshot.messages())
}

async fn restore_stream(log: &EventLog, folder: &Path) -> Result<u64, Failure> {
    let description = folder.join("backup.json");
    let text = fs::read(&description).await.map_err(cannot("cannot read", &description))?;
    let mut snapshot: Snapshot = serde_json::from_slice(&text)
        .map_err(|error| Failure::because(&description.display().to_string(), &error))?;
    if snapshot.stream() == log.namespace().events_stream() {
        snapshot.renew_epoch();
    }
    let file = folder.join("stream.tar.s2");
    let mut source = BufReader::new(File::open(&file).await.map_err(cannot("cannot read", &file))?);
    let bar = bytes_bar(snapshot.stream());
    log.restore(&snapshot, &mut source, |bytes| bar.set_position(bytes))
        .await
        .map_err(|error| copying(snapshot.stream(), &error))?;
    bar.finish_and_clear();
    Ok(snapshot.messages())
}

async fn read_manifest(from: &Path, config: &Config) -> Result<Manifest, Failure> {
    let file = from.join("backup.json");
    let text = fs::read(&file)
        .await
        .map_err(|_| Failure::wrong_call(format!("{} is not a finished backup", from.display())))?;
    let manifest: Manifest = serde_json::from_slice(&text).map_err(|error| {
        Failure::wrong_call(format!("{} cannot be read: {error}", file.display()))
    })?;
    let plain = |name: &String| !name.is_empty() && !name.contains(['/', '\\', '\0']);
    if manifest.format != FORMAT || !manifest.streams.iter().chain(&manifest.keys).all(plain) {
        return Err(Failure::wrong_call("the backup was made by another version of tidings"));
    }
    if manifest.namespace != config.namespace.as_str() {
        let text = format!("it is a backup of namespace {}; say --namespace", manifest.namespace);
        return Err(Failure::wrong_call(text));
    }
    Ok(manifest)
}

/// Copies the files of a flat folder, readable by their owner only; a folder that is not there has none.
async fn copy_files(from: &Path, into: &Path) -> Result<Vec<String>, Failure> {
    let mut names = Vec::new();
    let Ok(mut entries) = fs::read_dir(from).await else { return Ok(names) };
    make_private(into).map_err(cannot("cannot make", into))?;
    while let Some(entry) = entries.next_entry().await.map_err(cannot("cannot read", from))? {
        let path: PathBuf = entry.path();
        let about = entry.metadata().await.map_err(cannot("cannot read", &path))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if !about.is_file() || about.len() > LARGEST_KEY || !is_lasting_key(&name) {
            continue;
        }
        let content = fs::read(&path).await.map_err(cannot("cannot read", &path))?;
        let target = into.join(&name);
        write_private(&target, &content).map_err(cannot("cannot write", &target))?;
        names.push(name);
    }
    names.sort();
    Ok(names)
}

/// A file that lies in a keys folder and is not one that comes back: a restore must not mix with an installation that
/// has keys of its own.
fn other_key(folder: &Path, backup: &Path) -> Option<PathBuf> {
    let entries = std::fs::read_dir(folder).ok()?;
    let mut files = entries.filter_map(|entry| entry.ok().map(|entry| entry.path()));
    files.find(|path| path.is_file() && !comes_back(path, backup))
}

/// Whether the backup has this very key.
fn comes_back(path: &Path, backup: &Path) -> bool {
    let Some(name) = path.file_name() else { return false };
    let there = (std::fs::read(path), std::fs::read(backup.join(name)));
    is_lasting_key(&name.to_string_lossy())
        && matches!(there, (Ok(ours), Ok(theirs)) if ours == theirs)
}

fn put_key(file: &Path, key: &[u8]) -> Result<(), Failure> {
    let write = || {
        make_private(file.parent().unwrap_or(Path::new(".")))?;
        write_private(file, key)
    };
    write().map_err(cannot("cannot write", file))
}

fn write_json(file: &Path, value: &impl Serialize) -> Result<(), Failure> {
    let text = serde_json::to_vec_pretty(value)
        .map_err(|error| Failure::because(&file.display().to_string(), &error))?;
    write_private(file, &text).map_err(cannot("cannot write", file))
}

fn report(
    what: &str,
    folder: &Path,
    manifest: &Manifest,
    messages: u64,
    output: Output,
) -> Result<ExitCode, Failure> {
    let restored = what == RESTORED;
    if output.json {
        let mut told = json!({ "folder": folder, "messages": messages, "manifest": manifest });
        if restored {
            told["sessions"] = json!("ended");
            told["secrets"] = json!("new");
            told["passwords_of"] = json!(manifest.made_at);
        }
        print_json(&told)?;
        return Ok(ExitCode::SUCCESS);
    }
    let (streams, keys) = (manifest.streams.len(), manifest.keys.len());
    let from = folder.display();
    print(&format!("{what} {from}: {streams} streams, {messages} messages, {keys} keys\n"))?;
    if restored {
        print(&format!(
            "Every session has ended: people log in again, and the next start makes new secrets.\n\
             Passwords are those of the backup ({}): a password changed since is the former one again.\n",
            manifest.made_at
        ))?;
    }
    Ok(ExitCode::SUCCESS)
}
