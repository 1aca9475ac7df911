//! Tests of the judge: a correct history passes, and each broken promise is found.

use std::time::{Duration, Instant};

use schemas::Sequence;
use serde_json::{Value, json};

use super::check::{Violation, check};
use super::truth::{Fact, Truth};
use super::{Act, Operation, Outcome, Trace};

mod operations;

const ROOM: &str = "room_a";

fn posted(number: u64) -> Fact {
    Fact::Posted {
        room: ROOM.to_owned(),
        message: format!("msg_{number}"),
        sender: "usr_ada".to_owned(),
        client_id: Some(format!("c{number}")),
        body: format!("body {number}"),
    }
}

fn edited(number: u64, body: &str) -> Fact {
    Fact::Edited { room: ROOM.to_owned(), message: format!("msg_{number}"), body: body.to_owned() }
}

fn deleted(number: u64) -> Fact {
    Fact::Deleted { room: ROOM.to_owned(), message: format!("msg_{number}") }
}

fn member(user: &str, present: bool) -> Fact {
    Fact::Member { room: ROOM.to_owned(), user: user.to_owned(), present }
}

/// A log that begins with ada and bob in a room.
fn log(facts: &[(Sequence, Fact)]) -> Truth {
    let first = [
        (1, Fact::Created { room: ROOM.to_owned(), everyone: false, members: Vec::new() }),
        (2, member("usr_ada", true)),
        (3, member("usr_bob", true)),
    ];
    Truth::from_facts(first.into_iter().chain(facts.iter().cloned()))
}

fn post(number: u64, times: (u64, u64), outcome: Outcome) -> Operation {
    let act = Act::Post { room: ROOM.to_owned(), client_id: format!("c{number}") };
    Operation {
        actor: "usr_ada".to_owned(),
        act,
        begun: Duration::from_secs(times.0),
        ended: (outcome != Outcome::Unknown).then(|| Duration::from_secs(times.1)),
        tries: 1,
        outcome,
    }
}

fn frame(event: &str, at: Sequence, previous: Option<Sequence>, data: &Value) -> Value {
    json!({"type": "event", "event": event, "room_id": ROOM, "position": format!("e:{at}"),
           "previous": previous.map(|at| format!("e:{at}")), "data": data})
}

fn told(event: &str, at: Sequence, number: u64, place: Sequence, body: &str) -> Value {
    let data =
        json!({"id": format!("msg_{number}"), "position": format!("e:{place}"), "body": body});
    frame(event, at, None, &data)
}

fn said(at: Sequence, number: u64) -> Value {
    told("message.posted", at, number, at, &format!("body {number}"))
}

fn resumed(at: Sequence) -> Value {
    json!({"type": "resumed", "position": format!("e:{at}"), "count": 0})
}

/// A client that has everything up to 3, receives these frames and hears the last word.
fn client(user: &str, frames: &[Value], end: Sequence) -> Trace {
    let mut trace = Trace::new("client", user, Instant::now());
    trace.opened("e:3");
    frames.iter().for_each(|frame| trace.frame(frame));
    trace.finished(end);
    trace
}

/// A client that is shown some frames, is away, and resumes after `after`.
fn returning(
    user: &str,
    before: &[Value],
    after: Sequence,
    later: &[Value],
    end: Sequence,
) -> Trace {
    let mut trace = Trace::new("client", user, Instant::now());
    trace.opened("e:3");
    before.iter().for_each(|frame| trace.frame(frame));
    trace.ended(None);
    trace.opened(&format!("e:{after}"));
    later.iter().for_each(|frame| trace.frame(frame));
    trace.finished(end);
    trace
}

#[track_caller]
fn holds(operations: &[Operation], traces: &[Trace], truth: &Truth) {
    assert_eq!(check(operations, traces, truth), []);
}

