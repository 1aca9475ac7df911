//! The audit trail: events of the log, newest first, found by who caused them, what they happened to, their type and time.
//!
//! The log itself is read; the read model only says which blocks of it to look at ([`candidates`]), and whatever it has not
//! projected yet is looked at as well. So the trail is complete however far the read model is. What an event holds
//! is shown without the words of users ([`redaction`]), unless the operator wants them shown.

mod candidates;
mod redaction;

use std::sync::Arc;

use eventlog::{EventLog, LogError, Stored};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use readmodel::{BLOCK, ReadStore, block_of};
use schemas::event::Outline;
use schemas::events::AuditQuery;
use schemas::{Event, MessageId, Rejection, Sequence, Timestamp};
use serde_json::Value;

use crate::failure;
use candidates::{Candidates, Next};

/// Sequences a page looks at, at most.
const MAX_SEEN: u64 = 50_000;
/// Events that are read at the same time.
const AT_ONCE: usize = 64;
/// By how much the clocks of services may differ, in seconds: an event's time is told by who decided it.
const SKEW: i64 = 600;

/// An event, as far as it can be read.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Entry {
    /// Its place.
    pub(crate) sequence: Sequence,
    /// What its envelope says; none for an event that is damaged beyond that.
    pub(crate) outline: Option<Outline>,
    /// What it holds; null when this build cannot read it.
    pub(crate) data: Value,
    /// When the log got it.
    pub(crate) stored_at: Timestamp,
}

/// A page of the trail.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// The events, newest first.
    pub(crate) entries: Vec<Entry>,
    /// The trail goes on before this sequence; none at its end.
    pub(crate) next: Option<Sequence>,
}

/// What is needed to read the trail.
pub(crate) struct Trail<'a> {
    pub(crate) log: &'a EventLog,
    pub(crate) store: Arc<dyn ReadStore>,
    pub(crate) query: &'a AuditQuery,
    /// Whether the words of users are shown.
    pub(crate) bodies: bool,
}

