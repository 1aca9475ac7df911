//! Building a gateway and running it until it is asked to stop.

use std::sync::Arc;
use std::time::Duration;

use actix_http::HttpService;
use actix_service::map_config;
use actix_web::App;
use actix_web::dev::{AppConfig, Server};
use actix_web::web::Data;
use blobs::BlobStore;
use eventlog::SecretError;
use readmodel::ReadModel;
use schemas::Timestamp;
use service::{BoxFuture, Deps, Service, Stage};
use telemetry::Shutdown;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

use crate::config::Config;
use crate::door::{Door, Unlink, try_address};
use crate::http::{BadPath, Router, mount};
use crate::limits::{self, Limits};
use crate::links::Links;
use crate::listen::{BadCertificate, Certificate, Listen, Reloading, TlsFiles};
use crate::live::{Hub, HubError, HubParts};
use crate::metrics::HttpMetrics;
use crate::own_writes::OwnWrites;
use crate::presence::Presence;
use crate::recent::Recent;
use crate::request_log::RequestNotes;
use crate::sessions::Sessions;
use crate::state::{AppState, BADGES};
use crate::stats::Counted;
use crate::uploads::Uploads;
use crate::user_directory::UserDirectory;
use crate::{descriptions, presence, routes, socket, typing};

/// How long a request's head is waited for; then the connection ends.
const HEAD_WITHIN: Duration = Duration::from_secs(10);
/// How long it may take to say goodbye to other gateways, and to keep when people were last seen.
const FAREWELL: Duration = Duration::from_secs(2);
/// How long a connection without requests is kept.
const KEEP_ALIVE: Duration = Duration::from_secs(75);
/// Connections each worker thread takes; the others wait in the kernel's queue.
const CONNECTIONS_PER_WORKER: usize = 25_000;

