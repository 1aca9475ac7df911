//! Where wrong passwords and known devices are kept: the buckets `attempts` and `devices`.

use std::time::Duration;

use decider::Failure;
use eventlog::EventLog;
use schemas::{Digest, Timestamp, UserId};

use crate::domain::guessing::{Devices, Guesses};
use crate::records::Records;

/// Longer than a wrong password counts.
const LIFETIME: Duration = Duration::from_secs(20 * 60);

/// How a device stands to an account.
pub(crate) struct Standing {
    /// For how many seconds it is turned away; none when it may try.
    pub(crate) barred: Option<u32>,
    /// Whether a login came from it before.
    pub(crate) is_known: bool,
    /// Whether no login came from it, but from others.
    pub(crate) is_new: bool,
}

/// The buckets.
pub(crate) struct Attempts {
    guesses: Records<Guesses>,
    devices: Records<Devices>,
}

impl Attempts {
    pub(crate) fn new(log: &EventLog) -> Self {
        let guesses = Records::new(log.secrets("attempts"), Some(LIFETIME));
        Self { guesses, devices: Records::new(log.secrets("devices"), None) }
    }

    /// How a device stands to an account. The key is the account, or what stands for a name that no account has; both
    /// cost the same to look up.
    pub(crate) async fn standing(&self, key: &str, device: &Digest) -> Result<Standing, Failure> {
        let (guesses, devices) = tokio::try_join!(self.guesses.get(key), self.devices.get(key))?;
        let is_known = devices.knows(device);
        Ok(Standing {
            barred: guesses.barred(Timestamp::now()).filter(|_| !is_known),
            is_known,
            is_new: !is_known && !devices.are_none(),
        })
    }

    /// A wrong password. Answers for how many seconds unknown devices were turned away before it already: any number of
    /// guesses may have been let in at once, and ten of them are told that they are wrong. That one cannot be counted
    /// does not change its answer.
    pub(crate) async fn failed(&self, key: &str) -> Option<u32> {
        let now = Timestamp::now();
        let note = |guesses: &mut Guesses| {
            let barred = guesses.barred(now);
            guesses.note(now);
            barred
        };
        match self.guesses.change(key, note).await {
            Ok(barred) => barred,
            Err(_) => {
                tracing::warn!("a wrong password could not be counted");
                None
            }
        }
    }

    /// A login from a device, which stood like this before it. A device that cannot be remembered is as good as one that
    /// was never seen.
    pub(crate) async fn succeeded(&self, user: &UserId, device: &Digest, standing: &Standing) {
        if standing.is_known {
            return;
        }
        if self.devices.change(user.as_str(), |devices| devices.note(device)).await.is_err() {
            tracing::warn!(user.id = %user, "the device of a login could not be remembered");
        }
    }

    /// Deletes the records of a person who is erased.
    pub(crate) async fn forget(&self, user: &UserId) -> Result<(), Failure> {
        self.guesses.delete(user.as_str()).await?;
        self.devices.delete(user.as_str()).await
    }
}
