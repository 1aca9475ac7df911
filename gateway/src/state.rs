//! What every request and socket works with.

use std::sync::Arc;

use bus::Bus;
use eventlog::{EventLog, SecretStore};
use readmodel::ReadModel;
use telemetry::{Health, Metrics};

use crate::config::Config;
use crate::limits::Limits;
use crate::live::Hub;
use crate::metrics::HttpMetrics;
use crate::people::People;
use crate::sessions::Sessions;

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
    /// How often somebody may ask.
    pub(crate) limits: Limits,
    /// What happens, as it happens.
    pub(crate) hub: Hub,
    /// Answers to requests that came with an `Idempotency-Key`.
    pub(crate) replays: SecretStore,
    /// Figures of REST.
    pub(crate) http: HttpMetrics,
    /// The registry of all figures.
    pub(crate) metrics: Metrics,
    /// How this process is.
    pub(crate) health: Health,
}
