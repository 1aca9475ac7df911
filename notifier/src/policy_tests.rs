//! Given an event and what surrounds it, then exactly these effects.

use schemas::Actor;
use schemas::events::{
    MemberAdded, MemberChanged, MemberEvent, MemberRemoved, MemberState, MessageEvent,
    SessionStarted, UserRegistered,
};
use schemas::ids::{EventId, MessageId, RoomId, SessionId};
use schemas::values::{Body, DisplayName, Email, Role, RoomName, Username};
use uuid::Uuid;

use super::*;

#[path = "policy_mail_tests.rs"]
mod mail;

const SECRET: &str = "the launch is on Tuesday";

fn user_id(number: u128) -> UserId {
    UserId::from_uuid(Uuid::from_u128(number))
}

fn room_id() -> RoomId {
    RoomId::from_uuid(Uuid::from_u128(100))
}

fn message_id(number: u128) -> MessageId {
    MessageId::from_uuid(Uuid::from_u128(number))
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
        second_factor: false,
        has_password: true,
        deleted: false,
        bio: None,
        avatar_media_id: None,
        settings: serde_json::Map::new(),
        preferences: schemas::Preferences::default(),
        created_at: Timestamp::from_millis(0),
    }
}

fn room(kind: RoomKind, name: Option<&str>, direct: &[u128]) -> RoomState {
    RoomState {
        name: name.map(|name| RoomName::parse(name).unwrap()),
        direct_members: direct.iter().map(|number| user_id(*number)).collect(),
        ..RoomState::begun(room_id(), kind, Timestamp::from_millis(0))
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
        private: false,
        message: MessageState {
            id: MessageId::from_uuid(Uuid::from_u128(5)),
            room_id: RoomId::from_uuid(Uuid::from_u128(100)),
            sender_id: user_id(1),
            client_id: None,
            body: Body::parse(SECRET).unwrap(),
            format: schemas::values::Format::Plain,
            attachments: Vec::new(),
            files: Vec::new(),
            mentions: mentions.iter().map(|number| user_id(*number)).collect(),
            mentions_room: whole_room.then_some(schemas::values::RoomMention::Room),
            thread_root_id: None,
            created_at: Timestamp::from_millis(0),
        },
    })
}

fn in_room(room: RoomState) -> PolicyContext {
    PolicyContext { user: None, room: Some(Arc::new(room)) }
}

const AT: Sequence = 7;

fn entries(event: &Event, seen: &PolicyContext) -> Vec<NotificationCreated> {
    effects(event, AT, seen)
        .into_iter()
        .filter_map(|effect| match effect {
            Effect::Inbox(entry) => Some(entry),
            Effect::Notice(notice) => Some(notice.entry()),
            _ => None,
        })
        .collect()
}

#[track_caller]
fn then(event: &Event, seen: &PolicyContext, expected: &[(u128, NotificationKind)]) {
    let found: Vec<(UserId, NotificationKind)> =
        entries(event, seen).into_iter().map(|entry| (entry.user_id, entry.kind)).collect();
    let expected: Vec<(UserId, NotificationKind)> =
        expected.iter().map(|(user, kind)| (user_id(*user), *kind)).collect();
    assert_eq!(found, expected);
}

#[test]
fn registration_welcomes_and_sends_one_mail() {
    let event = event(UserRegistered { user: person(1, "ada") });
    then(&event, &PolicyContext::default(), &[(1, NotificationKind::Welcome)]);
    let mails: Vec<Mail> = effects(&event, AT, &PolicyContext::default())
        .into_iter()
        .filter_map(|effect| match effect {
            Effect::Mail(mail) => Some(*mail),
            _ => None,
        })
        .collect();
    assert_eq!(mails.len(), 1);
    assert_eq!(
        (&mails[0].kind, mails[0].to.as_str()),
        (&MailKind::Registration, "ada@example.org")
    );
}

#[test]
fn a_login_welcomes_back() {
    let started = SessionStarted {
        session_id: SessionId::from_uuid(Uuid::from_u128(3)),
        user_id: user_id(1),
        new_device: None,
    };
    let event = event(started);
    assert_eq!(wanted(&event.data), [Lane::User(user_id(1))]);
    let seen = PolicyContext { user: Some(person(1, "ada")), room: None };
    then(&event, &seen, &[(1, NotificationKind::Welcome)]);
    assert!(entries(&event, &seen)[0].login);
    then(&event, &PolicyContext::default(), &[]);
}

