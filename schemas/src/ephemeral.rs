//! What processes tell each other beside the log: the kinds of it. Their subjects are made by [`crate::Namespace`].

use serde::{Deserialize, Serialize};

use crate::ids::{RoomId, UserId};

/// A question to all gateways: who of these has a socket? A gateway at which none of them has says nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WhoIsOnline {
    /// Names the question: letters and digits.
    pub question: String,
    /// Whom it is about.
    pub users: Vec<UserId>,
}

/// What a gateway says to that.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AreOnline {
    /// The question it answers.
    pub question: String,
    /// Those who have a socket there, or had one a moment ago.
    pub users: Vec<UserId>,
}

/// What processes tell each other beside the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ephemeral<'a> {
    /// What people have used of their limits at a gateway.
    Spending,
    /// Who is typing in a room.
    Typing(&'a RoomId),
    /// Who is present at a gateway, and questions after it.
    Presence,
    /// That a gateway, named by letters and digits, is alive.
    Gateway(&'a str),
    /// Who has a socket somewhere, asked by who is no gateway: [`WhoIsOnline`].
    Who,
    /// What gateways say to that: [`AreOnline`].
    Online,
}

/// The kinds of what processes tell each other beside the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each is the kind of the same name in `Ephemeral`")]
pub enum EphemeralKind {
    Spending,
    Typing,
    Presence,
    Gateway,
    Who,
    Online,
}

impl Ephemeral<'_> {
    /// Which kind it is.
    #[must_use]
    pub const fn kind(&self) -> EphemeralKind {
        match self {
            Self::Spending => EphemeralKind::Spending,
            Self::Typing(_) => EphemeralKind::Typing,
            Self::Presence => EphemeralKind::Presence,
            Self::Gateway(_) => EphemeralKind::Gateway,
            Self::Who => EphemeralKind::Who,
            Self::Online => EphemeralKind::Online,
        }
    }
}

impl EphemeralKind {
    /// Its token in subjects.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Spending => "spending",
            Self::Typing => "typing",
            Self::Presence => "presence",
            Self::Gateway => "gateway",
            Self::Who => "who",
            Self::Online => "online",
        }
    }

    /// What all of the kind ends in.
    pub(crate) const fn pattern(self) -> &'static str {
        match self {
            Self::Spending => "spending",
            Self::Typing => "typing.*",
            Self::Presence => "presence",
            Self::Gateway => "gateway.*",
            Self::Who => "who",
            Self::Online => "online",
        }
    }
}
