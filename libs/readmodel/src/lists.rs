//! Parts of lists, as queries answer with them.

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
