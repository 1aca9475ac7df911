//! The rules of codes, one by one.

use std::time::Duration;

use schemas::events::ChallengePurpose::{self, AddressChange, PasswordReset, Verification};
use schemas::values::Email;
use schemas::{ChallengeId, Timestamp};
use uuid::Uuid;

use super::*;
use crate::limit::Limit;

const HOURLY: Option<Limit> = Some(Limit { count: 5, per: Duration::from_secs(3600) });

fn id(number: u128) -> ChallengeId {
    ChallengeId::from_uuid(Uuid::from_u128(number))
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(1_795_255_200_000).plus_seconds(seconds)
}

#[track_caller]
fn ask(
    codes: &mut Codes,
    number: u128,
    purpose: ChallengePurpose,
    seconds: i64,
) -> Result<(), TooMany> {
    let email = Email::parse("ada@example.org").unwrap();
    let ask = Ask { id: &id(number), purpose, email: &email, taken: false, now: at(seconds) };
    issue(codes, &ask, HOURLY)
}

fn right(codes: &mut Codes, number: u128, seconds: i64) -> bool {
    matches!(enter(codes, &id(number), true, at(seconds)), Entered::Right(_))
        && accept(codes, &id(number), at(seconds))
}

#[test]
fn a_code_is_good_once_and_for_ten_minutes() {
    let mut codes = Codes::default();
    ask(&mut codes, 1, Verification, 0).unwrap();
    assert!(!right(&mut codes, 1, 600), "ten minutes have passed");
    assert!(right(&mut codes, 1, 599));
    settle(&mut codes, &id(1));
    assert!(!right(&mut codes, 1, 599), "it was used");
    assert_eq!(enter(&mut codes, &id(2), true, at(0)), Entered::Gone, "no such code");
}

#[test]
fn five_wrong_codes_end_a_challenge() {
    let mut codes = Codes::default();
    ask(&mut codes, 1, PasswordReset, 0).unwrap();
    for _ in 0..5 {
        assert_eq!(enter(&mut codes, &id(1), false, at(1)), Entered::Wrong);
    }
    assert_eq!(enter(&mut codes, &id(1), true, at(1)), Entered::Gone);
}

#[test]
fn a_verification_replaces_the_former_and_a_reset_does_not() {
    for (purpose, former_is_good) in
        [(Verification, false), (AddressChange, false), (PasswordReset, true)]
    {
        let mut codes = Codes::default();
        ask(&mut codes, 1, purpose, 0).unwrap();
        ask(&mut codes, 2, purpose, 1).unwrap();
        assert_eq!(right(&mut codes.clone(), 1, 2), former_is_good, "{purpose:?}");
        assert!(right(&mut codes, 2, 2));
    }
}

#[test]
fn the_sixth_in_an_hour_is_one_too_many_for_each_kind_alone() {
    let mut codes = Codes::default();
    for number in 0..5 {
        ask(&mut codes, number, Verification, i64::try_from(number).unwrap()).unwrap();
    }
    let before = codes.clone();
    assert_eq!(ask(&mut codes, 5, Verification, 100), Err(TooMany { retry_after: 3500 }));
    assert_eq!(codes, before);
    ask(&mut codes, 6, AddressChange, 100).unwrap();
    ask(&mut codes, 7, Verification, 3600).unwrap();
}

#[test]
fn five_resets_may_be_live() {
    let mut codes = Codes::default();
    let email = Email::parse("ada@example.org").unwrap();
    let ask = |codes: &mut Codes, number, seconds| {
        let (id, now) = (id(number), at(seconds));
        let ask = Ask { id: &id, purpose: PasswordReset, email: &email, taken: false, now };
        issue(codes, &ask, None)
    };
    for number in 0..5 {
        ask(&mut codes, number, 0).unwrap();
    }
    assert_eq!(ask(&mut codes, 5, 1), Err(TooMany { retry_after: 599 }));
    ask(&mut codes, 6, 600).unwrap();
}

#[test]
fn a_reset_and_a_change_of_address_end_all_other_codes() {
    for (purpose, others_are_good) in
        [(PasswordReset, false), (AddressChange, false), (Verification, true)]
    {
        let mut codes = Codes::default();
        for (number, other) in [PasswordReset, AddressChange, Verification].into_iter().enumerate()
        {
            ask(&mut codes, u128::try_from(number).unwrap(), other, 0).unwrap();
        }
        ask(&mut codes, 9, purpose, 1).unwrap();
        assert!(right(&mut codes, 9, 2));
        let good = (0..3).any(|number| right(&mut codes.clone(), number, 3));
        assert_eq!(good, others_are_good, "{purpose:?}");
    }
}

#[test]
fn what_was_interrupted_can_be_finished_and_what_was_refused_for_now_entered_again() {
    let mut codes = Codes::default();
    ask(&mut codes, 1, PasswordReset, 0).unwrap();
    assert!(right(&mut codes, 1, 1));
    assert!(!right(&mut codes, 1, 15), "its first entry may still be at work");
    assert!(right(&mut codes.clone(), 1, 16));
    release(&mut codes, &id(1));
    assert!(right(&mut codes, 1, 2));
    settle(&mut codes, &id(1));
    release(&mut codes, &id(1));
    assert!(!right(&mut codes, 1, 20));
}

#[test]
fn of_an_address_that_is_taken_no_code_is_right() {
    let mut codes = Codes::default();
    let email = Email::parse("bob@example.org").unwrap();
    let ask = Ask { id: &id(1), purpose: AddressChange, email: &email, taken: true, now: at(0) };
    issue(&mut codes, &ask, HOURLY).unwrap();
    for _ in 0..5 {
        assert_eq!(enter(&mut codes, &id(1), true, at(1)), Entered::Taken);
    }
    assert_eq!(enter(&mut codes, &id(1), true, at(1)), Entered::Gone);
}

#[test]
fn what_is_kept_is_bounded() {
    let mut codes = Codes::default();
    let email = Email::parse("ada@example.org").unwrap();
    for number in 0..1000 {
        let (id, now) = (id(number), at(0));
        let ask = Ask { id: &id, purpose: Verification, email: &email, taken: false, now };
        issue(&mut codes, &ask, None).unwrap();
    }
    assert!(codes.challenges.len() <= 101 && codes.asked.is_empty());
    ask(&mut codes, 2000, Verification, 100_000).unwrap();
    assert_eq!(codes.challenges.len(), 1);
}
