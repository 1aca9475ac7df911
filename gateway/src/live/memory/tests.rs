//! What is remembered of the newest events, and for how long.

use super::*;
use crate::live::fixture::{edited, room, sender, user};
use crate::live::frames::{Known, Place, to_frame};
use crate::live::remembered::OVERHEAD;
use bytes::Bytes;
use schemas::Epoch;

fn posted(memory: &mut Memory, sequence: Sequence, lane: Lane) {
    let event = Remembered::new(sequence, None, lane, b"{}");
    memory.push(&Arc::new(event));
}

fn since(memory: &Memory, after: Sequence, rooms: &[RoomId], who: &UserId) -> Vec<Sequence> {
    let rooms = rooms.iter().cloned().collect();
    memory.since(after, &rooms, who, 100).iter().map(|event| event.sequence).collect()
}

#[test]
fn a_user_gets_their_rooms_and_their_own_in_the_order_of_the_log() {
    let mut memory = Memory::from(10, Bounds::default());
    posted(&mut memory, 11, Lane::Timeline(room(1)));
    posted(&mut memory, 12, Lane::Timeline(room(2)));
    posted(&mut memory, 13, Lane::Member(room(1), user(1)));
    posted(&mut memory, 14, Lane::Inbox(user(1)));
    posted(&mut memory, 15, Lane::Inbox(user(2)));
    posted(&mut memory, 16, Lane::User(user(2)));
    assert_eq!(since(&memory, 10, &[room(1)], &user(1)), [11, 13, 14, 16]);
    assert_eq!(since(&memory, 13, &[room(1), room(2)], &user(1)), [14, 16]);
    assert_eq!(memory.previous_on(&Lane::Timeline(room(1))), Some(11));
    assert_eq!(memory.previous_on(&Lane::Receipts(room(1))), None);
}

#[test]
fn what_passed_in_a_room_is_told_when_all_of_it_is_remembered() {
    let mut memory = Memory::from(10, Bounds::default());
    for (sequence, number) in [(11, 1), (12, 2), (13, 1), (15, 1)] {
        posted(&mut memory, sequence, Lane::Timeline(room(number)));
    }
    let passed = |after, through, most| {
        let found = memory.passed_in(&room(1), after, through, most)?;
        Some(found.iter().map(|event| event.sequence).collect::<Vec<_>>())
    };
    assert_eq!(passed(10, 15, 3), Some(vec![11, 13, 15]));
    assert_eq!(passed(11, 14, 3), Some(vec![13]));
    assert_eq!((passed(9, 15, 9), passed(10, 15, 2)), (None, None));
    assert!(memory.passed_in(&room(3), 10, 15, 1).is_some_and(|found| found.is_empty()));
    let erasure = schemas::ErasureId::from_uuid(uuid::Uuid::from_u128(1));
    posted(&mut memory, 16, Lane::Erasure(erasure));
    posted(&mut memory, 17, Lane::Timeline(room(1)));
    assert!(memory.passed_in(&room(1), 15, 17, 9).is_none(), "any message may be another");
    assert!(memory.passed_in(&room(1), 16, 17, 9).is_some());
}

/// As it lies in the log, with the names of its file gone from other places.
const NAMES_REMOVED: &[u8] =
    include_bytes!("../../../../schemas/golden/room.texts_removed.v1.files.json");

#[test]
fn what_the_log_has_lost_is_not_remembered() {
    let mut memory = Memory::from(1, Bounds::default());
    let mut event = schemas::Event::decode(NAMES_REMOVED.trim_ascii_end()).unwrap();
    let schemas::EventData::Retention(schemas::events::RetentionEvent::TextsRemoved(removed)) =
        &mut event.data
    else {
        panic!("{:?}", event.data);
    };
    let lane = Lane::Retention(removed.room_id);
    memory.push(&Arc::new(Remembered::new(50, None, lane, NAMES_REMOVED)));
    assert_eq!(memory.floor(), 1, "that it was stored is nothing to a client that is told more");
    let blank = &mut removed.media[0];
    blank.media.status = schemas::media::MediaStatus::Removed;
    let ended = blank.sequence;
    let payload = event.encode().unwrap();
    memory.push(&Arc::new(Remembered::new(51, None, lane, &payload)));
    assert_eq!(memory.floor(), ended, "who has seen less asks the read model");
}

