//! What every handler has at hand, and the loop that decides again when the log has changed.

use std::future::Future;
use std::time::Duration;

use eventlog::{EventLog, SecretStore};
use rand::RngExt as _;
use schemas::commands::Accepted;
use schemas::{Code, NameKey, Position, Rejection, UserId};
use serde::{Deserialize, Serialize};

use crate::admins::Admins;
use crate::failure::{Failure, unavailable};
use crate::metrics::AuthMetrics;
use crate::passwords::Passwords;
use crate::refresh::RefreshTokens;
use crate::sessions::Sessions;
use crate::tokens::Signer;

/// Tries of one command.
const TRIES: u32 = 6;
/// Longest pause before the second try in milliseconds; it doubles with each.
const PAUSE_MS: u64 = 4;

/// The answer to a command.
pub(crate) type Answer<T> = Result<Accepted<T>, Rejection>;

/// The service's parts.
pub(crate) struct Auth {
    pub(crate) log: EventLog,
    pub(crate) names: NameKey,
    pub(crate) passwords: Passwords,
    pub(crate) signer: Signer,
    pub(crate) refresh_tokens: RefreshTokens,
    pub(crate) sessions: Sessions,
    pub(crate) credentials: SecretStore,
    pub(crate) tickets: SecretStore,
    pub(crate) admins: Admins,
    pub(crate) metrics: AuthMetrics,
}

/// What is kept of a password.
#[derive(Serialize, Deserialize)]
pub(crate) struct Credentials {
    /// The bcrypt hash.
    pub(crate) bcrypt: String,
}

impl Auth {
    /// Tries until the decision is written or refused.
    pub(crate) async fn settle<T, F>(&self, mut attempt: impl FnMut() -> F) -> Result<T, Rejection>
    where
        F: Future<Output = Result<T, Failure>>,
    {
        for round in 0..TRIES {
            match attempt().await {
                Ok(done) => return Ok(done),
                Err(Failure::Refused(rejection)) => return Err(rejection),
                Err(Failure::Repeat) => {
                    return Err(Rejection::new(Code::Conflict, "this was carried out before"));
                }
                Err(Failure::Conflict) => self.metrics.conflict(),
            }
            let pause = rand::rng().random_range(1..=(PAUSE_MS << round));
            tokio::time::sleep(Duration::from_millis(pause)).await;
        }
        Err(unavailable("too many others are changing the same thing; nothing was written"))
    }

    /// An account's credentials with their revision.
    pub(crate) async fn credentials_of(
        &self,
        user: &UserId,
    ) -> Result<Option<(Credentials, u64)>, Failure> {
        match self.credentials.get(user.as_str()).await? {
            None => Ok(None),
            Some((value, revision)) => Ok(Some((serde_json::from_slice(&value)?, revision))),
        }
    }
}

/// A command was carried out.
pub(crate) fn accepted<T>(position: Option<Position>, result: T) -> Accepted<T> {
    Accepted { position, result }
}

/// The one answer to every login that fails, whatever the reason.
pub(crate) fn invalid_credentials() -> Rejection {
    Rejection::new(Code::InvalidCredentials, "the login or the password is wrong")
}
