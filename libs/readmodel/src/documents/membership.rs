//! Memberships: a user's relation to a room, with the user's read marker in it.
//!
//! A membership stays as a tombstone (`present` false) when the user leaves, so that resume can tell of it and a ban is
//! not forgotten. The marker changes with every post of the member; queries search only by what changes seldom.

use std::collections::HashSet;

use async_trait::async_trait;
use schemas::events::Ban;
use schemas::ids::{MessageId, RoomId, UserId};
use schemas::position::Sequence;
use schemas::time::Timestamp;
use schemas::values::{Notify, RoomKind, RoomRole};
use serde::{Deserialize, Serialize};

use super::room::{RoomDoc, RoomReads};
use crate::answers::{Answer, Changes, ListFrom, MAX_ITEMS, Slice};

/// A user's relation to a room.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MembershipDoc {
    /// The room the membership is in.
    pub room_id: RoomId,
    /// The user who is, or was, a member.
    pub user_id: UserId,
    /// The member's role, which decides what the member may do in the room.
    pub role: RoomRole,
    /// Whether the user is in the room now.
    pub present: bool,
    /// Whether the user is banned: they cannot come back until the ban is lifted.
    #[serde(default)]
    pub banned: bool,
    /// The ban, while it was not lifted; it may have run out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ban: Option<Ban>,
    /// Until then the member may read and not post; none for a member who may post.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub muted_until: Option<Timestamp>,
    /// When the present stay began.
    pub joined_at: Timestamp,
    /// The event with which the present stay began (for a tombstone: the last one; 0 for a user who was banned
    /// without ever having been in the room).
    pub joined: Sequence,
    /// Whether there was an earlier stay, or a ban, before the present one.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub returned: bool,
    /// The number of the last message read. A post in the main timeline moves it too: its author has read what
    /// came before.
    pub marker_number: u64,
    /// The main number of that message: what comes after it in the main timeline is unread.
    pub marker_main: u64,
    /// Whether the marker was moved in the present stay. Until then it stands where the stay began, which
    /// says nothing about what the member has read.
    pub marker_moved: bool,
    /// The last message read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub marker_message_id: Option<MessageId>,
    /// The last event that moved the marker in the present stay, the member's own posts included; 0 for none.
    pub marker_at: Sequence,
    /// The last `read.moved` that moved the marker; 0 for none.
    pub marker_updated: Sequence,
    /// The number up to which others may see that the member has read in the present stay; 0 for none. It moves with the
    /// marker, unless the member does not want that to be seen then.
    #[serde(default)]
    pub receipt_number: u64,
    /// The message of that number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receipt_message_id: Option<MessageId>,
    /// The last `read.moved` that others were told of; 0 for none.
    #[serde(default)]
    pub receipt_updated: Sequence,
    /// Whether the user has ever written in the room.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub wrote: bool,
    /// Of which messages the member wants to be notified.
    pub notify: Notify,
    /// Whether the room stands first in the member's list.
    pub pinned: bool,
    /// The room's last number when the member hid it: until there is a later message it is not on their list. None
    /// for a room that was not hidden.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hidden_at: Option<u64>,
    /// The last event of the member's own settings (notify, pinned, hidden); 0 for none.
    pub prefs_changed: Sequence,
    /// The last event about the membership itself (joined, left, role, mute, ban).
    pub changed: Sequence,
    /// The last of those that clients are told of: all but a ban of a user who is not in the room, and its end. 0 for
    /// none.
    pub told: Sequence,
    /// The last event that changed anything here, the marker included.
    pub updated: Sequence,
}

impl MembershipDoc {
    /// The membership of a member whose stay began at a place of the log: nothing is read, said or set in it yet.
    #[must_use]
    pub fn begun(room_id: RoomId, user_id: UserId, joined_at: Timestamp, joined: Sequence) -> Self {
        Self {
            room_id,
            user_id,
            role: RoomRole::Member,
            present: true,
            banned: false,
            ban: None,
            muted_until: None,
            joined_at,
            joined,
            returned: false,
            marker_number: 0,
            marker_main: 0,
            marker_moved: false,
            marker_message_id: None,
            marker_at: 0,
            marker_updated: 0,
            receipt_number: 0,
            receipt_message_id: None,
            receipt_updated: 0,
            wrote: false,
            notify: Notify::default(),
            pinned: false,
            hidden_at: None,
            prefs_changed: 0,
            changed: joined,
            told: joined,
            updated: joined,
        }
    }

    /// When the ban ends, in milliseconds since 1970: `i64::MAX` for one that does not end by itself; none for who is
    /// not banned.
    pub(crate) fn banned_until(&self) -> Option<i64> {
        let until = self.ban.as_ref().and_then(|ban| ban.until);
        self.banned.then(|| until.map_or(i64::MAX, |until| until.millis()))
    }

