//! Who and what an event is about: the states the policy judges by, loaded from the log.

use std::time::Duration;

use eventlog::{EventLog, LogError};
use moka::future::Cache;
use schemas::event::EventData;
use schemas::events::{RoomState, UserState};
use schemas::{DecodeError, Lane};

use crate::policy::{self, Surroundings};

/// People and rooms that are remembered, and for how long: names in titles may be that old.
const REMEMBERED: u64 = 10_000;
const FOR: Duration = Duration::from_secs(10);

/// Why the surroundings of an event are not known.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CastError {
    #[error("the log cannot be read")]
    Log(#[from] LogError),
    #[error("the state of a lane cannot be read")]
    Unreadable(#[from] DecodeError),
}

#[derive(Debug, Clone)]
enum State {
    Person(Box<UserState>),
    Room(Box<RoomState>),
    Gone,
}

/// Loads states, and remembers them for a moment. Clones share what is remembered.
#[derive(Clone)]
pub(crate) struct Cast {
    log: EventLog,
    remembered: Cache<Lane, State>,
}

impl Cast {
    pub(crate) fn new(log: EventLog) -> Self {
        let remembered = Cache::builder().max_capacity(REMEMBERED).time_to_live(FOR).build();
        Self { log, remembered }
    }

    /// What surrounds an event.
    pub(crate) async fn of(&self, data: &EventData) -> Result<Surroundings, CastError> {
        let mut seen = Surroundings::default();
        for lane in policy::wanted(data) {
            match self.state(lane).await? {
                State::Person(person) => seen.person = Some(*person),
                State::Room(room) => seen.room = Some(*room),
                State::Gone => {}
            }
        }
        Ok(seen)
    }

    async fn state(&self, lane: Lane) -> Result<State, CastError> {
        if let Some(state) = self.remembered.get(&lane).await {
            return Ok(state);
        }
        let state = match self.log.last(&lane).await? {
            Some(stored) => state_after(stored.event()?.data),
            None => State::Gone,
        };
        self.remembered.insert(lane, state.clone()).await;
        Ok(state)
    }
}

/// An account after an event of its lane; none when the event carries none.
pub(crate) fn person_after(data: EventData) -> Option<UserState> {
    match state_after(data) {
        State::Person(person) => Some(*person),
        State::Room(_) | State::Gone => None,
    }
}

fn state_after(data: EventData) -> State {
    match data {
        EventData::User(event) => {
            event.after().map_or(State::Gone, |user| State::Person(Box::new(user.clone())))
        }
        EventData::Room(event) => State::Room(Box::new(event.after().clone())),
        EventData::Session(_)
        | EventData::Name(_)
        | EventData::Member(_)
        | EventData::Message(_)
        | EventData::Receipt(_)
        | EventData::Notification(_) => State::Gone,
    }
}

#[cfg(test)]
mod tests {
    use schemas::Event;

    use super::*;

    /// Every event type there is, as it lies in logs.
    fn golden() -> Vec<EventData> {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../schemas/golden");
        let files =
            std::fs::read_dir(folder).unwrap().map(|file| std::fs::read(file.unwrap().path()));
        let event = |bytes: Vec<u8>| Event::decode(bytes.trim_ascii_end()).unwrap().data;
        files.map(|bytes| event(bytes.unwrap())).collect()
    }

    #[test]
    fn every_event_of_a_lane_leaves_its_entity_known() {
        for event in golden() {
            let name = event.type_name();
            match state_after(event) {
                State::Person(_) => assert!(name.starts_with("user."), "{name}"),
                State::Room(_) => assert!(name.starts_with("room."), "{name}"),
                State::Gone => {
                    assert!(!name.starts_with("user.") && !name.starts_with("room."), "{name}");
                }
            }
        }
    }
}
