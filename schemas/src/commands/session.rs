//! Sessions: logging in, refreshing, ending; the passes of WebSocket handshakes.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{AUTH, Caller, commands};
use crate::ids::{SessionId, UserId};
use crate::values::{Reason, Role, Secret};
use crate::views::{Session, SessionTokens};

/// Which sessions to end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum WhichSessions {
    /// The asking one.
    Current,
    /// One of the caller's.
    One(SessionId),
    /// All of the caller's.
    All,
}

/// Whether a session may be used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SessionStatus {
    /// Whether it exists, has not ended, and its account may act.
    pub active: bool,
    /// The account's role now.
    pub role: Role,
}

/// A one-use pass for the WebSocket handshake.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WsTicket {
    /// The pass.
    pub ticket: Secret,
    /// Seconds it is good for.
    pub expires_in: u32,
}

commands! {
    /// Starts a session.
    AUTH / "login": Login -> SessionTokens {
        /// A username or an e-mail address, as typed; at most 254 characters.
        login: String,
        /// The password, as typed.
        password: Secret,
        /// A code of the second factor, if the account has one.
        #[serde(default)]
        code: Option<Secret>,
    }
    /// Trades a refresh token for new tokens.
    AUTH / "refresh": Refresh -> SessionTokens {
        /// The token.
        refresh_token: Secret,
    }
    /// Ends sessions of the caller.
    AUTH / "end_sessions": EndSessions -> () {
        /// The sessions to end.
        which: WhichSessions,
    }
    /// Ends all sessions of a user; admins only.
    AUTH / "end_sessions_of": EndSessionsOf -> () {
        /// The user.
        user_id: UserId,
        /// Why; for the audit trail. At most 500 characters.
        #[serde(
            default,
            deserialize_with = "crate::text::strict",
            skip_serializing_if = "Option::is_none"
        )]
        reason: Option<Reason>,
    }
    /// Notes that sessions were used lately. A gateway says so of a session once in some minutes, never while a client
    /// waits.
    AUTH / "note_sessions_used": NoteSessionsUsed -> () {
        /// The sessions: at most 1,000.
        session_ids: Vec<SessionId>,
    }
    /// Lists the caller's sessions.
    AUTH / "list_sessions": ListSessions -> Vec<Session> {}
    /// Asks whether a session may be used; gateways do at its first use.
    AUTH / "session_status": GetSessionStatus -> SessionStatus {
        /// The user.
        user_id: UserId,
        /// The session.
        session_id: SessionId,
    }
    /// The public keys access tokens are checked with, as a JSON Web Key Set (RFC 7517).
    AUTH / "jwks": GetJwks -> serde_json::Value {}
    /// Gives the caller a one-use pass for the WebSocket handshake.
    AUTH / "issue_ws_ticket": IssueWsTicket -> WsTicket {}
    /// Redeems a pass and says whose it was; a second time it is refused.
    AUTH / "redeem_ws_ticket": RedeemWsTicket -> Caller {
        /// The pass.
        ticket: Secret,
    }
}
