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
}

impl ReadUpTo {
    pub(crate) fn command(self, room_id: RoomId) -> MarkRead {
        MarkRead { room_id, message_id: self.message_id }
    }
}
