//! (c) and (j): one room with many sockets, and what stalled readers cost the others.

use std::process::Stdio;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdin, Command};
use tokio::task::JoinSet;

use super::{Question, Rows, Scale, send};
use crate::load::{self, Pace, Poster};
use crate::people::Person;
use crate::report::{Goal, Row, percentile};
use crate::servers::{self, Outcome, Tidings, unexpected};
use crate::socket::{self, Reader, Writer};

/// Sockets one person may have, by the API's limit; one is kept free for posting.
const PER_PERSON: usize = 19;
/// Users who post in the room of (c), so that messages come from several sockets.
const POSTERS: usize = 16;

/// Sockets that count the messages they are sent, and answer pings. Dropping it closes them.
pub(crate) struct Audience {
    received: Arc<AtomicUsize>,
    _tasks: JoinSet<()>,
    _writers: Vec<Writer>,
}

fn is_message(payload: &[u8]) -> bool {
    payload.starts_with(br#"{"type":"event","event":"message.posted""#)
        || payload.starts_with(b"xxxx")
}

impl Audience {
    /// Reads from these sockets.
    pub(crate) fn of(sockets: Vec<(Writer, Reader)>) -> Self {
        let received = Arc::new(AtomicUsize::new(0));
        let mut tasks = JoinSet::new();
        let mut writers = Vec::new();
        for (writer, mut reader) in sockets {
            writers.push(writer);
            let received = received.clone();
            tasks.spawn(async move {
                loop {
                    let mut messages = 0;
                    let read =
                        reader.read_some(|payload| messages += usize::from(is_message(payload)));
                    if read.await.is_err() {
                        return;
                    }
                    received.fetch_add(messages, Ordering::Relaxed);
                }
            });
        }
        Self { received, _tasks: tasks, _writers: writers }
    }

    async fn until(&self, total: usize) -> Outcome<()> {
        let deadline = Instant::now() + Duration::from_secs(120);
        while self.received.load(Ordering::Relaxed) < total {
            if Instant::now() > deadline {
                let seen = self.received.load(Ordering::Relaxed);
                return Err(unexpected(format!("{seen} deliveries of {total}")));
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        Ok(())
    }
}

struct RawServer {
    _child: Child,
    orders: ChildStdin,
    address: String,
}

async fn raw_server(payload_len: usize) -> Outcome<RawServer> {
    let own = std::env::current_exe()?;
    let mut child = Command::new(own)
        .args(["baseline-server", &payload_len.to_string()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let stdout = child.stdout.take().ok_or_else(|| unexpected("no standard output"))?;
    let orders = child.stdin.take().ok_or_else(|| unexpected("no standard input"))?;
    let port = BufReader::new(stdout).lines().next_line().await?.unwrap_or_default();
    Ok(RawServer { _child: child, orders, address: format!("127.0.0.1:{port}") })
}

async fn raw_rate(
    server: &mut RawServer,
    audience: &Audience,
    sockets: usize,
    frames: usize,
    per_write: usize,
) -> Outcome<f64> {
    let before = audience.received.load(Ordering::Relaxed);
    let started = Instant::now();
    server.orders.write_all(format!("GO {frames} {per_write}\n").as_bytes()).await?;
    audience.until(before + sockets * (frames / per_write) * per_write).await?;
    Ok((sockets * frames) as f64 / started.elapsed().as_secs_f64())
}

/// A room whose members have `sockets` sockets in all, and each a place for one more to post from.
pub(crate) async fn room_with_sockets(
    server: &Tidings,
    prefix: &str,
    sockets: usize,
) -> Outcome<(Vec<Poster>, Vec<(Writer, Reader)>)> {
    let crowd = Person::crowd(server, prefix, sockets.div_ceil(PER_PERSON)).await?;
    let (first, others) = crowd.split_first().ok_or_else(|| unexpected("no users"))?;
    let room = first.make_room(&format!("{prefix} room"), others).await?;
    let mut open = Vec::with_capacity(sockets);
    for i in 0..sockets {
        let person = crowd.get(i / PER_PERSON).ok_or_else(|| unexpected("too few users"))?;
        open.push(load::open(server, person).await?);
    }
    let posters = crowd.iter().map(|person| Poster { person: person.clone(), room: room.clone() });
    Ok((posters.collect(), open))
}

/// (c): a room of 1,000 sockets against a raw loop that writes a prebuilt frame to as many.
pub(crate) async fn fanout(scale: Scale<'_>) -> Rows {
    let sockets = scale.of(1000);
    let payload = send::stored_payload()?.len();
    let server = servers::tidings(scale.build, &["--sync", "2m"]).await?;
    let (posters, open) = room_with_sockets(&server, "c", sockets).await?;
    let posters = posters.get(..POSTERS.min(posters.len())).unwrap_or_default();
    let audience = Audience::of(open);
    let mut raw = raw_server(payload).await?;
    let mut raw_open = Vec::with_capacity(sockets);
    for _ in 0..sockets {
        raw_open.push(socket::connect(&raw.address, None).await?);
    }
    let raw_audience = Audience::of(raw_open);
    let (mut single, mut coalesced) = (Vec::new(), Vec::new());
    for round in 0..scale.rounds {
        scale.turn.next(&[&server]).await;
        let each = scale.of(8000) / posters.len();
        let frames = each * posters.len();
        let before = audience.received.load(Ordering::Relaxed);
        let started = Instant::now();
        load::run(&server, posters, each, Pace::Pipelined(256 / POSTERS), &format!("c{round}"))
            .await?;
        audience.until(before + frames * sockets).await?;
        let ours = (frames * sockets) as f64 / started.elapsed().as_secs_f64();
        single.push((ours, raw_rate(&mut raw, &raw_audience, sockets, frames / 4, 1).await?));
        coalesced.push((ours, raw_rate(&mut raw, &raw_audience, sockets, frames, 50).await?));
    }
    let question = |against: &str, goal| Question {
        name: format!("(c) fan-out to {sockets} sockets"),
        unit: "deliveries/s",
        against: against.to_owned(),
        goal,
    };
    Ok(vec![
        question("raw loop, one write per frame", Goal::AtLeast(4.0)).answered(single),
        question("raw loop, 50 frames per write", Goal::AtLeast(0.45)).answered(coalesced),
    ])
}

/// Readers that note when message `<tag>-<n>` came, for the posting times in `sent`.
struct Timed {
    latencies: Arc<Mutex<Vec<f64>>>,
    tasks: JoinSet<()>,
}

fn message_number(payload: &[u8], tag: &str) -> Option<usize> {
    let text = std::str::from_utf8(payload).ok()?;
    let at = text.find(tag)? + tag.len();
    let rest = text.get(at..)?;
    rest.get(..rest.find('"')?)?.parse().ok()
}

impl Timed {
    fn watch(readers: Vec<Reader>, tag: &str, sent: &Arc<Mutex<Vec<Instant>>>) -> Self {
        let latencies = Arc::new(Mutex::new(Vec::new()));
        let mut tasks = JoinSet::new();
        for mut reader in readers {
            let (latencies, sent, tag) = (latencies.clone(), sent.clone(), tag.to_owned());
            tasks.spawn(async move {
                let note = |payload: &[u8]| {
                    let Some(number) = message_number(payload, &tag) else { return };
                    let at = sent.lock().ok().and_then(|sent| sent.get(number).copied());
                    if let (Some(at), Ok(mut all)) = (at, latencies.lock()) {
                        all.push(at.elapsed().as_secs_f64());
                    }
                };
                while reader.read_some(note).await.is_ok() {}
            });
        }
        Self { latencies, tasks }
    }
}

async fn healthy_p99(scale: Scale<'_>, stalled_share: f64, round: usize) -> Outcome<f64> {
    let sockets = scale.of(500);
    let server = servers::tidings(scale.build, &["--sync", "2m"]).await?;
    let prefix = format!("j{round}x");
    let (posters, open) = room_with_sockets(&server, &prefix, sockets).await?;
    let poster = posters.first().ok_or_else(|| unexpected("no users"))?;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share of a count"
    )]
    let stalled = (sockets as f64 * stalled_share) as usize;
    let (mut writers, mut readers) = (Vec::new(), Vec::new());
    for (writer, reader) in open {
        writers.push(writer);
        readers.push(reader);
    }
    // Stalled readers keep their connection open and never read from it.
    let asleep: Vec<Reader> = readers.drain(..stalled).collect();
    let sent = Arc::new(Mutex::new(Vec::new()));
    let mut timed = Timed::watch(readers, "\"j-", &sent);
    let (mut writer, mut own) = load::open(&server, &poster.person).await?;
    let drain = tokio::spawn(async move { while own.read_some(|_| ()).await.is_ok() {} });
    let mut tick = tokio::time::interval(Duration::from_millis(5));
    let count = scale.of(2000);
    for number in 0..count {
        tick.tick().await;
        if let Ok(mut sent) = sent.lock() {
            sent.push(Instant::now());
        }
        let post = serde_json::json!({"type": "post", "room_id": poster.room, "client_id": format!("j-{number}"), "body": load::BODY});
        writer.write_text(post.to_string().as_bytes()).await?;
    }
    let wanted = count * (sockets - stalled);
    let deadline = Instant::now() + Duration::from_secs(60);
    while timed.latencies.lock().map_or(0, |all| all.len()) < wanted && Instant::now() < deadline {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    timed.tasks.abort_all();
    drain.abort();
    drop((asleep, writers));
    let mut all = timed.latencies.lock().map(|all| all.clone()).unwrap_or_default();
    if all.len() < wanted {
        return Err(unexpected(format!(
            "{} deliveries of {wanted} with {stalled} stalled",
            all.len()
        )));
    }
    Ok(percentile(&mut all, 0.99) * 1e3)
}

/// (j): the healthy readers' p99 with a tenth of the readers stalled, against none stalled.
pub(crate) async fn stalled(scale: Scale<'_>) -> Rows {
    let mut rounds = Vec::new();
    for round in 0..scale.rounds {
        scale.turn.next(&[]).await;
        let with = healthy_p99(scale, 0.1, round).await?;
        let without = healthy_p99(scale, 0.0, round).await?;
        rounds.push((with, without));
    }
    let question = Question {
        name: "(j) healthy p99, 10 % of readers stalled".into(),
        unit: "ms",
        against: "the same with no reader stalled".into(),
        goal: Goal::AtMost(1.1),
    };
    let rows: Vec<Row> = vec![question.answered(rounds)];
    Ok(rows)
}
