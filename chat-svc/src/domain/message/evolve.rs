//! What events make of a message. Total: nothing here fails, whatever order events come in.

use schemas::events::{MessageEvent, MessageState};
use schemas::{EventData, Sequence, Timestamp};

use super::MessageRejection;

/// A message as far as a decision needs to know it.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// Where it was posted.
    pub posted: Sequence,
    /// Its content, as posted or last edited.
    pub state: MessageState,
    /// When it was last edited.
    pub edited_at: Option<Timestamp>,
    /// It was taken back; nothing changes it any more.
    pub deleted: bool,
    /// It moved to the archive; its words do not change any more.
    pub archived: bool,
    /// It was purged: nothing of it is left.
    pub purged: bool,
}

impl Message {
    /// It must not have been purged: that is said to all who may read the room, before whose message it was.
    ///
    /// # Errors
    /// [`MessageRejection::Purged`].
    pub const fn is_left(&self) -> Result<(), MessageRejection> {
        if self.purged { Err(MessageRejection::Purged) } else { Ok(()) }
    }

    /// It must not have been deleted, nor purged.
    ///
    /// # Errors
    /// [`MessageRejection::Purged`], [`MessageRejection::Deleted`].
    pub const fn stands(&self) -> Result<(), MessageRejection> {
        match (self.purged, self.deleted) {
            (true, _) => Err(MessageRejection::Purged),
            (false, true) => Err(MessageRejection::Deleted),
            (false, false) => Ok(()),
        }
    }
}

/// What an event at `sequence` makes of a message. The log's order settles every race: the first post of
/// an id counts, edits apply until the deletion, and nothing changes a deleted message.
pub fn evolve(message: &mut Option<Message>, sequence: Sequence, event: &EventData) {
    let EventData::Message(event) = event else { return };
    match (message, event) {
        (message @ None, MessageEvent::Posted(e)) => {
            let state = e.message.clone();
            let (deleted, archived, purged) = (false, false, false);
            *message = Some(Message {
                posted: sequence,
                state,
                edited_at: None,
                deleted,
                archived,
                purged,
            });
        }
        (Some(message), MessageEvent::Edited(e)) => {
            let own =
                e.message.id == message.state.id && e.message.sender_id == message.state.sender_id;
            if own && !message.deleted {
                message.state = e.message.clone();
                message.edited_at = Some(e.edited_at);
            }
        }
        (Some(message), MessageEvent::Deleted(e)) => {
            message.deleted |= e.message_id == message.state.id;
        }
        (Some(_), MessageEvent::Posted(_))
        | (None, MessageEvent::Edited(_) | MessageEvent::Deleted(_)) => {}
    }
}
