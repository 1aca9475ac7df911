use std::collections::VecDeque;
use std::task::{Context, Poll, Waker};

use telemetry::Metrics;

use super::*;
use crate::live::LiveMetrics;
use crate::live::fixture::{room, user};

/// So many people with a socket each, all in one room; the last one is not attached yet.
fn crowd(size: u64) -> (Routing, Vec<Arc<Outbox>>) {
    let metrics = Arc::new(LiveMetrics::new(&Metrics::new()));
    let mut routing = Routing::default();
    let mut sockets = Vec::new();
    for number in 1..=size {
        let outbox = Arc::new(Outbox::new(number, Arc::clone(&metrics)));
        let session = SessionId::from_uuid(uuid::Uuid::from_u128(u128::from(number)));
        let person = user(number);
        routing.reserve(&person, session, Arc::clone(&outbox), 1, Instant::now()).unwrap();
        routing.loading(&person).unwrap().set(()).unwrap();
        routing.loaded(&person, HashSet::from([room(1)]));
        if number < size {
            assert!(routing.attach(&person, number));
        }
        sockets.push(outbox);
    }
    (routing, sockets)
}

/// Everything a socket was given, in order.
fn taken(outbox: &Outbox) -> String {
    let mut frames = VecDeque::new();
    let cx = Context::from_waker(Waker::noop());
    while let Poll::Ready(true) = outbox.poll_take(&cx, &mut frames, usize::MAX) {}
    frames.iter().map(|frame| String::from_utf8_lossy(frame).into_owned()).collect()
}

fn frame(text: &'static str) -> Bytes {
    Bytes::from_static(text.as_bytes())
}

#[test]
fn a_small_room_is_told_at_once() {
    let (mut routing, sockets) = crowd(3);
    assert_eq!(routing.give_room(&room(1), &frame("a")), 2);
    assert!(!routing.gathers());
    assert_eq!(taken(&sockets[0]), "a");
}

#[test]
fn who_is_away_is_given_nothing_and_stays_known_for_a_while() {
    let (mut routing, sockets) = crowd(3);
    let now = Instant::now();
    routing.leave(&user(1), 1, now);
    assert!(routing.wants_room(&room(1)));
    assert_eq!(routing.give_room(&room(1), &frame("a")), 1);
    assert_eq!((taken(&sockets[0]), taken(&sockets[1])), (String::new(), "a".to_owned()));
    routing.leave(&user(2), 2, now);
    routing.leave(&user(3), 3, now);
    assert!(!routing.wants_room(&room(1)) && routing.wants_person(&user(1)));
    assert!(routing.rooms_of(&user(1)).is_some_and(|rooms| rooms.contains(&room(1))));
    routing.forget_absent(now + MEMORY_OF_PEOPLE);
    assert!(!routing.wants_person(&user(1)) && routing.rooms_of(&user(1)).is_none());
}

#[test]
fn frames_of_a_large_room_go_out_together_and_in_order() {
    let (mut routing, sockets) = crowd(40);
    // One of the forty is not attached; who is shows when it goes out.
    assert_eq!(routing.give_room(&room(1), &frame("a")), 40);
    routing.give_room(&room(1), &frame("b"));
    assert!(routing.gathers());
    assert_eq!((taken(&sockets[0]), routing.take_given()), (String::new(), 0));
    assert_eq!(routing.flush(), 39);
    assert_eq!((routing.take_given(), routing.take_given()), (78, 0));
    assert_eq!(taken(&sockets[0]), "ab");
    assert_eq!(taken(&sockets[38]), "ab");
}

#[test]
fn a_small_rooms_frame_does_not_overtake_a_large_rooms() {
    let (mut routing, sockets) = crowd(40);
    routing.member(&room(2), &user(1), true);
    routing.give_room(&room(1), &frame("a"));
    routing.give_room(&room(2), &frame("b"));
    routing.give_room(&room(1), &frame("c"));
    routing.give_person(&user(1), &frame("d"));
    assert_eq!(taken(&sockets[0]), "abcd");
    assert_eq!(taken(&sockets[1]), "ac");
}

#[test]
fn who_attaches_is_not_given_what_was_gathered_before() {
    let (mut routing, sockets) = crowd(40);
    routing.give_room(&room(1), &frame("a"));
    assert!(routing.attach(&user(40), 40));
    routing.give_room(&room(1), &frame("b"));
    routing.flush();
    assert_eq!(taken(&sockets[39]), "b");
    assert_eq!(taken(&sockets[0]), "ab");
}

#[test]
fn who_leaves_a_room_is_given_what_was_gathered_before_and_nothing_after() {
    let (mut routing, sockets) = crowd(40);
    routing.give_room(&room(1), &frame("a"));
    routing.member(&room(1), &user(1), false);
    routing.give_room(&room(1), &frame("b"));
    routing.flush();
    assert_eq!(taken(&sockets[0]), "a");
    assert_eq!(taken(&sockets[1]), "ab");
}

#[test]
fn what_is_gathered_is_bounded() {
    let (mut routing, sockets) = crowd(40);
    let large = Bytes::from(vec![b'x'; MAX_GATHERED]);
    routing.give_room(&room(1), &large);
    assert!(routing.gathers());
    routing.give_room(&room(1), &frame("y"));
    assert!(!routing.gathers());
    assert_eq!(taken(&sockets[0]).len(), MAX_GATHERED + 1);
}

#[test]
fn what_is_told_aside_goes_to_all_but_the_user_it_is_about_and_not_to_slow_readers() {
    let (mut routing, sockets) = crowd(5);
    for _ in 0..300 {
        sockets[2].push(frame("-"));
    }
    routing.give_aside(&room(1), &[(user(1), frame("a")), (user(2), frame("b"))]);
    let got = [0, 1, 3].map(|place: usize| taken(&sockets[place]));
    assert_eq!(got, ["b", "a", "ab"]);
    assert_eq!(taken(&sockets[2]), "-".repeat(300));
    assert_eq!(taken(&sockets[4]), "", "not attached");
}
