//! Events of retention: messages move to the archive or are purged, and what a deletion leaves of texts goes.

use schemas::Sequence;
use schemas::events::{BlankEvent, RetentionEvent, TextsRemoved};
use schemas::ids::MessageId;
use schemas::values::Format;

use super::wants::Wants;
use crate::working_set::{NotLoaded, WorkingSet};

/// The messages whose texts go.
fn messages(removed: &TextsRemoved) -> impl Iterator<Item = &MessageId> {
    removed.blanks.iter().filter_map(|one| match &one.blank.was {
        BlankEvent::Posted(message) | BlankEvent::Edited { message, .. } => Some(&message.id),
        BlankEvent::Registered { .. } => None,
    })
}

pub(super) fn needs(event: &RetentionEvent, wants: &mut Wants<'_>) {
    match event {
        RetentionEvent::Applied(applied) => {
            applied.messages.iter().for_each(|id| wants.message(id));
        }
        RetentionEvent::Purged(purged) => {
            purged.messages.iter().for_each(|id| wants.message(id));
        }
        RetentionEvent::TextsRemoved(removed) => {
            messages(removed).for_each(|id| wants.message(id));
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
        RetentionEvent::Purged(purged) => {
            for id in &purged.messages {
                let goes = set.messages.get(id)?.is_some_and(|message| {
                    message.purged == 0
                        && message.room_id == purged.room_id
                        && message.deleted_at.is_some()
                });
                if goes && let Some(message) = set.messages.change(id)? {
                    message.purged = at;
                    message.updated = at;
                }
            }
            Ok(())
        }
        RetentionEvent::TextsRemoved(removed) => {
            // What a replay, which finds blanks, could not know of them.
            for id in messages(removed) {
                if let Some(message) = set.messages.change(id)? {
                    message.client_id = None;
                    message.format = Format::default();
                    message.updated = at;
                }
            }
            Ok(())
        }
    }
}
