//! Which effects an event has. Pure: the states it judges by are handed in.
//!
//! An inbox entry is made for people who are named and in direct conversations, never one per member of
//! a room. It says whose doing it was and what it is about, by ids: names are put in when it is read. No effect
//! contains what a message says.

use std::sync::Arc;

use schemas::event::{Event, EventData};
use schemas::events::{
    ChallengeEvent, ErasureEvent, ExportEvent, IdentityEvent, MessageDeleted, MessageEdited,
    MessageEvent, MessagePosted, MessageState, NotificationCreated, ReadMoved, ReceiptEvent,
    RoomState, SessionEvent, ThreadEvent, UserEvent, UserState,
};
use schemas::ids::{MessageId, NotificationId, RoomId, UserId};
use schemas::values::{NotificationKind, RoomKind};
use schemas::{Lane, Sequence, Timestamp};

use crate::entry_ids::derived;
use crate::{digest, mail_effect, reading};

pub use crate::digest::Missed;
pub use crate::mail_effect::{CodeMail, DigestMail, Mail, MailKind};
pub use crate::reading::Reading;

/// Something to be done because of an event.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// An entry into an inbox that is about no message.
    Inbox(NotificationCreated),
    /// An entry about a message, if it is still due when it is made.
    Notice(Notice),
    /// A thread was answered: its followers get an entry, if one is still due when it is made.
    Answered(Answered),
    /// Users with an entry about a message may have to lose it.
    Review(Review),
    /// A person has read up to a message, and with it the entries before it; or is out of a room.
    Reading(Reading),
    /// A mail to a user.
    Mail(Box<Mail>),
    /// Mails to a user that were kept as files are deleted.
    ForgetMails(UserId),
    /// An entry that its user may get a mail about, if they do not read it first.
    Missed(Missed),
}

/// An entry about a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Notice {
    /// For whom.
    pub user_id: UserId,
    /// What the user is told of.
    pub kind: NotificationKind,
    /// Who wrote the message.
    pub actor_id: UserId,
    /// The room of the message.
    pub room_id: RoomId,
    /// Which message.
    pub message_id: MessageId,
    /// The thread it belongs to.
    pub thread_root_id: Option<MessageId>,
    /// Where it was posted.
    pub posted: Sequence,
    /// Where the event is that makes the entry due: the post, or an edit.
    pub caused: Sequence,
    /// When that happened.
    pub created_at: Timestamp,
    /// When the message was posted, which the entry's id begins with.
    pub written_at: Timestamp,
}

/// An answer in a thread.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered {
    /// The message that began the thread.
    pub root: MessageId,
    /// Who is told of the answer otherwise, or wrote it.
    pub told: Vec<UserId>,
    /// The entry, as it is for every follower; for whom is still to be said.
    pub notice: Notice,
}

/// A message was changed: entries about it may be due no more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Review {
    /// The message that was changed or deleted.
    pub message_id: MessageId,
    /// The room of the message.
    pub room_id: RoomId,
    /// Whether it was deleted; else it was edited.
    pub deleted: bool,
    /// Where the event is.
    pub at: Sequence,
}

/// What an effect is judged by, besides the event.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PolicyContext {
    /// The account the event is about, or the sender of a message; none when it is gone.
    pub user: Option<UserState>,
    /// The room of a message.
    pub room: Option<Arc<RoomState>>,
}

/// The lanes whose states [`effects`] judges an event by.
#[must_use]
pub fn wanted(data: &EventData) -> Vec<Lane> {
    match data {
        EventData::Session(event) => match event {
            SessionEvent::Started(started) => vec![Lane::User(started.user_id)],
            SessionEvent::Refreshed(_) | SessionEvent::Ended(_) => Vec::new(),
        },
        EventData::Message(event) => match event {
            MessageEvent::Posted(MessagePosted { message, .. })
            | MessageEvent::Edited(MessageEdited { message, .. }) => {
                vec![Lane::Room(message.room_id)]
            }
            MessageEvent::Deleted(_) => Vec::new(),
        },
        EventData::Challenge(ChallengeEvent::Issued(issued)) => {
            vec![Lane::User(issued.user_id)]
        }
        EventData::Identity(event) => vec![Lane::User(event.after().user_id)],
        EventData::Export(event) => vec![Lane::User(event.after().user_id)],
        EventData::User(_)
        | EventData::Name(_)
        | EventData::Room(_)
        | EventData::Member(_)
        | EventData::Reaction(_)
        | EventData::Pin(_)
        | EventData::Prefs(_)
        | EventData::Audit(_)
        | EventData::Invite(_)
        | EventData::Erasure(_)
        | EventData::Hold(_)
        | EventData::Retention(_)
        | EventData::Receipt(_)
        | EventData::Thread(_)
        | EventData::Media(_)
        | EventData::Report(_)
        | EventData::Notification(_)
        | EventData::Block(_) => Vec::new(),
    }
}

