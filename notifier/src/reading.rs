//! How far people have read, and which entries are read by it.

use schemas::Sequence;
use schemas::ids::{MessageId, RoomId, UserId};

/// How far a person has read, at a place in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// Who.
    pub user_id: UserId,
    /// Where.
    pub room_id: RoomId,
    /// The thread they have read; none for the main timeline.
    pub thread_root_id: Option<MessageId>,
    /// The message they have read up to.
    pub message_id: MessageId,
    /// Where that was posted.
    pub through: Sequence,
    /// Where the event is that says so.
    pub at: Sequence,
}

impl Reading {
    /// Whether an entry about a message is read by it: the message lies before, and the entry was due before.
    #[must_use]
    pub fn covers(
        &self,
        message: Option<&MessageId>,
        thread: Option<&MessageId>,
        (posted, caused): (Sequence, Sequence),
    ) -> bool {
        let before = self.thread_root_id.as_ref() == thread && posted <= self.through;
        caused < self.at && (before || message == Some(&self.message_id))
    }
}
