//! A history, the documents of any place in it, and a client that trusts the contract.

use std::collections::{BTreeMap, HashMap, HashSet};

use proptest::prelude::{Strategy, any, prop_oneof};
use readmodel::{MembershipDoc, MessageDoc};
use schemas::values::RoomRole;
use schemas::{Event, EventData, MessageId, RoomId, Sequence, Timestamp};
use serde_json::Value;

use crate::live::fixture::{
    added, answered, deleted, edited, event, message, posted, read, removed, user,
};

pub(super) const LISTENER: u64 = 1;
pub(super) const AUTHOR: u64 = 9;
pub(super) const ROOMS: [u64; 2] = [1, 2];

/// What may happen; numbers are taken modulo what there is.
#[derive(Debug, Clone)]
pub(super) enum Act {
    Post(u64),
    Answer(usize),
    Edit(usize),
    /// Also twice, and before an edit.
    Delete(usize),
    Read(usize, bool),
    /// In, or out.
    Turn(u64),
}

pub(super) fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        4 => (0..2_u64).prop_map(Act::Post),
        3 => any::<usize>().prop_map(Act::Answer),
        5 => any::<usize>().prop_map(Act::Edit),
        3 => any::<usize>().prop_map(Act::Delete),
        3 => (any::<usize>(), any::<bool>()).prop_map(|(n, own)| Act::Read(n, own)),
        2 => (0..2_u64).prop_map(Act::Turn),
    ]
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Said {
    pub(super) room: u64,
    pub(super) root: Option<u64>,
    pub(super) posted: Sequence,
}

/// The events a history leads to, the first at 1.
#[derive(Debug, Default)]
pub(super) struct History {
    pub(super) events: Vec<Event>,
    pub(super) said: Vec<Said>,
    pub(super) inside: HashSet<u64>,
}

impl History {
    pub(super) fn of(acts: &[Act]) -> Self {
        let mut history = Self::default();
        for room in ROOMS {
            history.events.push(added(room, LISTENER));
            history.inside.insert(room);
        }
        acts.iter().for_each(|act| history.act(act));
        history
    }

    pub(super) fn next(&self) -> Sequence {
        u64::try_from(self.events.len()).unwrap() + 1
    }

    pub(super) fn pick(&self, n: usize) -> Option<(u64, Said)> {
        let index = n.checked_rem(self.said.len())?;
        Some((u64::try_from(index).unwrap(), self.said[index].clone()))
    }

    pub(super) fn post(&mut self, room: u64, root: Option<u64>) {
        let (id, posted_at) = (u64::try_from(self.said.len()).unwrap(), self.next());
        let event = match root {
            None => posted(room, id, AUTHOR),
            Some(root) => answered(room, id, AUTHOR, root),
        };
        self.events.push(event);
        self.said.push(Said { room, root, posted: posted_at });
    }

    pub(super) fn act(&mut self, act: &Act) {
        match act {
            Act::Post(room) => self.post(room + 1, None),
            Act::Answer(n) => {
                if let Some((id, said)) = self.pick(*n) {
                    let root = said.root.unwrap_or(id);
                    self.post(said.room, Some(root));
                }
            }
            Act::Edit(n) => {
                let Some((id, said)) = self.pick(*n) else { return };
                let edit = edited(said.room, id, AUTHOR, said.posted);
                let EventData::MessageEdited(mut edit) = edit.data else { unreachable!() };
                let text = format!("at {}", self.next());
                edit.message.body = schemas::values::Body::parse(&text).unwrap();
                edit.message.thread_root_id = said.root.map(message);
                self.events.push(event(edit));
            }
            Act::Delete(n) => {
                let Some((id, said)) = self.pick(*n) else { return };
                let gone = deleted(said.room, id, AUTHOR, said.posted);
                let EventData::MessageDeleted(mut gone) = gone.data else { unreachable!() };
                gone.thread_root_id = said.root.map(message);
                self.events.push(event(gone));
            }
            Act::Read(n, own) => {
                let Some((id, said)) = self.pick(*n) else { return };
                let who = if *own { LISTENER } else { AUTHOR };
                let moved = read(said.room, who, id);
                let EventData::ReadMoved(mut moved) = moved.data else { unreachable!() };
                moved.posted = said.posted;
                self.events.push(event(moved));
            }
            Act::Turn(room) => {
                let room = room + 1;
                if self.inside.remove(&room) {
                    self.events.push(removed(room, LISTENER));
                } else {
                    self.inside.insert(room);
                    self.events.push(added(room, LISTENER));
                }
            }
        }
    }

