//! What files were called leaves the log when the files are gone.
//!
//! Every event of a medium says what its file was called. One that nothing needs any more gets a last event without the
//! name, which is all that decisions and older builds go by; the events before it are listed with what stands in their
//! places, and overwritten, as texts of messages are (`deleted_texts.rs`). What something needs keeps its name, and so does
//! what a legal hold keeps. Begun again after a crash, it finds what is left.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use decider::{Failure, load, unavailable};
use eventlog::Stored;
use futures_util::{StreamExt as _, stream};
use schemas::events::{Gone, MediaBlank, MediaEvent, MediaState, TextsRemoved, no_room};
use schemas::{EventData, Lane, MediaId, RoomId, Sequence, Timestamp, UserId};

use crate::blank::gone;
use crate::chat::Chat;
use crate::domain::media;
use crate::failure::Reason;
use crate::holds::are_held;
use crate::lanes::Media;
use crate::listing::LISTED;

/// Tries, where the keeper of media writes at the same time.
const TRIES: usize = 5;
/// Media looked at, and removed from the store of files, at the same time.
const AT_ONCE: usize = 8;
/// How long the read model may take to forget a name.
const PROJECTED_WITHIN: Duration = Duration::from_secs(10);

/// What is found of a medium.
enum Found {
    /// Something needs it, or nothing says any more what it was called.
    Nothing,
    /// A legal hold keeps it.
    Held,
    Named(Named),
}

/// A medium that is over, and its events that say what it was called.
#[derive(Debug, Clone)]
struct Named {
    id: MediaId,
    owner: UserId,
    /// Every room it was in.
    rooms: BTreeSet<RoomId>,
    events: Vec<Going>,
    /// Its last event, which does not.
    last: Sequence,
}

/// An event that goes, and what stands in its place.
#[derive(Debug, Clone)]
struct Going {
    gone: Gone,
    blank: Option<MediaBlank>,
    /// Whether it is one by which the medium is come upon after a crash.
    ends: bool,
}

impl Chat {
    /// Removes what files were called, of those that are over; those of which it is to be tried again.
    pub(crate) async fn remove_names(
        &self,
        files: BTreeSet<MediaId>,
        before: Timestamp,
    ) -> Result<BTreeSet<MediaId>, Failure> {
        let mut kept = BTreeSet::new();
        let mut rooms: BTreeMap<RoomId, Vec<Named>> = BTreeMap::new();
        let found = stream::iter(files).map(|id| async move { (self.ended(&id).await, id) });
        let mut found = std::pin::pin!(found.buffered(AT_ONCE));
        while let Some((found, id)) = found.next().await {
            match found {
                Ok(Found::Nothing) => {}
                Ok(Found::Held) => {
                    kept.insert(id);
                }
                Ok(Found::Named(named)) => rooms.entry(named.listed_in()).or_default().push(named),
                Err(failure) => {
                    let error = Reason(&failure);
                    tracing::warn!(media.id = %id, %error, "the name of a removed file leaves the log later");
                    kept.insert(id);
                }
            }
        }
        for (room, media) in rooms {
            if !self.erase_names(&room, &media, before).await? {
                kept.extend(media.into_iter().map(|one| one.id));
            }
        }
        Ok(kept)
    }

    /// A medium that is over: with its bytes gone, and a last event without its name.
    async fn ended(&self, id: &MediaId) -> Result<Found, Failure> {
        for _ in 0..TRIES {
            let found = load::<Media>(&self.log, id).await?;
            let Some(state) = found.state.filter(media::is_over) else { return Ok(Found::Nothing) };
            let mut events = self.log.all_of(&Lane::Media(*id)).await?;
            events.retain(|stored| stored.sequence < found.at || !state.is_unnamed());
            if events.is_empty() {
                return Ok(Found::Nothing);
            }
            let mut named = Named::of(&state, &events, found.at)?;
            if are_held(&self.log, named.rooms.iter().copied(), [named.owner]).await? {
                return Ok(Found::Held);
            }
            if state.is_unnamed() {
                return Ok(Found::Named(named));
            }
            self.remove_bytes(id).await?;
            match self.write_media(media::unnamed(&state, Timestamp::now()), found.at).await {
                Ok(at) => {
                    named.last = at;
                    return Ok(Found::Named(named));
                }
                Err(Failure::Conflict) => {}
                Err(failure) => return Err(failure),
            }
        }
        Err(Failure::Conflict)
    }

