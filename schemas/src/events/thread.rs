//! Threads: who follows them, and how far their followers have read.
//!
//! Most followers follow by what they write or by being named, which the messages say. These events are what a user
//! does to a thread themselves. They are on a lane of the user's own: no other user is told of them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::family;
use crate::ids::{MessageId, RoomId, UserId};
use crate::position::Sequence;

/// A member began to follow a thread.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ThreadFollowed {
    /// The room the thread is in.
    pub room_id: RoomId,
    /// The user who follows it.
    pub user_id: UserId,
    /// The message that began the thread.
    pub thread_root_id: MessageId,
}

/// A member stopped following a thread.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ThreadUnfollowed {
    /// The room the thread is in.
    pub room_id: RoomId,
    /// The user who followed it.
    pub user_id: UserId,
    /// The message that began the thread.
    pub thread_root_id: MessageId,
}

/// A member has read a thread up to a message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ThreadRead {
    /// The room the thread is in.
    pub room_id: RoomId,
    /// The user who has read.
    pub user_id: UserId,
    /// The message that began the thread.
    pub thread_root_id: MessageId,
    /// The last answer read.
    pub message_id: MessageId,
    /// Where that answer was posted.
    pub posted: Sequence,
}

family! {
    /// What a user does to threads for themselves alone.
    ThreadEvent {
        Followed(ThreadFollowed) = "thread.followed.v1", |d| d.thread_root_id;
        Unfollowed(ThreadUnfollowed) = "thread.unfollowed.v1", |d| d.thread_root_id;
        Read(ThreadRead) = "thread.read.v1", |d| d.message_id;
    }
}

impl ThreadEvent {
    /// The user whose own event it is.
    #[must_use]
    pub const fn user(&self) -> &UserId {
        match self {
            Self::Followed(ThreadFollowed { user_id, .. })
            | Self::Unfollowed(ThreadUnfollowed { user_id, .. })
            | Self::Read(ThreadRead { user_id, .. }) => user_id,
        }
    }

    /// The room the thread is in.
    #[must_use]
    pub const fn room(&self) -> &RoomId {
        match self {
            Self::Followed(ThreadFollowed { room_id, .. })
            | Self::Unfollowed(ThreadUnfollowed { room_id, .. })
            | Self::Read(ThreadRead { room_id, .. }) => room_id,
        }
    }

    /// The message that began the thread.
    #[must_use]
    pub const fn root(&self) -> &MessageId {
        match self {
            Self::Followed(ThreadFollowed { thread_root_id, .. })
            | Self::Unfollowed(ThreadUnfollowed { thread_root_id, .. })
            | Self::Read(ThreadRead { thread_root_id, .. }) => thread_root_id,
        }
    }
}
