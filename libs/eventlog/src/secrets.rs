//! What must never be an event: hashes of passwords and refresh tokens, one-time codes, tickets.
//!
//! They live in key-value buckets of JetStream (visible to `nats kv`), outside the republished stream, one
//! version each, with a lifetime of their own where they expire. A deleted value is overwritten in
//! the store at once. Keys are typed ids or digests, never anything a person typed.

use std::sync::Arc;
use std::time::Duration;

use async_nats::HeaderMap;
use async_nats::header::{NATS_EXPECTED_LAST_SUBJECT_SEQUENCE, NATS_MESSAGE_ID, NATS_MESSAGE_TTL};
use async_nats::jetstream::stream::{Config, DiscardPolicy, StorageType};
use bytes::Bytes;
use futures_util::future::BoxFuture;
use serde::Deserialize;
use tokio::sync::OnceCell;
use tokio::time::{Instant, sleep};

use crate::api::{self, PAUSE, Unanswered};
use crate::error::{AppendError, LogError};
use crate::log::EventLog;
use crate::outcome::Outcome;
use crate::topology::{bucket_differs, ensure_stream, our_metadata};
use entry::{Entry, KV_OPERATION};

mod entry;

/// Longest key in bytes.
pub const MAX_KEY: usize = 128;
/// How long a write is tried.
const BUDGET: Duration = Duration::from_secs(10);
/// How long a deletion marker stays when its writer cannot erase it: longer than a write is tried, so that a caller
/// whose answer was lost can find out whether it was the one that took the value.
const TAKEN_FOR: Duration = Duration::from_secs(30);

/// Why a secret was not stored.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// `create`: the key has a value. `update`: the value is not the one that was read, or is gone.
    #[error("the secret changed since it was read")]
    Conflict,
    /// The key is not 1 to 128 of `[A-Za-z0-9_.-]`, without dots at its ends or in a row.
    #[error("not a key")]
    BadKey,
    /// The write was sent and no answer came; it may have been done.
    #[error("it is not known whether the secret was written")]
    Unknown,
    /// The store is full or the value too large.
    #[error("the secret cannot be stored")]
    Full,
    /// Anything else; nothing was written.
    #[error("the secret store failed")]
    Log(#[from] LogError),
}

/// A key-value bucket of this namespace, made on first use. Clones share it.
#[derive(Clone)]
pub struct SecretStore {
    log: EventLog,
    stream: String,
    subject: String,
    ready: Arc<OnceCell<()>>,
}

#[derive(Deserialize)]
struct Subjects {
    state: SubjectsState,
}

#[derive(Deserialize)]
struct SubjectsState {
    subjects: Option<std::collections::BTreeMap<String, u64>>,
}

impl EventLog {
    /// The bucket `<ns>_<bucket>`. The name is 1 to 32 of `[a-z0-9_]`.
    #[must_use]
    pub fn secrets(&self, bucket: &'static str) -> SecretStore {
        let bucket = self.namespace().bucket(bucket);
        SecretStore {
            log: self.clone(),
            stream: format!("KV_{bucket}"),
            subject: format!("$KV.{bucket}."),
            ready: Arc::new(OnceCell::new()),
        }
    }
}

impl SecretStore {
    /// The value of a key and its revision; none when there is none or it has expired.
    ///
    /// # Errors
    /// [`SecretError::BadKey`], [`SecretError::Log`].
    pub async fn get(&self, key: &str) -> Result<Option<(Bytes, u64)>, SecretError> {
        let found = self.entry(key).await?;
        Ok(found.filter(|entry| !entry.marker).map(|entry| (entry.value, entry.revision)))
    }

    /// Stores a value under a key that has none. It lives for `ttl`, rounded up to whole seconds, or
    /// until it is deleted. Answers the revision.
    ///
    /// # Errors
    /// [`SecretError::Conflict`] when the key has a value; see [`SecretError`].
    pub async fn create(
        &self,
        key: &str,
        value: impl Into<Bytes>,
        ttl: Option<Duration>,
    ) -> Result<u64, SecretError> {
        let value = value.into();
        match self.write(key, value.clone(), 0, ttl, None).await {
            Err(SecretError::Conflict) => match self.entry(key).await? {
                // The `nats` tool leaves markers where it deleted; write over that very one.
                Some(Entry { revision, marker: true, .. }) => {
                    self.write(key, value, revision, ttl, None).await
                }
                _ => Err(SecretError::Conflict),
            },
            other => other,
        }
    }

    /// Replaces the value that has this revision. The lifetime starts anew: `ttl` from now, or no end.
    ///
    /// # Errors
    /// [`SecretError::Conflict`] when the value was changed, deleted or has expired.
    pub async fn update(
        &self,
        key: &str,
        value: impl Into<Bytes>,
        revision: u64,
        ttl: Option<Duration>,
    ) -> Result<u64, SecretError> {
        if revision == 0 {
            return Err(SecretError::Conflict);
        }
        self.write(key, value.into(), revision, ttl, None).await
    }

