//! Reactions to messages.

use schemas::MessageId;
use schemas::Sequence;
use schemas::values::Emoji;
use schemas::views::{Page, User};

use super::access;
use super::paging::{PageQuery, place};
use crate::cursor::List;
use crate::http::{Call, Done, NoContent, Path, Query, Reply};
use crate::requests::Nothing;
use crate::requests::reaction::ReactWith;
use crate::{documents, failure};

pub(crate) async fn add(
    call: Call,
    Path((message_id, emoji)): Path<(MessageId, Emoji)>,
    _: Nothing,
) -> NoContent {
    let accepted = call.send(&ReactWith { emoji }.added(message_id)).await?;
    Ok(Reply::no_content().at(accepted.position))
}

pub(crate) async fn remove(
    call: Call,
    Path((message_id, emoji)): Path<(MessageId, Emoji)>,
    _: Nothing,
) -> NoContent {
    let accepted = call.send(&ReactWith { emoji }.removed(message_id)).await?;
    Ok(Reply::no_content().at(accepted.position))
}

/// The first to react comes first.
pub(crate) async fn users(
    call: Call,
    Query(query): Query<PageQuery>,
    Path((message_id, emoji)): Path<(MessageId, Emoji)>,
) -> Done<Page<User>> {
    let (message, store) = access::message(&call, &message_id).await?;
    let epoch = call.epoch();
    let list =
        List { epoch: &epoch, parts: vec!["reactions", message.id.as_str(), emoji.as_str()] };
    let after: Option<Sequence> = place(&list, query.cursor.as_deref())?;
    let (after, limit) = (after.unwrap_or(0), query.limit.items());
    let found = store.reactions_of_kind(&message.id, &emoji, after, limit).await;
    let slice = found.map_err(failure::store)?;
    let last = slice.items.last().filter(|_| slice.more);
    let next_cursor = last.and_then(|doc| list.cursor(&doc.at));
    let people = call.state.users.get(slice.items.iter().map(|doc| &doc.user_id)).await?;
    let user = |doc: &readmodel::ReactionDoc| Some(documents::user(people.get(&doc.user_id)?));
    let items: Vec<User> = slice.items.iter().filter_map(user).collect();
    Ok(Reply::ok(&Page { items, next_cursor }))
}