#[test]
fn a_direct_message_tells_everybody_but_its_sender() {
    let seen = in_room(room(RoomKind::Direct, None, &[1, 2, 3]));
    let kind = NotificationKind::DirectMessage;
    then(&posted(&[], false), &seen, &[(2, kind), (3, kind)]);
}

#[test]
fn a_mention_in_a_direct_room_is_not_told_twice() {
    let seen = in_room(room(RoomKind::Direct, None, &[1, 2]));
    then(&posted(&[2, 1], false), &seen, &[(2, NotificationKind::DirectMessage)]);
}

#[test]
fn notes_to_oneself_tell_nobody() {
    then(&posted(&[1], false), &in_room(room(RoomKind::Direct, None, &[1])), &[]);
}

#[test]
fn a_mention_tells_those_named_once_and_never_the_sender() {
    let seen = in_room(room(RoomKind::Channel, Some("engines"), &[]));
    then(&posted(&[2, 1, 2], false), &seen, &[(2, NotificationKind::Mention)]);
}

#[test]
fn naming_the_whole_room_makes_no_entry_per_member() {
    then(&posted(&[], true), &in_room(room(RoomKind::Group, Some("team"), &[])), &[]);
}

/// What an edit of the message leads to: who may get an entry, and whether those who have one are looked at.
#[track_caller]
fn after_edit(mentions: &[u128], room: RoomState, expected: &[u128], reviewed: bool) {
    let EventData::Message(MessageEvent::Posted(posted)) = posted(mentions, false).data else {
        panic!("a post")
    };
    let edited_at = Timestamp::from_millis(9);
    let edited = event(MessageEdited { message: posted.message, posted: 3, edited_at });
    assert_eq!(wanted(&edited.data).len(), 1);
    let seen = in_room(room);
    let found: Vec<UserId> = entries(&edited, &seen)
        .into_iter()
        .map(|entry| {
            assert_eq!((entry.posted, entry.caused, entry.created_at), (3, AT, edited_at));
            entry.user_id
        })
        .collect();
    assert_eq!(found, expected.iter().map(|user| user_id(*user)).collect::<Vec<_>>());
    let effects = effects(&edited, AT, &seen);
    let reviews = effects.iter().any(|effect| matches!(effect, Effect::Review(r) if !r.deleted));
    assert_eq!(reviews, reviewed);
}

#[test]
fn an_edit_tells_those_it_names_and_looks_at_those_it_named() {
    let channel = || room(RoomKind::Channel, Some("engines"), &[]);
    after_edit(&[2, 1, 2], channel(), &[2], true);
    after_edit(&[], channel(), &[], true);
    after_edit(&[2], room(RoomKind::Direct, None, &[1, 2]), &[], false);
}

#[test]
fn a_deletion_takes_back_what_was_told_of_the_message() {
    let EventData::Message(MessageEvent::Posted(posted)) = posted(&[2], false).data else {
        panic!("a post")
    };
    let message = posted.message;
    let deleted = event(MessageDeleted {
        message_id: message.id,
        room_id: message.room_id,
        sender_id: message.sender_id,
        posted: 3,
        thread_root_id: None,
        created_at: message.created_at,
        deleted_at: Timestamp::from_millis(9),
        reason: None,
    });
    let review = Review { message_id: message.id, room_id: message.room_id, deleted: true, at: AT };
    assert_eq!(effects(&deleted, AT, &PolicyContext::default()), [Effect::Review(review)]);
}

#[test]
fn an_answer_is_for_the_followers_who_are_not_told_otherwise() {
    let EventData::Message(MessageEvent::Posted(mut said)) = posted(&[2], false).data else {
        unreachable!()
    };
    let root = MessageId::from_uuid(Uuid::from_u128(77));
    said.message.thread_root_id = Some(root);
    let event = event(said);
    let told = |seen: &PolicyContext| {
        effects(&event, AT, seen).into_iter().find_map(|effect| match effect {
            Effect::Answered(answered) => Some(answered),
            _ => None,
        })
    };
    let answered = told(&in_room(room(RoomKind::Group, None, &[]))).unwrap();
    assert_eq!((answered.root, answered.told), (root, vec![user_id(1), user_id(2)]));
    assert_eq!(answered.notice.kind, NotificationKind::ThreadReply);
    let direct = in_room(room(RoomKind::Direct, None, &[1, 2]));
    assert_eq!(told(&direct), None, "a direct message is enough");
}

