//! What changed since a position, as frames: made of the read model's documents when the memory does not
//! reach back that far. Pure.
//!
//! The documents are compacted: a message that was edited three times is told once, with its last text, at
//! the place of its last change. Frames go out in the order of their positions, so a client that was sent
//! half of them and resumes from the highest position it saw misses nothing.

use std::collections::{HashMap, HashSet};

use bytes::Bytes;
use readmodel::{InboxDoc, MembershipDoc, MessageDoc, NotificationDoc, RoomDoc, UserDoc};
use schemas::views::{Message, ReadMarker, Sender};
use schemas::{Epoch, RoomId, Sequence, Timestamp, UserId};

use super::told::{MemberTold, NotificationsTold, Place};
use crate::documents;

/// The documents that changed.
#[derive(Debug, Default)]
pub(crate) struct Changed {
    pub(crate) messages: Vec<MessageDoc>,
    /// The person's own memberships.
    pub(crate) own: Vec<MembershipDoc>,
    pub(crate) members: Vec<MembershipDoc>,
    pub(crate) markers: Vec<MembershipDoc>,
    pub(crate) rooms: Vec<RoomDoc>,
    pub(crate) notifications: Vec<NotificationDoc>,
    pub(crate) inbox: Option<InboxDoc>,
    /// Accounts of people he knows, and his own.
    pub(crate) users: Vec<UserDoc>,
}

/// For whom, and between which places.
pub(crate) struct Span<'a> {
    pub(crate) epoch: &'a Epoch,
    pub(crate) user: &'a UserId,
    /// The last position the client has.
    pub(crate) after: Sequence,
    /// When that was, as well as it is known.
    pub(crate) after_time: Timestamp,
    /// The documents hold everything up to here. What they hold beyond it is told by other means.
    pub(crate) through: Sequence,
    pub(crate) senders: &'a HashMap<UserId, Sender>,
}

type Frames = Vec<(Sequence, Bytes)>;

impl Changed {
    pub(crate) fn count(&self) -> usize {
        self.messages.len()
            + self.own.len()
            + self.members.len()
            + self.markers.len()
            + self.rooms.len()
            + self.notifications.len()
            + self.users.len()
    }

    /// The frames, in the order of their positions.
    pub(crate) fn frames(&self, span: &Span<'_>) -> Frames {
        let arrivals = span.arrivals(&self.own);
        let mut frames = Vec::with_capacity(self.count());
        frames.extend(self.messages.iter().filter_map(|doc| span.message(doc, &arrivals)));
        frames.extend(self.own.iter().filter_map(|doc| span.member(doc)));
        let others = self.members.iter().filter(|doc| doc.user_id != *span.user);
        let others = others.filter(|doc| arrivals.knows(&doc.room_id, doc.changed));
        frames.extend(others.filter_map(|doc| span.member(doc)));
        let markers = self.markers.iter();
        let markers = markers.filter(|doc| arrivals.knows(&doc.room_id, doc.marker_updated));
        frames.extend(markers.filter_map(|doc| span.marker(doc)));
        frames.extend(self.rooms.iter().filter_map(|doc| span.room(doc, &arrivals)));
        frames.extend(self.notifications.iter().filter_map(|doc| span.notification(doc)));
        frames.extend(self.inbox.iter().filter_map(|doc| span.inbox(doc)));
        frames.extend(self.users.iter().filter_map(|doc| span.account(doc)));
        frames.sort_by_key(|(sequence, _)| *sequence);
        frames
    }
}

/// Rooms the person came into in the meantime: what happened there before is not his to be told.
struct Arrivals<'a>(HashMap<&'a RoomId, (Sequence, Timestamp)>);

impl Arrivals<'_> {
    fn knows(&self, room: &RoomId, sequence: Sequence) -> bool {
        self.0.get(room).is_none_or(|(arrived, _)| sequence >= *arrived)
    }

    fn read(&self, room: &RoomId, time: Timestamp) -> bool {
        self.0.get(room).is_none_or(|(_, arrived)| time >= *arrived)
    }

    fn came_into(&self, room: &RoomId) -> bool {
        self.0.contains_key(room)
    }
}

