//! Parts of lists, as queries answer with them.

use schemas::position::Sequence;

/// A bounded part of a list.
#[derive(Debug, Clone, PartialEq)]
pub struct Slice<T> {
    /// The items, in the list's order.
    pub items: Vec<T>,
    /// Whether the list goes on after the last item.
    pub more: bool,
}

impl<T> Slice<T> {
    /// Makes a slice of at most `limit` items out of up to `limit + 1` that were found.
    #[must_use]
    pub fn cut(mut items: Vec<T>, limit: usize) -> Self {
        let more = items.len() > limit;
        items.truncate(limit);
        Self { items, more }
    }
}

/// Where a list goes on whose items may move while it is read page by page.
///
/// Its pages first follow the list's order. When they have come to its end, they go on over what has moved since
/// the first page was read, in the order of ids, which do not change: so whatever was there all the time is
/// on a page at least once, and the pages come to an end however often things move.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ListFrom<Anchor, Id> {
    /// The list's beginning.
    Start,
    /// After this item, in the list's order.
    After(Anchor),
    /// Only what has moved after a sequence, by id; after this one.
    Moved {
        /// How far the log was projected when the list was begun.
        since: Sequence,
        /// The last one seen.
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

/// How much a changes query may find before it gives up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bound {
    /// Items.
    pub items: usize,
    /// Bytes of all of them.
    pub bytes: usize,
}

/// What changed since a position.
#[derive(Debug, Clone, PartialEq)]
pub struct Changes<T> {
    /// The documents after their changes, oldest change first.
    pub items: Vec<T>,
    /// Whether these are all. When not, the items are an arbitrary part: the asker must start anew.
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
