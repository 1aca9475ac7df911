//! Sessions and their tokens.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Account;
use crate::ids::SessionId;
use crate::time::Timestamp;
use crate::values::Secret;

/// The tokens a login or a refresh gives.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SessionTokens {
    /// The session.
    pub session_id: SessionId,
    /// The token for the `Authorization` header; valid for a short time.
    pub access_token: Secret,
    /// Always `Bearer`.
    pub token_type: String,
    /// Seconds the access token is good for.
    pub expires_in: u32,
    /// The token for one refresh.
    pub refresh_token: Secret,
    /// The account that logged in.
    pub user: Account,
}

/// One of the caller's sessions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Session {
    /// The session.
    pub session_id: SessionId,
    /// When it started.
    pub created_at: Timestamp,
    /// When it was last used, to about five minutes.
    pub last_used_at: Timestamp,
    /// What the client called itself at login.
    pub user_agent: Option<String>,
    /// The address the login came from.
    pub ip: Option<String>,
    /// Whether it is the session the request was made with.
    pub current: bool,
}
