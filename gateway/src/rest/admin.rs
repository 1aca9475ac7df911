//! What admins do. That the caller is one was checked before; services check it again.

use schemas::commands::AppointOwner;
use schemas::views::{Account, Page};
use schemas::{NotificationId, RoomId, UserId};
use serde::Serialize;

use super::paging::{PageQuery, page, place};
use super::rooms;
use crate::cursor::List;
use crate::http::{Call, Created, Done, NoContent, Path, Query, Reply};
use crate::requests::Nothing;
use crate::requests::notification::NewNotification;
use crate::requests::user::UserChanges;
use crate::{documents, failure};

/// The inbox entries that were created.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub(crate) struct Notified {
    /// One for each recipient.
    pub(crate) notification_ids: Vec<NotificationId>,
}

pub(crate) async fn list_users(call: Call, Query(query): Query<PageQuery>) -> Done<Page<Account>> {
    let epoch = call.epoch();
    let list = List { epoch: &epoch, parts: vec!["admin/users"] };
    let after: Option<UserId> = place(&list, query.cursor.as_deref())?;
    let store = call.state.read_model.current();
    let found = store.list_users(after.as_ref(), query.limit.items()).await;
    let slice = found.map_err(failure::store)?;
    let last = |doc: &readmodel::UserDoc| doc.state.id.clone();
    Ok(Reply::ok(&page(&list, slice, last, |doc| documents::account(&doc.state))))
}

pub(crate) async fn change_user(
    call: Call,
    Path(user_id): Path<UserId>,
    body: UserChanges,
) -> Done<Account> {
    let accepted = call.send(&body.command(user_id)).await?;
    call.heard(accepted.position.as_ref()).await;
    Ok(Reply::ok(&accepted.result).at(accepted.position))
}

/// Makes a member of a room an owner, beside those there are.
pub(crate) async fn appoint_owner(
    call: Call,
    Path((room_id, user_id)): Path<(RoomId, UserId)>,
    _: Nothing,
) -> NoContent {
    let accepted = call.send(&AppointOwner { room_id, user_id }).await?;
    rooms::projected(&call, accepted.position.as_ref()).await;
    Ok(Reply::no_content().at(accepted.position))
}

pub(crate) async fn notify(call: Call, body: NewNotification) -> Created<Notified> {
    let accepted = call.send(&body.command()?).await?;
    let notified = Notified { notification_ids: accepted.result };
    Ok(Reply::created(&notified).at(accepted.position))
}
