//! Where generations live: making, finding, pointing at and dropping them.
//!
//! A generation is one complete build of the read model (an SQLite file, a MongoDB database). One of them
//! is *live*: a pointer kept beside them names it. Everything here is private to this crate's handle and
//! backends; others use [`crate::ReadModel`].

use std::sync::Arc;

use async_trait::async_trait;
use schemas::values::{RoomKind, Visibility};

use crate::docs::RoomDoc;
use crate::store::{Answer, ProjectionStore, fold};

/// The layout of documents and indexes this build writes. A generation of another layout is not read:
/// a new one is begun beside it.
pub(crate) const LAYOUT: u32 = 8;

/// When a new generation gets the indexes that only queries need and is safe from a loss of power.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Care {
    /// At once: it will be in use while it is filled.
    FromTheStart,
    /// When [`ProjectionStore::seal`] is called: nobody reads it before, and if its maker dies it is thrown
    /// away.
    WhenSealed,
}

/// A kind of database that can hold generations.
#[async_trait]
pub(crate) trait Backend: Send + Sync + std::fmt::Debug {
    /// The name of the live generation; none before the first, or when it has another layout.
    async fn pointer(&self) -> Answer<Option<String>>;
    /// Makes `to` the live generation if the live one is `from` now. False when it is another.
    async fn switch(&self, from: Option<&str>, to: &str) -> Answer<bool>;
    /// Makes an empty generation; none when the name is taken.
    async fn create(&self, name: &str, care: Care) -> Answer<Option<Arc<dyn ProjectionStore>>>;
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

/// Whether a name may be given to a snapshot: 1 to 28 characters of `[a-z0-9-]` (a MongoDB database name has
/// at most 63), not a generation's, not `g<n>` and not `meta`, which are names of other databases.
pub(crate) fn valid_snapshot_name(name: &str) -> bool {
    let database_of_generation = name
        .strip_prefix('g')
        .is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_digit()));
    (1..=28).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        && generation_number(name).is_none()
        && !database_of_generation
        && name != "meta"
}

/// The key of the index that finds a message by what its sender's client called it. Its upper half is made
/// of room and sender and its lower half of the client id (FNV-1a), so that what is written together lies
/// together: a hash of everything at once would touch another page of the index for every message.
/// Two keys may collide; whoever looks up compares the document.
pub(crate) fn client_hash(room: &str, sender: &str, client_id: &str) -> i64 {
    let pair = fnv(fnv(FNV_START, room), sender);
    let name = fnv(FNV_START, client_id);
    let fold = |hash: u64| (hash >> 32) ^ (hash & 0xffff_ffff);
    ((fold(pair) << 32) | fold(name)).cast_signed()
}

const FNV_START: u64 = 0xcbf2_9ce4_8422_2325;

fn fnv(start: u64, part: &str) -> u64 {
    let bytes = part.bytes().chain([0]);
    bytes.fold(start, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// The folded name under which anybody may find a room; none when nobody may.
pub(crate) fn public_name(room: &RoomDoc) -> Option<String> {
    let state = &room.state;
    let findable = room.created
        && state.visibility == Visibility::Public
        && state.kind != RoomKind::Direct
        && !state.archived;
    state.name.as_ref().filter(|_| findable).map(|name| fold(name.as_str()))
}
