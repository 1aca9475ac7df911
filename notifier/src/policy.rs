//! Which effects an event has. Pure: the states it judges by are handed in.
//!
//! An inbox entry is made for people who are named and in direct conversations, never one per member of
//! a room. Titles name people and rooms; no effect contains what a message says.

use schemas::event::{Event, EventData};
use schemas::events::{MessagePosted, MessageState, NotificationCreated, RoomState, UserState};
use schemas::ids::{EventId, NotificationId, UserId};
use schemas::values::{Email, NotificationKind, RoomKind};
use schemas::{Digest, Lane, Timestamp};
use uuid::Builder;

/// Something to be done because of an event.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// An entry into somebody's inbox.
    Inbox(NotificationCreated),
    /// A mail to somebody.
    Mail(Mail),
}

/// A mail to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    /// Names this effect: the same event always gives the same.
    pub id: Digest,
    /// What it says.
    pub kind: MailKind,
    /// Where it goes.
    pub to: Email,
    /// The name of the person it goes to, as he wants to be shown.
    pub name: String,
    /// When its cause happened.
    pub caused_at: Timestamp,
}

/// The kinds of mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MailKind {
    /// After registration.
    Registration,
}

/// What an effect is judged by, besides the event.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Surroundings {
    /// The account the event is about, or the sender of a message; none when it is gone.
    pub person: Option<UserState>,
    /// The room of a message.
    pub room: Option<RoomState>,
}

/// The lanes whose states [`effects`] wants to see for an event.
#[must_use]
pub fn wanted(data: &EventData) -> Vec<Lane> {
    match data {
        EventData::SessionStarted(started) => vec![Lane::User(started.user_id.clone())],
        EventData::MessagePosted(MessagePosted { message }) => {
            vec![Lane::Room(message.room_id.clone()), Lane::User(message.sender_id.clone())]
        }
        _ => Vec::new(),
    }
}

/// What is to be done because of an event. The same event always has the same effects with the same ids.
#[must_use]
pub fn effects(event: &Event, seen: &Surroundings) -> Vec<Effect> {
    match &event.data {
        EventData::UserRegistered(registered) => on_registration(event, &registered.user),
        EventData::SessionStarted(_) => match &seen.person {
            Some(person) => vec![welcome(event, person, "Welcome back", "You have logged in.")],
            None => Vec::new(),
        },
        EventData::MessagePosted(MessagePosted { message }) => on_message(event, message, seen),
        _ => Vec::new(),
    }
}

fn on_registration(event: &Event, user: &UserState) -> Vec<Effect> {
    let mail = Mail {
        id: Digest::of(["mail", "registration", event.id.as_str()]),
        kind: MailKind::Registration,
        to: user.email.clone(),
        name: user.display_name.to_string(),
        caused_at: event.time,
    };
    let text = "Your account is ready. Join a channel or write to somebody.";
    vec![welcome(event, user, "Welcome to Tidings", text), Effect::Mail(mail)]
}

fn welcome(event: &Event, user: &UserState, greeting: &str, body: &str) -> Effect {
    Effect::Inbox(NotificationCreated {
        notification_id: notification_id(event, &user.id, NotificationKind::Welcome),
        user_id: user.id.clone(),
        kind: NotificationKind::Welcome,
        title: format!("{greeting}, {}", user.display_name),
        body: body.to_owned(),
        room_id: None,
        message_id: None,
        created_at: event.time,
    })
}

fn on_message(event: &Event, message: &MessageState, seen: &Surroundings) -> Vec<Effect> {
    let sender = seen.person.as_ref().map_or("Somebody", |person| person.display_name.as_str());
    let room = seen.room.as_ref();
    let direct = room.filter(|room| room.kind == RoomKind::Direct);
    let addressed = direct.map(|room| room.direct_members.as_slice()).unwrap_or_default();
    let mut told: Vec<&UserId> = vec![&message.sender_id];
    let mut effects = Vec::new();
    for user in addressed {
        if !told.contains(&user) {
            told.push(user);
            let title = format!("{sender} wrote to you");
            let kind = NotificationKind::DirectMessage;
            effects.push(about(event, message, user, kind, title));
        }
    }
    for user in &message.mentions {
        if !told.contains(&user) {
            told.push(user);
            let title = match room.and_then(|room| room.name.as_ref()) {
                Some(name) => format!("{sender} mentioned you in {name}"),
                None => format!("{sender} mentioned you"),
            };
            effects.push(about(event, message, user, NotificationKind::Mention, title));
        }
    }
    effects
}

fn about(
    event: &Event,
    message: &MessageState,
    user: &UserId,
    kind: NotificationKind,
    title: String,
) -> Effect {
    Effect::Inbox(NotificationCreated {
        notification_id: notification_id(event, user, kind),
        user_id: user.clone(),
        kind,
        title,
        body: "Open the conversation to read the message.".to_owned(),
        room_id: Some(message.room_id.clone()),
        message_id: Some(message.id.clone()),
        created_at: event.time,
    })
}

/// The id of a notification: a function of its cause, its reader and its kind, in the order of the causes'
/// times.
#[must_use]
fn notification_id(event: &Event, user: &UserId, kind: NotificationKind) -> NotificationId {
    let kind = match kind {
        NotificationKind::Welcome => "welcome",
        NotificationKind::Mention => "mention",
        NotificationKind::DirectMessage => "direct_message",
        NotificationKind::Invite => "invite",
        NotificationKind::System => "system",
    };
    NotificationId::from_uuid(derived(event.time, &[event.id.as_str(), user.as_str(), kind]))
}

/// The id of the event that puts a notification into an inbox: a function of the notification.
#[must_use]
pub(crate) fn inbox_event_id(created: &NotificationCreated) -> EventId {
    EventId::from_uuid(derived(created.created_at, &["inbox", created.notification_id.as_str()]))
}

/// A UUID of version 7 whose random part is a digest.
fn derived(time: Timestamp, parts: &[&str]) -> uuid::Uuid {
    let digest = Digest::of(parts.iter().copied());
    let mut random = [0; 10];
    for (byte, digits) in random.iter_mut().zip(digest.as_str().as_bytes().chunks(2)) {
        let digits = std::str::from_utf8(digits).unwrap_or_default();
        *byte = u8::from_str_radix(digits, 16).unwrap_or_default();
    }
    let millis = u64::try_from(time.millis()).unwrap_or_default();
    Builder::from_unix_timestamp_millis(millis, &random).into_uuid()
}

#[cfg(test)]
#[path = "policy_tests.rs"]
mod tests;
