//! What is asked of a user before their account is changed: the password, and the second factor once there is one.

use decider::{Call, Failure};
use schemas::events::UserState;
use schemas::values::Secret;
use schemas::{Code, Rejection, Timestamp};

use crate::accounts;
use crate::auth::{Auth, Credentials, invalid_credentials};
use crate::call::{asker, password_deadline};
use crate::domain::account::AccountRejection;
use crate::domain::second_factor::Shown;

/// Milliseconds after a login during which a user without a password needs none.
const FRESH: i64 = 10 * 60 * 1000;

/// What the user has given.
pub(crate) struct Proof<'a> {
    /// The field of the password.
    pub(crate) pointer: &'static str,
    pub(crate) password: Option<&'a Secret>,
    /// A code of the second factor.
    pub(crate) code: Option<&'a Secret>,
}

/// An account whose user has shown that it is theirs.
pub(crate) struct Proven {
    pub(crate) user: UserState,
    /// The password and its revision; none for an account without one.
    pub(crate) credentials: Option<(Credentials, u64)>,
}

fn required(pointer: &str) -> Rejection {
    Rejection::field(Code::ValidationFailed, pointer, "required", "is required")
}

fn wrong_code() -> Rejection {
    let detail = "a code of the second factor is required, and this is none";
    Rejection::field(Code::InvalidCode, "/code", "invalid_code", detail)
}

impl Auth {
    /// The password is right, and the code, once a second factor is on. A code that was right is used up, so nothing
    /// here is tried twice.
    ///
    /// # Errors
    /// `invalid_credentials`, `reauthentication_required`, `invalid_code`; `validation_failed` with the pointer when
    /// there is a password and it was left out; `rate_limited` after too many wrong codes.
    pub(crate) async fn prove(&self, call: &Call, proof: &Proof<'_>) -> Result<Proven, Rejection> {
        let user = self.retry(|| accounts::caller(&self.log, call)).await?.state;
        if user.suspended {
            return Err(AccountRejection::Suspended.into());
        }
        let credentials = match user.has_password {
            true => Some(self.prove_password(call, &user, proof).await?),
            false => {
                self.retry(|| self.fresh_session(call)).await?;
                self.retry(|| self.credentials_of(&user.id)).await?
            }
        };
        match self.second_factors.present(&user.id, proof.code).await? {
            Shown::Right | Shown::Off => Ok(Proven { user, credentials }),
            Shown::Wrong => Err(wrong_code()),
            Shown::Barred(seconds) => Err(barred(seconds)),
        }
    }

    async fn prove_password(
        &self,
        call: &Call,
        user: &UserState,
        proof: &Proof<'_>,
    ) -> Result<(Credentials, u64), Rejection> {
        let asker = asker(call, "");
        self.passwords.has_room(&asker)?;
        let password = proof.password.ok_or_else(|| required(proof.pointer))?;
        let stored = self.retry(|| self.credentials_of(&user.id)).await?;
        let stored = stored.ok_or_else(invalid_credentials)?;
        let hash = Some(stored.0.bcrypt.as_str());
        let fit = self.passwords.verify(&asker, password, hash, password_deadline(call)).await?;
        if !fit.fits() {
            self.attempts.failed(user.id.as_str()).await;
            return Err(invalid_credentials());
        }
        Ok(stored)
    }

    async fn fresh_session(&self, call: &Call) -> Result<(), Failure> {
        let session = self.sessions.get(&call.caller()?.session_id).await?;
        let now = Timestamp::now().millis();
        let fresh = session.is_some_and(|(record, _)| now - record.created_at.millis() < FRESH);
        let detail = "log in again: this needs a session that is younger than 10 minutes";
        match fresh {
            true => Ok(()),
            false => Err(Rejection::new(Code::ReauthenticationRequired, detail).into()),
        }
    }
}

/// Too many codes of the second factor were wrong.
pub(crate) fn barred(seconds: u32) -> Rejection {
    let detail = "too many wrong codes of the second factor";
    Rejection::new(Code::RateLimited, detail).retry_after(seconds)
}
