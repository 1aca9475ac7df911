//! Pages of lists, and the query every list has.

use readmodel::{ListFrom, Slice};
use schemas::views::Page;
use schemas::{Rejection, Sequence};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::cursor::List;
use crate::http::{Limit, shape};

shape! {
    /// The query of a list without filters.
    PageQuery {
        /// How many items: 1 to 200. Defaults to 50.
        #[schemars(with = "Option<u32>", range(min = 1, max = 200))]
        limit: Limit,
        /// `next_cursor` of the previous page.
        cursor: Option<String>,
    }
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

/// Where a list goes on whose items may move while it is paged through; see [`ListFrom`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Moving<A, I> {
    /// In its order after an item; `since` is how far the log was projected when the list was begun.
    After { since: Sequence, anchor: A },
    /// Over what has moved since, by id, after this one.
    Moved { since: Sequence, after: Option<I> },
}

impl<A: Clone, I: Clone> Moving<A, I> {
    fn from(place: Option<&Self>) -> ListFrom<A, I> {
        match place {
            None => ListFrom::Start,
            Some(Self::After { anchor, .. }) => ListFrom::After(anchor.clone()),
            Some(Self::Moved { since, after }) => {
                ListFrom::Moved { since: *since, after: after.clone() }
            }
        }
    }
}

/// Reads a page of such a list: `ask` reads a part of it, `key` gives the place and the id of an item, and
/// `since` is how far the log was projected before the first page was read.
///
/// # Errors
/// Those of `ask`.
pub(crate) async fn moving<D, A: Clone, I: Clone>(
    place: Option<Moving<A, I>>,
    since: Sequence,
    limit: usize,
    mut ask: impl AsyncFnMut(ListFrom<A, I>, usize) -> Result<Slice<D>, Rejection>,
    key: impl Fn(&D) -> (A, I),
) -> Result<(Vec<D>, Option<Moving<A, I>>), Rejection> {
    let Slice { mut items, more } = ask(Moving::from(place.as_ref()), limit).await?;
    let last = items.last().filter(|_| more).map(&key);
    let since = match (place, last) {
        // All of it in one look: nothing can have moved between two.
        (None, None) => return Ok((items, None)),
        (None, Some((anchor, _))) => return Ok((items, Some(Moving::After { since, anchor }))),
        (Some(Moving::After { since, .. }), Some((anchor, _))) => {
            return Ok((items, Some(Moving::After { since, anchor })));
        }
        (Some(Moving::Moved { since, .. }), last) => {
            let onward = last.map(|(_, id)| Moving::Moved { since, after: Some(id) });
            return Ok((items, onward));
        }
        (Some(Moving::After { since, .. }), None) => since,
    };
    let room = limit.saturating_sub(items.len());
    let moved = ask(ListFrom::Moved { since, after: None }, room.max(1)).await?;
    if room == 0 {
        let onward = (!moved.items.is_empty()).then_some(Moving::Moved { since, after: None });
        return Ok((items, onward));
    }
    let last = moved.items.last().filter(|_| moved.more).map(|item| key(item).1);
    items.extend(moved.items);
    Ok((items, last.map(|id| Moving::Moved { since, after: Some(id) })))
}

/// A list that fits on one page.
pub(crate) const fn whole<V>(items: Vec<V>) -> Page<V> {
    Page { items, next_cursor: None }
}
