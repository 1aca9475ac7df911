//! The handle everything starts from.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use async_nats::jetstream;
use parking_lot::{Mutex, RwLock};
use schemas::{DecodeError, Epoch, Namespace, Sequence};
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use crate::api::{ATTEMPT, ATTEMPT_IN_CLUSTER};
use crate::connection::Connection;
use crate::error::LogError;
use crate::holes::Holes;
use crate::link::LinkState;
use crate::prepared::Queued;
use crate::size::{LogSize, Observer};
use crate::store::Store;
use crate::unreadable::Unreadable;

/// How to reach the log.
#[derive(Clone)]
pub struct Connect {
    /// `nats://[user:password@]host:port`, several separated by commas.
    pub url: String,
    /// The connection's name in the server's lists, such as `chat-svc`.
    pub client_name: String,
    /// The namespace whose log to open.
    pub namespace: Namespace,
}

/// What is known of the stream once it was ensured or attached.
#[derive(Debug, Clone)]
pub(crate) struct Attached {
    pub(crate) epoch: Epoch,
    /// The epochs of the logs this one was made from.
    pub(crate) former: Vec<Epoch>,
    pub(crate) replicas: usize,
    /// It is kept by several servers, or by one of several: then another process may give it more copies at any time.
    pub(crate) clustered: bool,
}

pub(crate) struct Inner {
    pub(crate) connection: Connection,
    pub(crate) jetstream: jetstream::Context,
    pub(crate) namespace: Namespace,
    pub(crate) stream: String,
    pub(crate) attached: RwLock<Option<Attached>>,
    /// The connection since which the stream is known to be the one it was.
    pub(crate) checked_generation: AtomicU64,
    unattached: Epoch,
    /// Whether the store took writes when last observed.
    pub(crate) store: watch::Sender<Store>,
    /// Streams whose files the server could not write.
    pub(crate) failed_streams: Mutex<BTreeSet<String>>,
    /// Whether a task is already finding out why a write got no answer.
    pub(crate) suspecting: AtomicBool,
    /// Whether a stream was met that has fewer copies than the log.
    pub(crate) few_copies: watch::Sender<bool>,
    /// How far the log is known to have reached.
    pub(crate) seen: AtomicU64,
    /// Sequences without an event whose reason stands in the ledger.
    pub(crate) holes: RwLock<Holes>,
    /// The lists of erased events, by the place of each: which sequences they name.
    pub(crate) lists: RwLock<BTreeMap<Sequence, Holes>>,
    /// When the server last said how far the log reaches, and how far. Held while it is asked for those who do not need to
    /// know it to the moment: the others of them wait for the answer.
    pub(crate) asked: tokio::sync::Mutex<Option<(Instant, Sequence)>>,
    /// The log and the mark that the ledger held when it was read last, and when that was.
    pub(crate) marked: Mutex<Option<(Epoch, Sequence, Instant)>>,
    /// Whether the log was found damaged when it was last checked.
    pub(crate) damaged: AtomicBool,
    /// Events that were not written because they would not be read back.
    pub(crate) refused_unreadable: AtomicU64,
    /// Stored events that were met and cannot be read.
    pub(crate) unreadable: Unreadable,
    /// How much the log held when the server was asked last.
    pub(crate) size: Mutex<Option<LogSize>>,
    /// Who is told how long each append took.
    pub(crate) appends: OnceLock<Observer>,
    /// Where single appends queue up, when they are to be grouped.
    pub(crate) group: OnceLock<mpsc::Sender<Queued>>,
}

/// The log of one namespace over one NATS connection, which comes back by itself. Clones share it.
#[derive(Clone)]
pub struct EventLog {
    pub(crate) inner: Arc<Inner>,
}

impl EventLog {
    /// Connects, trying for up to 30 s. Creates and changes nothing on the server.
    ///
    /// # Errors
    /// [`LogError::Connect`].
    pub async fn connect(connect: Connect) -> Result<Self, LogError> {
        let connection = Connection::open(&connect.url, &connect.client_name)
            .await
            .map_err(LogError::Connect)?;
        let unattached =
            Epoch::parse("unattached").map_err(|error| LogError::BadAnswer(error.into()))?;
        let jetstream = jetstream::new(connection.client().clone());
        let stream = connect.namespace.events_stream();
        let inner = Inner {
            connection,
            jetstream,
            stream,
            namespace: connect.namespace,
            attached: RwLock::new(None),
            checked_generation: AtomicU64::new(0),
            unattached,
            store: watch::Sender::new(Store::Open),
            failed_streams: Mutex::default(),
            suspecting: AtomicBool::new(false),
            few_copies: watch::Sender::new(false),
            seen: AtomicU64::new(0),
            holes: RwLock::default(),
            lists: RwLock::default(),
            asked: tokio::sync::Mutex::default(),
            marked: Mutex::default(),
            damaged: AtomicBool::new(false),
            refused_unreadable: AtomicU64::new(0),
            unreadable: Unreadable::default(),
            size: Mutex::default(),
            appends: OnceLock::new(),
            group: OnceLock::new(),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// The namespace this log belongs to.
    #[must_use]
    pub fn namespace(&self) -> &Namespace {
        &self.inner.namespace
    }

    /// The incarnation of the log that positions belong to. `unattached`, which is no log's epoch, until
    /// `ensure_topology` or `attach` has succeeded.
    #[must_use]
    pub fn epoch(&self) -> Epoch {
        let attached = self.inner.attached.read();
        attached.as_ref().map_or_else(|| self.inner.unattached, |a| a.epoch)
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

    /// Notes that a stored event cannot be read. One of a type that this build does not know is no defect: a newer build
    /// writes already.
    pub fn note_unreadable(&self, sequence: Sequence, error: &DecodeError) {
        self.inner.unreadable.note_of(sequence, error);
    }

    /// How many stored events were met since the start that cannot be read.
    #[must_use]
    pub fn unreadable(&self) -> u64 {
        self.inner.unreadable.count()
    }

    pub(crate) fn attached(&self) -> Result<Attached, LogError> {
        self.inner.attached.read().clone().ok_or(LogError::NotAttached)
    }
}

impl Inner {
    /// Whether several servers must agree on every write, or may have to from one moment to the next.
    pub(crate) fn is_clustered(&self) -> bool {
        self.attached.read().as_ref().is_some_and(|attached| attached.clustered)
    }

    /// Whether there is more than one copy.
    pub(crate) fn has_copies(&self) -> bool {
        self.attached.read().as_ref().is_some_and(|attached| attached.replicas > 1)
    }

    /// How long one try of a write waits for its answer.
    pub(crate) fn patience(&self) -> Duration {
        if self.is_clustered() { ATTEMPT_IN_CLUSTER } else { ATTEMPT }
    }
}
