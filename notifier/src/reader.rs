//! How far a user has read, where an entry is about a message: the room's marker, and those of threads.

use readmodel::{FollowerDoc, MembershipDoc, MessageDoc, ReadStore, StoreError};
use schemas::Sequence;
use schemas::ids::{MessageId, RoomId, UserId};

/// A user's markers in a room.
#[derive(Debug, Clone, Default)]
pub(crate) struct Reader {
    pub(crate) own: Option<MembershipDoc>,
    followers: Vec<FollowerDoc>,
}

impl Reader {
    /// Their marker in a room and in these threads of it.
    pub(crate) async fn load(
        store: &dyn ReadStore,
        user: &UserId,
        room: &RoomId,
        threads: &[MessageId],
    ) -> Result<Self, StoreError> {
        let followers =
            if threads.is_empty() { Vec::new() } else { store.following(user, threads).await? };
        Ok(Self { own: store.membership(room, user).await?, followers })
    }

    /// What they are to a thread.
    pub(crate) fn follower(&self, root: &MessageId) -> Option<&FollowerDoc> {
        self.followers.iter().find(|follower| follower.root_id == *root)
    }

    /// Whether they follow a thread now.
    pub(crate) fn follows(&self, root: &MessageId) -> bool {
        self.follower(root).is_some_and(|follower| follower.follows(self.own.as_ref()))
    }

    /// Whether a marker of theirs stands at a message or past it, moved there after an entry about it was due. The main
    /// timeline's marker says nothing of a thread, but where it stands on the answer itself.
    pub(crate) fn has_read(&self, message: &MessageDoc, caused: Sequence) -> bool {
        let moved = self.own.as_ref().filter(|own| own.marker_at > caused);
        let Some(root) = &message.thread_root_id else {
            return moved.is_some_and(|own| own.marker_number >= message.number);
        };
        let in_thread = self.follower(root).filter(|follower| follower.marker_at > caused);
        let number = message.thread_number;
        moved.is_some_and(|own| own.marker_message_id.as_ref() == Some(&message.id))
            || in_thread.zip(number).is_some_and(|(follower, number)| follower.marker >= number)
    }

    /// Whether they are out of the room, or were at some time after a place in the log: what was told of it until then
    /// waits for them no more.
    pub(crate) fn was_out_since(&self, caused: Sequence) -> bool {
        self.own.as_ref().is_some_and(|own| !own.present || own.joined > caused)
    }

    /// Whether an answer lies before their marker in its thread, whenever that was moved there.
    pub(crate) fn is_past(&self, answer: &MessageDoc) -> bool {
        let root = answer.thread_root_id.as_ref();
        let marker = root.and_then(|root| self.follower(root)).map_or(0, |one| one.marker);
        answer.thread_number.is_none_or(|number| number <= marker)
    }
}
