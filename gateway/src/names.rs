//! The port to what people are called. The live half and the inbox ask through it; the gateway's directory of users
//! answers.

use std::collections::HashMap;

use async_trait::async_trait;
use schemas::UserId;
use schemas::views::User;

use crate::links::Author;

/// Knows what people are called.
#[async_trait]
pub trait Names: Send + Sync + 'static {
    /// A user as the sender of a message. Always answers; an unknown user gets a placeholder.
    async fn sender(&self, id: &UserId) -> Author;
    /// Several users as everyone sees them. Unknown users are left out.
    async fn users(&self, ids: Vec<UserId>) -> HashMap<UserId, User>;
}
