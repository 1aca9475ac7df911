//! The people and rooms an event is about: the states the policy judges by, loaded from the log.

use std::sync::Arc;
use std::time::Duration;

use decider::Entity;
use eventlog::{EventLog, LogError};
use foldhash::quality::RandomState;
use moka::future::Cache;
use schemas::event::EventData;
use schemas::events::{RoomState, UserState};
use schemas::ids::UserId;
use schemas::{DecodeError, Lane, Sequence};

use crate::policy::{self, PolicyContext};

/// People and rooms that are remembered, and for how long: names in titles may be that old.
const REMEMBERED: u64 = 10_000;
const FOR: Duration = Duration::from_secs(10);

/// Why the context of an event is not known.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ContextError {
    #[error("the log cannot be read")]
    Log(#[from] LogError),
    #[error("the state of a lane cannot be read")]
    Unreadable(#[from] DecodeError),
}

/// Accounts, by their lane.
pub(crate) struct Users;

impl Entity for Users {
    type Key = UserId;
    type State = UserState;
    const NAME: &'static str = "user";

    fn lane(key: &UserId) -> Lane {
        Lane::User(*key)
    }

    fn after(event: &EventData) -> Option<UserState> {
        event.account().cloned()
    }
}

#[derive(Debug, Clone)]
enum State {
    User(Box<UserState>),
    /// Every post has one for its context.
    Room(Arc<RoomState>),
    Gone,
}

/// Loads contexts, and remembers their states for a moment. Clones share what is remembered.
#[derive(Clone)]
pub(crate) struct ContextSource {
    log: EventLog,
    remembered: Cache<Lane, State, RandomState>,
}

impl ContextSource {
    pub(crate) fn new(log: EventLog) -> Self {
        let remembered = Cache::builder().max_capacity(REMEMBERED).time_to_live(FOR);
        let remembered = remembered.build_with_hasher(RandomState::default());
        Self { log, remembered }
    }

    /// Notes an event whose context will not be asked for: it cannot be read.
    pub(crate) fn note_unreadable(&self, sequence: Sequence, error: &DecodeError) {
        self.log.note_unreadable(sequence, error);
    }

    /// The context of an event.
    pub(crate) async fn of(&self, data: &EventData) -> Result<PolicyContext, ContextError> {
        let mut context = PolicyContext::default();
        for lane in policy::wanted(data) {
            match self.state(lane).await? {
                State::User(user) => context.user = Some(*user),
                State::Room(room) => context.room = Some(room),
                State::Gone => {}
            }
        }
        Ok(context)
    }

    async fn state(&self, lane: Lane) -> Result<State, ContextError> {
        if let Some(state) = self.remembered.get(&lane).await {
            return Ok(state);
        }
        let state = match self.log.last(&lane).await? {
            Some(stored) => state_after(&stored.event()?.data),
            None => State::Gone,
        };
        self.remembered.insert(lane, state.clone()).await;
        Ok(state)
    }
}

fn state_after(event: &EventData) -> State {
    match event {
        EventData::User(event) => {
            event.after().map_or(State::Gone, |user| State::User(Box::new(user.clone())))
        }
        EventData::Room(event) => State::Room(Arc::new(event.after().clone())),
        EventData::Session(_)
        | EventData::Challenge(_)
        | EventData::Identity(_)
        | EventData::Name(_)
        | EventData::Member(_)
        | EventData::Prefs(_)
        | EventData::Audit(_)
        | EventData::Invite(_)
        | EventData::Erasure(_)
        | EventData::Export(_)
        | EventData::Hold(_)
        | EventData::Retention(_)
        | EventData::Message(_)
        | EventData::Reaction(_)
        | EventData::Pin(_)
        | EventData::Receipt(_)
        | EventData::Thread(_)
        | EventData::Media(_)
        | EventData::Report(_)
        | EventData::Notification(_)
        | EventData::Block(_) => State::Gone,
    }
}

#[cfg(test)]
mod tests {
    use schemas::subjects::LaneKind;

    use super::*;

    #[test]
    fn every_event_of_a_lane_leaves_its_entity_known() {
        for event in testbed::every_event() {
            let (name, lanes) = (event.type_name(), event.family().lanes());
            let state = state_after(&event);
            let (of_user, of_room) =
                (lanes.contains(&LaneKind::User), lanes.contains(&LaneKind::Room));
            // After it there is no such account.
            let of_user = of_user && name != "user.erased.v1";
            assert_eq!(matches!(state, State::User(_)), of_user, "{name}");
            assert_eq!(matches!(state, State::Room(_)), of_room, "{name}");
            assert_eq!(Users::after(&event).is_some(), of_user, "{name}");
        }
    }
}
