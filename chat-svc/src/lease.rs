//! Which of several copies of this service does something that goes on beside commands. To have it twice would do no
//! harm: what is written stands under an expectation.

use std::time::Duration;

use eventlog::SecretStore;

/// A lease that is held, or not.
pub(super) struct Lease {
    store: SecretStore,
    key: &'static str,
    life: Duration,
    revision: Option<u64>,
}

impl Lease {
    /// Not held yet.
    pub(super) const fn of(store: SecretStore, key: &'static str, life: Duration) -> Self {
        Self { store, key, life, revision: None }
    }

    /// Takes it where no other copy holds it, or holds it for longer; whether it is held.
    pub(super) async fn hold(&mut self) -> bool {
        let (mine, life) = ("held", Some(self.life));
        let held = match self.revision {
            Some(revision) => self.store.update(self.key, mine, revision, life).await,
            None => self.store.create(self.key, mine, life).await,
        };
        self.revision = held.ok();
        self.revision.is_some()
    }

    /// Lets another copy have it at once.
    pub(super) async fn release(&mut self) {
        if let Some(revision) = self.revision.take() {
            let _ = self.store.take(self.key, revision).await;
        }
    }
}
