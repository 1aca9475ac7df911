//! What is known of the codes of an account, or of an address without one. It holds no code: that follows from the id
//! of its challenge.

use schemas::events::ChallengePurpose;
use schemas::values::Email;
use schemas::{ChallengeId, Timestamp};
use serde::{Deserialize, Serialize};

use crate::limit::Limit;

/// Seconds a code is good for.
pub(crate) const LIFETIME_SECONDS: i64 = 600;
/// Wrong codes that may be entered for one challenge.
const TRIES: u32 = 5;
/// After this many seconds what a right code does was interrupted: it can be entered again.
const UNFINISHED_SECONDS: i64 = 15;
/// Seconds after a challenge's end for which it is remembered, and how many are remembered at most. One that is
/// forgotten answers as one that has ended.
const REMEMBERED_SECONDS: i64 = 3600;
const MOST: usize = 100;

/// What is kept of an owner's codes.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Codes {
    /// When codes were asked for, by kind, as far back as the limit looks.
    pub(crate) asked: Vec<(ChallengePurpose, Timestamp)>,
    /// The challenges, the oldest first.
    pub(crate) challenges: Vec<Challenge>,
}

/// A code that was asked for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Challenge {
    pub(crate) id: ChallengeId,
    pub(crate) purpose: ChallengePurpose,
    /// Where the mail went.
    pub(crate) email: Email,
    /// Until when the code is good.
    pub(crate) expires_at: Timestamp,
    /// How often a wrong code was entered.
    pub(crate) wrong: u32,
    pub(crate) standing: Standing,
}

/// What has become of a challenge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Standing {
    /// The code can be entered.
    Open,
    /// The address belongs to another account, and no code was sent.
    Taken,
    /// The right code was entered, at this time, and what it does is being done.
    Accepted(Timestamp),
    /// It was used, or another code has taken its place.
    Over,
}

impl Codes {
    pub(super) fn get_mut(&mut self, id: &ChallengeId) -> Option<&mut Challenge> {
        self.challenges.iter_mut().find(|challenge| challenge.id == *id)
    }

    /// Forgets what no answer depends on any more.
    pub(super) fn forget(&mut self, limit: Option<Limit>, now: Timestamp) {
        let window =
            limit.map_or(0, |limit| i64::try_from(limit.per.as_secs()).unwrap_or(i64::MAX));
        self.asked.retain(|(_, at)| at.plus_seconds(window) > now);
        self.challenges.retain(|one| one.expires_at.plus_seconds(REMEMBERED_SECONDS) > now);
        let surplus = self.challenges.len().saturating_sub(MOST);
        self.challenges.drain(..surplus);
    }
}

impl Challenge {
    /// Whether the right code does something: it was neither used, nor replaced, and its time has not passed.
    pub(crate) fn is_live(&self, now: Timestamp) -> bool {
        let in_time = now < self.expires_at && self.wrong < TRIES;
        in_time
            && match self.standing {
                Standing::Open | Standing::Taken => true,
                // What was begun and not finished can be finished: the process that began it is gone by then.
                Standing::Accepted(at) => at.plus_seconds(UNFINISHED_SECONDS) <= now,
                Standing::Over => false,
            }
    }
}