    pub(super) fn upto(&self, head: Sequence) -> impl Iterator<Item = (Sequence, &Event)> {
        (1..=head).zip(&self.events)
    }
}

/// The documents as of a place, by the rules of the projector.
#[derive(Debug, Default, Clone, PartialEq)]
pub(super) struct Docs {
    pub(super) messages: BTreeMap<MessageId, MessageDoc>,
    pub(super) own: BTreeMap<RoomId, MembershipDoc>,
    /// By room and reader: where the message was posted, and the event that moved the marker there.
    pub(super) markers: BTreeMap<(RoomId, u64), (Sequence, MessageId, Sequence)>,
}

impl Docs {
    pub(super) fn at(history: &History, head: Sequence) -> Self {
        let mut docs = Self::default();
        history.upto(head).for_each(|(at, event)| docs.apply(at, event));
        docs
    }

    pub(super) fn rooms(&self) -> HashSet<RoomId> {
        self.own.values().filter(|doc| doc.present).map(|doc| doc.room_id.clone()).collect()
    }

    pub(super) fn count(&mut self, root: Option<&MessageId>, at: Sequence, more: bool) {
        let Some(root) = root.and_then(|root| self.messages.get_mut(root)) else { return };
        let count = root.reply_count;
        root.reply_count = if more { count + 1 } else { count.saturating_sub(1) };
        (root.beside, root.updated) = (at, at);
    }

    pub(super) fn apply(&mut self, at: Sequence, event: &Event) {
        match &event.data {
            EventData::MessagePosted(data) => {
                let state = &data.message;
                self.count(state.thread_root_id.as_ref(), at, true);
                self.messages.insert(
                    state.id.clone(),
                    MessageDoc {
                        id: state.id.clone(),
                        room_id: state.room_id.clone(),
                        number: at,
                        main_number: at,
                        sender_id: state.sender_id.clone(),
                        client_id: None,
                        body: state.body.to_string(),
                        format: state.format,
                        attachments: Vec::new(),
                        mentions: Vec::new(),
                        mentions_room: None,
                        thread_root_id: state.thread_root_id.clone(),
                        reply_count: 0,
                        created_at: state.created_at,
                        edited_at: None,
                        deleted_at: None,
                        posted: at,
                        changed: at,
                        beside: 0,
                        updated: at,
                    },
                );
            }
            EventData::MessageEdited(data) => {
                let doc = self.messages.get_mut(&data.message.id).unwrap();
                if doc.deleted_at.is_none() {
                    doc.body = data.message.body.to_string();
                    doc.edited_at = Some(data.edited_at);
                    (doc.changed, doc.updated) = (at, at);
                }
            }
            EventData::MessageDeleted(data) => {
                let doc = self.messages.get_mut(&data.message_id).unwrap();
                if doc.deleted_at.is_some() {
                    return;
                }
                doc.deleted_at = Some(data.deleted_at);
                doc.body.clear();
                (doc.changed, doc.updated) = (at, at);
                self.count(data.thread_root_id.as_ref(), at, false);
            }
            EventData::ReadMoved(data) => {
                let who = if data.user_id == user(LISTENER) { LISTENER } else { AUTHOR };
                let key = (data.room_id.clone(), who);
                if self.markers.get(&key).is_none_or(|(reached, ..)| data.posted > *reached) {
                    self.markers.insert(key, (data.posted, data.message_id.clone(), at));
                }
            }
            EventData::MemberAdded(data) => {
                let returned = self.own.contains_key(&data.member.room_id);
                self.own.insert(
                    data.member.room_id.clone(),
                    membership(&data.member.room_id, at, returned),
                );
            }
            EventData::MemberRemoved(data) => {
                let doc = self.own.get_mut(&data.member.room_id).unwrap();
                (doc.present, doc.changed, doc.updated) = (false, at, at);
            }
            other => unreachable!("{}", other.type_name()),
        }
    }
}

