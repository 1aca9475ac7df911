//! What admins do. That the caller is one was checked before; services check it again.

use schemas::commands::{AdministerUser, AppointOwner, SendNotification};
use schemas::values::{Notice, Role, Title, UserRef};
use schemas::{Code, NotificationId, Rejection, UserId};
use serde::Serialize;

use super::paging::{Nothing, PageQuery, page, place};
use super::rooms;
use crate::cursor::List;
use crate::http::{Answer, Call, Outcome, shape};
use crate::{documents, failure};

/// People one notification goes to at most.
const MAX_USERS: usize = 100;

shape! {
    /// Changes of somebody's account. What is absent stays.
    UserChanges {
        /// What he may do everywhere.
        role: Option<Role>,
        /// Kept from logging in and acting.
        suspended: Option<bool>,
    }
    /// A notification to write into inboxes.
    NewNotification {
        /// Whose: user ids or `@username`; at most 100.
        users: Vec<UserRef>,
        /// One line; at most 200 characters.
        title: Title,
        /// The text; at most 4,000 characters.
        body: Notice,
    }
}

/// The inbox entries that were made.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub(crate) struct Notified {
    /// One for each person.
    pub(crate) notification_ids: Vec<NotificationId>,
}

pub(crate) async fn list_users(call: Call) -> Outcome {
    let query: PageQuery = call.query()?;
    let epoch = call.epoch();
    let list = List { epoch: &epoch, parts: vec!["admin/users"] };
    let after: Option<UserId> = place(&list, query.cursor.as_deref())?;
    let store = call.state.read_model.current();
    let found = store.list_users(after.as_ref(), query.limit.items()).await;
    let slice = found.map_err(failure::store)?;
    let last = |doc: &readmodel::UserDoc| doc.state.id.clone();
    Ok(Answer::ok(&page(&list, slice, last, |doc| documents::account(&doc.state))))
}

pub(crate) async fn change_user(call: Call) -> Outcome {
    let user_id = call.id("user_id")?;
    let UserChanges { role, suspended } = call.body()?;
    let accepted = call.send(&AdministerUser { user_id, role, suspended }).await?;
    call.heard(accepted.position.as_ref()).await;
    Ok(Answer::ok(&accepted.result).at(accepted.position))
}

/// Makes a member of a room an owner, beside those there are.
pub(crate) async fn appoint_owner(call: Call) -> Outcome {
    let (room_id, user_id) = (call.id("room_id")?, call.id("user_id")?);
    call.body::<Nothing>()?;
    let accepted = call.send(&AppointOwner { room_id, user_id }).await?;
    rooms::projected(&call, accepted.position.as_ref()).await;
    Ok(Answer::nothing().at(accepted.position))
}

pub(crate) async fn notify(call: Call) -> Outcome {
    let NewNotification { users, title, body } = call.body()?;
    bounded("/users", users.len(), MAX_USERS)?;
    let accepted = call.send(&SendNotification { users, title, body }).await?;
    let notified = Notified { notification_ids: accepted.result };
    Ok(Answer::created(&notified).at(accepted.position))
}

fn bounded(pointer: &str, length: usize, most: usize) -> Result<(), Rejection> {
    if (1..=most).contains(&length) {
        return Ok(());
    }
    let detail = format!("must have 1 to {most}");
    Err(Rejection::field(Code::ValidationFailed, pointer, "out_of_range", detail))
}
