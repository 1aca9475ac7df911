//! The directory of users: their accounts, to name them in views. Events and documents refer to users by id; names
//! are put in here, at the edge.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use eventlog::EventLog;
use foldhash::quality::RandomState;
use moka::sync::Cache;
use readmodel::ReadModel;
use schemas::events::UserState;
use schemas::views::{Sender, User};
use schemas::{Event, EventData, Lane, Rejection, UserId};
use telemetry::error_chain;

use crate::links::{Author, Links};
use crate::live::Observer;
use crate::names::Names;
use crate::{documents, failure};

const MAX_PEOPLE: u64 = 100_000;
/// So that even a lost event has an end.
const KNOWN_FOR: Duration = Duration::from_secs(600);

/// A bounded memory of accounts, filled at the first question for each and kept fresh by the live feed.
pub(crate) struct UserDirectory {
    log: EventLog,
    read_model: ReadModel,
    known: Cache<UserId, Arc<UserState>, RandomState>,
    links: Links,
}

impl UserDirectory {
    /// Starts empty.
    #[must_use]
    pub(crate) fn new(log: EventLog, read_model: ReadModel, links: Links) -> Self {
        let known = Cache::builder()
            .max_capacity(MAX_PEOPLE)
            .time_to_live(KNOWN_FOR)
            .build_with_hasher(RandomState::default());
        Self { log, read_model, known, links }
    }

    /// The accounts of these users. Users who do not exist (any more) are left out.
    ///
    /// # Errors
    /// Neither read model nor log answers.
    pub(crate) async fn get(
        &self,
        ids: impl IntoIterator<Item = &UserId>,
    ) -> Result<HashMap<UserId, Arc<UserState>>, Rejection> {
        let mut found = HashMap::new();
        let mut missing = Vec::new();
        for id in ids {
            match self.known.get(id) {
                Some(state) => drop(found.insert(*id, state)),
                None if missing.contains(id) => {}
                None => missing.push(*id),
            }
        }
        if missing.is_empty() {
            return Ok(found);
        }
        let docs = self.read_model.current().users(&missing).await.map_err(failure::store)?;
        for doc in docs {
            missing.retain(|id| *id != doc.state.id);
            let state = self.remember(doc.state);
            found.insert(state.id, state);
        }
        for id in missing {
            if let Some(state) = self.look_up(&id).await? {
                found.insert(id, state);
            }
        }
        Ok(found)
    }

    /// One account.
    ///
    /// # Errors
    /// Neither read model nor log answers.
    pub(crate) async fn one(&self, id: &UserId) -> Result<Option<Arc<UserState>>, Rejection> {
        match self.known.get(id) {
            Some(state) => Ok(Some(state)),
            None => Ok(self.get([id]).await?.remove(id)),
        }
    }

    /// Users as senders of messages. Who is not known gets a placeholder.
    ///
    /// # Errors
    /// Neither read model nor log answers.
    pub(crate) async fn senders(
        &self,
        ids: impl IntoIterator<Item = &UserId>,
    ) -> Result<Senders, Rejection> {
        Ok(Senders(self.get(ids).await?, self.links.clone()))
    }

    /// A user whom the read model does not know yet.
    async fn look_up(&self, id: &UserId) -> Result<Option<Arc<UserState>>, Rejection> {
        let stored = self.log.last(&Lane::User(*id)).await.map_err(failure::log)?;
        let Some(stored) = stored else { return Ok(None) };
        // Not taken for a user who does not exist: what became of them is not known at the moment, to this build.
        let event = stored
            .event()
            .map_err(|error| failure::unreadable(&self.log, stored.sequence, &error))?;
        let EventData::User(event) = &event.data else { return Ok(None) };
        Ok(Some(self.remember(event.shown())))
    }

    /// Keeps what was read, unless an event that came meanwhile knows better.
    fn remember(&self, state: UserState) -> Arc<UserState> {
        let id = state.id;
        self.known.get_with(id, || Arc::new(state))
    }
}

/// The names of some users.
pub(crate) struct Senders(HashMap<UserId, Arc<UserState>>, Links);

impl Senders {
    /// A user as the sender of a message.
    #[must_use]
    pub(crate) fn of(&self, id: &UserId) -> Author {
        let sender = self.0.get(id).map_or_else(|| unknown(id), |state| sender(state));
        Author { sender, links: self.1.clone() }
    }
}

fn sender(state: &UserState) -> Sender {
    Sender {
        id: state.id,
        username: state.username.to_string(),
        display_name: state.display_name.to_string(),
    }
}

/// A user who is not there any more, or cannot be looked up.
fn unknown(id: &UserId) -> Sender {
    Sender { id: *id, username: "unknown".to_owned(), display_name: "Unknown".to_owned() }
}

#[async_trait]
impl Names for UserDirectory {
    async fn sender(&self, id: &UserId) -> Author {
        let sender = match self.one(id).await {
            Ok(found) => found.map_or_else(|| unknown(id), |state| sender(&state)),
            Err(error) => {
                tracing::warn!(user.id = %id, error = %error_chain(&error), "a name is not known");
                unknown(id)
            }
        };
        Author { sender, links: self.links.clone() }
    }

    async fn users(&self, ids: Vec<UserId>) -> HashMap<UserId, User> {
        match self.get(&ids).await {
            Ok(found) => {
                found.into_iter().map(|(id, state)| (id, documents::user(&state))).collect()
            }
            Err(error) => {
                tracing::warn!(error = %error_chain(&error), "names are not known");
                HashMap::new()
            }
        }
    }
}

impl Observer for UserDirectory {
    fn observe(&self, event: &Event) {
        if let EventData::User(event) = &event.data {
            self.known.insert(*event.user_id(), Arc::new(event.shown()));
        }
    }

    fn cut_off(&self) {
        self.known.invalidate_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_event_of_an_account_says_what_they_are_called() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../schemas/golden");
        for file in std::fs::read_dir(folder).unwrap() {
            let bytes = std::fs::read(file.unwrap().path()).unwrap();
            let event = Event::decode(bytes.trim_ascii_end()).unwrap();
            let name = event.data.type_name();
            let of_account = matches!(event.data, EventData::User(_));
            assert_eq!(of_account, name.starts_with("user."), "{name}");
            assert_eq!(event.data.membership().is_some(), name.starts_with("member."), "{name}");
        }
    }
}
