use schemas::events::{MessageState, ThreadEvent};
use schemas::values::{Format, RoomKind, RoomRole, Visibility};
use schemas::{EventData, Lane};

use super::*;
use crate::domain::access::Denied;
use crate::domain::message::{Message, MessageRejection};
use crate::domain::testing::*;

fn group() -> World {
    World::with_room(RoomKind::Group, Visibility::Private).having(BOB, RoomRole::Member)
}

/// A message by Ada that names Cyd, or an answer to message 1.
fn said(id: u128, posted: u64, root: Option<u128>) -> Message {
    let state = MessageState {
        id: message_id(id),
        room_id: room_id(1),
        sender_id: user(ADA),
        client_id: None,
        body: body("hello"),
        format: Format::Plain,
        attachments: Vec::new(),
        files: Vec::new(),
        mentions: vec![user(CYD)],
        mentions_room: None,
        thread_root_id: root.map(message_id),
        created_at: at(1),
    };
    Message { posted, state, edited_at: None, deleted: false, archived: false, purged: false }
}

#[test]
fn members_follow_once_and_others_do_not() {
    let world = group();
    let root = said(1, 10, None);
    let follow =
        |who: u128, follows| follow(&world.standing(who).unwrap(), &root, follows, &cx(who));
    for follows in [Follows::Never, Follows::No, Follows::Unknown] {
        let fact = follow(BOB, follows).unwrap().expect("an event");
        assert_eq!(fact.lane, Lane::Threads(user(BOB)), "told to no other user");
        assert!(matches!(fact.data, EventData::Thread(ThreadEvent::Followed(_))));
    }
    assert_eq!(follow(BOB, Follows::Yes).unwrap().map(|fact| fact.lane), None);
    assert_eq!(world.standing(CYD).err(), Some(Denied::NoSuchRoom));
    let elsewhere = Message {
        state: MessageState { room_id: room_id(2), ..root.state.clone() },
        ..root.clone()
    };
    let standing = world.standing(BOB).unwrap();
    let refusal = super::follow(&standing, &elsewhere, Follows::Never, &cx(BOB)).err();
    assert_eq!(refusal, Some(MessageRejection::NoSuchMessage));
    let refusal = super::follow(&standing, &said(2, 11, Some(1)), Follows::Never, &cx(BOB)).err();
    assert_eq!(refusal, Some(MessageRejection::NotARoot));
}

#[test]
fn who_does_not_follow_has_nothing_to_stop_but_who_would() {
    let world = group().having(CYD, RoomRole::Member);
    let root = said(1, 10, None);
    let writes = |who: u128, follows| {
        unfollow(&world.standing(who).unwrap(), &root, follows, &cx(who)).unwrap().is_some()
    };
    assert!(!writes(BOB, Follows::Never));
    assert!(!writes(BOB, Follows::No));
    assert!(writes(BOB, Follows::Yes));
    assert!(writes(BOB, Follows::Unknown));
    assert!(writes(ADA, Follows::Never), "they wrote the message");
    assert!(writes(CYD, Follows::Never), "they are named in it");
}

#[test]
fn a_marker_moves_to_answers_of_the_thread_and_forwards_only() {
    let world = group();
    let standing = world.standing(BOB).unwrap();
    let root = said(1, 10, None);
    let mark = |answer: Option<Message>, marker| {
        mark_read(&standing, &root, answer.as_ref(), marker, &cx(BOB)).map(|fact| fact.is_some())
    };
    assert_eq!(mark(Some(said(2, 11, Some(1))), 0), Ok(true));
    assert_eq!(mark(Some(said(2, 11, Some(1))), 11), Ok(false));
    assert_eq!(mark(Some(said(2, 11, Some(1))), 12), Ok(false));
    assert_eq!(mark(Some(root.clone()), 0), Ok(false), "it stands before all answers");
    for other in [None, Some(said(3, 12, None)), Some(said(3, 12, Some(9)))] {
        assert_eq!(mark(other, 0), Err(MessageRejection::NoSuchMessage));
    }
}

#[test]
fn of_a_purged_thread_nothing_is_followed_or_read() {
    let world = group();
    let standing = world.standing(BOB).unwrap();
    let root = Message { deleted: true, purged: true, ..said(1, 10, None) };
    let gone = Some(MessageRejection::Purged);
    for follows in [Follows::Yes, Follows::No, Follows::Never, Follows::Unknown] {
        assert_eq!(follow(&standing, &root, follows, &cx(BOB)).err(), gone);
        assert_eq!(unfollow(&standing, &root, follows, &cx(BOB)).err(), gone);
    }
    let answer = said(2, 11, Some(1));
    assert_eq!(mark_read(&standing, &root, Some(&answer), 0, &cx(BOB)).err(), gone);
    // One that was only deleted may have answers.
    let deleted = Message { purged: false, ..root };
    assert_eq!(follow(&standing, &deleted, Follows::Yes, &cx(BOB)).err(), None);
}
