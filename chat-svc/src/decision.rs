//! Load, decide, append, and decide again when the log has changed meanwhile: the one retry loop.
//!
//! A try that fails because of an expectation is made again from the start, by what the log says then:
//! the state is loaded anew and the caller authorized anew. Nothing is ever appended on the strength
//! of a right that was judged before the state it was judged by changed.

use std::collections::HashMap;
use std::future::Future;
use std::time::Duration;

use eventlog::{AppendError, Appended, DedupId, Expect, LaneWrite, LogError};
use rand::RngExt;
use schemas::commands::Accepted;
use schemas::{Code, DecodeError, Lane, Position, Rejection, Sequence};

use crate::call::Call;
use crate::chat::Chat;
use crate::domain::Fact;
use crate::domain::access::Denied;
use crate::domain::member::MemberRejection;
use crate::domain::message::MessageRejection;
use crate::domain::room::RoomRejection;
use crate::index::IndexError;
use crate::lanes::Freshness;
use crate::metrics::ChatMetrics;

/// Tries of one command.
const TRIES: u32 = 5;
/// Longest pause before the second try; it doubles with each.
const PAUSE_MS: u64 = 4;

/// Why a try did not succeed.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The command is refused.
    Refused(Rejection),
    /// The caller may not, by what was known of him and the room: what the log says may differ.
    Denied(Rejection),
    /// The log has changed since it was read: decide again.
    Conflict,
}

impl From<Rejection> for Failure {
    fn from(rejection: Rejection) -> Self {
        Self::Refused(rejection)
    }
}

impl From<Denied> for Failure {
    fn from(denied: Denied) -> Self {
        Self::Denied(denied.into())
    }
}

macro_rules! refused_by {
    ($($rejection:ident),*) => {
        $(impl From<$rejection> for Failure {
            fn from(rejection: $rejection) -> Self {
                match rejection {
                    $rejection::Denied(denied) => denied.into(),
                    other => Self::Refused(other.into()),
                }
            }
        })*
    };
}
refused_by!(RoomRejection, MemberRejection, MessageRejection);

/// The answer to a command that could not be carried out for no fault of its own.
pub(crate) fn unavailable(detail: &str) -> Rejection {
    Rejection::new(Code::Unavailable, detail).retry_after(1)
}

impl From<AppendError> for Failure {
    fn from(error: AppendError) -> Self {
        if matches!(error, AppendError::Conflict) {
            return Self::Conflict;
        }
        tracing::warn!(error = %telemetry::error_chain(&error), "an append failed");
        Self::Refused(match error {
            AppendError::Unreadable(_) => Rejection::unstorable(),
            AppendError::TooLarge => {
                Rejection::new(Code::PayloadTooLarge, "the event is too large to be stored")
            }
            AppendError::StorageFull => unavailable("the store is full; nothing was written"),
            AppendError::Unknown => {
                unavailable("it is not known whether this was written; send the same again")
            }
            AppendError::Conflict
            | AppendError::AlreadyCommitted
            | AppendError::Unavailable
            | AppendError::Log(_) => unavailable("the log cannot be written; nothing was"),
        })
    }
}

impl From<LogError> for Failure {
    fn from(error: LogError) -> Self {
        tracing::warn!(error = %telemetry::error_chain(&error), "the log could not be read");
        Self::Refused(unavailable("the log cannot be read"))
    }
}

impl From<DecodeError> for Failure {
    fn from(error: DecodeError) -> Self {
        if let DecodeError::UnknownType(kind) = &error {
            // Another copy, of a newer build, can judge by it: whoever asks again may meet that one.
            tracing::error!(event.kind = kind, "an event of a newer build; upgrade this process");
            return Self::Refused(unavailable("the newest state was written by a newer build"));
        }
        tracing::error!(error = %telemetry::error_chain(&error), "an event cannot be read");
        Self::Refused(unavailable("the newest state of this cannot be read at the moment"))
    }
}

impl From<IndexError> for Failure {
    fn from(error: IndexError) -> Self {
        tracing::warn!(error = %telemetry::error_chain(&error), "the read model does not answer");
        Self::Refused(unavailable("the read model does not answer"))
    }
}

/// The bounded tries of one command: the first may go by the cache where that is said, the others go by
/// the log.
pub(crate) struct Tries {
    how: Freshness,
    made: u32,
}

impl Tries {
    pub(crate) fn new(first: Freshness) -> Self {
        Self { how: first, made: 0 }
    }

    /// What the next try may go by.
    pub(crate) fn how(&self) -> Freshness {
        self.how
    }

