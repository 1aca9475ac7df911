//! (o): backing up, backing up what is new, and restoring, for every gigabyte of the server's streams.
//!
//! Half of the bytes are messages, half are files. An increment holds a tenth more of both. The baseline copies the
//! server's own files from one folder to another and syncs the copies, which is no backup: it is what the disk allows.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::process::Command;

use super::{Question, Rows, Scale};
use crate::load::{self, Poster};
use crate::report::Goal;
use crate::seed;
use crate::servers::{self, Outcome, STREAM, Tidings, unexpected};

/// Messages and files of the full size: about 500 MB together.
const MESSAGES: usize = 250_000;
const FILES: usize = 50;
/// Bytes of a file.
const FILE: usize = 5_000_000;
/// The stream of files.
const MEDIA: &str = "OBJ_tidings_media";
const GB: f64 = 1e9;

/// Bytes that no compression makes fewer, the same in every run.
fn noise(seed: usize) -> Vec<u8> {
    let mut state = seed as u64 + 1;
    let mut bytes = Vec::with_capacity(FILE + 8);
    while bytes.len() < FILE {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(FILE);
    bytes
}

/// Uploads files as clients do.
async fn upload(server: &Tidings, poster: &Poster, from: usize, count: usize) -> Outcome<()> {
    let http = reqwest::Client::new();
    for number in from..from + count {
        let kind = "application/octet-stream";
        let about =
            json!({"filename": format!("{number}.bin"), "content_type": kind, "size": FILE});
        let made = poster.person.post("/v1/media", &about).await?;
        let found = |at: &str| made.pointer(at).and_then(Value::as_str).unwrap_or_default();
        let mut url = found("/upload/url").to_owned();
        if url.starts_with('/') {
            url = format!("{}{url}", server.http);
        }
        let put = http.put(url).header("content-type", kind).body(noise(number)).send().await;
        put.map_err(unexpected)?.error_for_status().map_err(unexpected)?;
        let complete = format!("/v1/media/{}/complete", found("/media_id"));
        poster.person.post(&complete, &json!({})).await?;
    }
    Ok(())
}

/// Bytes of the streams that a backup is about.
async fn stored(server: &Tidings) -> Outcome<f64> {
    let context = servers::jetstream_of(&server.nats_url()?).await?;
    let mut bytes = 0;
    for name in [STREAM, MEDIA] {
        let mut stream = context.get_stream(name).await.map_err(unexpected)?;
        bytes += stream.info().await.map_err(unexpected)?.state.bytes;
    }
    Ok(bytes as f64)
}

/// Seconds that an operator's command takes.
async fn operate(program: &Path, data: &Path, arguments: &[&str]) -> Outcome<f64> {
    let started = Instant::now();
    let command = Command::new(program).args(arguments).arg("--data").arg(data).output().await?;
    if command.status.success() {
        Ok(started.elapsed().as_secs_f64())
    } else {
        Err(unexpected(String::from_utf8_lossy(&command.stderr)))
    }
}

/// Copies a folder's files and syncs each; the seconds it takes.
fn copy(from: &Path, into: &Path) -> Outcome<f64> {
    let started = Instant::now();
    let mut open = vec![(from.to_owned(), into.to_owned())];
    while let Some((from, into)) = open.pop() {
        if from.is_dir() {
            fs::create_dir_all(&into)?;
            for entry in fs::read_dir(&from)? {
                let entry = entry?;
                open.push((entry.path(), into.join(entry.file_name())));
            }
        } else if from.is_file() {
            // A running server's files come and go.
            if fs::copy(&from, &into).is_ok() {
                fs::File::open(&into)?.sync_all()?;
            }
        }
    }
    Ok(started.elapsed().as_secs_f64())
}

/// A folder's path as an argument.
fn path(folder: &TempDir, name: &str) -> Outcome<String> {
    let path: PathBuf = folder.path().join(name);
    path.to_str().map(str::to_owned).ok_or_else(|| unexpected("a path that is no text"))
}

/// Seconds for each gigabyte, of one round.
struct Figures {
    whole: f64,
    increment: f64,
    restored: f64,
    chain: f64,
    copied: f64,
}

async fn round(
    server: &Tidings,
    posters: &[Poster],
    from: usize,
    scale: Scale<'_>,
) -> Outcome<Figures> {
    let (program, data) = (&server.program, server.running.folder.path());
    let folder = tempfile::tempdir()?;
    let (whole, more) = (path(&folder, "whole")?, path(&folder, "more")?);
    let before = stored(server).await?;
    let copied = copy(&data.join("nats"), &folder.path().join("copy"))? / (before / GB);
    fs::remove_dir_all(folder.path().join("copy"))?;
    let made = operate(program, data, &["backup", &whole]).await? / (before / GB);

    let (messages, files) = (scale.of(MESSAGES).div_ceil(10), scale.of(FILES).div_ceil(10));
    seed::messages(server, posters, from, messages).await?;
    let first = posters.first().ok_or_else(|| unexpected("no users"))?;
    upload(server, first, from, files).await?;
    servers::wait_until_followed(server).await?;
    let after = stored(server).await?;
    let added = operate(program, data, &["backup", &more, "--since", &whole]).await?;
    let increment = added / ((after - before) / GB);

    let (one, two) = (folder.path().join("one"), folder.path().join("two"));
    let restored = operate(program, &one, &["restore", &whole]).await? / (before / GB);
    fs::remove_dir_all(&one)?;
    let chain = operate(program, &two, &["restore", &whole, &more]).await? / (after / GB);
    Ok(Figures { whole: made, increment, restored, chain, copied })
}

/// (o): a whole backup, an increment and both restores, in seconds for each gigabyte.
pub(crate) async fn backup(scale: Scale<'_>) -> Rows {
    let server = servers::tidings(scale.build, &["--sync", "2m"]).await?;
    let posters = load::posters(&server, "o", 16).await?;
    let first = posters.first().ok_or_else(|| unexpected("no users"))?;
    let (messages, files) = (scale.of(MESSAGES), scale.of(FILES));
    seed::messages(&server, &posters, 0, messages).await?;
    upload(&server, first, 0, files).await?;
    servers::wait_until_followed(&server).await?;
    let mut rounds = Vec::new();
    for number in 1..=scale.rounds {
        scale.turn.next(&[&server]).await;
        rounds.push(round(&server, &posters, number * messages, scale).await?);
    }
    let megabytes = stored(&server).await? / 1e6;
    let row = |what: &str, of: fn(&Figures) -> f64| {
        let question = Question {
            name: format!("(o) {what}, {megabytes:.0} MB"),
            unit: "s/GB",
            against: "the server's files copied and synced".into(),
            goal: Goal::None,
        };
        question.answered(rounds.iter().map(|figures| (of(figures), figures.copied)).collect())
    };
    Ok(vec![
        row("whole backup", |figures| figures.whole),
        row("backup of a tenth that is new", |figures| figures.increment),
        row("restore of a whole backup", |figures| figures.restored),
        row("restore with an increment", |figures| figures.chain),
    ])
}
