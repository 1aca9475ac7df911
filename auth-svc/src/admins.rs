//! Where to look for admins: an index of accounts that have been given the role, kept outside the log.
//!
//! It is used, not believed: an id is noted before the account becomes an admin and stays until its person is erased,
//! and the accounts it names are looked up in the log. Without the index no admin can step down, which does no harm.

use decider::Failure;
use eventlog::{EventLog, SecretError, SecretStore};
use schemas::UserId;

use crate::accounts;
use crate::domain::account::{Administrator as _, LoadedUser};

/// The bucket `admins`.
#[derive(Clone)]
pub(crate) struct Admins {
    ids: SecretStore,
}

impl Admins {
    pub(crate) fn new(log: &EventLog) -> Self {
        Self { ids: log.secrets("admins") }
    }

    /// Takes note of an account that is about to become an admin.
    pub(crate) async fn note(&self, user: &UserId) -> Result<(), Failure> {
        match self.ids.create(user.as_str(), "1", None).await {
            Ok(_) | Err(SecretError::Conflict) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Takes a person who is erased off it.
    pub(crate) async fn forget(&self, user: &UserId) -> Result<(), Failure> {
        self.ids.delete(user.as_str()).await?;
        Ok(())
    }

    /// An admin by the log who may act, besides this one.
    pub(crate) async fn another(
        &self,
        log: &EventLog,
        than: &UserId,
    ) -> Result<Option<LoadedUser>, Failure> {
        for key in self.ids.keys(None).await? {
            let Ok(id) = UserId::parse(&key) else { continue };
            if id == *than {
                continue;
            }
            let user = accounts::user(log, &id).await?;
            if let Some(admin) = user.filter(|user| user.is_admin()) {
                return Ok(Some(admin));
            }
        }
        Ok(None)
    }
}
