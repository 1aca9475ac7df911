//! Asking for a code and entering one. Each function changes what is kept; its caller writes that under
//! compare-and-set, so that of any number of tries at once each is counted and one at most wins.

use schemas::events::ChallengePurpose;
use schemas::values::Email;
use schemas::{ChallengeId, Timestamp};

use super::{Challenge, Codes, LIFETIME_SECONDS, Standing};
use crate::limit::Limit;

/// Resets that may be live at once.
const LIVE_RESETS: usize = 5;

/// A code that is asked for.
#[derive(Debug, Clone)]
pub(crate) struct Ask<'a> {
    pub(crate) id: &'a ChallengeId,
    pub(crate) purpose: ChallengePurpose,
    /// Where the mail goes.
    pub(crate) email: &'a Email,
    /// Whether the address belongs to another account.
    pub(crate) taken: bool,
    pub(crate) now: Timestamp,
}

/// Too many codes were asked for; after so many seconds another may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TooMany {
    pub(crate) retry_after: u32,
}

/// Issues a code. It replaces the former of its kind, but for resets, of which five may be live.
///
/// # Errors
/// [`TooMany`], and nothing has changed but what was forgotten.
pub(crate) fn issue(codes: &mut Codes, ask: &Ask<'_>, limit: Option<Limit>) -> Result<(), TooMany> {
    codes.forget(limit, ask.now);
    let same = |(purpose, _): &&(ChallengePurpose, Timestamp)| *purpose == ask.purpose;
    if let Some(limit) = limit
        && codes.asked.iter().filter(same).count()
            >= usize::try_from(limit.count).unwrap_or(usize::MAX)
    {
        let oldest = codes.asked.iter().find(same).map_or(ask.now, |(_, at)| *at);
        let window = i64::try_from(limit.per.as_secs()).unwrap_or(i64::MAX);
        return Err(TooMany { retry_after: seconds_until(oldest.plus_seconds(window), ask.now) });
    }
    let live = |one: &&mut Challenge| one.purpose == ask.purpose && one.is_live(ask.now);
    if ask.purpose == ChallengePurpose::PasswordReset {
        let ends: Vec<Timestamp> =
            codes.challenges.iter_mut().filter(live).map(|one| one.expires_at).collect();
        if let Some(first) = ends.iter().min().filter(|_| ends.len() >= LIVE_RESETS) {
            return Err(TooMany { retry_after: seconds_until(*first, ask.now) });
        }
    } else {
        codes.challenges.iter_mut().filter(live).for_each(|one| one.standing = Standing::Over);
    }
    if limit.is_some() {
        codes.asked.push((ask.purpose, ask.now));
    }
    codes.challenges.push(Challenge {
        id: *ask.id,
        purpose: ask.purpose,
        email: ask.email.clone(),
        expires_at: ask.now.plus_seconds(LIFETIME_SECONDS),
        wrong: 0,
        standing: if ask.taken { Standing::Taken } else { Standing::Open },
    });
    Ok(())
}

fn seconds_until(then: Timestamp, now: Timestamp) -> u32 {
    let millis = then.millis().saturating_sub(now.millis()).max(1);
    u32::try_from((millis + 999) / 1000).unwrap_or(u32::MAX)
}

/// What entering a code comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Entered {
    /// It is the right one; nothing is used up before it is accepted.
    Right(Email),
    /// It is a wrong one, which was counted.
    Wrong,
    /// The address belongs to another account; that was counted, too.
    Taken,
    /// There is nothing to enter any more.
    Gone,
}

/// Judges a code, `right` being whether it is that of the challenge, and counts a wrong one.
pub(crate) fn enter(codes: &mut Codes, id: &ChallengeId, right: bool, now: Timestamp) -> Entered {
    let Some(challenge) = codes.get_mut(id).filter(|challenge| challenge.is_live(now)) else {
        return Entered::Gone;
    };
    match challenge.standing {
        Standing::Taken => {
            challenge.wrong += 1;
            Entered::Taken
        }
        _ if right => Entered::Right(challenge.email.clone()),
        Standing::Open | Standing::Accepted(_) | Standing::Over => {
            challenge.wrong += 1;
            Entered::Wrong
        }
    }
}

/// Accepts the right code, if it is still good; whether it is. What it does may then be done, by this caller alone. A
/// reset and a change of address end every other code of the account: it went to an address, or was asked for by
/// a person, that may be no longer the account's.
pub(crate) fn accept(codes: &mut Codes, id: &ChallengeId, now: Timestamp) -> bool {
    let Some(challenge) = codes.get_mut(id).filter(|challenge| challenge.is_live(now)) else {
        return false;
    };
    challenge.standing = Standing::Accepted(now);
    if challenge.purpose != ChallengePurpose::Verification {
        let others = codes.challenges.iter_mut().filter(|other| other.id != *id);
        others.for_each(|other| other.standing = Standing::Over);
    }
    true
}

/// What an accepted code does was done, or is refused for good.
pub(crate) fn settle(codes: &mut Codes, id: &ChallengeId) {
    if let Some(challenge) = codes.get_mut(id) {
        challenge.standing = Standing::Over;
    }
}

/// What an accepted code does could not be done now: it may be entered again.
pub(crate) fn release(codes: &mut Codes, id: &ChallengeId) {
    if let Some(challenge) = codes.get_mut(id)
        && matches!(challenge.standing, Standing::Accepted(_))
    {
        challenge.standing = Standing::Open;
    }
}
