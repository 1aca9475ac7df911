//! Single messages: said, read, changed, taken back.

use schemas::commands::{DeleteMessage, EditMessage, MarkRead, MessageOutcome, PostMessage};
use schemas::values::{Body, ClientId, Format};
use schemas::views::{Message, Page, ReadMarker, User};
use schemas::{MediaId, MessageId, Rejection, RoomId, UserId};
use serde::Serialize;

use super::paging::{Nothing, PageQuery, place};
use super::{access, rooms};
use crate::cursor::List;
use crate::http::{Answer, Call, Outcome, shape};
use crate::{documents, failure, repeats};

shape! {
    /// Something to say.
    NewMessage {
        /// What the client calls it. A repeat by the same sender in the same room writes nothing: with the same
        /// body, format, attachments and thread it is answered (200) with the message as it is now, with others
        /// it is refused (422 `idempotency_mismatch`).
        client_id: Option<ClientId>,
        /// 1 to 8,000 characters, something visible among them. Kept in Normalization Form C, line ends as LF.
        body: Body,
        /// How to read it; `plain` when absent.
        format: Option<Format>,
        /// Files of the caller; at most 10.
        attachments: Option<Vec<MediaId>>,
        /// The message that began the thread.
        thread_root_id: Option<MessageId>,
    }
    /// A new text.
    MessageChange {
        /// 1 to 8,000 characters, something visible among them. Kept in Normalization Form C, line ends as LF.
        body: Body,
    }
    /// How far the caller has read.
    ReadUpTo {
        /// The last message read.
        message_id: MessageId,
    }
}

/// Somebody who has read a message.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub(crate) struct Reader {
    /// Who.
    pub(crate) user_id: UserId,
    /// The same with his name.
    pub(crate) user: User,
    /// The last message he has read.
    pub(crate) message_id: MessageId,
}

pub(crate) async fn post(call: Call) -> Outcome {
    let room_id = call.id("room_id")?;
    let body: NewMessage = call.body()?;
    let command = PostMessage {
        room_id,
        client_id: body.client_id,
        body: body.body,
        format: body.format.unwrap_or_default(),
        attachments: body.attachments.unwrap_or_default(),
        thread_root_id: body.thread_root_id,
    };
    let accepted = call.send(&command).await?;
    let created = !accepted.result.repeat;
    let message = repeats::shown(&call.state, vec![accepted.result]).await?.pop();
    let message = message.ok_or_else(Rejection::not_found)?;
    Ok(Answer::made(created, &message).at(accepted.position))
}

pub(crate) async fn one(call: Call) -> Outcome {
    let id = call.id("message_id")?;
    Ok(Answer::ok(&whole(&call, &id).await?))
}

async fn whole(call: &Call, id: &MessageId) -> Result<Message, Rejection> {
    let (message, _) = access::message(call, id).await?;
    let senders = call.state.people.senders([&message.sender_id]).await?;
    let sender = senders.of(&message.sender_id);
    Ok(documents::message(message, sender, &call.epoch()))
}

pub(crate) async fn edit(call: Call) -> Outcome {
    let message_id = call.id("message_id")?;
    let MessageChange { body } = call.body()?;
    let accepted = call.send(&EditMessage { message_id, body }).await?;
    let id = accepted.result.message.id.clone();
    // The whole message where the read model has it in time: number, answers, reactions.
    let read = match rooms::projected(&call, accepted.position.as_ref()).await {
        true => whole(&call, &id).await.ok(),
        false => None,
    };
    let message = match read {
        Some(message) => message,
        None => written(&call, accepted.result).await?,
    };
    Ok(Answer::ok(&message).at(accepted.position))
}

pub(crate) async fn delete(call: Call) -> Outcome {
    let message_id = call.id("message_id")?;
    call.body::<Nothing>()?;
    let accepted = call.send(&DeleteMessage { message_id }).await?;
    Ok(Answer::nothing().at(accepted.position))
}

pub(crate) async fn mark_read(call: Call) -> Outcome {
    let room_id = call.id("room_id")?;
    let ReadUpTo { message_id } = call.body()?;
    let user_id = call.caller()?.user_id.clone();
    let accepted = call.send(&MarkRead { room_id, message_id }).await?;
    let marker = ReadMarker { user_id, message_id: accepted.result.message_id };
    Ok(Answer::ok(&marker).at(accepted.position))
}

/// Who has read a message; its author is not listed.
pub(crate) async fn readers(call: Call) -> Outcome {
    let query: PageQuery = call.query()?;
    let (message, store) = access::message(&call, &call.id("message_id")?).await?;
    let epoch = call.epoch();
    let list = List { epoch: &epoch, parts: vec!["readers", message.id.as_str()] };
    let after: Option<UserId> = place(&list, query.cursor.as_deref())?;
    let room: &RoomId = &message.room_id;
    let found = store.readers(room, message.number, after.as_ref(), query.limit.items()).await;
    let slice = found.map_err(failure::store)?;
    let last = slice.items.last().filter(|_| slice.more);
    let next_cursor = last.and_then(|doc| list.cursor(&doc.user_id));
    let people = call.state.people.get(slice.items.iter().map(|doc| &doc.user_id)).await?;
    let reader = |doc: readmodel::MembershipDoc| {
        let user = documents::user(people.get(&doc.user_id)?);
        Some(Reader { message_id: doc.marker_message_id?, user_id: doc.user_id, user })
    };
    let others = slice.items.into_iter().filter(|doc| doc.user_id != message.sender_id);
    let items: Vec<Reader> = others.filter_map(reader).collect();
    Ok(Answer::ok(&Page { items, next_cursor }))
}

async fn written(call: &Call, outcome: MessageOutcome) -> Result<Message, Rejection> {
    let sender_id = outcome.message.sender_id.clone();
    let senders = call.state.people.senders([&sender_id]).await?;
    Ok(documents::written_message(outcome, senders.of(&sender_id)))
}
