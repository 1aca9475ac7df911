//! Pieces of files, in a stream of their own beside the log: bytes never pass the log.
//!
//! JetStream's object store keeps all chunks of a file under one subject, so that it can be read from the beginning
//! only, and what a client that was cut off left behind is under no name. Here every piece has a subject of its own:
//! any piece is one direct get away, and what is left over can be listed (docs/adr/0027).

use std::collections::BTreeMap;
use std::sync::Arc;

use async_nats::HeaderMap;
use async_nats::header::NATS_MESSAGE_ID;
use async_nats::jetstream::stream::{Config, DiscardPolicy, StorageType};
use async_nats::{Message, StatusCode};
use bytes::Bytes;
use futures_util::future::BoxFuture;
use schemas::{Sequence, Timestamp};
use serde::Deserialize;
use serde_json::json;
use tokio::sync::OnceCell;
use tokio::time::{Duration, Instant, sleep};

use crate::api::{self, NO_MESSAGE, PAUSE, Unanswered};
use crate::error::{AppendError, LogError};
use crate::log::EventLog;
use crate::outcome::Outcome;
use crate::read::number;
use crate::topology::{bucket_differs, ensure_stream, our_metadata};

/// Most bytes of a piece.
pub const MAX_PIECE: usize = 256 * 1024;
/// Longest key in bytes.
const MAX_PIECE_KEY: usize = 160;
/// How long a write is tried.
const BUDGET: Duration = Duration::from_secs(10);

/// Why a piece was not stored or not read.
#[derive(Debug, thiserror::Error)]
pub enum PieceError {
    /// The store takes no more.
    #[error("the store of files is full")]
    Full,
    /// The key or the piece is not one that can be stored.
    #[error("not a piece that can be stored")]
    Bad,
    /// The server does not answer, or refuses.
    #[error("the store of files does not work")]
    Log(#[from] LogError),
}

/// A piece that is stored.
#[derive(Debug, Clone)]
pub struct Piece {
    /// Its bytes.
    pub bytes: Bytes,
    /// When it was stored.
    pub stored_at: Option<Timestamp>,
    sequence: Sequence,
}

/// A bucket of pieces of this namespace, made on first use. Clones share it.
#[derive(Clone)]
pub struct PieceStore {
    log: EventLog,
    stream: String,
    subject: String,
    ready: Arc<OnceCell<()>>,
}

impl std::fmt::Debug for PieceStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("PieceStore").field(&self.stream).finish()
    }
}

#[derive(Deserialize)]
struct Subjects {
    state: SubjectsState,
}

#[derive(Deserialize)]
struct SubjectsState {
    subjects: Option<BTreeMap<String, u64>>,
}

impl EventLog {
    /// The bucket `<ns>_<bucket>`. The name is 1 to 32 of `[a-z0-9_]`.
    #[must_use]
    pub fn pieces(&self, bucket: &'static str) -> PieceStore {
        let bucket = self.namespace().bucket(bucket);
        PieceStore {
            log: self.clone(),
            stream: format!("OBJ_{bucket}"),
            subject: format!("$O.{bucket}."),
            ready: Arc::new(OnceCell::new()),
        }
    }
}

impl PieceStore {
    /// Stores a piece of at most [`MAX_PIECE`] bytes under a key, in place of what was there.
    ///
    /// # Errors
    /// See [`PieceError`]. After [`PieceError::Log`] it may be stored all the same.
    pub async fn put(&self, key: &str, bytes: Bytes) -> Result<(), PieceError> {
        if bytes.len() > MAX_PIECE {
            return Err(PieceError::Bad);
        }
        let subject = format!("{}{}", self.subject, checked(key)?);
        self.ready().await?;
        let connection = &self.log.inner.connection;
        let message_id = connection.client().new_inbox();
        let deadline = Instant::now() + BUDGET;
        loop {
            if self.log.store_failed() {
                return Err(PieceError::Full);
            }
            if !connection.connected_by(deadline).await {
                return Err(unavailable());
            }
            let mut headers = HeaderMap::new();
            headers.insert(NATS_MESSAGE_ID, message_id.as_str());
            match connection.ask(subject.clone(), Some(headers), bytes.clone()).await {
                Ok(answer) => match Outcome::read(&answer) {
                    Outcome::Stored { .. } => return Ok(()),
                    Outcome::Refused(error) => return Err(refused(self.log.noted(error))),
                    Outcome::Contended | Outcome::Later => {}
                },
                Err(Unanswered::TooLarge) => return Err(PieceError::Bad),
                Err(Unanswered::NotTaken | Unanswered::Lost) => {}
            }
            if Instant::now() >= deadline {
                return Err(unavailable());
            }
            sleep(PAUSE).await;
        }
    }

    /// The piece under a key, if there is one.
    ///
    /// # Errors
    /// [`PieceError::Bad`], [`PieceError::Log`].
    pub async fn get(&self, key: &str) -> Result<Option<Piece>, PieceError> {
        let key = checked(key)?;
        self.ready().await?;
        let connection = &self.log.inner.connection;
        let subject = format!("$JS.API.DIRECT.GET.{}.{}{key}", self.stream, self.subject);
        let answer = connection.ask_safely(&subject, &Bytes::new()).await?;
        match read(&answer)? {
            Some(piece) => Ok(Some(piece)),
            // In a cluster a follower may not know yet what was stored a moment ago.
            None if self.log.inner.is_clustered() => {
                let last = json!({ "last_by_subj": format!("{}{key}", self.subject) });
                let found = connection.leaders_message(&self.stream, &last).await?;
                Ok(found.map(|message| Piece {
                    bytes: message.payload,
                    stored_at: None,
                    sequence: message.sequence,
                }))
            }
            None => Ok(None),
        }
    }