    /// A try has failed: waits until the next one makes sense.
    ///
    /// # Errors
    /// The answer, when there is to be no other.
    pub(crate) async fn again(
        &mut self,
        metrics: &ChatMetrics,
        failure: Failure,
    ) -> Result<(), Rejection> {
        let before = std::mem::replace(&mut self.how, Freshness::Fresh);
        self.made += 1;
        match failure {
            // Somebody who has just come in must not be sent away by a cache that has not heard of it.
            Failure::Denied(_) if before == Freshness::Cached => return Ok(()),
            Failure::Refused(rejection) | Failure::Denied(rejection) => return Err(rejection),
            Failure::Conflict => metrics.conflict(),
        }
        if self.made >= TRIES {
            let detail = "too many others are changing the same thing; nothing was written";
            return Err(unavailable(detail));
        }
        let longest = PAUSE_MS << (self.made - 1);
        let pause = rand::rng().random_range(1..=longest);
        tokio::time::sleep(Duration::from_millis(pause)).await;
        Ok(())
    }
}

/// Tries until the decision is written or refused.
pub(crate) async fn settle<T, F>(
    metrics: &ChatMetrics,
    first: Freshness,
    mut attempt: impl FnMut(Freshness) -> F,
) -> Result<T, Rejection>
where
    F: Future<Output = Result<T, Failure>>,
{
    let mut tries = Tries::new(first);
    loop {
        match attempt(tries.how()).await {
            Ok(done) => return Ok(done),
            Err(failure) => tries.again(metrics, failure).await?,
        }
    }
}

/// The lanes a decision was made by, each with the sequence it was read at.
#[derive(Debug, Default)]
pub(crate) struct ReadAt(HashMap<Lane, Sequence>);

impl ReadAt {
    /// Takes note of a lane that was read; 0: it has no event.
    pub(crate) fn note(&mut self, lane: Lane, sequence: Sequence) {
        self.0.insert(lane, sequence);
    }

    /// The newest event that was read: what was decided by it can be seen from there on.
    fn newest(&self) -> Sequence {
        self.0.values().copied().max().unwrap_or(0)
    }

    /// A lane that was not read is that of something new: it must be empty.
    pub(crate) fn expectation(&self, lane: &Lane) -> Expect {
        self.0.get(lane).map_or(Expect::Empty, |sequence| Expect::At(*sequence))
    }
}

/// What became of a decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Committed {
    /// There was nothing to write: all of it holds already, at the latest from this position on.
    Nothing(Position),
    /// It was written now.
    Now(Position),
    /// The same command (by its idempotency key) had been carried out before; everything it wrote lies
    /// before this position.
    Before(Position),
}

impl Committed {
    /// Where its effect can be read.
    pub(crate) fn position(self) -> Option<Position> {
        match self {
            Self::Nothing(position) | Self::Now(position) | Self::Before(position) => {
                Some(position)
            }
        }
    }
}

impl Chat {
    /// Writes a decision in one atomic step, each lane expected to be as it was read.
    pub(crate) async fn commit(
        &self,
        call: &Call,
        command: &str,
        facts: Vec<Fact>,
        read: &ReadAt,
    ) -> Result<Committed, Failure> {
        if facts.is_empty() {
            // What a repeat finds done may be newer than anything its gateway has handed on.
            return Ok(Committed::Nothing(self.log.epoch().at(read.newest())));
        }
        let writes = facts.iter().enumerate().map(|(index, fact)| {
            let expect = read.expectation(&fact.lane);
            let write = LaneWrite::new(fact.lane.clone(), call.event(fact.data.clone()), expect);
            match &call.key {
                None => write,
                Some(key) => {
                    let index = index.to_string();
                    let parts = [call.actor.as_str(), command, key.as_str(), index.as_str()];
                    write.dedup(DedupId::of(parts))
                }
            }
        });
        match self.log.append(writes.collect()).await {
            Ok(Appended { position, duplicate: true, .. }) => Ok(Committed::Before(position)),
            Ok(appended) => {
                // The caller's next command must not be judged by what was before this one.
                for (fact, sequence) in facts.iter().zip(&appended.sequences) {
                    self.learn(&fact.lane, *sequence, &fact.data);
                }
                Ok(Committed::Now(appended.position))
            }
            Err(AppendError::AlreadyCommitted) => {
                Ok(Committed::Before(self.log.epoch().at(self.log.head().await?)))
            }
            Err(error) => Err(error.into()),
        }
    }
}

/// A command was carried out.
pub(crate) fn accepted<T>(position: Option<Position>, result: T) -> Accepted<T> {
    Accepted { position, result }
}
