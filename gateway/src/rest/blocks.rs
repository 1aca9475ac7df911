//! Whom the caller blocks.

use schemas::UserId;
use schemas::commands::{BlockUser, UnblockUser};
use schemas::views::{Page, User};

use super::paging::{PageQuery, place};
use crate::cursor::List;
use crate::http::{Call, Done, NoContent, Path, Query, Reply};
use crate::requests::Nothing;
use crate::{documents, failure};

pub(crate) async fn put(call: Call, Path(user_id): Path<UserId>, _: Nothing) -> NoContent {
    let accepted = call.send(&BlockUser { user_id }).await?;
    Ok(Reply::no_content().at(accepted.position))
}

pub(crate) async fn remove(call: Call, Path(user_id): Path<UserId>, _: Nothing) -> NoContent {
    let accepted = call.send(&UnblockUser { user_id }).await?;
    Ok(Reply::no_content().at(accepted.position))
}

/// In the order of ids, so that no page leaves out a user while the list changes.
pub(crate) async fn list(call: Call, Query(query): Query<PageQuery>) -> Done<Page<User>> {
    let own = &call.caller()?.user_id;
    let epoch = call.epoch();
    let list = List { epoch: &epoch, parts: vec!["blocks", own.as_str()] };
    let after: Option<UserId> = place(&list, query.cursor.as_deref())?;
    let store = call.state.read_model.current();
    let mut blocked = store.blocked_by(own).await.map_err(failure::store)?;
    blocked.retain(|user| after.as_ref().is_none_or(|after| user > after));
    blocked.sort_unstable();
    let more = blocked.len() > query.limit.items();
    blocked.truncate(query.limit.items());
    let next_cursor = blocked.last().filter(|_| more).and_then(|last| list.cursor(last));
    let people = call.state.users.get(&blocked).await?;
    let items = blocked.iter().filter_map(|id| people.get(id)).map(|user| documents::user(user));
    Ok(Reply::ok(&Page { items: items.collect(), next_cursor }))
}
