//! Given a person who has everything up to a place, and these events after it, then this is what they are told
//! out of memory.

use super::*;
use crate::live::fixture::{
    added, answered, deleted, edited, lane_of, pinned, posted, reacted, read, removed, room,
    sender, unanswered, user,
};
use crate::live::frames::{Known, Place, to_frame};
use crate::live::plan::Plan;
use schemas::{Epoch, Event, Lane};

/// The events in their places, the former one of their lanes being 3 for the first.
fn placed(events: Vec<(Sequence, Event)>) -> Vec<Placed> {
    let epoch = Epoch::parse("e1").unwrap();
    let mut lanes: HashMap<Lane, Sequence> = HashMap::new();
    let place = |(sequence, event): (Sequence, Event)| {
        let lane = lane_of(&event);
        let previous = Some(lanes.insert(lane, sequence).unwrap_or(3));
        let place = Place { epoch: &epoch, sequence, previous };
        let known = Known { sender: Some(sender(9)), notification: None };
        let told = to_frame(&event, place, known).unwrap();
        let payload = event.encode().unwrap();
        (Arc::new(Remembered::new(sequence, previous, lane, &payload)), Arc::new(told))
    };
    events.into_iter().map(place).collect()
}

/// A step in words: what is told, and for a post how many answers it has.
fn words(step: &Step) -> (Sequence, String) {
    let what = match &step.item {
        Item::Broadcast { broadcast, .. } | Item::Text { broadcast, .. } => {
            broadcast.name.as_str().to_owned()
        }
        Item::Posted { replies: (replies, _), .. } => {
            format!("message.posted as now, {replies} answers")
        }
        Item::Changed(..) => "message.changed".to_owned(),
        Item::Whole(..) => "message.posted whole".to_owned(),
        Item::Reload(_) => "reload".to_owned(),
        Item::Message(_) | Item::Frame(_) => unreachable!(),
    };
    (step.at, what)
}

#[track_caller]
fn told_after(
    last: Option<(Sequence, Event)>,
    events: Vec<(Sequence, Event)>,
    who: u64,
    rooms: &[u64],
    expected: &[(Sequence, &str)],
) {
    let last = placed(last.into_iter().collect()).pop();
    let rooms = rooms.iter().copied().map(room).collect();
    let (user, others) = (user(who), HashSet::new());
    let listener = Listener { user: &user, rooms: &rooms, shares_room_with: &others };
    let plan = Plan::new(4, 100, replay(last.as_ref(), &placed(events), &listener));
    let found: Vec<(Sequence, String)> = plan.steps.iter().map(words).collect();
    let found: Vec<(Sequence, &str)> =
        found.iter().map(|(at, what)| (*at, what.as_str())).collect();
    assert_eq!(found, expected);
}

#[track_caller]
fn told(events: Vec<(Sequence, Event)>, who: u64, rooms: &[u64], expected: &[(Sequence, &str)]) {
    told_after(None, events, who, rooms, expected);
}

#[test]
fn only_rooms_they_are_in_now() {
    let events = vec![(5, posted(1, 1, 9)), (6, posted(2, 2, 9))];
    told(events, 1, &[1], &[(5, "message.posted")]);
}

#[test]
fn of_a_room_they_came_into_a_reload_and_what_happened_since() {
    let events = vec![(5, posted(1, 1, 9)), (6, added(1, 1)), (7, posted(1, 2, 9))];
    told(events, 1, &[1], &[(6, "member.joined"), (6, "reload"), (7, "message.posted")]);
}

/// Fault 6.
#[test]
fn who_was_out_meanwhile_reloads_the_room() {
    let events = vec![
        (5, deleted(1, 1, 9, 2)),
        (6, posted(1, 3, 9)),
        (7, removed(1, 1)),
        (8, posted(1, 4, 9)),
        (9, added(1, 1)),
        (10, posted(1, 5, 9)),
    ];
    let expected =
        [(7, "member.left"), (9, "member.joined"), (9, "reload"), (10, "message.posted")];
    told(events, 1, &[1], &expected);
}

#[test]
fn a_client_cut_between_joining_and_reload_gets_the_reload() {
    let later = || vec![(5, posted(1, 1, 9))];
    let again = Some((4, added(1, 1)));
    told_after(again.clone(), later(), 1, &[1], &[(4, "reload"), (5, "message.posted")]);
    told_after(again.clone(), later(), 1, &[2], &[]);
    told_after(again, later(), 2, &[1], &[(5, "message.posted")]);
}

#[test]
fn a_client_cut_between_an_answer_and_what_it_answers_gets_both() {
    let last = || Some((4, answered(1, 2, 9, 1)));
    let later = vec![(5, posted(1, 3, 9))];
    told_after(last(), later, 1, &[1], &[(4, "message.changed"), (5, "message.posted")]);
    told_after(last(), vec![(5, deleted(1, 1, 9, 2))], 1, &[1], &[(5, "message.deleted")]);
    let more = vec![(5, answered(1, 3, 9, 1))];
    told_after(last(), more, 1, &[1], &[(5, "message.posted"), (5, "message.changed")]);
}

