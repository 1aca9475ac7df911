//! What others add to messages, reactions and pins, as far as this process remembers what became of each lately.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use moka::notification::RemovalCause;
use moka::ops::compute::Op;
use moka::policy::EvictionPolicy;
use moka::sync::Cache;
use schemas::events::{PinEvent, ReactionEvent};
use schemas::ids::{MessageId, RoomId, UserId};
use schemas::values::Emoji;
use schemas::{EventData, Lane, Sequence};

use crate::lately::{Change, Counted, Lately, Since};

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
        Self::Reaction(*message, *user, emoji.clone())
    }

    pub(crate) fn pin(room: &RoomId, message: &MessageId) -> Self {
        Self::Pin(*room, *message)
    }

    /// Whether the lane holds events about additions.
    pub(crate) const fn is_on(lane: &Lane) -> bool {
        matches!(lane, Lane::Timeline(_))
    }

    /// What a limit counts it among, and as what.
    pub(crate) fn counted(&self) -> (Counted, String) {
        match self {
            Self::Reaction(message, _, emoji) => (Counted::Kinds(*message), emoji.to_string()),
            Self::Pin(room, message) => (Counted::Pins(*room), message.to_string()),
        }
    }

    /// What makes adding or removing it recognisable.
    pub(crate) fn change(&self, there: bool) -> Vec<String> {
        let change = if there { "add" } else { "remove" };
        match self {
            Self::Reaction(message, user, emoji) => vec![
                change.to_owned(),
                "reaction".to_owned(),
                message.to_string(),
                user.to_string(),
                emoji.to_string(),
            ],
            // The same, whichever member pins it.
            Self::Pin(room, message) => {
                vec![change.to_owned(), "pin".to_owned(), room.to_string(), message.to_string()]
            }
        }
    }
}

/// What has become of an addition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Became {
    /// It is there.
    pub(crate) there: bool,
    /// Everything in the log up to here was known when this was said.
    pub(crate) as_of: Sequence,
}

/// What was learnt of an addition.
#[derive(Debug, Clone, Copy)]
struct Learnt {
    /// Whether it is there; none when it may have been one too many.
    there: Option<bool>,
    /// By an event at this place of the log.
    as_of: Sequence,
}

/// What became of each addition lately, fed by what this process writes and by the live feed.
pub(crate) struct Additions {
    known: Cache<Addition, Learnt>,
    /// Of an addition of which nothing was learnt nothing happened after this place of the log; the largest number before
    /// that is known of any.
    since: Arc<AtomicU64>,
    lately: Lately,
}

impl Additions {
    pub(crate) fn new(capacity: u64) -> Self {
        let since = Arc::new(AtomicU64::new(Sequence::MAX));
        let raised = Arc::clone(&since);
        let forgets = move |_: Arc<Addition>, learnt: Learnt, cause: RemovalCause| {
            if cause == RemovalCause::Size {
                raised.fetch_max(learnt.as_of, Ordering::SeqCst);
            }
        };
        let cache = Cache::builder().max_capacity(capacity).eviction_listener(forgets);
        let known = cache.eviction_policy(EvictionPolicy::lru()).build();
        Self { known, since, lately: Lately::default() }
    }

    /// What became of an addition; none when that is not known.
    pub(crate) fn last(&self, addition: &Addition) -> Option<Became> {
        let Learnt { there, as_of } = self.known.get(addition)?;
        there.map(|there| Became { there, as_of })
    }

    /// To an addition of which it is not known what became of it nothing has happened after this place of the log.
    pub(crate) fn since(&self, addition: &Addition) -> Sequence {
        let unsure = self.known.get(addition).map_or(0, |learnt| learnt.as_of);
        self.since.load(Ordering::SeqCst).max(unsure)
    }

    /// What was done after a place of the log to what a limit counts, by the events that were learnt; none when that is
    /// not remembered.
    pub(crate) fn after(&self, place: Sequence, counted: &Counted) -> Option<Since> {
        self.lately.after(place, counted)
    }

