//! Pins: a message is pinned and unpinned by its id alone.

use schemas::MessageId;
use schemas::commands::{PinMessage, UnpinMessage};

use super::Nothing;

pub(crate) fn pinned(_: Nothing, message_id: MessageId) -> PinMessage {
    PinMessage { message_id }
}

pub(crate) fn unpinned(_: Nothing, message_id: MessageId) -> UnpinMessage {
    UnpinMessage { message_id }
}