pub(super) fn membership(room: &RoomId, at: Sequence, returned: bool) -> MembershipDoc {
    MembershipDoc {
        room_id: room.clone(),
        user_id: user(LISTENER),
        role: RoomRole::Member,
        present: true,
        banned: false,
        muted_until: None,
        joined_at: Timestamp::from_millis(1),
        joined: at,
        returned,
        marker_number: 0,
        marker_main: 0,
        marker_moved: false,
        marker_message_id: None,
        marker_at: 0,
        marker_updated: 0,
        changed: at,
        updated: at,
    }
}

pub(super) fn json(frame: &[u8]) -> Value {
    let start = frame.iter().position(|byte| *byte == b'{').unwrap();
    serde_json::from_slice(&frame[start..]).unwrap()
}

/// What a client holds.
#[derive(Debug, Default)]
pub(super) struct Client {
    pub(super) rooms: HashMap<String, Held>,
    pub(super) position: Sequence,
}

#[derive(Debug, Default)]
pub(super) struct Held {
    /// Body, answers and whether it is there.
    messages: HashMap<String, (String, u64, bool)>,
    markers: HashMap<String, String>,
}

impl Held {
    /// As REST gives a room.
    pub(super) fn load(docs: &Docs, room: &RoomId) -> Self {
        let messages = docs.messages.values().filter(|doc| doc.room_id == *room);
        let held = |doc: &MessageDoc| {
            (doc.id.to_string(), (doc.body.clone(), doc.reply_count, doc.deleted_at.is_none()))
        };
        let markers = docs.markers.iter().filter(|((of, _), _)| of == room);
        let marker = |((_, who), (_, id, _)): (&(RoomId, u64), &(_, MessageId, _))| {
            (user(*who).to_string(), id.to_string())
        };
        Self { messages: messages.map(held).collect(), markers: markers.map(marker).collect() }
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
            "read.moved" => {
                let held = self.rooms.get_mut(&room).ok_or("a marker of a room not held")?;
                let (who, to) =
                    (text(&frame["data"]["user_id"]), text(&frame["data"]["message_id"]));
                let place = |id: &str| {
                    said.iter().enumerate().find_map(|(n, said)| {
                        let is = message(u64::try_from(n).unwrap()).as_str() == id;
                        is.then_some(said.posted)
                    })
                };
                let before = held.markers.insert(who, to.clone());
                // What REST has said meanwhile may be further.
                if before.is_some_and(|before| place(&before) > place(&to)) && at == self.position {
                    return Err(format!("a marker goes back: {frame}"));
                }
            }
            name => self.message(name, &room, &frame["data"])?,
        }
        Ok(())
    }

    /// A resume tells messages with their counts: answers are counted by frames only when they come live.
    pub(super) fn message(&mut self, name: &str, room: &str, data: &Value) -> Result<(), String> {
        let held = self.rooms.get_mut(room).ok_or("a message of a room not held")?;
        let id = data["id"].as_str().unwrap().to_owned();
        let gone = held.messages.get(&id).is_some_and(|(_, _, there)| !there);
        if gone && name != "message.deleted" {
            return Err(format!("{name} after the deletion of {id}"));
        }
        let body = data["body"].as_str().unwrap().to_owned();
        match name {
            "message.posted" | "message.changed" => {
                let replies = data["reply_count"].as_u64().ok_or("no count")?;
                held.messages.insert(id, (body, replies, true));
            }
            "message.edited" => {
                held.messages.get_mut(&id).ok_or("an edit of what is not held")?.0 = body;
            }
            "message.deleted" => {
                held.messages.insert(id, (String::new(), 0, false));
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
            for (id, (body, replies, there)) in &truth.messages {
                let mine = held.messages.get(id);
                let same = match mine {
                    Some((my_body, my_replies, true)) => {
                        *there && my_body == body && my_replies == replies
                    }
                    Some((_, _, false)) | None => !there,
                };
                if !same {
                    return Err(format!("{id}: {mine:?}, not {:?}", (body, replies, there)));
                }
            }
            if held.markers != truth.markers {
                return Err(format!("markers {:?}, not {:?}", held.markers, truth.markers));
            }
        }
        Ok(())
    }
}