    /// Lists the events of some media, and deletes them after that; false when a hold has come in between.
    async fn erase_names(
        &self,
        room: &RoomId,
        media: &[Named],
        before: Timestamp,
    ) -> Result<bool, Failure> {
        // What stands in the places of the events has no name: a comparison must not find one in the read model then.
        let last = media.iter().map(|one| one.last).max().unwrap_or_default();
        if !self.index.wait_for(last, PROJECTED_WITHIN).await {
            return Err(unavailable("the read model is behind").into());
        }
        let rooms: BTreeSet<RoomId> = media.iter().flat_map(|one| &one.rooms).copied().collect();
        let users: BTreeSet<UserId> = media.iter().map(|one| one.owner).collect();
        let mut going: Vec<&Going> = media.iter().flat_map(|one| &one.events).collect();
        going.sort_by_key(|one| one.gone.sequence);
        for some in going.chunks(LISTED) {
            let removed = TextsRemoved {
                room_id: *room,
                listed_at: Timestamp::now(),
                before,
                gone: some.iter().map(|one| one.gone.clone()).collect(),
                blanks: Vec::new(),
                media: some.iter().filter_map(|one| one.blank.clone()).collect(),
            };
            if !self.list_texts(removed, &rooms, &users).await? {
                return Ok(false);
            }
            for ends in [false, true] {
                let some = some.iter().filter(|one| one.ends == ends);
                let sequences: Vec<Sequence> = some.map(|one| one.gone.sequence).collect();
                self.log.erase(&sequences).await?;
            }
        }
        Ok(true)
    }
}

impl Named {
    fn of(state: &MediaState, events: &[Stored], last: Sequence) -> Result<Self, Failure> {
        let (mut rooms, mut going) = (BTreeSet::new(), Vec::new());
        for stored in events {
            let event = stored.event()?;
            let Some(gone) = gone(&event, stored.sequence) else { continue };
            let EventData::Media(event) = event.data else { continue };
            rooms.extend(event.after().uses.iter().map(|one| one.room_id));
            let blank = is_replayed(&event).then(|| MediaBlank {
                sequence: stored.sequence,
                stored_at: stored.stored_at,
                media: event.after().clone().without_name(),
            });
            going.push(Going { gone, blank, ends: is_end(&event) });
        }
        let (id, owner) = (state.file.id, state.owner_id);
        Ok(Self { id, owner, rooms, events: going, last })
    }

    /// The room among whose events its events are listed.
    fn listed_in(&self) -> RoomId {
        self.rooms.first().cloned().unwrap_or_else(no_room)
    }
}

/// Whether a replay needs to know that an event was: it changed what the owner's files take, or the owner was told of it.
const fn is_replayed(event: &MediaEvent) -> bool {
    match event {
        MediaEvent::Requested(_) | MediaEvent::Stored(_) | MediaEvent::Removed(_) => true,
        MediaEvent::Attached(_) | MediaEvent::Detached(_) | MediaEvent::Purged(_) => false,
    }
}

const fn is_end(event: &MediaEvent) -> bool {
    match event {
        MediaEvent::Removed(_) | MediaEvent::Purged(_) => true,
        MediaEvent::Requested(_)
        | MediaEvent::Stored(_)
        | MediaEvent::Attached(_)
        | MediaEvent::Detached(_) => false,
    }
}
