//! The index of the audit trail: who and what occurs in which block of the log.
//!
//! It is made of an event's envelope alone, so an event that this build cannot read is indexed like any other: an index
//! made by a newer build is the same. It goes along with the conversations.

use std::collections::HashSet;

use foldhash::fast::RandomState;
use readmodel::documents::Stored as _;
use readmodel::{SightingDoc, Term, block_of};
use schemas::event::Outline;
use schemas::events::Gone;
use schemas::{Event, Sequence, Timestamp};

use super::wants::Wants;
use crate::working_set::{NotLoaded, WorkingSet};

/// What an event is found by, and where it lies.
#[derive(Debug, Clone)]
pub(crate) struct Traces {
    /// The event's place.
    pub(crate) at: Sequence,
    docs: Vec<SightingDoc>,
}

impl Traces {
    /// Those of an event.
    pub(crate) fn of(event: &Event, at: Sequence) -> Self {
        let subject = event.data.subject();
        Self::new(event.actor.as_str(), event.data.type_name(), &subject, event.time, at)
    }

    /// Those of an event that cannot be read, as far as its envelope can; nothing is found of one without.
    pub(crate) fn of_unreadable(payload: &[u8], at: Sequence) -> Option<Self> {
        let Outline { actor, kind, subject, time, .. } = Outline::read(payload)?;
        Some(Self::new(&actor, &kind, &subject, time, at))
    }

    /// Those of an event that was erased: the log keeps what it was.
    pub(crate) fn of_erased(gone: &Gone) -> Self {
        let Gone { sequence, kind, subject, actor, time } = gone;
        Self::new(actor.as_str(), kind.as_str(), subject, *time, *sequence)
    }

    fn new(actor: &str, kind: &str, subject: &str, time: Timestamp, at: Sequence) -> Self {
        let terms = Term::of(actor, kind, subject).into_iter();
        Self { at, docs: terms.map(|term| SightingDoc::new(term, time, at)).collect() }
    }

    pub(crate) fn needs(&self, wants: &mut Wants<'_>) {
        for doc in &self.docs {
            wants.sighting(&doc.id);
        }
    }

    /// Notes what was not seen in the block before. Traces of one batch come in any order.
    pub(crate) fn apply(self, set: &mut WorkingSet) -> Result<(), NotLoaded> {
        for doc in self.docs {
            let id = doc.key();
            if set.sightings.get(&id)?.is_none_or(|known| known.updated > doc.updated) {
                set.sightings.put(&id, doc);
            }
        }
        Ok(())
    }
}

/// What the events of a batch have left so far. Nearly all events are posts, of which only the first of an author in a
/// block leaves something that was not there.
#[derive(Debug, Default)]
pub(crate) struct Traced<'a>(HashSet<(u64, &'a str, &'static str), RandomState>);

impl<'a> Traced<'a> {
    /// The traces of the next event in the order of the log; none when one before it has left the same.
    pub(crate) fn next(&mut self, event: &'a Event, at: Sequence) -> Option<Traces> {
        let kind = event.data.type_name();
        let alike = (block_of(at), event.actor.as_str(), kind);
        let left = !Term::has_subjects(kind) && !self.0.insert(alike);
        (!left).then(|| Traces::of(event, at))
    }
}

#[cfg(test)]
mod tests {
    use schemas::{Actor, EventId, UserId};
    use uuid::Uuid;

    use super::*;

    #[test]
    fn an_event_is_found_by_the_same_whether_it_can_be_read_or_not() {
        for (number, data) in (1..).zip(testbed::every_event()) {
            let event = Event {
                id: EventId::from_uuid(Uuid::from_u128(1)),
                time: Timestamp::from_millis(7),
                actor: Actor::System,
                causation: None,
                traceparent: None,
                data,
            };
            let (read, bytes) = (Traces::of(&event, number), event.encode().unwrap());
            let unread = Traces::of_unreadable(&bytes, number).unwrap();
            assert_eq!((read.at, &read.docs), (unread.at, &unread.docs));
            let posted = event.data.type_name() == "message.posted.v1";
            assert_eq!(read.docs.len(), if posted { 3 } else { 4 });
        }
        assert!(Traces::of_unreadable(b"{\"type\":7}", 1).is_none());
        assert!(Traces::of_unreadable(b"nonsense", 1).is_none());
    }

    #[test]
    fn what_one_event_of_a_batch_has_left_the_next_does_not_leave_again() {
        let data = |name| testbed::every_event().into_iter().find(|data| data.type_name() == name);
        let event = |name, actor| Event {
            id: EventId::from_uuid(Uuid::from_u128(1)),
            time: Timestamp::from_millis(7),
            actor: Actor::User(UserId::from_uuid(Uuid::from_u128(actor))),
            causation: None,
            traceparent: None,
            data: data(name).unwrap(),
        };
        let (post, edit) = ("message.posted.v1", "message.edited.v1");
        let events = [
            (event(post, 1), 10, true),
            (event(post, 1), 11, false),
            (event(edit, 1), 12, true),
            (event(edit, 1), 13, true),
            (event(post, 2), 14, true),
            (event(post, 1), 255, false),
            (event(post, 1), 256, true),
            (event(post, 2), 257, true),
            (event(post, 1), 258, false),
        ];
        let mut traced = Traced::default();
        let mut left: Vec<SightingDoc> = Vec::new();
        for (event, at, leaves) in &events {
            let traces = traced.next(event, *at);
            assert_eq!(traces.is_some(), *leaves, "{at}");
            left.extend(traces.into_iter().flat_map(|traces| traces.docs));
        }
        // Of every term in a block the first is among them.
        for (event, at, _) in &events {
            for doc in Traces::of(event, *at).docs {
                let first = left.iter().find(|other| other.id == doc.id).map(|first| first.updated);
                assert!(first.is_some_and(|first| first <= doc.updated), "{doc:?}");
            }
        }
    }
}