#[test]
fn the_floor_rises_when_the_oldest_go() {
    let mut memory = Memory::from(0, Bounds::default());
    let many = u64::try_from(Bounds::default().events).unwrap() + 10;
    for sequence in 1..=many {
        posted(&mut memory, sequence, Lane::Timeline(room(sequence % 3)));
    }
    assert_eq!(memory.floor(), 10);
    assert_eq!(memory.events(), Bounds::default().events);
    let rooms = HashSet::from([room(0), room(1), room(2)]);
    let found = memory.since(0, &rooms, &user(1), 50);
    assert_eq!((found.len(), found[0].sequence), (51, 11));
}

#[test]
fn an_event_counts_as_what_it_takes() {
    let network = Bytes::from(vec![b'x'; 10_000]);
    let lane = || Lane::Timeline(room(1));
    let wanted = Remembered::new(1, None, lane(), &network[..1_000]);
    assert!(wanted.payload.is_unique() && network.is_unique());
    let event = edited(1, 1, 9, 1);
    let place = Place { epoch: &Epoch::parse("e1").unwrap(), sequence: 1, previous: None };
    let told = to_frame(&event, place, Known { sender: Some(sender(9)), notification: None });
    let told = Arc::new(told.unwrap());
    let frames = told.frame.len();
    wanted.broadcast.set(Some(told)).unwrap();
    let unwanted = Remembered::new(2, None, lane(), &network[..1_000]);
    let nothing = Remembered::new(3, None, lane(), &network[..1_000]);
    nothing.broadcast.set(None).unwrap();
    let mut memory = Memory::from(0, Bounds::default());
    let mut counted = |event| {
        let before = memory.bytes();
        memory.push(&Arc::new(event));
        memory.bytes() - before
    };
    let costs = [wanted, unwanted, nothing].map(&mut counted);
    assert_eq!(costs, [1_000 + frames, 2_000, 1_000].map(|bytes| bytes + OVERHEAD));
    // A frame that is made later does not change what is taken off again.
    memory.all[1].0.broadcast.set(None).unwrap();
    while memory.forget_oldest() {}
    assert_eq!((memory.bytes(), memory.floor()), (0, 3));
}

/// Whether the rooms the user is in are fewer than those something happened in, or more.
#[test]
fn it_makes_no_difference_which_rooms_are_fewer() {
    let mut memory = Memory::from(0, Bounds::default());
    for sequence in 1..=40 {
        posted(&mut memory, sequence, Lane::Timeline(room(sequence % 20)));
    }
    let few = [room(3), room(99)];
    let many: Vec<RoomId> = (3..90).map(room).collect();
    assert_eq!(since(&memory, 0, &few, &user(1)), [3, 23]);
    assert_eq!(since(&memory, 22, &few, &user(1)), [23]);
    assert_eq!(since(&memory, 23, &few, &user(1)), [0; 0]);
    assert_eq!(since(&memory, 36, &many, &user(1)), [37, 38, 39]);
    assert_eq!(since(&memory, 22, &many, &user(1)), Vec::from_iter(23..=39));
}

#[test]
fn a_room_that_is_forgotten_is_not_lively() {
    let mut memory = Memory::from(0, Bounds::default());
    let many = u64::try_from(Bounds::default().events).unwrap();
    posted(&mut memory, 1, Lane::Timeline(room(1)));
    (2..=many + 1).for_each(|n| posted(&mut memory, n, Lane::Timeline(room(2))));
    assert_eq!((memory.rooms.len(), memory.lively.len()), (1, 1));
    assert_eq!(since(&memory, many, &[room(1), room(2)], &user(1)), [many + 1]);
}

#[test]
fn what_no_client_is_told_is_not_kept() {
    let mut memory = Memory::from(0, Bounds::default());
    posted(&mut memory, 1, Lane::Session(user(1)));
    assert_eq!((memory.events(), memory.floor()), (0, 0));
}
