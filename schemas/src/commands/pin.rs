//! Pins.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{CHAT, commands};
use crate::ids::MessageId;

commands! {
    /// Pins a message in its room. Nothing happens when it is pinned already.
    CHAT / "pin_message": PinMessage -> () {
        /// The message.
        message_id: MessageId,
    }
    /// Unpins a message. Nothing happens when it is not pinned.
    CHAT / "unpin_message": UnpinMessage -> () {
        /// The message.
        message_id: MessageId,
    }
}
