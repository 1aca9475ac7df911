//! The log of requests, beside the log and every generation: who asked for what, when, and how it was answered.
//!
//! Rows hold ids and templates of paths, never what stands in a path, a query or a body. They are no documents: no
//! rebuild makes them and `verify` passes them over. Beside the rows stands when each user was last active, which
//! outlives them.

use std::collections::BTreeSet;

use async_trait::async_trait;
use schemas::{Timestamp, UserId};
use serde::{Deserialize, Serialize};

use crate::answers::Answer;

/// Rows that one question looks at, at most.
pub const MAX_REQUESTS_SEEN: usize = 20_000;

/// A row's place: rows are listed by their time, and those of the same millisecond by what was drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RequestKey {
    /// When the request was answered.
    pub time: Timestamp,
    /// A number drawn by who wrote the row; fits into 63 bits.
    pub draw: u64,
}

/// A request that was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoggedRequest {
    /// Its place.
    pub key: RequestKey,
    /// The HTTP method; `OTHER` for one that is not known.
    pub method: String,
    /// The template of the path; `unmatched` where there is none.
    pub path: String,
    /// The HTTP status.
    pub status: u16,
    /// How long it took, in microseconds.
    pub took_us: u64,
    /// Who asked, where that is known.
    pub user: Option<UserId>,
    /// The client's address.
    pub ip: String,
    /// The trace it belongs to: 32 hexadecimal digits.
    pub trace_id: String,
}

/// Which requests to list. All conditions that are given must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RequestFilter {
    /// Who asked.
    pub user: Option<UserId>,
    /// The template of the path.
    pub path: Option<String>,
    /// The HTTP method.
    pub method: Option<String>,
    /// The HTTP status.
    pub status: Option<u16>,
    /// Not before this moment.
    pub since: Option<Timestamp>,
    /// Before this moment.
    pub until: Option<Timestamp>,
}

impl RequestFilter {
    /// Whether a row is one of those, as far as its time is not the question.
    pub(crate) fn admits(&self, row: &LoggedRequest) -> bool {
        let Self { user, path, method, status, since: _, until: _ } = self;
        (user.is_none() || *user == row.user)
            && path.as_ref().is_none_or(|path| *path == row.path)
            && method.as_ref().is_none_or(|method| *method == row.method)
            && status.is_none_or(|status| status == row.status)
    }
}

/// A part of the list, newest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FoundRequests {
    /// The rows; there may be fewer than asked for although the list goes on.
    pub items: Vec<LoggedRequest>,
    /// The list goes on before this row; none at its end.
    pub next: Option<RequestKey>,
}

/// Takes rows, newest first, until there are enough or too many were looked at.
pub(crate) struct Taking<'a> {
    filter: &'a RequestFilter,
    limit: usize,
    seen: usize,
    found: FoundRequests,
}

impl<'a> Taking<'a> {
    pub(crate) fn new(filter: &'a RequestFilter, limit: usize) -> Self {
        Self { filter, limit, seen: 0, found: FoundRequests::default() }
    }

    /// Looks at a row; false when no more are wanted.
    pub(crate) fn look_at(&mut self, row: LoggedRequest) -> bool {
        if self.found.items.len() == self.limit || self.seen == MAX_REQUESTS_SEEN {
            // There is one more.
            return false;
        }
        self.seen += 1;
        self.found.next = Some(row.key);
        if self.filter.admits(&row) {
            self.found.items.push(row);
        }
        true
    }

    /// What was found; `more` says whether the rows went on.
    pub(crate) fn done(mut self, more: bool) -> FoundRequests {
        if !more {
            self.found.next = None;
        }
        self.found
    }
}

/// What can be done with the log of requests.
#[async_trait]
pub trait RequestLog: Send + Sync + std::fmt::Debug {
    /// Adds rows; one that is there already is passed over, so a repeat is safe. Rows of users who were forgotten
    /// are not kept.
    ///
    /// # Errors
    /// [`crate::StoreError`] when the database does not answer; it is not known then which rows were added.
    async fn log_requests(&self, rows: Vec<LoggedRequest>) -> Answer<()>;

    /// Rows, newest first; goes on before `before`. Looks at [`MAX_REQUESTS_SEEN`] at most.
    ///
    /// # Errors
    /// [`crate::StoreError`] when the database does not answer.
    async fn requests(
        &self,
        filter: &RequestFilter,
        before: Option<RequestKey>,
        limit: usize,
    ) -> Answer<FoundRequests>;

    /// Removes all rows of a user and when they were active, and keeps none of them from now on, whatever is still on
    /// its way. For those whose account is erased. A repeat is safe.
    ///
    /// # Errors
    /// [`crate::StoreError`] when the database does not answer.
    async fn forget_requests_of(&self, user: &UserId) -> Answer<()>;

    /// Removes the rows from before a moment.
    ///
    /// # Errors
    /// [`crate::StoreError`] when the database does not answer.
    async fn forget_requests_before(&self, time: Timestamp) -> Answer<()>;

    /// Notes that users were active at a moment; their requests note it by themselves.
    ///
    /// # Errors
    /// [`crate::StoreError`] when the database does not answer.
    async fn note_active(&self, users: Vec<UserId>, at: Timestamp) -> Answer<()>;

    /// How many users were active at or after a moment.
    ///
    /// # Errors
    /// [`crate::StoreError`] when the database does not answer.
    async fn active_since(&self, time: Timestamp) -> Answer<u64>;
}

/// Who was active by the rows of one batch, and when at the latest; a batch is made of a moment's requests.
pub(crate) fn activity(rows: &[LoggedRequest]) -> (Vec<UserId>, Timestamp) {
    let users: BTreeSet<&UserId> = rows.iter().filter_map(|row| row.user.as_ref()).collect();
    let at = rows.iter().map(|row| row.key.time).max().unwrap_or_default();
    (users.into_iter().cloned().collect(), at)
}
