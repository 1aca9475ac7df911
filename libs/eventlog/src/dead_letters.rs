//! Dead letters: events a worker gave up on, kept until an operator decides.
//!
//! They are stored in the stream `DEAD_LETTERS_<ns>`. A letter is either written by the worker that gave up, with
//! its reason, or it is the server's own advisory that an event reached its maximum number of deliveries without an
//! acknowledgement (the worker died each time). Advisories are not stored by themselves, so the stream captures them.
//! A letter names the event; the event itself stays in the log.

use std::time::Duration;

use async_nats::header::{NATS_MESSAGE_ID, NATS_SEQUENCE, NATS_SUBJECT};
use async_nats::jetstream::stream::{Config, DiscardPolicy, StorageType};
use async_nats::{HeaderMap, Message, StatusCode};
use bytes::Bytes;
use schemas::{Sequence, Timestamp};
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, sleep};

use crate::api::{self, PAUSE};
use crate::error::{AppendError, LogError};
use crate::log::EventLog;
use crate::outcome::Outcome;
use crate::read::{Stored, number};
use crate::topology::{ensure_stream, our_metadata};

/// How long a letter's id is remembered, so that giving up twice leaves one letter.
const DUPLICATES: Duration = Duration::from_secs(3600);
/// How long a letter is tried to be written.
const BUDGET: Duration = Duration::from_secs(10);
/// Most letters in one answer.
const MAX_LIST: usize = 1000;

/// Why and when a worker gave up on an event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DeadLetter {
    /// Names the letter; it is its sequence in the dead-letter stream.
    pub id: u64,
    /// The consumer that gave up.
    pub consumer: String,
    /// The sequence of the event it is about; 0 when that is no longer known.
    pub event: Sequence,
    /// The reason, without anything secret.
    pub reason: String,
    /// How many deliveries were tried.
    pub attempts: u64,
    /// When it was given up.
    pub at: Timestamp,
}

/// Something that is given up and was no delivery: work that an event began and that went on by itself.
#[derive(Debug, Clone, Copy)]
pub struct GivenUp<'a> {
    /// The consumer that gets the event again when the letter is redriven.
    pub consumer: &'a str,
    /// The event.
    pub event: Sequence,
    /// Why, without anything secret; 500 characters of it are kept.
    pub reason: &'a str,
    /// How often it was tried.
    pub attempts: u32,
    /// Tells this giving up from another one about the same event, within an hour.
    pub about: u64,
}

/// A letter as a worker writes it.
#[derive(Serialize, Deserialize)]
pub(crate) struct Letter {
    pub(crate) consumer: String,
    pub(crate) event: Sequence,
    pub(crate) reason: String,
    pub(crate) attempts: u64,
    pub(crate) at: Timestamp,
}

impl Letter {
    /// A letter of this moment.
    pub(crate) fn now(consumer: &str, event: Sequence, attempts: u32, reason: &str) -> Self {
        Self {
            consumer: consumer.to_owned(),
            event,
            reason: reason.chars().take(500).collect(),
            attempts: attempts.into(),
            at: Timestamp::now(),
        }
    }
}

/// An order to hand an event to a consumer again.
#[derive(Serialize, Deserialize)]
pub(crate) struct Redrive {
    pub(crate) event: Sequence,
    /// The letter it was; 0 is none.
    pub(crate) letter: u64,
}

/// What the server says when it stops delivering a message.
#[derive(Deserialize)]
struct Advisory {
    stream: String,
    consumer: String,
    stream_seq: Sequence,
    #[serde(default)]
    deliveries: u64,
    timestamp: Timestamp,
}

/// What lies in the dead-letter stream.
enum Entry {
    Letter(DeadLetter),
    Redrive(u64),
}

/// The dead letters of a namespace. Clones share the connection.
#[derive(Clone)]
pub struct DeadLetters {
    log: EventLog,
    stream: String,
}

