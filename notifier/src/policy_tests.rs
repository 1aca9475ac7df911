//! Given an event and what surrounds it, then exactly these effects.

use schemas::Actor;
use schemas::events::{SessionStarted, UserRegistered};
use schemas::ids::{MessageId, RoomId, SessionId};
use schemas::values::{Body, DisplayName, Role, RoomName, Username, Visibility};
use uuid::Uuid;

use super::*;

const SECRET: &str = "the launch is on Tuesday";

fn user_id(number: u128) -> UserId {
    UserId::from_uuid(Uuid::from_u128(number))
}

fn person(number: u128, name: &str) -> UserState {
    UserState {
        id: user_id(number),
        username: Username::parse(name).unwrap(),
        display_name: DisplayName::parse(name).unwrap(),
        email: Email::parse(&format!("{name}@example.org")).unwrap(),
        email_verified: false,
        role: Role::User,
        suspended: false,
        bio: None,
        avatar_media_id: None,
        settings: serde_json::Map::new(),
        created_at: Timestamp::from_millis(0),
    }
}

fn room(kind: RoomKind, name: Option<&str>, direct: &[u128]) -> RoomState {
    RoomState {
        id: RoomId::from_uuid(Uuid::from_u128(100)),
        kind,
        name: name.map(|name| RoomName::parse(name).unwrap()),
        topic: None,
        visibility: Visibility::Private,
        everyone: false,
        archived: false,
        owners: Vec::new(),
        direct_members: direct.iter().map(|number| user_id(*number)).collect(),
        retention_days: None,
        created_by: None,
        created_at: Timestamp::from_millis(0),
    }
}

fn event(data: impl Into<EventData>) -> Event {
    Event {
        id: EventId::from_uuid(Uuid::from_u128(7)),
        time: Timestamp::from_millis(1_795_255_200_000),
        actor: Actor::System,
        causation: None,
        traceparent: None,
        data: data.into(),
    }
}

/// A message of person 1.
fn posted(mentions: &[u128], whole_room: bool) -> Event {
    event(MessagePosted {
        message: MessageState {
            id: MessageId::from_uuid(Uuid::from_u128(5)),
            room_id: RoomId::from_uuid(Uuid::from_u128(100)),
            sender_id: user_id(1),
            client_id: None,
            body: Body::parse(SECRET).unwrap(),
            format: schemas::values::Format::Plain,
            attachments: Vec::new(),
            mentions: mentions.iter().map(|number| user_id(*number)).collect(),
            mentions_room: whole_room.then_some(schemas::values::RoomMention::Room),
            thread_root_id: None,
            created_at: Timestamp::from_millis(0),
        },
    })
}

fn in_room(room: RoomState) -> Surroundings {
    Surroundings { person: Some(person(1, "ada")), room: Some(room) }
}

#[track_caller]
fn then(event: &Event, seen: &Surroundings, expected: &[(u128, NotificationKind, &str)]) {
    let found: Vec<(UserId, NotificationKind, String)> = effects(event, seen)
        .into_iter()
        .filter_map(|effect| match effect {
            Effect::Inbox(entry) => Some((entry.user_id, entry.kind, entry.title)),
            Effect::Mail(_) => None,
        })
        .collect();
    let expected: Vec<(UserId, NotificationKind, String)> = expected
        .iter()
        .map(|(user, kind, title)| (user_id(*user), *kind, (*title).into()))
        .collect();
    assert_eq!(found, expected);
}

#[test]
fn registration_welcomes_and_sends_one_mail() {
    let event = event(UserRegistered { user: person(1, "ada") });
    then(
        &event,
        &Surroundings::default(),
        &[(1, NotificationKind::Welcome, "Welcome to Tidings, ada")],
    );
    let mails: Vec<Mail> = effects(&event, &Surroundings::default())
        .into_iter()
        .filter_map(|effect| match effect {
            Effect::Mail(mail) => Some(mail),
            Effect::Inbox(_) => None,
        })
        .collect();
    assert_eq!(mails.len(), 1);
    assert_eq!((mails[0].kind, mails[0].to.as_str()), (MailKind::Registration, "ada@example.org"));
}

#[test]
fn a_login_welcomes_back_by_name() {
    let started = SessionStarted {
        session_id: SessionId::from_uuid(Uuid::from_u128(3)),
        user_id: user_id(1),
    };
    let event = event(started);
    assert_eq!(wanted(&event.data), [Lane::User(user_id(1))]);
    let seen = Surroundings { person: Some(person(1, "ada")), room: None };
    then(&event, &seen, &[(1, NotificationKind::Welcome, "Welcome back, ada")]);
    then(&event, &Surroundings::default(), &[]);
}

#[test]
fn a_direct_message_tells_everybody_but_its_sender() {
    let seen = in_room(room(RoomKind::Direct, None, &[1, 2, 3]));
    let kind = NotificationKind::DirectMessage;
    then(
        &posted(&[], false),
        &seen,
        &[(2, kind, "ada wrote to you"), (3, kind, "ada wrote to you")],
    );
}

#[test]
fn a_mention_in_a_direct_room_is_not_told_twice() {
    let seen = in_room(room(RoomKind::Direct, None, &[1, 2]));
    then(
        &posted(&[2, 1], false),
        &seen,
        &[(2, NotificationKind::DirectMessage, "ada wrote to you")],
    );
}

#[test]
fn notes_to_oneself_tell_nobody() {
    then(&posted(&[1], false), &in_room(room(RoomKind::Direct, None, &[1])), &[]);
}

#[test]
fn a_mention_tells_those_named_once_and_never_the_sender() {
    let seen = in_room(room(RoomKind::Channel, Some("engines"), &[]));
    then(
        &posted(&[2, 1, 2], false),
        &seen,
        &[(2, NotificationKind::Mention, "ada mentioned you in engines")],
    );
}

#[test]
fn naming_the_whole_room_makes_no_entry_per_member() {
    then(&posted(&[], true), &in_room(room(RoomKind::Group, Some("team"), &[])), &[]);
}

#[test]
fn a_sender_who_is_gone_is_still_announced() {
    let seen = Surroundings { person: None, room: Some(room(RoomKind::Direct, None, &[1, 2])) };
    then(
        &posted(&[], false),
        &seen,
        &[(2, NotificationKind::DirectMessage, "Somebody wrote to you")],
    );
}

#[test]
fn no_effect_contains_what_the_message_says() {
    for room in [room(RoomKind::Direct, None, &[1, 2]), room(RoomKind::Channel, Some("x y"), &[])] {
        for effect in effects(&posted(&[2, 3], true), &in_room(room)) {
            assert!(!format!("{effect:?}").contains(SECRET));
        }
    }
}

#[test]
fn ids_are_a_function_of_the_cause() {
    let seen = in_room(room(RoomKind::Direct, None, &[1, 2, 3]));
    let once = effects(&posted(&[], false), &seen);
    assert_eq!(once, effects(&posted(&[], false), &seen));
    let ids: Vec<NotificationId> = once
        .iter()
        .filter_map(|effect| match effect {
            Effect::Inbox(entry) => Some(entry.notification_id.clone()),
            Effect::Mail(_) => None,
        })
        .collect();
    assert_eq!(ids.len(), 2);
    assert_ne!(ids[0], ids[1]);
    let mut later = posted(&[], false);
    later.id = EventId::from_uuid(Uuid::from_u128(8));
    assert_ne!(effects(&later, &seen), once);
}
