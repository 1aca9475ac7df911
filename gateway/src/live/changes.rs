//! What changed since a position, as the steps of a resume: made of the read model's documents when the memory
//! does not reach back that far. Pure.
//!
//! Documents are compacted by nature: a message that was edited three times is told once, with its last text.
//! A message posted since is told at its own place, an older one at its last change; its document is read when
//! its turn comes, and what has changed by then beyond the plan is told there.

use std::collections::HashMap;

use bytes::Bytes;
use readmodel::{
    InboxDoc, MembershipDoc, MessageDoc, MessageMark, NotificationDoc, RoomDoc, UserDoc,
};
use schemas::views::{Message, Notification, ReadMarker, Sender};
use schemas::{Epoch, NotificationId, RoomId, Sequence, UserId};

use super::memory::ONE_BATCH;
use super::plan::{Item, Step};
use super::told::{MemberTold, NotificationGone, NotificationsTold, Place};
use crate::documents;

/// The documents that changed.
#[derive(Debug, Default)]
pub(crate) struct Changed {
    pub(crate) messages: Vec<MessageMark>,
    /// The person's own memberships.
    pub(crate) own: Vec<MembershipDoc>,
    pub(crate) members: Vec<MembershipDoc>,
    pub(crate) markers: Vec<MembershipDoc>,
    pub(crate) rooms: Vec<RoomDoc>,
    pub(crate) notifications: Vec<NotificationDoc>,
    /// The notifications in words.
    pub(crate) entries: HashMap<NotificationId, Notification>,
    pub(crate) inbox: Option<InboxDoc>,
    /// Accounts of people they know, and their own.
    pub(crate) users: Vec<UserDoc>,
}

/// For whom, and between which places.
pub(crate) struct Span<'a> {
    pub(crate) epoch: &'a Epoch,
    pub(crate) user: &'a UserId,
    /// The last position the client has.
    pub(crate) after: Sequence,
    /// The documents hold everything up to here. What they hold beyond it is told by other means.
    pub(crate) through: Sequence,
}

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

    /// The steps, in no particular order.
    pub(crate) fn steps(&self, span: &Span<'_>) -> Vec<Step> {
        let arrivals = span.arrivals(&self.own);
        let mut steps = Vec::with_capacity(self.count());
        steps.extend(self.messages.iter().filter_map(|mark| span.message(mark, &arrivals)));
        for doc in &self.own {
            steps.extend(span.own(doc));
        }
        let others = self.members.iter().filter(|doc| doc.user_id != *span.user);
        let others = others.filter(|doc| arrivals.tell(&doc.room_id, doc.changed));
        steps.extend(others.filter_map(|doc| span.member(doc)));
        let markers = self.markers.iter();
        let markers = markers.filter(|doc| arrivals.tell(&doc.room_id, doc.marker_updated));
        steps.extend(markers.filter_map(|doc| span.marker(doc)));
        steps.extend(self.rooms.iter().filter_map(|doc| span.room(doc, &arrivals)));
        let notifications = self.notifications.iter();
        steps.extend(notifications.filter_map(|doc| span.notification(doc, &self.entries)));
        steps.extend(self.inbox.iter().filter_map(|doc| span.inbox(doc)));
        steps.extend(self.users.iter().filter_map(|doc| span.account(doc)));
        steps
    }
}

/// Rooms the person came into in the meantime, and where the present stay began: of what happened there before,
/// a `reload` is all that is told.
struct Arrivals<'a>(HashMap<&'a RoomId, Sequence>);

impl Arrivals<'_> {
    fn tell(&self, room: &RoomId, at: Sequence) -> bool {
        self.0.get(room).is_none_or(|joined| at > *joined)
    }
}