/// What is to be done because of the event at a place in the log. The same event always has the same effects with
/// the same ids.
#[must_use]
pub fn effects(event: &Event, at: Sequence, context: &PolicyContext) -> Vec<Effect> {
    match &event.data {
        EventData::User(data) => match data {
            UserEvent::Registered(registered) => on_registration(event, &registered.user),
            UserEvent::EmailChanged(changed) => {
                vec![mail(mail_effect::address_changed(event, changed))]
            }
            UserEvent::ProfileChanged(_)
            | UserEvent::RoleChanged(_)
            | UserEvent::SuspensionChanged(_)
            | UserEvent::EmailVerified(_)
            | UserEvent::SecondFactorChanged(_)
            | UserEvent::PasswordSet(_) => Vec::new(),
            UserEvent::Erased(erased) => vec![Effect::ForgetMails(erased.user_id)],
        },
        EventData::Session(data) => match (data, &context.user) {
            (SessionEvent::Started(started), Some(user)) => {
                let told = |device| mail(mail_effect::logged_in_anew(event, device, user));
                let mut effects = vec![welcome(event, user, true)];
                effects.extend(started.new_device.as_ref().map(told));
                effects
            }
            (SessionEvent::Started(_), None)
            | (SessionEvent::Refreshed(_) | SessionEvent::Ended(_), _) => Vec::new(),
        },
        EventData::Message(data) => match data {
            MessageEvent::Posted(MessagePosted { message, .. }) => on_post(message, at, context),
            MessageEvent::Edited(edited) => on_edit(edited, at, context),
            MessageEvent::Deleted(deleted) => vec![on_deletion(deleted, at)],
        },
        EventData::Challenge(ChallengeEvent::Issued(issued)) => {
            let code = |user| mail(mail_effect::code_issued(event, issued, user));
            context.user.iter().filter(|_| !issued.brings_no_mail()).map(code).collect()
        }
        EventData::Identity(data) => on_identity(event, data, context),
        EventData::Export(data) => on_export(event, data, context),
        EventData::Receipt(ReceiptEvent::Moved(moved)) => vec![on_reading(moved, at)],
        // Once more: one that was about to be written when the account was closed is there by now.
        EventData::Erasure(ErasureEvent::Completed(completed)) => {
            vec![Effect::ForgetMails(completed.user_id)]
        }
        EventData::Thread(event) => on_thread(event, at),
        EventData::Member(event) => reading::departure(event, at).map(Effect::Reading).into_iter().collect(),
        EventData::Notification(event) => digest::missed(event).into_iter().map(Effect::Missed).collect(),
        EventData::Name(_)
        | EventData::Room(_)
        | EventData::Media(_)
        | EventData::Report(_)
        // An entry for every reaction would be a flood.
        | EventData::Reaction(_)
        | EventData::Pin(_)
        | EventData::Block(_)
        | EventData::Prefs(_)
            | EventData::Audit(_)
            | EventData::Invite(_)
            | EventData::Erasure(ErasureEvent::Begun(_) | ErasureEvent::Listed(_))
            | EventData::Hold(_)
            | EventData::Retention(_) => Vec::new(),
    }
}

fn on_registration(event: &Event, user: &UserState) -> Vec<Effect> {
    vec![welcome(event, user, false), mail(mail_effect::registered(event, user))]
}

/// A way to log in came or went; an account that was made with it is welcomed instead.
fn on_identity(event: &Event, data: &IdentityEvent, context: &PolicyContext) -> Vec<Effect> {
    let told = |user| match data {
        IdentityEvent::Linked(linked) if linked.new_account => None,
        IdentityEvent::Linked(linked) => Some(mail_effect::identity_linked(event, linked, user)),
        IdentityEvent::Unlinked(gone) => Some(mail_effect::identity_unlinked(event, gone, user)),
    };
    context.user.iter().filter_map(told).map(mail).collect()
}

fn on_export(event: &Event, data: &ExportEvent, context: &PolicyContext) -> Vec<Effect> {
    let told = context.user.as_ref().and_then(|user| mail_effect::export(event, data, user));
    told.into_iter().map(mail).collect()
}

fn mail(mail: Mail) -> Effect {
    Effect::Mail(Box::new(mail))
}

fn welcome(event: &Event, user: &UserState, login: bool) -> Effect {
    let id = &[event.id.as_str(), user.id.as_str(), "welcome"];
    Effect::Inbox(NotificationCreated {
        notification_id: NotificationId::from_uuid(derived(event.time, id)),
        user_id: user.id,
        kind: NotificationKind::Welcome,
        title: None,
        body: None,
        room_id: None,
        message_id: None,
        created_at: event.time,
        actor_id: None,
        thread_root_id: None,
        posted: 0,
        caused: 0,
        login,
    })
}