impl EventLog {
    /// The dead letters of all consumers; makes their stream when it is not there.
    ///
    /// # Errors
    /// [`LogError::Foreign`], [`LogError::NotAttached`], [`LogError::Unavailable`].
    pub async fn dead_letters(&self) -> Result<DeadLetters, LogError> {
        let namespace = self.namespace();
        let stream = namespace.dead_letters_stream();
        let exhausted =
            |stream: &str| format!("$JS.EVENT.ADVISORY.CONSUMER.MAX_DELIVERIES.{stream}.*");
        let config = Config {
            name: stream.clone(),
            description: Some("Events that Tidings workers gave up on".to_owned()),
            subjects: vec![
                namespace.all_dead_letters(),
                exhausted(&self.inner.stream),
                exhausted(&stream),
            ],
            storage: StorageType::File,
            discard: DiscardPolicy::New,
            num_replicas: self.attached()?.replicas,
            duplicate_window: DUPLICATES,
            max_messages: -1,
            max_bytes: -1,
            max_messages_per_subject: -1,
            allow_direct: true,
            metadata: our_metadata(),
            ..Config::default()
        };
        let found = ensure_stream(&self.inner.connection, &config, differs).await?;
        self.meet(&found.config);
        Ok(DeadLetters { log: self.clone(), stream })
    }
}

fn differs(wanted: &Config, found: &Config) -> Option<String> {
    let checks = [
        ("list of subjects", found.subjects == wanted.subjects),
        ("storage", found.storage == StorageType::File),
        ("direct access", found.allow_direct),
    ];
    checks.iter().find(|(_, fits)| !fits).map(|(what, _)| (*what).to_owned())
}

impl DeadLetters {
    /// Letters with an id above `after`, oldest first, at most `limit` (and at most 1,000).
    ///
    /// # Errors
    /// [`LogError::Unavailable`], [`LogError::Refused`].
    pub async fn list(&self, after: u64, limit: usize) -> Result<Vec<DeadLetter>, LogError> {
        let mut letters = Vec::new();
        let mut next = after + 1;
        while letters.len() < limit.min(MAX_LIST) {
            let request = format!("{{\"seq\":{next},\"next_by_subj\":\">\"}}");
            let Some((id, entry)) = self.fetch(request).await? else { break };
            next = id + 1;
            if let Entry::Letter(letter) = entry {
                letters.push(letter);
            }
        }
        Ok(letters)
    }

    /// One letter and its event; the event is none when it was erased since.
    ///
    /// # Errors
    /// [`LogError::Unavailable`], [`LogError::Refused`].
    pub async fn get(&self, id: u64) -> Result<Option<(DeadLetter, Option<Stored>)>, LogError> {
        match self.fetch(format!("{{\"seq\":{id}}}")).await? {
            Some((found, Entry::Letter(letter))) if found == id => {
                let event = self.log.get(letter.event).await?;
                Ok(Some((letter, event)))
            }
            _ => Ok(None),
        }
    }

    /// Hands the event of a letter to its consumer again, as if for the first time, and removes the
    /// letter; false when there is no such letter. The consumer need not be running.
    ///
    /// # Errors
    /// Any; trying again is safe.
    pub async fn redrive(&self, id: u64) -> Result<bool, AppendError> {
        let Some((letter, _)) = self.get(id).await? else { return Ok(false) };
        let subject = self.log.namespace().redrives_subject(&letter.consumer);
        let order = Redrive { event: letter.event, letter: id };
        self.put(subject, &order, format!("redrive.{id}")).await?;
        self.delete(id).await?;
        Ok(true)
    }

    /// Removes a letter without delivering its event again; false when there is no such letter.
    ///
    /// # Errors
    /// [`LogError::Unavailable`], [`LogError::Refused`].
    pub async fn delete(&self, id: u64) -> Result<bool, LogError> {
        let subject = format!("$JS.API.STREAM.MSG.DELETE.{}", self.stream);
        let request = format!("{{\"seq\":{id}}}");
        let payload = request.clone().into();
        let answer = self.log.inner.connection.ask_safely(&subject, &payload).await?;
        match api::parse::<serde_json::Value>(&answer)? {
            Ok(_) => Ok(true),
            Err(error) => match self.fetch(request).await? {
                None => Ok(false),
                Some(_) => Err(error.into()),
            },
        }
    }

    /// Keeps a letter about something that was no delivery.
    ///
    /// # Errors
    /// Any; trying again is safe.
    pub async fn give_up(&self, what: &GivenUp<'_>) -> Result<(), AppendError> {
        let GivenUp { consumer, event, reason, attempts, about } = *what;
        self.write(&Letter::now(consumer, event, attempts, reason), about).await
    }

