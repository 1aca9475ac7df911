//! What the notifier gave up on, and trying it again.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{NOTIFY, commands};
use crate::views::DeadLetter;

/// A part of the dead letters.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DeadLetters {
    /// Oldest first.
    pub items: Vec<DeadLetter>,
    /// Go on after this letter; none at the end.
    pub next: Option<u64>,
}

commands! {
    /// Lists what the notifier gave up on. Admins only.
    NOTIFY / "list_dead_letters": ListDeadLetters -> DeadLetters {
        /// Only letters after this one; 0: from the first.
        after: u64,
        /// How many, 1 to 200.
        limit: u32,
    }
    /// Hands a dead letter's event to the worker that gave up on it, as if for the first time. Admins only.
    NOTIFY / "redrive_dead_letter": RedriveDeadLetter -> () {
        /// The letter.
        letter: u64,
    }
}
