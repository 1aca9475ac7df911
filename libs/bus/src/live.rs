//! Stored events as they happen.
//!
//! The server republishes every event once it is stored, in order, at most once. A process has one subscription for
//! all of them, however many followers it has. As every event is republished, a sequence that does not follow the
//! last one is a gap (or a securely deleted event), which the reader fills from the log.

use std::sync::Arc;

use async_nats::header::{NATS_LAST_SEQUENCE, NATS_SEQUENCE, NATS_TIME_STAMP};
use async_nats::{HeaderMap, HeaderName, Message, Subscriber};
use bytes::Bytes;
use eventlog::{Connection, LinkState};
use futures_util::StreamExt;
use parking_lot::Mutex;
use schemas::{DecodeError, Event, Lane, Namespace, Sequence, Timestamp};
use tokio::runtime::Handle;
use tokio::sync::{Notify, mpsc, watch};

use crate::error::BusError;

/// How many messages a follower may leave unread; beyond that it misses some and is told so.
const HELD: usize = 65_536;

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

/// The live feed of a namespace. Made by [`crate::Bus::live`]; read it fast and hand on without waiting: it
/// holds 65,536 messages, then drops.
pub struct LiveFeed {
    incoming: mpsc::Receiver<Live>,
    followers: Arc<Followers>,
}

impl Drop for LiveFeed {
    fn drop(&mut self) {
        self.incoming.close();
        self.followers.changed.notify_one();
    }
}

impl LiveFeed {
    /// The next event or notice; none when the bus is closed for good. Dropping the future loses
    /// nothing.
    pub async fn next(&mut self) -> Option<Live> {
        self.incoming.recv().await
    }
}

/// The followers of the live feed in this process.
#[derive(Default)]
pub(crate) struct Followers {
    list: Mutex<List>,
    /// One of them may have gone.
    changed: Notify,
    /// Held while the subscription is made.
    subscribing: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct List {
    followers: Vec<Follower>,
    /// Whether there is a task that hands events to them.
    subscribed: bool,
}

struct Follower {
    feed: mpsc::Sender<Live>,
    /// Whether it has missed something and was not told yet.
    missed: bool,
}

impl Follower {
    /// Hands something on; false when the follower has gone.
    fn tell(&mut self, live: &Live) -> bool {
        if self.missed && self.feed.try_send(Live::Lagged).is_ok() {
            self.missed = false;
        }
        if !self.missed && self.feed.try_send(live.clone()).is_err() {
            self.missed = true;
        }
        !self.feed.is_closed()
    }
}

impl Followers {
    /// Adds a follower, with the subscription if it is the first. What was asked of the server by then is in place
    /// only after a round trip.
    ///
    /// # Errors
    /// [`BusError::Unavailable`].
    pub(crate) async fn follow(
        self: &Arc<Self>,
        connection: &Connection,
        namespace: &Namespace,
        runtime: &Handle,
    ) -> Result<LiveFeed, BusError> {
        let (feed, incoming) = mpsc::channel(HELD);
        let subscribing = self.subscribing.lock().await;
        let subscribed = {
            let mut list = self.list.lock();
            list.followers.push(Follower { feed, missed: false });
            list.subscribed
        };
        // From here on dropping it, as an error does, takes it off the list.
        let live = LiveFeed { incoming, followers: Arc::clone(self) };
        if !subscribed {
            let subscription = Subscription::to_all(connection, namespace).await?;
            self.list.lock().subscribed = true;
            runtime.spawn(subscription.run(Arc::clone(self)));
        }
        drop(subscribing);
        Ok(live)
    }

    fn tell(&self, live: &Live) {
        self.list.lock().followers.retain_mut(|follower| follower.tell(live));
    }

    /// Whether no follower is left; the next one then subscribes again.
    fn deserted(&self) -> bool {
        let mut list = self.list.lock();
        list.followers.retain(|follower| !follower.feed.is_closed());
        list.subscribed = !list.followers.is_empty();
        !list.subscribed
    }
}

/// The one subscription of a process.
struct Subscription {
    namespace: Namespace,
    messages: Subscriber,
    link: watch::Receiver<LinkState>,
    seen: LinkState,
}

impl Subscription {
    async fn to_all(connection: &Connection, namespace: &Namespace) -> Result<Self, BusError> {
        let subscribing = connection.client().subscribe(namespace.all_live());
        let messages = subscribing.await.map_err(|error| BusError::Unavailable(error.into()))?;
        let mut link = connection.watch();
        let seen = *link.borrow_and_update();
        Ok(Self { namespace: namespace.clone(), messages, link, seen })
    }

    /// Hands everything to the followers, until none is left or the bus is closed for good.
    async fn run(mut self, followers: Arc<Followers>) {
        loop {
            tokio::select! {
                biased;
                changed = self.link.changed() => match changed {
                    Ok(()) => self.note_link(&followers),
                    Err(_) => break,
                },
                message = self.messages.next() => match message {
                    Some(message) => if let Some(live) = self.read(message) {
                        followers.tell(&live);
                    },
                    None => break,
                },
                () = followers.changed.notified() => if followers.deserted() {
                    return;
                },
            }
        }
        *followers.list.lock() = List::default();
    }

    fn note_link(&mut self, followers: &Followers) {
        let now = *self.link.borrow_and_update();
        let before = std::mem::replace(&mut self.seen, now);
        if before.connected && (!now.connected || now.generation != before.generation) {
            followers.tell(&Live::Disconnected);
        }
        if now.connected && now.generation != before.generation {
            followers.tell(&Live::Reconnected);
        }
        if now.lagged != before.lagged {
            followers.tell(&Live::Lagged);
        }
    }

    /// Reads a republished message; none when the server did not republish it (a client published on the live subject
    /// itself).
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_reads_too_slowly_is_told_that_he_missed_something() {
        let (feed, mut incoming) = mpsc::channel(2);
        let mut follower = Follower { feed, missed: false };
        let event = |sequence| Live::Unknown { sequence };
        assert!((1..=4).all(|sequence| follower.tell(&event(sequence))));
        let read = |incoming: &mut mpsc::Receiver<Live>| incoming.try_recv().ok();
        assert_eq!(read(&mut incoming), Some(event(1)));
        assert_eq!(read(&mut incoming), Some(event(2)));
        assert_eq!(read(&mut incoming), None);
        assert!(follower.tell(&event(5)));
        assert_eq!(read(&mut incoming), Some(Live::Lagged));
        assert_eq!(read(&mut incoming), Some(event(5)));
        drop(incoming);
        assert!(!follower.tell(&event(6)));
    }
}
