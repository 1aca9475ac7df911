//! Messages: posting, editing, deleting.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{CHAT, Reply, commands};
use crate::events::MessageState;
use crate::ids::{MediaId, MessageId, RoomId};
use crate::position::Position;
use crate::time::Timestamp;
use crate::values::{Body, ClientId, Format};

/// Most posts of one [`PostMessages`].
pub const MAX_POSTS: usize = 64;

/// A message after a command.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MessageOutcome {
    /// Its content; none when it is deleted.
    pub message: MessageState,
    /// Where it was posted.
    pub posted: Position,
    /// When it was last edited.
    pub edited_at: Option<Timestamp>,
    /// Nothing was written: the post was a repeat of an earlier one (same `client_id`), whose message this is, as it was
    /// posted; or the edit changed nothing.
    pub repeat: bool,
    /// For a repeat: whatever happened to the message before it was repeated lies before this position.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub as_of: Option<Position>,
}

commands! {
    /// Posts a message.
    CHAT / "post_message": PostMessage -> MessageOutcome {
        /// The room.
        room_id: RoomId,
        /// What the client calls it; a repeat by the same sender in the same room finds the first.
        client_id: Option<ClientId>,
        /// The text; none where files are attached.
        #[serde(deserialize_with = "crate::media::body_or_none")]
        body: Body,
        /// How the text is to be read.
        format: Format,
        /// Files of the caller; at most 10.
        attachments: Vec<MediaId>,
        /// The message that began the thread.
        thread_root_id: Option<MessageId>,
    }
    /// Posts messages to one room, in order. Each is accepted or refused on its own, in the order of the posts; those newly
    /// written stand in the log in that order. One whose outcome is not known may turn up behind later ones.
    CHAT / "post_messages": PostMessages -> Vec<Reply<MessageOutcome>> {
        /// 1 to 64 posts to the same room.
        posts: Vec<PostMessage>,
    }
    /// Changes the text of the caller's own message.
    CHAT / "edit_message": EditMessage -> MessageOutcome {
        /// The message.
        message_id: MessageId,
        /// The new text; none where files are attached.
        #[serde(deserialize_with = "crate::media::body_or_none")]
        body: Body,
    }
    /// Deletes a message.
    CHAT / "delete_message": DeleteMessage -> () {
        /// The message.
        message_id: MessageId,
    }
}