impl Span<'_> {
    fn arrivals<'a>(&self, own: &'a [MembershipDoc]) -> Arrivals<'a> {
        let came = own.iter().filter(|doc| is_in(doc) && doc.joined > self.after);
        Arrivals(came.map(|doc| (&doc.room_id, doc.joined)).collect())
    }

    /// Whether something of that sequence is told of here.
    const fn covers(&self, sequence: Sequence) -> bool {
        sequence > self.after && sequence <= self.through
    }

    const fn place(&self, sequence: Sequence) -> Place<'_> {
        Place { epoch: self.epoch, sequence, previous: None }
    }

    fn message(&self, mark: &MessageMark, arrivals: &Arrivals<'_>) -> Option<Step> {
        let at = self.told_at(mark)?;
        if at > self.through || !arrivals.tell(&mark.room_id, at) {
            return None;
        }
        // Right where the client is: it may have got the answer without the message that was answered.
        let second = mark.beside == at;
        let item = Item::Message(mark.id.clone());
        (at > self.after || second).then_some(Step { at, second, bytes: mark.bytes, item })
    }

    /// Where a message is told.
    fn told_at(&self, mark: &MessageMark) -> Option<Sequence> {
        if mark.deleted {
            return (mark.changed > self.after).then_some(mark.changed);
        }
        if mark.posted > self.after {
            return Some(mark.posted);
        }
        // What lies beyond is told by other means, and may say nothing of what lies here.
        let within = |at: Sequence| if at <= self.through { at } else { 0 };
        let last = within(mark.changed).max(within(mark.beside));
        (last > 0).then_some(last)
    }

    /// A membership of the person: that they are in again with a `reload`, or what else became of it.
    fn own(&self, doc: &MembershipDoc) -> Vec<Step> {
        if !is_in(doc) || doc.joined < self.after {
            return self.member(doc).into_iter().collect();
        }
        // Right where the client is: it may have got the one and not the other.
        let again = doc.joined == self.after && doc.returned;
        let mut steps = Vec::new();
        if self.covers(doc.joined) {
            steps.push(self.member_step(doc, "member.joined", doc.joined));
        } else {
            steps.extend(self.member(doc));
        }
        if self.covers(doc.joined) || again {
            steps.push(Step::reload(&doc.room_id, doc.joined));
        }
        steps
    }

    fn member(&self, doc: &MembershipDoc) -> Option<Step> {
        let name = match (is_in(doc), doc.joined > self.after) {
            (true, true) => "member.joined",
            (true, false) => "member.changed",
            (false, _) => "member.left",
        };
        self.covers(doc.changed).then(|| self.member_step(doc, name, doc.changed))
    }

    fn member_step(&self, doc: &MembershipDoc, name: &str, at: Sequence) -> Step {
        let told = MemberTold {
            user_id: &doc.user_id,
            role: doc.role,
            joined_at: doc.joined_at,
            muted_until: doc.muted_until,
            banned: doc.banned,
        };
        Step::frame(at, self.place(at).frame(name, Some(&doc.room_id), &told))
    }

    fn marker(&self, doc: &MembershipDoc) -> Option<Step> {
        let at = doc.marker_updated;
        let message_id = doc.marker_message_id.clone().filter(|_| self.covers(at))?;
        let marker = ReadMarker { user_id: doc.user_id.clone(), message_id };
        Some(Step::frame(at, self.place(at).frame("read.moved", Some(&doc.room_id), &marker)))
    }

    fn room(&self, doc: &RoomDoc, arrivals: &Arrivals<'_>) -> Option<Step> {
        let id = &doc.state.id;
        let joined = arrivals.0.get(id).copied();
        // Who comes into a room that was made in the same batch is told of the room.
        let is_new =
            joined.is_some_and(|joined| doc.changed <= joined && joined - doc.changed <= ONE_BATCH);
        if !self.covers(doc.changed) || !(is_new || arrivals.tell(id, doc.changed)) {
            return None;
        }
        let name = match (doc.state.archived, is_new) {
            (true, _) => "room.archived",
            (false, true) => "room.created",
            (false, false) => "room.changed",
        };
        let view = documents::written_room(&doc.state);
        Some(Step::frame(doc.changed, self.place(doc.changed).frame(name, Some(id), &view)))
    }

    fn notification(
        &self,
        doc: &NotificationDoc,
        entries: &HashMap<NotificationId, Notification>,
    ) -> Option<Step> {
        if doc.removed {
            let (room_id, message_id) = (doc.room_id.as_ref(), doc.message_id.as_ref());
            let told = NotificationGone { id: &doc.id, room_id, message_id };
            let at = doc.updated;
            let frame = || self.place(at).frame("notification.removed", None, &told);
            return self.covers(at).then(|| Step::frame(at, frame()));
        }
        let view = entries.get(&doc.id)?;
        let (name, at) = if doc.created > self.after {
            ("notification.created", doc.created)
        } else {
            ("notification.read", doc.updated)
        };
        self.covers(at).then(|| Step::frame(at, self.place(at).frame(name, None, view)))
    }

    fn inbox(&self, doc: &InboxDoc) -> Option<Step> {
        let at = doc.read_all;
        let told = NotificationsTold::new(None);
        let frame = || Step::frame(at, self.place(at).frame("notification.read", None, &told));
        self.covers(at).then(frame)
    }

    fn account(&self, doc: &UserDoc) -> Option<Step> {
        if !self.covers(doc.updated) || doc.updated == doc.registered {
            return None;
        }
        let place = self.place(doc.updated);
        let frame = if doc.state.id == *self.user {
            place.frame("user.changed", None, &documents::account(&doc.state))
        } else {
            place.frame("user.changed", None, &documents::user(&doc.state))
        };
        Some(Step::frame(doc.updated, frame))
    }
}

fn is_in(doc: &MembershipDoc) -> bool {
    doc.present && !doc.banned
}

/// The frame of a message that was planned to be told at a place, by its document as it is now; none when
/// what became of it meanwhile is told later.
pub(crate) fn message_frame(
    doc: &MessageDoc,
    after: Sequence,
    place: Place<'_>,
    sender: Sender,
) -> Option<Bytes> {
    let (at, epoch) = (place.sequence, place.epoch);
    let name = if doc.deleted_at.is_some() {
        if doc.changed != at {
            return None;
        }
        "message.deleted"
    } else if doc.posted > after {
        "message.posted"
    } else if doc.beside >= after && doc.beside > 0 && doc.beside <= at {
        // Also when its text changed later: that is told as an edit, which says nothing of its answers.
        "message.changed"
    } else if doc.updated > at {
        return None;
    } else {
        "message.edited"
    };
    let number = Some(doc.number);
    let whole = documents::message(doc.clone(), sender, epoch);
    let view = match name {
        "message.posted" => Message { number: None, ..whole },
        "message.changed" => Message { number, ..whole },
        _ => Message { number: None, reply_count: None, reactions: None, pinned: None, ..whole },
    };
    Some(place.frame(name, Some(&doc.room_id), &view))
}

/// The frame of a message that was answered, whole; none when it was deleted.
pub(crate) fn answered_frame(doc: &MessageDoc, place: Place<'_>, sender: Sender) -> Option<Bytes> {
    if doc.deleted_at.is_some() {
        return None;
    }
    let view = documents::message(doc.clone(), sender, place.epoch);
    Some(place.frame("message.changed", Some(&doc.room_id), &view))
}

#[cfg(test)]
mod tests;
