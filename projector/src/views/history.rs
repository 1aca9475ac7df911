//! The former texts of messages, which edits leave behind and deletions take away.

use readmodel::{FormerText, HistoryDoc};
use schemas::Sequence;
use schemas::events::MessageEdited;
use schemas::ids::MessageId;

use super::message::before_edit;
use crate::working_set::{NotLoaded, WorkingSet};

/// Before the message itself is edited: its text is a former one from now on.
pub(super) fn edited(
    data: &MessageEdited,
    at: Sequence,
    set: &mut WorkingSet,
) -> Result<(), NotLoaded> {
    let Some(old) = before_edit(&data.message, set)? else { return Ok(()) };
    if old.body == data.message.body.as_str() {
        return Ok(());
    }
    let since = old.edited_at.unwrap_or(old.created_at);
    let text = FormerText { body: old.body.clone(), since };
    let id = &data.message.id;
    if set.histories.get(id)?.is_none() {
        let message_id = id.clone();
        set.histories.put(id, HistoryDoc { message_id, texts: vec![], dropped: 0, updated: at });
    }
    if let Some(history) = set.histories.change(id)? {
        history.push(text);
        history.updated = at;
    }
    Ok(())
}

/// Before the message itself is emptied.
pub(super) fn deleted(id: &MessageId, at: Sequence, set: &mut WorkingSet) -> Result<(), NotLoaded> {
    let edited = set.messages.get(id)?.is_some_and(|message| message.edited_at.is_some());
    if edited && let Some(history) = set.histories.change(id)? {
        history.texts.clear();
        history.updated = at;
    }
    Ok(())
}
