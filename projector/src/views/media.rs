//! Events of media: the last one says how a medium stands. What media take is counted as it changes.

use readmodel::{Key, MediaDoc, MediaUsageDoc};
use schemas::Sequence;
use schemas::events::{MediaEvent, MediaState};
use schemas::media::MediaStatus;

use super::wants::Wants;
use crate::working_set::{NotLoaded, WorkingSet};

pub(super) fn needs(event: &MediaEvent, wants: &mut Wants<'_>) {
    let media = event.after();
    wants.key(Key::Media(media.file.id));
    wants.key(Key::MediaUsage(media.owner_id));
}

pub(super) fn apply(
    event: &MediaEvent,
    at: Sequence,
    set: &mut WorkingSet,
) -> Result<(), NotLoaded> {
    let state = event.after();
    let before = set.media.get(&state.file.id)?;
    let (former, told) = before.map_or((None, 0), |doc| (takes(&doc.state), doc.told));
    // Of an erased person's medium nothing is left, not even what its owner was told.
    let told = if state.is_erased() { 0 } else { told };
    let told = if is_told(event) { at } else { told };
    count(state, former, at, set)?;
    set.media.put(&state.file.id, MediaDoc { state: state.clone(), told, updated: at });
    Ok(())
}

/// Whether its owner is told of it: what was never stored is nothing to them, and neither is what changes nothing that
/// they see.
const fn is_told(event: &MediaEvent) -> bool {
    match event {
        MediaEvent::Stored(_) => true,
        MediaEvent::Removed(removed) => removed.media.stored_at.is_some(),
        MediaEvent::Requested(_)
        | MediaEvent::Attached(_)
        | MediaEvent::Detached(_)
        | MediaEvent::Purged(_) => false,
    }
}

/// The bytes a medium takes, or may take; none when it is no more.
const fn takes(state: &MediaState) -> Option<u64> {
    match state.status {
        MediaStatus::Requested | MediaStatus::Stored => Some(state.file.size),
        MediaStatus::Removed | MediaStatus::Purged => None,
    }
}

fn count(
    state: &MediaState,
    former: Option<u64>,
    at: Sequence,
    set: &mut WorkingSet,
) -> Result<(), NotLoaded> {
    let now = takes(state);
    if now == former {
        return Ok(());
    }
    let moved = |count: u64| {
        count.saturating_sub(former.unwrap_or_default()).saturating_add(now.unwrap_or_default())
    };
    let usage = set.media_usage.get(&state.owner_id)?.cloned();
    let (bytes, files) = usage.map_or((0, 0), |usage| (usage.bytes, usage.files));
    let files = files.saturating_sub(u64::from(former.is_some())) + u64::from(now.is_some());
    // A user without files has no document, as one who never had any.
    let updated = if files == 0 { 0 } else { at };
    let usage = MediaUsageDoc { user_id: state.owner_id, bytes: moved(bytes), files, updated };
    set.media_usage.put(&state.owner_id, usage);
    let mut site = set.site()?;
    site.media_bytes = moved(site.media_bytes);
    // Not as of this event: once its person is erased, the sum is the same and the event is gone. Without rooms of
    // everyone there is a site as long as there are media.
    if site.everyone_rooms.is_empty() && site.updated <= 1 {
        site.updated = u64::from(site.media_bytes > 0);
    }
    set.site.put(&(), site);
    Ok(())
}