#[test]
fn who_writes_has_read_the_room_or_the_thread_they_answer_in() {
    let seen = in_room(room(RoomKind::Channel, Some("engines"), &[]));
    let reading = |event: &Event| {
        effects(event, AT, &seen).into_iter().find_map(|effect| match effect {
            Effect::Reading(reading) => Some(reading),
            _ => None,
        })
    };
    let main = reading(&posted(&[], false)).unwrap();
    assert_eq!((&main.user_id, main.through, &main.thread_root_id), (&user_id(1), AT, &None));
    let (other, root) = (message_id(50), message_id(51));
    assert!(main.covers(Some(&other), None, (6, 6)));
    assert!(!main.covers(Some(&other), None, (8, 8)), "what was posted later");
    assert!(!main.covers(Some(&other), None, (3, 8)), "named by a later edit");
    assert!(!main.covers(Some(&other), Some(&root), (3, 3)), "an answer in a thread");
    let mut answer = posted(&[], false);
    if let EventData::Message(MessageEvent::Posted(posted)) = &mut answer.data {
        posted.message.thread_root_id = Some(root);
    }
    let answer = reading(&answer).unwrap();
    assert!(answer.covers(Some(&other), Some(&root), (6, 6)));
    assert!(!answer.covers(Some(&other), None, (6, 6)), "the main timeline is not read by it");
}

#[test]
fn moving_a_marker_reads_up_to_the_message() {
    let (this, other) = (message_id(50), message_id(51));
    let moved = ReadMoved {
        room_id: room_id(),
        user_id: user_id(2),
        message_id: this,
        posted: 3,
        private: false,
    };
    let effects = effects(&event(moved), AT, &PolicyContext::default());
    let [Effect::Reading(reading)] = effects.as_slice() else { panic!("{effects:?}") };
    assert!(reading.covers(Some(&other), None, (3, 3)));
    assert!(!reading.covers(Some(&other), None, (4, 4)));
    assert!(reading.covers(Some(&this), Some(&other), (3, 3)), "the answer itself");
}

#[test]
fn who_is_out_of_a_room_has_read_it() {
    let member = |present| {
        let lane = testbed::every_event().into_iter().find_map(|data| match data {
            EventData::Member(MemberEvent::Removed(removed)) => Some(removed.member),
            _ => None,
        });
        MemberState { present, ..lane.unwrap() }
    };
    let out = event(MemberRemoved { member: member(false) });
    let effects_of = |event: &Event| effects(event, AT, &PolicyContext::default());
    let effects = effects_of(&out);
    let [Effect::Reading(reading)] = effects.as_slice() else { panic!("{effects:?}") };
    let (message, root) = (message_id(50), message_id(51));
    assert!(reading.is_departure());
    assert!(reading.covers(Some(&message), None, (3, 3)));
    assert!(reading.covers(Some(&message), Some(&root), (3, 3)), "in threads, too");
    assert!(!reading.covers(Some(&message), None, (3, 8)), "what came later");
    assert_eq!(effects_of(&event(MemberChanged { member: member(true) })), []);
    assert_eq!(effects_of(&event(MemberAdded { member: member(true) })), []);
}

#[test]
fn no_effect_contains_what_the_message_says() {
    for room in [room(RoomKind::Direct, None, &[1, 2]), room(RoomKind::Channel, Some("x y"), &[])] {
        for effect in effects(&posted(&[2, 3], true), AT, &in_room(room)) {
            assert!(!format!("{effect:?}").contains(SECRET));
        }
    }
}

#[test]
fn ids_are_a_function_of_the_cause() {
    let seen = in_room(room(RoomKind::Direct, None, &[1, 2, 3]));
    let once = effects(&posted(&[], false), AT, &seen);
    assert_eq!(once, effects(&posted(&[], false), AT, &seen));
    let ids: Vec<NotificationId> = entries(&posted(&[], false), &seen)
        .into_iter()
        .map(|entry| entry.notification_id)
        .collect();
    assert_eq!(ids.len(), 2);
    assert_ne!(ids[0], ids[1]);
    // A person is told of a message once, whatever led to it.
    let mut later = posted(&[], false);
    later.id = EventId::from_uuid(Uuid::from_u128(8));
    assert_eq!(entries(&later, &seen)[0].notification_id, ids[0]);
}
