//! What a client holds that does what docs/API.md tells clients to do, and no more: it applies frames in the order in which
//! they come, and loads over REST what a frame tells it to load.
//!
//! The picture of `history` is made of the record of a load and held against the log. This one is whole (rooms, members,
//! counts, the inbox) and lives while the case runs, as its client has to know what to load.

use std::collections::{BTreeMap, BTreeSet};

use schemas::Sequence;
use serde_json::{Value, json};

use super::facts::{self, Facts, text};
use super::room::{Room, Told};
use crate::history::sequence;

/// What a client has to load, as of a position.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Want {
    /// A room, whole.
    Room { room: String, position: String },
    /// A user's names.
    User { user: String, position: String },
}

/// What a client holds.
pub(super) struct Picture {
    me: String,
    rooms: BTreeMap<String, Room>,
    notifications: BTreeMap<String, Value>,
    users: BTreeMap<String, Value>,
    account: Value,
    /// Between `welcome` and `resumed`.
    resuming: bool,
    /// The highest position received, as the sequence and as it was told.
    reached: (Sequence, String),
    /// What should not have come.
    odd: Vec<String>,
    /// Every frame that came, in short.
    heard: Vec<String>,
}

impl Picture {
    pub(super) fn of(me: &str) -> Self {
        Self {
            me: me.to_owned(),
            rooms: BTreeMap::new(),
            notifications: BTreeMap::new(),
            users: BTreeMap::new(),
            account: Value::Null,
            resuming: false,
            reached: (0, String::new()),
            odd: Vec::new(),
            heard: Vec::new(),
        }
    }

    /// Where to resume.
    pub(super) fn position(&self) -> &str {
        &self.reached.1
    }

    /// What should not have come.
    pub(super) fn odd(&self) -> &[String] {
        &self.odd
    }

    /// The last frames that were about something, and when its room was loaded.
    pub(super) fn heard_of(&self, key: &str) -> Vec<&String> {
        let words: Vec<&str> = key.split(' ').collect();
        let what = words.last().copied().unwrap_or_default();
        let loaded = format!("(loaded {}", words.get(1).copied().unwrap_or_default());
        let about = |heard: &&String| heard.contains(what) || heard.starts_with(&loaded);
        let mut of: Vec<&String> = self.heard.iter().rev().filter(about).take(20).collect();
        of.reverse();
        of
    }

    /// Takes what a client loads first: its account and its inbox.
    pub(super) fn begin(&mut self, account: &Value, inbox: &[Value]) {
        self.account = facts::account(account);
        let of = |one: &Value| (text(&one["id"]), facts::notification(one));
        self.notifications = inbox.iter().map(of).collect();
    }

    /// Takes a room that was loaded; none when the user may not read it any more.
    pub(super) fn load_room(&mut self, room: &str, loaded: Option<Loaded>, settled: Sequence) {
        let Some(Loaded { doc, members, messages }) = loaded else {
            self.rooms.remove(room);
            return;
        };
        self.heard.push(format!("(loaded {room}, whole up to {settled})"));
        for member in &members {
            self.users.insert(text(&member["user_id"]), facts::user(&member["user"]));
        }
        let begun = self.reached.0;
        let held = self.rooms.entry(room.to_owned()).or_insert_with(|| Room::begun(begun));
        held.load(&doc, &members, &messages, settled);
    }

    /// Takes a user's names that were loaded.
    pub(super) fn load_user(&mut self, user: &Value) {
        self.users.insert(text(&user["id"]), facts::user(user));
    }

    /// Applies a frame; what has to be loaded.
    pub(super) fn apply(&mut self, frame: &Value) -> Vec<Want> {
        let kind = frame["type"].as_str().unwrap_or_default();
        if ["welcome", "event", "reload", "resumed"].contains(&kind) {
            self.reach(&frame["position"]);
        }
        self.remember(kind, frame);
        match kind {
            "welcome" => self.resuming = frame["resumed"] == true,
            "resumed" => self.resuming = false,
            "reset" => self.odd.push(format!("reset: {frame}")),
            "reload" => {
                return vec![Want::Room {
                    room: text(&frame["room_id"]),
                    position: text(&frame["position"]),
                }];
            }
            "event" => return self.event(frame),
            _ => {}
        }
        Vec::new()
    }

    fn reach(&mut self, position: &Value) {
        let position = text(position);
        match sequence(&position) {
            Some(at) if at >= self.reached.0 => self.reached = (at, position),
            Some(_) => {}
            None => self.odd.push(format!("a frame at {position:?}")),
        }
    }

    fn remember(&mut self, kind: &str, frame: &Value) {
        if ["ok", "pong", "typing", "presence"].contains(&kind) {
            return;
        }
        let resuming = if self.resuming { " (resuming)" } else { "" };
        let mut heard = format!("{kind} {}{resuming}", text(&frame["position"]));
        let data = &frame["data"];
        for field in [
            &frame["event"],
            &frame["room_id"],
            &data["id"],
            &data["message_id"],
            &data["user_id"],
            &data["thread_root_id"],
            &data["emoji"],
            &data["body"],
            &data["reply_count"],
            &data["reactions"],
            &frame["reason"],
        ] {
            if !field.is_null() {
                heard = format!("{heard} {field}");
            }
        }
        self.heard.push(heard.chars().take(400).collect());
    }

