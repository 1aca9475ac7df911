//! Decisions about messages and read markers.

use decider::Fact;
use schemas::commands::PostMessage;
use schemas::events::{
    MediaFile, MessageDeleted, MessageEdited, MessagePosted, MessageState, ReadMoved,
};
use schemas::ids::{MessageId, RoomId, UserId};
use schemas::values::{Body, ClientId, Role, RoomMention, RoomRole};
use schemas::{Lane, Sequence};

use super::{Message, MessageRejection};
use crate::domain::Context;
use crate::domain::access::Standing;

/// A message to be posted, with what was found out about it.
#[derive(Debug, Clone)]
pub struct NewMessage<'a> {
    /// What it will be called.
    pub id: &'a MessageId,
    /// What was asked for.
    pub command: &'a PostMessage,
    /// What makes it unrepeatable.
    pub client_id: Option<&'a ClientId>,
    /// The members it names.
    pub mentions: Vec<UserId>,
    /// Whether it calls the room.
    pub mentions_room: Option<RoomMention>,
    /// The files that are attached.
    pub files: Vec<MediaFile>,
}

/// Says something in a room.
///
/// # Errors
/// See [`MessageRejection`].
pub fn post(
    standing: &Standing<'_>,
    new: NewMessage<'_>,
    cx: &Context,
) -> Result<MessageState, MessageRejection> {
    standing.may_post(new.command.thread_root_id.is_some(), cx.now)?;
    if new.command.body.is_none() && new.files.is_empty() {
        return Err(MessageRejection::NothingToSee);
    }
    Ok(MessageState {
        id: *new.id,
        room_id: standing.room.id,
        sender_id: cx.actor,
        client_id: new.client_id.cloned(),
        body: new.command.body.clone(),
        format: new.command.format,
        attachments: new.files.iter().map(|file| file.id).collect(),
        files: new.files,
        mentions: new.mentions,
        mentions_room: new.mentions_room,
        thread_root_id: new.command.thread_root_id,
        created_at: cx.now,
    })
}

/// Whether `@room` and `@here` of this person call a room of any size: the room's admins may, in a room of
/// everybody the installation's.
#[must_use]
pub fn calls_by_right(standing: &Standing<'_>) -> bool {
    if standing.room.everyone {
        return standing.is_present() && standing.person.role == Role::Admin;
    }
    standing.at_least(RoomRole::Admin).is_ok()
}

/// The event of a message that was decided; `private`: its author does not want others to see how far they have read.
#[must_use]
pub fn posted(message: MessageState, private: bool) -> Fact {
    Fact::new(Lane::Timeline(message.room_id), MessagePosted { message, private })
}

/// Whether a message can begin a thread in the room.
///
/// # Errors
/// [`MessageRejection::NoSuchThread`] for none and another room's; [`MessageRejection::Deleted`];
/// [`MessageRejection::NestedThread`] for an answer.
pub fn thread_root(
    standing: &Standing<'_>,
    root: Option<&Message>,
) -> Result<(), MessageRejection> {
    let root = root
        .filter(|root| root.state.room_id == standing.room.id)
        .ok_or(MessageRejection::NoSuchThread)?;
    root.stands()?;
    if root.state.thread_root_id.is_some() {
        return Err(MessageRejection::NestedThread);
    }
    Ok(())
}

/// The caller must be allowed to change the words of a message.
///
/// # Errors
/// See [`MessageRejection`].
pub fn may_edit(
    standing: &Standing<'_>,
    message: &Message,
    cx: &Context,
) -> Result<(), MessageRejection> {
    standing.role()?;
    message.is_left()?;
    if message.state.sender_id != cx.actor {
        return Err(MessageRejection::NotTheAuthor);
    }
    standing.may_write(cx.now)?;
    message.stands()?;
    if message.archived { Err(MessageRejection::Archived) } else { Ok(()) }
}

/// Changes the words of a message; everything else of it stays.
///
/// # Errors
/// See [`MessageRejection`].
pub fn edit(
    standing: &Standing<'_>,
    message: &Message,
    body: &Body,
    named: (Vec<UserId>, Option<RoomMention>),
    cx: &Context,
) -> Result<Fact, MessageRejection> {
    may_edit(standing, message, cx)?;
    if body.is_none() && message.state.attachments.is_empty() {
        return Err(MessageRejection::NothingToSee);
    }
    let (mentions, mentions_room) = named;
    let after =
        MessageState { body: body.clone(), mentions, mentions_room, ..message.state.clone() };
    let event = MessageEdited { message: after, posted: message.posted, edited_at: cx.now };
    Ok(Fact::new(Lane::Timeline(standing.room.id), event))
}

/// Takes a message back; nothing happens when it is deleted already. Allowed in archived rooms, and to the
/// muted with their own: it only takes away.
///
/// # Errors
/// See [`MessageRejection`].
pub fn delete(
    standing: &Standing<'_>,
    message: &Message,
    cx: &Context,
) -> Result<Option<Fact>, MessageRejection> {
    let role = standing.role()?;
    message.is_left()?;
    let own = message.state.sender_id == cx.actor;
    let moderates = standing.person.role >= Role::Moderator || role >= RoomRole::Admin;
    if !own && !moderates {
        return Err(MessageRejection::NotYours);
    }
    if !own && standing.person.role < Role::Moderator {
        standing.not_muted(cx.now)?;
    }
    if message.deleted {
        return Ok(None);
    }
    let event = MessageDeleted {
        message_id: message.state.id,
        room_id: message.state.room_id,
        sender_id: message.state.sender_id,
        posted: message.posted,
        thread_root_id: message.state.thread_root_id,
        created_at: message.state.created_at,
        deleted_at: cx.now,
        reason: None,
    };
    Ok(Some(Fact::new(Lane::Timeline(standing.room.id), event)))
}

/// Whether a post says what an earlier one said under the same client id.
#[must_use]
pub fn is_repeat_of(first: &MessageState, command: &PostMessage) -> bool {
    first.body == command.body
        && first.format == command.format
        && first.attachments == command.attachments
        && first.thread_root_id == command.thread_root_id
}

/// A message a user has read up to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UpTo<'a> {
    /// The message up to which was read.
    pub message_id: &'a MessageId,
    /// Where it was said.
    pub room_id: &'a RoomId,
    /// Where it was posted.
    pub posted: Sequence,
}

/// Moves the caller's read marker to a message of the room, forwards only: nothing happens when it is
/// there or further already.
///
/// # Errors
/// See [`MessageRejection`].
pub fn mark_read(
    standing: &Standing<'_>,
    up_to: &UpTo<'_>,
    marker: Sequence,
    cx: &Context,
) -> Result<Option<Fact>, MessageRejection> {
    standing.role()?;
    if *up_to.room_id != standing.room.id {
        return Err(MessageRejection::NoSuchMessage);
    }
    if up_to.posted <= marker {
        return Ok(None);
    }
    let event = ReadMoved {
        room_id: standing.room.id,
        user_id: cx.actor,
        message_id: *up_to.message_id,
        posted: up_to.posted,
        private: !standing.person.read_receipts,
    };
    Ok(Some(Fact::new(Lane::Receipts(standing.room.id), event)))
}

/// The message, its room and the caller, as the event of what the caller adds to it names them.
#[must_use]
pub fn added_to(message: &Message, cx: &Context) -> (MessageId, RoomId, UserId) {
    (message.state.id, message.state.room_id, cx.actor)
}
