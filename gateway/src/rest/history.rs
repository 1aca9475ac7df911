//! The messages of a room or a thread, page by page.

use readmodel::{Anchor, MessageDoc, ReadStore, StoreError, Threads};
use schemas::views::{Message, Page};
use schemas::{Code, MessageId, Rejection, RoomId};
use serde::{Deserialize, Serialize};

use super::{access, shown};
use crate::cursor::List;
use crate::failure;
use crate::http::{Call, Done, Limit, Path, Query, Reply, shape};
use crate::recent::{Known, Recent};
use crate::state::AppState;

shape! {
    /// Which part of a room's history: the newest messages, or those around one anchor.
    HistoryQuery {
        /// An anchor: the messages just before this one.
        before: Option<MessageId>,
        /// An anchor: the messages just after this one.
        after: Option<MessageId>,
        /// An anchor: this message in the middle, with more on one side where the other ends.
        around: Option<MessageId>,
        /// Only the answers in the thread that this message began.
        thread: Option<MessageId>,
        /// `false` leaves out the answers in threads; otherwise they are listed with the rest.
        threads: Option<bool>,
        /// Accepted and without effect: recent and archived messages are always read alike.
        #[expect(dead_code, reason = "clients cannot tell where messages lie: both ways read the same")]
        archived: Option<bool>,
        /// How many messages: 1 to 200. Defaults to 50.
        #[schemars(with = "Option<u32>", range(min = 1, max = 200))]
        limit: Limit,
        /// `next_cursor` of the previous page, instead of an anchor.
        cursor: Option<String>,
    }
}

/// Where a page goes on, and in which direction.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
enum Onward {
    Before(u64),
    After(u64),
}

/// Oldest first within a page. `next_cursor` goes on into the past, or after `after` towards the present.
pub(crate) async fn list(
    call: Call,
    Query(query): Query<HistoryQuery>,
    Path(room): Path<RoomId>,
) -> Done<Page<Message>> {
    // Before the right to read is looked up: what is read must not be older than that.
    let known = Known::of(&call.state.read_model);
    let seen = access::joined(&call, &room).await?;
    let store = seen.store.as_ref();
    let thread = query.thread.as_ref();
    if let Some(root) = thread {
        number_in(store, &room, root).await?;
    }
    let epoch = call.epoch();
    let threads = if query.threads == Some(false) { Threads::LeftOut } else { Threads::Shown };
    let scope = match (thread, threads) {
        (Some(root), _) => root.as_str(),
        (None, Threads::LeftOut) => "main",
        (None, Threads::Shown) => "",
    };
    let list = List { epoch: &epoch, parts: vec!["history", room.as_str(), scope] };
    let anchor = anchor(store, &room, &query, &list).await?;
    let limit = query.limit.items();
    // One more than asked for tells whether the history goes on.
    let ask = if matches!(anchor, Anchor::Around(_)) { limit } else { limit + 1 };
    let found = match (thread, anchor) {
        (Some(root), _) => store.thread(root, anchor, ask).await,
        (None, Anchor::Latest) => newest(&call, &seen, known, threads, ask).await,
        (None, Anchor::Before(_) | Anchor::After(_) | Anchor::Around(_)) => {
            store.timeline(&room, threads, anchor, ask).await
        }
    };
    let (docs, onward) = cut(found.map_err(failure::store)?, anchor, limit);
    let next_cursor = onward.and_then(|onward| list.cursor(&onward));
    Ok(Reply::ok(&Page { items: shown::messages(&call, store, docs).await?, next_cursor }))
}

/// The newest messages of a room, from memory when they are known there.
async fn newest(
    call: &Call,
    seen: &access::Seen,
    known: Option<Known>,
    threads: Threads,
    ask: usize,
) -> Result<Vec<MessageDoc>, StoreError> {
    let AppState { recent, hub, .. } = call.state.as_ref();
    let room = &seen.room.state.id;
    if let Some(docs) = recent.newest(hub, known.as_ref(), (room, threads), ask) {
        return Ok(docs);
    }
    let load = Recent::to_load(ask);
    let mut docs = seen.store.timeline(room, threads, Anchor::Latest, load).await?;
    recent.loaded(known, (&seen.room, threads), &docs, load);
    Ok(docs.split_off(docs.len().saturating_sub(ask)))
}

async fn anchor(
    store: &dyn ReadStore,
    room: &RoomId,
    query: &HistoryQuery,
    list: &List<'_>,
) -> Result<Anchor, Rejection> {
    let HistoryQuery { before, after, around, cursor, .. } = query;
    let number = |id| number_in(store, room, id);
    match (before, after, around, cursor) {
        (None, None, None, None) => Ok(Anchor::Latest),
        (Some(id), None, None, None) => Ok(Anchor::Before(number(id).await?)),
        (None, Some(id), None, None) => Ok(Anchor::After(number(id).await?)),
        (None, None, Some(id), None) => Ok(Anchor::Around(number(id).await?)),
        (None, None, None, Some(cursor)) => Ok(match list.place(cursor)? {
            Onward::Before(number) => Anchor::Before(number),
            Onward::After(number) => Anchor::After(number),
        }),
        _ => {
            let detail = "give at most one of before, after, around and cursor";
            Err(Rejection::field(Code::ValidationFailed, "?before", "conflict", detail))
        }
    }
}

/// The number of a message in this room. One of another room does not exist here.
async fn number_in(store: &dyn ReadStore, room: &RoomId, id: &MessageId) -> Result<u64, Rejection> {
    let found = store.message(id).await.map_err(failure::store)?;
    let found = found.filter(|message| message.room_id == *room);
    found.map(|message| message.number).ok_or_else(Rejection::not_found)
}

/// Takes the one too many away, at the end the history goes on at.
fn cut(
    mut docs: Vec<MessageDoc>,
    anchor: Anchor,
    limit: usize,
) -> (Vec<MessageDoc>, Option<Onward>) {
    if docs.len() <= limit || matches!(anchor, Anchor::Around(_)) {
        return (docs, None);
    }
    if matches!(anchor, Anchor::After(_)) {
        docs.truncate(limit);
        let last = docs.last().map(|doc| Onward::After(doc.number));
        return (docs, last);
    }
    let page = docs.split_off(docs.len() - limit);
    let first = page.first().map(|doc| Onward::Before(doc.number));
    (page, first)
}
