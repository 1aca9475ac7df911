//! Given what is known of a message and its reader, then this is what their inbox lacks.

use super::*;
use uuid::Uuid;

fn uuid(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

fn notice(kind: NotificationKind) -> Notice {
    Notice {
        user_id: UserId::from_uuid(uuid(1)),
        kind,
        actor_id: UserId::from_uuid(uuid(2)),
        room_id: RoomId::from_uuid(uuid(3)),
        message_id: MessageId::from_uuid(uuid(4)),
        thread_root_id: None,
        posted: 5,
        caused: 5,
        created_at: Timestamp::from_millis(0),
        written_at: Timestamp::from_millis(0),
    }
}

fn entry(kind: NotificationKind) -> NotificationDoc {
    let created = notice(kind).entry();
    NotificationDoc {
        id: created.notification_id,
        user_id: created.user_id,
        kind,
        title: None,
        body: None,
        actor_id: created.actor_id,
        login: false,
        room_id: created.room_id,
        message_id: created.message_id,
        thread_root_id: None,
        posted: 5,
        caused: 5,
        removed: false,
        read: false,
        created_at: created.created_at,
        created: 6,
        updated: 6,
    }
}

fn fresh() -> Known {
    Known { named: true, ..Known::default() }
}

/// Given what is known of a message and its reader, then this is appended to their inbox.
#[track_caller]
fn then(kind: NotificationKind, known: &Known, expected: &[&str]) {
    let found = lacks(Some(&notice(kind)), known, false);
    let found: Vec<&str> = found.iter().map(EventData::type_name).collect();
    assert_eq!(found, expected);
}

const CREATED: &str = "notification.created.v1";
const READ: &str = "notification.read.v1";
const REMOVED: &str = "notification.removed.v1";

#[test]
fn an_entry_comes_once_and_only_while_it_is_due() {
    let kind = NotificationKind::Mention;
    then(kind, &fresh(), &[CREATED]);
    then(kind, &Known { entry: Some(entry(kind)), ..fresh() }, &[]);
    then(kind, &Known { deleted: true, ..fresh() }, &[]);
    then(kind, &Known { named: false, ..fresh() }, &[]);
    then(kind, &Known { read: true, ..fresh() }, &[CREATED, READ]);
    let gone = NotificationDoc { removed: true, ..entry(kind) };
    then(kind, &Known { entry: Some(gone), ..fresh() }, &[]);
}

#[test]
fn an_unread_entry_speaks_for_a_direct_room() {
    let kind = NotificationKind::DirectMessage;
    then(kind, &Known { named: false, ..fresh() }, &[CREATED]);
    then(kind, &Known { spoken_for: true, ..fresh() }, &[]);
    let read = Known { read: true, ..fresh() };
    then(kind, &read, &[CREATED, READ]);
    assert_eq!(lacks(Some(&notice(kind)), &read, true), [], "read before a queue began anew");
}

#[test]
fn an_entry_is_read_with_its_message_and_goes_with_it() {
    for kind in [NotificationKind::Mention, NotificationKind::DirectMessage] {
        let known = Known { entry: Some(entry(kind)), ..fresh() };
        then(kind, &Known { read: true, ..known.clone() }, &[READ]);
        then(kind, &Known { deleted: true, ..known.clone() }, &[REMOVED]);
        let read = NotificationDoc { read: true, ..entry(kind) };
        then(kind, &Known { entry: Some(read.clone()), read: true, ..fresh() }, &[]);
        then(kind, &Known { entry: Some(read), deleted: true, ..fresh() }, &[REMOVED]);
    }
}

#[test]
fn a_mention_that_was_taken_away_takes_an_unread_entry_back() {
    let kind = NotificationKind::Mention;
    let unnamed = |entry| Known { entry: Some(entry), named: false, ..Known::default() };
    then(kind, &unnamed(entry(kind)), &[REMOVED]);
    then(kind, &unnamed(NotificationDoc { read: true, ..entry(kind) }), &[]);
    let direct = NotificationKind::DirectMessage;
    then(direct, &unnamed(entry(direct)), &[]);
}
