//! What was added lately to what a limit counts, the kinds of reactions to a message and the pins of a room: what a read
//! model that is behind has not counted yet.

use std::collections::{BTreeMap, HashSet};
use std::ops::Bound;

use parking_lot::Mutex;
use schemas::Sequence;
use schemas::ids::{MessageId, RoomId};

/// Events that are remembered; a read model that is further behind has to be waited for.
const MOST: usize = 20_000;

/// What a limit counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Counted {
    /// The kinds of reactions to a message.
    Kinds(MessageId),
    /// The pins of a room.
    Pins(RoomId),
}

/// Where the log has added something, by its place there.
pub(crate) struct Lately(Mutex<State>);

struct State {
    /// Everything after this place is known; the largest number before anything is.
    since: Sequence,
    /// What is counted, and what was added to it.
    added: BTreeMap<Sequence, (Counted, String)>,
}

impl Default for Lately {
    fn default() -> Self {
        Self(Mutex::new(State { since: Sequence::MAX, added: BTreeMap::new() }))
    }
}

impl Lately {
    /// From the first event after a place on everything will be noted; nothing of before is known any more.
    pub(crate) fn begin(&self, after: Sequence) {
        *self.0.lock() = State { since: after, added: BTreeMap::new() };
    }

    /// An event at a place of the log may have added something: one more of the kind, or the first. The same event may be
    /// noted again.
    pub(crate) fn note(&self, at: Sequence, counted: Counted, what: String) {
        let state = &mut *self.0.lock();
        if at <= state.since {
            return;
        }
        state.added.insert(at, (counted, what));
        if state.added.len() > MOST
            && let Some((oldest, _)) = state.added.pop_first()
        {
            state.since = oldest;
        }
    }

    /// How many different things were added after a place, as far as events were noted; none when not all of them are
    /// remembered.
    pub(crate) fn added_after(&self, place: Sequence, counted: &Counted) -> Option<usize> {
        let state = self.0.lock();
        if place < state.since {
            return None;
        }
        let after = state.added.range((Bound::Excluded(place), Bound::Unbounded));
        let of_it = after.filter(|(_, (of, _))| of == counted);
        Some(of_it.map(|(_, (_, what))| what.as_str()).collect::<HashSet<_>>().len())
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
        lately.note(3, kinds(1), "a".to_owned());
        assert_eq!(lately.added_after(0, &kinds(1)), None, "it has not begun");
        lately.begin(4);
        for (at, counted, what) in [
            (9, kinds(1), "b"),
            (6, kinds(1), "a"),
            (9, kinds(1), "b"),
            (10, kinds(1), "b"),
            (7, kinds(2), "c"),
            (8, pins(1), "d"),
        ] {
            lately.note(at, counted, what.to_owned());
        }
        assert_eq!(lately.added_after(3, &kinds(1)), None, "what was before is not known");
        assert_eq!(lately.added_after(4, &kinds(1)), Some(2));
        assert_eq!(lately.added_after(6, &kinds(1)), Some(1));
        assert_eq!(lately.added_after(9, &kinds(1)), Some(1), "another of the same kind");
        assert_eq!(lately.added_after(10, &kinds(1)), Some(0));
        assert_eq!(lately.added_after(4, &kinds(3)), Some(0));
        assert_eq!(lately.added_after(4, &pins(1)), Some(1));
        lately.begin(20);
        assert_eq!(lately.added_after(19, &kinds(1)), None, "a gap of the feed");
        assert_eq!(lately.added_after(20, &kinds(1)), Some(0));
    }

    #[test]
    fn so_many_are_remembered_and_what_is_not_is_said_to_be_so() {
        let lately = Lately::default();
        lately.begin(0);
        for at in 1..=20_001 {
            lately.note(at, pins(1), at.to_string());
        }
        assert_eq!(lately.added_after(0, &pins(1)), None);
        assert_eq!(lately.added_after(1, &pins(1)), Some(20_000));
    }
}
