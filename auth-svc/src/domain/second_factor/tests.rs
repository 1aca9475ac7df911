//! The rules of the second factor.

use schemas::{Digest, Timestamp};

use super::*;

const SECRET: &[u8] = b"12345678901234567890";

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(1_795_255_200_000).plus_seconds(seconds)
}

fn code(seconds: i64) -> String {
    totp::code(SECRET, totp::step_at(at(seconds).millis() / 1000)).unwrap()
}

fn hash(text: &str) -> Digest {
    Digest::of([text])
}

/// Confirmed by the code of second 0.
fn enrolled() -> Factor {
    let mut factor = Factor::default();
    assert!(enrol(&mut factor, SECRET));
    let recovery = [hash("one"), hash("two")];
    assert_eq!(confirm(&mut factor, &code(0), &recovery, at(0)), Shown::Right);
    factor
}

#[track_caller]
fn shows(factor: &mut Factor, code: &str, seconds: i64, expected: Shown) {
    assert_eq!(present(factor, code, &hash(code), at(seconds)), expected);
}

#[test]
fn a_code_is_good_once_and_a_step_off() {
    let mut factor = enrolled();
    shows(&mut factor, &code(0), 1, Shown::Wrong);
    for skew in [30, -30] {
        shows(&mut factor.clone(), &code(300 + skew), 300, Shown::Right);
        shows(&mut factor.clone(), &code(300 + 2 * skew), 300, Shown::Wrong);
    }
    shows(&mut factor, &code(300), 300, Shown::Right);
    shows(&mut factor, &code(300), 301, Shown::Wrong);
    shows(&mut factor, &code(270), 301, Shown::Wrong);
}

#[test]
fn a_recovery_code_is_good_once() {
    let mut factor = enrolled();
    shows(&mut factor, "one", 0, Shown::Right);
    shows(&mut factor, "one", 0, Shown::Wrong);
    shows(&mut factor, "two", 0, Shown::Right);
    assert!(factor.recovery.is_empty() && factor.is_on());
}

#[test]
fn five_wrong_ones_bar_the_right_one_for_five_minutes() {
    let mut factor = enrolled();
    for second in 0..5 {
        shows(&mut factor, "no code", second, Shown::Wrong);
    }
    shows(&mut factor, &code(100), 100, Shown::Barred(200));
    shows(&mut factor, "one", 299, Shown::Barred(1));
    shows(&mut factor, &code(300), 300, Shown::Right);
}

#[test]
fn a_secret_counts_once_it_is_confirmed() {
    let mut factor = Factor::default();
    shows(&mut factor, &code(0), 0, Shown::Off);
    assert_eq!(confirm(&mut factor, &code(0), &[], at(0)), Shown::Off);
    assert!(enrol(&mut factor, b"another secret"));
    assert!(enrol(&mut factor, SECRET), "one that is not confirmed is replaced");
    shows(&mut factor, &code(0), 0, Shown::Off);
    for _ in 0..9 {
        assert_eq!(
            confirm(&mut factor, "000000", &[], at(0)),
            Shown::Wrong,
            "which counts nowhere"
        );
    }
    assert_eq!(confirm(&mut factor, &code(0), &[], at(0)), Shown::Right);
    assert!(!enrol(&mut factor, SECRET), "one is enough");
}
