//! Blocks.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{CHAT, commands};
use crate::ids::UserId;

commands! {
    /// Blocks a user for the caller.
    CHAT / "block_user": BlockUser -> () {
        /// The user who is to be blocked.
        user_id: UserId,
    }
    /// Ends all blocks of an account that a password reset has given back to the holder of its address. Only the
    /// gateway asks for it.
    CHAT / "forget_blocks": ForgetBlocks -> () {
        /// The account.
        user_id: UserId,
    }
    /// Ends the caller's block of a user.
    CHAT / "unblock_user": UnblockUser -> () {
        /// The user who is blocked.
        user_id: UserId,
    }
}
