//! What a message said before it was edited.

use readmodel::{HistoryDoc, MessageDoc, ReadStore, Slice};
use schemas::views::{MessageText, Page};
use schemas::{MessageId, Rejection};

use super::access;
use super::paging::{PageQuery, place};
use crate::cursor::List;
use crate::failure;
use crate::http::{Call, Done, Path, Query, Reply};

/// Times a message is read anew that is edited while it is read.
const TRIES: usize = 3;

/// The oldest text comes first, the present one last.
pub(crate) async fn list(
    call: Call,
    Query(query): Query<PageQuery>,
    Path(message_id): Path<MessageId>,
) -> Done<Page<MessageText>> {
    let (message, store) = access::message(&call, &message_id).await?;
    let (message, history) = together(store.as_ref(), message).await?;
    if message.deleted_at.is_some() {
        return Err(Rejection::not_found());
    }
    let epoch = call.epoch();
    let list = List { epoch: &epoch, parts: vec!["texts", message.id.as_str()] };
    let after: Option<u64> = place(&list, query.cursor.as_deref())?;
    let (former, dropped) = history.map(|doc| (doc.texts, doc.dropped)).unwrap_or_default();
    let former = former.into_iter().map(|text| (text.body, text.since));
    let present = (message.body, message.edited_at.unwrap_or(message.created_at));
    // Counted from the message's first text on, so that a place stays one when old texts go.
    let numbered = (dropped + 1..).zip(former.chain([present]));
    let further = numbered.filter(|(number, _)| after.is_none_or(|after| *number > after));
    let slice = Slice::cut(further.collect(), query.limit.items());
    let last = slice.items.last().filter(|_| slice.more);
    let next_cursor = last.and_then(|(number, _)| list.cursor(number));
    let text = |(_, (body, edited_at))| MessageText { body, edited_at };
    let items: Vec<MessageText> = slice.items.into_iter().map(text).collect();
    Ok(Reply::ok(&Page { items, next_cursor }))
}

/// A message and its former texts as of one moment: an edit in between would show a text twice.
async fn together(
    store: &dyn ReadStore,
    mut message: MessageDoc,
) -> Result<(MessageDoc, Option<HistoryDoc>), Rejection> {
    let mut history = None;
    for _ in 0..TRIES {
        history = store.history(&message.id).await.map_err(failure::store)?;
        if history.as_ref().is_none_or(|history: &HistoryDoc| history.updated <= message.changed) {
            break;
        }
        let found = store.message(&message.id).await.map_err(failure::store)?;
        message = found.ok_or_else(Rejection::not_found)?;
    }
    Ok((message, history))
}
