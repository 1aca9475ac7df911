//! Followers: a user's relation to a thread, with the user's read marker in it.
//!
//! Only who follows a thread, or has once followed or read it, has a document. It holds for one stay in the room:
//! leaving ends following without a write, as the next stay is another one. What is unread is counted when it is
//! asked for ([`crate::Unread`]): an answer costs a write for its author, never one per follower.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use async_trait::async_trait;
use schemas::ids::{MessageId, RoomId, UserId};
use schemas::position::Sequence;
use serde::{Deserialize, Serialize};

use super::block::BlockReads;
use super::membership::{MembershipDoc, MembershipReads};
use super::thread::{ThreadDoc, ThreadReads, ThreadStretch};
use super::unread::{Counted, Unread};
use crate::answers::{Answer, Changes};

/// Threads with something unread that are counted at once.
pub const MAX_FOLLOWED: usize = 10_000;

/// A user's relation to a thread.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FollowerDoc {
    /// The message that began the thread.
    pub root_id: MessageId,
    /// The room the thread is in.
    pub room_id: RoomId,
    /// The user.
    pub user_id: UserId,
    /// Whether they follow the thread, in the stay that `stay` names.
    pub following: bool,
    /// The event with which their stay in the room began ([`MembershipDoc::joined`]).
    pub stay: Sequence,
    /// The thread number of the last answer read, or of the newest there was when they began to follow.
    pub marker: u64,
    /// That answer; none for none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub marker_message_id: Option<MessageId>,
    /// Where it was posted; 0 for none.
    pub marker_posted: Sequence,
    /// The last `thread.read` that moved the marker; 0 for none.
    pub marker_updated: Sequence,
    /// The last event that moved the marker, own answers included; 0 for none.
    pub marker_at: Sequence,
    /// The last event with which they began or stopped following by themselves; 0 for none.
    pub changed: Sequence,
    /// The last event that changed anything here.
    pub updated: Sequence,
}

impl FollowerDoc {
    /// Whether the user follows the thread now.
    #[must_use]
    pub fn follows(&self, own: Option<&MembershipDoc>) -> bool {
        self.following && self.is_of(own)
    }

    /// Whether it is about the user's present stay in the room.
    #[must_use]
    pub fn is_of(&self, own: Option<&MembershipDoc>) -> bool {
        own.is_some_and(|own| own.present && !own.banned && own.joined == self.stay)
    }

    /// The last event of it that its user is told of.
    pub(crate) fn told(&self) -> Sequence {
        self.changed.max(self.marker_updated)
    }

    /// What lies between the marker and the thread's end.
    fn stretch(&self, thread: &ThreadDoc) -> ThreadStretch {
        ThreadStretch {
            root_id: self.root_id,
            user_id: self.user_id,
            after: self.marker,
            through: thread.total,
            blocked: Vec::new(),
        }
    }

    /// Whether there may be something to count in it.
    const fn must_be_counted(&self, thread: &ThreadDoc) -> bool {
        thread.total > self.marker
            && (thread.deleted_up_to > self.marker || thread.named_up_to > self.marker)
    }
}

/// What can be asked about followers.
#[async_trait]
pub trait FollowerReads: ThreadReads + MembershipReads + BlockReads {
    /// One user's relation to several threads, in no particular order.
    async fn following(&self, user: &UserId, roots: &[MessageId]) -> Answer<Vec<FollowerDoc>>;
    /// Who follows a thread, by user id; those who left the room since may be among them.
    async fn followers(&self, root: &MessageId, limit: usize) -> Answer<Vec<FollowerDoc>>;
    /// The threads a user follows that were answered after their marker and have answers left: at most
    /// [`MAX_FOLLOWED`]. Threads of rooms they left since may be among them.
    async fn answered(&self, user: &UserId) -> Answer<Vec<(FollowerDoc, ThreadDoc)>>;
    /// A user's relations to threads that they changed themselves after a sequence: followed, unfollowed, read.
    async fn follower_changes(
        &self,
        user: &UserId,
        after: Sequence,
        limit: usize,
    ) -> Answer<Changes<FollowerDoc>>;
    /// What is unread for followers in their threads, in the order they are given.
    async fn unread_in_threads(&self, of: &[(&FollowerDoc, &ThreadDoc)]) -> Answer<Vec<Unread>> {
        let mut asked: Vec<ThreadStretch> = of
            .iter()
            .filter(|(own, thread)| own.must_be_counted(thread))
            .map(|(own, thread)| own.stretch(thread))
            .collect();
        let mut blocks: HashMap<&UserId, Vec<UserId>> = HashMap::new();
        for (own, _) in of.iter().filter(|_| !asked.is_empty()) {
            if let Entry::Vacant(place) = blocks.entry(&own.user_id) {
                place.insert(self.blocked_by(&own.user_id).await?);
            }
        }
        for stretch in &mut asked {
            if let Some(blocked) = blocks.get(&stretch.user_id) {
                stretch.blocked.clone_from(blocked);
            }
        }
        let counted = if asked.is_empty() { Vec::new() } else { self.count_answers(asked).await? };
        let mut counted = counted.into_iter();
        let unread = |(own, thread): &(&FollowerDoc, &ThreadDoc)| {
            let counted = if own.must_be_counted(thread) { counted.next() } else { None };
            let Counted { deleted, named } = counted.unwrap_or_default();
            let all = thread.total.saturating_sub(own.marker);
            // The follower's own answers are never among them: each moves the marker.
            Unread { messages: all.saturating_sub(deleted), mentions: named }
        };
        Ok(of.iter().map(unread).collect())
    }
    /// How many threads a user follows with something unread in them, but those of rooms they have hidden.
    async fn unread_threads(&self, user: &UserId) -> Answer<u64> {
        let answered = self.answered(user).await?;
        if answered.is_empty() {
            return Ok(0);
        }
        let members = self.memberships_of(user).await?;
        let mut own: HashMap<&RoomId, &MembershipDoc> =
            members.iter().map(|own| (&own.room_id, own)).collect();
        let hid = members.iter().filter(|own| own.hidden_at.is_some());
        let hid: Vec<RoomId> = hid.map(|own| &own.room_id).cloned().collect();
        let rooms = if hid.is_empty() { Vec::new() } else { self.rooms(&hid).await? };
        for room in &rooms {
            if own.get(&room.state.id).is_some_and(|own| own.is_hidden(room)) {
                own.remove(&room.state.id);
            }
        }
        let of: Vec<(&FollowerDoc, &ThreadDoc)> = answered
            .iter()
            .filter(|(follower, _)| follower.follows(own.get(&follower.room_id).copied()))
            .map(|(follower, thread)| (follower, thread))
            .collect();
        let unread = self.unread_in_threads(&of).await?;
        Ok(unread.iter().map(|unread| u64::from(unread.messages > 0)).sum())
    }
}