    /// From the first event after a place on everything will be learnt.
    pub(crate) fn begin(&self, after: Sequence) {
        self.since.store(after, Ordering::SeqCst);
        self.lately.begin(after);
    }

    /// An event at a place of the log has added or removed something.
    pub(crate) fn learn(&self, sequence: Sequence, event: &EventData) {
        if let Some((addition, there)) = told(event) {
            self.note(&addition, sequence, there);
        } else if let Some((counted, change)) = Change::told(event) {
            self.lately.note(sequence, counted, change);
        }
    }

    /// The same, if it is about one addition.
    pub(crate) fn learn_of(&self, addition: &Addition, sequence: Sequence, event: &EventData) {
        if let Some((of, there)) = told(event)
            && of == *addition
        {
            self.note(&of, sequence, there);
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
        let (counted, what) = addition.counted();
        let change = if there == Some(false) { Change::Fewer } else { Change::Added(what) };
        self.lately.note(sequence, counted, change);
        self.known.entry_by_ref(addition).and_compute_with(|known| match known {
            Some(known) if known.value().as_of >= sequence => Op::Nop,
            _ => Op::Put(Learnt { there, as_of: sequence }),
        });
    }

    /// Forgets everything: the feed has missed something up to a place of the log.
    pub(crate) fn forget_all(&self, through: Sequence) {
        self.since.store(through, Ordering::SeqCst);
        self.lately.begin(through);
        self.known.invalidate_all();
    }
}

/// What an event says of which addition: that it is there, that it is not, or none when it may be one too many.
fn told(event: &EventData) -> Option<(Addition, Option<bool>)> {
    match event {
        EventData::Reaction(ReactionEvent::Added(e)) => {
            let addition = Addition::reaction(&e.message_id, &e.user_id, &e.emoji);
            Some((addition, (!e.near_limit).then_some(true)))
        }
        EventData::Reaction(ReactionEvent::Removed(e)) => {
            Some((Addition::reaction(&e.message_id, &e.user_id, &e.emoji), Some(false)))
        }
        EventData::Pin(PinEvent::Pinned(e)) => {
            let addition = Addition::pin(&e.room_id, &e.message_id);
            Some((addition, (!e.near_limit).then_some(true)))
        }
        EventData::Pin(PinEvent::Unpinned(e)) => {
            Some((Addition::pin(&e.room_id, &e.message_id), Some(false)))
        }
        EventData::Message(_)
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
        | EventData::Retention(_)
        | EventData::Block(_)
        | EventData::Prefs(_)
        | EventData::Invite(_)
        | EventData::User(_)
        | EventData::Session(_)
        | EventData::Name(_)
        | EventData::Room(_)
        | EventData::Member(_)
        | EventData::Notification(_) => None,
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
        let known = additions.last(&Addition::Pin(room, message));
        assert_eq!(known.map(|became| became.there), expected);
    }

    #[test]
    fn what_is_not_remembered_is_said_to_be_so() {
        let additions = Additions::new(2);
        let (message, room, _) = ids();
        let pin = |message: &MessageId| Addition::pin(&room, message);
        let unheard = pin(&MessageId::from_uuid(Uuid::from_u128(99)));
        assert_eq!(additions.since(&unheard), Sequence::MAX);
        additions.begin(3);
        additions.learn(4, &pinned(false));
        additions.learn(5, &pinned(true));
        assert_eq!(additions.since(&pin(&message)), 5, "whether it fitted is not known");
        assert_eq!(additions.since(&unheard), 3, "which says nothing of another");
        for at in 10..20 {
            let other = MessageId::from_uuid(Uuid::from_u128(at.into()));
            additions.added(&pin(&other), at, false);
            additions.known.run_pending_tasks();
        }
        assert_eq!(additions.since(&unheard), 17, "the oldest went");
        additions.removed(&pin(&message), 20);
        additions.forget_all(30);
        assert_eq!((additions.since(&unheard), additions.last(&pin(&message))), (30, None));
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
