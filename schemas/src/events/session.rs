//! Sessions: logins and their ends. Nothing of them is projected; gateways and auth-svc follow them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::family;
use crate::ids::{SessionId, UserId};

/// A login.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SessionStarted {
    /// The new session.
    pub session_id: SessionId,
    /// The account that logged in.
    pub user_id: UserId,
}

/// A session got new tokens. Written at most once an hour a session: it says "still used", not more.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SessionRefreshed {
    /// The session that is still used.
    pub session_id: SessionId,
    /// The account it belongs to.
    pub user_id: UserId,
}

/// Why sessions ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SessionEnd {
    /// The user logged out or revoked the session.
    Logout,
    /// A refresh token was used a second time: it has been stolen.
    TokenReuse,
    /// The account was suspended.
    Suspended,
    /// The password changed.
    PasswordChanged,
    /// An admin has removed the account's second factor.
    SecondFactorRemoved,
    /// The account was deleted.
    AccountDeleted,
}

/// Sessions ended; their sockets close.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SessionsEnded {
    /// The account they belonged to.
    pub user_id: UserId,
    /// The sessions that ended.
    pub session_ids: Vec<SessionId>,
    /// Why they ended.
    pub reason: SessionEnd,
}

family! {
    /// What happens to sessions.
    SessionEvent {
        Started(SessionStarted) = "session.started.v1", |d| d.session_id;
        Refreshed(SessionRefreshed) = "session.refreshed.v1", |d| d.session_id;
        Ended(SessionsEnded) = "session.ended.v1", |d| d.user_id;
    }
}
