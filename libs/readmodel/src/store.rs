//! What a generation of the read model can be asked, whatever database it is kept in.
//!
//! [`ReadStore`] is the query side, for gateways and services: the sum of the nouns' read traits. [`ProjectionStore`]
//! adds the projector's side: loading documents by key and committing changed ones together with the checkpoint. Only
//! the projector writes.

use std::sync::Arc;

use async_trait::async_trait;
use schemas::ids::{RoomId, UserId};
use schemas::position::{Epoch, Position, Sequence};
use schemas::values::ClientId;

use crate::answers::{Answer, StoreError};
use crate::documents::{self, Collection, Document, Key, SearchReads, UnreadReads};
use crate::groups::{Checkpoint, Checkpoints};

/// Why a commit did not happen. Nothing was written, except after [`CommitError::Store`], when that is
/// unknown: load the checkpoint to find out.
#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    /// The checkpoint is not where the writer left it: another projector is at work.
    #[error("another projector has moved the checkpoint")]
    Fenced,
    /// The generation takes no more writes: a rebuild is about to replace it.
    #[error("the generation is retired")]
    Retired,
    /// The store failed.
    #[error("the commit failed")]
    Store(#[from] StoreError),
}

macro_rules! sum_of_reads {
    ($(
        $table:ident: $collection:ident of $noun:ident($doc:ident) $(, key $key:tt)?, group $group:ident,
        cache 1/$share:literal $(, reads $reads:ident)?;
    )*) => {
        /// The query side. Every answer is bounded; a `limit` above [`MAX_ITEMS`](crate::MAX_ITEMS)
        /// ([`MAX_CHANGES`](crate::MAX_CHANGES) for changes) counts as that. What can be asked stands in the read trait of
        /// each noun.
        #[async_trait]
        pub trait ReadStore: $($(documents::$reads +)?)* UnreadReads + SearchReads + Send + Sync + std::fmt::Debug {
            /// The name of this generation.
            fn generation(&self) -> &str;
            /// How far it has been projected.
            async fn checkpoint(&self) -> Answer<Checkpoint>;
            /// How many documents there are. SQLite counts them, so ask seldom.
            async fn counts(&self) -> Answer<Counts>;
        }
    };
}

crate::documents!(sum_of_reads);

/// Whether the index of messages is what it must be by the messages.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct IndexCheck {
    /// The number of blocks that were looked at: all that are indexed.
    pub blocks: u64,
    /// Those that are not what the messages say.
    pub differing: Vec<u64>,
}

/// How many documents there are of the nouns that operators count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Accounts, without those that were erased.
    pub users: u64,
    /// Rooms, direct and archived ones included.
    pub rooms: u64,
    /// Messages, deleted ones included.
    pub messages: u64,
}

/// What the projector asks for before it applies a batch of events.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Want {
    /// The document of this key.
    Key(Key),
    /// The message of a room to which its sender's client gave this name.
    ClientId(RoomId, UserId, ClientId),
}

/// The projector's side.
#[async_trait]
pub trait ProjectionStore: ReadStore {
    /// The documents of these keys that exist, in no particular order.
    async fn load(&self, wants: Vec<Want>) -> Answer<Vec<Document>>;
    /// Writes documents and moves the checkpoint of every group, in one transaction, provided that the
    /// checkpoints stand at `expected` and the generation is not retired.
    async fn commit_groups(
        &self,
        expected: Checkpoints,
        epoch: Epoch,
        next: Checkpoints,
        docs: Vec<Document>,
    ) -> Result<(), CommitError>;
    /// The same where all groups are at one sequence.
    async fn commit(
        &self,
        expected: Sequence,
        next: Position,
        docs: Vec<Document>,
    ) -> Result<(), CommitError> {
        let Position { epoch, sequence } = next;
        let (expected, next) = (Checkpoints::all(expected), Checkpoints::all(sequence));
        self.commit_groups(expected, epoch, next, docs).await
    }
    /// Documents of a collection in the order of their keys' text, after a key; at most `limit`, as many as
    /// there are up to it.
    async fn scan(
        &self,
        collection: Collection,
        after: Option<Key>,
        limit: usize,
    ) -> Answer<Vec<Document>>;
    /// Completes a new generation: from now on it has every index and survives a loss of power. Until sealed, a
    /// generation is neither fully indexed nor synced; if its builder crashes it is discarded. Does nothing to a
    /// generation that is in use.
    async fn seal(&self) -> Answer<()>;
    /// Overwrites what the store may still hold of documents that were changed or deleted, as far as the database lets
    /// it: SQLite keeps former pages in its write-ahead log until then; MongoDB does not say where it keeps what.
    async fn scrub(&self) -> Answer<()>;
    /// Compares the index of messages with the messages, in a generation that is sealed and may be in use.
    async fn check_index(&self) -> Answer<IndexCheck>;
    /// Forbids (or allows again) further commits; answers with the checkpoint, which then stays.
    async fn set_retired(&self, retired: bool) -> Answer<Checkpoint>;
    /// The generation's query side.
    fn reader(self: Arc<Self>) -> Arc<dyn ReadStore>;
}