#[track_caller]
fn breaks(operations: &[Operation], traces: &[Trace], truth: &Truth, fits: fn(&Violation) -> bool) {
    let violations = check(operations, traces, truth);
    assert!(violations.iter().any(fits), "not seen; found {violations:?}");
}

#[test]
fn a_correct_history_passes() {
    let truth = log(&[(4, posted(1)), (5, posted(2)), (6, edited(1, "new"))]);
    let operations = [
        post(1, (0, 1), Outcome::Ok(4)),
        post(2, (2, 3), Outcome::Unknown),
        post(3, (2, 3), Outcome::Unknown),
        post(4, (2, 3), Outcome::Fail),
    ];
    let edit = told("message.edited", 6, 1, 4, "new");
    let whole = client("usr_bob", &[said(4, 1), said(5, 2), edit], 6);
    // Away for both posts and the edit: they come as what became of them.
    let compacted = [told("message.posted", 4, 1, 4, "new"), said(5, 2), resumed(6)];
    let away = returning("usr_bob", &[], 3, &compacted, 6);
    holds(&operations, &[whole, away], &truth);
}

#[test]
fn a_gap_in_what_is_told() {
    let truth = log(&[(4, posted(1)), (5, posted(2)), (6, posted(3))]);
    let live = client("usr_bob", &[said(4, 1), said(6, 3)], 6);
    breaks(&[], &[live], &truth, |v| matches!(v, Violation::Gap { at: 5, .. }));
    let lost_in_resume = returning("usr_bob", &[said(4, 1)], 4, &[resumed(5), said(6, 3)], 6);
    breaks(&[], &[lost_in_resume], &truth, |v| matches!(v, Violation::Gap { at: 5, .. }));
    let lost_end = client("usr_bob", &[said(4, 1), said(5, 2)], 6);
    breaks(&[], &[lost_end], &truth, |v| matches!(v, Violation::Gap { at: 6, .. }));
}

#[test]
fn a_membership_change_that_was_not_told() {
    let truth = log(&[(4, member("usr_eve", true)), (5, posted(1))]);
    let deaf = client("usr_bob", &[said(5, 1)], 5);
    breaks(&[], &[deaf], &truth, |v| matches!(v, Violation::Gap { at: 4, .. }));
    let joined = frame("member.joined", 4, None, &json!({"user_id": "usr_eve"}));
    holds(&[], &[client("usr_bob", &[joined, said(5, 1)], 5)], &truth);
}

#[test]
fn something_told_twice() {
    let truth = log(&[(4, posted(1)), (5, posted(2))]);
    let repeated = |v: &Violation| matches!(v, Violation::Repeated { .. });
    let live = client("usr_bob", &[said(4, 1), said(4, 1), said(5, 2)], 5);
    breaks(&[], &[live], &truth, repeated);
    let again = returning("usr_bob", &[said(4, 1), said(5, 2)], 4, &[said(5, 2), resumed(5)], 5);
    breaks(&[], &[again], &truth, repeated);
}

#[test]
fn a_room_told_of_twice_in_one_stay() {
    let truth = log(&[(4, member("usr_bob", false)), (5, member("usr_bob", true))]);
    let made = frame("room.created", 1, None, &json!({"id": ROOM}));
    let left = frame("member.left", 4, None, &json!({"user_id": "usr_bob"}));
    let back = frame("member.joined", 5, None, &json!({"user_id": "usr_bob"}));
    let each_stay = [made.clone(), left, made, back];
    let mut trace = client("usr_bob", &each_stay, 5);
    breaks(&[], &[trace.clone()], &truth, |v| matches!(v, Violation::Repeated { .. }));
    // Once in each stay is correct: a new member is told of the room.
    trace.seen.remove(1);
    holds(&[], &[trace], &truth);
}

