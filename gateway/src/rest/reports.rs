//! Reports of messages, and what moderators do about messages and rooms. That the caller is a moderator was checked
//! before; services check it again.

use std::collections::HashMap;

use readmodel::{MessageDoc, ReadStore, ReportDoc, RoomDoc, found_by};
use schemas::unicode::sought;
use schemas::values::ReportStatus;
use schemas::views::{Message, Page, Report, Room};
use schemas::{Code, MessageId, Rejection, ReportId, RoomId, Sequence, UserId};
use serde::Serialize;

use super::paging::place;
use super::{rooms, shown};
use crate::cursor::List;
use crate::http::{Call, Created, Done, Limit, NoContent, Path, Query, Reply, shape};
use crate::requests::report::{Moderation, NewReport, OptionalReason, ReportChange};
use crate::{documents, failure};

/// Rooms looked at for one page of a search.
const LOOKED_AT: usize = 5_000;
/// Characters of a search.
const MAX_QUERY: usize = 100;

shape! {
    /// Which reports.
    ReportQuery {
        /// Only those that are `open`, `dismissed` or `actioned`.
        status: Option<ReportStatus>,
        /// How many items: 1 to 200. Defaults to 50.
        #[schemars(with = "Option<u32>", range(min = 1, max = 200))]
        limit: Limit,
        /// `next_cursor` of the previous page.
        cursor: Option<String>,
    }
    /// Which rooms, of all there are.
    AllRoomsQuery {
        /// Words, at most 100 characters. Each must begin a word of the name, ignoring case and accents.
        query: Option<String>,
        /// How many items: 1 to 200. Defaults to 50.
        #[schemars(with = "Option<u32>", range(min = 1, max = 200))]
        limit: Limit,
        /// `next_cursor` of the previous page.
        cursor: Option<String>,
    }
}

/// A report that was made.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub(crate) struct Reported {
    /// The report's id.
    pub(crate) id: ReportId,
}

pub(crate) async fn report(
    call: Call,
    Path(message_id): Path<MessageId>,
    body: NewReport,
) -> Created<Reported> {
    let accepted = call.send(&body.command(message_id)).await?;
    Ok(Reply::created(&Reported { id: accepted.result.id }).at(accepted.position))
}

/// Newest first.
pub(crate) async fn list(call: Call, Query(query): Query<ReportQuery>) -> Done<Page<Report>> {
    let epoch = call.epoch();
    let status = match query.status {
        None => "",
        Some(ReportStatus::Open) => "open",
        Some(ReportStatus::Dismissed) => "dismissed",
        Some(ReportStatus::Actioned) => "actioned",
    };
    let list = List { epoch: &epoch, parts: vec!["reports", status] };
    let before: Option<Sequence> = place(&list, query.cursor.as_deref())?;
    let store = call.state.read_model.current();
    let found = store.reports(query.status, before, query.limit.items()).await;
    let slice = found.map_err(failure::store)?;
    let last = slice.items.last().filter(|_| slice.more);
    let next_cursor = last.and_then(|doc| list.cursor(&doc.created));
    let items = views(&call, store.as_ref(), slice.items).await?;
    Ok(Reply::ok(&Page { items, next_cursor }))
}

pub(crate) async fn handle(
    call: Call,
    Path(report_id): Path<ReportId>,
    body: ReportChange,
) -> Done<Report> {
    let accepted = call.send(&body.command(report_id)).await?;
    rooms::projected(&call, accepted.position.as_ref()).await;
    // As the command left it, also where the read model is behind.
    let state = accepted.result;
    let doc = ReportDoc { state, message: None, created: 0, updated: 0 };
    let store = call.state.read_model.current();
    let shown = views(&call, store.as_ref(), vec![doc]).await?.pop();
    let shown = shown.ok_or_else(Rejection::not_found)?;
    Ok(Reply::ok(&shown).at(accepted.position))
}

