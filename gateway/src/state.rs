//! What every request and socket works with.

use std::collections::BTreeMap;
use std::sync::Arc;

use blobs::BlobStore;
use bus::Bus;
use bytes::Bytes;
use eventlog::{EventLog, SecretStore};
use readmodel::ReadModel;
use schemas::Position;
use telemetry::Health;
use tokio::sync::Semaphore;

use crate::config::Config;
use crate::limits::Limits;
use crate::links::Links;
use crate::live::Hub;
use crate::metrics::HttpMetrics;
use crate::own_writes::OwnWrites;
use crate::presence::Presence;
use crate::recent::Recent;
use crate::request_log::RequestNotes;
use crate::sessions::Sessions;
use crate::stats::Counted;
use crate::uploads::Uploads;
use crate::user_directory::UserDirectory;

/// Welcomes that count what is unread at a time: what the others would wait for they ask REST.
pub(crate) const BADGES: usize = 16;

/// This API as it is described to programs, rendered once.
pub(crate) struct Description {
    /// OpenAPI 3.1.
    pub(crate) openapi: Bytes,
    /// AsyncAPI 3: the socket.
    pub(crate) asyncapi: Bytes,
    /// A Postman collection; where the server is reached stands in it as [`crate::postman::SITE`].
    pub(crate) postman: String,
    /// JSON Schemas by their names.
    pub(crate) schemas: BTreeMap<String, Bytes>,
    /// The list of them.
    pub(crate) schema_index: Bytes,
}

/// Everything shared by the workers of one gateway.
pub(crate) struct AppState {
    /// The settings.
    pub(crate) config: Config,
    /// Where commands go.
    pub(crate) bus: Bus,
    /// The log, for its epoch and for what the read model does not know yet.
    pub(crate) log: EventLog,
    /// Where reads are answered from.
    pub(crate) read_model: ReadModel,
    /// The accounts of users, to name them in views.
    pub(crate) users: Arc<UserDirectory>,
    /// The sessions of clients, and their access tokens.
    pub(crate) sessions: Arc<Sessions>,
    /// The rate limits of users and client addresses.
    pub(crate) limits: Arc<Limits>,
    /// What each session wrote last, for its own reads.
    pub(crate) own_writes: OwnWrites,
    /// Events, as they happen.
    pub(crate) hub: Hub,
    /// The newest messages of rooms.
    pub(crate) recent: Recent,
    /// How many welcomes may count what is unread at a time.
    pub(crate) badges: Semaphore,
    /// Who is online, and who is told.
    pub(crate) presence: Arc<Presence>,
    /// Answers to requests that came with an `Idempotency-Key`.
    pub(crate) replays: SecretStore,
    /// Takes note of each request.
    pub(crate) requests: RequestNotes,
    /// What the installation amounts to, as it was counted last.
    pub(crate) counted: Counted,
    /// What leads to files.
    pub(crate) links: Links,
    /// Where files are.
    pub(crate) blobs: Arc<dyn BlobStore>,
    /// Files on their way.
    pub(crate) uploads: Uploads,
    /// Metrics of REST.
    pub(crate) http: HttpMetrics,
    /// What this API is, for those who ask it.
    pub(crate) description: Description,
    /// The health of this process.
    pub(crate) health: Health,
}

impl AppState {
    /// The position of a write that changed nothing: whatever its caller sees is in the log by now. None while the log
    /// does not answer.
    pub(crate) async fn where_nothing_was_written(&self) -> Option<Position> {
        let head = self.log.head().await.ok()?;
        Some(self.log.epoch().at(head))
    }
}