/// Why a gateway cannot start or go on.
#[derive(Debug, thiserror::Error)]
pub enum GatewayError {
    /// The address is taken or not ours.
    #[error("cannot listen at {address}")]
    Listen {
        /// The address.
        address: Listen,
        /// What the operating system said.
        #[source]
        source: std::io::Error,
    },
    /// The certificate cannot be used.
    #[error("TLS cannot be spoken")]
    Certificate(#[from] BadCertificate),
    /// TLS cannot be set up: a defect of this build.
    #[error("TLS cannot be set up")]
    Tls(#[from] rustls::Error),
    /// The URL table is at odds with itself: a defect of this build.
    #[error("the URL table is at odds with itself")]
    Routes(#[from] BadPath),
    /// The key that URLs of files are signed with cannot be had.
    #[error("the key that URLs of files are signed with cannot be had")]
    Links(#[from] SecretError),
    /// The live feed cannot be had.
    #[error("the live feed cannot be had")]
    Hub(#[from] HubError),
    /// The HTTP server failed.
    #[error("the HTTP server failed")]
    Server(#[source] std::io::Error),
}

/// The newest messages of rooms may take this part of what recent events may.
const RECENT_PART: usize = 4;

/// What a gateway needs besides what all services are given.
pub struct Needs {
    /// Where reads are answered from.
    pub read_model: ReadModel,
    /// Where files are kept; the same store as chat-svc's.
    pub blobs: Arc<dyn BlobStore>,
}

/// A gateway that listens; clients are answered once it runs.
pub struct Gateway {
    door: Door,
    state: Data<AppState>,
    router: Arc<Router>,
    live: Shutdown,
}

impl Service for Gateway {
    const NAME: &'static str = "gateway";
    const STAGE: Stage = Stage::Edge;
    type Config = Config;
    type Needs = Needs;
    type Error = GatewayError;

    /// Binds the address and joins the live feed.
    fn build(
        config: Config,
        needs: Needs,
        deps: Deps,
    ) -> BoxFuture<'static, Result<Self, GatewayError>> {
        Box::pin(assemble(config, needs, deps))
    }

    /// Answers clients until `shutdown`; then takes no new ones, tells sockets to come back, lets requests that
    /// are under way finish, and returns.
    fn run_until_stopped(self, shutdown: Shutdown) -> BoxFuture<'static, Result<(), GatewayError>> {
        Box::pin(self.serve(shutdown))
    }
}

/// Tries what a gateway would meet where clients connect: the address and the certificate. For those who start much else
/// before it.
///
/// # Errors
/// As building it would say.
pub fn try_clients_port(listen: &Listen, tls: Option<&TlsFiles>) -> Result<(), GatewayError> {
    if let Some(files) = tls {
        Certificate::read(files, Timestamp::now())?;
    }
    let tried = try_address(listen);
    tried.map_err(|source| GatewayError::Listen { address: listen.clone(), source })
}

async fn assemble(config: Config, needs: Needs, deps: Deps) -> Result<Gateway, GatewayError> {
    let wanted = config.listen.clone();
    let tls = config.tls.clone().map(|files| Reloading::start(files, &deps.metrics));
    let tls = tls.transpose()?.map(Arc::new);
    let door = Door::open(&wanted, tls);
    let door = door.map_err(|source| GatewayError::Listen { address: wanted, source })?;
    let table = routes::table();
    let router = Arc::new(Router::of(&table)?);
    let Needs { read_model, blobs } = needs;
    let Deps { bus, log, metrics, health } = deps;
    let links = Links::of(&log, config.public_url.as_deref()).await?;
    let links = links.reading_at(config.media_origin.as_deref()).into_store(&blobs);
    let users = UserDirectory::new(log.clone(), read_model.clone(), links.clone());
    let users = Arc::new(users);
    let sessions = Arc::new(Sessions::new(bus.clone(), log.namespace()));
    let limits = Arc::new(Limits::new(&config));
    let live = Shutdown::new();
    let hub_parts = HubParts {
        log: log.clone(),
        read: read_model.clone(),
        names: Arc::clone(&users) as _,
        observers: vec![Arc::clone(&sessions) as _, Arc::clone(&users) as _],
        charge: Arc::clone(&limits) as _,
        metrics: metrics.clone(),
        memory: config.memory,
        links: links.clone(),
    };
    let hub = Hub::start(hub_parts, &bus, health.clone(), live.clone()).await?;
    let gateway = rand::random::<u64>().to_string();
    let presence =
        Presence::new(hub.clone(), bus.clone(), log.clone(), read_model.clone(), gateway);
    let requests = RequestNotes::new(config.request_log, &metrics);
    let memory = config.memory;
    let state = AppState {
        requests,
        counted: Counted::default(),
        limits,
        presence: Arc::new(presence),
        own_writes: OwnWrites::default(),
        config,
        bus,
        links,
        blobs,
        uploads: Uploads::default(),
        replays: log.secrets("idempotency"),
        log,
        read_model,
        users,
        sessions,
        hub,
        recent: Recent::new(memory / RECENT_PART, &metrics),
        badges: Semaphore::new(BADGES),
        description: descriptions::rendered(&table),
        http: HttpMetrics::new(&metrics),
        health,
    };
    Ok(Gateway { door, state: Data::new(state), router, live })
}

impl Gateway {
    /// Where clients connect; has the port that was chosen for port 0.
    #[must_use]
    pub const fn address(&self) -> &Listen {
        self.door.address()
    }

    /// Whether clients speak TLS to it.
    #[must_use]
    pub const fn speaks_tls(&self) -> bool {
        self.door.speaks_tls()
    }

    async fn serve(self, shutdown: Shutdown) -> Result<(), GatewayError> {
        let Self { door, state, router, live } = self;
        let (accept, _socket) = (door.accept(&live)?, Unlink::of(door.address()));
        let present = tell_others(&state, &live);
        let kept = state.requests.keep(&state.read_model, &state.presence, live.clone());
        let drain = state.config.drain;
        let for_workers = state.clone();
        let make_app = move || {
            let app = App::new().app_data(for_workers.clone()).configure(|app| mount(&router, app));
            map_config(app, |()| AppConfig::default())
        };
        // Built by hand and not by `HttpServer`, which cannot let go of a connection that becomes a socket.
        let server = Server::build()
            .max_concurrent_connections(CONNECTIONS_PER_WORKER)
            .shutdown_timeout(drain.as_secs().div_ceil(2))
            .disable_signals();
        let stopping = server.graceful_shutdown_signal();
        let http = move || {
            let (make_app, stopping) = (make_app.clone(), stopping.clone());
            HttpService::build()
                .graceful_shutdown_signal(move || {
                    let stopping = stopping.clone();
                    async move { stopping.notified().await }
                })
                .keep_alive(KEEP_ALIVE)
                .client_request_timeout(HEAD_WITHIN)
                .client_disconnect_timeout(Duration::from_secs(1))
                .upgrade(socket::Upgrades::through(make_app.clone()))
                .finish(make_app())
        };
        let server = door.serve_with(server, accept, http).map_err(GatewayError::Server)?.run();
        let handle = server.handle();
        let serving = tokio::spawn(server);
        let ended = tokio::select! {
            () = shutdown.wait() => None,
            ended = serving_ended(serving) => Some(ended),
        };
        if let Some(ended) = ended {
            live.trigger();
            return ended.map_err(GatewayError::Server);
        }
        // One half for sockets, the other for requests that are under way.
        state.hub.drain(false, drain / 2).await;
        handle.stop(true).await;
        live.trigger();
        let _ = tokio::time::timeout(FAREWELL, async { tokio::join!(present, kept) }).await;
        Ok(())
    }
}

/// Begins to tell other gateways what concerns them, and to listen to them. What is returned ends after `live`, when
/// they have heard that this one stops.
fn tell_others(state: &AppState, live: &Shutdown) -> JoinHandle<()> {
    let (limits, bus, hub) = (Arc::clone(&state.limits), &state.bus, state.hub.clone());
    let gateway = state.presence.gateway();
    let limits = limits::share(limits, bus.clone(), gateway.to_owned(), live.clone());
    tokio::spawn(Arc::clone(&state.sessions).tell_uses(live.clone()));
    tokio::spawn(typing::share(hub, bus.clone(), gateway.to_owned(), live.clone()));
    let presence = presence::share(Arc::clone(&state.presence), live.clone());
    tokio::spawn(async {
        tokio::join!(limits, presence);
    })
}

async fn serving_ended(
    serving: tokio::task::JoinHandle<std::io::Result<()>>,
) -> std::io::Result<()> {
    serving.await.unwrap_or_else(|error| Err(std::io::Error::other(error)))
}
