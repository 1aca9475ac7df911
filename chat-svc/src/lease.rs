//! Which of several copies of this service does something that goes on beside commands. To have it twice would do no
//! harm: what is written stands under an expectation.

use std::time::Duration;

use decider::{Failure, fresh_id, unavailable};
use eventlog::{SecretError, SecretStore};
use tokio::time::Instant;

/// A lease that is held, or not.
pub(super) struct Lease {
    store: SecretStore,
    key: &'static str,
    life: Duration,
    /// What the key says while this one holds it. A write whose answer is lost is recognised by it.
    holder: String,
    /// By which revision it is held, and since when.
    held: Option<(u64, Instant)>,
}

impl Lease {
    /// Not held yet.
    pub(super) fn of(store: SecretStore, key: &'static str, life: Duration) -> Self {
        Self { store, key, life, holder: fresh_id().to_string(), held: None }
    }

    /// Takes it where no other copy holds it, or holds it for longer; whether it is held. The store is not asked when
    /// it was less than a quarter of its life ago: work may hold it as often as it likes. A store that does not answer
    /// takes nothing away: what is held stays so until its life ends.
    pub(super) async fn hold(&mut self) -> bool {
        if self.held.is_some_and(|(_, since)| since.elapsed() < self.life / 4) {
            return true;
        }
        // It lives from when the store has it, which is later.
        let since = Instant::now();
        match self.write().await {
            Ok(revision) => self.held = Some((revision, since)),
            Err(SecretError::Conflict) => self.held = None,
            Err(error) => {
                let error = telemetry::error_chain(&error);
                tracing::warn!(lease = self.key, error, "it is not known whether a lease is held");
            }
        }
        self.held.is_some_and(|(_, since)| since.elapsed() < self.life)
    }

    /// Writes it anew, over what this holder wrote last, whether or not that was answered; the revision.
    async fn write(&self) -> Result<u64, SecretError> {
        if let Some((revision, _)) = self.held {
            match self.update(revision).await {
                Err(SecretError::Conflict) => {}
                written => return written,
            }
        }
        match self.store.get(self.key).await? {
            None => self.store.create(self.key, self.holder.clone(), Some(self.life)).await,
            Some((holder, revision)) if holder == self.holder => self.update(revision).await,
            Some(_) => Err(SecretError::Conflict),
        }
    }

    async fn update(&self, revision: u64) -> Result<u64, SecretError> {
        self.store.update(self.key, self.holder.clone(), revision, Some(self.life)).await
    }

    /// Holds it for longer in the middle of work.
    ///
    /// # Errors
    /// `unavailable` when it is not held any more.
    pub(super) async fn keep(&mut self) -> Result<(), Failure> {
        match (self.hold().await, self.held) {
            (true, _) => Ok(()),
            (false, None) => Err(unavailable("another worker has taken over").into()),
            (false, Some(_)) => Err(unavailable("the store of leases does not answer").into()),
        }
    }

    /// Lets another copy have it at once; if it cannot be given back, it expires.
    pub(super) async fn release(&mut self) {
        let Some((revision, _)) = self.held.take() else { return };
        // The last write may have been done without an answer: what the holder wrote goes, under whichever revision.
        if matches!(self.store.take(self.key, revision).await, Ok(false))
            && let Ok(Some((holder, revision))) = self.store.get(self.key).await
            && holder == self.holder
        {
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

    #[tokio::test]
    async fn a_write_without_an_answer_loses_nothing() {
        let server = Nats::start().await;
        let store = log(&server).await.secrets("leases");
        let mut one = Lease::of(store.clone(), "work", Duration::from_secs(60));
        let mut other = Lease::of(store.clone(), "work", Duration::from_secs(60));
        assert!(one.hold().await);
        let (revision, since) = one.held.unwrap();
        // As if the answer to its next write had been lost.
        let unheard = one.update(revision).await.unwrap();
        assert_ne!(unheard, revision);
        let long_ago = since.checked_sub(Duration::from_secs(20)).unwrap();
        one.held = Some((revision, long_ago));
        assert!(one.hold().await && one.keep().await.is_ok() && !other.hold().await);
        // The same when it is given back, and when it was the first write.
        let (known, since) = one.held.unwrap();
        one.update(known).await.unwrap();
        one.held = Some((known, since));
        one.release().await;
        assert!(other.hold().await);
        other.held = None;
        assert!(other.hold().await && !one.hold().await);
    }

    #[tokio::test]
    async fn a_store_that_does_not_answer_takes_nothing_away() {
        let mut server = Nats::start().await;
        let store = log(&server).await.secrets("leases");
        let mut lease = Lease::of(store.clone(), "work", Duration::from_secs(60));
        assert!(lease.hold().await);
        let (revision, since) = lease.held.unwrap();
        let aged = |seconds| since.checked_sub(Duration::from_secs(seconds)).unwrap();
        server.kill();
        // A write is tried for ten seconds.
        lease.held = Some((revision, aged(20)));
        assert!(lease.hold().await, "another copy cannot have it yet");
        lease.held = Some((revision, aged(60)));
        assert!(lease.keep().await.is_err(), "another copy may have it by now");
        server.revive();
        until("it is held again", async || lease.hold().await.then_some(())).await;
        let mut other = Lease::of(store, "work", Duration::from_secs(60));
        assert!(!other.hold().await);
    }
}
