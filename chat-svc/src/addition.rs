//! What others add to messages, reactions and pins, as far as this process remembers what became of each lately.

use moka::ops::compute::Op;
use moka::policy::EvictionPolicy;
use moka::sync::Cache;
use schemas::events::{PinEvent, ReactionEvent};
use schemas::ids::{MessageId, RoomId, UserId};
use schemas::values::Emoji;
use schemas::{EventData, Sequence};

/// Something that is there or not.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Addition {
    /// A user's reaction to a message.
    Reaction(MessageId, UserId, Emoji),
    /// The pin of a message in its room.
    Pin(RoomId, MessageId),
}

impl Addition {
    pub(crate) fn reaction(message: &MessageId, user: &UserId, emoji: &Emoji) -> Self {
        Self::Reaction(message.clone(), user.clone(), emoji.clone())
    }

    pub(crate) fn pin(room: &RoomId, message: &MessageId) -> Self {
        Self::Pin(room.clone(), message.clone())
    }
}

/// What became of each addition lately, fed by what this process writes and by the live feed.
pub(crate) struct Additions(Cache<Addition, (Sequence, bool)>);

impl Additions {
    pub(crate) fn new(capacity: u64) -> Self {
        let cache = Cache::builder().max_capacity(capacity);
        Self(cache.eviction_policy(EvictionPolicy::lru()).build())
    }

    /// Whether an addition is there; none when that is not remembered.
    pub(crate) fn is_there(&self, addition: &Addition) -> Option<bool> {
        self.0.get(addition).map(|(_, there)| there)
    }

    /// An event at a place of the log has added or removed something.
    pub(crate) fn learn(&self, sequence: Sequence, event: &EventData) {
        match event {
            EventData::Reaction(ReactionEvent::Added(e)) => {
                let addition = Addition::reaction(&e.message_id, &e.user_id, &e.emoji);
                self.added(&addition, sequence, e.near_limit);
            }
            EventData::Reaction(ReactionEvent::Removed(e)) => {
                let addition = Addition::reaction(&e.message_id, &e.user_id, &e.emoji);
                self.removed(&addition, sequence);
            }
            EventData::Pin(PinEvent::Pinned(e)) => {
                let addition = Addition::pin(&e.room_id, &e.message_id);
                self.added(&addition, sequence, e.near_limit);
            }
            EventData::Pin(PinEvent::Unpinned(e)) => {
                let addition = Addition::pin(&e.room_id, &e.message_id);
                self.removed(&addition, sequence);
            }
            EventData::Message(_)
            | EventData::Receipt(_)
            | EventData::Thread(_)
            | EventData::Media(_)
            | EventData::Report(_)
            | EventData::Challenge(_)
            | EventData::Identity(_)
            | EventData::Block(_)
            | EventData::Prefs(_)
            | EventData::Audit(_)
            | EventData::Invite(_)
            | EventData::Erasure(_)
            | EventData::Hold(_)
            | EventData::User(_)
            | EventData::Session(_)
            | EventData::Name(_)
            | EventData::Room(_)
            | EventData::Member(_)
            | EventData::Notification(_) => {}
        }
    }

    /// An event at a place of the log has added something, unless it was one too many: that the read model knows.
    pub(crate) fn added(&self, addition: &Addition, sequence: Sequence, near_limit: bool) {
        self.note(addition, sequence, (!near_limit).then_some(true));
    }

    /// An event at a place of the log has removed something.
    pub(crate) fn removed(&self, addition: &Addition, sequence: Sequence) {
        self.note(addition, sequence, Some(false));
    }

    fn note(&self, addition: &Addition, sequence: Sequence, there: Option<bool>) {
        self.0.entry_by_ref(addition).and_compute_with(|known| match (known, there) {
            (Some(known), _) if known.value().0 >= sequence => Op::Nop,
            (_, Some(there)) => Op::Put((sequence, there)),
            (_, None) => Op::Remove,
        });
    }

    /// Forgets everything: the feed has missed something.
    pub(crate) fn forget_all(&self) {
        self.0.invalidate_all();
    }
}

#[cfg(test)]
mod tests {
    use schemas::events::{MessagePinned, MessageUnpinned};
    use uuid::Uuid;

    use super::*;

    fn pinned(near_limit: bool) -> EventData {
        let (message_id, room_id, user_id) = ids();
        MessagePinned { message_id, room_id, user_id, posted: 1, near_limit }.into()
    }

    fn unpinned() -> EventData {
        let (message_id, room_id, user_id) = ids();
        MessageUnpinned { message_id, room_id, user_id, posted: 1 }.into()
    }

    fn ids() -> (MessageId, RoomId, UserId) {
        let uuid = Uuid::from_u128(1);
        (MessageId::from_uuid(uuid), RoomId::from_uuid(uuid), UserId::from_uuid(uuid))
    }

    /// Given these events, then this is remembered of the pin.
    #[track_caller]
    fn then(events: &[(Sequence, EventData)], expected: Option<bool>) {
        let additions = Additions::new(10);
        events.iter().for_each(|(at, event)| additions.learn(*at, event));
        let (message, room, _) = ids();
        assert_eq!(additions.is_there(&Addition::Pin(room, message)), expected);
    }

    #[test]
    fn the_last_event_counts_in_whatever_order_they_are_learnt() {
        then(&[], None);
        then(&[(5, pinned(false))], Some(true));
        then(&[(5, pinned(false)), (7, unpinned())], Some(false));
        then(&[(7, unpinned()), (5, pinned(false))], Some(false));
    }

    #[test]
    fn what_may_have_been_one_too_many_is_not_taken_for_done() {
        then(&[(5, pinned(true))], None);
        then(&[(4, unpinned()), (5, pinned(true))], None);
    }
}
