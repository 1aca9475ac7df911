//! A history of random events.

use std::collections::HashSet;

use proptest::prelude::{Strategy, any, prop_oneof};
use schemas::events::{
    MessageEvent, PrefsChanged, PrefsState, ReceiptEvent, ThreadFollowed, ThreadRead,
    ThreadUnfollowed,
};
use schemas::values::Notify;
use schemas::{Event, EventData, Sequence};

use crate::live::fixture::{
    added, answered, deleted, edited, event, message, pinned, posted, reacted, read, removed, room,
    unpinned, unreacted, user,
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
    /// By one of two people, one of two emoji, added or taken back; also twice.
    React(usize, bool, bool, bool),
    /// Pinned or unpinned; also twice.
    Pin(usize, bool),
    /// Own or another's, to be seen by others or not.
    Read(usize, bool, bool),
    /// In, or out.
    Turn(u64),
    /// The listener pins a room they are in, or unpins it; also twice.
    Set(u64, bool),
    /// The listener follows a thread, or stops.
    Follow(usize, bool),
    /// The listener reads a thread up to an answer.
    ReadThread(usize),
}

pub(super) fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        4 => (0..2_u64).prop_map(Act::Post),
        3 => any::<usize>().prop_map(Act::Answer),
        5 => any::<usize>().prop_map(Act::Edit),
        3 => any::<usize>().prop_map(Act::Delete),
        4 => (any::<usize>(), any::<[bool; 3]>())
            .prop_map(|(n, [own, up, add])| Act::React(n, own, up, add)),
        2 => (any::<usize>(), any::<bool>()).prop_map(|(n, add)| Act::Pin(n, add)),
        3 => (any::<usize>(), any::<bool>(), any::<bool>())
            .prop_map(|(n, own, private)| Act::Read(n, own, private)),
        2 => (0..2_u64).prop_map(Act::Turn),
        2 => (0..2_u64, any::<bool>()).prop_map(|(room, pinned)| Act::Set(room, pinned)),
        2 => (any::<usize>(), any::<bool>()).prop_map(|(n, on)| Act::Follow(n, on)),
        3 => any::<usize>().prop_map(Act::ReadThread),
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
    /// What was added to messages: reactions by user and emoji, and pins. Nothing else is taken back: who decides that
    /// knows what there is, but for what was decided elsewhere a moment ago.
    added: HashSet<(u64, Option<(u64, bool)>)>,
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

    fn set(&mut self, number: u64, pinned: bool) {
        if !self.inside.contains(&number) {
            return;
        }
        let (room_id, user_id, notify) = (room(number), user(LISTENER), Notify::Mentions);
        let prefs = PrefsState { room_id, user_id, notify, pinned, hidden: false };
        self.events.push(event(PrefsChanged { prefs }));
    }

    fn react(&mut self, n: usize, own: bool, up: bool, add: bool) {
        let Some((id, said)) = self.pick(n) else { return };
        let who = if own { LISTENER } else { AUTHOR };
        let emoji = if up { "\u{1f44d}" } else { "\u{1f44e}" };
        if !self.adds((id, Some((who, up))), add) {
            return;
        }
        let happens = if add { reacted } else { unreacted };
        self.events.push(happens(said.room, id, who, emoji));
    }

    /// Whether something may be added to a message, or taken back.
    fn adds(&mut self, addition: (u64, Option<(u64, bool)>), add: bool) -> bool {
        if add {
            self.added.insert(addition);
        }
        add || self.added.contains(&addition)
    }

    fn pin(&mut self, n: usize, add: bool) {
        let Some((id, said)) = self.pick(n) else { return };
        if self.adds((id, None), add) {
            let happens = if add { pinned } else { unpinned };
            self.events.push(happens(said.room, id, AUTHOR));
        }
    }

    pub(super) fn act(&mut self, act: &Act) {
        match act {
            Act::Post(room) => self.post(room + 1, None),
            Act::Follow(..) | Act::ReadThread(_) => self.act_on_thread(act),
            Act::Answer(n) => {
                if let Some((id, said)) = self.pick(*n) {
                    let root = said.root.unwrap_or(id);
                    self.post(said.room, Some(root));
                }
            }
            Act::Edit(n) => {
                let Some((id, said)) = self.pick(*n) else { return };
                let edit = edited(said.room, id, AUTHOR, said.posted);
                let EventData::Message(MessageEvent::Edited(mut edit)) = edit.data else {
                    unreachable!()
                };
                let text = format!("at {}", self.next());
                edit.message.body = schemas::values::Body::parse(&text).unwrap();
                edit.message.thread_root_id = said.root.map(message);
                self.events.push(event(edit));
            }
            Act::Delete(n) => {
                let Some((id, said)) = self.pick(*n) else { return };
                let gone = deleted(said.room, id, AUTHOR, said.posted);
                let EventData::Message(MessageEvent::Deleted(mut gone)) = gone.data else {
                    unreachable!()
                };
                gone.thread_root_id = said.root.map(message);
                self.events.push(event(gone));
            }
            Act::React(n, own, up, add) => self.react(*n, *own, *up, *add),
            Act::Pin(n, add) => self.pin(*n, *add),
            Act::Read(n, own, private) => {
                let Some((id, said)) = self.pick(*n) else { return };
                let who = if *own { LISTENER } else { AUTHOR };
                let moved = read(said.room, who, id);
                let EventData::Receipt(ReceiptEvent::Moved(mut moved)) = moved.data else {
                    unreachable!()
                };
                (moved.posted, moved.private) = (said.posted, *private);
                self.events.push(event(moved));
            }
            Act::Set(room, pinned) => self.set(room + 1, *pinned),
            Act::Turn(room) => self.turn(room + 1),
        }
    }

    /// The listener leaves a room they are in, or comes into it.
    fn turn(&mut self, room: u64) {
        if self.inside.remove(&room) {
            self.events.push(removed(room, LISTENER));
        } else {
            self.inside.insert(room);
            self.events.push(added(room, LISTENER));
        }
    }

    /// Only members do: chat-svc fences it.
    fn act_on_thread(&mut self, act: &Act) {
        let (Act::Follow(n, _) | Act::ReadThread(n)) = act else { return };
        let Some((id, said)) = self.pick(*n) else { return };
        if !self.inside.contains(&said.room) {
            return;
        }
        let (room_id, user_id) = (room(said.room), user(LISTENER));
        let thread_root_id = message(said.root.unwrap_or(id));
        let event = match (act, said.root) {
            (Act::Follow(_, true), _) => event(ThreadFollowed { room_id, user_id, thread_root_id }),
            (Act::Follow(_, false), _) => {
                event(ThreadUnfollowed { room_id, user_id, thread_root_id })
            }
            (_, Some(_)) => {
                let (message_id, posted) = (message(id), said.posted);
                event(ThreadRead { room_id, user_id, thread_root_id, message_id, posted })
            }
            (_, None) => return,
        };
        self.events.push(event);
    }

    pub(super) fn upto(&self, head: Sequence) -> impl Iterator<Item = (Sequence, &Event)> {
        (1..=head).zip(&self.events)
    }
}
