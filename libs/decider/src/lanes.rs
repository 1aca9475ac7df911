//! Entities, and loading one by the last event of its lane.

use std::hash::Hash;

use eventlog::EventLog;
use schemas::{EventData, Lane, Sequence};

use crate::failure::Failure;

/// What a decision may be made by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReadFrom {
    /// What is remembered of the log, which may be behind it.
    Cache,
    /// What the log says now.
    Log,
}

/// Something that was read, and the place of the last event of its lane; 0: the lane has no event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen<T> {
    /// The sequence of the lane's last event when it was read.
    pub at: Sequence,
    /// What that event says.
    pub state: T,
}

impl<T> Seen<Option<T>> {
    /// The same, if there is such a thing.
    #[must_use]
    pub fn known(self) -> Option<Seen<T>> {
        let at = self.at;
        self.state.map(|state| Seen { at, state })
    }
}

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

/// What was read of an entity; none when there is no such entity.
pub type Loaded<E> = Seen<Option<<E as Entity>::State>>;

/// An entity as the log has it now.
///
/// # Errors
/// `unavailable` when the log does not answer or the event cannot be read: it is never taken for none.
pub async fn load<E: Entity>(log: &EventLog, key: &E::Key) -> Result<Loaded<E>, Failure> {
    let Some(stored) = log.last(&E::lane(key)).await? else {
        return Ok(Seen { at: 0, state: None });
    };
    Ok(Seen { at: stored.sequence, state: E::after(&stored.event()?.data) })
}
