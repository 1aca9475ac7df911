//! What a resume sends, step by step: found out at once, made into frames piece by piece as the peer reads.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use schemas::{MessageId, RoomId, Sequence, Timestamp};

use super::budget::Taken;
use super::frames::{Broadcast, Change};
use super::memory::Remembered;

/// One frame to be sent.
#[derive(Debug)]
pub(crate) struct Step {
    /// The position it is told at.
    pub(crate) at: Sequence,
    /// Of two frames at one position this one is the second.
    pub(crate) second: bool,
    /// About the bytes it takes.
    pub(crate) bytes: usize,
    pub(crate) item: Item,
}

/// What a frame is made of.
#[derive(Debug)]
pub(crate) enum Item {
    /// An event as it was told when it happened; with `to_self` as it was told to the user it happened to.
    Broadcast { broadcast: Arc<Broadcast>, to_self: bool },
    /// An edit or the deletion of an older message as it was told when it happened; the whole message where it has, or
    /// had, answers, of which the client may not have been told.
    Text { broadcast: Arc<Broadcast>, message: MessageId },
    /// A message at its own place, as it is now: by the event that last said its text, with the number of its answers and
    /// the time of the newest.
    Posted { text: Arc<Remembered>, replies: (u64, Option<Timestamp>) },
    /// A message at its own place, as the read model has it when its turn comes: something beside it changed, too.
    Whole(RoomId, MessageId),
    /// A message as the read model has it when its turn comes.
    Message(MessageId),
    /// A message beside which something changed (answers, reactions, its pin), whole, as the read model has it when its turn comes.
    Changed(RoomId, MessageId),
    /// What the client holds of a room may have holes.
    Reload(RoomId),
    /// A document that is small.
    Frame(Bytes),
}

impl From<Change> for Step {
    fn from(change: Change) -> Self {
        match change {
            Change::Frame { at, frame } => {
                Self { at, second: false, bytes: frame.len(), item: Item::Frame(frame) }
            }
            Change::Reload { at, room } => Self::reload(&room, at),
            Change::Message { at, second, message, bytes } => {
                Self { at, second, bytes, item: Item::Message(message) }
            }
        }
    }
}

impl Step {
    /// What a frame that is made of little takes.
    pub(crate) const SMALL: usize = 256;

    pub(crate) fn reload(room: &RoomId, at: Sequence) -> Self {
        let item = Item::Reload(*room);
        Self { at, second: true, bytes: Self::SMALL, item }
    }

    /// What the step itself keeps in memory until it is sent.
    fn held(&self) -> usize {
        let own = if let Item::Frame(frame) = &self.item { frame.len() } else { 0 };
        size_of::<Self>() + own
    }
}

/// Everything to be sent between two places of the log.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    /// The client has everything up to here.
    pub(crate) after: Sequence,
    /// It has everything up to there once the steps are sent.
    pub(crate) through: Sequence,
    pub(crate) steps: VecDeque<Step>,
    /// Its part of what all plans may take.
    pub(crate) taken: Option<Taken>,
}

impl Plan {
    /// Puts steps in the order of their positions.
    pub(crate) fn new(after: Sequence, through: Sequence, mut steps: Vec<Step>) -> Self {
        steps.sort_by_key(|step| (step.at, step.second));
        Self { after, through, steps: steps.into(), taken: None }
    }

    /// Bytes to be sent, about.
    pub(crate) fn bytes(&self) -> usize {
        self.steps.iter().map(|step| step.bytes).sum()
    }

    /// Bytes the plan takes in memory by itself.
    pub(crate) fn held(&self) -> usize {
        self.steps.iter().map(Step::held).sum()
    }

    /// Takes the steps of the next piece, about `bytes` of them.
    pub(crate) fn next_piece(&mut self, bytes: usize) -> Vec<Step> {
        let mut piece = Vec::new();
        let mut taken = 0;
        while taken < bytes
            && let Some(step) = self.steps.pop_front()
        {
            taken += step.bytes;
            piece.push(step);
        }
        piece
    }
}
