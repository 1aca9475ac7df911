//! What every handler has at hand.

use std::sync::Arc;

use decider::{Failure, ReadFrom};
use eventlog::{EventLog, SecretStore};
use schemas::{Code, CodeKey, NameKey, Registration, Rejection, UserId};
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;

use crate::admins::Admins;
use crate::attempts::Attempts;
use crate::challenges::Challenges;
use crate::domain::account::AccountRejection;
use crate::holders::Holders;
use crate::metrics::AuthMetrics;
use crate::passwords::Passwords;
use crate::provider_logins::ProviderLogins;
use crate::providers::Providers;
use crate::records::read_record;
use crate::refresh::RefreshTokens;
use crate::second_factors::SecondFactors;
use crate::sessions::Sessions;
use crate::tokens::Signer;
use crate::turns::Turns;

/// The service's parts.
pub(crate) struct Auth {
    pub(crate) log: EventLog,
    pub(crate) names: NameKey,
    pub(crate) passwords: Passwords,
    pub(crate) signer: Arc<Signer>,
    pub(crate) refresh_tokens: RefreshTokens,
    pub(crate) sessions: Sessions,
    pub(crate) credentials: SecretStore,
    pub(crate) tickets: SecretStore,
    pub(crate) admins: Admins,
    /// What one-time codes are derived with.
    pub(crate) code_key: CodeKey,
    pub(crate) challenges: Challenges,
    pub(crate) second_factors: SecondFactors,
    pub(crate) attempts: Attempts,
    /// Whose names were looked up at logins.
    pub(crate) holders: Holders,
    /// Where people may log in instead.
    pub(crate) providers: Providers,
    pub(crate) provider_logins: ProviderLogins,
    /// Who may make an account for themselves.
    pub(crate) registration: Registration,
    /// The turn of those who register by an invitation.
    pub(crate) invited: Mutex<()>,
    /// The turns of those who change their own account.
    pub(crate) profiles: Turns,
    pub(crate) metrics: AuthMetrics,
}

/// What is kept of a password.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Credentials {
    /// The bcrypt hash.
    pub(crate) bcrypt: String,
}

impl Auth {
    /// Tries until the decision is written or refused. This service remembers no lanes: it always reads the log.
    pub(crate) async fn retry<T, F>(&self, mut attempt: impl FnMut() -> F) -> Result<T, Rejection>
    where
        F: Future<Output = Result<T, Failure>>,
    {
        decider::retry(&self.metrics.commands, ReadFrom::Log, |_| attempt()).await
    }

    /// An account's credentials with their revision.
    pub(crate) async fn credentials_of(
        &self,
        user: &UserId,
    ) -> Result<Option<(Credentials, u64)>, Failure> {
        match self.credentials.get(user.as_str()).await? {
            None => Ok(None),
            Some((value, revision)) => Ok(Some((read_record(&value)?, revision))),
        }
    }
}

impl From<AccountRejection> for Failure {
    fn from(rejection: AccountRejection) -> Self {
        Rejection::from(rejection).into()
    }
}

/// The one answer to every login that fails, whatever the reason.
pub(crate) fn invalid_credentials() -> Rejection {
    Rejection::new(Code::InvalidCredentials, "the login or the password is wrong")
}
