//! A client that trusts the contract, and what it holds.

use std::collections::{HashMap, HashSet};

use readmodel::{FollowerDoc, MessageDoc};
use schemas::{MessageId, RoomId, Sequence};
use serde_json::Value;

use super::docs::{Docs, shown};
use super::model::{History, Said};
use crate::live::fixture::{message, user};
use crate::live::wire;

pub(super) fn json(frame: &[u8]) -> Value {
    serde_json::from_slice(wire::payload(frame)).unwrap()
}

/// What a client holds.
#[derive(Debug, Default)]
pub(super) struct Client {
    pub(super) rooms: HashMap<String, Held>,
    pub(super) position: Sequence,
}

/// A message a client holds.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Message {
    body: String,
    replies: u64,
    /// As they are on the wire.
    reactions: Value,
    pinned: bool,
    there: bool,
}

impl Message {
    const GONE: Self = Self {
        body: String::new(),
        replies: 0,
        reactions: Value::Null,
        pinned: false,
        there: false,
    };

    fn of(doc: &MessageDoc) -> Self {
        if doc.deleted_at.is_some() {
            return Self { replies: doc.reply_count, ..Self::GONE };
        }
        Self {
            body: doc.body.clone(),
            replies: doc.reply_count,
            reactions: serde_json::to_value(shown(doc)).unwrap(),
            pinned: doc.pinned > 0,
            there: true,
        }
    }
}

#[derive(Debug, Default)]
pub(super) struct Held {
    messages: HashMap<String, Message>,
    markers: HashMap<String, String>,
    /// Whether it is pinned.
    pinned: bool,
    /// Whose marker stands where REST said.
    markers_by_rest: HashSet<String>,
    /// The threads the user follows, and how far they have read some.
    follows: HashSet<String>,
    threads: HashMap<String, String>,
    threads_by_rest: HashSet<String>,
}

impl Held {
    /// As REST gives a room.
    pub(super) fn load(docs: &Docs, room: &RoomId) -> Self {
        let messages = docs.messages.values().filter(|doc| doc.room_id == *room);
        let held = |doc: &MessageDoc| (doc.id.to_string(), Message::of(doc));
        let markers = docs.markers.iter().filter(|((of, _), _)| of == room);
        let marker = |((_, who), (_, id, _)): (&(RoomId, u64), &(_, MessageId, _))| {
            (user(*who).to_string(), id.to_string())
        };
        let markers: HashMap<String, String> = markers.map(marker).collect();
        let markers_by_rest = markers.keys().cloned().collect();
        let pinned = docs.own.get(room).is_some_and(|doc| doc.pinned);
        let own = || docs.following().filter(|doc| doc.room_id == *room);
        let follows = own().filter(|doc| doc.following).map(|doc| doc.root_id.to_string());
        // A marker of a former stay says nothing any more: who comes in has nothing unread.
        let read = |doc: &FollowerDoc| {
            (doc.marker_updated > doc.stay).then_some(())?;
            Some((doc.root_id.to_string(), doc.marker_message_id.as_ref()?.to_string()))
        };
        let threads: HashMap<String, String> = own().filter_map(read).collect();
        Self {
            messages: messages.map(held).collect(),
            markers,
            pinned,
            markers_by_rest,
            follows: follows.collect(),
            threads_by_rest: threads.keys().cloned().collect(),
            threads,
        }
    }
}

/// Where a message was posted.
fn place(said: &[Said], id: &str) -> Option<Sequence> {
    said.iter().enumerate().find_map(|(n, said)| {
        let is = message(u64::try_from(n).unwrap()).as_str() == id;
        is.then_some(said.posted)
    })
}

impl Held {
    fn thread(&mut self, frame: &Value, said: &[Said]) -> Result<(), String> {
        let text = |name: &str| frame["data"][name].as_str().unwrap_or_default().to_owned();
        let root = text("thread_root_id");
        match frame["event"].as_str().unwrap() {
            "thread.followed" => drop(self.follows.insert(root)),
            "thread.unfollowed" => drop(self.follows.remove(&root)),
            _ => {
                let to = text("message_id");
                let before = self.threads.get(&root);
                if before.is_some_and(|before| place(said, before) > place(said, &to)) {
                    // What REST has said meanwhile may be further.
                    let by_rest = self.threads_by_rest.contains(&root);
                    return by_rest.then_some(()).ok_or(format!("a marker goes back: {frame}"));
                }
                self.threads_by_rest.remove(&root);
                self.threads.insert(root, to);
            }
        }
        Ok(())
    }
}

impl Client {
    pub(super) fn loaded(history: &History, at: Sequence) -> Self {
        let docs = Docs::at(history, at);
        let rooms = docs.rooms();
        let load = |room: &RoomId| (room.to_string(), Held::load(&docs, room));
        Self { rooms: rooms.iter().map(load).collect(), position: at }
    }