    /// Whether the room is not on the member's list at present.
    #[must_use]
    pub fn is_hidden(&self, room: &RoomDoc) -> bool {
        self.hidden_at.is_some_and(|number| number >= room.last_number)
    }
}

/// Where a list of rooms ordered by activity goes on: after this room.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActivityAnchor {
    /// Whether the room is pinned: those stand first.
    #[serde(default)]
    pub pinned: bool,
    /// The room's last activity.
    pub last_activity: Sequence,
    /// The room's id, which orders rooms of the same activity.
    pub room_id: RoomId,
}

/// What can be asked about memberships.
#[async_trait]
pub trait MembershipReads: RoomReads + Send + Sync {
    /// One membership; a tombstone (`present` false) when the user has left.
    async fn membership(&self, room: &RoomId, user: &UserId) -> Answer<Option<MembershipDoc>> {
        Ok(self.memberships(room, std::slice::from_ref(user)).await?.pop())
    }
    /// Memberships of several users in one room, tombstones included, in no particular order.
    async fn memberships(&self, room: &RoomId, users: &[UserId]) -> Answer<Vec<MembershipDoc>>;
    /// The rooms a user is in now: at most [`MAX_MEMBERSHIPS`](crate::MAX_MEMBERSHIPS).
    async fn memberships_of(&self, user: &UserId) -> Answer<Vec<MembershipDoc>>;
    /// Whether two users are both in one room now that neither every user belongs to nor only the two.
    async fn share_room(&self, one: &UserId, other: &UserId) -> Answer<bool> {
        let of_one = self.memberships_of(one).await?;
        let of_other: HashSet<RoomId> =
            self.memberships_of(other).await?.into_iter().map(|doc| doc.room_id).collect();
        let both: Vec<RoomId> =
            of_one.into_iter().map(|doc| doc.room_id).filter(|id| of_other.contains(id)).collect();
        let is_pair = |room: &RoomDoc| {
            room.state.kind == RoomKind::Direct && room.state.direct_members.len() <= 2
        };
        for some in both.chunks(MAX_ITEMS) {
            let rooms = self.rooms(some).await?;
            if rooms.iter().any(|room| room.created && !room.state.everyone && !is_pair(room)) {
                return Ok(true);
            }
        }
        Ok(false)
    }
    /// The rooms a user is in with the membership, newest activity first. A room moves by activity.
    /// The rooms a user is in with the membership, pinned ones first, then newest activity first; without those that
    /// are hidden. A room moves by activity and by the member's own settings.
    async fn user_rooms(
        &self,
        user: &UserId,
        from: &ListFrom<ActivityAnchor, RoomId>,
        limit: usize,
    ) -> Answer<Slice<(RoomDoc, MembershipDoc)>>;
    /// The members of a room now, by user id, after an id.
    async fn members(
        &self,
        room: &RoomId,
        after: Option<&UserId>,
        limit: usize,
    ) -> Answer<Slice<MembershipDoc>> {
        self.readers(room, 0, after, limit).await
    }
    /// The members of a room now whose receipt, since they joined, stands at this number or past it, by user id, after
    /// an id. Number 0 stands for all members.
    async fn readers(
        &self,
        room: &RoomId,
        number: u64,
        after: Option<&UserId>,
        limit: usize,
    ) -> Answer<Slice<MembershipDoc>>;
    /// A user's memberships that changed (joined, left, role) after a sequence, tombstones included.
    async fn membership_changes(
        &self,
        user: &UserId,
        after: Sequence,
        limit: usize,
    ) -> Answer<Changes<MembershipDoc>>;
    /// A user's memberships, present ones, of which they changed their own settings after a sequence.
    async fn prefs_changes(
        &self,
        user: &UserId,
        after: Sequence,
        limit: usize,
    ) -> Answer<Changes<MembershipDoc>>;
    /// Who is banned from a room at a time, by user id, after an id.
    async fn bans(
        &self,
        room: &RoomId,
        now: Timestamp,
        after: Option<&UserId>,
        limit: usize,
    ) -> Answer<Slice<MembershipDoc>>;
    /// Memberships of a room whose bans have run out at a time and were not lifted.
    async fn lapsed_bans(
        &self,
        room: &RoomId,
        now: Timestamp,
        limit: usize,
    ) -> Answer<Vec<MembershipDoc>>;
    /// Memberships of these rooms that changed after a sequence, tombstones included.
    async fn member_changes(
        &self,
        rooms: &[RoomId],
        after: Sequence,
        limit: usize,
    ) -> Answer<Changes<MembershipDoc>>;
    /// Memberships of these rooms whose read marker was moved by `read.moved` after a sequence.
    async fn marker_changes(
        &self,
        rooms: &[RoomId],
        after: Sequence,
        limit: usize,
    ) -> Answer<Changes<MembershipDoc>>;
}
