//! The notice of a message that gets its entry later than when it was posted: the one that spoke for it is gone.

use readmodel::MessageDoc;
use schemas::ids::UserId;
use schemas::values::NotificationKind;

use crate::policy::Notice;

/// The notice, as if the message had been posted without the one before.
pub(crate) fn notice_of(message: &MessageDoc, user_id: UserId, kind: NotificationKind) -> Notice {
    Notice {
        user_id,
        kind,
        actor_id: message.sender_id,
        room_id: message.room_id,
        message_id: message.id,
        thread_root_id: message.thread_root_id,
        posted: message.posted,
        caused: message.posted,
        created_at: message.created_at,
        written_at: message.created_at,
    }
}
