//! Messages.

use schemas::commands::{DeleteMessage, EditMessage, PostMessage};
use schemas::values::{Body, ClientId, Format};
use schemas::{MediaId, MessageId, RoomId};

use super::Nothing;
use crate::http::{UpTo, shape};

/// Files a message may carry.
const MAX_ATTACHMENTS: usize = 10;

shape! {
    /// A message to post.
    NewMessage {
        /// The client's own name for the message. A repeat by the same sender in the same room writes nothing: with the
        /// same body, format, attachments and thread it answers 200 with the message as it is now; with others it is
        /// refused (422 `idempotency_mismatch`).
        client_id: Option<ClientId>,
        /// 1 to 8,000 characters, at least one of them visible. Stored in Normalization Form C, with line ends as LF.
        body: Body,
        /// How the body is written. Defaults to `plain`.
        format: Option<Format>,
        /// Files uploaded by the caller; at most 10.
        #[schemars(with = "Option<Vec<MediaId>>")]
        attachments: Option<UpTo<MAX_ATTACHMENTS, MediaId>>,
        /// The message that began the thread, to answer in a thread.
        thread_root_id: Option<MessageId>,
    }
    /// A new text for a message.
    MessageChange {
        /// 1 to 8,000 characters, at least one of them visible. Stored in Normalization Form C, with line ends as LF.
        body: Body,
    }
}

impl NewMessage {
    pub(crate) fn command(self, room_id: RoomId) -> PostMessage {
        let Self { client_id, body, format, attachments, thread_root_id } = self;
        PostMessage {
            room_id,
            client_id,
            body,
            format: format.unwrap_or_default(),
            attachments: attachments.map(|files| files.0).unwrap_or_default(),
            thread_root_id,
        }
    }
}

impl MessageChange {
    pub(crate) fn command(self, message_id: MessageId) -> EditMessage {
        EditMessage { message_id, body: self.body }
    }
}

/// A message is deleted by its id alone.
pub(crate) fn deletion(_: Nothing, message_id: MessageId) -> DeleteMessage {
    DeleteMessage { message_id }
}
