//! What gateways tell each other about people. Core NATS: what is lost is asked for again.

use schemas::{Timestamp, UserId};
use serde::{Deserialize, Serialize};

use super::person::Part;

/// A gateway's name, new with every start.
pub(super) type GatewayId = String;

/// What a gateway says of a person; none when they have no socket there any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Word {
    pub(super) user: UserId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) part: Option<Part>,
    /// When they were last there, once they are gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) last_seen: Option<Timestamp>,
}

impl Word {
    pub(super) fn of(user: &UserId, part: Option<&Part>, last_seen: Option<Timestamp>) -> Self {
        Self { user: *user, part: part.cloned(), last_seen }
    }
}

/// `<ns>.eph.presence`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Message {
    /// Who says it: its own words come back to it.
    pub(super) gateway: GatewayId,
    #[serde(flatten)]
    pub(super) says: Says,
}

/// What is said.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "says", rename_all = "snake_case")]
pub(super) enum Says {
    /// Something has changed.
    Changed { people: Vec<Word> },
    /// Who of these is at your place?
    Who { question: u64, users: Vec<UserId> },
    /// Those of them who are; the others are not.
    These { to: GatewayId, question: u64, people: Vec<Word> },
}

/// `<ns>.eph.gateway.<id>`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Alive {
    pub(super) gateway: GatewayId,
    /// It stops, and its people are about to go elsewhere.
    #[serde(default)]
    pub(super) leaving: bool,
    /// How many sockets are open there.
    #[serde(default)]
    pub(super) sockets: u64,
}