async fn views(
    call: &Call,
    store: &dyn ReadStore,
    docs: Vec<ReportDoc>,
) -> Result<Vec<Report>, Rejection> {
    let current = docs.iter().filter(|doc| doc.message.is_none());
    let ids: Vec<MessageId> = current.map(|doc| doc.state.message_id).collect();
    let found = store.messages(&ids).await.map_err(failure::store)?;
    let found = found.into_iter().map(|message| (message.id, message));
    let current: HashMap<MessageId, MessageDoc> = found.collect();
    let (mut reports, mut messages) = (Vec::new(), Vec::new());
    for mut doc in docs {
        let kept = doc.message.take().map(|message| *message);
        let message = kept.or_else(|| current.get(&doc.state.message_id).cloned());
        // One whose message was erased has nothing to show.
        let Some(message) = message else { continue };
        messages.push(message);
        reports.push(doc);
    }
    let messages: Vec<Message> = shown::messages(call, store, messages).await?;
    let reporters: Vec<UserId> = reports.iter().map(|doc| doc.state.reporter_id).collect();
    let people = call.state.users.get(&reporters).await?;
    let view = |(doc, message): (ReportDoc, Message)| {
        let state = doc.state;
        let reporter = documents::user(people.get(&state.reporter_id)?);
        Some(Report {
            id: state.id,
            message,
            reporter,
            reason: state.reason.into(),
            status: state.status,
            created_at: state.created_at,
            handled_by: state.handled_by,
            note: state.note.map(Into::into),
        })
    };
    Ok(reports.into_iter().zip(messages).filter_map(view).collect())
}

pub(crate) async fn delete_message(
    call: Call,
    Path(message_id): Path<MessageId>,
    body: Moderation,
) -> NoContent {
    let accepted = call.send(&body.command(message_id)).await?;
    Ok(Reply::no_content().at(accepted.position))
}

pub(crate) async fn archive_room(
    call: Call,
    Path(room_id): Path<RoomId>,
    body: OptionalReason,
) -> NoContent {
    let accepted = call.send(&body.archiving(room_id)).await?;
    rooms::projected(&call, accepted.position.as_ref()).await;
    Ok(Reply::no_content().at(accepted.position))
}

/// In the order of their ids, which is that of their creation. A page of a search may be short.
pub(crate) async fn list_rooms(call: Call, Query(query): Query<AllRoomsQuery>) -> Done<Page<Room>> {
    let words = query.query.as_deref().unwrap_or_default();
    if words.chars().count() > MAX_QUERY {
        let detail = "must have at most 100 characters";
        return Err(Rejection::field(Code::ValidationFailed, "?query", "too_long", detail));
    }
    let (asked, words) = (!words.is_empty(), sought(words));
    // Words of which nothing is left find nothing.
    let nothing = asked && words.is_empty();
    let epoch = call.epoch();
    let list = List { epoch: &epoch, parts: vec!["admin/rooms", &words] };
    let mut after: Option<RoomId> = place(&list, query.cursor.as_deref())?;
    let store = call.state.read_model.current();
    let limit = query.limit.items();
    let (mut items, mut seen, mut more) = (Vec::new(), 0, !nothing);
    while more && items.len() < limit && seen < LOOKED_AT {
        let found = store.all_rooms(after.as_ref(), limit).await;
        let slice = found.map_err(failure::store)?;
        more = slice.more;
        for room in slice.items {
            if items.len() == limit {
                more = true;
                break;
            }
            seen += 1;
            after = Some(room.state.id);
            if words.is_empty() || is_named(&room, &words) {
                items.push(documents::room(&room, None, None));
            }
        }
    }
    let next_cursor = after.filter(|_| more).and_then(|after| list.cursor(&after));
    Ok(Reply::ok(&Page { items, next_cursor }))
}

fn is_named(room: &RoomDoc, words: &str) -> bool {
    room.state.name.as_ref().is_some_and(|name| found_by(name.as_str(), words))
}