impl Span<'_> {
    fn arrivals<'a>(&self, own: &'a [MembershipDoc]) -> Arrivals<'a> {
        let came = own.iter().filter(|doc| doc.present && doc.joined_at >= self.after_time);
        Arrivals(came.map(|doc| (&doc.room_id, (doc.changed, doc.joined_at))).collect())
    }

    /// Whether something of that sequence is told of here.
    const fn covers(&self, sequence: Sequence) -> bool {
        sequence > self.after && sequence <= self.through
    }

    const fn at(&self, sequence: Sequence) -> Place<'_> {
        Place { epoch: self.epoch, sequence, previous: None }
    }

    fn message(&self, doc: &MessageDoc, arrivals: &Arrivals<'_>) -> Option<(Sequence, Bytes)> {
        if !arrivals.read(&doc.room_id, doc.created_at) {
            return None;
        }
        let is_new = self.covers(doc.posted);
        // A later change is told from memory; the post before it is not, if the client has not seen it.
        let unseen = is_new && doc.deleted_at.is_none();
        if !self.covers(doc.changed) && !unseen {
            return None;
        }
        let name = match (doc.deleted_at, is_new) {
            (Some(_), _) => "message.deleted",
            (None, true) => "message.posted",
            (None, false) => "message.edited",
        };
        let sequence = doc.changed.min(self.through);
        let view = self.message_view(doc, is_new)?;
        Some((sequence, self.at(sequence).frame(name, Some(&doc.room_id), &view)))
    }

    fn message_view(&self, doc: &MessageDoc, is_new: bool) -> Option<Message> {
        let whole = is_new && doc.deleted_at.is_none();
        Some(Message {
            id: doc.id.clone(),
            room_id: doc.room_id.clone(),
            number: None,
            sender: self.senders.get(&doc.sender_id)?.clone(),
            client_id: doc.client_id.as_ref().map(ToString::to_string),
            body: doc.body.clone(),
            format: doc.format,
            attachments: doc.attachments.clone(),
            mentions: doc.mentions.clone(),
            mentions_room: doc.mentions_room,
            thread_root_id: doc.thread_root_id.clone(),
            reply_count: whole.then_some(doc.reply_count),
            reactions: whole.then(Vec::new),
            pinned: whole.then_some(false),
            created_at: doc.created_at,
            edited_at: doc.edited_at,
            deleted_at: doc.deleted_at,
            position: self.epoch.at(doc.posted),
        })
    }

    fn member(&self, doc: &MembershipDoc) -> Option<(Sequence, Bytes)> {
        let name = match (doc.present, doc.joined_at >= self.after_time) {
            (true, true) => "member.joined",
            (true, false) => "member.changed",
            (false, _) => "member.left",
        };
        let told = MemberTold {
            user_id: &doc.user_id,
            role: doc.role,
            joined_at: doc.joined_at,
            muted_until: doc.muted_until,
            banned: doc.banned,
        };
        let covered = self.covers(doc.changed);
        covered.then(|| (doc.changed, self.at(doc.changed).frame(name, Some(&doc.room_id), &told)))
    }

    fn marker(&self, doc: &MembershipDoc) -> Option<(Sequence, Bytes)> {
        let sequence = doc.marker_updated;
        let message_id = doc.marker_message_id.clone().filter(|_| self.covers(sequence))?;
        let marker = ReadMarker { user_id: doc.user_id.clone(), message_id };
        Some((sequence, self.at(sequence).frame("read.moved", Some(&doc.room_id), &marker)))
    }

    fn room(&self, doc: &RoomDoc, arrivals: &Arrivals<'_>) -> Option<(Sequence, Bytes)> {
        let id = &doc.state.id;
        let is_new = doc.state.created_at >= self.after_time;
        let knows = arrivals.knows(id, doc.changed) || (is_new && arrivals.came_into(id));
        if !knows || !self.covers(doc.changed) {
            return None;
        }
        let name = match (doc.state.archived, is_new) {
            (true, _) => "room.archived",
            (false, true) => "room.created",
            (false, false) => "room.changed",
        };
        let view = documents::written_room(&doc.state);
        Some((doc.changed, self.at(doc.changed).frame(name, Some(id), &view)))
    }

    fn notification(&self, doc: &NotificationDoc) -> Option<(Sequence, Bytes)> {
        let view = documents::notification(doc.clone());
        let (name, sequence) = if self.covers(doc.created) {
            ("notification.created", doc.updated.min(self.through))
        } else {
            ("notification.read", doc.updated)
        };
        self.covers(sequence).then(|| (sequence, self.at(sequence).frame(name, None, &view)))
    }

    fn inbox(&self, doc: &InboxDoc) -> Option<(Sequence, Bytes)> {
        let sequence = doc.read_all;
        let told = NotificationsTold::new(None);
        let frame = || (sequence, self.at(sequence).frame("notification.read", None, &told));
        self.covers(sequence).then(frame)
    }

    fn account(&self, doc: &UserDoc) -> Option<(Sequence, Bytes)> {
        if !self.covers(doc.updated) || doc.updated == doc.registered {
            return None;
        }
        let place = self.at(doc.updated);
        let frame = if doc.state.id == *self.user {
            place.frame("user.changed", None, &documents::account(&doc.state))
        } else {
            place.frame("user.changed", None, &documents::user(&doc.state))
        };
        Some((doc.updated, frame))
    }
}

