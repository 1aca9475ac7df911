//! What every request and socket works with.

use std::sync::Arc;

use bus::Bus;
use bytes::Bytes;
use eventlog::{EventLog, SecretStore};
use readmodel::ReadModel;
use telemetry::Health;

use crate::config::Config;
use crate::limits::Limits;
use crate::live::Hub;
use crate::metrics::HttpMetrics;
use crate::own_writes::OwnWrites;
use crate::people::People;
use crate::sessions::Sessions;

/// This API as it is described to people and programs, rendered once.
pub(crate) struct Description {
    /// OpenAPI 3.1.
    pub(crate) json: Bytes,
    /// The same as an HTML page.
    pub(crate) page: Bytes,
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
    /// What people are called.
    pub(crate) people: Arc<People>,
    /// Who is asking.
    pub(crate) sessions: Arc<Sessions>,
    /// How much a person or an address may ask for.
    pub(crate) limits: Arc<Limits>,
    /// What each session wrote last, for its own reads.
    pub(crate) own_writes: OwnWrites,
    /// What happens, as it happens.
    pub(crate) hub: Hub,
    /// Answers to requests that came with an `Idempotency-Key`.
    pub(crate) replays: SecretStore,
    /// Figures of REST.
    pub(crate) http: HttpMetrics,
    /// What this API is, for those who ask it.
    pub(crate) description: Description,
    /// How this process is.
    pub(crate) health: Health,
}
