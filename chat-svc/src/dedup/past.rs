//! Knows of most client ids that they were never used, so that a new message costs no look into the read model.
//!
//! A filter holds every client id of the log from its first event on. It is filled once by reading the log in
//! the background, and then by the live feed. Its "never" counts as far as it is complete without a hole: where
//! the feed has lost something, the log is read again from there.

use std::time::Duration;

use eventlog::{EventLog, LogError, Reader};
use parking_lot::Mutex;
use schemas::ids::{RoomId, UserId};
use schemas::values::ClientId;
use schemas::{Digest, Lane, Sequence};
use serde::Deserialize;
use telemetry::Shutdown;
use tokio::sync::Notify;

use super::claim::name_of;
use super::filter::Filter;

/// Events read from the log at a time.
const BATCH: usize = 2000;
const WAIT: Duration = Duration::from_secs(1);
const PAUSE: Duration = Duration::from_secs(1);
const POSTED: &str = "message.posted.v1";

/// Which part of the log is in the filter.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Spans {
    /// Everything from the beginning up to here is.
    complete: Sequence,
    /// And this stretch, which the live feed has brought without a hole; 0: none yet.
    live_from: Sequence,
    live_to: Sequence,
}

impl Spans {
    /// The feed has brought an event.
    fn live(&mut self, sequence: Sequence) {
        if sequence != self.live_to + 1 || self.live_from == 0 {
            self.live_from = sequence;
        }
        self.live_to = sequence;
        self.join();
    }

    /// The log was read up to a place.
    fn read(&mut self, through: Sequence) {
        self.complete = self.complete.max(through);
        self.join();
    }

    fn join(&mut self) {
        if self.live_from != 0 && self.complete + 1 >= self.live_from {
            self.complete = self.complete.max(self.live_to);
        }
    }

    /// The hole that must be read from the log, as (after, up to).
    fn hole(&self) -> Option<(Sequence, Sequence)> {
        let up_to = self.live_from.checked_sub(1)?;
        (self.complete < up_to).then_some((self.complete, up_to))
    }
}

/// Which client ids were ever used, with errors to one side only.
pub(super) struct Past {
    filter: Filter,
    spans: Mutex<Spans>,
    /// There may be a hole to fill.
    changed: Notify,
}

impl Past {
    pub(super) fn new(bytes: usize) -> Self {
        Self {
            filter: Filter::new(bytes),
            spans: Mutex::new(Spans::default()),
            changed: Notify::new(),
        }
    }

    /// Everything in the log up to here is known.
    pub(super) fn complete(&self) -> Sequence {
        if self.filter.is_empty() { 0 } else { self.spans.lock().complete }
    }

    pub(super) fn may_hold(&self, name: &Digest) -> bool {
        self.filter.may_hold(name)
    }

    pub(super) fn insert(&self, name: &Digest) {
        self.filter.insert(name);
    }

    /// The live feed has brought an event. Its client id, where it has one that is not known yet, must have
    /// been inserted before.
    pub(super) fn live(&self, sequence: Sequence) {
        let hole = {
            let mut spans = self.spans.lock();
            spans.live(sequence);
            spans.hole()
        };
        if hole.is_some() {
            self.changed.notify_one();
        }
    }

    /// Fills holes from the log until asked to stop.
    pub(super) async fn keep_complete(&self, log: &EventLog, shutdown: Shutdown) {
        if self.filter.is_empty() {
            return;
        }
        loop {
            tokio::select! {
                () = shutdown.wait() => return,
                filled = self.fill(log) => if let Err(error) = filled {
                    let error = telemetry::error_chain(&error);
                    tracing::warn!(error, "the log could not be read for client ids");
                    tokio::time::sleep(PAUSE).await;
                },
            }
        }
    }

    /// Fills the hole there is, or waits until there is one.
    async fn fill(&self, log: &EventLog) -> Result<(), LogError> {
        let hole = self.spans.lock().hole();
        let Some((after, _)) = hole else {
            self.changed.notified().await;
            return Ok(());
        };
        let mut reader = log.read_from(after).await?;
        // The hole may grow to the right while it is filled: the feed may lose something again.
        while let Some((_, up_to)) = { self.spans.lock().hole() } {
            self.read(&mut reader, up_to).await?;
        }
        Ok(())
    }

    async fn read(&self, reader: &mut Reader, up_to: Sequence) -> Result<(), LogError> {
        if reader.through() >= up_to {
            self.spans.lock().read(reader.through());
            return Ok(());
        }
        let batch = reader.next(BATCH, WAIT).await?;
        for record in &batch.records {
            if let Some(Lane::Timeline(_)) = &record.lane
                && let Some(name) = claimed(&record.payload)
            {
                self.filter.insert(&name);
            }
        }
        self.spans.lock().read(batch.through);
        Ok(())
    }
}

#[derive(Deserialize)]
struct Outside<'a> {
    #[serde(rename = "type", borrow)]
    kind: std::borrow::Cow<'a, str>,
    #[serde(borrow)]
    data: &'a serde_json::value::RawValue,
}

#[derive(Deserialize)]
struct Posted {
    message: Claimed,
}

#[derive(Deserialize)]
struct Claimed {
    room_id: RoomId,
    sender_id: UserId,
    client_id: Option<ClientId>,
}

/// The name of the client id in an event, without reading the rest of it.
pub(super) fn claimed(payload: &[u8]) -> Option<Digest> {
    let outside: Outside<'_> = serde_json::from_slice(payload).ok()?;
    if outside.kind != POSTED {
        return None;
    }
    let posted: Posted = serde_json::from_str(outside.data.get()).ok()?;
    let Claimed { room_id, sender_id, client_id } = posted.message;
    Some(name_of(&room_id, &sender_id, client_id.as_ref()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_known_grows_over_holes_once_they_are_read() {
        let mut spans = Spans::default();
        assert_eq!(spans.hole(), None);
        spans.live(10);
        assert_eq!((spans.complete, spans.hole()), (0, Some((0, 9))));
        spans.live(11);
        spans.read(5);
        assert_eq!((spans.complete, spans.hole()), (5, Some((5, 9))));
        spans.read(9);
        assert_eq!((spans.complete, spans.hole()), (11, None));
        spans.live(12);
        assert_eq!(spans.complete, 12);
        spans.live(20);
        assert_eq!((spans.complete, spans.hole()), (12, Some((12, 19))));
        spans.live(21);
        spans.read(40);
        assert_eq!((spans.complete, spans.hole()), (40, None));
        spans.live(22);
        assert_eq!(spans.complete, 40);
    }

    #[test]
    fn a_feed_that_begins_with_the_log_has_no_hole() {
        let mut spans = Spans::default();
        spans.live(1);
        spans.live(2);
        assert_eq!((spans.complete, spans.hole()), (2, None));
    }
}
