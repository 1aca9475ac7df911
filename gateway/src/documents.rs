//! Documents of the read model, and what commands answer, as the views clients are given.

use readmodel::{MembershipDoc, MessageDoc, RoomDoc, Unread};
use schemas::commands::MessageOutcome;
use schemas::events::{MediaFile, MemberState, MessageDeleted, MessageState, RoomState, UserState};
use schemas::ids::{MessageId, RoomId, UserId};
use schemas::values::{Format, Role, RoomMention, RoomRole};
use schemas::views::{Account, BannedUser, Member, Membership, Message, Reaction, Room, User};
use schemas::{Epoch, Position, Timestamp};

use crate::links::Author;

/// A user as every user sees them.
#[must_use]
pub(crate) fn user(state: &UserState) -> User {
    state.into()
}

/// A user as they and admins see them.
#[must_use]
pub(crate) fn account(state: &UserState) -> Account {
    state.into()
}

/// What a message says, whatever says it: a document, an event or the answer to a command.
pub(crate) struct Content {
    id: MessageId,
    room_id: RoomId,
    client_id: Option<String>,
    body: String,
    format: Format,
    files: Vec<MediaFile>,
    mentions: Vec<UserId>,
    mentions_room: Option<RoomMention>,
    thread_root_id: Option<MessageId>,
    created_at: Timestamp,
}

impl From<MessageState> for Content {
    fn from(message: MessageState) -> Self {
        Self {
            id: message.id,
            room_id: message.room_id,
            client_id: message.client_id.map(Into::into),
            body: message.body.into(),
            format: message.format,
            files: message.files,
            mentions: message.mentions,
            mentions_room: message.mentions_room,
            thread_root_id: message.thread_root_id,
            created_at: message.created_at,
        }
    }
}

impl From<&MessageState> for Content {
    fn from(message: &MessageState) -> Self {
        message.clone().into()
    }
}

impl From<MessageDoc> for Content {
    fn from(message: MessageDoc) -> Self {
        Self {
            id: message.id,
            room_id: message.room_id,
            client_id: message.client_id.map(Into::into),
            body: message.body,
            format: message.format,
            files: message.files,
            mentions: message.mentions,
            mentions_room: message.mentions_room,
            thread_root_id: message.thread_root_id,
            created_at: message.created_at,
        }
    }
}

/// Nothing is left of what it said.
impl From<&MessageDeleted> for Content {
    fn from(deleted: &MessageDeleted) -> Self {
        Self {
            id: deleted.message_id,
            room_id: deleted.room_id,
            client_id: None,
            body: String::new(),
            format: Format::default(),
            files: Vec::new(),
            mentions: Vec::new(),
            mentions_room: None,
            thread_root_id: deleted.thread_root_id,
            created_at: deleted.created_at,
        }
    }
}

/// A message as it was posted at a position: the one place that makes the view. `replies` are the answers it has; none
/// where what others have added to it (answers, reactions, a pin) is not known.
#[must_use]
pub(crate) fn message_view(
    content: impl Into<Content>,
    author: Author,
    position: Position,
    replies: Option<u64>,
) -> Message {
    let (content, Author { sender, links }, now) = (content.into(), author, Timestamp::now());
    // Their name for it goes with them, also where a page was loaded before.
    let client_id = content.client_id.filter(|_| !sender.is_erased());
    Message {
        id: content.id,
        room_id: content.room_id,
        number: None,
        sender,
        client_id,
        body: content.body,
        format: content.format,
        attachments: content.files.iter().map(|file| links.media(file, now)).collect(),
        mentions: content.mentions,
        mentions_room: content.mentions_room,
        thread_root_id: content.thread_root_id,
        reply_count: replies,
        last_reply_at: None,
        reactions: replies.map(|_| Vec::new()),
        pinned: replies.map(|_| false),
        created_at: content.created_at,
        edited_at: None,
        deleted_at: None,
        position,
    }
}

/// A message without what others have added to it and without its number: what an edit tells of it.
#[must_use]
pub(crate) fn text_of(message: Message) -> Message {
    Message {
        number: None,
        reply_count: None,
        last_reply_at: None,
        reactions: None,
        pinned: None,
        ..message
    }
}