    /// Removes a piece and overwrites it in the store; whether there was one.
    ///
    /// # Errors
    /// [`PieceError::Bad`], [`PieceError::Log`].
    pub async fn erase(&self, key: &str) -> Result<bool, PieceError> {
        let Some(piece) = self.get(key).await? else { return Ok(false) };
        let connection = &self.log.inner.connection;
        let subject = format!("$JS.API.STREAM.MSG.DELETE.{}", self.stream);
        let request = format!("{{\"seq\":{},\"no_erase\":false}}", piece.sequence);
        let answer = connection.ask_safely(&subject, &request.into()).await?;
        match api::parse::<serde_json::Value>(&answer)? {
            Ok(_) => Ok(true),
            Err(error) if error.err_code == NO_MESSAGE => Ok(true),
            // It was replaced or removed meanwhile.
            Err(error) => match self.get(key).await? {
                None => Ok(true),
                Some(_) => Err(LogError::from(error).into()),
            },
        }
    }

    /// The keys that fit a filter, in order: tokens with dots between them, `*` for any one, `>` for any at the end. At
    /// most 100,000.
    ///
    /// # Errors
    /// [`PieceError::Log`].
    pub async fn keys(&self, filter: &str) -> Result<Vec<String>, PieceError> {
        self.ready().await?;
        let subject = format!("$JS.API.STREAM.INFO.{}", self.stream);
        let filter = format!("{}{filter}", self.subject);
        let request = serde_json::json!({ "subjects_filter": filter }).to_string();
        let answer = self.log.inner.connection.ask_safely(&subject, &request.into()).await?;
        let subjects: Subjects = api::parse(&answer)?.map_err(LogError::from)?;
        let found = subjects.state.subjects.unwrap_or_default().into_keys();
        Ok(found.filter_map(|s| s.strip_prefix(&self.subject).map(str::to_owned)).collect())
    }

    /// Makes the bucket, or checks the one that is there; otherwise that is done at first use.
    ///
    /// # Errors
    /// [`PieceError::Log`]: a stream of that name is there that Tidings did not make, or it may not be made.
    pub async fn prepare(&self) -> Result<(), PieceError> {
        self.ready().await
    }

    async fn ready(&self) -> Result<(), PieceError> {
        if self.ready.initialized() { Ok(()) } else { self.make_ready().await }
    }

    /// Boxed, so that its code is generated in this crate and not in each that calls it.
    fn make_ready(&self) -> BoxFuture<'_, Result<(), PieceError>> {
        Box::pin(self.ready_bucket())
    }

    async fn ready_bucket(&self) -> Result<(), PieceError> {
        let make = || async {
            let attached = self.log.attached()?;
            let config = Config {
                name: self.stream.clone(),
                description: Some("Files of Tidings, in pieces".to_owned()),
                subjects: vec![format!("{}>", self.subject)],
                storage: StorageType::File,
                discard: DiscardPolicy::New,
                num_replicas: attached.replicas,
                max_messages_per_subject: 1,
                max_messages: -1,
                max_bytes: -1,
                allow_direct: true,
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
}

fn read(answer: &Message) -> Result<Option<Piece>, LogError> {
    match answer.status {
        Some(StatusCode::NOT_FOUND) => return Ok(None),
        Some(status) => {
            let description = answer.description.clone().unwrap_or_default();
            return Err(LogError::Refused { code: status.as_u16().into(), description });
        }
        None => {}
    }
    let headers = answer.headers.as_ref();
    let sequence = headers
        .and_then(|headers| number(headers, async_nats::header::NATS_SEQUENCE))
        .ok_or_else(|| LogError::BadAnswer("a piece without a sequence".into()))?;
    let at = headers.and_then(|headers| headers.get_last(async_nats::header::NATS_TIME_STAMP));
    let stored_at = at.and_then(|at| Timestamp::parse(at.as_str()).ok());
    Ok(Some(Piece { bytes: answer.payload.clone(), stored_at, sequence }))
}

fn checked(key: &str) -> Result<&str, PieceError> {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.');
    let dots = key.starts_with('.') || key.ends_with('.') || key.contains("..");
    let fits = (1..=MAX_PIECE_KEY).contains(&key.len()) && key.bytes().all(allowed) && !dots;
    if fits { Ok(key) } else { Err(PieceError::Bad) }
}

fn unavailable() -> PieceError {
    LogError::Unavailable("the store of files does not answer".into()).into()
}

fn refused(error: AppendError) -> PieceError {
    match error {
        AppendError::StorageFull => PieceError::Full,
        AppendError::TooLarge | AppendError::Unreadable(_) => PieceError::Bad,
        AppendError::Log(error) => error.into(),
        AppendError::Conflict
        | AppendError::AlreadyCommitted
        | AppendError::Unknown
        | AppendError::Unavailable => unavailable(),
    }
}
