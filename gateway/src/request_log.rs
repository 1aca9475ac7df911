//! Keeps a row of each request, beside the log: queued at once, written in batches by a task of its own.
//!
//! No request waits for it. When rows come faster than they can be written the queue is full, and rows are dropped and
//! counted. A row holds ids and the template of the path; neither what stands in the path, nor a query or a body.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use readmodel::{Answer, LoggedRequest, ReadModel, RequestKey};
use schemas::{Timestamp, UserId};
use telemetry::prometheus_client::metrics::counter::Counter;
use telemetry::{Metrics, Shutdown, error_chain};
use tokio::sync::mpsc::{self, Receiver, Sender};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::presence::Presence;

/// Rows that wait to be written, at most; then rows are dropped.
const QUEUE: usize = 10_000;
/// Rows in one batch.
const BATCH: usize = 1_000;
/// How long rows are gathered.
const GATHER: Duration = Duration::from_millis(500);
/// How long a batch that could not be written waits before the next try.
const PAUSE: Duration = Duration::from_secs(1);
/// How often rows that are too old are removed.
const SWEEP: Duration = Duration::from_secs(600);
/// How often the users who hold sockets are noted as active.
const ACTIVE: Duration = Duration::from_secs(300);
/// How often a batch is tried at the end.
const LAST_TRIES: u32 = 2;

/// What is known of a request once it was answered.
pub(crate) struct Answered<'a> {
    /// The HTTP method.
    pub(crate) method: &'static str,
    /// The template of the path.
    pub(crate) path: &'static str,
    /// The HTTP status.
    pub(crate) status: u16,
    /// How long it took.
    pub(crate) took: Duration,
    /// Who asked, where that is known.
    pub(crate) user: Option<&'a UserId>,
    /// The client's address.
    pub(crate) ip: std::net::IpAddr,
    /// The trace it belongs to.
    pub(crate) trace_id: &'a str,
}

/// Takes note of requests.
pub(crate) struct RequestNotes {
    queue: Sender<LoggedRequest>,
    /// What the writer reads, until it is started.
    waiting: Mutex<Option<Receiver<LoggedRequest>>>,
    /// How long rows are kept; none: of requests only who was active is noted.
    ttl: Option<Duration>,
    written: Counter,
    dropped: Counter,
}

impl RequestNotes {
    /// Keeps rows for so long; none for not at all.
    pub(crate) fn new(ttl: Option<Duration>, metrics: &Metrics) -> Self {
        let (written, dropped) = (Counter::default(), Counter::default());
        metrics.register(|registry| {
            let (rows, lost) = (written.clone(), dropped.clone());
            registry.register("request_log_rows", "Rows of the request log written", rows);
            let help = "Requests without a row in the request log: the queue was full, or the gateway stopped";
            registry.register("request_log_dropped", help, lost);
        });
        let (queue, waiting) = mpsc::channel(QUEUE);
        Self { queue, waiting: Mutex::new(Some(waiting)), ttl, written, dropped }
    }

    /// Since when rows are shown: older ones may not be removed yet.
    pub(crate) fn kept_since(&self) -> Timestamp {
        kept_since(self.ttl)
    }

    /// Notes a request. Waits for nothing.
    pub(crate) fn note(&self, answered: &Answered<'_>) {
        if self.ttl.is_none() && answered.user.is_none() {
            return;
        }
        let Ok(place) = self.queue.try_reserve() else {
            self.dropped.inc();
            return;
        };
        let Answered { method, path, status, took, user, ip, trace_id } = *answered;
        place.send(LoggedRequest {
            key: RequestKey { time: Timestamp::now(), draw: rand::random::<u64>() >> 1 },
            method: method.to_owned(),
            path: path.to_owned(),
            status,
            took_us: u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
            user: user.cloned(),
            ip: ip.to_string(),
            trace_id: trace_id.to_owned(),
        });
    }

    /// Begins to write what is noted. What is returned ends after `live`, when what was noted until then is written.
    pub(crate) fn keep(
        &self,
        read_model: &ReadModel,
        presence: &Arc<Presence>,
        live: Shutdown,
    ) -> JoinHandle<()> {
        let rows = self.waiting.lock().take();
        let keeper = Keeper {
            read_model: read_model.clone(),
            presence: Arc::clone(presence),
            ttl: self.ttl,
            written: self.written.clone(),
            dropped: self.dropped.clone(),
        };
        tokio::spawn(async move {
            if let Some(rows) = rows {
                keeper.work(rows, live).await;
            }
        })
    }
}

