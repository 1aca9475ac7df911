//! Identities at providers of single sign-on, as the user of their account sees them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// A way to log in to the caller's account through a provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LinkedIdentity {
    /// Names it when it is to be removed.
    pub id: String,
    /// The id of the provider, as it was when the account was linked.
    pub provider: String,
    /// What people call the provider; null where this server does not know it any more.
    pub name: Option<String>,
    /// When the account was linked.
    pub linked_at: Timestamp,
}
