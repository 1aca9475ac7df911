//! The documents of any place in a history.

use std::collections::{BTreeMap, HashSet};

use readmodel::{FollowerDoc, MembershipDoc, MessageDoc, ReactionKind};
use schemas::events::{
    MemberState, MessageDeleted, MessageEvent, MessageState, PinEvent, ReactionEvent, ReceiptEvent,
    ThreadEvent,
};
use schemas::views::Reaction;
use schemas::{Event, EventData, MessageId, RoomId, Sequence, UserId};

use super::model::{AUTHOR, History, LISTENER};
use crate::live::fixture::{membership_doc, user};
use crate::reactions;

/// The documents as of a place, by the rules of the projector.
#[derive(Debug, Default, Clone, PartialEq)]
pub(super) struct Docs {
    pub(super) messages: BTreeMap<MessageId, MessageDoc>,
    pub(super) own: BTreeMap<RoomId, MembershipDoc>,
    /// By room and reader, as far as the listener may see: where the message was posted, and the event that moved the
    /// marker there.
    pub(super) markers: BTreeMap<(RoomId, u64), (Sequence, MessageId, Sequence)>,
    /// By room and reader: how far they have read, seen by others or not.
    reached: BTreeMap<(RoomId, u64), Sequence>,
    /// The listener's, by the message that began the thread. Where an answer was posted stands for its number.
    pub(super) followers: BTreeMap<MessageId, FollowerDoc>,
}

impl Docs {
    pub(super) fn at(history: &History, head: Sequence) -> Self {
        let mut docs = Self::default();
        history.upto(head).for_each(|(at, event)| docs.apply(at, event));
        docs
    }

    pub(super) fn rooms(&self) -> HashSet<RoomId> {
        self.own.values().filter(|doc| doc.present).map(|doc| doc.room_id).collect()
    }

    /// Where a person's last post in a room's main timeline is: their marker stands there at least.
    fn last_post(&self, room: &RoomId, who: &UserId) -> Sequence {
        let own = |doc: &&MessageDoc| {
            doc.room_id == *room && doc.sender_id == *who && doc.thread_root_id.is_none()
        };
        self.messages.values().filter(own).map(|doc| doc.posted).max().unwrap_or_default()
    }

    /// What the listener is to threads of rooms they are in.
    pub(super) fn following(&self) -> impl Iterator<Item = &FollowerDoc> {
        self.followers.values().filter(|doc| doc.is_of(self.own.get(&doc.room_id)))
    }

    fn thread(&mut self, at: Sequence, event: &ThreadEvent) {
        let Some(own) = self.own.get(event.room()).filter(|own| own.present) else { return };
        let fresh = || FollowerDoc {
            root_id: *event.root(),
            room_id: *event.room(),
            user_id: *event.user(),
            following: false,
            stay: own.joined,
            marker: 0,
            marker_message_id: None,
            marker_posted: 0,
            marker_updated: 0,
            marker_at: 0,
            changed: 0,
            updated: 0,
        };
        let before = self.followers.get(event.root()).cloned();
        let known = before.as_ref().is_some_and(|doc| doc.stay == own.joined);
        let mut doc = before.unwrap_or_else(fresh);
        (doc.following, doc.stay) = (doc.following && known, own.joined);
        match event {
            ThreadEvent::Followed(_) => (doc.following, doc.changed) = (true, at),
            ThreadEvent::Unfollowed(_) => (doc.following, doc.changed) = (false, at),
            ThreadEvent::Read(read) if read.posted > doc.marker => {
                (doc.marker, doc.marker_updated) = (read.posted, at);
                doc.marker_message_id = Some(read.message_id);
            }
            ThreadEvent::Read(_) => return,
        }
        doc.updated = at;
        self.followers.insert(*event.root(), doc);
    }

    pub(super) fn count(&mut self, root: Option<&MessageId>, at: Sequence, more: bool) {
        let Some(root) = root.and_then(|root| self.messages.get_mut(root)) else { return };
        let count = root.reply_count;
        root.reply_count = if more { count + 1 } else { count.saturating_sub(1) };
        (root.beside, root.updated) = (at, at);
    }

    fn pin(&mut self, id: &MessageId, at: Sequence, pinned: Sequence) {
        let doc = self.messages.get_mut(id).unwrap();
        if doc.deleted_at.is_none() && (doc.pinned > 0) != (pinned > 0) {
            doc.pinned = pinned;
            (doc.beside, doc.updated) = (at, at);
        }
    }

