//! Pinned messages.

use std::collections::HashMap;

use readmodel::{MessageDoc, Pin, Slice};
use schemas::views::{Message, Page};
use schemas::{MessageId, RoomId, Sequence};

use super::paging::{PageQuery, place};
use super::{access, shown};
use crate::cursor::List;
use crate::failure;
use crate::http::{Call, Done, NoContent, Path, Query, Reply};
use crate::requests::{Nothing, pin};

pub(crate) async fn add(call: Call, Path(message_id): Path<MessageId>, body: Nothing) -> NoContent {
    let accepted = call.send(&pin::pinned(body, message_id)).await?;
    Ok(Reply::no_content().at(accepted.position))
}

pub(crate) async fn remove(
    call: Call,
    Path(message_id): Path<MessageId>,
    body: Nothing,
) -> NoContent {
    let accepted = call.send(&pin::unpinned(body, message_id)).await?;
    Ok(Reply::no_content().at(accepted.position))
}

/// The newest pin comes first.
pub(crate) async fn list(
    call: Call,
    Query(query): Query<PageQuery>,
    Path(room): Path<RoomId>,
) -> Done<Page<Message>> {
    let seen = access::joined(&call, &room).await?;
    let store = seen.store.as_ref();
    let epoch = call.epoch();
    let list = List { epoch: &epoch, parts: vec!["pins", room.as_str()] };
    let before: Option<Sequence> = place(&list, query.cursor.as_deref())?;
    let pins = store.pins(&room).await.map_err(failure::store)?;
    let further = pins.into_iter().rev().filter(|pin| before.is_none_or(|at| pin.at < at));
    let slice: Slice<Pin> = Slice::cut(further.collect(), query.limit.items());
    let last = slice.items.last().filter(|_| slice.more);
    let next_cursor = last.and_then(|pin| list.cursor(&pin.at));
    let ids: Vec<MessageId> = slice.items.into_iter().map(|pin| pin.message_id).collect();
    let found = store.messages(&ids).await.map_err(failure::store)?;
    let mut by_id: HashMap<MessageId, MessageDoc> =
        found.into_iter().map(|doc| (doc.id, doc)).collect();
    // One that was unpinned or deleted since the list was read is not pinned any more.
    let pinned = ids.iter().filter_map(|id| by_id.remove(id)).filter(|doc| doc.pinned > 0);
    let items = shown::messages(&call, store, pinned.collect()).await?;
    Ok(Reply::ok(&Page { items, next_cursor }))
}
