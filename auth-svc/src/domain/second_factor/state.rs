//! What is kept of a second factor. It holds the shared secret, so it lives in a bucket and never in an event.

use schemas::{Digest, Timestamp};
use serde::{Deserialize, Serialize};

/// A second factor. The default is none at all.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Factor {
    /// The secret that was given out and not confirmed yet.
    pub(crate) pending: Option<Vec<u8>>,
    /// The secret codes are checked by.
    pub(crate) secret: Option<Vec<u8>>,
    /// The step of the last code that was used: only later ones are good.
    pub(crate) used: i64,
    /// Hashes of the recovery codes that are left.
    pub(crate) recovery: Vec<Digest>,
    /// When wrong codes were presented lately.
    pub(crate) wrong: Vec<Timestamp>,
}

impl Factor {
    /// Whether codes are asked for.
    pub(crate) const fn is_on(&self) -> bool {
        self.secret.is_some()
    }
}
