//! A room as a client holds it, from frames and from what it loaded.

use std::collections::{BTreeMap, BTreeSet};

use schemas::Sequence;
use serde_json::{Value, json};

use super::facts::{self, Facts, Reactions, list, text};
use super::thread::Thread;
use crate::history::sequence;

/// An event, and when it was told.
#[derive(Clone, Copy)]
pub(super) struct Told<'a> {
    /// The client's user.
    pub(super) me: &'a str,
    /// Whether it came between `welcome` and `resumed`.
    pub(super) resuming: bool,
    pub(super) event: &'a str,
    pub(super) at: Sequence,
    pub(super) data: &'a Value,
}

/// A message as a client holds it.
#[derive(Default)]
pub(super) struct Held {
    /// The document as it was told last.
    pub(super) doc: Value,
    pub(super) posted: Sequence,
    reactions: Reactions,
    pinned: bool,
    replies: u64,
    /// It was loaded with the whole history, and so were its answers.
    loaded: bool,
    pub(super) deleted: bool,
    /// Its sender's account was erased.
    blank: bool,
}

impl Held {
    pub(super) fn is_gone(&self) -> bool {
        self.deleted || self.blank
    }

    pub(super) fn is_by(&self, user: &str) -> bool {
        self.doc["sender"]["id"] == user
    }

    /// The message it answers; empty for one of the main timeline.
    pub(super) fn root(&self) -> &str {
        self.doc["thread_root_id"].as_str().unwrap_or_default()
    }

    /// Whether it names a user.
    pub(super) fn names(&self, user: &str) -> bool {
        list(&self.doc["mentions"]).iter().any(|one| one == user)
    }

    /// Whether it counts as a mention of a user who blocks these.
    pub(super) fn mentions(&self, user: &str, blocked: &BTreeSet<String>) -> bool {
        let named = self.names(user) || self.doc["mentions_room"] == "room";
        named && !blocked.contains(&text(&self.doc["sender"]["id"]))
    }

    /// Takes a document: what it says null of is kept.
    fn put(&mut self, doc: &Value) {
        self.doc = doc.clone();
        self.posted = doc["position"].as_str().and_then(sequence).unwrap_or_default();
        self.deleted |= !doc["deleted_at"].is_null();
        if let Some(reactions) = facts::reactions(doc) {
            self.reactions = reactions;
        }
        self.pinned = doc["pinned"].as_bool().unwrap_or(self.pinned);
        self.replies = doc["reply_count"].as_u64().unwrap_or(self.replies);
    }
}

/// What is unread for a client's user, as the client counts it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Unread {
    pub(super) messages: usize,
    pub(super) mentions: usize,
}

/// A room as a client holds it.
pub(super) struct Room {
    doc: Value,
    notify: Value,
    pinned: Value,
    /// Where the member hid it.
    hidden: Option<Sequence>,
    /// How far the user has read: at first, where their stay began.
    marker: Sequence,
    members: BTreeMap<String, Value>,
    pub(super) messages: BTreeMap<String, Held>,
    /// The client's own relation to threads, by the message that began them.
    pub(super) threads: BTreeMap<String, Thread>,
    /// What was told up to there may be older than what was loaded.
    pub(super) settled: Sequence,
}

impl Room {
    /// A room of a stay that begins at a place.
    pub(super) fn begun(at: Sequence) -> Self {
        Self {
            doc: Value::Null,
            notify: json!("mentions"),
            pinned: json!(false),
            hidden: None,
            marker: at,
            members: BTreeMap::new(),
            messages: BTreeMap::new(),
            threads: BTreeMap::new(),
            settled: 0,
        }
    }

