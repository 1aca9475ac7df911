//! The former texts of messages, which edits leave behind and deletions take away.

use readmodel::{FormerText, HistoryDoc};
use schemas::Sequence;
use schemas::ids::MessageId;

use crate::working_set::{NotLoaded, WorkingSet};

/// A message had this text until an edit.
pub(super) fn add(
    id: &MessageId,
    text: FormerText,
    at: Sequence,
    set: &mut WorkingSet,
) -> Result<(), NotLoaded> {
    if set.histories.get(id)?.is_none() {
        let history = HistoryDoc { message_id: *id, texts: vec![], dropped: 0, updated: at };
        set.histories.put(id, history);
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
