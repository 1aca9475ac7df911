//! Read markers.

use schemas::commands::MarkRead;
use schemas::{MessageId, RoomId};

use crate::http::shape;

shape! {
    /// How far the caller has read.
    ReadUpTo {
        /// The last message read.
        message_id: MessageId,
    }
    /// How far the caller has read a room or a thread.
    MarkerFrame {
        /// The last message read.
        message_id: MessageId,
        /// The thread whose marker is moved; none: the room's.
        thread_root_id: Option<MessageId>,
    }
}

impl ReadUpTo {
    pub(crate) fn command(self, room_id: RoomId) -> MarkRead {
        MarkRead { room_id, message_id: self.message_id, thread_root_id: None }
    }
}

impl MarkerFrame {
    pub(crate) fn command(self, room_id: RoomId) -> MarkRead {
        MarkRead { room_id, message_id: self.message_id, thread_root_id: self.thread_root_id }
    }
}