/// Writes what was noted.
struct Keeper {
    read_model: ReadModel,
    presence: Arc<Presence>,
    ttl: Option<Duration>,
    written: Counter,
    dropped: Counter,
}

impl Keeper {
    async fn work(self, mut rows: Receiver<LoggedRequest>, live: Shutdown) {
        let mut batch = Vec::with_capacity(BATCH);
        let (mut sweep, mut active) = (Instant::now(), Instant::now() + ACTIVE);
        loop {
            tokio::select! {
                () = live.wait() => break,
                () = tokio::time::sleep_until(active) => {
                    active = Instant::now() + ACTIVE;
                    said(self.note_active().await, "who is active is not noted");
                }
                () = tokio::time::sleep_until(sweep) => {
                    sweep = Instant::now() + SWEEP;
                    said(self.sweep().await, "old rows of the request log are not removed yet");
                }
                more = rows.recv_many(&mut batch, BATCH) => {
                    if more == 0 {
                        return;
                    }
                    self.gather(&mut rows, &mut batch, &live).await;
                    self.write(&mut batch, &live).await;
                }
            }
        }
        said(self.note_active().await, "who is active is not noted");
        rows.close();
        while !batch.is_empty() || rows.recv_many(&mut batch, BATCH).await > 0 {
            self.write(&mut batch, &live).await;
        }
    }

    /// Waits a moment for more: a transaction costs the same for one row and for many.
    async fn gather(
        &self,
        rows: &mut Receiver<LoggedRequest>,
        batch: &mut Vec<LoggedRequest>,
        live: &Shutdown,
    ) {
        let deadline = Instant::now() + GATHER;
        while batch.len() < BATCH {
            let room = BATCH - batch.len();
            tokio::select! {
                () = live.wait() => return,
                () = tokio::time::sleep_until(deadline) => return,
                more = rows.recv_many(batch, room) => if more == 0 { return },
            }
        }
    }

    /// Writes a batch; while that fails the queue fills, and when the gateway stops the batch is given up.
    async fn write(&self, batch: &mut Vec<LoggedRequest>, live: &Shutdown) {
        let rows = u64::try_from(batch.len()).unwrap_or(u64::MAX);
        let mut last_tries = LAST_TRIES;
        loop {
            let written = self.try_write(batch.clone()).await;
            if written.is_ok() {
                batch.clear();
                self.written.inc_by(rows);
                return;
            }
            said(written, "requests are not logged yet");
            if live.is_triggered() {
                last_tries -= 1;
                if last_tries == 0 {
                    batch.clear();
                    self.dropped.inc_by(rows);
                    return;
                }
            }
            tokio::select! {
                () = live.wait() => {}
                () = tokio::time::sleep(PAUSE) => {}
            }
        }
    }

    async fn try_write(&self, rows: Vec<LoggedRequest>) -> Answer<()> {
        let side = self.read_model.side().await?;
        if self.ttl.is_some() {
            return side.request_log().log_requests(rows).await;
        }
        let users = rows.into_iter().filter_map(|row| row.user).collect();
        side.request_log().note_active(users, Timestamp::now()).await
    }

    async fn sweep(&self) -> Answer<()> {
        let before = kept_since(self.ttl);
        self.read_model.side().await?.request_log().forget_requests_before(before).await
    }

    /// Who holds a socket is active although no request says so.
    async fn note_active(&self) -> Answer<()> {
        let users = self.presence.people_here();
        if users.is_empty() {
            return Ok(());
        }
        self.read_model.side().await?.request_log().note_active(users, Timestamp::now()).await
    }
}

/// Since when rows are kept.
fn kept_since(ttl: Option<Duration>) -> Timestamp {
    let seconds = i64::try_from(ttl.unwrap_or_default().as_secs()).unwrap_or(i64::MAX);
    Timestamp::now().plus_seconds(-seconds)
}

fn said(outcome: Answer<()>, what: &str) {
    if let Err(error) = outcome {
        tracing::warn!(error = %error_chain(&error), "{what}");
    }
}
