//! Where generations live: creating, finding, pointing at and deleting them.
//!
//! A generation is one complete build of the read model (an SQLite file, a MongoDB database). One of them
//! is *live*: a pointer kept beside them names it. Everything here is private to this crate; other crates use
//! [`crate::ReadModel`].

use std::sync::Arc;

use async_trait::async_trait;

use crate::answers::Answer;
use crate::side::{SIDE, SideStore};
use crate::store::ProjectionStore;

/// When a new generation gets the indexes that only queries need and is safe from a loss of power.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Durability {
    /// At once: it will be in use while it is filled.
    Immediate,
    /// When [`ProjectionStore::seal`] is called: no reader uses it before, and if its builder crashes it is
    /// discarded.
    AtSeal,
}

/// A kind of database that can hold generations.
#[async_trait]
pub(crate) trait Backend: Send + Sync + std::fmt::Debug {
    /// The name of the live generation; none before the first, or when it has another layout.
    async fn pointer(&self) -> Answer<Option<String>>;
    /// Makes `to` the live generation if the live one is `from` now. False when it is another.
    async fn switch(&self, from: Option<&str>, to: &str) -> Answer<bool>;
    /// Creates an empty generation; none when the name is taken.
    async fn create(
        &self,
        name: &str,
        durability: Durability,
    ) -> Answer<Option<Arc<dyn ProjectionStore>>>;
    /// Opens a generation; none when it does not exist.
    async fn open(&self, name: &str) -> Answer<Option<Arc<dyn ProjectionStore>>>;
    /// The names of all generations, snapshots included.
    async fn list(&self) -> Answer<Vec<String>>;
    /// Where an operator finds a generation: a file or the name of a database.
    fn location(&self, name: &str) -> String;
    /// Deletes a generation; does nothing when it does not exist.
    async fn delete(&self, name: &str) -> Answer<()>;
    /// Opens what is kept beside the generations, and makes it when it is not there yet.
    async fn side(&self) -> Answer<Arc<dyn SideStore>>;
}

/// The name of the n-th generation.
pub(crate) fn generation_name(number: u32) -> String {
    format!("gen-{number}")
}

/// The number in a generation's name; none for snapshots.
pub(crate) fn generation_number(name: &str) -> Option<u32> {
    name.strip_prefix("gen-")?.parse().ok()
}

/// Whether a name may be given to a snapshot: 1 to 28 characters of `[a-z0-9-]` (a MongoDB database name has
/// at most 63), not a generation's, not `g<n>`, `meta` or `side`, which are names of other databases.
pub(crate) fn valid_snapshot_name(name: &str) -> bool {
    let database_of_generation = name
        .strip_prefix('g')
        .is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_digit()));
    (1..=28).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        && generation_number(name).is_none()
        && !database_of_generation
        && name != "meta"
        && name != SIDE
}
