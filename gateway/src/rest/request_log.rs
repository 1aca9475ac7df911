//! The log of requests, for admins.

use readmodel::{LoggedRequest, RequestFilter, RequestKey};
use schemas::views::Page;
use schemas::{Timestamp, UserId};
use serde::Serialize;

use super::paging::place;
use crate::cursor::List;
use crate::failure;
use crate::http::{Call, Done, HttpStatus, Limit, MethodName, PathTemplate, Query, Reply, shape};

shape! {
    /// Which requests. All conditions that are given must hold.
    RequestQuery {
        /// The user who asked.
        user_id: Option<UserId>,
        /// The template of the path, such as `/v1/rooms/{room_id}`; `unmatched` for paths that do not exist.
        path: Option<PathTemplate>,
        /// The HTTP method, in capitals.
        method: Option<MethodName>,
        /// The HTTP status, 100 to 599.
        status: Option<HttpStatus>,
        /// Answered at or after this moment.
        since: Option<Timestamp>,
        /// Answered before this moment.
        until: Option<Timestamp>,
        /// How many items: 1 to 200. Defaults to 50.
        #[schemars(with = "Option<u32>", range(min = 1, max = 200))]
        limit: Limit,
        /// `next_cursor` of the previous page.
        cursor: Option<String>,
    }
}

/// A request that was answered.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub(crate) struct RequestRow {
    /// When it was answered.
    time: Timestamp,
    /// The HTTP method.
    method: String,
    /// The template of its path; what stood in the path is not kept.
    path: String,
    /// The HTTP status.
    status: u16,
    /// How long it took, in milliseconds.
    duration_ms: f64,
    /// The user who asked; absent where there was no valid session.
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<UserId>,
    /// The client's address.
    ip: String,
    /// The trace it belongs to, as the header `Tidings-Trace` said.
    trace_id: String,
}

/// Newest first. A page may be short although there is a next one.
pub(crate) async fn list(call: Call, Query(query): Query<RequestQuery>) -> Done<Page<RequestRow>> {
    let RequestQuery { user_id, path, method, status, since, until, limit, cursor } = query;
    let mut filter = RequestFilter {
        user: user_id,
        path: path.map(|path| path.0),
        method: method.map(|method| method.0.to_owned()),
        status: status.map(|status| status.0),
        since,
        until,
    };
    let epoch = call.epoch();
    let scope = format!("{filter:?}");
    let list = List { epoch: &epoch, parts: vec!["admin/request-log", &scope] };
    let before: Option<RequestKey> = place(&list, cursor.as_deref())?;
    filter.since = filter.since.max(Some(call.state.requests.kept_since()));
    let side = call.state.read_model.side().await.map_err(failure::store)?;
    let found = side.request_log().requests(&filter, before, limit.items()).await;
    let found = found.map_err(failure::store)?;
    let next_cursor = found.next.and_then(|next| list.cursor(&next));
    let items = found.items.into_iter().map(view).collect();
    Ok(Reply::ok(&Page { items, next_cursor }))
}

#[expect(clippy::cast_precision_loss, reason = "microseconds of a request are far below 2^52")]
fn view(row: LoggedRequest) -> RequestRow {
    let LoggedRequest { key, method, path, status, took_us, user, ip, trace_id } = row;
    let duration_ms = took_us as f64 / 1_000.0;
    RequestRow { time: key.time, method, path, status, duration_ms, user_id: user, ip, trace_id }
}
