//! The lines of a digest: what is still unread and stands, as the read model has it when the mail is written.

use readmodel::{MessageDoc, NotificationDoc, ReadStore};
use schemas::Sequence;
use schemas::events::UserState;
use schemas::ids::MessageId;
use schemas::values::{Notify, RoomKind};
use telemetry::error_chain;

use crate::channel::Failed;
use crate::digest;
use crate::reader::Reader;

/// Entries a digest is made of, and lines it has, at most.
const MAX_ENTRIES: usize = 200;
const MAX_LINES: usize = 20;

/// What a digest says of the entries in a stretch of an inbox that are unread and stand.
pub(crate) async fn lines(
    store: &dyn ReadStore,
    account: &UserState,
    (first, last): (Sequence, Sequence),
) -> Result<Vec<String>, Failed> {
    let unread = store.notifications(&account.id, true, None, MAX_ENTRIES).await;
    let mut entries = unread.map_err(|error| unread_model(&error))?.items;
    entries.retain(|entry| {
        (first..=last).contains(&entry.created)
            && digest::wants(account.preferences.email, entry.kind)
    });
    let ids: Vec<MessageId> = entries.iter().filter_map(|entry| entry.message_id).collect();
    let messages = store.messages(&ids).await.map_err(|error| unread_model(&error))?;
    let mut lines = Vec::new();
    // Oldest first.
    for entry in entries.iter().rev() {
        let message = messages.iter().find(|one| Some(&one.id) == entry.message_id.as_ref());
        if let Some(line) = line(store, account, entry, message).await?
            && !lines.contains(&line)
        {
            lines.push(line);
        }
    }
    let more = lines.len().saturating_sub(MAX_LINES);
    lines.truncate(MAX_LINES);
    if more > 0 {
        lines.push(format!("And {more} more."));
    }
    Ok(lines)
}

/// What is said of an entry; nothing when its message is gone or read, or they are not in its room any more: the
/// delivery that takes the entry back may not have been handled yet.
async fn line(
    store: &dyn ReadStore,
    account: &UserState,
    entry: &NotificationDoc,
    message: Option<&MessageDoc>,
) -> Result<Option<String>, Failed> {
    let (Some(message), Some(room)) = (message, &entry.room_id) else { return Ok(None) };
    let threads = message.thread_root_id.as_slice();
    let reader = Reader::load(store, &account.id, room, threads)
        .await
        .map_err(|error| unread_model(&error))?;
    let hears = reader
        .own
        .as_ref()
        .is_some_and(|own| own.present && !own.banned && own.notify != Notify::None);
    if !hears || message.deleted_at.is_some() || reader.has_read(message, entry.caused) {
        return Ok(None);
    }
    let room = store.room(room).await.map_err(|error| unread_model(&error))?;
    let room = room.filter(|room| room.state.kind != RoomKind::Direct);
    let room = room.and_then(|room| room.state.name).map(|name| name.to_string());
    let sender = store.user(&message.sender_id).await.map_err(|error| unread_model(&error))?;
    let who = sender.map(|sender| sender.state.display_name.to_string());
    let who = who.as_deref().unwrap_or("Deleted user");
    Ok(Some(digest::line(entry.kind, who, room.as_deref())))
}

fn unread_model(error: &readmodel::StoreError) -> Failed {
    Failed::for_now(error_chain(error))
}
