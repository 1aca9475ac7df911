//! What is handed to `append` and what comes back.

use schemas::{Digest, Event, Lane, Position, Sequence};

/// One event for one lane, and what must be true for it to be written.
#[derive(Debug, Clone)]
pub struct LaneWrite {
    /// The lane the event goes to.
    pub lane: Lane,
    /// The event.
    pub event: Event,
    /// What must be true.
    pub expect: Expect,
    /// What makes a repeat of the same command recognisable. Without one the event's own id is used,
    /// which makes retries inside `append` safe but not those of a caller who makes a new event.
    pub dedup: Option<DedupId>,
}

impl LaneWrite {
    /// A write with an expectation and no id of its own.
    #[must_use]
    pub fn new(lane: Lane, event: Event, expect: Expect) -> Self {
        Self { lane, event, expect, dedup: None }
    }

    /// The same with an id under which a repeat is recognised.
    #[must_use]
    pub fn dedup(mut self, id: DedupId) -> Self {
        self.dedup = Some(id);
        self
    }
}

/// What must be true of the log at the moment of writing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expect {
    /// Nothing: the append has no condition.
    Any,
    /// The lane has no event.
    Empty,
    /// The lane's last event has this sequence (0: the lane has none).
    At(Sequence),
    /// Another lane's last event has this sequence (0: it has none).
    Fence {
        /// The other lane.
        lane: Lane,
        /// Its last sequence when the right was judged.
        at: Sequence,
    },
}

/// Makes a repeat of the same write recognisable within the log's duplicate window (30 s unless
/// configured otherwise). The window spans the whole log, so the parts must begin with the author of the command:
/// two users may choose the same `client_id`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct DedupId(Digest);

impl DedupId {
    /// The id of (actor, kind of command, the client's id, index of the event, ...).
    #[must_use]
    pub fn of<'a>(parts: impl IntoIterator<Item = &'a str>) -> Self {
        Self(Digest::of(parts))
    }

    /// 32 hexadecimal digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

/// Where events were written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Appended {
    /// The place of the last of them: a reader that has read up to here sees them all.
    pub position: Position,
    /// Their sequences, in the order of the writes.
    pub sequences: Vec<Sequence>,
    /// Single writes only: the log already had an event under this `DedupId`. Nothing new was written
    /// and `sequences` is where the ORIGINAL event is, which may differ from the one handed in: load it.
    pub duplicate: bool,
}
