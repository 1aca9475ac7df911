//! What was asked for, and what the log has of it.

use std::time::Duration;

use super::super::check::Violation;
use super::super::truth::Fact;
use super::super::{Act, Outcome};
use super::{ROOM, breaks, edited, holds, log, member, post, posted};

#[test]
fn an_acknowledged_send_that_is_not_stored() {
    let operations = [post(1, (0, 1), Outcome::Ok(4))];
    breaks(&operations, &[], &log(&[]), |v| matches!(v, Violation::Lost { .. }));
}

#[test]
fn an_acknowledgement_that_names_another_place() {
    let truth = log(&[(4, posted(1))]);
    let operations = [post(1, (0, 1), Outcome::Ok(5))];
    breaks(&operations, &[], &truth, |v| {
        matches!(v, Violation::Misplaced { told: 5, stored: 4, .. })
    });
}

#[test]
fn a_send_that_is_stored_twice() {
    let mut twice = posted(1);
    if let Fact::Posted { message, .. } = &mut twice {
        "msg_9".clone_into(message);
    }
    let truth = log(&[(4, posted(1)), (5, twice)]);
    for outcome in [Outcome::Ok(4), Outcome::Unknown] {
        let operations = [post(1, (0, 1), outcome)];
        breaks(&operations, &[], &truth, |v| matches!(v, Violation::Doubled { .. }));
    }
}

#[test]
fn a_refused_send_that_is_stored() {
    let truth = log(&[(4, posted(1))]);
    let operations = [post(1, (0, 1), Outcome::Fail)];
    breaks(&operations, &[], &truth, |v| matches!(v, Violation::RefusedYetStored { at: 4, .. }));
}

#[test]
fn a_message_that_no_client_sent() {
    let truth = log(&[(4, posted(1)), (5, posted(2))]);
    let operations = [post(1, (0, 1), Outcome::Ok(4))];
    breaks(&operations, &[], &truth, |v| *v == Violation::Unasked { at: 5 });
}

#[test]
fn a_send_begun_after_an_acknowledgement_and_stored_before_it() {
    let truth = log(&[(4, posted(2)), (5, posted(1))]);
    let operations = [post(1, (0, 1), Outcome::Ok(5)), post(2, (2, 3), Outcome::Ok(4))];
    breaks(&operations, &[], &truth, |v| matches!(v, Violation::Overtaken { by: 4, .. }));
    // At the same time either may be first.
    holds(&[post(1, (0, 3), Outcome::Ok(5)), post(2, (2, 3), Outcome::Ok(4))], &[], &truth);
}

#[test]
fn a_removal_that_was_acknowledged_and_is_not_stored() {
    let act = Act::Remove { room: ROOM.to_owned(), user: "usr_bob".to_owned() };
    let mut operation = post(1, (0, 1), Outcome::Ok(4));
    operation.act = act;
    let operations = [operation];
    holds(&operations, &[], &log(&[(4, member("usr_bob", false))]));
    let lost = |v: &Violation| matches!(v, Violation::Lost { .. });
    breaks(&operations, &[], &log(&[(4, member("usr_bob", true))]), lost);
    // Tried again it is answered with a later place, at which it must hold.
    let mut again = operations;
    (again[0].tries, again[0].outcome) = (2, Outcome::Ok(6));
    holds(&again, &[], &log(&[(4, member("usr_bob", false))]));
    let undone = log(&[(4, member("usr_bob", false)), (5, member("usr_bob", true))]);
    breaks(&again, &[], &undone, lost);
}

#[test]
fn a_reaction_taken_back_that_is_still_there() {
    let beside = |there| Fact::Beside {
        room: ROOM.to_owned(),
        message: "msg_1".to_owned(),
        user: "usr_ada".to_owned(),
        what: "x".to_owned(),
        there,
        counts: true,
    };
    let mut back = post(1, (4, 5), Outcome::Ok(5));
    back.act = Act::Beside { message: "msg_1".to_owned(), what: "x".to_owned(), there: false };
    let operations = [post(1, (0, 1), Outcome::Ok(4)), back];
    let lost = |v: &Violation| matches!(v, Violation::Lost { .. });
    breaks(&operations, &[], &log(&[(4, posted(1)), (5, beside(true))]), lost);
    // Where it is not, nothing is to be done.
    holds(&operations, &[], &log(&[(4, posted(1))]));
    holds(&operations, &[], &log(&[(4, posted(1)), (6, beside(true))]));
}

#[test]
fn an_edit_that_is_stored_more_often_than_it_was_tried() {
    let truth = log(&[(4, posted(1)), (5, edited(1, "new")), (6, edited(1, "new"))]);
    let post = post(1, (0, 1), Outcome::Ok(4));
    let mut edit = post.clone();
    edit.act = Act::Edit { message: "msg_1".to_owned(), body: "new".to_owned() };
    (edit.begun, edit.ended) = (Duration::from_secs(2), Some(Duration::from_secs(3)));
    (edit.tries, edit.outcome) = (2, Outcome::Ok(6));
    holds(&[post.clone(), edit.clone()], &[], &truth);
    edit.tries = 1;
    breaks(&[post, edit], &[], &truth, |v| matches!(v, Violation::Doubled { .. }));
}
