//! Threads: following and reading them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::receipt::ReadOutcome;
use super::{CHAT, commands};
use crate::ids::MessageId;

commands! {
    /// Has the caller follow a thread.
    CHAT / "follow_thread": FollowThread -> () {
        /// The message that began the thread, or may.
        thread_root_id: MessageId,
    }
    /// Has the caller stop following a thread.
    CHAT / "unfollow_thread": UnfollowThread -> () {
        /// The message that began the thread, or may.
        thread_root_id: MessageId,
    }
    /// Moves the caller's read marker in a thread forwards.
    CHAT / "mark_thread_read": MarkThreadRead -> ReadOutcome {
        /// The message that began the thread.
        thread_root_id: MessageId,
        /// The answer to read up to.
        message_id: MessageId,
    }
}
