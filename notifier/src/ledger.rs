//! What has left the house, so that it leaves once.
//!
//! The log cannot take part in a mail server's transaction, so an effect is claimed before and noted
//! after it. Between a mail that went out and its note lies a moment in which a crash makes it go out again:
//! a claim that nobody has resolved for a while is taken over. The mail then carries the same
//! `Message-ID`, by which mail programs recognise it.

use std::time::Duration;

use eventlog::{EventLog, SecretError, SecretStore};
use schemas::{Digest, Timestamp};
use serde::{Deserialize, Serialize};
use telemetry::error_chain;

use crate::channel::Failed;

/// How long it is remembered that an effect was done. What is older than this is not done any more.
pub(crate) const REMEMBERED: Duration = Duration::from_secs(7 * 24 * 3600);
/// After how many seconds a claim counts as abandoned. Longer than any hand-over may take.
const ABANDONED_AFTER: i64 = 120;

#[derive(Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
enum Entry {
    Claimed { at: Timestamp },
    Done,
}

/// The answer to a claim.
pub(crate) enum Claim {
    /// Do it, then say so with this revision.
    Mine(u64),
    /// It was done before.
    Done,
    /// Somebody is at it.
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
    pub(crate) async fn claim(&self, effect: &Digest, now: Timestamp) -> Result<Claim, Failed> {
        let key = effect.as_str();
        let claimed = encoded(&Entry::Claimed { at: now })?;
        match self.store.create(key, claimed.clone(), Some(REMEMBERED)).await {
            Ok(revision) => return Ok(Claim::Mine(revision)),
            Err(SecretError::Conflict) => {}
            Err(error) => return Err(failed(&error)),
        }
        let Some((found, revision)) = self.store.get(key).await.map_err(|e| failed(&e))? else {
            return Ok(Claim::Busy);
        };
        match serde_json::from_slice(&found) {
            Ok(Entry::Done) => Ok(Claim::Done),
            Ok(Entry::Claimed { at }) if at.plus_seconds(ABANDONED_AFTER) > now => Ok(Claim::Busy),
            // Abandoned, or written by something else: whoever replaces this revision has it.
            _ => match self.store.update(key, claimed, revision, Some(REMEMBERED)).await {
                Ok(revision) => Ok(Claim::Mine(revision)),
                Err(SecretError::Conflict) => Ok(Claim::Busy),
                Err(error) => Err(failed(&error)),
            },
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

fn failed(error: &SecretError) -> Failed {
    Failed::for_now(error_chain(error))
}
