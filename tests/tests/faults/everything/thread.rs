//! A client's own relation to threads. Who starts, answers or is named in one follows it: no frame says so, and a client
//! sees it in the messages. What a resume leaves out of that (an answer that was deleted, a name that an edit took away)
//! a client cannot know, and says so.

use std::collections::BTreeSet;

use schemas::Sequence;
use serde_json::{Value, json};

use super::facts::{Facts, text};
use super::room::{Held, Room, Told, Unread};

/// A client's own relation to a thread.
#[derive(Clone, Copy, Default)]
pub(super) struct Thread {
    following: bool,
    /// How far its user has read.
    marker: Sequence,
    /// Something may have happened that the client was not told of.
    unsure: bool,
}

impl Thread {
    fn follow(&mut self, from: Sequence) {
        if !self.following {
            self.following = true;
            self.marker = self.marker.max(from);
        }
    }
}

impl Room {
    fn thread(&mut self, root: &str) -> &mut Thread {
        self.threads.entry(root.to_owned()).or_default()
    }

    fn answers<'a>(&'a self, root: &'a str) -> impl Iterator<Item = &'a Held> {
        self.messages.values().filter(move |held| held.root() == root)
    }

    /// Where the newest answer before a place was posted; 0 when there is none.
    fn end(&self, root: &str, before: Sequence) -> Sequence {
        let earlier = self.answers(root).map(|held| held.posted).filter(|posted| *posted < before);
        earlier.max().unwrap_or_default()
    }

    /// The thread that a message is in, or has begun.
    fn thread_of(message: &Value) -> String {
        let root = message["thread_root_id"].as_str().unwrap_or_default();
        if root.is_empty() { text(&message["id"]) } else { root.to_owned() }
    }

    /// Of the thread of a message more may have happened than was told.
    pub(super) fn unsure_of_thread(&mut self, message: &Value) {
        self.thread(&Self::thread_of(message)).unsure = true;
    }

    /// An answer came.
    pub(super) fn answered(&mut self, root: &str, answer: &str, told: &Told<'_>) {
        let is_edited = |message: &Value| !message["edited_at"].is_null();
        let root_is_edited = self.messages.get(root).is_some_and(|held| is_edited(&held.doc));
        if told.at <= self.settled || told.resuming && (is_edited(told.data) || root_is_edited) {
            self.unsure_of_thread(told.data);
        }
        let held = &self.messages[answer];
        let (posted, own, named) = (held.posted, held.is_by(told.me), held.names(told.me));
        let end = self.end(root, posted);
        let starts =
            self.messages.get(root).is_some_and(|held| held.is_by(told.me) || held.names(told.me));
        if end == 0 && starts && !self.threads.contains_key(root) {
            self.thread(root).follow(0);
        }
        if named && !own {
            self.thread(root).follow(end);
        }
        if own {
            self.thread(root).follow(posted);
            let thread = self.thread(root);
            thread.marker = thread.marker.max(posted);
        }
    }

    /// A message was edited which named the client's user, or did not.
    pub(super) fn named_by_edit(&mut self, message: &str, named: bool, told: &Told<'_>) {
        let held = &self.messages[message];
        let (names, own) = (held.names(told.me), held.is_by(told.me));
        let root = Self::thread_of(told.data);
        let end = self.end(&root, told.at);
        // A resume tells the newest document of a message: the edit may be older than answers that are told before.
        if told.resuming && self.answers(&root).next().is_some()
            || told.at <= self.settled && end > 0
        {
            self.unsure_of_thread(told.data);
        }
        if names && !named && !own && end > 0 {
            self.thread(&root).follow(end);
        }
    }

    pub(super) fn followed(&mut self, told: &Told<'_>) {
        let root = text(&told.data["thread_root_id"]);
        let (end, settled) = (self.end(&root, told.at), self.settled);
        let thread = self.thread(&root);
        // They may have stopped in the meantime, and begun again at a later place.
        thread.unsure |= told.at <= settled || told.resuming && thread.following;
        thread.follow(end);
    }

    pub(super) fn unfollowed(&mut self, told: &Told<'_>) {
        let root = text(&told.data["thread_root_id"]);
        let (end, settled) = (self.end(&root, told.at), self.settled);
        let known = self.threads.contains_key(&root);
        let thread = self.thread(&root);
        thread.unsure |= told.at <= settled || told.resuming;
        if !known {
            thread.marker = end;
        }
        thread.following = false;
    }

    pub(super) fn thread_read(&mut self, told: &Told<'_>) {
        let read = self.messages.get(&text(&told.data["message_id"])).map_or(0, |held| held.posted);
        let thread = self.thread(&text(&told.data["thread_root_id"]));
        thread.unsure |= read == 0;
        thread.marker = thread.marker.max(read);
    }

    /// What is unread in a thread.
    fn unread_in(&self, root: &str, me: &str, blocked: &BTreeSet<String>) -> Unread {
        let thread = self.threads.get(root).copied().unwrap_or_default();
        let unread = |held: &&Held| {
            let counts = !held.is_gone() && !held.is_by(me) && held.posted > thread.marker;
            counts && thread.following
        };
        let all: Vec<&Held> = self.answers(root).filter(unread).collect();
        let named = |held: &&&Held| held.mentions(me, blocked);
        Unread { messages: all.len(), mentions: all.iter().filter(named).count() }
    }

    /// What the client would show of the threads; how many of those it follows have something unread.
    pub(super) fn thread_facts(
        &self,
        id: &str,
        (me, blocked): (&str, &BTreeSet<String>),
        facts: &mut Facts,
        unsure: &mut BTreeSet<String>,
    ) -> usize {
        let roots =
            self.messages.values().filter(|held| !held.is_gone() && !held.root().is_empty());
        let roots: BTreeSet<&str> = roots.map(Held::root).collect();
        let mut waiting = 0;
        for root in roots {
            let thread = self.threads.get(root).copied().unwrap_or_default();
            let unread = self.unread_in(root, me, blocked);
            let key = format!("thread {id} {root}");
            if thread.unsure || self.messages.get(root).is_none_or(Held::is_gone) {
                unsure.insert(key.clone());
                unsure.insert("badge threads".to_owned());
            }
            let fact = json!([thread.following, unread.messages, unread.mentions]);
            facts.insert(key, fact);
            waiting += usize::from(unread.messages > 0);
        }
        waiting
    }
}
