//! (l): a room whose members come and go and type, against the same room silent.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::json;
use tokio::task::JoinSet;

use super::{Question, Rows, Scale};
use crate::load;
use crate::people::Person;
use crate::report::{Goal, percentile};
use crate::servers::{self, Outcome, Tidings, unexpected};
use crate::socket::{Reader, Writer};

/// Members of the room, each with one socket.
const MEMBERS: usize = 2_000;
/// People each member watches, by the API's limit.
const WATCHED: usize = 200;
/// How far those whom a member watches stand apart.
const STRIDE: usize = 37;
/// One in so many types all the time.
const TYPISTS: usize = 10;
/// One in so many comes and goes.
const GUESTS: usize = 20;
/// How often a typist says so.
const KEYSTROKES: Duration = Duration::from_secs(3);
/// Messages that are timed, and the pause between them.
const MESSAGES: usize = 400;
const PAUSE: Duration = Duration::from_millis(50);

/// A room that is measured.
#[derive(Clone, Copy)]
struct Room {
    members: usize,
    /// People each member watches; none of a silent room.
    watched: usize,
}

impl Room {
    fn is_lively(self) -> bool {
        self.watched > 0
    }
}

/// What one room cost.
struct Measured {
    /// The 99th percentile from sending a message to its arrival at every member, in milliseconds.
    p99: f64,
    /// Bytes of typing and presence each member was sent, per second.
    bytes: f64,
}

/// What the readers of all members saw.
#[derive(Default)]
struct Seen {
    latencies: Mutex<Vec<f64>>,
    /// When each message was sent.
    sent: Mutex<Vec<Instant>>,
    /// Bytes of typing and presence.
    aside: AtomicUsize,
}

