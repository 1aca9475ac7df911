//! Enrolling, confirming and presenting a second factor. Each function changes what is kept; its caller writes that
//! under compare-and-set, so that a code is good once whatever happens at the same time.

use schemas::{Digest, Timestamp};
use subtle::ConstantTimeEq as _;

use super::{Factor, totp};

/// Wrong codes within [`WINDOW_SECONDS`] after which none is looked at.
const WRONG: usize = 5;
const WINDOW_SECONDS: i64 = 300;
/// Steps a clock may be off, either way.
const SKEW: i64 = 1;
/// Longest code that is looked at, in bytes.
const MAX_CODE: usize = 64;

/// What presenting a code comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shown {
    /// It is right, and was not used before.
    Right,
    /// It is wrong or was used before; that was counted.
    Wrong,
    /// Too many were wrong: none is looked at for so many seconds.
    Barred(u32),
    /// There is no second factor.
    Off,
}

/// Takes a secret that is to be confirmed; whether it was taken: there is no second factor yet.
pub(crate) fn enrol(factor: &mut Factor, secret: &[u8]) -> bool {
    if factor.is_on() {
        return false;
    }
    factor.pending = Some(secret.to_vec());
    true
}

/// Confirms the pending secret by a code of it; wrong ones do not count. [`Shown::Off`]: nothing is pending.
pub(crate) fn confirm(
    factor: &mut Factor,
    code: &str,
    recovery: &[Digest],
    now: Timestamp,
) -> Shown {
    let Some(secret) = factor.pending.clone().filter(|_| !factor.is_on()) else {
        return Shown::Off;
    };
    let Some(step) = step_of(&secret, code, 0, now) else { return Shown::Wrong };
    *factor = Factor {
        secret: Some(secret),
        used: step,
        recovery: recovery.to_vec(),
        ..Factor::default()
    };
    Shown::Right
}

/// Presents a code of the app or, by its hash, a recovery code; a right one is used up.
pub(crate) fn present(factor: &mut Factor, code: &str, hash: &Digest, now: Timestamp) -> Shown {
    let Some(secret) = factor.secret.clone() else { return Shown::Off };
    factor.wrong.retain(|at| at.plus_seconds(WINDOW_SECONDS) > now);
    if factor.wrong.len() >= WRONG {
        let until = factor.wrong.first().map_or(now, |at| at.plus_seconds(WINDOW_SECONDS));
        let millis = until.millis().saturating_sub(now.millis()).max(1);
        return Shown::Barred(u32::try_from((millis + 999) / 1000).unwrap_or(u32::MAX));
    }
    if let Some(step) = step_of(&secret, code, factor.used, now) {
        factor.used = step;
        factor.wrong.clear();
        return Shown::Right;
    }
    if let Some(place) = factor.recovery.iter().position(|known| known == hash) {
        factor.recovery.remove(place);
        factor.wrong.clear();
        return Shown::Right;
    }
    factor.wrong.push(now);
    Shown::Wrong
}

/// The step after `used` that a code belongs to, within the skew.
fn step_of(secret: &[u8], code: &str, used: i64, now: Timestamp) -> Option<i64> {
    if code.len() > MAX_CODE {
        return None;
    }
    let current = totp::step_at(now.millis().div_euclid(1000));
    (current - SKEW..=current + SKEW).filter(|step| *step > used).find(|step| {
        totp::code(secret, *step)
            .is_some_and(|right| bool::from(right.as_bytes().ct_eq(code.as_bytes())))
    })
}
