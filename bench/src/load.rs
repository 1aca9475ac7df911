//! Chat traffic over sockets: users post in their rooms, pipelined or paced, and receive their own posts as events.
//! A message counts when it was both acknowledged and delivered.

use std::collections::HashMap;
use std::io;
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::people::Person;
use crate::servers::{Outcome, Tidings, unexpected};
use crate::socket::{self, Reader, Writer};

/// A user and the room they post in.
#[derive(Clone)]
pub(crate) struct Poster {
    /// The user.
    pub person: Person,
    /// The room they post in.
    pub room: String,
}

/// How fast to post.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Pace {
    /// As fast as answers come, with this many unanswered posts per user.
    Pipelined(usize),
    /// This many posts per second and user.
    Every(f64),
}

/// The results of a run.
pub(crate) struct Run {
    /// Messages acknowledged and delivered, per second.
    pub rate: f64,
    /// Seconds from sending to delivery, one per message.
    pub latencies: Vec<f64>,
}

/// Creates `count` users, each with a public room of their own.
pub(crate) async fn posters(server: &Tidings, prefix: &str, count: usize) -> Outcome<Vec<Poster>> {
    let crowd = Person::crowd(server, prefix, count).await?;
    let mut posters = Vec::with_capacity(count);
    for person in crowd {
        let room = person.make_room(&format!("{prefix} {}", posters.len()), &[]).await?;
        posters.push(Poster { person, room });
    }
    Ok(posters)
}

/// A text of 120 characters, the length of a chat message that says something.
pub(crate) const BODY: &str = "The quick brown fox jumps over the lazy dog while the event log keeps every word of it, in order, exactly once, for ever";

fn frame(room: &str, tag: &str, number: usize) -> Vec<u8> {
    let payload = format!(
        r#"{{"type":"post","id":{number},"room_id":"{room}","client_id":"{tag}-{number}","body":"{BODY}"}}"#
    );
    let mut out = Vec::with_capacity(payload.len() + 8);
    socket::encode_text(&mut out, payload.as_bytes());
    out
}

/// The number after `"<key>":"<tag>-` or `"<key>":`, found without parsing the whole frame.
fn number_after(payload: &[u8], key: &str) -> Option<usize> {
    let text = std::str::from_utf8(payload).ok()?;
    let at = text.find(key)? + key.len();
    let rest = text.get(at..)?;
    let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    rest.get(..end)?.parse().ok()
}

