//! The caller's inbox.

use readmodel::Slice;
use schemas::commands::MarkNotificationsRead;
use schemas::views::Page;
use schemas::{NotificationId, Sequence};

use super::paging::{Nothing, place};
use crate::cursor::List;
use crate::http::{Answer, Call, Limit, Outcome, shape};
use crate::{failure, inbox};

shape! {
    /// Which inbox entries.
    InboxQuery {
        /// Only entries that were not read.
        unread: Option<bool>,
        /// How many items: 1 to 200, 50 when absent.
        #[schemars(with = "Option<u32>", range(min = 1, max = 200))]
        limit: Limit,
        /// `next_cursor` of the former page.
        cursor: Option<String>,
    }
}

pub(crate) async fn list(call: Call) -> Outcome {
    let query: InboxQuery = call.query()?;
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
    let shown = inbox::views(call.state.people.as_ref(), store.as_ref(), user, items).await;
    Ok(Answer::ok(&Page { items: shown.map_err(failure::store)?, next_cursor }))
}

pub(crate) async fn read_one(call: Call) -> Outcome {
    let id: NotificationId = call.id("notification_id")?;
    read(&call, Some(id)).await
}

pub(crate) async fn read_all(call: Call) -> Outcome {
    read(&call, None).await
}

async fn read(call: &Call, notification_id: Option<NotificationId>) -> Outcome {
    call.body::<Nothing>()?;
    let accepted = call.send(&MarkNotificationsRead { notification_id }).await?;
    Ok(Answer::nothing().at(accepted.position))
}