/// A message as a read gives it.
#[must_use]
pub(crate) fn message(
    doc: MessageDoc,
    reactions: Vec<Reaction>,
    author: Author,
    epoch: &Epoch,
) -> Message {
    let pinned = Some(doc.pinned > 0);
    let (number, replies, position) = (doc.number, doc.reply_count, epoch.at(doc.posted));
    let (edited_at, deleted_at, last_reply_at) = (doc.edited_at, doc.deleted_at, doc.last_reply_at);
    let erased = deleted_at.is_some() && author.sender.is_erased();
    let view = message_view(doc, author, position, Some(replies));
    // Nor is it known any more how they wrote it, also where a page was loaded before.
    let format = if erased { Format::default() } else { view.format };
    let (number, reactions) = (Some(number), Some(reactions));
    Message { number, reactions, pinned, last_reply_at, edited_at, deleted_at, format, ..view }
}

/// A message as the answer to a write gives it: its number is not counted yet. What a write does not know
/// of an older message (edited, or posted again) is null.
#[must_use]
pub(crate) fn written_message(outcome: MessageOutcome, author: Author) -> Message {
    let MessageOutcome { message, posted, edited_at, repeat, .. } = outcome;
    let fresh = edited_at.is_none() && !repeat;
    Message { edited_at, ..message_view(message, author, posted, fresh.then_some(0)) }
}

/// The reader's own membership of a room, and what it takes to show it.
pub(crate) struct Own<'a> {
    pub(crate) membership: &'a MembershipDoc,
    pub(crate) unread: Unread,
    /// What the reader's account may do everywhere.
    pub(crate) role: Role,
    pub(crate) now: Timestamp,
}

/// A room as a read gives it to a user.
#[must_use]
pub(crate) fn room(doc: &RoomDoc, own: Option<Own<'_>>, last_message: Option<Message>) -> Room {
    let own = own.filter(|own| own.membership.present && !own.membership.banned);
    Room {
        member_count: Some(doc.member_count),
        message_count: Some(doc.message_count()),
        last_message,
        membership: own.map(|own| membership_in(doc, &own)),
        ..written_room(&doc.state)
    }
}

/// A room as a command's outcome shows it, when the read model does not know it yet.
#[must_use]
pub(crate) fn written_room(state: &RoomState) -> Room {
    Room {
        id: state.id,
        kind: state.kind,
        name: state.name.as_ref().map(ToString::to_string),
        topic: state.topic.as_ref().map(ToString::to_string),
        visibility: state.visibility,
        created_at: state.created_at,
        member_count: None,
        message_count: None,
        last_message: None,
        membership: None,
        retention_days: state.retention_days,
        posting: state.posting,
        slow_mode_seconds: state.slow_mode_seconds,
        archived: state.archived,
    }
}

/// What a member may do in a room. In one that every user belongs to the installation's admins and moderators are its
/// admins.
#[must_use]
pub(crate) const fn role_in(everyone: bool, role: RoomRole, account: Role) -> RoomRole {
    match (everyone, account) {
        (false, _) => role,
        (true, Role::User) => RoomRole::Member,
        (true, Role::Moderator | Role::Admin) => RoomRole::Admin,
    }
}

fn membership_in(room: &RoomDoc, own: &Own<'_>) -> Membership {
    let Own { membership: member, unread, role, now } = own;
    Membership {
        role: role_in(room.state.everyone, member.role, *role),
        joined_at: member.joined_at,
        unread_count: unread.messages,
        mention_count: unread.mentions,
        last_read_message_id: member.marker_message_id,
        muted: member.muted_until.is_some_and(|until| until > *now),
        muted_until: member.muted_until,
        notify: member.notify,
        pinned: member.pinned,
        hidden: member.is_hidden(room),
    }
}

/// A member of a room, as a read gives it.
#[must_use]
pub(crate) fn member(everyone: bool, doc: &MembershipDoc, user: User) -> Member {
    Member {
        user_id: doc.user_id,
        role: role_in(everyone, doc.role, user.role),
        user,
        joined_at: doc.joined_at,
        muted_until: doc.muted_until,
    }
}

/// A user who may not come into a room.
#[must_use]
pub(crate) fn banned(doc: MembershipDoc, user: User) -> BannedUser {
    let (by, reason, until, created_at) = match doc.ban {
        Some(ban) => (Some(ban.by), ban.reason, ban.until, Some(ban.created_at)),
        None => (None, None, None, None),
    };
    BannedUser { user, by, reason: reason.map(Into::into), until, created_at }
}

/// A member of a room, as the answer to a write gives it.
#[must_use]
pub(crate) fn written_member(state: &MemberState, user: User) -> Member {
    Member {
        user_id: state.user_id,
        user,
        role: state.role,
        joined_at: state.joined_at,
        muted_until: state.muted_until,
    }
}
