//! What a stream has got since an earlier copy of it, and what of it is gone: the content of an increment.
//!
//! The log is read by a reader, which notices what is missing. Pieces of files are fetched one by one.

use std::time::Duration;

use async_nats::header::NATS_SUBJECT;
use bytes::Bytes;
use schemas::{Sequence, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::api::{self, STREAM_NOT_FOUND};
use crate::error::LogError;
use crate::holes::Holes;
use crate::integrity::check_digest;
use crate::leader::LeadersMessage;
use crate::log::EventLog;
use crate::read::{number, time_of};
use crate::reader::{Reader, Record};

/// Events handed out at once, and how long they are waited for.
const BATCH: usize = 1000;
const WAIT: Duration = Duration::from_secs(1);

/// A message of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copied {
    /// Its place in the stream.
    pub sequence: Sequence,
    /// Its subject.
    pub subject: String,
    /// When it was stored first.
    pub stored_at: Timestamp,
    /// Its bytes.
    pub payload: Bytes,
}

impl From<Record> for Copied {
    fn from(record: Record) -> Self {
        let Record { sequence, subject, stored_at, payload, .. } = record;
        Self { sequence, subject, stored_at, payload }
    }
}

/// How far a stream reaches, and what of it is gone.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Extent {
    /// The sequence of its last message, whether that is there or not.
    pub through: Sequence,
    /// The sequences up to there that have no message any more.
    pub gone: Holes,
}

/// A work queue over the log: how it is set up, and how far its work is done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Queue {
    /// Its settings, as the server writes them.
    pub config: Value,
    /// Every event up to here is done with.
    pub done: Sequence,
}

impl Queue {
    /// Its name; none of a consumer that ends with whom it serves.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.config.get("durable_name")?.as_str()
    }
}

/// The events after a place, up to the end the log has when they have been read. Made by [`EventLog::newer_than`].
pub struct Newer {
    log: EventLog,
    reader: Reader,
    head: Sequence,
    gone: Holes,
}

impl EventLog {
    /// Reads the events after a place. All events that are gone when the last of them was handed out are then explained
    /// by lists that were handed out, too, or were before that place.
    ///
    /// # Errors
    /// [`LogError::Ahead`], [`LogError::Damaged`], [`LogError::Unavailable`].
    pub async fn newer_than(&self, after: Sequence) -> Result<Newer, LogError> {
        let head = self.head().await?;
        let reader = self.read_from(after).await?;
        Ok(Newer { log: self.clone(), reader, head, gone: Holes::default() })
    }

