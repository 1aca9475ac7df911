//! Entities, and loading one by the last event of its lane.

use eventlog::EventLog;
use schemas::Sequence;
use schemas::entities::Entity;

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
    let event = stored.event().inspect_err(|error| log.note_unreadable(stored.sequence, error))?;
    Ok(Seen { at: stored.sequence, state: E::after(&event.data) })
}
