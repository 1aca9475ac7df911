//! Memberships, as clients are told of them.

use readmodel::MembershipDoc;
use schemars::JsonSchema;
use schemas::events::{MemberEvent, MemberState};
use schemas::values::RoomRole;
use schemas::{Sequence, Timestamp, UserId};
use serde::Serialize;

use super::broadcast::{Audience, Broadcast, Effect, Place};
use super::names::FrameName;
use super::span::{Arrivals, Change, Span, is_in};

/// A member, in an event.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "MemberChange")]
pub(super) struct MemberData<'a> {
    /// The user.
    user_id: &'a UserId,
    /// What they may do in the room.
    role: RoomRole,
    /// When they joined.
    joined_at: Timestamp,
    /// They may only read until then.
    #[serde(skip_serializing_if = "Option::is_none")]
    muted_until: Option<Timestamp>,
    /// They may not come in; left out where they may.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    banned: bool,
}

impl<'a> From<&'a MemberState> for MemberData<'a> {
    fn from(member: &'a MemberState) -> Self {
        let MemberState { user_id, role, joined_at, muted_until, banned, .. } = member;
        Self {
            user_id,
            role: *role,
            joined_at: *joined_at,
            muted_until: *muted_until,
            banned: *banned,
        }
    }
}

impl<'a> From<&'a MembershipDoc> for MemberData<'a> {
    fn from(member: &'a MembershipDoc) -> Self {
        let MembershipDoc { user_id, role, joined_at, muted_until, banned, .. } = member;
        Self {
            user_id,
            role: *role,
            joined_at: *joined_at,
            muted_until: *muted_until,
            banned: *banned,
        }
    }
}

pub(super) fn broadcast(event: &MemberEvent, place: Place<'_>) -> Option<Broadcast> {
    let member = event.after();
    let name = match event {
        MemberEvent::Joined(_) | MemberEvent::Added(_) => FrameName::MemberJoined,
        MemberEvent::Left(_) | MemberEvent::Removed(_) => FrameName::MemberLeft,
        MemberEvent::Changed(_) if member.present => FrameName::MemberChanged,
        // A user who is not in the room was banned, or is not any more: nothing happened that members could see.
        MemberEvent::Changed(_) => return None,
        // A person who is blocked is not told so.
        MemberEvent::BlockChanged(_) => return None,
    };
    let effect =
        Effect::Member { room: member.room_id, user: member.user_id, present: member.present };
    Some(Broadcast {
        audience: Audience::RoomAnd(member.room_id, member.user_id),
        effect,
        ..Broadcast::in_room(name, &member.room_id, place, &MemberData::from(member))
    })
}

/// A membership of another user.
pub(crate) fn changed(
    doc: &MembershipDoc,
    span: &Span<'_>,
    arrivals: &Arrivals<'_>,
) -> Option<Change> {
    let is_told = doc.user_id != *span.user && arrivals.tell(&doc.room_id, doc.told);
    if is_told { told(doc, span) } else { None }
}

/// A membership of the user who resumes: that they are in again, with a `reload`, or what else became of it.
pub(crate) fn own_changed(doc: &MembershipDoc, span: &Span<'_>) -> Vec<Change> {
    // A user who was banned without having been in the room may not know of it.
    if doc.joined == 0 && !doc.present {
        return Vec::new();
    }
    if !is_in(doc) || doc.joined < span.after {
        return told(doc, span).into_iter().collect();
    }
    // Right where the client is: it may have got the one and not the other.
    let again = doc.joined == span.after && doc.returned;
    let mut changes = Vec::new();
    if span.covers(doc.joined) {
        changes.push(frame(doc, span, FrameName::MemberJoined, doc.joined));
    } else {
        changes.extend(told(doc, span));
    }
    if span.covers(doc.joined) || again {
        changes.push(Change::Reload { at: doc.joined, room: doc.room_id });
    }
    changes
}

fn told(doc: &MembershipDoc, span: &Span<'_>) -> Option<Change> {
    let name = match (is_in(doc), doc.joined > span.after) {
        (true, true) => FrameName::MemberJoined,
        (true, false) => FrameName::MemberChanged,
        (false, _) => FrameName::MemberLeft,
    };
    span.covers(doc.told).then(|| frame(doc, span, name, doc.told))
}

fn frame(doc: &MembershipDoc, span: &Span<'_>, name: FrameName, at: Sequence) -> Change {
    let frame = span.place(at).frame(name, Some(&doc.room_id), &MemberData::from(doc));
    Change::Frame { at, frame }
}
