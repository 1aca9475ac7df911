//! Which of several copies of this service does something that goes on beside commands. To have it twice would do no
//! harm: what is written stands under an expectation.

use std::time::Duration;

use decider::{Failure, unavailable};
use eventlog::SecretStore;
use tokio::time::Instant;

/// A lease that is held, or not.
pub(super) struct Lease {
    store: SecretStore,
    key: &'static str,
    life: Duration,
    /// By which revision it is held, and since when.
    held: Option<(u64, Instant)>,
}

impl Lease {
    /// Not held yet.
    pub(super) const fn of(store: SecretStore, key: &'static str, life: Duration) -> Self {
        Self { store, key, life, held: None }
    }

    /// Takes it where no other copy holds it, or holds it for longer; whether it is held. The store is not asked when
    /// it was less than a quarter of its life ago: work may hold it as often as it likes.
    pub(super) async fn hold(&mut self) -> bool {
        if self.held.is_some_and(|(_, since)| since.elapsed() < self.life / 4) {
            return true;
        }
        // It lives from when the store has it, which is later.
        let (mine, life, since) = ("held", Some(self.life), Instant::now());
        let held = match self.held {
            Some((revision, _)) => self.store.update(self.key, mine, revision, life).await,
            None => self.store.create(self.key, mine, life).await,
        };
        self.held = held.ok().map(|revision| (revision, since));
        self.held.is_some()
    }

    /// Holds it for longer in the middle of work.
    ///
    /// # Errors
    /// `unavailable` when it is not held any more.
    pub(super) async fn keep(&mut self) -> Result<(), Failure> {
        match self.hold().await {
            true => Ok(()),
            false => Err(unavailable("another worker has taken over").into()),
        }
    }

    /// Lets another copy have it at once; if it cannot be given back, it expires.
    pub(super) async fn release(&mut self) {
        if let Some((revision, _)) = self.held.take() {
            let _ = self.store.take(self.key, revision).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use eventlog::{Connect, EventLog, Topology};
    use schemas::Namespace;
    use testbed::{Nats, until};

    use super::*;

    async fn log(server: &Nats) -> EventLog {
        let log = EventLog::connect(Connect {
            url: server.url(),
            client_name: "lease-test".into(),
            namespace: Namespace::parse("test").unwrap(),
        });
        let log = log.await.unwrap();
        log.ensure_topology(&Topology::default()).await.unwrap();
        log
    }

    #[tokio::test]
    async fn one_of_two_holds_it_and_the_other_takes_over() {
        let server = Nats::start().await;
        let store = log(&server).await.secrets("leases");
        let of = |seconds| Lease::of(store.clone(), "work", Duration::from_secs(seconds));
        let (mut one, mut other) = (of(600), of(600));
        assert!(one.hold().await && !other.hold().await);
        assert!(one.keep().await.is_ok() && other.keep().await.is_err());
        let (_, revision) = store.get("work").await.unwrap().unwrap();
        assert!(one.hold().await);
        let (_, again) = store.get("work").await.unwrap().unwrap();
        assert_eq!(again, revision, "it was held a moment ago");
        one.release().await;
        assert!(other.hold().await && !one.hold().await);
        other.release().await;
    }

    #[tokio::test]
    async fn one_that_slept_too_long_has_lost_it() {
        let server = Nats::start().await;
        let store = log(&server).await.secrets("leases");
        let of = |seconds| Lease::of(store.clone(), "work", Duration::from_secs(seconds));
        let (mut one, mut other) = (of(1), of(600));
        assert!(one.hold().await);
        until("it has expired", async || other.hold().await.then_some(())).await;
        assert!(!one.hold().await && other.hold().await);
    }
}
