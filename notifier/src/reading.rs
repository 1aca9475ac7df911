//! How far people have read, and which entries are read by it.

use readmodel::Reached;
use schemas::Sequence;
use schemas::events::{MemberChanged, MemberEvent, MemberLeft, MemberRemoved};
use schemas::ids::{MessageId, RoomId, UserId};

/// How far a person has read, at a place in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// The user who has read.
    pub user_id: UserId,
    /// The room they have read.
    pub room_id: RoomId,
    /// The thread they have read; none for the main timeline.
    pub thread_root_id: Option<MessageId>,
    /// The message they have read up to; none for a person who is out of the room: nothing there waits for them any
    /// more.
    pub message_id: Option<MessageId>,
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
        let (within, up_to) = (self.thread_root_id.as_ref(), self.message_id.as_ref());
        let reached = Reached { thread: within, message: up_to, posted: self.through };
        caused < self.at && (self.is_departure() || reached.covers(message, thread, posted))
    }

    /// Whether the person is out of the room.
    #[must_use]
    pub const fn is_departure(&self) -> bool {
        self.message_id.is_none()
    }
}

/// What a person has read by being out of a room, having left it or been put out.
pub(crate) fn departure(event: &MemberEvent, at: Sequence) -> Option<Reading> {
    let member = match event {
        MemberEvent::Left(MemberLeft { member })
        | MemberEvent::Removed(MemberRemoved { member })
        | MemberEvent::Changed(MemberChanged { member }) => member,
        MemberEvent::Joined(_) | MemberEvent::Added(_) | MemberEvent::BlockChanged(_) => {
            return None;
        }
    };
    (!member.present).then_some(Reading {
        user_id: member.user_id,
        room_id: member.room_id,
        thread_root_id: None,
        message_id: None,
        through: at,
        at,
    })
}
