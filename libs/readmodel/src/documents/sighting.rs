//! Sightings: in which blocks of the log something occurs. The index of the audit trail.
//!
//! The log is cut into blocks of [`BLOCK`] sequences. A sighting says that a [`Term`] occurs in a block: an actor, a type,
//! or an id that something happened to. There is at most one per term and block, however often it occurs, so a busy
//! user costs a document per block and not one per message. Who looks for events reads the blocks that have all terms.
//! The posts of messages are not indexed by their own ids: a message's document says where it was posted.

use async_trait::async_trait;
use schemas::ids::SightingId;
use schemas::position::Sequence;
use schemas::time::Timestamp;
use serde::{Deserialize, Serialize};

use crate::answers::{Answer, Slice};

/// Sequences in one block: block 0 has those below, block 1 as many after them.
pub const BLOCK: u64 = 256;
/// What every event has, and none is looked for by alone.
const EVERYTHING: &str = "*";
/// The types of events whose own id is not indexed begin with this.
const POSTS: &str = "message.posted.";

/// What events are looked for by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Term(String);

impl Term {
    /// What every event has.
    #[must_use]
    pub fn everything() -> Self {
        Self(EVERYTHING.to_owned())
    }

    /// Who caused it, as the event says: a user's id or `system`.
    #[must_use]
    pub fn actor(actor: &str) -> Self {
        Self(format!("a:{actor}"))
    }

    /// Its type.
    #[must_use]
    pub fn kind(kind: &str) -> Self {
        Self(format!("t:{kind}"))
    }

    /// What it happened to.
    #[must_use]
    pub fn subject(subject: &str) -> Self {
        Self(format!("s:{subject}"))
    }

    /// What an event is found by.
    #[must_use]
    pub fn of(actor: &str, kind: &str, subject: &str) -> Vec<Self> {
        let mut terms = vec![Self::everything(), Self::actor(actor), Self::kind(kind)];
        if Self::has_subjects(kind) {
            terms.push(Self::subject(subject));
        }
        terms
    }

    /// Whether events of a type are found by what they happened to. All others of one type, actor and block are found by
    /// the same.
    #[must_use]
    pub fn has_subjects(kind: &str) -> bool {
        !kind.starts_with(POSTS)
    }

    /// The term as it is stored.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The block a sequence lies in.
#[must_use]
pub const fn block_of(sequence: Sequence) -> u64 {
    sequence / BLOCK
}

/// A term occurs in a block.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SightingDoc {
    /// Follows from term and block.
    pub id: SightingId,
    /// What occurs.
    pub term: Term,
    /// The number of the block.
    pub block: u64,
    /// When the first event with it in the block was decided.
    pub time: Timestamp,
    /// The first event with it in the block: nothing changes after it.
    pub updated: Sequence,
}

impl SightingDoc {
    /// What an event shows.
    #[must_use]
    pub fn new(term: Term, time: Timestamp, at: Sequence) -> Self {
        let block = block_of(at);
        Self { id: SightingId::of(term.as_str(), block), term, block, time, updated: at }
    }

    /// Whether it says something of the block as such.
    pub(crate) fn is_of_block(&self) -> bool {
        self.term.as_str() == EVERYTHING
    }
}

/// What can be asked about sightings.
#[async_trait]
pub trait SightingReads: Send + Sync {
    /// The blocks a term occurs in, newest first: those from `from` on and before `end`.
    async fn sightings(&self, term: &Term, from: u64, end: u64, limit: usize)
    -> Answer<Slice<u64>>;
    /// The newest block that begins before a moment, by the time of its first event.
    async fn block_before(&self, time: Timestamp) -> Answer<Option<u64>>;
}
