//! One NATS connection that comes back by itself, and how it is doing.
//!
//! Used by this crate and by `bus`; no other crate should need the client inside.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use async_nats::{Client, ConnectErrorKind, ConnectOptions, Event, ServerAddr};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use crate::error::BoxError;
use crate::failover::{self, Current};
use crate::link::LinkState;

/// Longest wait between two tries to connect.
const MAX_BACKOFF: Duration = Duration::from_secs(1);
/// How long the first connection is tried.
const FIRST_CONNECTION: Duration = Duration::from_secs(30);
/// A silent server (stopped, or cut off without closing the connection) is left after three unanswered pings. When
/// one of three servers falls silent, writes must continue within ten seconds: these pings, one attempt to connect to
/// the silent server and an election must fit into that.
const PING_INTERVAL: Duration = Duration::from_millis(1500);
/// How long one server may take to answer a try to connect.
const ANSWERS_WITHIN: Duration = Duration::from_secs(2);
/// Commands that may wait for the socket before callers are held back.
const CLIENT_CAPACITY: usize = 8192;

/// A NATS connection that reconnects for ever, at most a second between two tries, and renews its
/// subscriptions. Of several servers it leaves one that is silent for 4.5 s or has lost its cluster. Clones share it.
#[derive(Clone)]
pub struct Connection {
    client: Client,
    state: watch::Receiver<LinkState>,
    /// The folder of the server's files, when they are this machine's and to be synced from here.
    pub(crate) files: Arc<OnceLock<PathBuf>>,
    /// Whether the server is being stopped by this process.
    ending: Arc<AtomicBool>,
    /// What looks whether the server has lost its cluster; it ends with the last clone.
    _watchers: Arc<JoinSet<()>>,
}

impl Connection {
    /// Connects to one of the servers in `url`, which are separated by commas; tries again for up to 30 s
    /// when none answers.
    ///
    /// # Errors
    /// The last failure; refused credentials at once.
    pub async fn open(url: &str, client_name: &str) -> Result<Self, BoxError> {
        let deadline = Instant::now() + FIRST_CONNECTION;
        let mut backoff = Duration::from_millis(50);
        let servers: Vec<ServerAddr> =
            url.split(',').map(|one| one.trim().parse()).collect::<Result<_, _>>()?;
        loop {
            let (current, ending) = (Current::default(), Arc::default());
            let (options, state) = options(client_name, &current, &ending);
            match with_credentials(options, &servers).connect(&servers).await {
                Ok(client) => {
                    let mut watchers = JoinSet::new();
                    if servers.len() > 1 {
                        watchers.spawn(failover::watch(client.clone(), state.clone(), current));
                    }
                    let connection = Self {
                        client,
                        state,
                        files: Arc::default(),
                        ending,
                        _watchers: Arc::new(watchers),
                    };
                    // The event of the first connection is reported a moment after it is made.
                    connection.connected_by(Instant::now() + FIRST_CONNECTION).await;
                    return Ok(connection);
                }
                Err(error) if final_failure(error.kind()) || Instant::now() >= deadline => {
                    return Err(error.into());
                }
                Err(error) => tracing::debug!(%error, "NATS does not answer yet"),
            }
            sleep(backoff).await;
            backoff = (backoff * 2).min(MAX_BACKOFF);
        }
    }

    /// The client, for this crate and `bus`. Never publish to a lane with it: appends go through
    /// [`crate::EventLog::append`].
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// The server is about to be stopped by this process: that the connection is lost then is nothing to warn of.
    pub fn expect_end(&self) {
        self.ending.store(true, Ordering::Relaxed);
    }