    /// Deletes a key and overwrites its value in the store; whether there was one.
    ///
    /// # Errors
    /// See [`SecretError`].
    pub async fn delete(&self, key: &str) -> Result<bool, SecretError> {
        let mut existed = false;
        while let Some(entry) = self.entry(key).await? {
            existed |= !entry.marker;
            self.erase(entry.revision).await?;
        }
        Ok(existed)
    }

    /// Deletes the value that has this revision, so that of several who try only one succeeds; whether
    /// it was this one. For things that may be used once.
    ///
    /// # Errors
    /// See [`SecretError`]; after [`SecretError::Unknown`] treat the value as used.
    pub async fn take(&self, key: &str, revision: u64) -> Result<bool, SecretError> {
        // Overwriting with compare-and-set decides which caller took it; erasing alone could not.
        let ttl = Some(TAKEN_FOR);
        let marker = match self.write(key, Bytes::new(), revision, ttl, Some("DEL")).await {
            Ok(marker) => marker,
            Err(SecretError::Conflict) => return Ok(false),
            Err(error) => return Err(error),
        };
        self.erase(marker).await?;
        Ok(true)
    }

    /// The keys that have a value, in order, only those that begin with `prefix` and a dot when one is given.
    /// At most 100,000.
    ///
    /// # Errors
    /// See [`SecretError`].
    pub async fn keys(&self, prefix: Option<&str>) -> Result<Vec<String>, SecretError> {
        self.ready().await?;
        let filter = match prefix {
            Some(prefix) => format!("{}{}.>", self.subject, checked(prefix)?),
            None => format!("{}>", self.subject),
        };
        let subject = format!("$JS.API.STREAM.INFO.{}", self.stream);
        let request = serde_json::json!({ "subjects_filter": filter }).to_string();
        let answer = self.log.inner.connection.ask_leader_of(&subject, &request.into()).await?;
        let subjects: Subjects = api::parse(&answer)?.map_err(LogError::from)?;
        let found = subjects.state.subjects.unwrap_or_default();
        let keys = found.into_keys();
        Ok(keys.filter_map(|s| s.strip_prefix(&self.subject).map(str::to_owned)).collect())
    }

    /// Makes the bucket, or checks the one that is there; otherwise that is done at first use.
    ///
    /// # Errors
    /// [`SecretError::Log`]: a stream of that name is there that Tidings did not make, or it may not be made.
    pub async fn prepare(&self) -> Result<(), SecretError> {
        self.ready().await
    }

    /// Tests whether a value can be stored, even if the store is known to refuse writes.
    pub(crate) async fn probe(
        &self,
        key: &str,
        value: Vec<u8>,
        ttl: Duration,
    ) -> Result<u64, SecretError> {
        self.write_anyway(key, value.into(), 0, Some(ttl), None).await
    }

    pub(crate) async fn ready(&self) -> Result<(), SecretError> {
        if self.ready.initialized() { Ok(()) } else { self.make_ready().await }
    }

