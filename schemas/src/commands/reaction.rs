//! Reactions.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{CHAT, commands};
use crate::ids::MessageId;
use crate::values::Emoji;

commands! {
    /// Reacts to a message. Nothing happens when the caller has reacted so already.
    CHAT / "add_reaction": AddReaction -> () {
        /// The message.
        message_id: MessageId,
        /// The emoji.
        #[serde(deserialize_with = "crate::text::strict")]
        emoji: Emoji,
    }
    /// Takes a reaction of the caller back. Nothing happens when there is none.
    CHAT / "remove_reaction": RemoveReaction -> () {
        /// The message.
        message_id: MessageId,
        /// The emoji.
        #[serde(deserialize_with = "crate::text::strict")]
        emoji: Emoji,
    }
}
