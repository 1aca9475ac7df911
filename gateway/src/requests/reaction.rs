//! Reactions.

use schemas::MessageId;
use schemas::commands::{AddReaction, RemoveReaction};
use schemas::values::Emoji;

use crate::http::shape;

shape! {
    /// How to react.
    ReactWith {
        /// One emoji. With and without U+FE0F it is the same one; it is stored fully qualified.
        emoji: Emoji,
    }
}

impl ReactWith {
    pub(crate) fn added(self, message_id: MessageId) -> AddReaction {
        AddReaction { message_id, emoji: self.emoji }
    }

    pub(crate) fn removed(self, message_id: MessageId) -> RemoveReaction {
        RemoveReaction { message_id, emoji: self.emoji }
    }
}
