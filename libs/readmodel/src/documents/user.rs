//! Users: the account as it is after its last event.
//!
//! The document is written anew by every event that carries the account. It holds the e-mail address, which only the
//! user and admins may see: what others see is decided where views are made, not here.

use async_trait::async_trait;
use schemas::events::UserState;
use schemas::ids::UserId;
use schemas::position::Sequence;
use schemas::values::{Role, Username};
use serde::{Deserialize, Serialize};

use crate::answers::{Answer, Changes, ListFrom, Slice};

/// A user's account.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct UserDoc {
    /// The account after its last event, its e-mail address included.
    pub state: UserState,
    /// The event that registered the account.
    pub registered: Sequence,
    /// The last event that changed the account.
    pub updated: Sequence,
}

/// Which accounts an admin looks for; what is none is not asked about.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AccountFilter {
    /// As in [`UserReads::search_users`], but a word may also begin a word of the address.
    pub words: Option<String>,
    /// What the account may do everywhere.
    pub role: Option<Role>,
    /// Whether it is suspended.
    pub suspended: Option<bool>,
}

/// What can be asked about users.
#[async_trait]
pub trait UserReads: Send + Sync {
    /// One user.
    async fn user(&self, id: &UserId) -> Answer<Option<UserDoc>> {
        Ok(self.users(std::slice::from_ref(id)).await?.pop())
    }
    /// Several users: those that exist, in no particular order.
    async fn users(&self, ids: &[UserId]) -> Answer<Vec<UserDoc>>;
    /// The user of a username.
    async fn user_by_username(&self, username: &Username) -> Answer<Option<UserDoc>>;
    /// Users found by words: each word of the query is the beginning of a word of the username or the display name,
    /// without regard to case and accents. In the order of usernames; a user moves when the account changes.
    async fn search_users(
        &self,
        query: &str,
        from: &ListFrom<Username, UserId>,
        limit: usize,
    ) -> Answer<Slice<UserDoc>>;
    /// Accounts that fit a filter, by id, which is the order of registration, after an id.
    async fn accounts(
        &self,
        filter: &AccountFilter,
        after: Option<&UserId>,
        limit: usize,
    ) -> Answer<Slice<UserDoc>>;
    /// All users by id, which is the order of registration, after an id.
    async fn list_users(&self, after: Option<&UserId>, limit: usize) -> Answer<Slice<UserDoc>>;
    /// Users whose account changed after a sequence.
    async fn user_changes(&self, after: Sequence, limit: usize) -> Answer<Changes<UserDoc>>;
}
