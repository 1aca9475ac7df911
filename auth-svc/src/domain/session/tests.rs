//! Given a session, when a token comes, then this verdict.

use schemas::{SessionId, Timestamp, UserId};
use uuid::Uuid;

use super::{Record, Start, Verdict, judge, rotate, surplus, used};

const BEGUN: i64 = 1_795_255_200_000;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(BEGUN).plus_seconds(seconds)
}

fn begun() -> Record {
    let user_id = UserId::from_uuid(Uuid::from_u128(1));
    Record::begin(Start {
        user_id: &user_id,
        salt: "salt".into(),
        now: at(0),
        user_agent: Some(&"ü".repeat(300)),
        ip: None,
    })
}

/// A session whose third generation was given out at the beginning.
fn third() -> Record {
    Record { generation: 3, ..begun() }
}

#[test]
fn each_generation_has_its_meaning() {
    assert_eq!(judge(&third(), 3, at(5_000)), Verdict::Rotate);
    assert_eq!(judge(&third(), 2, at(10)), Verdict::Retry);
    assert_eq!(judge(&third(), 2, at(11)), Verdict::Reuse);
    assert_eq!(judge(&third(), 1, at(0)), Verdict::Reuse);
    assert_eq!(judge(&third(), 4, at(0)), Verdict::Unknown);
    assert_eq!(judge(&begun(), u64::MAX, at(0)), Verdict::Unknown);
}

#[test]
fn a_used_token_from_before_the_clock_went_back_is_no_retry() {
    for earlier in [1, 10, 11, 3_600, 90 * 24 * 3_600] {
        assert_eq!(judge(&third(), 2, at(-earlier)), Verdict::Reuse, "{earlier} s");
        assert_eq!(judge(&third(), 3, at(-earlier)), Verdict::Rotate, "the current one is good");
    }
    let moment = Timestamp::from_millis(BEGUN - 1);
    assert_eq!(judge(&third(), 2, moment), Verdict::Reuse);
    let far = Record { rotated_at: Timestamp::from_millis(i64::MAX), ..third() };
    assert_eq!(judge(&far, 2, at(0)), Verdict::Reuse);
}

#[test]
fn a_rotation_is_told_once_an_hour() {
    let (second, tell) = rotate(&begun(), at(3_599));
    assert_eq!((second.generation, second.last_used_at, tell), (1, at(3_599), false));
    let (third, tell) = rotate(&second, at(3_600));
    assert_eq!((third.generation, third.told_at, tell), (2, at(3_600), true));
    let (_, tell) = rotate(&third, at(7_000));
    assert!(!tell);
}

#[test]
fn use_is_noted_once_in_four_minutes() {
    assert_eq!(used(begun(), at(239)), None);
    let later = used(begun(), at(240)).unwrap();
    assert_eq!(later, Record { last_used_at: at(240), ..begun() });
    assert_eq!(used(later.clone(), at(479)), None);
    assert_eq!(used(later, at(0)), None, "a clock that went back moves nothing");
}

#[test]
fn what_a_client_calls_itself_is_cut() {
    assert_eq!(begun().user_agent.map(|agent| agent.chars().count()), Some(256));
}

#[test]
fn the_oldest_of_more_than_a_hundred_are_too_many() {
    let list: Vec<SessionId> = (0..102).map(|n| SessionId::from_uuid(Uuid::from_u128(n))).collect();
    assert_eq!(surplus(&list), &list[..2]);
    assert!(surplus(&list[..100]).is_empty());
    assert!(surplus(&[]).is_empty());
}
