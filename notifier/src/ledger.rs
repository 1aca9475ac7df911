//! The effects that were done outside the log, so that each is done once.
//!
//! The log cannot take part in a mail server's transaction, so an effect is claimed before and noted
//! after it. Between a mail that went out and its note lies a moment in which a crash makes it go out again:
//! a claim that was not resolved for a while is taken over. The mail then carries the same
//! `Message-ID`, by which mail programs recognise it.

use std::pin::pin;
use std::time::Duration;

use eventlog::{EventLog, SecretError, SecretStore};
use schemas::Digest;
use serde::{Deserialize, Serialize};
use telemetry::error_chain;
use tokio::time::timeout;

use crate::channel::Failed;

/// How long it is remembered that an effect was done. What is older than this is not done any more.
pub(crate) const REMEMBERED: Duration = Duration::from_secs(7 * 24 * 3600);
/// How long a claim lives that is not renewed. The server counts, so no two clocks have to agree.
pub(crate) const LEASE: Duration = Duration::from_secs(12);
/// How often a claim is renewed.
const RENEW: Duration = Duration::from_secs(4);

#[derive(Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
enum Entry {
    Claimed,
    Done,
}

/// The answer to a claim.
pub(crate) enum Claim {
    /// Do it, then say so with this revision.
    Mine(u64),
    /// It was done before.
    Done,
    /// Another process is doing it.
    Busy,
}

/// Which effects have been claimed and done.
pub(crate) struct Ledger {
    store: SecretStore,
}

impl Ledger {
    pub(crate) fn new(log: &EventLog) -> Self {
        Self { store: log.secrets("effects") }
    }

    /// Claims an effect.
    pub(crate) async fn claim(&self, effect: &Digest) -> Result<Claim, Failed> {
        let key = effect.as_str();
        let claimed = encoded(&Entry::Claimed)?;
        match self.store.create(key, claimed, Some(LEASE)).await {
            Ok(revision) => return Ok(Claim::Mine(revision)),
            Err(SecretError::Conflict) => {}
            Err(error) => return Err(failed(&error)),
        }
        let Some((found, _)) = self.store.get(key).await.map_err(|e| failed(&e))? else {
            return Ok(Claim::Busy);
        };
        match serde_json::from_slice(&found) {
            Ok(Entry::Done) => Ok(Claim::Done),
            Ok(Entry::Claimed) | Err(_) => Ok(Claim::Busy),
        }
    }

    /// Does what was claimed, and keeps the claim meanwhile; what came of it, and the claim's revision.
    pub(crate) async fn keep_while<T>(
        &self,
        effect: &Digest,
        mut revision: u64,
        doing: impl Future<Output = T>,
    ) -> (T, u64) {
        let mut doing = pin!(doing);
        loop {
            if let Ok(done) = timeout(RENEW, doing.as_mut()).await {
                return (done, revision);
            }
            let Ok(claimed) = encoded(&Entry::Claimed) else { continue };
            match self.store.update(effect.as_str(), claimed, revision, Some(LEASE)).await {
                Ok(renewed) => revision = renewed,
                Err(error) => {
                    tracing::warn!(error = error_chain(&error), "a claim could not be renewed");
                }
            }
        }
    }

    /// Notes that a claimed effect was done.
    pub(crate) async fn done(&self, effect: &Digest, revision: u64) -> Result<(), Failed> {
        let entry = encoded(&Entry::Done)?;
        let noted = self.store.update(effect.as_str(), entry, revision, Some(REMEMBERED)).await;
        noted.map(|_| ()).map_err(|error| failed(&error))
    }

    /// Gives a claim back: the effect was not done. Failing to is no harm, the claim is abandoned then.
    pub(crate) async fn give_back(&self, effect: &Digest) {
        if let Err(error) = self.store.delete(effect.as_str()).await {
            tracing::debug!(error = error_chain(&error), "a claim could not be given back");
        }
    }
}

fn encoded(entry: &Entry) -> Result<Vec<u8>, Failed> {
    serde_json::to_vec(entry).map_err(|error| Failed::for_good(error_chain(&error)))
}

/// Why the store did not take something.
pub(crate) fn failed(error: &SecretError) -> Failed {
    match error {
        SecretError::Full => Failed::for_want_of_room(error_chain(error)),
        _ => Failed::for_now(error_chain(error)),
    }
}
