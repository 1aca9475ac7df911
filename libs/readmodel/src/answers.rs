//! What queries answer with: results, bounded parts of lists, and why there is no answer.
//!
//! Every answer has a bound. A `limit` above [`MAX_ITEMS`] (for changes: [`MAX_CHANGES`]) counts as that bound.

use schemas::position::Sequence;

/// No query answers with more items than this, whatever limit it is given.
pub const MAX_ITEMS: usize = 1000;
/// No changes query (resume) answers with more items than this.
pub const MAX_CHANGES: usize = 10_000;
/// Memberships of one user that are listed at once.
pub const MAX_MEMBERSHIPS: usize = 10_000;

/// Why a store could not answer.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database cannot be reached or is busy; a retry may succeed.
    #[error("the read model is not available")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The database holds something this build did not write: another layout, or damaged data.
    #[error("the read model holds something unreadable: {0}")]
    Unreadable(String),
    /// The database refused a request that should have succeeded.
    #[error("the read model failed")]
    Failed(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl StoreError {
    /// Whether a retry of the same request may succeed.
    #[must_use]
    pub const fn retryable(&self) -> bool {
        matches!(self, Self::Unavailable(_))
    }
}

/// The answer of a store.
pub type Answer<T> = Result<T, StoreError>;

/// A bounded part of a list.
#[derive(Debug, Clone, PartialEq)]
pub struct Slice<T> {
    /// The items, in the list's order.
    pub items: Vec<T>,
    /// Whether the list goes on after the last item.
    pub more: bool,
}

impl<T> Slice<T> {
    /// Builds a slice of at most `limit` items out of up to `limit + 1` that were found.
    #[must_use]
    pub fn cut(mut items: Vec<T>, limit: usize) -> Self {
        let more = items.len() > limit;
        items.truncate(limit);
        Self { items, more }
    }
}

/// Where a list goes on whose items may move while it is read page by page.
///
/// The pages first follow the list's order. At its end they continue over what has moved since the first page was
/// read, in the order of ids, which do not change. So every item that existed throughout is on at least one page,
/// and the pages come to an end however often items move.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ListFrom<Anchor, Id> {
    /// The list's beginning.
    Start,
    /// After this item, in the list's order.
    After(Anchor),
    /// Only items that moved after a sequence, by id.
    Moved {
        /// How far the log was projected when the first page was read.
        since: Sequence,
        /// The last item seen.
        after: Option<Id>,
    },
}

impl<Anchor, Id> ListFrom<Anchor, Id> {
    /// The sequence after which something must have moved to be listed; 0 for everything.
    #[must_use]
    pub const fn since(&self) -> Sequence {
        match self {
            Self::Moved { since, .. } => *since,
            Self::Start | Self::After(_) => 0,
        }
    }
}

/// How much a changes query may find before it gives up and answers `complete: false`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bound {
    /// The number of items.
    pub items: usize,
    /// Bytes of all items together.
    pub bytes: usize,
}

/// What changed since a position.
#[derive(Debug, Clone, PartialEq)]
pub struct Changes<T> {
    /// The documents after their changes, oldest change first.
    pub items: Vec<T>,
    /// Whether these are all changes. If not, the items are an arbitrary part of them, and the caller must reload
    /// instead of resuming.
    pub complete: bool,
}

impl<T> Changes<T> {
    /// Changes out of up to `limit + 1` that were found.
    #[must_use]
    pub fn cut(mut items: Vec<T>, limit: usize) -> Self {
        let complete = items.len() <= limit;
        items.truncate(limit);
        Self { items, complete }
    }
}
