//! Reading again what was read before. A marker that stands writes no event when it is put where it stands, so nothing
//! reads the inbox entries that came about messages before it: those of a mention that an edit added. They are marked as
//! read here, as the user could mark each of them.
//!
//! It must not know of requests or sockets: both answer their commands with it.

use std::time::Duration;

use readmodel::{Group, NotificationDoc, Reached, StoreError};
use schemas::commands::{Accepted, CallContext, MarkNotificationsRead, ReadOutcome};
use schemas::{MessageId, Position, RoomId};
use telemetry::error_chain;

use crate::commands::send;
use crate::state::AppState;

/// How long the inboxes are waited for: an entry may have been shown live before it was projected.
const PATIENCE: Duration = Duration::from_millis(500);

/// A marker that did not move.
#[derive(Debug)]
pub(crate) struct Unmoved<'a> {
    /// The room; none: that of the thread.
    pub(crate) room: Option<&'a RoomId>,
    /// The thread whose marker it is; none: the room's.
    pub(crate) thread: Option<&'a MessageId>,
    /// Where it stands.
    pub(crate) at: &'a ReadOutcome,
}

/// Marks the caller's unread entries as read that lie before a marker; where the last of them was. What cannot be done
/// now the next reading does: the marker stands all the same.
pub(crate) async fn read_again(
    app: &AppState,
    context: &CallContext,
    unmoved: Unmoved<'_>,
) -> Option<Position> {
    let entries = match covered(app, context, &unmoved).await {
        Ok(entries) => entries,
        Err(error) => {
            tracing::warn!(error = error_chain(&error), "what is read again is not known");
            return None;
        }
    };
    let mut last = None;
    for entry in entries {
        let command = MarkNotificationsRead { notification_id: Some(entry.id) };
        match send(&app.bus, context, &command).await {
            Ok(Accepted { position, .. }) => last = position.or(last),
            Err(rejection) => {
                tracing::debug!(code = rejection.code.as_str(), "an entry was not read again");
            }
        }
    }
    last
}

/// The unread entries that lie before a marker.
async fn covered(
    app: &AppState,
    context: &CallContext,
    unmoved: &Unmoved<'_>,
) -> Result<Vec<NotificationDoc>, StoreError> {
    let Some(caller) = &context.caller else { return Ok(Vec::new()) };
    let heard = app.hub.position().sequence;
    let _ = app.read_model.wait_for_groups(&[Group::Inbox], heard, PATIENCE).await;
    let store = app.read_model.current();
    let of_thread = match (unmoved.room, unmoved.thread) {
        (None, Some(root)) => store.message(root).await?.map(|root| root.room_id),
        _ => None,
    };
    let Some(room) = unmoved.room.or(of_thread.as_ref()) else { return Ok(Vec::new()) };
    let mut entries = store.unread_about_room(&caller.user_id, room).await?;
    let ReadOutcome { message_id, posted } = unmoved.at;
    let reached = Reached { thread: unmoved.thread, message: Some(message_id), posted: *posted };
    entries.retain(|entry| {
        let (message, thread) = (entry.message_id.as_ref(), entry.thread_root_id.as_ref());
        reached.covers(message, thread, entry.posted)
    });
    Ok(entries)
}
