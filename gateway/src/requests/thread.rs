//! Threads.

use schemas::MessageId;
use schemas::commands::{FollowThread, MarkThreadRead, UnfollowThread};

use super::Nothing;
use crate::http::shape;

shape! {
    /// How far the caller has read a thread.
    ThreadReadUpTo {
        /// The last answer read.
        message_id: MessageId,
    }
}

impl ThreadReadUpTo {
    pub(crate) fn command(self, thread_root_id: MessageId) -> MarkThreadRead {
        MarkThreadRead { thread_root_id, message_id: self.message_id }
    }
}

/// A thread is followed by the id of its first message alone.
pub(crate) fn follow(_: Nothing, thread_root_id: MessageId) -> FollowThread {
    FollowThread { thread_root_id }
}

/// So it is no longer.
pub(crate) fn unfollow(_: Nothing, thread_root_id: MessageId) -> UnfollowThread {
    UnfollowThread { thread_root_id }
}
