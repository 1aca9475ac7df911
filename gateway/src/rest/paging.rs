//! Pages of lists, and the query every list has.

use readmodel::Slice;
use schemas::Rejection;
use schemas::views::Page;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::cursor::List;
use crate::edge::{Limit, shape};

shape! {
    /// The query of a list without filters.
    PageQuery {
        /// How many items: 1 to 200, 50 when absent.
        #[schemars(with = "Option<u32>", range(min = 1, max = 200))]
        limit: Limit,
        /// `next_cursor` of the former page.
        cursor: Option<String>,
    }
    /// No body.
    Nothing {}
}

/// The place a list goes on at, if the query has a cursor.
///
/// # Errors
/// `validation_failed` when it is not a cursor of this list.
pub(crate) fn place<T: DeserializeOwned>(
    list: &List<'_>,
    cursor: Option<&str>,
) -> Result<Option<T>, Rejection> {
    cursor.map(|cursor| list.place(cursor)).transpose()
}

/// A page out of a slice; `last` gives the place of an item.
pub(crate) fn page<D, V, P: Serialize>(
    list: &List<'_>,
    slice: Slice<D>,
    last: impl FnOnce(&D) -> P,
    view: impl FnMut(D) -> V,
) -> Page<V> {
    let more = slice.items.last().filter(|_| slice.more);
    let next_cursor = more.and_then(|item| list.cursor(&last(item)));
    Page { items: slice.items.into_iter().map(view).collect(), next_cursor }
}

/// A list that fits on one page.
pub(crate) const fn whole<V>(items: Vec<V>) -> Page<V> {
    Page { items, next_cursor: None }
}