fn on_post(message: &MessageState, at: Sequence, context: &PolicyContext) -> Vec<Effect> {
    let place = (at, at);
    let mut told: Vec<&UserId> = vec![&message.sender_id];
    let mut effects = Vec::new();
    let direct = context.room.as_ref().filter(|room| room.kind == RoomKind::Direct);
    let addressed = direct.map(|room| room.direct_members.as_slice()).unwrap_or_default();
    let kinds = [
        (NotificationKind::DirectMessage, addressed),
        (NotificationKind::Mention, message.mentions.as_slice()),
    ];
    for (kind, people) in kinds {
        for user in people {
            if !told.contains(&user) {
                told.push(user);
                effects.push(Effect::Notice(about(message, user, kind, place, message.created_at)));
            }
        }
    }
    if let Some(root) = message.thread_root_id.filter(|_| direct.is_none()) {
        let told: Vec<UserId> = told.into_iter().cloned().collect();
        let sender = &message.sender_id;
        let notice =
            about(message, sender, NotificationKind::ThreadReply, place, message.created_at);
        effects.push(Effect::Answered(Answered { root, told, notice }));
    }
    // Who writes has read: the room, or the thread they answer in.
    effects.push(Effect::Reading(Reading {
        user_id: message.sender_id,
        room_id: message.room_id,
        thread_root_id: message.thread_root_id,
        message_id: Some(message.id),
        through: at,
        at,
    }));
    effects
}

/// Who is named now is told, unless they were before; who has an entry and is not named any more loses it.
fn on_edit(edited: &MessageEdited, at: Sequence, context: &PolicyContext) -> Vec<Effect> {
    let message = &edited.message;
    if context.room.as_ref().is_some_and(|room| room.kind == RoomKind::Direct) {
        return Vec::new();
    }
    let review = Review { message_id: message.id, room_id: message.room_id, deleted: false, at };
    let mut told: Vec<&UserId> = vec![&message.sender_id];
    let mut effects = vec![Effect::Review(review)];
    for user in &message.mentions {
        if !told.contains(&user) {
            told.push(user);
            let place = (edited.posted, at);
            let kind = NotificationKind::Mention;
            effects.push(Effect::Notice(about(message, user, kind, place, edited.edited_at)));
        }
    }
    effects
}

fn on_deletion(deleted: &MessageDeleted, at: Sequence) -> Effect {
    Effect::Review(Review {
        message_id: deleted.message_id,
        room_id: deleted.room_id,
        deleted: true,
        at,
    })
}

fn on_reading(moved: &ReadMoved, at: Sequence) -> Effect {
    Effect::Reading(Reading {
        user_id: moved.user_id,
        room_id: moved.room_id,
        thread_root_id: None,
        message_id: Some(moved.message_id),
        through: moved.posted,
        at,
    })
}

fn on_thread(event: &ThreadEvent, at: Sequence) -> Vec<Effect> {
    match event {
        ThreadEvent::Followed(_) | ThreadEvent::Unfollowed(_) => Vec::new(),
        ThreadEvent::Read(read) => vec![Effect::Reading(Reading {
            user_id: read.user_id,
            room_id: read.room_id,
            thread_root_id: Some(read.thread_root_id),
            message_id: Some(read.message_id),
            through: read.posted,
            at,
        })],
    }
}

fn about(
    message: &MessageState,
    user: &UserId,
    kind: NotificationKind,
    (posted, caused): (Sequence, Sequence),
    created_at: Timestamp,
) -> Notice {
    Notice {
        user_id: *user,
        kind,
        actor_id: message.sender_id,
        room_id: message.room_id,
        message_id: message.id,
        thread_root_id: message.thread_root_id,
        posted,
        caused,
        created_at,
        written_at: message.created_at,
    }
}

impl Notice {
    /// The entry. Its id is a function of message and reader: a person is told of a message once.
    #[must_use]
    pub fn entry(&self) -> NotificationCreated {
        let id = &["about", self.message_id.as_str(), self.user_id.as_str()];
        NotificationCreated {
            notification_id: NotificationId::from_uuid(derived(self.written_at, id)),
            user_id: self.user_id,
            kind: self.kind,
            title: None,
            body: None,
            room_id: Some(self.room_id),
            message_id: Some(self.message_id),
            created_at: self.created_at,
            actor_id: Some(self.actor_id),
            thread_root_id: self.thread_root_id,
            posted: self.posted,
            caused: self.caused,
            login: false,
        }
    }
}

#[cfg(test)]
#[path = "policy_tests.rs"]
mod tests;
