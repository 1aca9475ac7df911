//! Command request and reply (NATS micro services) and live subscriptions.
//!
//! A command goes to `<ns>.cmd.<service>.<name>`. The service is found by name: in this process (then without NATS
//! and JSON) or on the network. Stored events come back on `<ns>.live.>`, which a process follows in one
//! subscription. This crate never writes the log and does not know what a command or an event means.
//!
//! It owns how a command travels and the one subscription of a process. Subjects and the form of requests must not change: processes
//! of two builds speak with each other.

mod call;
mod checkpoint;
mod ephemeral;
mod error;
mod live;
mod local;
mod micro;
mod service;

use std::sync::Arc;

use eventlog::{Connection, LinkState};
use schemas::Namespace;
use tokio::runtime::Handle;
use tokio::sync::watch;

pub use call::{CallError, DEFAULT_DEADLINE, SERVICE_ERROR, SERVICE_ERROR_CODE};
pub use checkpoint::{Checkpoint, CheckpointFeed};
pub use ephemeral::EphemeralFeed;
pub use error::BusError;
pub use live::{Live, LiveEvent, LiveFeed};
pub use schemas::{Ephemeral, EphemeralKind};
pub use service::{MAX_CONCURRENT, ServiceBuilder, ServiceHandle};

/// The bus of one namespace over one NATS connection, which comes back by itself and renews its
/// subscriptions. Clones share it, and with it the services that run in this process.
#[derive(Clone)]
pub struct Bus {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) connection: Connection,
    pub(crate) namespace: Namespace,
    /// The commands this process serves itself, so that a call need not leave it.
    pub(crate) local: local::Registry,
    /// The followers of the live feed in this process.
    pub(crate) followers: Arc<live::Followers>,
    /// The runtime the bus was created on. Tasks that serve the whole process run there, not on the threads of their
    /// first caller.
    pub(crate) runtime: Handle,
}

impl Bus {
    /// Connects, trying for up to 30 s. `url` may carry `user:password@`; `client_name` is the connection's name in
    /// the server's lists.
    ///
    /// # Errors
    /// [`BusError::Connect`].
    pub async fn connect(url: &str, client_name: &str, ns: &Namespace) -> Result<Self, BusError> {
        let connection = Connection::open(url, client_name).await.map_err(BusError::Connect)?;
        let local = local::Registry::default();
        let (followers, runtime) = (Arc::default(), Handle::current());
        let namespace = ns.clone();
        Ok(Self { inner: Arc::new(Inner { connection, namespace, local, followers, runtime }) })
    }

    /// The namespace this bus belongs to.
    #[must_use]
    pub fn namespace(&self) -> &Namespace {
        &self.inner.namespace
    }

    /// Follows every stored event of the namespace. When this returns the subscription is at the
    /// server: an event stored from now on will come.
    ///
    /// # Errors
    /// [`BusError::Unavailable`].
    pub async fn live(&self) -> Result<LiveFeed, BusError> {
        let Inner { connection, namespace, followers, runtime, .. } = &*self.inner;
        let feed = followers.follow(connection, namespace, runtime).await?;
        self.barrier().await?;
        Ok(feed)
    }

    /// Whether there is a connection to the server now.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        self.inner.connection.is_connected()
    }

    /// As [`Connection::expect_end`].
    pub fn expect_end(&self) {
        self.inner.connection.expect_end();
    }

    /// A watch on the connection, for health checks.
    #[must_use]
    pub fn watch_connection(&self) -> watch::Receiver<LinkState> {
        self.inner.connection.watch()
    }
}
