//! Single messages: posted, read, edited, deleted.

use schemas::commands::{Accepted, MessageOutcome};
use schemas::views::{Message, Page, ReadMarker, User};
use schemas::{MessageId, Rejection, RoomId, UserId};
use serde::Serialize;

use super::paging::{PageQuery, place};
use super::{access, rooms, shown};
use crate::cursor::List;
use crate::http::{Call, Done, Made, NoContent, Path, Query, Reply};
use crate::requests::Nothing;
use crate::requests::message::{MessageChange, NewMessage, deletion};
use crate::requests::receipt::ReadUpTo;
use crate::rereading::Unmoved;
use crate::{documents, failure, repeats};

/// A user who has read a message.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub(crate) struct Reader {
    /// The user's id.
    pub(crate) user_id: UserId,
    /// The user.
    pub(crate) user: User,
    /// The last message the user is seen to have read.
    pub(crate) message_id: MessageId,
}

pub(crate) async fn post(
    call: Call,
    Path(room_id): Path<RoomId>,
    body: NewMessage,
) -> Made<Message> {
    let accepted = call.send(&body.command(room_id)).await?;
    let created = !accepted.result.repeat;
    let reader = &call.caller()?.user_id;
    let (reader, site) = ((call.state.get_ref(), reader), &call.context.site);
    let message = repeats::shown(reader, site, vec![accepted.result]).await?.pop();
    let message = message.ok_or_else(Rejection::not_found)?;
    Ok(Reply::made(created, &message).at(accepted.position))
}

pub(crate) async fn one(call: Call, Path(id): Path<MessageId>) -> Done<Message> {
    Ok(Reply::ok(&whole(&call, &id).await?))
}

async fn whole(call: &Call, id: &MessageId) -> Result<Message, Rejection> {
    let (message, store) = access::message(call, id).await?;
    let shown = shown::messages(call, store.as_ref(), vec![message]).await?.pop();
    shown.ok_or_else(Rejection::not_found)
}

pub(crate) async fn edit(
    call: Call,
    Path(message_id): Path<MessageId>,
    body: MessageChange,
) -> Done<Message> {
    let accepted = call.send(&body.command(message_id)).await?;
    let id = accepted.result.message.id;
    // The whole message where the read model has it in time: number, answers, reactions.
    let read = match rooms::projected(&call, accepted.position.as_ref()).await {
        true => whole(&call, &id).await.ok(),
        false => None,
    };
    let message = match read {
        Some(message) => message,
        None => written(&call, accepted.result).await?,
    };
    Ok(Reply::ok(&message).at(accepted.position))
}

pub(crate) async fn delete(
    call: Call,
    Path(message_id): Path<MessageId>,
    body: Nothing,
) -> NoContent {
    let accepted = call.send(&deletion(body, message_id)).await?;
    Ok(Reply::no_content().at(accepted.position))
}

pub(crate) async fn mark_read(
    call: Call,
    Path(room_id): Path<RoomId>,
    body: ReadUpTo,
) -> Done<ReadMarker> {
    let user_id = call.caller()?.user_id;
    let Accepted { mut position, result } = call.send(&body.command(room_id)).await?;
    if position.is_none() {
        let unmoved = Unmoved { room: Some(&room_id), thread: None, at: &result };
        position = call.read_again(unmoved).await;
    }
    let marker = ReadMarker { user_id, message_id: result.message_id };
    Ok(Reply::ok(&marker).at(position))
}

/// Who has read a message, as far as they let others see it; its author is not listed.
pub(crate) async fn readers(
    call: Call,
    Query(query): Query<PageQuery>,
    Path(message_id): Path<MessageId>,
) -> Done<Page<Reader>> {
    let (message, store) = access::message(&call, &message_id).await?;
    let epoch = call.epoch();
    let list = List { epoch: &epoch, parts: vec!["readers", message.id.as_str()] };
    let after: Option<UserId> = place(&list, query.cursor.as_deref())?;
    let room: &RoomId = &message.room_id;
    let found = store.readers(room, message.number, after.as_ref(), query.limit.items()).await;
    let slice = found.map_err(failure::store)?;
    let last = slice.items.last().filter(|_| slice.more);
    let next_cursor = last.and_then(|doc| list.cursor(&doc.user_id));
    let people = call.state.users.get(slice.items.iter().map(|doc| &doc.user_id)).await?;
    let reader = |doc: readmodel::MembershipDoc| {
        let user = documents::user(people.get(&doc.user_id)?);
        Some(Reader { message_id: doc.receipt_message_id?, user_id: doc.user_id, user })
    };
    let others = slice.items.into_iter().filter(|doc| doc.user_id != message.sender_id);
    let items: Vec<Reader> = others.filter_map(reader).collect();
    Ok(Reply::ok(&Page { items, next_cursor }))
}

async fn written(call: &Call, outcome: MessageOutcome) -> Result<Message, Rejection> {
    let sender_id = outcome.message.sender_id;
    let senders = call.state.users.senders([&sender_id]).await?;
    let author = senders.of(&sender_id).under(&call.context.site);
    Ok(documents::written_message(outcome, author))
}
