//! Single events read from the log: the last of a lane, or one by its sequence.

use async_nats::header::{NATS_LAST_SEQUENCE, NATS_SEQUENCE, NATS_SUBJECT, NATS_TIME_STAMP};
use async_nats::jetstream::message::Info;
use async_nats::{HeaderMap, HeaderName, Message, StatusCode};
use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};
use schemas::{DecodeError, Event, Lane, Sequence, Timestamp};
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::api::PAUSE;
use crate::error::{BoxError, LogError};
use crate::leader::STORED_AT;
use crate::log::EventLog;

/// Direct gets of one `last_many` in flight at a time.
const CONCURRENT_GETS: usize = 64;
/// How often an event is asked for that should be there.
const GETS: usize = 20;

/// A stored event as the server keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Its place in the log.
    pub sequence: Sequence,
    /// Its lane.
    pub lane: Lane,
    /// The event as it was written.
    pub payload: Bytes,
    /// When the server stored it, by the server's clock.
    pub stored_at: Timestamp,
    /// The lane's former sequence (0: none before), where the server tells it; it does so for live
    /// events only.
    pub previous: Option<Sequence>,
}

impl Stored {
    /// The event.
    ///
    /// # Errors
    /// See [`DecodeError`].
    pub fn event(&self) -> Result<Event, DecodeError> {
        Event::decode(&self.payload)
    }
}

impl EventLog {
    /// The last event of a lane, which on small lanes carries the entity's whole state. In a cluster the leader
    /// is asked: a follower may not know yet what was written a moment ago, and nothing that is refused for
    /// that reason has an expectation which could tell.
    ///
    /// # Errors
    /// [`LogError::Unavailable`] when no answer came for 5 s.
    pub async fn last(&self, lane: &Lane) -> Result<Option<Stored>, LogError> {
        let subject = lane.subject(self.namespace());
        if self.inner.is_clustered() {
            return self.ask_leader(&json!({ "last_by_subj": subject })).await;
        }
        let subject = format!("$JS.API.DIRECT.GET.{}.{subject}", self.inner.stream);
        self.direct_get(&subject, Bytes::new()).await
    }

    /// The last events of several lanes, in the order asked, fetched at the same time. They are not one
    /// consistent cut: a decision over several lanes puts an expectation on each.
    ///
    /// # Errors
    /// The first failure.
    pub async fn last_many(&self, lanes: &[Lane]) -> Result<Vec<Option<Stored>>, LogError> {
        stream::iter(lanes.to_vec())
            .map(|lane| async move { self.last(&lane).await })
            .buffered(CONCURRENT_GETS)
            .try_collect()
            .await
    }

    /// The events of a lane that are there, in their order. Each is a request of its own: for small lanes only.
    ///
    /// # Errors
    /// [`LogError::Unavailable`] when no answer came for 5 s.
    pub async fn all_of(&self, lane: &Lane) -> Result<Vec<Stored>, LogError> {
        let subject = lane.subject(self.namespace());
        let direct = format!("$JS.API.DIRECT.GET.{}", self.inner.stream);
        let (mut found, mut from) = (Vec::new(), 1);
        loop {
            let next = json!({ "seq": from, "next_by_subj": subject });
            let next = match self.inner.is_clustered() {
                true => self.ask_leader(&next).await?,
                false => self.direct_get(&direct, next.to_string().into()).await?,
            };
            let Some(stored) = next else { return Ok(found) };
            from = stored.sequence + 1;
            found.push(stored);
        }
    }

    /// The event with a sequence; none when there is none or it was securely deleted.
    ///
    /// # Errors
    /// [`LogError::Damaged`] when it was there and cannot be read any more, [`LogError::Unavailable`] when no
    /// answer came for 5 s.
    pub async fn get(&self, sequence: Sequence) -> Result<Option<Stored>, LogError> {
        if sequence == 0 {
            return Ok(None);
        }
        let subject = format!("$JS.API.DIRECT.GET.{}", self.inner.stream);
        for _ in 0..GETS {
            let request = format!("{{\"seq\":{sequence}}}").into();
            let found = self.direct_get(&subject, request).await?;
            let mut found = found.filter(|stored| stored.sequence == sequence);
            if found.is_none() && self.inner.is_clustered() {
                found = self.ask_leader(&json!({ "seq": sequence })).await?;
            }
            if found.is_some() || sequence > self.seen() || self.is_hole(sequence, sequence) {
                return Ok(found);
            }
            // It was there once. There must be a reason.
            self.explain(sequence, sequence).await?;
            sleep(PAUSE).await;
        }
        Err(LogError::Unavailable("an event is there and is not delivered".into()))
    }

    async fn direct_get(&self, subject: &str, payload: Bytes) -> Result<Option<Stored>, LogError> {
        let answer = self.inner.connection.ask_safely(subject, &payload).await?;
        match answer.status {
            None => self.stored(&answer).map(Some),
            Some(StatusCode::NOT_FOUND) => Ok(None),
            Some(status) => Err(LogError::Refused {
                code: status.as_u16().into(),
                description: answer.description.unwrap_or_default(),
            }),
        }
    }

    async fn ask_leader(&self, what: &Value) -> Result<Option<Stored>, LogError> {
        let found = self.inner.connection.leaders_message(&self.inner.stream, what).await?;
        let Some(message) = found else { return Ok(None) };
        let bad = |error: BoxError| LogError::BadAnswer(error);
        Ok(Some(Stored {
            sequence: message.sequence,
            lane: Lane::parse(self.namespace(), &message.subject).map_err(|e| bad(e.into()))?,
            stored_at: message.stored_at()?,
            payload: message.payload,
            previous: None,
        }))
    }

    fn stored(&self, answer: &Message) -> Result<Stored, LogError> {
        let bad =
            |what: &str| LogError::BadAnswer(format!("a stored message without {what}").into());
        let headers = answer.headers.as_ref().ok_or_else(|| bad("headers"))?;
        let subject = headers.get_last(NATS_SUBJECT).ok_or_else(|| bad("a subject"))?;
        let lane = Lane::parse(self.namespace(), subject.as_str())
            .map_err(|error| LogError::BadAnswer(error.into()))?;
        Ok(Stored {
            sequence: number(headers, NATS_SEQUENCE).ok_or_else(|| bad("a sequence"))?,
            lane,
            payload: answer.payload.clone(),
            stored_at: time_of(headers).ok_or_else(|| bad("a time"))?,
            previous: number(headers, NATS_LAST_SEQUENCE),
        })
    }
}

/// When a message was stored first, by the headers with which the server gives it away.
pub(crate) fn time_of(headers: &HeaderMap) -> Option<Timestamp> {
    stored_first(headers)
        .or_else(|| Timestamp::parse(headers.get_last(NATS_TIME_STAMP)?.as_str()).ok())
}

fn stored_first(headers: &HeaderMap) -> Option<Timestamp> {
    let first = headers.get_last(HeaderName::from_static(STORED_AT))?;
    Timestamp::parse(first.as_str()).ok()
}

pub(crate) fn number(headers: &HeaderMap, name: HeaderName) -> Option<u64> {
    headers.get_last(name).and_then(|value| value.as_str().parse().ok())
}

/// When a delivered message was stored first.
pub(crate) fn stored_at(message: &Message, info: &Info<'_>) -> Timestamp {
    if let Some(first) = message.headers.as_ref().and_then(stored_first) {
        return first;
    }
    let millis = info.published.unix_timestamp_nanos() / 1_000_000;
    Timestamp::from_millis(i64::try_from(millis).unwrap_or(i64::MAX))
}
