//! Sessions: logins and their ends. Nothing of them is projected; gateways and auth-svc follow them.

use std::net::IpAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::family;
use crate::ids::{SessionId, UserId};
use crate::subjects::Digest;
use crate::values::{Reason, UserAgent};

/// A device that no login of the account came from before, as it showed itself. Personal data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NewDevice {
    /// Names the device: logins from it at the same moment are told of once.
    pub device: Digest,
    /// What the client calls itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<UserAgent>,
    /// The address the login came from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ip: Option<IpAddr>,
}

/// A login.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SessionStarted {
    /// The new session.
    pub session_id: SessionId,
    /// The account that logged in.
    pub user_id: UserId,
    /// The device, when it is a new one of an account that was used before: its user is told by mail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub new_device: Option<NewDevice>,
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
    /// An admin has ended them.
    Revoked,
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
    /// What the admin who ended them said of it: for the audit trail. At most 500 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<Reason>,
}

family! {
    /// What happens to sessions.
    SessionEvent {
        Started(SessionStarted) = "session.started.v1", |d| d.session_id;
        Refreshed(SessionRefreshed) = "session.refreshed.v1", |d| d.session_id;
        Ended(SessionsEnded) = "session.ended.v1", |d| d.user_id;
    }
}

impl SessionEvent {
    /// The account whose sessions they are.
    #[must_use]
    pub const fn user_id(&self) -> &UserId {
        match self {
            Self::Started(SessionStarted { user_id, .. })
            | Self::Refreshed(SessionRefreshed { user_id, .. })
            | Self::Ended(SessionsEnded { user_id, .. }) => user_id,
        }
    }
}
