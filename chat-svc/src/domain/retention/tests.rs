//! Given rooms, their rules and legal holds: which messages move.

use schemas::EventData;
use schemas::events::RetentionEvent;
use schemas::values::{Patch, RoomKind, Visibility};

use super::*;
use crate::domain::room::RoomRejection;
use crate::domain::testing::{World, at, message_id, no_change, refused, user};

const ADA: u128 = 1;
const BOB: u128 = 2;

const DAY: std::time::Duration = std::time::Duration::from_secs(24 * 60 * 60);

fn rule(days: Option<u32>) -> Rule {
    Rule { fate: Fate::Archive, days, day: DAY }
}

fn aged(number: u64, sender: u128) -> Aged {
    Aged { id: message_id(number.into()), number, sender_id: user(sender), deleted: None }
}

#[test]
fn a_room_keeps_messages_for_the_shorter_of_its_time_and_the_installations() {
    let world = World::with_room(RoomKind::Group, Visibility::Private);
    let mut room = world.room.unwrap();
    let cases = [
        (None, None, None),
        (Some(7), None, Some(7)),
        (None, Some(30), Some(30)),
        (Some(7), Some(30), Some(7)),
        (Some(90), Some(30), Some(30)),
    ];
    for (own, all, days) in cases {
        room.retention_days = own;
        assert_eq!(rule(all).days_of(&room), days, "{own:?} {all:?}");
    }
}

#[test]
fn days_are_counted_back_from_now_and_never_past_the_beginning_of_time() {
    let rule = rule(Some(1));
    assert_eq!(rule.before(2, at(3 * 86_400)), at(86_400));
    let longest = Rule { day: std::time::Duration::MAX, ..rule };
    assert!(longest.before(36_500, at(0)) < rule.before(36_500, at(0)));
}

#[test]
fn old_messages_move_but_for_those_of_held_users() {
    let world = World::with_room(RoomKind::Group, Visibility::Private);
    let room = world.room.as_ref().unwrap();
    let messages = [aged(1, ADA), aged(2, BOB), aged(3, ADA)];
    let fact = apply(room, (7, at(9)), &messages, &[user(BOB)].into(), 5).unwrap();
    assert_eq!(fact.lane, schemas::Lane::Retention(room.id));
    assert_eq!(fact.expect, decider::Expect::At(5));
    let EventData::Retention(RetentionEvent::Applied(applied)) = fact.data else { panic!() };
    assert_eq!(applied.messages, [message_id(1), message_id(3)]);
    assert_eq!((applied.days, applied.before), (7, at(9)));
    assert_eq!(applied.except_users, [user(BOB)]);
    let all = [user(ADA), user(BOB)].into();
    assert_eq!(apply(room, (7, at(9)), &messages, &all, 5), None);
    assert_eq!(apply(room, (7, at(9)), &[], &all, 5), None);
}

#[test]
fn a_room_keeps_no_longer_than_the_installation() {
    let keep = |days| schemas::commands::ChangeRoom { retention_days: days, ..no_change() };
    for (days, longest) in [
        (Patch::Set(30), Some(30)),
        (Patch::Set(31), None),
        (Patch::Clear, Some(30)),
        (Patch::Keep, Some(30)),
    ] {
        assert_eq!(keeps_within(&keep(days), longest), Ok(()));
    }
    let longer = keeps_within(&keep(Patch::Set(31)), Some(30));
    refused(longer, RoomRejection::RetentionTooLong(30));
}
