//! A bounded memory of what was said and read lately, fed by what this process writes and by the live feed.

use foldhash::quality::RandomState;
use moka::ops::compute::Op;
use moka::policy::EvictionPolicy;
use moka::sync::Cache;
use schemas::events::{MessageEvent, MessageState, ReceiptEvent, RetentionEvent, ThreadEvent};
use schemas::ids::{MessageId, RoomId, UserId};
use schemas::{EventData, Lane, Sequence};

use crate::bounded::Bounded;

/// Where a recent message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct MessageLocation {
    pub(crate) room: RoomId,
    pub(crate) posted: Sequence,
    pub(crate) deleted: bool,
    /// It moved to the archive.
    pub(crate) archived: bool,
    /// It was purged.
    pub(crate) purged: bool,
    /// This process has written it and taken note of its client id.
    pub(crate) ours: bool,
}

impl MessageLocation {
    /// That of a message that was posted just now.
    fn posted(room: &RoomId, posted: Sequence, ours: bool) -> Self {
        Self { room: *room, posted, deleted: false, archived: false, purged: false, ours }
    }
}

/// How far a user has read a room or a thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Marker {
    /// The last message read.
    pub message: MessageId,
    /// Where it was posted.
    pub posted: Sequence,
}

/// What was said and read lately.
pub(crate) struct Recent {
    messages: Bounded<MessageId, MessageLocation>,
    /// Where messages were deleted.
    deletions: Cache<MessageId, Sequence, RandomState>,
    markers: Cache<(RoomId, UserId), Marker, RandomState>,
    /// The last edit of each message.
    edits: Cache<MessageId, Sequence, RandomState>,
    /// In threads, by the message that began them.
    thread_markers: Cache<(MessageId, UserId), Marker, RandomState>,
}

impl Recent {
    pub(crate) fn new(capacity: u64) -> Self {
        Self {
            messages: Bounded::new(capacity),
            deletions: newest(capacity),
            markers: newest(capacity),
            edits: newest(capacity),
            thread_markers: newest(capacity),
        }
    }

    pub(crate) fn message(&self, id: &MessageId) -> Option<MessageLocation> {
        self.messages.get(id)
    }

    pub(crate) fn marker(&self, room: &RoomId, user: &UserId) -> Option<Marker> {
        self.markers.get(&(*room, *user))
    }

    pub(crate) fn thread_marker(&self, root: &MessageId, user: &UserId) -> Option<Marker> {
        self.thread_markers.get(&(*root, *user))
    }

    /// A message was posted. One known as deleted stays deleted.
    pub(crate) fn posted(&self, id: &MessageId, room: &RoomId, posted: Sequence) {
        self.found(id, MessageLocation::posted(room, posted, false));
    }

    /// This process has posted a message, whose client id it has taken note of.
    pub(crate) fn wrote(&self, id: &MessageId, room: &RoomId, posted: Sequence) {
        self.found(id, MessageLocation::posted(room, posted, true));
    }

    /// A message was found elsewhere.
    pub(crate) fn found(&self, id: &MessageId, location: MessageLocation) {
        self.messages.enter(id, location);
    }

    /// Whether a message is known to have been deleted before a place of the log. What was deleted once stays so:
    /// this is not forgotten when the feed has missed something.
    pub(crate) fn deleted_before(&self, id: &MessageId, sequence: Sequence) -> bool {
        self.deletions.get(id).is_some_and(|deleted| deleted < sequence)
    }

    /// A message that was posted at one place was deleted at another.
    pub(crate) fn deleted(&self, id: &MessageId, room: &RoomId, posted: Sequence, at: Sequence) {
        self.deletions.entry_by_ref(id).or_insert(at);
        self.messages.change(id, |known| {
            let (archived, purged) =
                known.map_or((false, false), |known| (known.archived, known.purged));
            let location = MessageLocation::posted(room, posted, false);
            Some(MessageLocation { deleted: true, archived, purged, ..location })
        });
    }

    /// A message moved to the archive, or was purged.
    fn moved(&self, id: &MessageId, purged: bool) {
        // The read model is asked about one that is not known.
        self.messages.change(id, |known| {
            let known = *known?;
            let archived = known.archived || !purged;
            Some(MessageLocation { archived, purged: known.purged || purged, ..known })
        });
    }

    /// A message was edited at a place.
    pub(crate) fn edited(&self, id: &MessageId, at: Sequence) {
        self.edits.entry_by_ref(id).and_compute_with(|known| match known {
            Some(known) if *known.value() >= at => Op::Nop,
            _ => Op::Put(at),
        });
    }

    /// Where a message was last edited; none when that is not remembered.
    pub(crate) fn last_edit(&self, id: &MessageId) -> Option<Sequence> {
        self.edits.get(id)
    }

    /// A user has read that far; a marker never goes back.
    pub(crate) fn read(&self, room: &RoomId, user: &UserId, marker: &Marker) {
        forwards(&self.markers, (*room, *user), marker);
    }

    /// A user has read a thread that far; a marker never goes back.
    pub(crate) fn read_thread(&self, root: &MessageId, user: &UserId, marker: &Marker) {
        forwards(&self.thread_markers, (*root, *user), marker);
    }

