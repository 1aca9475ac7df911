//! Stored events as they happen.
//!
//! The server republishes every event once it is stored, in order, at most once. A process takes all of
//! them in one subscription; as every event is republished, a sequence that does not follow the
//! last one is a gap (or a securely deleted event) that the reader fills from the log.

use std::collections::VecDeque;

use async_nats::header::{NATS_LAST_SEQUENCE, NATS_SEQUENCE, NATS_TIME_STAMP};
use async_nats::{HeaderMap, HeaderName, Message, Subscriber};
use bytes::Bytes;
use eventlog::LinkState;
use futures_util::StreamExt;
use schemas::{DecodeError, Event, Lane, Namespace, Sequence, Timestamp};
use tokio::sync::watch;

use crate::{Bus, BusError};

/// A stored event that was just republished.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveEvent {
    /// Its place in the log.
    pub sequence: Sequence,
    /// The former sequence on its lane; 0 when it is the lane's first.
    pub previous: Sequence,
    /// Its lane.
    pub lane: Lane,
    /// The event as it was written.
    pub payload: Bytes,
    /// When the server stored it.
    pub stored_at: Timestamp,
}

impl LiveEvent {
    /// The event.
    ///
    /// # Errors
    /// See [`DecodeError`].
    pub fn event(&self) -> Result<Event, DecodeError> {
        Event::decode(&self.payload)
    }
}

/// What a live feed reports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Live {
    /// An event.
    Event(LiveEvent),
    /// A message that is not an event of a known lane. Its sequence counts, its content does not.
    Unknown {
        /// Its place in the log.
        sequence: Sequence,
    },
    /// The connection is gone: nothing will come until `Reconnected`.
    Disconnected,
    /// The connection is back and the subscription renewed. Whatever was stored in between did
    /// not come: compare with `EventLog::head` and fill the gap.
    Reconnected,
    /// Messages were dropped because this process read too slowly: compare and fill.
    Lagged,
}

/// The live feed of a namespace. Made by [`Bus::live`]; read it fast and hand on without waiting: it
/// holds 65,536 messages, then drops.
pub struct LiveFeed {
    namespace: Namespace,
    messages: Subscriber,
    link: watch::Receiver<LinkState>,
    seen: LinkState,
    notices: VecDeque<Live>,
}

impl Bus {
    /// Subscribes to every stored event of the namespace. When this returns the subscription is at the
    /// server: an event stored from now on will come.
    ///
    /// # Errors
    /// [`BusError::Unavailable`].
    pub async fn live(&self) -> Result<LiveFeed, BusError> {
        let subject = self.namespace().all_live();
        let client = self.inner.connection.client();
        let messages =
            client.subscribe(subject).await.map_err(|error| BusError::Unavailable(error.into()))?;
        let mut link = self.inner.connection.watch();
        let seen = *link.borrow_and_update();
        self.barrier().await?;
        let namespace = self.namespace().clone();
        Ok(LiveFeed { namespace, messages, link, seen, notices: VecDeque::new() })
    }
}

impl LiveFeed {
    /// The next event or notice; none when the bus is closed for good. Dropping the future loses
    /// nothing.
    pub async fn next(&mut self) -> Option<Live> {
        loop {
            if let Some(notice) = self.notices.pop_front() {
                return Some(notice);
            }
            tokio::select! {
                biased;
                changed = self.link.changed() => {
                    changed.ok()?;
                    self.note_link();
                }
                message = self.messages.next() => {
                    if let Some(live) = self.read(message?) {
                        return Some(live);
                    }
                }
            }
        }
    }

    fn note_link(&mut self) {
        let now = *self.link.borrow_and_update();
        let before = std::mem::replace(&mut self.seen, now);
        if before.connected && (!now.connected || now.generation != before.generation) {
            self.notices.push_back(Live::Disconnected);
        }
        if now.connected && now.generation != before.generation {
            self.notices.push_back(Live::Reconnected);
        }
        if now.lagged != before.lagged {
            self.notices.push_back(Live::Lagged);
        }
    }

    /// Reads a republished message; none when the server did not republish it (somebody published on the
    /// live subject himself).
    fn read(&self, message: Message) -> Option<Live> {
        let headers = message.headers.as_ref()?;
        let sequence = number(headers, NATS_SEQUENCE)?;
        let stored_at = headers
            .get_last(NATS_TIME_STAMP)
            .and_then(|time| Timestamp::parse(time.as_str()).ok())
            .unwrap_or_default();
        let Ok(lane) = Lane::parse(&self.namespace, message.subject.as_str()) else {
            return Some(Live::Unknown { sequence });
        };
        let previous = number(headers, NATS_LAST_SEQUENCE).unwrap_or(0);
        let payload = message.payload;
        Some(Live::Event(LiveEvent { sequence, previous, lane, payload, stored_at }))
    }
}

fn number(headers: &HeaderMap, name: HeaderName) -> Option<u64> {
    headers.get_last(name).and_then(|value| value.as_str().parse().ok())
}
