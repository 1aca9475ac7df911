//! What is kept beside the log and beside every generation: no rebuild makes it, and none touches it.
//!
//! It is the truth about little things that are no events: when people were last seen, and the log of requests
//! ([`RequestLog`]). To lose it costs that.

use async_trait::async_trait;
use schemas::{Timestamp, UserId};

use crate::answers::Answer;
use crate::request_log::RequestLog;

/// The name of the store's file or database, which no generation and no snapshot can have.
pub(crate) const SIDE: &str = "side";

/// The store beside the log.
#[async_trait]
pub trait SideStore: Send + Sync + std::fmt::Debug {
    /// The log of requests.
    fn request_log(&self) -> &dyn RequestLog;

    /// When these people were last seen, as far as it is kept.
    ///
    /// # Errors
    /// [`crate::StoreError`] when the database does not answer.
    async fn last_seen(&self, users: &[UserId]) -> Answer<Vec<(UserId, Timestamp)>>;

    /// Keeps when people were last seen, unless they have been seen later; with none nothing is kept of them any more.
    /// All of it or nothing.
    ///
    /// # Errors
    /// [`crate::StoreError`] when the database does not answer.
    async fn keep_last_seen(&self, seen: Vec<(UserId, Option<Timestamp>)>) -> Answer<()>;
}