#[test]
fn the_order_of_the_log_turned_round() {
    let truth = log(&[(4, posted(1)), (5, posted(2))]);
    let live = client("usr_bob", &[said(5, 2), said(4, 1)], 5);
    breaks(&[], &[live], &truth, |v| matches!(v, Violation::Disordered { at: 4, after: 5, .. }));
    let resumed = returning("usr_bob", &[], 3, &[said(5, 2), said(4, 1), resumed(5)], 5);
    breaks(&[], &[resumed], &truth, |v| matches!(v, Violation::Disordered { .. }));
}

#[test]
fn an_event_told_to_a_non_member() {
    let truth = log(&[(4, member("usr_bob", false)), (5, posted(1)), (6, member("usr_bob", true))]);
    let left = frame("member.left", 4, None, &json!({"user_id": "usr_bob"}));
    let back = frame("member.joined", 6, None, &json!({"user_id": "usr_bob"}));
    let leaked = client("usr_bob", &[left.clone(), said(5, 1), back.clone()], 6);
    breaks(&[], &[leaked], &truth, |v| matches!(v, Violation::Leaked { at: 5, .. }));
    holds(&[], &[client("usr_bob", &[left, back.clone()], 6)], &truth);
    // An event told late, at a place where the user is a member again, is told at the wrong place.
    let late = told("message.posted", 7, 1, 5, "body 1");
    let resumed = returning("usr_bob", &[], 3, &[back, late, resumed(7)], 7);
    breaks(&[], &[resumed], &truth, |v| matches!(v, Violation::Invented { at: 7, .. }));
    let eve = client("usr_eve", &[said(5, 1)], 6);
    breaks(&[], &[eve], &truth, |v| matches!(v, Violation::Leaked { at: 5, .. }));
}

#[test]
fn a_user_removed_while_away_need_not_be_told_earlier_messages() {
    let facts = [(4, posted(1)), (5, member("usr_bob", false)), (6, member("usr_bob", true))];
    let truth = log(&facts);
    let back = frame("member.joined", 6, None, &json!({"user_id": "usr_bob"}));
    let away = returning("usr_bob", &[], 3, &[back.clone(), resumed(6)], 6);
    holds(&[], &[away], &truth);
    // Members who are connected are told.
    let left = frame("member.left", 5, None, &json!({"user_id": "usr_bob"}));
    let present = client("usr_bob", &[left, back], 6);
    breaks(&[], &[present], &truth, |v| matches!(v, Violation::Gap { at: 4, .. }));
}

#[test]
fn something_that_never_happened() {
    let truth = log(&[(4, posted(1))]);
    let invented = client("usr_bob", &[said(4, 1), said(5, 2)], 5);
    breaks(&[], &[invented], &truth, |v| matches!(v, Violation::Invented { at: 5, .. }));
}

#[test]
fn a_change_that_never_arrived() {
    let stale = |v: &Violation| matches!(v, Violation::Stale { .. });
    let truth = log(&[(4, posted(1)), (5, edited(1, "new"))]);
    breaks(&[], &[client("usr_bob", &[said(4, 1)], 5)], &truth, stale);
    let truth = log(&[(4, posted(1)), (5, deleted(1))]);
    breaks(&[], &[client("usr_bob", &[said(4, 1)], 5)], &truth, stale);
    let gone = told("message.deleted", 5, 1, 4, "");
    holds(&[], &[client("usr_bob", &[said(4, 1), gone], 5)], &truth);
}

