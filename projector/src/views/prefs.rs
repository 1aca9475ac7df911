//! Events of members' own settings: they change the membership's document alone.

use schemas::Sequence;
use schemas::events::{PrefsEvent, PrefsState};

use super::wants::Wants;
use crate::working_set::{NotLoaded, WorkingSet};

pub(super) fn needs(event: &PrefsEvent, wants: &mut Wants<'_>) {
    match event {
        PrefsEvent::Changed(_) => {
            let prefs = event.after();
            wants.room(&prefs.room_id);
            wants.membership(&prefs.room_id, &prefs.user_id);
        }
    }
}

pub(super) fn apply(
    event: &PrefsEvent,
    at: Sequence,
    set: &mut WorkingSet,
) -> Result<(), NotLoaded> {
    match event {
        PrefsEvent::Changed(_) => changed(event.after(), at, set),
    }
}

/// The last event of the lane says how the settings stand. A room is hidden as of the last message it has now.
fn changed(prefs: &PrefsState, at: Sequence, set: &mut WorkingSet) -> Result<(), NotLoaded> {
    let last = set.rooms.get(&prefs.room_id)?.map_or(0, |room| room.last_number);
    let key = (prefs.room_id, prefs.user_id);
    if set.memberships.get(&key)?.is_none() {
        return Ok(());
    }
    if let Some(doc) = set.memberships.change(&key)? {
        doc.notify = prefs.notify;
        doc.pinned = prefs.pinned;
        doc.hidden_at = prefs.hidden.then_some(last);
        doc.prefs_changed = at;
        doc.updated = at;
    }
    Ok(())
}
