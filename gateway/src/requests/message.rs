//! Messages.

use schemas::commands::{DeleteMessage, EditMessage, PostMessage};
use schemas::values::{Body, ClientId, Format};
use schemas::{MediaId, MessageId, RoomId};

use super::Nothing;
use crate::http::{Fields, Shape, UpTo};

/// Files a message may carry.
const MAX_ATTACHMENTS: usize = 10;

/// A message to post.
#[derive(Debug, schemars::JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct NewMessage {
    /// The client's own name for the message. A repeat by the same sender in the same room writes nothing: with the
    /// same body, format, attachments and thread it answers 200 with the message as it is now; with others it is
    /// refused (422 `idempotency_mismatch`).
    pub(crate) client_id: Option<ClientId>,
    /// 1 to 8,000 characters, at least one of them visible; with attachments it may be empty or left out. Stored in
    /// Normalization Form C, with line ends as LF.
    #[schemars(with = "Option<Body>")]
    pub(crate) body: Body,
    /// How the body is written. Defaults to `plain`.
    pub(crate) format: Option<Format>,
    /// Files uploaded by the caller and completed; at most 10.
    #[schemars(with = "Option<Vec<MediaId>>")]
    pub(crate) attachments: Option<UpTo<MAX_ATTACHMENTS, MediaId>>,
    /// The message that began the thread, to answer in a thread.
    pub(crate) thread_root_id: Option<MessageId>,
}

/// By hand, as whether a message must have a text depends on its attachments.
impl Shape for NewMessage {
    const FIELDS: &'static [&'static str] =
        &["client_id", "body", "format", "attachments", "thread_root_id"];

    fn read(fields: &mut Fields) -> Option<Self> {
        let may_be_empty = fields.has_items("attachments");
        let client_id = fields.take("client_id");
        fields.drop_null("body");
        let body = match may_be_empty && fields.is_blank("body") {
            true => Some(Body::none()),
            false => fields.take("body"),
        };
        let format = fields.take("format");
        let attachments = fields.take("attachments");
        let thread_root_id = fields.take("thread_root_id");
        Some(Self {
            client_id: client_id?,
            body: body?,
            format: format?,
            attachments: attachments?,
            thread_root_id: thread_root_id?,
        })
    }
}

/// A new text for a message.
#[derive(Debug, schemars::JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct MessageChange {
    /// 1 to 8,000 characters, at least one of them visible; of a message with attachments it may be empty. Stored in
    /// Normalization Form C, with line ends as LF.
    pub(crate) body: Body,
}

/// By hand, as a text may be taken from a message that has attachments.
impl Shape for MessageChange {
    const FIELDS: &'static [&'static str] = &["body"];

    fn read(fields: &mut Fields) -> Option<Self> {
        let body = match fields.is_empty_text("body") {
            true => Some(Body::none()),
            false => fields.take("body"),
        };
        Some(Self { body: body? })
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
