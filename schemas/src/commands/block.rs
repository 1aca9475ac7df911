//! Blocks.

use serde::{Deserialize, Serialize};

use super::{CHAT, commands};
use crate::ids::UserId;

commands! {
    /// Blocks a user for the caller.
    CHAT / "block_user": BlockUser -> () {
        /// The user who is to be blocked.
        user_id: UserId,
    }
    /// Ends the caller's block of a user.
    CHAT / "unblock_user": UnblockUser -> () {
        /// The user who is blocked.
        user_id: UserId,
    }
}
