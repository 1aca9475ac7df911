//! `tidings backup` and `tidings restore`: a folder with everything that cannot be made again.
//!
//! That is the log, the dead letters, the secrets and media of the namespace (each a copy in the format of
//! `nats stream backup`), and the keys. The read model is not in it: it is built from the log.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use eventlog::{EventLog, LogError, Snapshot};
use schemas::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::fs::{self, File};
use tokio::io::{BufReader, BufWriter};

use super::reach::Reached;
use crate::base::connect_log;
use crate::cli::Output;
use crate::config::Config;
use crate::data::{make_private, write_private};
use crate::failure::Failure;
use crate::terminal::{bytes_bar, print, print_json};

/// The layout this build writes and reads.
const FORMAT: u32 = 1;
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
    reached: &Reached,
) -> Result<ExitCode, Failure> {
    if into.exists() {
        return Err(Failure::wrong_call(format!("{} exists already", into.display())));
    }
    let log = connect_log(reached.url(), "tidings backup", config).await?;
    log.attach().await.map_err(|error| Failure::because("the log cannot be read", &error))?;
    // A copy of a damaged log is a damaged log, and the server copies it without a word.
    log.check_everything(None).await.map_err(|error| copying("the log", &error))?;
    let streams = log.streams().await.map_err(|error| copying("the log", &error))?;
    let mut messages = 0;
    for stream in &streams {
        messages += copy_stream(&log, stream, &into.join("streams").join(stream)).await?;
    }
    let keys = copy_files(&config.keys, &into.join("keys")).await?;
    let manifest = Manifest {
        format: FORMAT,
        namespace: config.namespace.to_string(),
        made_at: Timestamp::now(),
        made_by: env!("CARGO_PKG_VERSION").to_owned(),
        streams,
        keys,
    };
    write_json(&into.join("backup.json"), &manifest)?;
    report("backup", into, &manifest, messages, output)
}

/// Brings a backup back into an empty namespace and an empty keys folder.
///
/// # Errors
/// It is no backup, it is another namespace's, something is there already, or it is damaged.
pub(crate) async fn restore(
    from: &Path,
    output: Output,
    config: &Config,
    reached: &Reached,
) -> Result<ExitCode, Failure> {
    let manifest = read_manifest(from, config).await?;
    let log = connect_log(reached.url(), "tidings restore", config).await?;
    let there = log.streams().await.map_err(|error| copying("the log", &error))?;
    if let Some(stream) = there.first() {
        let text = format!("there is a log already (stream {stream}); restore wants an empty one");
        return Err(Failure::wrong_call(text));
    }
    if let Some(key) = manifest.keys.iter().find(|key| config.keys.join(key).exists()) {
        let file = config.keys.join(key);
        return Err(Failure::wrong_call(format!("{} exists already", file.display())));
    }
    // The log last: without it nothing else counts as there, so a restore that was cut short is seen.
    let mut messages = 0;
    for stream in manifest.streams.iter().rev() {
        messages += restore_stream(&log, &from.join("streams").join(stream)).await?;
    }
    copy_files(&from.join("keys"), &config.keys).await?;
    log.attach().await.map_err(|error| copying("the log", &error))?;
    log.check_everything(None).await.map_err(|error| copying("the log", &error))?;
    report("restored", from, &manifest, messages, output)
}

fn copying(what: &str, error: &LogError) -> Failure {
    Failure::because(&format!("{what} cannot be copied"), error)
}

async fn copy_stream(log: &EventLog, stream: &str, folder: &Path) -> Result<u64, Failure> {
    make_private(folder).map_err(cannot("cannot make", folder))?;
    let file = folder.join("stream.tar.s2");
    let mut sink = BufWriter::new(File::create(&file).await.map_err(cannot("cannot make", &file))?);
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
        if !about.is_file() || about.len() > LARGEST_KEY {
            continue;
        }
        let content = fs::read(&path).await.map_err(cannot("cannot read", &path))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let target = into.join(&name);
        write_private(&target, &content).map_err(cannot("cannot write", &target))?;
        names.push(name);
    }
    names.sort();
    Ok(names)
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
    if output.json {
        print_json(&json!({ "folder": folder, "messages": messages, "manifest": manifest }))?;
    } else {
        let (streams, keys) = (manifest.streams.len(), manifest.keys.len());
        let from = folder.display();
        print(&format!("{what} {from}: {streams} streams, {messages} messages, {keys} keys\n"))?;
    }
    Ok(ExitCode::SUCCESS)
}