    /// Boxed, so that its code is generated in this crate and not in each that calls it.
    fn make_ready(&self) -> BoxFuture<'_, Result<(), SecretError>> {
        Box::pin(self.ready_bucket())
    }

    async fn ready_bucket(&self) -> Result<(), SecretError> {
        let make = || async {
            let attached = self.log.attached()?;
            let config = Config {
                name: self.stream.clone(),
                subjects: vec![format!("{}>", self.subject)],
                storage: StorageType::File,
                discard: DiscardPolicy::New,
                num_replicas: attached.replicas,
                max_messages_per_subject: 1,
                max_messages: -1,
                max_bytes: -1,
                allow_direct: true,
                allow_rollup: true,
                allow_message_ttl: true,
                duplicate_window: Duration::from_secs(30),
                metadata: our_metadata(),
                ..Config::default()
            };
            let found = ensure_stream(&self.log.inner.connection, &config, bucket_differs).await?;
            self.log.meet(&found.config);
            Ok::<(), LogError>(())
        };
        self.ready.get_or_try_init(make).await?;
        Ok(())
    }

    /// The last message of a key. In a cluster the leader is asked, because a follower may not know yet what was
    /// written a moment ago.
    async fn entry(&self, key: &str) -> Result<Option<Entry>, SecretError> {
        let key = checked(key)?;
        self.ready().await?;
        let connection = &self.log.inner.connection;
        if self.log.inner.is_clustered() {
            let last = serde_json::json!({ "last_by_subj": format!("{}{key}", self.subject) });
            let found = connection.leaders_message(&self.stream, &last).await?;
            return Ok(found.map(Entry::from));
        }
        let subject = format!("$JS.API.DIRECT.GET.{}.{}{key}", self.stream, self.subject);
        let answer = connection.ask_safely(&subject, &Bytes::new()).await?;
        Ok(Entry::read(&answer)?)
    }

    async fn write(
        &self,
        key: &str,
        value: Bytes,
        expected: u64,
        ttl: Option<Duration>,
        operation: Option<&'static str>,
    ) -> Result<u64, SecretError> {
        if self.log.store_failed() {
            return Err(SecretError::Full);
        }
        self.write_anyway(key, value, expected, ttl, operation).await
    }

    async fn write_anyway(
        &self,
        key: &str,
        value: Bytes,
        expected: u64,
        ttl: Option<Duration>,
        operation: Option<&'static str>,
    ) -> Result<u64, SecretError> {
        let subject = format!("{}{}", self.subject, checked(key)?);
        self.ready().await?;
        let connection = &self.log.inner.connection;
        let message_id = connection.client().new_inbox();
        let deadline = Instant::now() + BUDGET;
        let mut sent = false;
        loop {
            let gave_up = || if sent { SecretError::Unknown } else { unavailable() };
            if !connection.connected_by(deadline).await {
                return Err(gave_up());
            }
            let mut headers = headers(&message_id, expected, ttl);
            if let Some(operation) = operation {
                headers.insert(KV_OPERATION, operation);
            }
            match connection.ask(subject.clone(), Some(headers), value.clone()).await {
                Ok(answer) => match Outcome::read(&answer) {
                    Outcome::Stored { sequence, .. } => return Ok(sequence),
                    // The server judges the expectation before it looks for the id.
                    Outcome::Refused(AppendError::Conflict) if sent => {
                        return self.is_ours(key, &message_id).await;
                    }
                    Outcome::Refused(error) => return Err(refused(self.log.noted(error))),
                    Outcome::Contended => return Err(SecretError::Conflict),
                    Outcome::Later => {}
                },
                Err(Unanswered::TooLarge) => return Err(SecretError::Full),
                Err(Unanswered::NotTaken) => {}
                Err(Unanswered::Lost) => {
                    sent = true;
                    self.log.suspect(&self.stream);
                }
            }
            if Instant::now() >= deadline {
                return Err(if sent { SecretError::Unknown } else { unavailable() });
            }
            sleep(PAUSE).await;
        }
    }

    /// After a lost answer: whether the present value was written under this id. Equal values prove nothing: another
    /// caller that wants the same thing at the same moment writes the same value.
    async fn is_ours(&self, key: &str, message_id: &str) -> Result<u64, SecretError> {
        match self.entry(key).await? {
            Some(entry) if entry.written_as.as_deref() == Some(message_id) => Ok(entry.revision),
            _ => Err(SecretError::Conflict),
        }
    }

    /// Overwrites one revision; that it has gone in between is as good.
    async fn erase(&self, revision: u64) -> Result<(), SecretError> {
        let connection = &self.log.inner.connection;
        let subject = format!("$JS.API.STREAM.MSG.DELETE.{}", self.stream);
        let request = format!("{{\"seq\":{revision},\"no_erase\":false}}");
        let answer = connection.ask_safely(&subject, &request.into()).await?;
        let Err(error) = api::parse::<serde_json::Value>(&answer)? else { return Ok(()) };
        let subject = format!("$JS.API.DIRECT.GET.{}", self.stream);
        let request = format!("{{\"seq\":{revision}}}");
        let answer = connection.ask_safely(&subject, &request.into()).await?;
        match Entry::read(&answer)? {
            None => Ok(()),
            Some(_) => Err(LogError::from(error).into()),
        }
    }
}

fn headers(message_id: &str, expected: u64, ttl: Option<Duration>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(NATS_MESSAGE_ID, message_id);
    headers.insert(NATS_EXPECTED_LAST_SUBJECT_SEQUENCE, expected.to_string());
    if let Some(ttl) = ttl {
        let seconds = ttl.as_secs() + u64::from(ttl.subsec_nanos() > 0);
        headers.insert(NATS_MESSAGE_TTL, seconds.max(1).to_string());
    }
    headers
}

fn checked(key: &str) -> Result<&str, SecretError> {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.');
    let dots = key.starts_with('.') || key.ends_with('.') || key.contains("..");
    let fits = (1..=MAX_KEY).contains(&key.len()) && key.bytes().all(allowed) && !dots;
    if fits { Ok(key) } else { Err(SecretError::BadKey) }
}

fn unavailable() -> SecretError {
    LogError::Unavailable("the secret store does not answer".into()).into()
}

fn refused(error: AppendError) -> SecretError {
    match error {
        AppendError::Conflict => SecretError::Conflict,
        AppendError::StorageFull | AppendError::TooLarge => SecretError::Full,
        AppendError::Log(error) => error.into(),
        AppendError::AlreadyCommitted
        | AppendError::Unreadable(_)
        | AppendError::Unknown
        | AppendError::Unavailable => SecretError::Unknown,
    }
}