    fn event(&mut self, frame: &Value) -> Vec<Want> {
        let me = self.me.clone();
        let told = Told {
            me: &me,
            resuming: self.resuming,
            event: frame["event"].as_str().unwrap_or_default(),
            at: frame["position"].as_str().and_then(sequence).unwrap_or_default(),
            data: &frame["data"],
        };
        if let Some(room) = frame["room_id"].as_str() {
            return self.in_room(room, &text(&frame["position"]), &told);
        }
        let id = text(&told.data["id"]);
        match told.event {
            "notification.created" => {
                self.notifications.insert(id, facts::notification(told.data));
            }
            "notification.read" => self.notification_read(&id, told.data),
            "notification.removed" => {
                self.notifications.remove(&id);
            }
            "user.changed" => self.user_changed(&id, told.data),
            _ => {}
        }
        Vec::new()
    }

    fn notification_read(&mut self, id: &str, data: &Value) {
        if data["all"] == true {
            self.notifications.values_mut().for_each(|one| one["read"] = json!(true));
            return;
        }
        if !data["kind"].is_null() {
            self.notifications.insert(id.to_owned(), facts::notification(data));
        }
        match self.notifications.get_mut(id) {
            Some(one) => one["read"] = json!(true),
            None => self.odd.push(format!("an entry was read that is not held: {data}")),
        }
    }

    fn user_changed(&mut self, id: &str, data: &Value) {
        if id == self.me {
            self.account = facts::account(data);
        }
        self.users.insert(id.to_owned(), facts::user(data));
        if data["deleted"] == true {
            self.rooms.values_mut().for_each(|room| room.blank(id));
        }
    }

    fn in_room(&mut self, id: &str, position: &str, told: &Told<'_>) -> Vec<Want> {
        let who = text(&told.data["user_id"]);
        let (room, position) = (id.to_owned(), position.to_owned());
        if told.event.starts_with("member.") && who == self.me {
            return self.own_membership(room, position, told);
        }
        let Some(held) = self.rooms.get_mut(id) else {
            if told.event == "room.created" {
                let mut begun = Room::begun(told.at);
                begun.changed(told.data);
                self.rooms.insert(room, begun);
            }
            return Vec::new();
        };
        match told.event {
            "room.created" | "room.changed" | "room.archived" | "room.restored" => {
                held.changed(told.data);
            }
            "membership.changed" => held.own_settings(told),
            "member.joined" | "member.changed" | "member.left" => {
                held.member(told);
                if told.event == "member.joined" {
                    return vec![Want::User { user: who, position }];
                }
            }
            _ => held.apply(told),
        }
        Vec::new()
    }

    fn own_membership(&mut self, room: String, position: String, told: &Told<'_>) -> Vec<Want> {
        match told.event {
            "member.left" => {
                self.rooms.remove(&room);
            }
            "member.joined" => {
                self.rooms.insert(room.clone(), Room::begun(told.at));
                // In a resume a `reload` follows.
                if !told.resuming {
                    return vec![Want::Room { room, position }];
                }
            }
            _ => {
                if let Some(held) = self.rooms.get_mut(&room) {
                    held.member(told);
                }
            }
        }
        Vec::new()
    }

    /// What the client would show to a user who blocks these; and what of it it cannot know.
    pub(super) fn facts(&self, blocked: &BTreeSet<String>) -> (Facts, BTreeSet<String>) {
        let (mut facts, mut unsure) = (Facts::new(), BTreeSet::new());
        facts.insert("account".to_owned(), self.account.clone());
        let (mut rooms, mut messages, mut mentions, mut threads) = (0, 0, 0, 0);
        for (id, room) in &self.rooms {
            room.facts(id, &self.me, blocked, &mut facts);
            let waiting = room.thread_facts(id, (&self.me, blocked), &mut facts, &mut unsure);
            if room.is_hidden() {
                continue;
            }
            let unread = room.unread(&self.me, blocked);
            let counted = if room.is_quiet() { unread.mentions } else { unread.messages };
            rooms += usize::from(counted > 0);
            (messages, mentions) = (messages + counted, mentions + unread.mentions);
            threads += waiting;
        }
        for (id, entry) in &self.notifications {
            facts.insert(format!("notification {id}"), entry.clone());
        }
        let waiting = self.notifications.values().filter(|one| one["read"] == false).count();
        facts.insert("badge".to_owned(), json!([rooms, messages, mentions, waiting]));
        facts.insert("badge threads".to_owned(), json!(threads));
        for (id, names) in &self.users {
            facts.insert(format!("user {id}"), names.clone());
        }
        (facts, unsure)
    }
}

/// A room that was loaded.
pub(super) struct Loaded {
    pub(super) doc: Value,
    pub(super) members: Vec<Value>,
    /// Its whole history, oldest first.
    pub(super) messages: Vec<Value>,
}
