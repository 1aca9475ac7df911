//! Where generations live: making, finding, pointing at and dropping them.
//!
//! A generation is one complete build of the read model (an SQLite file, a MongoDB database). One of them
//! is *live*: a pointer kept beside them names it. Everything here is private to this crate's handle and
//! backends; others use [`crate::ReadModel`].

use std::sync::Arc;

use async_trait::async_trait;

use crate::store::{Answer, ProjectionStore};

/// The layout of documents and indexes this build writes. A generation of another layout is not read:
/// a new one is begun beside it.
pub(crate) const LAYOUT: u32 = 1;

/// A kind of database that can hold generations.
#[async_trait]
pub(crate) trait Backend: Send + Sync + std::fmt::Debug {
    /// The name of the live generation; none before the first, or when it has another layout.
    async fn pointer(&self) -> Answer<Option<String>>;
    /// Makes `to` the live generation if the live one is `from` now. False when it is another.
    async fn switch(&self, from: Option<&str>, to: &str) -> Answer<bool>;
    /// Makes an empty generation; none when the name is taken.
    async fn create(&self, name: &str) -> Answer<Option<Arc<dyn ProjectionStore>>>;
    /// Opens a generation; none when there is no such one.
    async fn open(&self, name: &str) -> Answer<Option<Arc<dyn ProjectionStore>>>;
    /// The names of all generations, snapshots included.
    async fn list(&self) -> Answer<Vec<String>>;
    /// Where an operator finds a generation: a file or the name of a database.
    fn location(&self, name: &str) -> String;
    /// Deletes a generation; nothing happens when there is no such one.
    async fn delete(&self, name: &str) -> Answer<()>;
}

/// The name of the n-th generation.
pub(crate) fn generation_name(number: u32) -> String {
    format!("gen-{number}")
}

/// The number in a generation's name; none for snapshots.
pub(crate) fn generation_number(name: &str) -> Option<u32> {
    name.strip_prefix("gen-")?.parse().ok()
}

/// Whether a name may be given to a snapshot: 1 to 40 characters of `[a-z0-9-]`, and not a generation's.
pub(crate) fn valid_snapshot_name(name: &str) -> bool {
    (1..=40).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        && generation_number(name).is_none()
}