#[test]
fn something_told_of_a_message_that_is_deleted() {
    let truth = log(&[(4, posted(1)), (5, deleted(1)), (6, edited(1, "late"))]);
    let gone = told("message.deleted", 5, 1, 4, "");
    holds(&[], &[client("usr_bob", &[said(4, 1), gone.clone()], 6)], &truth);
    let late = told("message.edited", 6, 1, 4, "late");
    let revived = client("usr_bob", &[said(4, 1), gone, late], 6);
    breaks(&[], &[revived], &truth, |v| matches!(v, Violation::Revived { at: 6, .. }));
    // The edit that came too late was refused, though it is in the log; one that came in time was not.
    let mut edit = post(1, (2, 3), Outcome::Fail);
    edit.act = Act::Edit { message: "msg_1".to_owned(), body: "late".to_owned() };
    let post = post(1, (0, 1), Outcome::Ok(4));
    holds(&[post.clone(), edit.clone()], &[], &truth);
    let truth = log(&[(4, posted(1)), (5, edited(1, "late")), (6, deleted(1))]);
    let refused = |v: &Violation| matches!(v, Violation::RefusedYetStored { at: 5, .. });
    breaks(&[post, edit], &[], &truth, refused);
}

#[test]
fn a_read_marker_told_backwards() {
    let truth = log(&[(4, posted(1)), (5, posted(2))]);
    let read = |at, number| {
        let data = json!({"user_id": "usr_ada", "message_id": format!("msg_{number}")});
        frame("read.moved", at, None, &data)
    };
    let seen = [said(4, 1), said(5, 2)];
    let forwards = [&seen[..], &[read(6, 1), read(7, 2)]].concat();
    holds(&[], &[client("usr_bob", &forwards, 7)], &truth);
    let backwards = [&seen[..], &[read(6, 2), read(7, 1)]].concat();
    let broken = |v: &Violation| matches!(v, Violation::Backwards { at: 7, .. });
    breaks(&[], &[client("usr_bob", &backwards, 7)], &truth, broken);
}

#[test]
fn a_room_that_is_loaded_anew_need_not_be_told() {
    let facts = [(4, member("usr_bob", false)), (5, posted(1)), (6, member("usr_bob", true))];
    let truth = log(&[&facts[..], &[(7, posted(2)), (8, posted(3))]].concat());
    let back = frame("member.joined", 6, None, &json!({"user_id": "usr_bob"}));
    let reload = json!({"type": "reload", "room_id": ROOM, "position": "e:7"});
    let away = |later: &[Value]| returning("usr_bob", &[], 3, later, 8);
    holds(&[], &[away(&[back.clone(), reload.clone(), said(8, 3), resumed(8)])], &truth);
    // What came after the reload is told.
    let gap = |v: &Violation| matches!(v, Violation::Gap { at: 8, .. });
    breaks(&[], &[away(&[back, reload, resumed(8)])], &truth, gap);
}

#[test]
fn an_event_that_follows_on_one_never_told() {
    let truth = log(&[(4, posted(1)), (5, posted(2))]);
    let mut second = said(5, 2);
    second["previous"] = json!("e:4");
    let fine = client("usr_bob", &[said(4, 1), second.clone()], 5);
    holds(&[], &[fine], &truth);
    breaks(&[], &[client("usr_bob", &[second], 5)], &truth, |v| {
        matches!(v, Violation::Unlinked { at: 5, previous: 4, .. })
    });
}

#[test]
fn a_client_that_could_not_be_resumed_or_never_came_to_the_end() {
    let truth = log(&[]);
    let reset = client("usr_bob", &[json!({"type": "reset", "reason": "too_far_behind"})], 4);
    breaks(&[], &[reset], &truth, |v| matches!(v, Violation::Reset { .. }));
    let mut trace = Trace::new("client", "usr_bob", Instant::now());
    trace.opened("e:3");
    breaks(&[], &[trace], &truth, |v| matches!(v, Violation::Unfinished { .. }));
}

#[test]
fn an_absence_lasts_until_the_resume_is_done() {
    let mut trace = returning("usr_bob", &[], 3, &[], 4);
    assert_eq!(trace.absences()[0].lasted, None);
    trace.ended(Some(4508));
    trace.opened("e:3");
    trace.frame(&resumed(4));
    let absences = trace.absences();
    assert_eq!(absences.len(), 1, "it broke again before it had resumed: one absence");
    assert!(absences[0].lasted.is_some());
}
