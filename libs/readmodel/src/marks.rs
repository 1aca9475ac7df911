//! What a resume must know of documents before it reads them.

use schemas::ids::{MessageId, RoomId};
use schemas::position::Sequence;

use crate::docs::MessageDoc;

/// What a resume must know of a changed message before it reads it: where its change is told, and how much
/// there is to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageMark {
    /// Which.
    pub id: MessageId,
    /// Where it was said.
    pub room_id: RoomId,
    /// As in [`MessageDoc::posted`].
    pub posted: Sequence,
    /// As in [`MessageDoc::changed`].
    pub changed: Sequence,
    /// As in [`MessageDoc::beside`].
    pub beside: Sequence,
    /// It was taken back.
    pub deleted: bool,
    /// About the bytes of the document.
    pub bytes: usize,
}

impl MessageMark {
    /// The mark of a document.
    #[must_use]
    pub fn of(doc: &MessageDoc) -> Self {
        /// What a document has besides its text.
        const AROUND: usize = 512;
        Self {
            id: doc.id.clone(),
            room_id: doc.room_id.clone(),
            posted: doc.posted,
            changed: doc.changed,
            beside: doc.beside,
            deleted: doc.deleted_at.is_some(),
            bytes: AROUND + doc.body.len() + 40 * (doc.mentions.len() + doc.attachments.len()),
        }
    }
}
