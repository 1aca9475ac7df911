//! What one client saw, over all the sockets it had one after another.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use schemas::Sequence;
use serde_json::Value;

use super::truth::PIN;

/// An event a client was told of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Told {
    /// `message.posted` and so on.
    pub(crate) event: String,
    pub(crate) room: String,
    pub(crate) position: Sequence,
    pub(crate) previous: Option<Sequence>,
    /// The message it is about, if it is about one.
    pub(crate) message: Option<Message>,
    /// What it says of what stands beside a message.
    pub(crate) beside: Option<Beside>,
    /// The person it is about, if it is about one's membership or read marker.
    pub(crate) user: Option<String>,
    /// Where a read marker stands now: a message's id.
    pub(crate) marker: Option<String>,
}

impl Told {
    /// The message it is about, or what stands beside it is.
    pub(crate) fn about(&self) -> Option<&str> {
        let beside = self.beside.as_ref().map(|beside| beside.message.as_str());
        self.message.as_ref().map(|message| message.id.as_str()).or(beside)
    }
}

/// A reaction or a pin that was added or taken back, as it was told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Beside {
    pub(crate) message: String,
    /// The emoji, or [`PIN`].
    pub(crate) what: String,
    pub(crate) there: bool,
}

/// A message as it was told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Message {
    pub(crate) id: String,
    /// Where it was posted.
    pub(crate) posted: Sequence,
    pub(crate) body: String,
    /// Who reacted how, and whether it is pinned; none where the frame does not say.
    pub(crate) beside: Option<BTreeSet<(String, String)>>,
}

/// What stands beside a message as a document shows it: pairs of user and emoji, and [`PIN`] without a user.
pub(crate) fn beside(document: &Value) -> Option<BTreeSet<(String, String)>> {
    let pinned = document["pinned"].as_bool()?;
    let mut all = BTreeSet::new();
    for kind in document["reactions"].as_array()? {
        let emoji = kind["emoji"].as_str()?;
        for user in kind["users"].as_array()? {
            all.insert((user.as_str()?.to_owned(), emoji.to_owned()));
        }
    }
    if pinned {
        all.insert((String::new(), PIN.to_owned()));
    }
    Some(all)
}

/// One entry of a trace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Seen {
    /// A socket was welcomed; the client has everything up to there, and hears what is later.
    Opened { after: Sequence },
    /// An event.
    Told(Box<Told>),
    /// What the client holds of a room may have holes: it has to load it anew, as of that place at least.
    Reload { room: String, position: Sequence },
    /// What was missed has been sent.
    Resumed { position: Sequence, at: Duration },
    /// What was missed cannot be sent.
    Reset { reason: String },
    /// The socket is gone.
    Ended { code: Option<u16>, at: Duration },
    /// The last word was heard: whatever happened before should have been told by now.
    Finished { position: Sequence },
}

/// A time without a socket: from its end to the end of the resume on the next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Absence {
    pub(crate) client: String,
    /// What the server closed with, if it did.
    pub(crate) code: Option<u16>,
    /// When the socket ended, since the record began.
    pub(crate) from: Duration,
    /// None when the client never came back.
    pub(crate) lasted: Option<Duration>,
}

/// Everything a client saw, in order.
#[derive(Debug, Clone)]
pub(crate) struct Trace {
    pub(crate) name: String,
    pub(crate) user: String,
    pub(crate) seen: Vec<Seen>,
    begun: Instant,
}

impl Trace {
    pub(crate) fn new(name: &str, user: &str, begun: Instant) -> Self {
        Self { name: name.to_owned(), user: user.to_owned(), seen: Vec::new(), begun }
    }

    /// A socket was welcomed by which the client hears what is later than a position.
    pub(crate) fn opened(&mut self, after: &str) {
        let after = sequence(after).expect("a position");
        self.seen.push(Seen::Opened { after });
    }

    /// A frame came.
    pub(crate) fn frame(&mut self, frame: &Value) {
        let at = self.begun.elapsed();
        match frame["type"].as_str() {
            Some("event") => self.seen.extend(told(frame).map(Box::new).map(Seen::Told)),
            Some("reload") => {
                let room = frame["room_id"].as_str().expect("a room").to_owned();
                let position = position(frame).expect("a position");
                self.seen.push(Seen::Reload { room, position });
            }
            Some("resumed") => {
                let position = position(frame).expect("a position");
                self.seen.push(Seen::Resumed { position, at });
            }
            Some("reset") => {
                let reason = frame["reason"].as_str().unwrap_or_default().to_owned();
                self.seen.push(Seen::Reset { reason });
            }
            _ => {}
        }
    }

    /// The socket is gone.
    pub(crate) fn ended(&mut self, code: Option<u16>) {
        self.seen.push(Seen::Ended { code, at: self.begun.elapsed() });
    }

    /// The last word was heard.
    pub(crate) fn finished(&mut self, position: Sequence) {
        self.seen.push(Seen::Finished { position });
    }

    /// Every time without a socket.
    pub(crate) fn absences(&self) -> Vec<Absence> {
        let mut absences: Vec<Absence> = Vec::new();
        for seen in &self.seen {
            match seen {
                Seen::Ended { code, at } => match absences.last_mut() {
                    // It broke again before it had resumed: still the same absence.
                    Some(last) if last.lasted.is_none() => {}
                    _ => absences.push(Absence {
                        client: self.name.clone(),
                        code: *code,
                        from: *at,
                        lasted: None,
                    }),
                },
                Seen::Resumed { at, .. } => {
                    if let Some(last) = absences.last_mut().filter(|last| last.lasted.is_none()) {
                        last.lasted = Some(at.saturating_sub(last.from));
                    }
                }
                _ => {}
            }
        }
        absences
    }
}

/// The sequence of a position.
pub(crate) fn sequence(position: &str) -> Option<Sequence> {
    position.rsplit_once(':')?.1.parse().ok()
}

fn position(of: &Value) -> Option<Sequence> {
    sequence(of["position"].as_str()?)
}

/// An event of a room; those that are a person's own (accounts, notifications) are not looked at.
fn told(frame: &Value) -> Option<Told> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let event = text(&frame["event"]);
    let data = &frame["data"];
    let there = match event.as_str() {
        "reaction.added" | "message.pinned" => Some(true),
        "reaction.removed" | "message.unpinned" => Some(false),
        _ => None,
    };
    let of_message = event.starts_with("message.") && there.is_none();
    let message = of_message.then(|| Message {
        id: text(&data["id"]),
        posted: position(data).unwrap_or_default(),
        body: text(&data["body"]),
        beside: beside(data),
    });
    let what = data["emoji"].as_str().unwrap_or(PIN).to_owned();
    let beside = there.map(|there| Beside { message: text(&data["message_id"]), what, there });
    Some(Told {
        room: frame["room_id"].as_str()?.to_owned(),
        position: position(frame).expect("an event has a position"),
        previous: frame["previous"].as_str().and_then(sequence),
        message,
        beside,
        user: data["user_id"].as_str().map(str::to_owned),
        marker: (event == "read.moved").then(|| text(&data["message_id"])),
        event,
    })
}