    /// Applies a frame as a client would that trusts the contract. `now` is what REST says meanwhile.
    pub(super) fn apply(&mut self, frame: &Value, now: &Docs, said: &[Said]) -> Result<(), String> {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let position = text(&frame["position"]);
        let at: Sequence = position.trim_start_matches("e1:").parse().unwrap();
        if at < self.position {
            return Err(format!("{at} after {}: {frame}", self.position));
        }
        self.position = at;
        let room = text(&frame["room_id"]);
        let id = RoomId::parse(&room).unwrap();
        if frame["type"] == "reload" {
            self.rooms.insert(room, Held::load(now, &id));
            return Ok(());
        }
        match frame["event"].as_str().unwrap() {
            "member.joined" => {
                self.rooms.entry(room).or_insert_with(|| Held::load(now, &id));
            }
            "member.left" => {
                self.rooms.remove(&room);
            }
            "member.changed" => {}
            // Of a room they have been out of since, they may be told in between.
            "membership.changed" => {
                if let Some(held) = self.rooms.get_mut(&room) {
                    held.pinned = frame["data"]["pinned"].as_bool().unwrap();
                }
            }
            "read.moved" => {
                let held = self.rooms.get_mut(&room).ok_or("a marker of a room not held")?;
                let (who, to) =
                    (text(&frame["data"]["user_id"]), text(&frame["data"]["message_id"]));
                let place = |id: &str| place(said, id);
                if held.markers.get(&who).is_some_and(|before| place(before) > place(&to)) {
                    // What REST has said meanwhile may be further.
                    let by_rest = held.markers_by_rest.contains(&who);
                    return by_rest.then_some(()).ok_or(format!("a marker goes back: {frame}"));
                }
                held.markers_by_rest.remove(&who);
                held.markers.insert(who, to);
            }
            "thread.followed" | "thread.unfollowed" | "thread.read" => {
                let held = self.rooms.get_mut(&room).ok_or("a thread of a room not held")?;
                held.thread(frame, said)?;
            }
            name => self.message(name, &room, &frame["data"])?,
        }
        Ok(())
    }

    /// A resume tells messages with their counts: answers are counted by frames only when they come live.
    pub(super) fn message(&mut self, name: &str, room: &str, data: &Value) -> Result<(), String> {
        let held = self.rooms.get_mut(room).ok_or("a message of a room not held")?;
        let id = data["id"].as_str().unwrap().to_owned();
        let gone = held.messages.get(&id).is_some_and(|held| !held.there);
        if gone && name != "message.deleted" {
            return Err(format!("{name} after the deletion of {id}"));
        }
        let body = data["body"].as_str().unwrap().to_owned();
        match name {
            "message.posted" | "message.changed" => {
                let replies = data["reply_count"].as_u64().ok_or("no count")?;
                let pinned = data["pinned"].as_bool().ok_or("no pin")?;
                let reactions = data["reactions"].clone();
                let message = Message { body, replies, reactions, pinned, there: true };
                held.messages.insert(id, message);
            }
            "message.edited" => {
                held.messages.get_mut(&id).ok_or("an edit of what is not held")?.body = body;
            }
            "message.deleted" => {
                let before = held.messages.get(&id).map_or(0, |held| held.replies);
                let replies = data["reply_count"].as_u64().unwrap_or(before);
                held.messages.insert(id, Message { replies, ..Message::GONE });
            }
            other => return Err(format!("an unknown event {other}")),
        }
        Ok(())
    }

    /// Whether it holds what the documents say.
    pub(super) fn compare(&self, docs: &Docs) -> Result<(), String> {
        let rooms = docs.rooms();
        let mine: HashSet<String> = self.rooms.keys().cloned().collect();
        let theirs: HashSet<String> = rooms.iter().map(ToString::to_string).collect();
        if mine != theirs {
            return Err(format!("in {mine:?}, not {theirs:?}"));
        }
        for room in &rooms {
            let (held, truth) = (&self.rooms[room.as_str()], Held::load(docs, room));
            for (id, wanted) in &truth.messages {
                let mine = held.messages.get(id);
                let gone = !wanted.there && mine.is_none();
                if !gone && mine != Some(wanted) {
                    return Err(format!("{id}: {mine:?}, not {wanted:?}"));
                }
            }
            if held.pinned != truth.pinned {
                return Err(format!("{room} is pinned: {}", held.pinned));
            }
            if (&held.follows, &held.threads) != (&truth.follows, &truth.threads) {
                let mine = (&held.follows, &held.threads);
                return Err(format!("threads {mine:?}, not {:?}", (truth.follows, truth.threads)));
            }
            if held.markers != truth.markers {
                return Err(format!("markers {:?}, not {:?}", held.markers, truth.markers));
            }
        }
        Ok(())
    }
}