    /// A member has posted, which moves their marker in the main timeline or in the thread where it is remembered.
    pub(crate) fn has_read(&self, message: &MessageState, posted: Sequence) {
        let marker = Marker { message: message.id, posted };
        if let Some(root) = message.thread_root_id {
            if self.thread_markers.contains_key(&(root, message.sender_id)) {
                self.read_thread(&root, &message.sender_id, &marker);
            }
            return;
        }
        if self.markers.contains_key(&(message.room_id, message.sender_id)) {
            self.read(&message.room_id, &message.sender_id, &marker);
        }
    }

    /// Takes note of an event at a place of the log.
    pub(crate) fn learn(&self, lane: &Lane, sequence: Sequence, event: &EventData) {
        if let EventData::Thread(ThreadEvent::Read(e)) = event {
            let marker = Marker { message: e.message_id, posted: e.posted };
            return self.read_thread(&e.thread_root_id, &e.user_id, &marker);
        }
        if let EventData::Retention(event) = event {
            return match event {
                RetentionEvent::Applied(e) => {
                    e.messages.iter().for_each(|id| self.moved(id, false))
                }
                RetentionEvent::Purged(e) => e.messages.iter().for_each(|id| self.moved(id, true)),
                RetentionEvent::TextsRemoved(_) => {}
            };
        }
        let (Lane::Timeline(room) | Lane::Receipts(room)) = lane else { return };
        match event {
            EventData::Message(MessageEvent::Posted(e)) => {
                self.posted(&e.message.id, room, sequence);
            }
            EventData::Message(MessageEvent::Edited(e)) => self.edited(&e.message.id, sequence),
            EventData::Message(MessageEvent::Deleted(e)) => {
                self.deleted(&e.message_id, room, e.posted, sequence);
            }
            EventData::Receipt(ReceiptEvent::Moved(e)) => {
                let marker = Marker { message: e.message_id, posted: e.posted };
                self.read(room, &e.user_id, &marker);
            }
            // Never on these lanes.
            EventData::Reaction(_)
            | EventData::Pin(_)
            | EventData::User(_)
            | EventData::Session(_)
            | EventData::Challenge(_)
            | EventData::Identity(_)
            | EventData::Name(_)
            | EventData::Room(_)
            | EventData::Member(_)
            | EventData::Thread(_)
            | EventData::Media(_)
            | EventData::Report(_)
            | EventData::Block(_)
            | EventData::Prefs(_)
            | EventData::Audit(_)
            | EventData::Invite(_)
            | EventData::Erasure(_)
            | EventData::Export(_)
            | EventData::Hold(_)
            | EventData::Retention(_)
            | EventData::Notification(_) => {}
        }
    }

    /// Forgets the messages: the feed has missed something, a deletion perhaps. Markers may stay: they are
    /// only ever too low, and the projection keeps the highest.
    pub(crate) fn forget_all(&self) {
        self.messages.forget_all();
        self.edits.invalidate_all();
    }
}

/// Moves a marker, forwards only.
fn forwards<K>(markers: &Cache<K, Marker, RandomState>, key: K, marker: &Marker)
where
    K: std::hash::Hash + Eq + Send + Sync + 'static,
{
    markers.entry(key).and_compute_with(|known| match known {
        Some(known) if known.value().posted >= marker.posted => Op::Nop,
        _ => Op::Put(*marker),
    });
}

/// A cache that forgets what was not asked for longest. One that goes by how often, as they do unless told,
/// takes nothing new once it is full of what was met once.
fn newest<K, V>(capacity: u64) -> Cache<K, V, RandomState>
where
    K: std::hash::Hash + Eq + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    Cache::builder()
        .max_capacity(capacity)
        .eviction_policy(EvictionPolicy::lru())
        .build_with_hasher(RandomState::default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_moved_to_the_archive_is_known_as_such_also_once_it_is_deleted() {
        let recent = Recent::new(10);
        let room = RoomId::from_uuid(uuid::Uuid::from_u128(1));
        let message = |number| MessageId::from_uuid(uuid::Uuid::from_u128(number));
        recent.posted(&message(1), &room, 1);
        let applied = schemas::events::RetentionApplied {
            room_id: room,
            days: 1,
            before: schemas::Timestamp::from_millis(0),
            messages: vec![message(1), message(2)],
            except_users: Vec::new(),
        };
        recent.learn(&Lane::Retention(room), 2, &applied.into());
        assert!(recent.message(&message(1)).is_some_and(|known| known.archived && !known.deleted));
        assert_eq!(recent.message(&message(2)), None, "the read model is asked");
        recent.deleted(&message(1), &room, 1, 3);
        assert!(recent.message(&message(1)).is_some_and(|known| known.archived && known.deleted));
    }

    #[test]
    fn a_full_memory_takes_what_is_new() {
        let recent = Recent::new(10);
        let room = RoomId::from_uuid(uuid::Uuid::from_u128(1));
        let message = |number: u64| MessageId::from_uuid(uuid::Uuid::from_u128(number.into()));
        for number in 1..=1_000 {
            recent.posted(&message(number), &room, number);
        }
        recent.wrote(&message(1_001), &room, 1_001);
        assert!(recent.message(&message(1_001)).is_some_and(|known| known.ours));
        assert!(recent.message(&message(1_000)).is_some());
        assert_eq!(recent.message(&message(1)), None);
    }
}