impl Seen {
    fn note(&self, payload: &[u8]) {
        if payload.starts_with(br#"{"type":"typing""#)
            || payload.starts_with(br#"{"type":"presence""#)
        {
            self.aside.fetch_add(payload.len(), Ordering::Relaxed);
            return;
        }
        let Some(number) = message_number(payload) else { return };
        let at = self.sent.lock().ok().and_then(|sent| sent.get(number).copied());
        if let (Some(at), Ok(mut all)) = (at, self.latencies.lock()) {
            all.push(at.elapsed().as_secs_f64());
        }
    }

    fn count(&self) -> usize {
        self.latencies.lock().map_or(0, |all| all.len())
    }
}

fn message_number(payload: &[u8]) -> Option<usize> {
    if !payload.starts_with(br#"{"type":"event","event":"message.posted""#) {
        return None;
    }
    let text = std::str::from_utf8(payload).ok()?;
    let begin = r#""body":"l-"#;
    let rest = text.get(text.find(begin)? + begin.len()..)?;
    rest.get(..rest.find(' ')?)?.parse().ok()
}

/// A member who types whenever a typist does.
async fn types(mut writer: Writer, room: String, number: usize) {
    // Not all in the same moment.
    tokio::time::sleep(KEYSTROKES.mul_f64(number as f64 * 0.37 % 1.0)).await;
    let frame = json!({"type": "typing", "room_id": room, "active": true}).to_string();
    let mut ticks = tokio::time::interval(KEYSTROKES);
    loop {
        ticks.tick().await;
        if writer.write_text(frame.as_bytes()).await.is_err() {
            return;
        }
    }
}

/// A member who is here for some seconds, and away for long enough to be offline.
async fn comes_and_goes(server: Arc<Tidings>, person: Person, number: usize) {
    tokio::time::sleep(Duration::from_millis(number as u64 * 97 % 12_000)).await;
    while let Ok((writer, mut reader)) = load::open(&server, &person).await {
        let here = async { while reader.read_some(|_| ()).await.is_ok() {} };
        let _ = tokio::time::timeout(Duration::from_secs(2), here).await;
        drop((writer, reader));
        tokio::time::sleep(Duration::from_secs(11)).await;
    }
}

/// Opens a socket of each of the first of a crowd, who watch others of all of it.
async fn open_all(
    server: &Tidings,
    crowd: &[Person],
    Room { members, watched }: Room,
) -> Outcome<Vec<(Writer, Reader)>> {
    let mut open = Vec::with_capacity(members);
    for (number, person) in crowd.iter().take(members).enumerate() {
        let (mut writer, reader) = load::open(server, person).await?;
        if watched > 0 {
            // From all over the crowd, so that each watches as many of those who come and go.
            let ids: Vec<&str> = crowd
                .iter()
                .cycle()
                .skip(number)
                .step_by(STRIDE)
                .take(watched)
                .map(|other| other.id.as_str())
                .collect();
            let frame = json!({"type": "watch_presence", "user_ids": ids}).to_string();
            writer.write_text(frame.as_bytes()).await?;
        }
        open.push((writer, reader));
    }
    Ok(open)
}

/// Times messages in a room of so many members.
async fn measured(scale: Scale<'_>, messages: usize, this: Room) -> Outcome<Measured> {
    let server = Arc::new(servers::tidings(scale.build, &["--sync", "2m"]).await?);
    let (members, lively) = (this.members, this.is_lively());
    let guests = if lively { members / GUESTS } else { 0 };
    let crowd = Person::crowd(&server, "l", members + members / GUESTS).await?;
    let (first, others) = crowd.split_first().ok_or_else(|| unexpected("no users"))?;
    let room = first.make_room("l room", others).await?;
    let open = open_all(&server, &crowd, this).await?;
    let (seen, mut tasks) = (Arc::new(Seen::default()), JoinSet::new());
    let mut quiet = Vec::new();
    for (number, (writer, mut reader)) in open.into_iter().enumerate() {
        let seen = Arc::clone(&seen);
        tasks.spawn(
            async move { while reader.read_some(|frame| seen.note(frame)).await.is_ok() {} },
        );
        if lively && number % TYPISTS == 1 {
            tasks.spawn(types(writer, room.clone(), number));
        } else {
            quiet.push(writer);
        }
    }
    for (number, person) in crowd.iter().skip(members).take(guests).enumerate() {
        tasks.spawn(comes_and_goes(Arc::clone(&server), person.clone(), number));
    }
    // Until those who come and go have done both.
    tokio::time::sleep(Duration::from_secs(if lively { 15 } else { 3 })).await;
    let (aside, begun) = (seen.aside.load(Ordering::Relaxed), Instant::now());
    let writer = quiet.first_mut().ok_or_else(|| unexpected("no sockets"))?;
    let mut ticks = tokio::time::interval(PAUSE);
    for number in 0..messages {
        ticks.tick().await;
        if let Ok(mut sent) = seen.sent.lock() {
            sent.push(Instant::now());
        }
        // Only the sender is told the client id.
        let body = format!("l-{number} {}", load::BODY);
        let post = json!({"type": "post", "room_id": room, "client_id": format!("l-{number}"), "body": body});
        writer.write_text(post.to_string().as_bytes()).await?;
    }
    let deadline = Instant::now() + Duration::from_secs(60);
    while seen.count() < messages * members && Instant::now() < deadline {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let seconds = begun.elapsed().as_secs_f64();
    let aside = seen.aside.load(Ordering::Relaxed) - aside;
    tasks.abort_all();
    let mut all =
        seen.latencies.lock().map(|mut all| std::mem::take(&mut *all)).unwrap_or_default();
    if all.len() < messages * members {
        return Err(unexpected(format!("{} deliveries of {}", all.len(), messages * members)));
    }
    let bytes = aside as f64 / members as f64 / seconds;
    Ok(Measured { p99: percentile(&mut all, 0.99) * 1e3, bytes })
}

/// (l): chat's p99 beside typing and presence, and what those cost a member as the room grows fourfold.
pub(crate) async fn presence(scale: Scale<'_>) -> Rows {
    let (members, messages) = (scale.of(MEMBERS).max(40), scale.of(MESSAGES));
    let watched = WATCHED.min(members / 4);
    let (mut chat, mut cost) = (Vec::new(), Vec::new());
    for _ in 0..scale.rounds {
        scale.turn.next(&[]).await;
        let lively = measured(scale, messages, Room { members, watched }).await?;
        let silent = measured(scale, messages, Room { members, watched: 0 }).await?;
        let small = measured(scale, messages, Room { members: members / 4, watched }).await?;
        chat.push((lively.p99, silent.p99));
        cost.push((lively.bytes, small.bytes));
    }
    let chatting = Question {
        name: format!("(l) chat p99, {members} members come, go and type"),
        unit: "ms",
        against: "the same room silent".into(),
        goal: Goal::AtMost(1.5),
    };
    let costing = Question {
        name: format!("(l) typing and presence per member, {members} members"),
        unit: "bytes/s",
        against: "a quarter of the members".into(),
        goal: Goal::AtMost(1.5),
    };
    Ok(vec![chatting.answered(chat), costing.answered(cost)])
}
