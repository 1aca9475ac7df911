//! Logins through providers that are under way, and the codes of those that have come back: the buckets `oidc_logins` and
//! `oidc_codes`, so that any copy of this service goes on with what another began. Both are named by a hash of the secret
//! the client has, and live for minutes.

use std::collections::VecDeque;
use std::time::Duration;

use data_encoding::BASE64URL_NOPAD;
use decider::Failure;
use eventlog::{EventLog, SecretStore};
use parking_lot::Mutex;
use schemas::values::{ProviderId, Secret};
use schemas::{Code, CodeChallenge, Digest, Rejection};
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use crate::domain::identity::Claims;
use crate::records::{read_record, write_record};

/// How long a person may take at the provider.
const PENDING: Duration = Duration::from_secs(600);
/// How long the code of a login is good for.
const CODE: Duration = Duration::from_secs(60);
/// Logins a copy of this service has under way, each of a few kilobytes.
const MOST: usize = 10_000;
/// Seconds after which it makes sense to try again when there are as many.
const LATER: u32 = 60;

/// A login that was begun.
#[derive(Serialize, Deserialize)]
pub(crate) struct Pending {
    pub(crate) provider: ProviderId,
    /// Of the secret the browser has.
    pub(crate) browser: Digest,
    pub(crate) redirect_uri: String,
    pub(crate) return_to: String,
    pub(crate) code_challenge: CodeChallenge,
    pub(crate) nonce: Secret,
    pub(crate) verifier: Secret,
}

/// A login that has come back.
#[derive(Serialize, Deserialize)]
pub(crate) struct Arrived {
    pub(crate) provider: ProviderId,
    pub(crate) code_challenge: CodeChallenge,
    /// The key of the person's identity.
    pub(crate) identity: Digest,
    pub(crate) claims: Claims,
}

/// The buckets.
pub(crate) struct ProviderLogins {
    pending: SecretStore,
    codes: SecretStore,
    /// When this copy began which logins, the oldest first, as far as they are under way.
    begun: Mutex<VecDeque<(Instant, Digest)>>,
}

/// A secret of 256 random bits.
pub(crate) fn fresh_secret() -> Secret {
    Secret::new(BASE64URL_NOPAD.encode(&rand::random::<[u8; 32]>()))
}

/// What is kept of the secret a browser has.
pub(crate) fn of_browser(secret: &Secret) -> Digest {
    Digest::of(["oidc-browser", secret.expose()])
}

fn of_state(state: &Secret) -> Digest {
    Digest::of(["oidc-state", state.expose()])
}

fn of_code(code: &Secret) -> Digest {
    Digest::of(["oidc-code", code.expose()])
}

impl ProviderLogins {
    pub(crate) fn new(log: &EventLog) -> Self {
        let (pending, codes) = (log.secrets("oidc_logins"), log.secrets("oidc_codes"));
        Self { pending, codes, begun: Mutex::default() }
    }

    /// Refuses one more when too many are under way.
    ///
    /// # Errors
    /// `rate_limited`.
    pub(crate) fn has_room(&self) -> Result<(), Rejection> {
        let mut begun = self.begun.lock();
        while begun.front().is_some_and(|(at, _)| at.elapsed() >= PENDING) {
            begun.pop_front();
        }
        if begun.len() < MOST {
            return Ok(());
        }
        let detail = "too many logins are under way";
        Err(Rejection::new(Code::RateLimited, detail).retry_after(LATER))
    }

    /// Keeps a login until it comes back.
    pub(crate) async fn begin(&self, state: &Secret, pending: &Pending) -> Result<(), Failure> {
        let key = of_state(state);
        self.pending.create(key.as_str(), write_record(pending)?, Some(PENDING)).await?;
        self.begun.lock().push_back((Instant::now(), key));
        Ok(())
    }

    /// Takes a login that comes back, once, and only from the browser that began it at this provider: another's is left as
    /// it is. None for any other.
    pub(crate) async fn come_back(
        &self,
        state: &Secret,
        browser: Option<&Secret>,
        provider: &ProviderId,
    ) -> Result<Option<Pending>, Failure> {
        let key = of_state(state);
        let found = self.pending.get(key.as_str()).await?;
        let (Some((value, revision)), Some(browser)) = (found, browser) else { return Ok(None) };
        let pending: Pending = read_record(&value)?;
        if pending.browser != of_browser(browser) || pending.provider != *provider {
            return Ok(None);
        }
        let mine = self.pending.take(key.as_str(), revision).await?;
        self.begun.lock().retain(|(_, begun)| *begun != key);
        Ok(mine.then_some(pending))
    }

    /// Keeps what has come back until its code is exchanged.
    pub(crate) async fn arrive(&self, code: &Secret, arrived: &Arrived) -> Result<(), Failure> {
        let value = write_record(arrived)?;
        self.codes.create(of_code(code).as_str(), value, Some(CODE)).await?;
        Ok(())
    }

    /// What a code stands for, and its revision. It is not used up.
    pub(crate) async fn of(&self, code: &Secret) -> Result<Option<(Arrived, u64)>, Failure> {
        let found = self.codes.get(of_code(code).as_str()).await?;
        found.map(|(value, revision)| Ok((read_record(&value)?, revision))).transpose()
    }

    /// Uses a code up: of any number of callers at once one gets it.
    pub(crate) async fn redeem(&self, code: &Secret, revision: u64) -> Result<bool, Failure> {
        Ok(self.codes.take(of_code(code).as_str(), revision).await?)
    }
}