    fn reaction(&mut self, at: Sequence, event: &ReactionEvent) {
        let (id, user, emoji, add) = match event {
            ReactionEvent::Added(data) => (&data.message_id, &data.user_id, &data.emoji, true),
            ReactionEvent::Removed(data) => (&data.message_id, &data.user_id, &data.emoji, false),
        };
        let doc = self.messages.get_mut(id).unwrap();
        let has = |kind: &ReactionKind| kind.emoji == *emoji && kind.first.contains(user);
        if doc.deleted_at.is_some() || doc.reactions.iter().any(has) == add {
            return;
        }
        match doc.reactions.iter_mut().find(|kind| kind.emoji == *emoji) {
            Some(kind) if add => kind.first.push(*user),
            Some(kind) => kind.first.retain(|first| first != user),
            None => {
                let (emoji, first) = (emoji.clone(), vec![*user]);
                doc.reactions.push(ReactionKind { emoji, count: 1, first });
            }
        }
        doc.reactions.retain(|kind| !kind.first.is_empty());
        for kind in &mut doc.reactions {
            kind.count = u64::try_from(kind.first.len()).unwrap();
        }
        (doc.beside, doc.updated) = (at, at);
    }

    fn deleted(&mut self, at: Sequence, data: &MessageDeleted) {
        let doc = self.messages.get_mut(&data.message_id).unwrap();
        if doc.deleted_at.is_some() {
            return;
        }
        doc.deleted_at = Some(data.deleted_at);
        doc.body.clear();
        doc.reactions.clear();
        doc.pinned = 0;
        (doc.changed, doc.updated) = (at, at);
        self.count(data.thread_root_id.as_ref(), at, false);
    }

    fn member(&mut self, at: Sequence, member: &MemberState) {
        let room = &member.room_id;
        if !member.present {
            let doc = self.own.get_mut(room).unwrap();
            (doc.present, doc.changed, doc.told, doc.updated) = (false, at, at, at);
            return;
        }
        let before = self.own.get(room);
        let mut doc = membership(room, at, before.is_some());
        if let Some(before) = before {
            (doc.pinned, doc.prefs_changed) = (before.pinned, before.prefs_changed);
        }
        self.own.insert(*room, doc);
    }

    pub(super) fn apply(&mut self, at: Sequence, event: &Event) {
        match &event.data {
            EventData::Message(MessageEvent::Posted(data)) => {
                let state = &data.message;
                self.count(state.thread_root_id.as_ref(), at, true);
                self.messages.insert(state.id, fresh(state, at));
            }
            EventData::Message(MessageEvent::Edited(data)) => {
                let doc = self.messages.get_mut(&data.message.id).unwrap();
                if doc.deleted_at.is_none() {
                    doc.body = data.message.body.to_string();
                    doc.edited_at = Some(data.edited_at);
                    (doc.changed, doc.updated) = (at, at);
                }
            }
            EventData::Message(MessageEvent::Deleted(data)) => self.deleted(at, data),
            EventData::Receipt(ReceiptEvent::Moved(data)) => {
                let who = if data.user_id == user(LISTENER) { LISTENER } else { AUTHOR };
                let key = (data.room_id, who);
                let read = self.reached.get(&key).copied().unwrap_or_default();
                if data.posted > read.max(self.last_post(&data.room_id, &data.user_id)) {
                    self.reached.insert(key, data.posted);
                    if who == LISTENER || !data.private {
                        self.markers.insert(key, (data.posted, data.message_id, at));
                    }
                }
            }
            EventData::Member(event) => self.member(at, event.after()),
            EventData::Reaction(event) => self.reaction(at, event),
            EventData::Pin(PinEvent::Pinned(data)) => self.pin(&data.message_id, at, at),
            EventData::Pin(PinEvent::Unpinned(data)) => self.pin(&data.message_id, at, 0),
            EventData::Prefs(event) => {
                let prefs = event.after();
                let doc = self.own.get_mut(&prefs.room_id).unwrap();
                (doc.pinned, doc.prefs_changed, doc.updated) = (prefs.pinned, at, at);
            }
            EventData::Thread(event) => self.thread(at, event),
            EventData::Notification(_)
            | EventData::Media(_)
            | EventData::Report(_)
            | EventData::User(_)
            | EventData::Session(_)
            | EventData::Challenge(_)
            | EventData::Identity(_)
            | EventData::Name(_)
            | EventData::Room(_)
            | EventData::Block(_)
            | EventData::Audit(_)
            | EventData::Invite(_)
            | EventData::Erasure(_)
            | EventData::Export(_)
            | EventData::Hold(_)
            | EventData::Retention(_) => unreachable!("{}", event.data.type_name()),
        }
    }
}

pub(super) fn membership(room: &RoomId, at: Sequence, returned: bool) -> MembershipDoc {
    MembershipDoc { returned, ..membership_doc(*room, user(LISTENER), at) }
}

/// The reactions to a message as the listener is shown them.
pub(super) fn shown(doc: &MessageDoc) -> Vec<Reaction> {
    let me = |kind: &ReactionKind| kind.first.contains(&user(LISTENER));
    let kinds = doc.reactions.iter();
    kinds.map(|kind| reactions::reaction(kind, kind.first.clone(), me(kind))).collect()
}

/// A message as it is posted.
fn fresh(state: &MessageState, at: Sequence) -> MessageDoc {
    MessageDoc::as_posted(state, at, at, at)
}