    /// Keeps a letter; `about` tells this giving up from another one of the same event.
    pub(crate) async fn write(&self, letter: &Letter, about: u64) -> Result<(), AppendError> {
        let subject = self.log.namespace().dead_letters_subject(&letter.consumer);
        let id = format!("{}.{}.{about}", letter.consumer, letter.event);
        self.put(subject, letter, id).await
    }

    /// Writes into the dead-letter stream; the message id makes trying again safe.
    async fn put<T: Serialize>(
        &self,
        subject: String,
        value: &T,
        message_id: String,
    ) -> Result<(), AppendError> {
        let payload: Bytes =
            serde_json::to_vec(value).map_err(|error| LogError::BadAnswer(error.into()))?.into();
        let connection = &self.log.inner.connection;
        let deadline = Instant::now() + BUDGET;
        loop {
            if !connection.connected_by(deadline).await || Instant::now() >= deadline {
                return Err(AppendError::Unknown);
            }
            let mut headers = HeaderMap::new();
            headers.insert(NATS_MESSAGE_ID, message_id.as_str());
            if let Ok(answer) =
                connection.ask(subject.clone(), Some(headers), payload.clone()).await
            {
                match Outcome::read(&answer) {
                    Outcome::Stored { .. } => return Ok(()),
                    Outcome::Refused(error) => return Err(error),
                    Outcome::Later | Outcome::Contended => {}
                }
            }
            sleep(PAUSE).await;
        }
    }

    async fn fetch(&self, request: String) -> Result<Option<(u64, Entry)>, LogError> {
        let subject = format!("$JS.API.DIRECT.GET.{}", self.stream);
        let answer = self.log.inner.connection.ask_safely(&subject, &request.into()).await?;
        match answer.status {
            Some(StatusCode::NOT_FOUND) => Ok(None),
            Some(status) => Err(LogError::Refused {
                code: status.as_u16().into(),
                description: answer.description.unwrap_or_default(),
            }),
            None => self.read(&answer).await.map(Some),
        }
    }

    async fn read(&self, answer: &Message) -> Result<(u64, Entry), LogError> {
        let bad = |error: serde_json::Error| LogError::BadAnswer(error.into());
        let headers = answer.headers.as_ref();
        let id = headers
            .and_then(|headers| number(headers, NATS_SEQUENCE))
            .ok_or_else(|| LogError::BadAnswer("a dead letter without a sequence".into()))?;
        let subject =
            headers.and_then(|headers| headers.get_last(NATS_SUBJECT)).map_or("", |s| s.as_str());
        if subject.ends_with(".redrive") {
            let order: Redrive = serde_json::from_slice(&answer.payload).map_err(bad)?;
            return Ok((id, Entry::Redrive(order.event)));
        }
        if !subject.starts_with("$JS.") {
            let Letter { consumer, event, reason, attempts, at } =
                serde_json::from_slice(&answer.payload).map_err(bad)?;
            let letter = DeadLetter { id, consumer, event, reason, attempts, at };
            return Ok((id, Entry::Letter(letter)));
        }
        let advisory: Advisory = serde_json::from_slice(&answer.payload).map_err(bad)?;
        let event = self.event_of(&advisory).await?;
        let letter = DeadLetter {
            id,
            consumer: advisory.consumer.trim_end_matches(REDRIVES).to_owned(),
            event,
            reason: "delivered as often as allowed and never acknowledged".to_owned(),
            attempts: advisory.deliveries,
            at: advisory.timestamp,
        };
        Ok((id, Entry::Letter(letter)))
    }

    /// The event an advisory is about, which for a redriven one stands in the order.
    async fn event_of(&self, advisory: &Advisory) -> Result<Sequence, LogError> {
        if advisory.stream != self.stream {
            return Ok(advisory.stream_seq);
        }
        let request = format!("{{\"seq\":{}}}", advisory.stream_seq);
        match Box::pin(self.fetch(request)).await? {
            Some((_, Entry::Redrive(event))) => Ok(event),
            _ => Ok(0),
        }
    }
}

/// Suffix of the consumer that delivers another consumer's redrives.
pub(crate) const REDRIVES: &str = "-redrives";