    /// Takes what was loaded: the room, its members, its whole history. What is told up to `settled` may be older.
    pub(super) fn load(
        &mut self,
        doc: &Value,
        members: &[Value],
        all: &[Value],
        settled: Sequence,
    ) {
        let own = &doc["membership"];
        self.doc = doc.clone();
        (self.notify, self.pinned) = (own["notify"].clone(), own["pinned"].clone());
        let of = |one: &Value| (text(&one["user_id"]), facts::member(one));
        self.members = members.iter().map(of).collect();
        for doc in all {
            let held = self.messages.entry(text(&doc["id"])).or_default();
            held.put(doc);
            held.loaded = true;
        }
        let newest = self.messages.values().map(|held| held.posted).max().unwrap_or_default();
        self.hidden = (own["hidden"] == true).then_some(newest);
        let mut answers: BTreeMap<String, u64> = BTreeMap::new();
        for held in self.messages.values().filter(|held| !held.root().is_empty()) {
            *answers.entry(held.root().to_owned()).or_default() += u64::from(!held.deleted);
        }
        for (id, held) in &mut self.messages {
            held.replies = answers.get(id).copied().unwrap_or_default();
        }
        self.settled = settled;
    }

    pub(super) fn changed(&mut self, doc: &Value) {
        self.doc = doc.clone();
    }

    pub(super) fn own_settings(&mut self, told: &Told<'_>) {
        (self.notify, self.pinned) = (told.data["notify"].clone(), told.data["pinned"].clone());
        self.hidden = (told.data["hidden"] == true).then_some(told.at);
    }

    pub(super) fn member(&mut self, told: &Told<'_>) {
        let user = text(&told.data["user_id"]);
        match told.event {
            "member.left" => self.members.remove(&user),
            _ => self.members.insert(user, facts::member(told.data)),
        };
    }

    /// Whatever a user whose account was erased has said is not to be seen any more.
    pub(super) fn blank(&mut self, user: &str) {
        self.messages
            .values_mut()
            .filter(|held| held.is_by(user))
            .for_each(|held| held.blank = true);
    }

    /// Applies what happened to messages and markers.
    pub(super) fn apply(&mut self, told: &Told<'_>) {
        let data = told.data;
        match told.event {
            "message.posted" => self.posted(told),
            "message.edited" | "message.changed" => self.edited(told),
            "message.deleted" => self.deleted(told),
            "reaction.added" | "reaction.removed" => {
                let Some(held) = self.messages.get_mut(&text(&data["message_id"])) else { return };
                let users = held.reactions.entry(text(&data["emoji"])).or_default();
                match told.event {
                    "reaction.added" => users.insert(text(&data["user_id"])),
                    _ => users.remove(&text(&data["user_id"])),
                };
                held.reactions.retain(|_, users| !users.is_empty());
            }
            "message.pinned" | "message.unpinned" => {
                if let Some(held) = self.messages.get_mut(&text(&data["message_id"])) {
                    held.pinned = told.event == "message.pinned";
                }
            }
            "read.moved" if data["user_id"] == told.me => {
                let read = self.messages.get(&text(&data["message_id"]));
                self.marker = self.marker.max(read.map_or(0, |held| held.posted));
            }
            "thread.followed" => self.followed(told),
            "thread.unfollowed" => self.unfollowed(told),
            "thread.read" => self.thread_read(told),
            _ => {}
        }
    }

    fn posted(&mut self, told: &Told<'_>) {
        let id = text(&told.data["id"]);
        let known = self.messages.contains_key(&id);
        // What is held already is at least as new, but in a resume.
        if known && !told.resuming {
            self.shows_again(&id, told.me);
            self.unsure_of_thread(told.data);
            return;
        }
        self.messages.entry(id.clone()).or_default().put(told.data);
        self.count_answers(&id);
        self.shows_again(&id, told.me);
        let root = text(&told.data["thread_root_id"]);
        if !root.is_empty() {
            if told.resuming {
                self.count_answers(&root);
            } else if let Some(root) = self.messages.get_mut(&root) {
                root.replies += 1;
            }
            self.answered(&root, &id, told);
        }
    }

    /// A message brings a hidden room back, and moves the marker of who wrote it.
    fn shows_again(&mut self, id: &str, me: &str) {
        let held = &self.messages[id];
        self.hidden = self.hidden.filter(|hidden| held.posted <= *hidden);
        if held.root().is_empty() && held.is_by(me) {
            self.marker = self.marker.max(held.posted);
        }
    }

