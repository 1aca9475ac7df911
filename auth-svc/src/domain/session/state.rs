//! What is known of a session. It holds secrets' relatives, so it lives in a bucket and never in an event.

use schemas::{Timestamp, UserId};
use serde::{Deserialize, Serialize};

/// What is kept of a client's own name, in characters.
const MAX_USER_AGENT: usize = 256;

/// One session.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Record {
    /// The user it is a session of.
    pub(crate) user_id: UserId,
    /// Makes its refresh tokens unlike those of any other.
    pub(crate) salt: String,
    /// Which refresh token is the current one.
    pub(crate) generation: u64,
    /// When that one was given out.
    pub(crate) rotated_at: Timestamp,
    /// When it began.
    pub(crate) created_at: Timestamp,
    /// When it was last used, to some minutes, or got tokens.
    pub(crate) last_used_at: Timestamp,
    /// When the log was last told that it is used.
    pub(crate) told_at: Timestamp,
    /// What the client called itself at login.
    pub(crate) user_agent: Option<String>,
    /// Where the login came from.
    pub(crate) ip: Option<String>,
}

/// What a session begins with.
#[derive(Debug, Clone)]
pub(crate) struct Start<'a> {
    /// The user who logs in.
    pub(crate) user_id: &'a UserId,
    /// Random.
    pub(crate) salt: String,
    /// The moment of the login.
    pub(crate) now: Timestamp,
    /// What the client calls itself.
    pub(crate) user_agent: Option<&'a str>,
    /// Where the login comes from.
    pub(crate) ip: Option<&'a str>,
}

impl Record {
    /// A session that begins.
    pub(crate) fn begin(start: Start<'_>) -> Self {
        let Start { user_id, salt, now, user_agent, ip } = start;
        Self {
            user_id: *user_id,
            salt,
            generation: 0,
            rotated_at: now,
            created_at: now,
            last_used_at: now,
            told_at: now,
            user_agent: user_agent.map(|agent| agent.chars().take(MAX_USER_AGENT).collect()),
            ip: ip.map(ToOwned::to_owned),
        }
    }
}