#[test]
fn another_persons_coming_hides_nothing() {
    let events = vec![(5, posted(1, 1, 9)), (6, added(1, 2)), (7, posted(1, 2, 9))];
    let expected = [(5, "message.posted"), (6, "member.joined"), (7, "message.posted")];
    told(events, 1, &[1], &expected);
}

#[test]
fn they_are_told_that_they_were_put_in_a_room_they_have_left_again() {
    let events = vec![(5, added(1, 1)), (6, posted(1, 1, 9)), (7, removed(1, 1))];
    told(events, 1, &[], &[(5, "member.joined"), (7, "member.left")]);
}

#[test]
fn what_was_deleted_is_told_as_deleted_only() {
    let events = vec![
        (5, posted(1, 1, 9)),
        (6, posted(1, 2, 9)),
        (7, edited(1, 3, 9, 2)),
        (8, deleted(1, 1, 9, 5)),
        (9, deleted(1, 3, 9, 2)),
        // Appended after the deletion: nothing.
        (10, edited(1, 1, 9, 5)),
        (11, edited(1, 3, 9, 2)),
    ];
    let expected = [(6, "message.posted"), (8, "message.deleted"), (9, "message.deleted")];
    told(events, 1, &[1], &expected);
}

/// Fault 30.
#[test]
fn a_post_is_told_at_its_own_place_as_it_is_now_and_an_older_one_at_its_last_change() {
    let events = vec![
        (5, posted(1, 1, 9)),
        (6, posted(1, 2, 9)),
        (7, edited(1, 1, 9, 5)),
        (8, edited(1, 9, 9, 2)),
        (9, edited(1, 9, 9, 2)),
    ];
    let expected =
        [(5, "message.posted as now, 0 answers"), (6, "message.posted"), (9, "message.edited")];
    told(events, 1, &[1], &expected);
}

#[test]
fn what_was_answered_is_told_whole_after_its_answers() {
    let events = vec![
        (5, posted(1, 1, 9)),
        (6, answered(1, 2, 9, 1)),
        (7, answered(1, 3, 9, 8)),
        (8, answered(1, 4, 9, 1)),
        (9, unanswered(1, 2, 9, 1)),
        (10, edited(1, 8, 9, 2)),
        (11, unanswered(1, 7, 9, 6)),
    ];
    let expected = [
        (5, "message.posted as now, 1 answers"),
        (7, "message.posted"),
        (8, "message.posted"),
        (9, "message.deleted"),
        (10, "message.changed"),
        (11, "message.deleted"),
        (11, "message.changed"),
    ];
    told(events, 1, &[1], &expected);
}

/// As it is deleted, it is told as that; with the number of the answers that stand.
#[test]
fn a_deleted_message_is_told_after_what_happened_to_its_answers() {
    let events = vec![
        (5, answered(1, 2, 9, 1)),
        (6, deleted(1, 1, 9, 2)),
        (7, unanswered(1, 3, 9, 4)),
        (8, answered(1, 6, 9, 5)),
        (9, deleted(1, 5, 9, 3)),
        (10, unanswered(1, 6, 9, 5)),
        (11, deleted(1, 7, 9, 3)),
    ];
    let expected = [
        (5, "message.posted"),
        (6, "message.changed"),
        (7, "message.deleted"),
        (7, "message.changed"),
        (10, "message.deleted"),
        (10, "message.changed"),
        (11, "message.deleted"),
    ];
    told(events, 1, &[1], &expected);
}

#[test]
fn a_message_that_was_reacted_to_is_told_whole_and_the_reaction_is_not() {
    let events = vec![
        (5, posted(1, 1, 9)),
        (6, reacted(1, 1, 2, "\u{1f44d}")),
        (7, reacted(1, 8, 2, "\u{1f44d}")),
        (8, edited(1, 8, 9, 2)),
        (9, pinned(1, 7, 2)),
        (10, answered(1, 2, 9, 7)),
        (11, reacted(1, 6, 2, "\u{1f44d}")),
        (12, deleted(1, 6, 9, 3)),
    ];
    let expected = [
        (5, "message.posted whole"),
        (8, "message.changed"),
        (10, "message.posted"),
        (10, "message.changed"),
        (12, "message.deleted"),
    ];
    told(events, 1, &[1], &expected);
}

#[test]
fn of_a_read_marker_only_where_it_stands() {
    let events = vec![
        (5, read(1, 1, 1)),
        (6, read(1, 2, 1)),
        (7, read(1, 1, 3)),
        (8, read(1, 1, 2)),
        (9, posted(1, 9, 2)),
        (10, read(1, 2, 8)),
    ];
    let expected = [(6, "read.moved"), (7, "read.moved"), (9, "message.posted")];
    told(events, 1, &[1], &expected);
}

#[test]
fn every_message_counts_with_what_it_takes() {
    let events = placed(vec![(5, posted(1, 1, 9)), (6, edited(1, 1, 9, 5))]);
    let rooms = HashSet::from([room(1)]);
    let (user, others) = (user(1), HashSet::new());
    let listener = Listener { user: &user, rooms: &rooms, shares_room_with: &others };
    let mut plan = Plan::new(4, 6, replay(None, &events, &listener));
    assert_eq!(plan.bytes(), events[1].0.payload.len());
    assert_eq!((plan.next_piece(1).len(), plan.next_piece(1).len()), (1, 0));
}
