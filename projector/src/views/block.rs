//! Events of blocks: whom each user blocks.

use readmodel::{BlocksDoc, Key};
use schemas::Sequence;
use schemas::events::{BlockEvent, BlocksState};

use super::wants::Wants;
use crate::working_set::{NotLoaded, WorkingSet};

pub(super) fn needs(event: &BlockEvent, wants: &mut Wants<'_>) {
    wants.key(Key::Blocks(event.after().user_id));
}

/// Every event of the lane carries the whole list.
pub(super) fn apply(
    event: &BlockEvent,
    at: Sequence,
    set: &mut WorkingSet,
) -> Result<(), NotLoaded> {
    match event {
        BlockEvent::Added(_) | BlockEvent::Removed(_) => {
            let BlocksState { user_id, blocked } = event.after().clone();
            set.blocks.put(&event.after().user_id, BlocksDoc { user_id, blocked, updated: at });
            Ok(())
        }
    }
}
