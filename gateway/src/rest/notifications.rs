//! The caller's inbox.

use readmodel::Slice;
use schemas::commands::MarkNotificationsRead;
use schemas::views::{Notification, Page};
use schemas::{NotificationId, Sequence};

use super::paging::place;
use crate::cursor::List;
use crate::http::{Call, Done, Limit, NoContent, Path, Query, Reply, shape};
use crate::requests::Nothing;
use crate::{failure, inbox};

shape! {
    /// Which inbox entries.
    InboxQuery {
        /// `true` lists only entries that are not read yet.
        unread: Option<bool>,
        /// How many entries: 1 to 200. Defaults to 50.
        #[schemars(with = "Option<u32>", range(min = 1, max = 200))]
        limit: Limit,
        /// `next_cursor` of the previous page.
        cursor: Option<String>,
    }
}

pub(crate) async fn list(call: Call, Query(query): Query<InboxQuery>) -> Done<Page<Notification>> {
    let user = &call.caller()?.user_id;
    let unread_only = query.unread.unwrap_or(false);
    let epoch = call.epoch();
    let kind = if unread_only { "inbox/unread" } else { "inbox" };
    let list = List { epoch: &epoch, parts: vec![kind, user.as_str()] };
    let before: Option<Sequence> = place(&list, query.cursor.as_deref())?;
    let store = call.state.read_model.current();
    let found = store.notifications(user, unread_only, before, query.limit.items()).await;
    let slice = found.map_err(failure::store)?;
    let Slice { items, more } = slice;
    let last = items.last().filter(|_| more);
    let next_cursor = last.and_then(|doc| list.cursor(&doc.created));
    let shown = inbox::views(call.state.users.as_ref(), store.as_ref(), user, &items).await;
    Ok(Reply::ok(&Page { items: shown.map_err(failure::store)?, next_cursor }))
}

pub(crate) async fn read_one(call: Call, Path(id): Path<NotificationId>, _: Nothing) -> NoContent {
    read(&call, Some(id)).await
}

pub(crate) async fn read_all(call: Call, _: Nothing) -> NoContent {
    read(&call, None).await
}

async fn read(call: &Call, notification_id: Option<NotificationId>) -> NoContent {
    let accepted = call.send(&MarkNotificationsRead { notification_id }).await?;
    Ok(Reply::no_content().at(accepted.position))
}
