//! Copies of the streams in a cluster: those that have fewer than the log, such as what a restore has brought from one
//! machine, get as many.

use std::time::Duration;

use eventlog::{EventLog, LogError, Raised};
use telemetry::error_chain;

/// How long after it could not be done it is tried again.
const AGAIN: Duration = Duration::from_secs(10);

/// Whenever a service meets a stream with fewer copies than the log, brings all to as many, beside its work. Only then
/// does it look at the others: with accounts of NATS no service may, and has no need to where they were prepared.
pub(crate) async fn raise(log: EventLog) {
    loop {
        log.meets_few_copies().await;
        if let Err(error) = log.streams().await {
            let error = error_chain(&error);
            tracing::warn!(
                error,
                "streams have too few copies, and this process cannot raise them; `tidings prepare-nats` does"
            );
            return;
        }
        raise_all(&log).await;
    }
}

async fn raise_all(log: &EventLog) {
    let mut said = String::new();
    loop {
        match log.raise_copies(log.copies(), say).await {
            Ok(raised) => {
                let (streams, copies) = (raised.len(), log.copies());
                tracing::info!(streams, copies, "all copies of all streams are up to date");
                return;
            }
            Err(error) => {
                let error = error_chain(&error);
                if error != said {
                    tracing::warn!(error, "not every stream has its copies yet; trying again");
                }
                said = error;
            }
        }
        tokio::time::sleep(AGAIN).await;
    }
}

/// Logs that a stream gets more copies.
pub(crate) fn say(raised: &Raised) {
    let Raised { stream, from, to } = raised;
    tracing::info!(nats.stream = stream, from, to, "a stream gets more copies");
}

/// What an operator is told who waits for it.
pub(crate) fn not_raised(copies: usize, error: &LogError) -> String {
    format!(
        "not every stream has {copies} copies: {}; `tidings prepare-nats --replicas {copies}` goes on with it",
        error_chain(error)
    )
}
