//! Pins: the messages a room keeps at hand.

use async_trait::async_trait;
use schemas::ids::{MessageId, RoomId, UserId};
use schemas::position::Sequence;
use serde::{Deserialize, Serialize};

use crate::answers::Answer;

/// All pins of a room. No store keeps the document of a room without any.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PinsDoc {
    /// The room.
    pub room_id: RoomId,
    /// The pins, in the order in which they were made: at most [`MAX_PINS`](schemas::events::MAX_PINS).
    pub pins: Vec<Pin>,
    /// The last event that changed anything here.
    pub updated: Sequence,
}

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pin {
    /// The message.
    pub message_id: MessageId,
    /// The user who pinned it.
    pub user_id: UserId,
    /// The event that did.
    pub at: Sequence,
}

/// What can be asked about pins.
#[async_trait]
pub trait PinReads: Send + Sync {
    /// The pins of a room, in the order in which they were made.
    async fn pins(&self, room: &RoomId) -> Answer<Vec<Pin>>;
}
