//! What became lately of what limits count, the kinds of reactions to a message, the pins of a room and its open
//! invitations: what a read model that is behind has not counted yet.

use std::collections::{BTreeMap, HashSet};
use std::ops::Bound;

use parking_lot::Mutex;
use schemas::events::{InviteEvent, MessageEvent, RetentionEvent};
use schemas::ids::{MessageId, RoomId};
use schemas::{EventData, Sequence};

/// Events that are remembered; a read model that is further behind has to be waited for.
const MOST: usize = 20_000;

/// What a limit counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Counted {
    /// The kinds of reactions to a message.
    Kinds(MessageId),
    /// The pins of a room.
    Pins(RoomId),
    /// The open invitations to a room.
    Invites(RoomId),
}

/// What an event did to what a limit counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Change {
    /// This one may have come: another one, or one that was there already.
    Added(String),
    /// There may be fewer.
    Fewer,
}

impl Change {
    /// What an event did that neither adds a reaction or a pin nor takes one away.
    pub(crate) fn told(event: &EventData) -> Option<(Counted, Self)> {
        match event {
            EventData::Invite(event) => {
                let invite = event.after();
                let change = match event {
                    InviteEvent::Created(_) => Self::Added(invite.id.to_string()),
                    InviteEvent::Accepted(_)
                    | InviteEvent::Reserved(_)
                    | InviteEvent::Revoked(_) => Self::Fewer,
                };
                Some((Counted::Invites(invite.room_id), change))
            }
            // What goes is not pinned any more.
            EventData::Message(MessageEvent::Deleted(gone)) => {
                Some((Counted::Pins(gone.room_id), Self::Fewer))
            }
            EventData::Retention(RetentionEvent::Purged(gone)) => {
                Some((Counted::Pins(gone.room_id), Self::Fewer))
            }
            EventData::Message(_)
            | EventData::Retention(_)
            | EventData::Reaction(_)
            | EventData::Pin(_)
            | EventData::Receipt(_)
            | EventData::Thread(_)
            | EventData::Media(_)
            | EventData::Report(_)
            | EventData::Challenge(_)
            | EventData::Identity(_)
            | EventData::Audit(_)
            | EventData::Erasure(_)
            | EventData::Export(_)
            | EventData::Hold(_)
            | EventData::Block(_)
            | EventData::Prefs(_)
            | EventData::User(_)
            | EventData::Session(_)
            | EventData::Name(_)
            | EventData::Room(_)
            | EventData::Member(_)
            | EventData::Notification(_) => None,
        }
    }
}

/// What the log did after a place to what a limit counts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Since {
    /// What may have come.
    pub(crate) added: HashSet<String>,
    /// Whether there may be fewer of what was there, or came.
    pub(crate) fewer: bool,
}

/// Where the log has changed something, by its place there.
pub(crate) struct Lately(Mutex<State>);

struct State {
    /// Everything after this place is known; the largest number before anything is.
    since: Sequence,
    /// What is counted, and what was done to it.
    changes: BTreeMap<Sequence, (Counted, Change)>,
}

impl State {
    const fn after(since: Sequence) -> Self {
        Self { since, changes: BTreeMap::new() }
    }
}

impl Default for Lately {
    fn default() -> Self {
        Self(Mutex::new(State::after(Sequence::MAX)))
    }
}

impl Lately {
    /// From the first event after a place on everything will be noted; nothing of before is known any more.
    pub(crate) fn begin(&self, after: Sequence) {
        *self.0.lock() = State::after(after);
    }

    /// An event at a place of the log may have changed something. The same event may be noted again.
    pub(crate) fn note(&self, at: Sequence, counted: Counted, change: Change) {
        let state = &mut *self.0.lock();
        if at <= state.since {
            return;
        }
        state.changes.insert(at, (counted, change));
        if state.changes.len() > MOST
            && let Some((oldest, _)) = state.changes.pop_first()
        {
            state.since = oldest;
        }
    }

    /// What was done after a place, as far as events were noted; none when not all of them are remembered.
    pub(crate) fn after(&self, place: Sequence, counted: &Counted) -> Option<Since> {
        let state = self.0.lock();
        if place < state.since {
            return None;
        }
        let mut since = Since::default();
        for (_, (of, change)) in state.changes.range((Bound::Excluded(place), Bound::Unbounded)) {
            match change {
                _ if of != counted => {}
                Change::Added(what) => drop(since.added.insert(what.clone())),
                Change::Fewer => since.fewer = true,
            }
        }
        Some(since)
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn kinds(message: u128) -> Counted {
        Counted::Kinds(MessageId::from_uuid(Uuid::from_u128(message)))
    }

    fn pins(room: u128) -> Counted {
        Counted::Pins(RoomId::from_uuid(Uuid::from_u128(room)))
    }

    #[test]
    fn what_was_added_after_a_place_is_counted_once() {
        let lately = Lately::default();
        let count = |place, counted| lately.after(place, &counted).map(|since| since.added.len());
        lately.note(3, kinds(1), Change::Added("a".to_owned()));
        assert_eq!(count(0, kinds(1)), None, "it has not begun");
        lately.begin(4);
        for (at, counted, what) in [
            (9, kinds(1), "b"),
            (6, kinds(1), "a"),
            (9, kinds(1), "b"),
            (10, kinds(1), "b"),
            (7, kinds(2), "c"),
            (8, pins(1), "d"),
        ] {
            lately.note(at, counted, Change::Added(what.to_owned()));
        }
        assert_eq!(count(3, kinds(1)), None, "what was before is not known");
        assert_eq!(count(4, kinds(1)), Some(2));
        assert_eq!(count(6, kinds(1)), Some(1));
        assert_eq!(count(9, kinds(1)), Some(1), "another of the same kind");
        assert_eq!(count(10, kinds(1)), Some(0));
        assert_eq!(count(4, kinds(3)), Some(0));
        assert_eq!(count(4, pins(1)), Some(1));
        lately.begin(20);
        assert_eq!(count(19, kinds(1)), None, "a gap of the feed");
        assert_eq!(count(20, kinds(1)), Some(0));
    }

    #[test]
    fn so_many_are_remembered_and_what_is_not_is_said_to_be_so() {
        let lately = Lately::default();
        lately.begin(0);
        for at in 1..=20_001 {
            lately.note(at, pins(1), Change::Added(at.to_string()));
        }
        let count = |place| lately.after(place, &pins(1)).map(|since| since.added.len());
        assert_eq!(count(0), None);
        assert_eq!(count(1), Some(20_000));
    }

    #[test]
    fn what_may_be_fewer_is_said_to_be_so() {
        let lately = Lately::default();
        lately.begin(0);
        lately.note(1, pins(1), Change::Added("a".to_owned()));
        lately.note(2, pins(1), Change::Fewer);
        lately.note(3, pins(1), Change::Added("b".to_owned()));
        let after = |place| lately.after(place, &pins(1)).unwrap();
        assert_eq!((after(0).added.len(), after(0).fewer), (2, true));
        assert_eq!((after(2).added.len(), after(2).fewer), (1, false));
        assert_eq!(lately.after(0, &pins(2)), Some(Since::default()));
    }
}
