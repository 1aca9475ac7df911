//! What the notifier gave up on, for admins.

use schemas::commands::{ListDeadLetters, RedriveDeadLetter};
use schemas::views::{DeadLetter, Page};
use serde::Serialize;

use super::paging::{PageQuery, place};
use crate::cursor::List;
use crate::http::{Begun, Call, DeadLetterId, Done, Path, Query, Reply};
use crate::requests::Nothing;

/// A letter whose event is tried again.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub(crate) struct Redriven {
    /// The letter, which is gone. Should the event fail again there will be another one.
    pub(crate) id: String,
}

/// Oldest first.
pub(crate) async fn list(call: Call, Query(query): Query<PageQuery>) -> Done<Page<DeadLetter>> {
    let epoch = call.epoch();
    let list = List { epoch: &epoch, parts: vec!["admin/dead-letters"] };
    let after: Option<u64> = place(&list, query.cursor.as_deref())?;
    let limit = u32::try_from(query.limit.items()).unwrap_or(1);
    let found = call.send(&ListDeadLetters { after: after.unwrap_or(0), limit }).await?.result;
    let next_cursor = found.next.and_then(|next| list.cursor(&next));
    Ok(Reply::ok(&Page { items: found.items, next_cursor }))
}

pub(crate) async fn redrive(
    call: Call,
    Path(DeadLetterId(letter)): Path<DeadLetterId>,
    _: Nothing,
) -> Begun<Redriven> {
    call.send(&RedriveDeadLetter { letter }).await?;
    Ok(Reply::accepted(&Redriven { id: letter.to_string() }))
}
