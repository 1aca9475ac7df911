//! What admins do. That the caller is one was checked before; services check it again.

use std::time::Duration;

use readmodel::AccountFilter;
use schemas::commands::AppointOwner;
use schemas::values::Role;
use schemas::views::{Account, Page};
use schemas::{NotificationId, Rejection, RoomId, UserId};
use serde::Serialize;

use super::paging::{page, place};
use super::rooms;
use super::users::words;
use crate::cursor::List;
use crate::http::{Call, Created, Done, Limit, NoContent, Path, Query, Reply, shape};
use crate::requests::Nothing;
use crate::requests::notification::NewNotification;
use crate::requests::report::OptionalReason;
use crate::requests::user::{NewUser, UserChanges};
use crate::stats::{Sources, Stats};
use crate::{documents, failure};

/// How long a notification is waited for: everyone's inbox may be very many.
const NOTIFIED_WITHIN: Duration = Duration::from_secs(60);

/// The inbox entries that were created.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub(crate) struct Notified {
    /// One for each recipient who was named; none for `everyone`, who may be very many.
    pub(crate) notification_ids: Vec<NotificationId>,
}

shape! {
    /// Which accounts. All conditions that are given must hold.
    AccountQuery {
        /// Words, 1 to 100 characters. Each must begin a word of the username, the display name or the address, ignoring
        /// case and accents.
        query: Option<String>,
        /// What the account may do everywhere.
        role: Option<Role>,
        /// Whether the account is suspended.
        suspended: Option<bool>,
        /// How many accounts: 1 to 200. Defaults to 50.
        #[schemars(with = "Option<u32>", range(min = 1, max = 200))]
        limit: Limit,
        /// `next_cursor` of the previous page.
        cursor: Option<String>,
    }
}

pub(crate) async fn list_users(
    call: Call,
    Query(query): Query<AccountQuery>,
) -> Done<Page<Account>> {
    let AccountQuery { query, role, suspended, limit, cursor } = query;
    let words = query.as_deref().map(words).transpose()?;
    let filter = AccountFilter { words, role, suspended };
    let epoch = call.epoch();
    let scope = format!("{filter:?}");
    let list = List { epoch: &epoch, parts: vec!["admin/users", &scope] };
    let after: Option<UserId> = place(&list, cursor.as_deref())?;
    let store = call.state.read_model.current();
    let found = store.accounts(&filter, after.as_ref(), limit.items()).await;
    let slice = found.map_err(failure::store)?;
    let last = |doc: &readmodel::UserDoc| doc.state.id;
    Ok(Reply::ok(&page(&list, slice, last, |doc| documents::account(&doc.state))))
}

pub(crate) async fn create_user(call: Call, body: NewUser) -> Created<Account> {
    let accepted = call.send(&body.command()).await?;
    Ok(Reply::created(&accepted.result).at(accepted.position))
}

/// Ends a user's sessions; their sockets close.
pub(crate) async fn end_sessions(
    call: Call,
    Path(user_id): Path<UserId>,
    body: OptionalReason,
) -> NoContent {
    let accepted = call.send(&body.ending_sessions(user_id)).await?;
    call.heard(accepted.position.as_ref()).await;
    Ok(Reply::no_content().at(accepted.position))
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

pub(crate) async fn stats(call: Call) -> Done<Stats> {
    let (log, read_model) = (&call.state.log, &call.state.read_model);
    let from = Sources { log, read_model, presence: &call.state.presence };
    let stats = call.state.counted.get(from).await?;
    Ok(Reply::ok(&stats))
}

pub(crate) async fn notify(call: Call, body: NewNotification) -> Created<Notified> {
    let (command, named) = body.command()?;
    let sent = call.send_within(&command, NOTIFIED_WITHIN).await;
    let accepted = sent.map_err(|refused| pointed(refused, "/users", named))?;
    let notified = Notified { notification_ids: accepted.result };
    Ok(Reply::created(&notified).at(accepted.position))
}

/// A refusal whose pointers name the field of the request that `from` came from.
fn pointed(mut refused: Rejection, from: &str, field: &str) -> Rejection {
    for error in &mut refused.errors {
        if let Some(rest) = error.pointer.strip_prefix(from) {
            error.pointer = format!("{field}{rest}");
        }
    }
    refused
}
