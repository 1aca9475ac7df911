//! Given events in the order of the log, then these are too late to be told.

use super::*;
use crate::live::fixture::{
    deleted, edited, message, pinned, posted, reacted, read, room, unpinned, unreacted,
};

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

/// Given these events at these times, then these of them are too late.
#[track_caller]
fn too_late(events: &[(Sequence, schemas::Event, i64)], expected: &[Sequence]) {
    let mut late = Late::since(None);
    let verdict = |(sequence, event, time): &(Sequence, schemas::Event, i64)| {
        let verdict = late.judge(&event.data, *sequence, at(*time));
        (verdict == Verdict::TooLate).then_some(*sequence)
    };
    let found: Vec<Sequence> = events.iter().filter_map(verdict).collect();
    assert_eq!(found, expected);
}

#[test]
fn nothing_changes_a_deleted_message() {
    let events = [
        (1, posted(1, 1, 9), 0),
        (2, edited(1, 1, 9, 1), 1),
        (3, deleted(1, 1, 9, 1), 2),
        (4, edited(1, 1, 9, 1), WINDOW_MS),
        (5, deleted(1, 1, 9, 1), WINDOW_MS + 1),
        (6, edited(1, 2, 9, 1), WINDOW_MS + 2),
    ];
    too_late(&events, &[4, 5]);
}

#[test]
fn markers_go_forwards_and_a_post_moves_its_authors() {
    let events = [
        (10, read(1, 1, 5), 0),
        (11, read(1, 1, 4), 1),
        (12, read(1, 1, 5), 1),
        (13, read(1, 2, 4), 1),
        (14, posted(1, 7, 1), 2),
        (15, read(1, 1, 13), 2),
        (16, read(1, 1, 15), 3),
        (17, read(2, 1, 1), 3),
    ];
    too_late(&events, &[11, 12, 15]);
}

#[test]
fn a_repeated_reaction_or_pin_is_too_late_and_so_is_one_to_what_is_deleted() {
    let events = [
        (1, posted(1, 1, 9), 0),
        (2, reacted(1, 1, 2, "\u{1f44d}"), 1),
        (3, reacted(1, 1, 2, "\u{1f44d}"), 2),
        (4, reacted(1, 1, 3, "\u{1f44d}"), 2),
        (5, reacted(1, 1, 2, "\u{1f44e}"), 2),
        (6, unreacted(1, 1, 2, "\u{1f44d}"), 3),
        (7, unreacted(1, 1, 2, "\u{1f44d}"), 3),
        (8, reacted(1, 1, 2, "\u{1f44d}"), 4),
        (9, pinned(1, 1, 2), 5),
        (10, pinned(1, 1, 3), 5),
        (11, unpinned(1, 1, 2), 6),
        (12, deleted(1, 1, 9, 1), 7),
        (13, unreacted(1, 1, 2, "\u{1f44d}"), 8),
        (14, pinned(1, 1, 2), 8),
    ];
    too_late(&events, &[3, 7, 10, 13, 14]);
}

#[test]
fn one_that_may_be_too_many_is_asked_about_until_it_is_known_to_be_there() {
    let mut late = Late::since(None);
    let EventData::Pin(PinEvent::Pinned(mut pin)) = pinned(1, 1, 2).data else { unreachable!() };
    pin.near_limit = true;
    let data = EventData::from(pin);
    let unsure = Verdict::NearLimit(Addition::Pin(message(1)));
    assert_eq!(late.judge(&data, 5, at(0)), unsure);
    assert_eq!(late.judge(&data, 6, at(0)), unsure);
    late.note(Addition::Pin(message(1)), at(0));
    assert_eq!(late.judge(&data, 7, at(0)), Verdict::TooLate);
}

#[test]
fn who_does_not_know_says_so_until_the_window_is_over() {
    let mut late = Late::since(Some(at(1_000)));
    let edit = edited(1, 1, 9, 1).data;
    let unsure = Verdict::Unsure(message(1));
    assert_eq!(late.judge(&edit, 5, at(1_000)), unsure);
    assert_eq!(late.judge(&edit, 6, at(1_000 + WINDOW_MS - 1)), unsure);
    assert_eq!(late.judge(&edit, 7, at(1_000 + WINDOW_MS)), Verdict::Timely);
}

#[test]
fn whether_something_is_taken_back_again_is_asked_by_who_cannot_know() {
    let mut late = Late::since(Some(at(1_000)));
    let taken_back = |n| unreacted(1, n, 2, "\u{1f44d}").data;
    assert_eq!(late.judge(&taken_back(1), 5, at(1_000)), Verdict::Unsure(message(1)));
    assert_eq!(late.judge(&taken_back(1), 6, at(1_000)), Verdict::TooLate);
    assert_eq!(late.judge(&taken_back(2), 7, at(1_000 + WINDOW_MS)), Verdict::Timely);
}

#[test]
fn a_flood_of_deletions_makes_unsure_and_not_wrong() {
    let mut late = Late::bounded(None, 10);
    for n in 1..=25 {
        late.judge(&deleted(1, n, 9, 1).data, n, at(0));
    }
    assert_eq!(late.judge(&edited(1, 25, 9, 1).data, 30, at(1)), Verdict::TooLate);
    assert_eq!(late.judge(&edited(1, 1, 9, 1).data, 31, at(1)), Verdict::Unsure(message(1)));
    let sure = late.judge(&edited(1, 1, 9, 1).data, 31, at(WINDOW_MS));
    assert_eq!(sure, Verdict::Timely);
}

#[test]
fn an_event_names_the_last_one_that_was_told() {
    let mut chain = Chain::default();
    let room = room(1);
    chain.handed_on(&room, 5, Some(3), true);
    chain.handed_on(&room, 7, Some(5), false);
    let before = chain.told_before(&room, Some(7));
    assert_eq!(before, Some(5));
    chain.handed_on(&room, 9, before, false);
    assert_eq!(chain.told_before(&room, Some(9)), Some(5));
    chain.handed_on(&room, 11, Some(5), true);
    assert_eq!(chain.told_before(&room, Some(11)), Some(11));
}