/// Opens a person's socket and waits for `welcome`.
pub(crate) async fn open(server: &Tidings, person: &Person) -> io::Result<(Writer, Reader)> {
    let (writer, mut reader) = socket::connect(&server.address, Some(&person.token)).await?;
    reader.read_until(|payload| payload.starts_with(br#"{"type":"welcome""#)).await?;
    Ok((writer, reader))
}

/// The position a person's new socket begins at, for a later resume. The socket is closed again.
pub(crate) async fn position(server: &Tidings, person: &Person) -> Outcome<String> {
    let (_, mut reader) = socket::connect(&server.address, Some(&person.token)).await?;
    let welcome = reader.read_until(|frame| frame.starts_with(br#"{"type":"welcome""#)).await?;
    let welcome: serde_json::Value = serde_json::from_slice(&welcome).map_err(unexpected)?;
    let position = welcome.pointer("/position").and_then(serde_json::Value::as_str);
    position.map(str::to_owned).ok_or_else(|| unexpected("a welcome without a position"))
}

struct Watched {
    acknowledged: usize,
    delivered: usize,
    latencies: Vec<f64>,
}

async fn watch(
    mut reader: Reader,
    tag: String,
    count: usize,
    mut sent: tokio::sync::mpsc::UnboundedReceiver<(usize, Instant)>,
    window: std::sync::Arc<Semaphore>,
) -> Outcome<Watched> {
    let mut times: HashMap<usize, Instant> = HashMap::new();
    let mut seen = Watched { acknowledged: 0, delivered: 0, latencies: Vec::with_capacity(count) };
    let key = format!(r#""client_id":"{tag}-"#);
    let mut refused = None;
    while seen.acknowledged < count || seen.delivered < count {
        let read = reader.read_some(|payload| {
            if payload.starts_with(br#"{"type":"ok""#) {
                seen.acknowledged += 1;
                window.add_permits(1);
            } else if payload.starts_with(br#"{"type":"event","event":"message.posted""#) {
                let Some(number) = number_after(payload, &key) else { return };
                while let Ok((n, at)) = sent.try_recv() {
                    times.insert(n, at);
                }
                if let Some(at) = times.remove(&number) {
                    seen.latencies.push(at.elapsed().as_secs_f64());
                    seen.delivered += 1;
                }
            } else if payload.starts_with(br#"{"type":"error""#) {
                refused = Some(String::from_utf8_lossy(payload).into_owned());
            }
        });
        tokio::time::timeout(Duration::from_secs(60), read).await.map_err(|_| {
            unexpected(format!(
                "stuck at {} acks, {} deliveries of {count}",
                seen.acknowledged, seen.delivered
            ))
        })??;
        if let Some(text) = refused {
            return Err(unexpected(text));
        }
    }
    Ok(seen)
}

async fn drive(
    server_address: String,
    poster: Poster,
    tag: String,
    count: usize,
    pace: Pace,
    phase: f64,
) -> Outcome<Watched> {
    let (mut writer, mut reader) =
        socket::connect(&server_address, Some(&poster.person.token)).await?;
    reader.read_until(|payload| payload.starts_with(br#"{"type":"welcome""#)).await?;
    let window = std::sync::Arc::new(Semaphore::new(match pace {
        Pace::Pipelined(width) => width,
        Pace::Every(_) => Semaphore::MAX_PERMITS / 2,
    }));
    let (sent, times) = tokio::sync::mpsc::unbounded_channel();
    let watcher = tokio::spawn(watch(reader, tag.clone(), count, times, window.clone()));
    let mut tick = match pace {
        Pace::Every(rate) => {
            let period = Duration::from_secs_f64(1.0 / rate);
            let begin = tokio::time::Instant::now() + period.mul_f64(phase);
            let mut tick = tokio::time::interval_at(begin, period);
            tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Burst);
            Some(tick)
        }
        Pace::Pipelined(_) => None,
    };
    let mut number = 0;
    while number < count {
        if let Some(tick) = &mut tick {
            tick.tick().await;
        }
        window.acquire().await.map_err(unexpected)?.forget();
        // Everything else the window allows goes out in the same write, as a busy client would send it.
        let mut chunk = frame(&poster.room, &tag, number);
        let _ = sent.send((number, Instant::now()));
        number += 1;
        while tick.is_none() && number < count && chunk.len() < 16 * 1024 {
            let Ok(permit) = window.try_acquire() else { break };
            permit.forget();
            chunk.extend_from_slice(&frame(&poster.room, &tag, number));
            let _ = sent.send((number, Instant::now()));
            number += 1;
        }
        writer.write_raw(&chunk).await?;
    }
    watcher.await.map_err(unexpected)?
}

/// Lets every poster post `each` messages and waits until all are acknowledged and delivered.
pub(crate) async fn run(
    server: &Tidings,
    posters: &[Poster],
    each: usize,
    pace: Pace,
    tag: &str,
) -> Outcome<Run> {
    let started = Instant::now();
    let mut running = JoinSet::new();
    for (i, poster) in posters.iter().enumerate() {
        running.spawn(drive(
            server.address.clone(),
            poster.clone(),
            format!("{tag}.{i}"),
            each,
            pace,
            // Independent users do not post at the same moments.
            i as f64 / posters.len() as f64,
        ));
    }
    let mut latencies = Vec::with_capacity(each * posters.len());
    while let Some(done) = running.join_next().await {
        latencies.extend(done.map_err(unexpected)??.latencies);
    }
    let rate = (each * posters.len()) as f64 / started.elapsed().as_secs_f64();
    Ok(Run { rate, latencies })
}
