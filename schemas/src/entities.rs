//! Entities: what the last event of a lane says of the one thing that the lane is about.
//!
//! A service declares the entities that it decides about, in its own terms. Here are those of which two services would
//! say the same.

use std::hash::Hash;

use crate::events::{EventData, ExportState};
use crate::ids::UserId;
use crate::subjects::Lane;

/// A kind of entity with a small state and a lane of its own, every event of which carries the whole state.
pub trait Entity: Send + Sync + 'static {
    /// What names one of them.
    type Key: Hash + Eq + Clone + Send + Sync + 'static;
    /// What is known of one of them.
    type State: Send + Sync + 'static;
    /// Its name in metrics.
    const NAME: &'static str;
    /// The lane of one of them.
    fn lane(key: &Self::Key) -> Lane;
    /// The state after an event of the lane; none for an event of another lane, and for one after which there is no
    /// such entity. A match over all families, without `_`: an event that is forgotten here would make its entity
    /// vanish, and with it a ban.
    fn after(event: &EventData) -> Option<Self::State>;
}

/// People's newest exports, each by the lane of its person's: auth-svc is asked for them, chat-svc makes them.
#[derive(Debug, Clone, Copy)]
pub struct Exports;

impl Entity for Exports {
    type Key = UserId;
    type State = ExportState;
    const NAME: &'static str = "export";

    fn lane(key: &UserId) -> Lane {
        Lane::Exports(*key)
    }

    fn after(event: &EventData) -> Option<ExportState> {
        event.export().cloned()
    }
}