    /// How far a stream reaches and what of it is gone; none when there is no such stream.
    ///
    /// # Errors
    /// [`LogError::Unavailable`], [`LogError::Refused`].
    pub async fn extent(&self, stream: &str) -> Result<Option<Extent>, LogError> {
        #[derive(Deserialize)]
        struct Info {
            state: State,
        }
        #[derive(Deserialize)]
        struct State {
            first_seq: Sequence,
            last_seq: Sequence,
            #[serde(default)]
            deleted: Option<Vec<Sequence>>,
        }
        let subject = format!("$JS.API.STREAM.INFO.{stream}");
        let request = json!({ "deleted_details": true }).to_string().into();
        let answer = self.inner.connection.ask_leader(&subject, &request).await?;
        let State { first_seq, last_seq, deleted } = match api::parse::<Info>(&answer)? {
            Ok(info) => info.state,
            Err(error) if error.err_code == STREAM_NOT_FOUND => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let mut gone = Holes::default();
        if first_seq > 1 && last_seq > 0 {
            gone.insert(1, first_seq - 1);
        }
        // The server says that an empty stream lacks 0.
        let deleted = deleted.into_iter().flatten().filter(|sequence| *sequence > 0);
        deleted.for_each(|sequence| gone.insert(sequence, sequence));
        Ok(Some(Extent { through: last_seq, gone: gone.through(last_seq) }))
    }

    /// A message of any stream; none when it is gone.
    ///
    /// # Errors
    /// [`LogError::Unavailable`], [`LogError::Refused`], [`LogError::NotAttached`].
    pub async fn copied(
        &self,
        stream: &str,
        sequence: Sequence,
    ) -> Result<Option<Copied>, LogError> {
        let found = self.get_copied(stream, &json!({ "seq": sequence })).await?;
        Ok(found.filter(|found| found.sequence == sequence))
    }

    /// Up to where a stream had come so long before an event of the log was stored: a copy of it that was made when the
    /// log ended with that event reaches there. 0 when the event or the stream is not there.
    ///
    /// # Errors
    /// As [`EventLog::copied`].
    pub async fn reached_before(
        &self,
        stream: &str,
        event: Sequence,
        well: Duration,
    ) -> Result<Sequence, LogError> {
        if event == 0 {
            return Ok(0);
        }
        let Some(event) = self.copied(&self.inner.stream, event).await? else { return Ok(0) };
        let Some(Extent { through, .. }) = self.extent(stream).await? else { return Ok(0) };
        let well = i64::try_from(well.as_millis()).unwrap_or(i64::MAX);
        let before = event.stored_at.millis().saturating_sub(well);
        // The first that was not stored before then is one of these, or behind them.
        let (mut from, mut to) = (1, through + 1);
        while from < to {
            let middle = from + (to - from) / 2;
            let next = json!({ "seq": middle, "next_by_subj": ">" });
            match self.get_copied(stream, &next).await? {
                Some(found) if found.stored_at.millis() < before => from = found.sequence + 1,
                Some(_) | None => to = middle,
            }
        }
        Ok(from - 1)
    }

    async fn get_copied(&self, stream: &str, wanted: &Value) -> Result<Option<Copied>, LogError> {
        let connection = &self.inner.connection;
        // In a cluster a follower may not know yet what was stored a moment ago.
        if self.inner.is_clustered() {
            let found = connection.leaders_message(stream, wanted).await?;
            let Some(message) = found else { return Ok(None) };
            let stored_at = message.stored_at()?;
            let LeadersMessage { sequence, payload, subject, .. } = message;
            return Ok(Some(Copied { sequence, subject, stored_at, payload }));
        }
        let subject = format!("$JS.API.DIRECT.GET.{stream}");
        let answer = connection.ask_safely(&subject, &wanted.to_string().into()).await?;
        match answer.status {
            None => {}
            Some(async_nats::StatusCode::NOT_FOUND) => return Ok(None),
            Some(status) => {
                let description = answer.description.unwrap_or_default();
                return Err(LogError::Refused { code: status.as_u16().into(), description });
            }
        }
        let found = answer.headers.as_ref().and_then(|headers| {
            let sequence = number(headers, async_nats::header::NATS_SEQUENCE)?;
            let subject = headers.get_last(NATS_SUBJECT)?.as_str().to_owned();
            let (stored_at, payload) = (time_of(headers)?, answer.payload.clone());
            Some(Copied { sequence, subject, stored_at, payload })
        });
        let found = found.ok_or_else(|| LogError::BadAnswer("a message without its place".into()));
        found.map(Some)
    }

    /// The work queues over the log.
    ///
    /// # Errors
    /// [`LogError::Unavailable`], [`LogError::Refused`].
    pub async fn queues(&self) -> Result<Vec<Queue>, LogError> {
        #[derive(Deserialize)]
        struct Page {
            total: usize,
            consumers: Option<Vec<Consumer>>,
        }
        #[derive(Deserialize)]
        struct Consumer {
            config: Value,
            ack_floor: Floor,
        }
        #[derive(Deserialize)]
        struct Floor {
            stream_seq: Sequence,
        }
        let subject = format!("$JS.API.CONSUMER.LIST.{}", self.inner.stream);
        let (mut queues, mut seen) = (Vec::new(), 0);
        loop {
            let request = json!({ "offset": seen }).to_string().into();
            let answer = self.inner.connection.ask_leader(&subject, &request).await?;
            let page: Page = api::parse(&answer)?.map_err(LogError::from)?;
            let found = page.consumers.unwrap_or_default();
            seen += found.len();
            let done = found.is_empty() || seen >= page.total;
            let as_queue =
                |Consumer { config, ack_floor }| Queue { config, done: ack_floor.stream_seq };
            queues.extend(found.into_iter().map(as_queue).filter(|queue| queue.name().is_some()));
            if done {
                return Ok(queues);
            }
        }
    }
}

impl Newer {
    /// Some events in the order of the log; none when all have been handed out. Each is what was written.
    ///
    /// # Errors
    /// [`LogError::Damaged`]; see [`Reader::next`].
    pub async fn next(&mut self) -> Result<Vec<Copied>, LogError> {
        loop {
            if self.reader.through() >= self.head && self.is_settled().await? {
                return Ok(Vec::new());
            }
            let records = self.reader.next(BATCH, WAIT).await?.records;
            for record in &records {
                check_digest(record.sequence, &record.payload)?;
            }
            if !records.is_empty() {
                return Ok(records.into_iter().map(Copied::from).collect());
            }
        }
    }

    /// Whether the lists of all that is gone are among what was handed out or before it; otherwise there is more to read.
    async fn is_settled(&mut self) -> Result<bool, LogError> {
        let stream = self.log.inner.stream.as_str();
        let extent = self.log.extent(stream).await?;
        let extent = extent.ok_or_else(|| LogError::NoStream(stream.to_owned()))?;
        // After the extent: what was gone then had been noted before.
        self.log.read_lists().await?;
        let lists = self.log.inner.lists.read();
        let through = self.reader.through();
        // One beyond the end is another log's, of which this one is a shorter copy.
        let last = lists.range(..=extent.through).next_back().map(|(listed, _)| *listed);
        if last.is_some_and(|last| last > through) {
            self.head = extent.through;
            return Ok(false);
        }
        let mut gone = extent.gone.through(through);
        for (_, holes) in lists.range(..=through) {
            holes.through(through).ranges().iter().for_each(|(from, to)| gone.insert(*from, *to));
        }
        self.gone = gone;
        Ok(true)
    }

    /// Where the log ended, and what of it was gone or about to be, once [`Newer::next`] has nothing more.
    #[must_use]
    pub fn extent(self) -> Extent {
        Extent { through: self.reader.through(), gone: self.gone }
    }

    /// Every event up to here has been handed out.
    #[must_use]
    pub fn through(&self) -> Sequence {
        self.reader.through()
    }
}
