//! The one retry loop.
//!
//! A try that fails because of an expectation is made again from the start, by what the log says then: the state
//! is loaded anew and the caller authorized anew. Nothing is ever appended on the strength of a right that was
//! judged before the state it was judged by changed.

use std::time::{Duration, Instant};

use rand::RngExt as _;
use schemas::Rejection;

use crate::failure::{Failure, unavailable};
use crate::lanes::ReadFrom;
use crate::metrics::CommandMetrics;

/// Tries of one command. Each that is lost was lost to a command that wrote: as many as this may change the same thing at
/// once, and all of them are carried out.
const TRIES: u32 = 32;
/// Longest pause before the second try in milliseconds; it doubles with each, up to the last.
const PAUSE_MS: u64 = 4;
const LAST_PAUSE_MS: u64 = 64;
/// Tries that are made however long they take.
const FEWEST: u32 = 6;
/// How long there are more of them: less than a caller waits, who is to hear that nothing was written.
const WITHIN: Duration = Duration::from_secs(2);

/// The bounded tries of one command: the first may go by the cache where that is said, the others go by the log.
pub struct Tries {
    from: ReadFrom,
    made: u32,
    begun: Instant,
}

impl Tries {
    /// No try was made yet.
    #[must_use]
    pub fn new(first: ReadFrom) -> Self {
        Self { from: first, made: 0, begun: Instant::now() }
    }

    /// What the next try may go by.
    #[must_use]
    pub const fn read_from(&self) -> ReadFrom {
        self.from
    }

    /// A try has failed: waits until the next one makes sense.
    ///
    /// # Errors
    /// The answer, when there is to be no other.
    pub async fn again(
        &mut self,
        metrics: &CommandMetrics,
        failure: Failure,
    ) -> Result<(), Rejection> {
        let before = std::mem::replace(&mut self.from, ReadFrom::Log);
        self.made += 1;
        match failure {
            // A member who has just come in must not be sent away by a cache that has not heard of it.
            Failure::Denied(_) if before == ReadFrom::Cache => return Ok(()),
            Failure::Rejected(rejection) | Failure::Denied(rejection) => return Err(rejection),
            Failure::Conflict => metrics.conflict(),
        }
        let late = self.made >= FEWEST && self.begun.elapsed() > WITHIN;
        if self.made >= TRIES || late {
            let detail = "too many others are changing the same thing; nothing was written";
            return Err(unavailable(detail));
        }
        let longest = (PAUSE_MS << (self.made - 1)).min(LAST_PAUSE_MS);
        let pause = rand::rng().random_range(1..=longest);
        tokio::time::sleep(Duration::from_millis(pause)).await;
        Ok(())
    }
}

/// Tries until the decision is written or refused, at most 32 times and, after the sixth, within two seconds.
///
/// # Errors
/// The refusal; `unavailable` when every try met a conflict.
pub async fn retry<T, F>(
    metrics: &CommandMetrics,
    first: ReadFrom,
    mut attempt: impl FnMut(ReadFrom) -> F,
) -> Result<T, Rejection>
where
    F: Future<Output = Result<T, Failure>>,
{
    let mut tries = Tries::new(first);
    loop {
        match attempt(tries.read_from()).await {
            Ok(done) => return Ok(done),
            Err(failure) => tries.again(metrics, failure).await?,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use schemas::Code;

    use super::*;

    /// Runs tries that end as given, and says what each went by and what came of it.
    async fn run(first: ReadFrom, ends: Vec<Failure>) -> (Vec<ReadFrom>, Result<(), Code>) {
        let metrics = CommandMetrics::new(&telemetry::Metrics::new(), "test");
        let (asked, ends) = (RefCell::new(Vec::new()), RefCell::new(ends.into_iter()));
        let done = retry(&metrics, first, |from| {
            asked.borrow_mut().push(from);
            let end = ends.borrow_mut().next();
            async move { end.map_or(Ok(()), Err) }
        })
        .await;
        (asked.into_inner(), done.map_err(|refused| refused.code))
    }

    fn forbidden() -> Rejection {
        Rejection::new(Code::Forbidden, "no")
    }

    #[tokio::test]
    async fn a_conflict_is_tried_again_by_the_log_and_not_for_ever() {
        let conflicts = |count| (0..count).map(|_| Failure::Conflict).collect();
        let (asked, done) = run(ReadFrom::Cache, conflicts(2)).await;
        assert_eq!(asked, [ReadFrom::Cache, ReadFrom::Log, ReadFrom::Log]);
        assert_eq!(done, Ok(()));
        let (asked, done) = run(ReadFrom::Log, conflicts(100)).await;
        assert_eq!(done, Err(Code::Unavailable));
        assert!((7..=32).contains(&asked.len()), "{}", asked.len());
    }

    #[tokio::test]
    async fn a_right_the_cache_denies_is_looked_up_in_the_log() {
        let denied = || vec![Failure::Denied(forbidden())];
        let (asked, done) = run(ReadFrom::Cache, denied()).await;
        assert_eq!((asked, done), (vec![ReadFrom::Cache, ReadFrom::Log], Ok(())));
        let (asked, done) = run(ReadFrom::Log, denied()).await;
        assert_eq!((asked, done), (vec![ReadFrom::Log], Err(Code::Forbidden)));
        let (asked, done) = run(ReadFrom::Cache, vec![forbidden().into()]).await;
        assert_eq!((asked, done), (vec![ReadFrom::Cache], Err(Code::Forbidden)));
    }
}
