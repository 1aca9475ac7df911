//! Answers to requests that came with an `Idempotency-Key`, kept for a day, so that a client that lost an
//! answer gets the very same one and nothing is done twice.
//!
//! A key belongs to a person, or before login to an address and a route. Only successes are kept: after a
//! refusal nothing was written and the key is free for another try. The command carries the key too, so
//! even a request whose answer was never stored is not carried out twice. Answers of confidential
//! routes (tokens, tickets) are never stored: a key is for one request there too, and a repeat is carried out again.
//!
//! Of equal requests that come at once one is carried out, and the others wait a moment for its answer.

use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderName, HeaderValue};
use bytes::Bytes;
use eventlog::{SecretError, SecretStore};
use schemas::values::IdempotencyKey;
use schemas::{Code, Digest, Position, RefusalReason, Rejection};
use serde::{Deserialize, Serialize};
use telemetry::error_chain;
use tokio::time::{Instant, sleep};

use super::answer::{Answer, Outcome};
use super::fingerprint::Fingerprint;
use crate::failure;

/// How long an answer is kept.
const KEPT: Duration = Duration::from_secs(24 * 3600);
/// How long a request may be under way before its key counts as left behind by a gateway that died.
const UNDER_WAY: Duration = Duration::from_secs(30);
/// How long a repeat of a request that is under way waits for its answer.
const WAITED: Duration = Duration::from_secs(2);
/// Pauses between looks for that answer: doubled each time up to the last.
const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LAST_PAUSE: Duration = Duration::from_millis(160);
/// Seconds after which a repeat that has waited in vain may be tried.
const RETRY_AFTER: u32 = 1;

/// What is stored under a key.
#[derive(Debug, Serialize, Deserialize)]
struct Entry {
    /// Digest of method, path and body: a key is for one request.
    request: String,
    /// Stands for the secrets in the body. None on routes without any, and where an older build wrote the entry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    secrets: Option<String>,
    /// None while the request is under way, and where answers are not kept.
    answer: Option<Kept>,
    /// It was carried out, and its answer may not be kept: a repeat is carried out again.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    again: bool,
}

#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    status: u16,
    body: String,
    position: Option<Position>,
}

/// A request that came with a key.
pub(super) struct Keyed {
    pub(super) store: SecretStore,
    /// Whose key: a user id, or `anonymous`.
    pub(super) owner: String,
    /// What else tells keys of one owner apart: address and route for `anonymous`.
    pub(super) scope: String,
    pub(super) key: IdempotencyKey,
    /// What the request is known by.
    pub(super) fingerprint: Fingerprint,
    /// Its answer is not kept.
    pub(super) confidential: bool,
}

/// What to do with it.
pub(super) enum Claim {
    /// It is new: carry it out, then [`Keyed::settle`] it with this revision.
    Ours(u64),
    /// It was carried out: answer so.
    Answered(Answer),
    /// It was carried out, and how it was answered is not kept: carry it out again.
    Again,
}

impl Keyed {
    /// The entry's name begins with its owner, so that all of a person's can be found and erased.
    fn name(&self) -> String {
        format!("{}.{}", self.owner, Digest::of([self.scope.as_str(), self.key.as_str()]))
    }

    /// Claims the key for this request, or waits a moment for the answer to the one that has it.
    pub(super) async fn claim(&self) -> Result<Claim, Rejection> {
        let (name, until) = (self.name(), Instant::now() + WAITED);
        let (mut free, mut pause) = (true, FIRST_PAUSE);
        loop {
            if free {
                match self.store.create(&name, json(&self.entry()), Some(UNDER_WAY)).await {
                    Ok(revision) => return Ok(Claim::Ours(revision)),
                    Err(SecretError::Conflict) => {}
                    Err(error) => return Err(failure::secret(error)),
                }
            }
            let found = self.store.get(&name).await.map_err(failure::secret)?;
            // A refusal frees the key, and it expires where a gateway died.
            free = found.is_none();
            if let Some((stored, _)) = found
                && let Some(claim) = self.judge(&stored)?
            {
                return Ok(claim);
            }
            if Instant::now() + pause > until {
                return Err(under_way());
            }
            sleep(pause).await;
            pause = (pause * 2).min(LAST_PAUSE);
        }
    }

    /// What is stored under the key; none while the request is under way.
    fn judge(&self, stored: &Bytes) -> Result<Option<Claim>, Rejection> {
        let entry: Entry = serde_json::from_slice(stored).map_err(|error| {
            tracing::error!(error = %error_chain(&error), "a stored answer cannot be read");
            Rejection::new(Code::Internal, "the stored answer cannot be read")
        })?;
        let Fingerprint { request, secrets } = &self.fingerprint;
        let other_secrets = entry.secrets.is_some() && entry.secrets != *secrets;
        if entry.request != request.as_str() || other_secrets {
            let detail = "this Idempotency-Key was used for another request";
            return Err(Rejection::new(Code::IdempotencyMismatch, detail));
        }
        Ok(match entry.answer {
            Some(kept) => Some(Claim::Answered(kept.into())),
            None => entry.again.then_some(Claim::Again),
        })
    }

    /// The entry of the request while it is under way.
    fn entry(&self) -> Entry {
        let Fingerprint { request, secrets } = &self.fingerprint;
        Entry { request: request.to_string(), secrets: secrets.clone(), answer: None, again: false }
    }

    /// Keeps a success and frees the key after anything else. Failing to do so fails nothing: the command
    /// knows the key as well.
    pub(super) async fn settle(&self, revision: u64, outcome: &Outcome) {
        let name = self.name();
        let settled = match outcome {
            Ok(answer) => {
                let kept = (!self.confidential).then(|| Kept::of(answer));
                let entry = Entry { answer: kept, again: self.confidential, ..self.entry() };
                self.store.update(&name, json(&entry), revision, Some(KEPT)).await.map(drop)
            }
            Err(_) => self.store.take(&name, revision).await.map(drop),
        };
        if let Err(error) = settled {
            tracing::warn!(error = %error_chain(&error), "an answer could not be kept");
        }
    }
}

fn under_way() -> Rejection {
    let detail = "a request with this Idempotency-Key is being worked on";
    Rejection::because(RefusalReason::RequestInProgress, detail).retry_after(RETRY_AFTER)
}

fn json(entry: &Entry) -> Vec<u8> {
    serde_json::to_vec(entry).unwrap_or_default()
}

impl Kept {
    fn of(answer: &Answer) -> Self {
        Self {
            status: answer.status.as_u16(),
            body: String::from_utf8_lossy(&answer.body).into_owned(),
            position: answer.position,
        }
    }
}

impl From<Kept> for Answer {
    fn from(kept: Kept) -> Self {
        let status = StatusCode::from_u16(kept.status).unwrap_or(StatusCode::OK);
        let replayed = HeaderName::from_static("idempotent-replayed");
        let mut answer = Self::nothing().with(replayed, HeaderValue::from_static("true"));
        answer.status = status;
        answer.position = kept.position;
        if !kept.body.is_empty() {
            answer.content_type = "application/json";
            answer.body = kept.body.into();
        }
        answer
    }
}
