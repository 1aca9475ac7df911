//! Events of exports: the newest of each user.

use readmodel::{ExportDoc, Key};
use schemas::Sequence;
use schemas::events::ExportEvent;

use super::wants::Wants;
use crate::working_set::{NotLoaded, WorkingSet};

pub(super) fn needs(event: &ExportEvent, wants: &mut Wants<'_>) {
    wants.key(Key::Export(event.after().user_id));
}

/// Every event of the lane carries the whole export.
pub(super) fn apply(
    event: &ExportEvent,
    at: Sequence,
    set: &mut WorkingSet,
) -> Result<(), NotLoaded> {
    match event {
        ExportEvent::Requested(_)
        | ExportEvent::Ready(_)
        | ExportEvent::Withdrawn(_)
        | ExportEvent::Expired(_) => {
            let state = event.after().clone();
            let user_id = state.user_id;
            set.exports.put(&user_id, ExportDoc { user_id, state, updated: at });
            Ok(())
        }
    }
}
