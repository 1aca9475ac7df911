//! What a decision wants written, and what it was made by.

use std::collections::HashMap;

use eventlog::{DedupId, Expect, LaneWrite};
use schemas::{EventData, Lane, Sequence};

use crate::call::Call;

/// An event a decision wants written: where, under which condition, and recognised by what. A pure value; an empty
/// list of facts means that everything is already as the command wants it.
#[derive(Debug, Clone, PartialEq)]
pub struct Fact {
    /// The lane it goes to.
    pub lane: Lane,
    /// What happened.
    pub data: EventData,
    /// What must be true of the log for it to be written.
    pub expect: Expect,
    /// The id a repeat is recognised by, where it does not follow from the call's idempotency key.
    pub dedup: Option<DedupId>,
}

impl Fact {
    /// A fact about something new: its lane must be empty, unless [`Reads`] knows better.
    #[must_use]
    pub fn new(lane: Lane, data: impl Into<EventData>) -> Self {
        Self::expecting(Expect::Empty, lane, data)
    }

    /// A fact under a condition.
    #[must_use]
    pub fn expecting(expect: Expect, lane: Lane, data: impl Into<EventData>) -> Self {
        Self { lane, data: data.into(), expect, dedup: None }
    }

    /// The same under an id of its own.
    #[must_use]
    pub fn dedup(mut self, id: DedupId) -> Self {
        self.dedup = Some(id);
        self
    }

    /// The write: the one way from a fact to the log. An id made from the idempotency key (see `Fact::keyed`)
    /// must be there already.
    #[must_use]
    pub fn into_write(self, call: &Call) -> LaneWrite {
        let Self { lane, data, expect, dedup } = self;
        LaneWrite { lane, event: call.event(data), expect, dedup }
    }

    /// Gives the fact the id that follows from the call's actor, command and idempotency key, if it has a key and
    /// the fact no id of its own; `index` is the fact's place among those of the call.
    #[must_use]
    pub(crate) fn keyed(mut self, call: &Call, index: usize) -> Self {
        if self.dedup.is_none()
            && let Some(key) = &call.key
        {
            let index = index.to_string();
            let parts = [call.actor.as_str(), call.command, key.as_str(), index.as_str()];
            self.dedup = Some(DedupId::of(parts));
        }
        self
    }
}

/// The lanes a decision was made by, each with the sequence it was read at.
#[derive(Debug, Default)]
pub struct Reads(HashMap<Lane, Sequence>);

impl Reads {
    /// Takes note of a lane that was read; 0: it has no event. Of two reads the older one counts: the decision was
    /// made by that one, too.
    pub fn note(&mut self, lane: Lane, at: Sequence) {
        self.0.entry(lane).and_modify(|known| *known = at.min(*known)).or_insert(at);
    }

    /// The newest event that was read: what was decided by it can be seen from there on. 0: there was none.
    #[must_use]
    pub fn newest(&self) -> Sequence {
        self.0.values().copied().max().unwrap_or(0)
    }

    /// Puts what was read into the facts: each lane must be as it was read. A lane that was not read is that of
    /// something new and must be empty. Conditions the decision has set itself stay. In one batch only the first
    /// write to a lane may have a condition on it.
    #[must_use]
    pub fn stamp(&self, mut facts: Vec<Fact>) -> Vec<Fact> {
        let mut written: Vec<Lane> = Vec::new();
        for fact in &mut facts {
            if fact.expect != Expect::Empty {
                continue;
            }
            let Some(at) = self.0.get(&fact.lane) else { continue };
            if written.contains(&fact.lane) {
                fact.expect = Expect::Any;
            } else {
                fact.expect = Expect::At(*at);
                written.push(fact.lane);
            }
        }
        facts
    }
}

#[cfg(test)]
mod tests {
    use schemas::commands::CallContext;
    use schemas::events::NameClaimed;
    use schemas::values::IdempotencyKey;
    use schemas::{RoomId, UserId};
    use uuid::Uuid;

    use super::*;

    fn user(number: u128) -> Lane {
        Lane::User(UserId::from_uuid(Uuid::from_u128(number)))
    }

    fn room(number: u128) -> Lane {
        Lane::Room(RoomId::from_uuid(Uuid::from_u128(number)))
    }

    fn claim() -> NameClaimed {
        NameClaimed { owner: "ada".to_owned() }
    }

    #[test]
    fn a_lane_must_be_as_it_was_read_and_a_new_one_empty() {
        let mut reads = Reads::default();
        reads.note(user(1), 7);
        reads.note(room(1), 0);
        let fence = || Expect::Fence { lane: user(1), at: 3 };
        let facts = vec![
            Fact::new(user(1), claim()),
            Fact::new(user(1), claim()),
            Fact::new(user(2), claim()),
            Fact::new(room(1), claim()),
            Fact::expecting(fence(), user(1), claim()),
            Fact::expecting(Expect::Any, user(1), claim()),
        ];
        let stamped = reads.stamp(facts).into_iter().map(|fact| fact.expect);
        let at = |sequence| Expect::At(sequence);
        let expected = [at(7), Expect::Any, Expect::Empty, at(0), fence(), Expect::Any];
        assert_eq!(stamped.collect::<Vec<_>>(), expected);
        assert_eq!(reads.newest(), 7);
    }

    #[test]
    fn of_two_reads_the_older_one_counts() {
        let mut reads = Reads::default();
        for at in [9, 5, 8] {
            reads.note(user(1), at);
        }
        let stamped = reads.stamp(vec![Fact::new(user(1), claim())]);
        assert_eq!(stamped[0].expect, Expect::At(5));
    }

    #[test]
    fn a_repeat_is_recognised_by_actor_command_key_and_place() {
        let keyed = |command, key: Option<&str>, index| {
            let idempotency_key = key.map(|key| IdempotencyKey::parse(key).unwrap());
            let context = CallContext { idempotency_key, ..CallContext::default() };
            Fact::new(user(1), claim()).keyed(&Call::new(command, context), index).dedup
        };
        assert_eq!(keyed("a", None, 0), None);
        assert_eq!(keyed("a", Some("k"), 0), keyed("a", Some("k"), 0));
        let first = keyed("a", Some("k"), 0);
        for other in [keyed("b", Some("k"), 0), keyed("a", Some("l"), 0), keyed("a", Some("k"), 1)]
        {
            assert_ne!(first, other);
        }
        let own = || DedupId::of(["own"]);
        let context = CallContext::default();
        let fact = Fact::new(user(1), claim()).dedup(own());
        assert_eq!(fact.keyed(&Call::new("a", context), 0).dedup, Some(own()));
    }
}
