//! Where second factors are kept: the bucket `second_factors`, beside that of the passwords.

use decider::Failure;
use eventlog::EventLog;
use schemas::values::Secret;
use schemas::{Digest, Timestamp, UserId};

use crate::domain::second_factor::{self, Factor, Shown};
use crate::records::Records;

/// The bucket.
pub(crate) struct SecondFactors {
    factors: Records<Factor>,
}

impl SecondFactors {
    pub(crate) fn new(log: &EventLog) -> Self {
        Self { factors: Records::new(log.secrets("second_factors"), None) }
    }

    /// Whether codes of an account are asked for.
    pub(crate) async fn is_on(&self, user: &UserId) -> Result<bool, Failure> {
        Ok(self.factors.get(user.as_str()).await?.is_on())
    }

    /// Takes a secret that is to be confirmed; whether it was taken.
    pub(crate) async fn enrol(&self, user: &UserId, secret: &[u8]) -> Result<bool, Failure> {
        let enrol = |factor: &mut Factor| second_factor::enrol(factor, secret);
        self.factors.change(user.as_str(), enrol).await
    }

    /// Confirms the pending secret.
    pub(crate) async fn confirm(
        &self,
        user: &UserId,
        code: &str,
        recovery: &[Secret],
    ) -> Result<Shown, Failure> {
        let hashes: Vec<Digest> = recovery.iter().map(|code| hash(user, code.expose())).collect();
        let now = Timestamp::now();
        let confirm = |factor: &mut Factor| second_factor::confirm(factor, code, &hashes, now);
        self.factors.change(user.as_str(), confirm).await
    }

    /// Presents what was given as a code: nothing is wrong, but is not counted. A right code is used up.
    pub(crate) async fn present(
        &self,
        user: &UserId,
        code: Option<&Secret>,
    ) -> Result<Shown, schemas::Rejection> {
        let presented = async {
            let Some(code) = code else {
                return Ok(if self.is_on(user).await? { Shown::Wrong } else { Shown::Off });
            };
            let code = normal(code.expose());
            let (hash, now) = (hash(user, &code), Timestamp::now());
            let present = |factor: &mut Factor| second_factor::present(factor, &code, &hash, now);
            self.factors.change(user.as_str(), present).await
        };
        presented.await.map_err(refusal)
    }

    /// Removes whatever there is; whether codes were asked for.
    pub(crate) async fn remove(&self, user: &UserId) -> Result<bool, Failure> {
        let remove = |factor: &mut Factor| std::mem::take(factor).is_on();
        self.factors.change(user.as_str(), remove).await
    }

    /// Deletes the record of a person who is erased.
    pub(crate) async fn forget(&self, user: &UserId) -> Result<(), Failure> {
        self.factors.delete(user.as_str()).await
    }
}

/// The change of a record meets no conflict that its own loop does not deal with.
fn refusal(failure: Failure) -> schemas::Rejection {
    match failure {
        Failure::Rejected(rejection) | Failure::Denied(rejection) => rejection,
        Failure::Conflict => decider::unavailable("another changed the same thing"),
    }
}

/// A code as it is compared: people type spaces and hyphens, and capital letters.
fn normal(code: &str) -> String {
    let kept = code.chars().filter(|c| c.is_ascii_alphanumeric()).take(64);
    kept.map(|c| c.to_ascii_lowercase()).collect()
}

fn hash(user: &UserId, code: &str) -> Digest {
    Digest::of(["recovery", user.as_str(), &normal(code)])
}
