//! An event as it lies in the memory of recent events.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use schemas::events::RetentionEvent;
use schemas::media::MediaStatus;
use schemas::{Event, EventData, Lane, RoomId, Sequence, UserId};

use super::frames::{Broadcast, Effect};

/// What an event costs beside its bytes and its frames: itself and what it is to clients, with their ids, places in
/// four lists that may be half empty, and what the allocator takes for half a dozen pieces.
pub(super) const OVERHEAD: usize =
    size_of::<Remembered>() + size_of::<Broadcast>() + 4 * 16 + 6 * 16;

/// An event that lies behind, as it lies in the log.
#[derive(Debug, Clone)]
pub(crate) struct Passed {
    pub(crate) sequence: Sequence,
    pub(crate) lane: Lane,
    pub(crate) payload: Bytes,
}

impl Passed {
    pub(super) fn of(event: &Remembered) -> Self {
        let (lane, payload) = (event.lane, event.payload.clone());
        Self { sequence: event.sequence, lane, payload }
    }
}

/// An event as it came.
#[derive(Debug)]
pub(crate) struct Remembered {
    pub(crate) sequence: Sequence,
    /// The former event on its lane; 0 for none, nothing when it is not known (after a back-fill).
    pub(crate) previous: Option<Sequence>,
    pub(crate) lane: Lane,
    pub(crate) payload: Bytes,
    /// The owner of the medium it is about, whom its lane does not name.
    owner: Option<UserId>,
    /// What it is to clients; made when first wanted. `None` inside: nothing.
    pub(crate) broadcast: OnceLock<Option<Arc<Broadcast>>>,
}

impl Remembered {
    /// Copies the payload: as it came it lies in a buffer with its headers and with other messages, and would
    /// keep all of that.
    pub(crate) fn new(
        sequence: Sequence,
        previous: Option<Sequence>,
        lane: Lane,
        payload: &[u8],
    ) -> Self {
        let owner = matches!(lane, Lane::Media(_)).then(|| owner(payload)).flatten();
        let payload = Bytes::copy_from_slice(payload);
        Self { sequence, previous, lane, payload, owner, broadcast: OnceLock::new() }
    }

    /// Whom it may concern.
    pub(super) fn concerns(&self) -> (Option<&RoomId>, Option<&UserId>) {
        match &self.owner {
            Some(owner) => (None, Some(owner)),
            None => concerns(&self.lane),
        }
    }

    /// Whether what clients are told of it holds URLs, which run out.
    pub(crate) fn leads_to_files(&self) -> bool {
        const FILES: &[u8] = b"\"files\":[";
        let names_files = || self.payload.windows(FILES.len()).any(|some| some == FILES);
        let of_messages = matches!(self.lane, Lane::Timeline(_));
        matches!(self.lane, Lane::Media(_)) || (of_messages && names_files())
    }

    /// The last place before this event that was something to a client and is erased from the log with it: that a file is
    /// removed. A memory that was read from the log does not have it.
    pub(super) fn erases_through(&self) -> Option<Sequence> {
        if !matches!(self.lane, Lane::Retention(_)) {
            return None;
        }
        let Ok(event) = Event::decode(&self.payload) else { return None };
        let EventData::Retention(RetentionEvent::TextsRemoved(removed)) = event.data else {
            return None;
        };
        let told = removed.media.iter().filter(|blank| blank.media.status == MediaStatus::Removed);
        told.map(|blank| blank.sequence).max()
    }

    pub(super) fn created_a_room(&self) -> bool {
        let broadcast = self.broadcast.get().and_then(Option::as_ref);
        broadcast.is_some_and(|told| matches!(told.effect, Effect::Created { .. }))
    }

    /// The bytes it takes. Its frame may be made later: it is about as long as the event.
    pub(super) fn cost(&self) -> usize {
        let frames = match self.broadcast.get() {
            None => self.payload.len(),
            Some(None) => 0,
            Some(Some(told)) => told.frames().map(Bytes::len).sum(),
        };
        self.payload.len() + frames + OVERHEAD
    }
}

/// The owner of the medium an event is about.
fn owner(payload: &[u8]) -> Option<UserId> {
    #[derive(serde::Deserialize)]
    struct Peek {
        data: Data,
    }
    #[derive(serde::Deserialize)]
    struct Data {
        media: Owned,
    }
    #[derive(serde::Deserialize)]
    struct Owned {
        owner_id: UserId,
    }
    serde_json::from_slice(payload).ok().map(|peek: Peek| peek.data.media.owner_id)
}

/// Whom an event may concern, judged by its lane alone.
pub(crate) fn concerns(lane: &Lane) -> (Option<&RoomId>, Option<&UserId>) {
    match lane {
        Lane::Timeline(room) | Lane::Receipts(room) | Lane::Room(room) | Lane::Retention(room) => {
            (Some(room), None)
        }
        Lane::Member(room, user) => (Some(room), Some(user)),
        Lane::Inbox(user) | Lane::Threads(user) | Lane::User(user) | Lane::Prefs(_, user) => {
            (None, Some(user))
        }
        Lane::Session(_)
        | Lane::Challenges(_)
        | Lane::Identity(_)
        | Lane::Identities(_)
        | Lane::Handle(_)
        | Lane::Email(_)
        | Lane::RoomName(_)
        | Lane::Direct(_)
        | Lane::Media(_)
        | Lane::Report(_)
        | Lane::Blocks(_)
        | Lane::Audit(_)
        | Lane::Invite(_)
        | Lane::Erasure(_)
        | Lane::RoomHold(_)
        | Lane::Exports(_)
        | Lane::UserHold(_) => (None, None),
    }
}

/// Whether an event on a lane may change messages of rooms that the lane does not name: what is held of any room is to be
/// asked for anew after it.
pub(super) const fn changes_any_room(lane: &Lane) -> bool {
    match lane {
        Lane::Erasure(_) => true,
        Lane::Audit(_)
        | Lane::Blocks(_)
        | Lane::Challenges(_)
        | Lane::Direct(_)
        | Lane::Email(_)
        | Lane::Handle(_)
        | Lane::Identities(_)
        | Lane::Identity(_)
        | Lane::Inbox(_)
        | Lane::Invite(_)
        | Lane::Media(_)
        | Lane::Member(..)
        | Lane::Prefs(..)
        | Lane::Receipts(_)
        | Lane::Report(_)
        | Lane::Room(_)
        | Lane::RoomHold(_)
        | Lane::RoomName(_)
        | Lane::Session(_)
        | Lane::Threads(_)
        | Lane::Timeline(_)
        | Lane::User(_)
        | Lane::Exports(_)
        | Lane::UserHold(_)
        | Lane::Retention(_) => false,
    }
}
