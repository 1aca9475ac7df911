//! Writing a decision.

use eventlog::{AppendError, Appended, EventLog, Expect};
use schemas::{Position, Sequence};

use crate::call::Call;
use crate::fact::{Fact, Reads};
use crate::failure::Failure;

/// What became of a decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Committed {
    /// There was nothing to write: all of it holds already, at the latest from this position on. None when the
    /// decision was made by no lane that [`Reads`] knows of.
    Nothing(Option<Position>),
    /// It was written now: the last position, and the sequences in the order of the facts.
    Now(Position, Vec<Sequence>),
    /// The same command (by its idempotency key) had been carried out before; everything it wrote lies before
    /// this position.
    Before(Position),
}

impl Committed {
    /// Where its effect can be read.
    #[must_use]
    pub fn position(self) -> Option<Position> {
        match self {
            Self::Nothing(position) => position,
            Self::Now(position, _) | Self::Before(position) => Some(position),
        }
    }
}

/// Writes a decision in one atomic step, each lane expected to be as it was read. With an idempotency key a
/// repeat within the log's duplicate window is recognised.
///
/// # Errors
/// [`Failure::Conflict`] when the log has changed; otherwise what kept it from being written.
pub async fn commit(
    log: &EventLog,
    call: &Call,
    facts: Vec<Fact>,
    reads: &Reads,
) -> Result<Committed, Failure> {
    if facts.is_empty() {
        // What a repeat finds done may be newer than anything its gateway has handed on.
        let newest = Some(reads.newest()).filter(|newest| *newest > 0);
        return Ok(Committed::Nothing(newest.map(|newest| log.epoch().at(newest))));
    }
    let facts = reads.stamp(facts).into_iter().enumerate();
    let writes = facts.map(|(index, fact)| fact.keyed(call, index).into_write(call)).collect();
    match log.append(writes).await {
        Ok(Appended { position, duplicate: true, .. }) => Ok(Committed::Before(position)),
        Ok(Appended { position, sequences, .. }) => Ok(Committed::Now(position, sequences)),
        Err(AppendError::AlreadyCommitted) => {
            Ok(Committed::Before(log.epoch().at(log.head().await?)))
        }
        Err(error) => Err(error.into()),
    }
}

/// Writes one fact behind a fence: the right it relies on must not have moved since it was judged. With an
/// idempotency key a repeat is recognised ([`Appended::duplicate`]).
///
/// # Errors
/// As [`commit`].
pub async fn commit_fenced(
    log: &EventLog,
    call: &Call,
    fact: Fact,
    fence: Expect,
) -> Result<Appended, Failure> {
    record(log, call, Fact { expect: fence, ..fact }.keyed(call, 0)).await
}

/// Writes one fact just as it is: a repeat is recognised by the fact's own id, if it has one, and not by the
/// call's idempotency key.
///
/// # Errors
/// As [`commit`].
pub async fn record(log: &EventLog, call: &Call, fact: Fact) -> Result<Appended, Failure> {
    Ok(log.append(vec![fact.into_write(call)]).await?)
}
