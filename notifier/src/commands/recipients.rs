//! Whom an admin's notification goes to.

use decider::{Entity, Failure, load};
use readmodel::Group;
use schemas::event::EventData;
use schemas::ids::UserId;
use schemas::values::UserRef;
use schemas::{Code, FieldError, Lane, Rejection};

use super::{NotifyCommands, store_failed};
use crate::context::Users;

/// Accounts read at once.
const PAGE: usize = 500;

/// Usernames, by their lane; the state is the holder's id, if there is one.
struct Handles;

impl Entity for Handles {
    type Key = Lane;
    type State = Option<UserId>;
    const NAME: &'static str = "handle";

    fn lane(key: &Lane) -> Lane {
        *key
    }

    fn after(event: &EventData) -> Option<Option<UserId>> {
        event.holder().map(|owner| owner.and_then(|owner| UserId::parse(owner).ok()))
    }
}

impl NotifyCommands {
    /// The users who were named, each once.
    pub(super) async fn resolved(&self, users: &[UserRef]) -> Result<Vec<UserId>, Failure> {
        let mut found = Vec::with_capacity(users.len());
        let mut unknown = Vec::new();
        for (place, user) in users.iter().enumerate() {
            match self.look_up(user).await? {
                Some(id) if found.contains(&id) => {}
                Some(id) => found.push(id),
                None => unknown.push(FieldError {
                    pointer: format!("/users/{place}"),
                    code: "unknown_user".to_owned(),
                    detail: "there is no such user".to_owned(),
                }),
            }
        }
        if unknown.is_empty() {
            return Ok(found);
        }
        let mut rejection =
            Rejection::new(Code::ValidationFailed, "one of the users does not exist");
        rejection.errors = unknown;
        Err(rejection.into())
    }

    async fn look_up(&self, user: &UserRef) -> Result<Option<UserId>, Failure> {
        Ok(match user {
            UserRef::Id(id) => load::<Users>(&self.log, id).await?.state.map(|user| user.id),
            UserRef::Name(name) => {
                let lane = self.names.handle(name.as_str());
                load::<Handles>(&self.log, &lane).await?.state.flatten()
            }
        })
    }

    /// Every account there is, as the read model knows them once it has everything that was written before.
    pub(super) async fn everyone(&self) -> Result<Vec<UserId>, Failure> {
        let head = self.log.head().await?;
        self.caught_up(Group::People, head).await?;
        let store = self.read_model.current();
        let mut found: Vec<UserId> = Vec::new();
        loop {
            let page = store.list_users(found.last(), PAGE).await;
            let page = page.map_err(|error| store_failed(&error))?;
            found.extend(page.items.into_iter().map(|user| user.state.id));
            if !page.more {
                return Ok(found);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use schemas::subjects::LaneKind;

    use super::*;

    #[test]
    fn every_event_of_a_name_leaves_its_holder_known() {
        for event in testbed::every_event() {
            let of_name = event.family().lanes().contains(&LaneKind::Handle);
            assert_eq!(Handles::after(&event).is_some(), of_name, "{}", event.type_name());
        }
    }
}
