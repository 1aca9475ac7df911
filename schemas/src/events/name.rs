//! Unique names: usernames, addresses, channel names, sets of people. A claim and a release a lane at a time.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::family;
use crate::time::Timestamp;

/// A unique name now belongs to a user or a room.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NameClaimed {
    /// The id of the user or room it belongs to.
    pub owner: String,
}

/// A unique name is free again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NameReleased {
    /// The id of the user or room it belonged to.
    pub owner: String,
    /// Until then only the former owner can claim it again. Usernames only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held_until: Option<Timestamp>,
}

family! {
    /// What happens to unique names.
    NameEvent {
        Claimed(NameClaimed) = "name.claimed.v1", |d| d.owner;
        Released(NameReleased) = "name.released.v1", |d| d.owner;
    }
}

impl NameEvent {
    /// The id of the user or room the name belongs to after it; none when it is free.
    #[must_use]
    pub const fn owner(&self) -> Option<&String> {
        match self {
            Self::Claimed(NameClaimed { owner }) => Some(owner),
            Self::Released(_) => None,
        }
    }
}
