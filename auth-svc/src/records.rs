//! Records of secret stores, as JSON, and buckets whose records many change at the same time.

use std::marker::PhantomData;
use std::time::Duration;

use decider::{Failure, unavailable};
use eventlog::{SecretError, SecretStore};
use rand::RngExt as _;
use schemas::{Code, Rejection};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::turns::Turns;

/// Tries of a change that others make at the same time, and the longest pause between two in milliseconds.
const TRIES: usize = 64;
const PAUSE_MS: u64 = 20;

/// A record of a secret store, read back.
pub(crate) fn read_record<T: DeserializeOwned>(value: &[u8]) -> Result<T, Failure> {
    serde_json::from_slice(value).map_err(|error| corrupt(&error))
}

/// A record as a secret store keeps it.
pub(crate) fn write_record(record: &impl Serialize) -> Result<Vec<u8>, Failure> {
    serde_json::to_vec(record).map_err(|error| corrupt(&error))
}

fn corrupt(error: &serde_json::Error) -> Failure {
    tracing::error!(%error, "a stored secret cannot be read");
    Rejection::new(Code::Internal, "a stored record cannot be read").into()
}

/// A bucket of records, each changed under compare-and-set, so that copies of this service count together. Changes of
/// one record take turns within a process: a burst of them is worked off instead of wearing out its retries. A record
/// that says nothing (the default) is deleted.
pub(crate) struct Records<T> {
    store: SecretStore,
    /// How long a record lives that is not changed; none: for ever.
    lifetime: Option<Duration>,
    turns: Turns,
    of: PhantomData<fn() -> T>,
}

impl<T: Default + Clone + PartialEq + Serialize + DeserializeOwned> Records<T> {
    /// The records of a bucket.
    pub(crate) fn new(store: SecretStore, lifetime: Option<Duration>) -> Self {
        Self { store, lifetime, turns: Turns::new(), of: PhantomData }
    }

    /// A record as it is now; the default when there is none.
    pub(crate) async fn get(&self, key: &str) -> Result<T, Failure> {
        match self.store.get(key).await? {
            None => Ok(T::default()),
            Some((value, _)) => read_record(&value),
        }
    }

    /// Changes a record, and answers with what the change answers. It is made anew for as long as others change the
    /// record meanwhile.
    ///
    /// # Errors
    /// `unavailable` when that does not end, or the store does not answer.
    pub(crate) async fn change<A>(
        &self,
        key: &str,
        change: impl Fn(&mut T) -> A,
    ) -> Result<A, Failure> {
        let _turn = self.turns.of(key).await;
        for _ in 0..TRIES {
            if let Some(answer) = self.try_change(key, &change).await? {
                return Ok(answer);
            }
            let pause = rand::rng().random_range(1..=PAUSE_MS);
            tokio::time::sleep(Duration::from_millis(pause)).await;
        }
        Err(unavailable("too many change the same thing at the same moment").into())
    }

    /// Deletes a record, whatever it says, and overwrites it in the store.
    pub(crate) async fn delete(&self, key: &str) -> Result<(), Failure> {
        self.store.delete(key).await?;
        Ok(())
    }

    /// None when another came first.
    async fn try_change<A>(
        &self,
        key: &str,
        change: &impl Fn(&mut T) -> A,
    ) -> Result<Option<A>, Failure> {
        let stored = self.store.get(key).await?;
        let before: T = match &stored {
            None => T::default(),
            Some((value, _)) => read_record(value)?,
        };
        let mut after = before.clone();
        let answer = change(&mut after);
        if after == before {
            return Ok(Some(answer));
        }
        let value = write_record(&after)?;
        let written = match stored {
            None => self.store.create(key, value, self.lifetime).await.map(|_| true),
            Some((_, revision)) if after == T::default() => self.store.take(key, revision).await,
            Some((_, revision)) => {
                self.store.update(key, value, revision, self.lifetime).await.map(|_| true)
            }
        };
        match written {
            Ok(true) => Ok(Some(answer)),
            Ok(false) | Err(SecretError::Conflict) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}