/// Everybody who is named as a sender in these messages.
pub(crate) fn senders_of(messages: &[MessageDoc]) -> HashSet<&UserId> {
    messages.iter().map(|doc| &doc.sender_id).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::live::fixture::{message, room, sender, user};
    use schemas::values::{Format, RoomRole};

    fn doc(id: u64, posted: Sequence, changed: Sequence) -> MessageDoc {
        MessageDoc {
            id: message(id),
            room_id: room(1),
            number: 1,
            sender_id: user(9),
            client_id: None,
            body: "hello".to_owned(),
            format: Format::Plain,
            attachments: Vec::new(),
            mentions: Vec::new(),
            mentions_room: None,
            thread_root_id: None,
            reply_count: 0,
            created_at: Timestamp::from_millis(1_000),
            edited_at: (changed > posted).then(|| Timestamp::from_millis(2_000)),
            deleted_at: None,
            posted,
            changed,
            updated: changed,
        }
    }

    fn membership(joined_at: i64, changed: Sequence) -> MembershipDoc {
        MembershipDoc {
            room_id: room(1),
            user_id: user(1),
            role: RoomRole::Member,
            present: true,
            banned: false,
            muted_until: None,
            joined_at: Timestamp::from_millis(joined_at),
            marker_number: 0,
            marker_message_id: None,
            marker_updated: 0,
            mention_numbers: Vec::new(),
            changed,
            updated: changed,
        }
    }

    /// Given a client that has everything up to 10 (at 500 ms) and documents as of 20, when these
    /// changed, then it is told of these.
    #[track_caller]
    fn told(changed: &Changed, expected: &[(Sequence, &str)]) {
        let epoch = Epoch::parse("e1").unwrap();
        let senders = HashMap::from([(user(9), sender(9))]);
        let span = Span {
            epoch: &epoch,
            user: &user(1),
            after: 10,
            after_time: Timestamp::from_millis(500),
            through: 20,
            senders: &senders,
        };
        let frames = changed.frames(&span);
        let found: Vec<(Sequence, String)> = frames
            .iter()
            .map(|(sequence, frame)| {
                let start = frame.iter().position(|byte| *byte == b'{').unwrap();
                let json: serde_json::Value = serde_json::from_slice(&frame[start..]).unwrap();
                assert_eq!(json["position"], format!("e1:{sequence}"));
                (*sequence, json["event"].as_str().unwrap().to_owned())
            })
            .collect();
        let found: Vec<(Sequence, &str)> =
            found.iter().map(|(sequence, name)| (*sequence, name.as_str())).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn a_message_is_told_as_what_the_client_has_not_seen_of_it() {
        let mut gone = doc(4, 5, 17);
        gone.deleted_at = Some(Timestamp::from_millis(3_000));
        let messages = vec![doc(1, 11, 11), doc(2, 12, 18), doc(3, 9, 15), gone];
        told(
            &Changed { messages, ..Changed::default() },
            &[
                (11, "message.posted"),
                (15, "message.edited"),
                (17, "message.deleted"),
                (18, "message.posted"),
            ],
        );
    }

    #[test]
    fn what_lies_beyond_the_checkpoint_is_left_to_the_memory() {
        let messages = vec![doc(1, 21, 21), doc(2, 9, 22), doc(3, 15, 23)];
        told(&Changed { messages, ..Changed::default() }, &[(20, "message.posted")]);
    }

    #[test]
    fn nothing_from_before_he_came_in() {
        let changed = Changed {
            messages: vec![doc(1, 11, 11)],
            own: vec![membership(1_500, 12)],
            ..Changed::default()
        };
        told(&changed, &[(12, "member.joined")]);
    }

    #[test]
    fn a_member_who_left_hears_that_he_left() {
        let mut own = membership(100, 13);
        own.present = false;
        told(&Changed { own: vec![own], ..Changed::default() }, &[(13, "member.left")]);
    }
}