impl Trail<'_> {
    /// The newest `limit` events before a sequence; fewer when [`MAX_SEEN`] sequences hold no more.
    ///
    /// # Errors
    /// `unavailable` when the log or the read model does not answer.
    pub(crate) async fn page(
        &self,
        before: Option<Sequence>,
        limit: usize,
    ) -> Result<Found, Rejection> {
        let head = self.log.head().await.map_err(failure::log)?;
        let end = before.unwrap_or(Sequence::MAX).min(head + 1);
        let checkpoint = self.store.checkpoint().await.map_err(failure::store)?;
        let of_this_log = checkpoint.epoch.as_ref() == Some(&self.log.epoch());
        let indexed = if of_this_log { checkpoint.groups.conversations } else { 0 };
        let mut search = Search { trail: self, limit, seen: 0, found: Found::default() };
        // What is not projected yet.
        let mut at = end;
        while at > indexed + 1 {
            let from = at.saturating_sub(BLOCK).max(indexed + 1);
            if !search.look(from, at).await? {
                return Ok(search.found);
            }
            at = from;
        }
        self.indexed(at, search).await
    }

    /// Goes on among what is projected, before `at`.
    async fn indexed(&self, at: Sequence, mut search: Search<'_>) -> Result<Found, Rejection> {
        let mut candidates = self.candidates(at).await?;
        loop {
            match candidates.next().await.map_err(failure::store)? {
                Next::End => return Ok(search.found),
                Next::Tired { end } => {
                    search.found.next = Some(end * BLOCK);
                    return Ok(search.found);
                }
                Next::Block(block) => {
                    let (first, last) = (block * BLOCK, (block + 1) * BLOCK);
                    if !search.look(first.max(1), last.min(at)).await? {
                        return Ok(search.found);
                    }
                }
            }
        }
    }

    async fn candidates(&self, before: Sequence) -> Result<Candidates, Rejection> {
        let end = block_of(before.saturating_sub(1)) + 1;
        let (mut first, mut end) = (0, if before <= 1 { 0 } else { end });
        if let Some(since) = self.query.since {
            let found = self.store.block_before(since.plus_seconds(-SKEW)).await;
            first = found.map_err(failure::store)?.unwrap_or(0);
        }
        if let Some(until) = self.query.until {
            let found = self.store.block_before(until.plus_seconds(SKEW)).await;
            end = end.min(found.map_err(failure::store)?.map_or(0, |block| block + 1));
        }
        let posted = self.posted().await?;
        let store = Arc::clone(&self.store);
        Ok(Candidates::new(store, self.query, posted.map(block_of), (first, end)))
    }

    /// Where the message was posted that is asked for, if it is one: posts are not indexed by it.
    async fn posted(&self) -> Result<Option<Sequence>, Rejection> {
        let subject = self.query.subject.as_ref();
        let Some(id) = subject.and_then(|id| MessageId::parse(id.as_str()).ok()) else {
            return Ok(None);
        };
        let found = self.store.messages(&[id]).await.map_err(failure::store)?;
        Ok(found.first().map(|message| message.posted))
    }

    /// Whether an event is one of those asked for.
    fn admits(&self, outline: &Outline) -> bool {
        let AuditQuery { actor, kind, subject, since, until } = self.query;
        actor.as_ref().is_none_or(|actor| actor.as_str() == outline.actor)
            && kind.as_ref().is_none_or(|kind| kind.as_str() == outline.kind)
            && subject.as_ref().is_none_or(|subject| subject.as_str() == outline.subject)
            && since.is_none_or(|since| outline.time >= since)
            && until.is_none_or(|until| outline.time < until)
    }

    /// The event as it is shown; none when it is not asked for.
    fn entry(&self, stored: &Stored) -> Option<Entry> {
        let outline = Outline::read(&stored.payload);
        let asked = match &outline {
            Some(outline) => self.admits(outline),
            // Nothing is known of it: only who asks for everything sees that it is there.
            None => *self.query == AuditQuery::default(),
        };
        asked.then(|| Entry {
            sequence: stored.sequence,
            outline,
            data: self.data(stored),
            stored_at: stored.stored_at,
        })
    }

    /// What an event holds. That of a type this build does not know is not shown: it may hold what should not be.
    fn data(&self, stored: &Stored) -> Value {
        if Event::decode(&stored.payload).is_err() {
            return Value::Null;
        }
        let mut whole: Value = serde_json::from_slice(&stored.payload).unwrap_or_default();
        let mut data = whole.get_mut("data").map(Value::take).unwrap_or_default();
        if !self.bodies {
            redaction::redact(&mut data);
        }
        data
    }
}

/// A page in the making.
struct Search<'a> {
    trail: &'a Trail<'a>,
    limit: usize,
    seen: u64,
    found: Found,
}

impl Search<'_> {
    /// Looks at the sequences from `first` on and before `end`, newest first; false when the page is done.
    async fn look(&mut self, first: Sequence, end: Sequence) -> Result<bool, Rejection> {
        if first >= end {
            return Ok(true);
        }
        if self.seen + (end - first) > MAX_SEEN {
            self.found.next = Some(end);
            return Ok(false);
        }
        self.seen += end - first;
        let events = read(self.trail.log, first, end).await.map_err(failure::log)?;
        for stored in events.iter().rev() {
            let Some(entry) = self.trail.entry(stored) else { continue };
            if self.found.entries.len() == self.limit {
                // There is one more.
                self.found.next = self.found.entries.last().map(|last| last.sequence);
                return Ok(false);
            }
            self.found.entries.push(entry);
        }
        Ok(true)
    }
}

/// The events of a range that are there, oldest first. One that was erased is not.
async fn read(log: &EventLog, first: Sequence, end: Sequence) -> Result<Vec<Stored>, LogError> {
    let found = stream::iter(first..end).map(|sequence| log.get(sequence)).buffered(AT_ONCE);
    found.try_filter_map(|stored| async { Ok(stored) }).try_collect().await
}
