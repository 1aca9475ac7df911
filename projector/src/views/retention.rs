//! Events of retention: messages move to the archive. Nothing else about them changes, whatever lies in between.

use schemas::Sequence;
use schemas::events::RetentionEvent;

use super::wants::Wants;
use crate::working_set::{NotLoaded, WorkingSet};

pub(super) fn needs(event: &RetentionEvent, wants: &mut Wants<'_>) {
    match event {
        RetentionEvent::Applied(applied) => {
            applied.messages.iter().for_each(|id| wants.message(id));
        }
    }
}

pub(super) fn apply(
    event: &RetentionEvent,
    at: Sequence,
    set: &mut WorkingSet,
) -> Result<(), NotLoaded> {
    match event {
        RetentionEvent::Applied(applied) => {
            for id in &applied.messages {
                let moves = set.messages.get(id)?.is_some_and(|message| {
                    message.archived == 0 && message.room_id == applied.room_id
                });
                if moves && let Some(message) = set.messages.change(id)? {
                    message.archived = at;
                    message.updated = at;
                }
            }
            Ok(())
        }
    }
}
