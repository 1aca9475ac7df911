//! Documents of the read model, and what commands answer, as the views clients are given.

use readmodel::{MembershipDoc, MessageDoc, RoomDoc, Unread};
use schemas::commands::MessageOutcome;
use schemas::events::{MemberState, RoomState, UserState};
use schemas::views::{Account, Member, Membership, Message, Room, Sender, User};
use schemas::{Epoch, Timestamp};

/// A person as everybody sees him.
#[must_use]
pub(crate) fn user(state: &UserState) -> User {
    User {
        id: state.id.clone(),
        username: state.username.to_string(),
        display_name: state.display_name.to_string(),
        avatar_url: state.avatar_media_id.as_ref().map(|media| format!("/v1/media/{media}")),
        bio: state.bio.as_ref().map(ToString::to_string),
        role: state.role,
        created_at: state.created_at,
    }
}

/// A person as he sees himself, and as admins see him.
#[must_use]
pub(crate) fn account(state: &UserState) -> Account {
    Account {
        user: user(state),
        email: state.email.to_string(),
        email_verified: state.email_verified,
        suspended: state.suspended,
        settings: state.settings.clone(),
    }
}

/// A message as a read gives it.
#[must_use]
pub(crate) fn message(doc: MessageDoc, sender: Sender, epoch: &Epoch) -> Message {
    Message {
        id: doc.id,
        room_id: doc.room_id,
        number: Some(doc.number),
        sender,
        client_id: doc.client_id.map(Into::into),
        body: doc.body,
        format: doc.format,
        attachments: doc.attachments,
        mentions: doc.mentions,
        mentions_room: doc.mentions_room,
        thread_root_id: doc.thread_root_id,
        reply_count: Some(doc.reply_count),
        reactions: Some(Vec::new()),
        pinned: Some(false),
        created_at: doc.created_at,
        edited_at: doc.edited_at,
        deleted_at: doc.deleted_at,
        position: epoch.at(doc.posted),
    }
}

/// A message as the answer to a write gives it: its number is not counted yet. What a write does not know
/// of an older message (edited, or posted again) is null.
#[must_use]
pub(crate) fn written_message(outcome: MessageOutcome, sender: Sender) -> Message {
    let MessageOutcome { message, posted, edited_at, repeat, .. } = outcome;
    let fresh = edited_at.is_none() && !repeat;
    Message {
        id: message.id,
        room_id: message.room_id,
        number: None,
        sender,
        client_id: message.client_id.map(Into::into),
        body: message.body.into(),
        format: message.format,
        attachments: message.attachments,
        mentions: message.mentions,
        mentions_room: message.mentions_room,
        thread_root_id: message.thread_root_id,
        reply_count: fresh.then_some(0),
        reactions: fresh.then(Vec::new),
        pinned: fresh.then_some(false),
        created_at: message.created_at,
        edited_at,
        deleted_at: None,
        position: posted,
    }
}

/// A room as a read gives it to somebody.
#[must_use]
pub(crate) fn room(
    doc: &RoomDoc,
    membership: Option<(&MembershipDoc, Unread)>,
    last_message: Option<Message>,
    now: Timestamp,
) -> Room {
    let membership = membership.filter(|(member, _)| member.present && !member.banned);
    Room {
        member_count: Some(doc.member_count),
        message_count: Some(doc.message_count()),
        last_message,
        membership: membership.map(|(member, unread)| membership_in(member, unread, now)),
        ..written_room(&doc.state)
    }
}

/// A room as a command's outcome shows it, when the read model does not know it yet.
#[must_use]
pub(crate) fn written_room(state: &RoomState) -> Room {
    Room {
        id: state.id.clone(),
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
        archived: state.archived,
    }
}

fn membership_in(member: &MembershipDoc, unread: Unread, now: Timestamp) -> Membership {
    Membership {
        role: member.role,
        joined_at: member.joined_at,
        unread_count: unread.messages,
        mention_count: unread.mentions,
        last_read_message_id: member.marker_message_id.clone(),
        muted: member.muted_until.is_some_and(|until| until > now),
        muted_until: member.muted_until,
    }
}

/// Somebody in a room, as a read gives it.
#[must_use]
pub(crate) fn member(doc: MembershipDoc, user: User) -> Member {
    Member {
        user_id: doc.user_id,
        user,
        role: doc.role,
        joined_at: doc.joined_at,
        muted_until: doc.muted_until,
    }
}

/// Somebody in a room, as the answer to a write gives it.
#[must_use]
pub(crate) fn written_member(state: &MemberState, user: User) -> Member {
    Member {
        user_id: state.user_id.clone(),
        user,
        role: state.role,
        joined_at: state.joined_at,
        muted_until: state.muted_until,
    }
}