    fn edited(&mut self, told: &Told<'_>) {
        let id = text(&told.data["id"]);
        let held = self.messages.entry(id.clone()).or_default();
        // Nothing is true of a message after its deletion.
        if held.deleted {
            return;
        }
        let (named, before) = (held.names(told.me), held.doc["edited_at"].clone());
        held.put(told.data);
        if before != told.data["edited_at"] {
            self.named_by_edit(&id, named, told);
        }
        if told.at <= self.settled {
            self.count_answers(&id);
        }
    }

    /// How many answers a message has that was loaded, whatever is told of it as it was before: as many as are held.
    fn count_answers(&mut self, root: &str) {
        let answers = self.messages.values().filter(|held| held.root() == root && !held.deleted);
        let replies = answers.count() as u64;
        if let Some(held) = self.messages.get_mut(root).filter(|held| held.loaded) {
            held.replies = replies;
        }
    }

    fn deleted(&mut self, told: &Told<'_>) {
        let id = text(&told.data["id"]);
        let known = self.messages.contains_key(&id);
        let held = self.messages.entry(id.clone()).or_default();
        let counted = known && !held.deleted;
        held.put(told.data);
        held.deleted = true;
        self.shows_again(&id, told.me);
        let root = text(&told.data["thread_root_id"]);
        if told.resuming {
            self.count_answers(&root);
        } else if counted && let Some(root) = self.messages.get_mut(&root) {
            root.replies = root.replies.saturating_sub(1);
        }
        // Who wrote an answer, or was named in one, that was told only as deleted follows its thread all the same: a load
        // does not say so.
        if !known || told.at <= self.settled {
            self.unsure_of_thread(told.data);
        }
    }

    /// What is unread in the main timeline.
    pub(super) fn unread(&self, me: &str, blocked: &BTreeSet<String>) -> Unread {
        let unread = |held: &&Held| {
            let counts = held.root().is_empty() && !held.is_gone() && !held.is_by(me);
            counts && held.posted > self.marker
        };
        let all = self.messages.values().filter(unread);
        let mentions = all.clone().filter(|held| held.mentions(me, blocked)).count();
        Unread { messages: all.count(), mentions }
    }

    pub(super) fn is_hidden(&self) -> bool {
        self.hidden.is_some()
    }

    /// Whether the user wants to hear nothing of it.
    pub(super) fn is_quiet(&self) -> bool {
        self.notify == "none"
    }

    /// Everybody belongs to it, and is told of as a member only when something about that changes.
    fn is_of_everybody(&self) -> bool {
        self.doc["name"] == "general"
    }

    /// What the client would show of it.
    pub(super) fn facts(&self, id: &str, me: &str, blocked: &BTreeSet<String>, facts: &mut Facts) {
        let own = (&self.notify, &self.pinned, self.is_hidden());
        facts.insert(format!("room {id}"), facts::room(&self.doc, own));
        let unread = self.unread(me, blocked);
        facts.insert(format!("unread {id}"), json!([unread.messages, unread.mentions]));
        if !self.is_of_everybody() {
            facts.insert(format!("count {id}"), json!(self.members.len()));
            for (user, member) in &self.members {
                facts.insert(format!("member {id} {user}"), member.clone());
            }
        }
        let main = self.messages.iter().filter(|(_, held)| held.root().is_empty());
        let newest = main.filter(|(_, held)| !held.is_gone()).max_by_key(|(_, held)| held.posted);
        facts.insert(format!("last {id}"), json!(newest.map(|(id, _)| id)));
        let mut pins = Vec::new();
        for (message, held) in &self.messages {
            let gone = held.is_gone();
            let mut doc = held.doc.clone();
            if gone {
                doc["body"] = json!("");
            }
            let fact = facts::message(&doc, gone, &held.reactions, held.pinned);
            facts.insert(format!("message {id} {message}"), fact);
            if !gone {
                facts.insert(format!("replies {id} {message}"), json!(held.replies));
                pins.extend(held.pinned.then_some(message));
            }
        }
        facts.insert(format!("pins {id}"), json!(pins));
    }
}