    /// Whether there is a connection now.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        self.state.borrow().connected
    }

    /// Whether the server it is to belongs to a cluster.
    pub(crate) fn is_to_cluster(&self) -> bool {
        self.client.server_info().cluster.is_some_and(|name| !name.is_empty())
    }

    /// How the connection is doing now.
    #[must_use]
    pub fn state(&self) -> LinkState {
        *self.state.borrow()
    }

    /// A watch on how the connection is doing, for health checks and for those who must look for gaps
    /// after a reconnect.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<LinkState> {
        self.state.clone()
    }

    /// Waits until there is a connection or the deadline has passed; whether there is one.
    pub async fn connected_by(&self, deadline: Instant) -> bool {
        let mut state = self.state.clone();
        let up = state.wait_for(|state| state.connected);
        matches!(tokio::time::timeout_at(deadline, up).await, Ok(Ok(_)))
    }

    /// Returns as soon as the connection of this generation is gone.
    pub async fn lost(&self, generation: u64) {
        let mut state = self.state.clone();
        let gone = |state: &LinkState| !state.connected || state.generation != generation;
        if state.wait_for(gone).await.is_err() {
            // The client is gone with its callback; so is the connection.
        }
    }
}

fn final_failure(kind: ConnectErrorKind) -> bool {
    matches!(
        kind,
        ConnectErrorKind::AuthorizationViolation
            | ConnectErrorKind::Authentication
            | ConnectErrorKind::ServerParse
    )
}

/// The client takes no credentials from an address, so they are handed over here: user and password,
/// or a token where a user stands alone.
fn with_credentials(options: ConnectOptions, servers: &[ServerAddr]) -> ConnectOptions {
    let Some((user, server)) =
        servers.iter().find_map(|server| server.username().map(|user| (user, server)))
    else {
        return options;
    };
    match server.password() {
        Some(password) => options.user_and_password(decoded(user), decoded(password)),
        None => options.token(decoded(user)),
    }
}

/// A part of an address with its `%40` and the like turned back.
fn decoded(part: &str) -> String {
    let mut bytes = Vec::with_capacity(part.len());
    let mut rest = part.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let hex = after.get(..2).and_then(|hex| std::str::from_utf8(hex).ok());
        let value = hex.and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match (first, value) {
            (b'%', Some(value)) => {
                bytes.push(value);
                rest = after.get(2..).unwrap_or_default();
            }
            _ => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn options(
    client_name: &str,
    current: &Current,
    ending: &Arc<AtomicBool>,
) -> (ConnectOptions, watch::Receiver<LinkState>) {
    let (current, ending) = (Current::clone(current), Arc::clone(ending));
    let (sender, receiver) = watch::channel(LinkState::default());
    let name = client_name.to_owned();
    let options = ConnectOptions::new()
        .name(client_name)
        .max_reconnects(None)
        .connection_timeout(ANSWERS_WITHIN)
        .ping_interval(PING_INTERVAL)
        .client_capacity(CLIENT_CAPACITY)
        .reconnect_delay_callback(|attempts| {
            let factor = u32::try_from(attempts.min(8)).unwrap_or(8);
            Duration::from_millis(10).saturating_mul(1 << factor).min(MAX_BACKOFF)
        })
        .reconnect_to_server_callback(move |servers, _| {
            std::future::ready(current.lock().next(&servers))
        })
        .event_callback(move |event| {
            note(&sender, &name, &event, ending.load(Ordering::Relaxed));
            std::future::ready(())
        });
    (options, receiver)
}

fn note(state: &watch::Sender<LinkState>, name: &str, event: &Event, ending: bool) {
    match event {
        Event::Connected => {
            tracing::info!(nats.client = name, "connected to NATS");
            state.send_modify(|state| {
                state.connected = true;
                state.generation += 1;
            });
        }
        Event::Disconnected => {
            if ending {
                tracing::debug!(nats.client = name, "connection to NATS ended with the server");
            } else {
                tracing::warn!(nats.client = name, "connection to NATS lost");
            }
            state.send_modify(|state| state.connected = false);
        }
        // On purpose: this process has let go of its last handle.
        Event::Closed => {
            tracing::debug!(nats.client = name, "connection to NATS closed");
            state.send_modify(|state| state.connected = false);
        }
        Event::SlowConsumer(_) => {
            tracing::warn!(nats.client = name, "a subscription lost messages: read too slowly");
            state.send_modify(|state| state.lagged += 1);
        }
        other => tracing::info!(nats.client = name, event = %other, "NATS connection event"),
    }
}
