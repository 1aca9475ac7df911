//! What processes tell each other beside the log: the kinds of it. Their subjects are made by [`crate::Namespace`].

use crate::ids::RoomId;

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
}

/// The kinds of what processes tell each other beside the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each is the kind of the same name in `Ephemeral`")]
pub enum EphemeralKind {
    Spending,
    Typing,
    Presence,
    Gateway,
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
        }
    }

    /// What all of the kind ends in.
    pub(crate) const fn pattern(self) -> &'static str {
        match self {
            Self::Spending => "spending",
            Self::Typing => "typing.*",
            Self::Presence => "presence",
            Self::Gateway => "gateway.*",
        }
    }
}
