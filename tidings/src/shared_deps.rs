//! What every service of a process shares: one log, one bus, one read model, one set of metrics.

use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use blobs::BlobStore;
use bus::Bus;
use eventlog::{Connect, EventLog, Store, Topology};
use notifier::Site;
use readmodel::ReadModel;
use schemas::{CodeKey, NameKey};
use service::Deps;
use telemetry::{Health, Metrics, error_chain};
use tokio::sync::{OnceCell, watch};
use tokio::time::Instant;

use crate::checks::{all_there, same_log};
use crate::config::Config;
use crate::copies;
use crate::failure::Failure;
use crate::log_metrics;
use crate::names;
use crate::secret_file;
use crate::terminal;

const READY_WITHIN: Duration = Duration::from_secs(30);
const LOOK: Duration = Duration::from_millis(20);
/// Before a log that did not answer is asked again.
const PREPARE_AGAIN: Duration = Duration::from_millis(500);

/// The NATS server to use.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Server<'a> {
    /// Its address, with user and password.
    pub(crate) url: &'a str,
    /// The folder it stores in, when it is a private one.
    pub(crate) files: Option<&'a Path>,
}

/// Connected and checked; clones share everything.
pub(crate) struct SharedDeps {
    /// What every service is given.
    pub(crate) deps: Deps,
    /// The read model, for the services that need it.
    pub(crate) read_model: ReadModel,
    /// Where people reach the server, once that is known.
    pub(crate) site: Site,
    /// The key of the lanes of names, once a service has needed it.
    names: OnceCell<NameKey>,
    /// Where files are kept, once a service has needed it.
    blobs: OnceLock<Arc<dyn BlobStore>>,
}

impl SharedDeps {
    /// Connects to the log, making its stream if it is missing, to the bus and the read model.
    ///
    /// # Errors
    /// Any of them cannot be reached, the stream is not ours, or events are missing in it.
    pub(crate) async fn connect(
        server: Server<'_>,
        name: &str,
        config: &Config,
        metrics: Metrics,
        health: Health,
    ) -> Result<Self, Failure> {
        let Server { url, files } = server;
        let log = connect_log(url, name, config).await?;
        if let Some(files) = files {
            log.sync_below(files.to_owned());
        }
        log_metrics::register(&metrics, &log);
        metrics.tell_health(&health);
        let topology = Topology {
            replicas: config.replicas,
            group_commit: config.syncs_always(),
            ..Topology::default()
        };
        let read_model = open_read_model(config).await?;
        same_log(&log, &read_model).await?;
        prepare(&log, &topology).await?;
        tokio::spawn(copies::raise(log.clone()));
        tokio::spawn(report_room(log.watch_store(), health.clone(), files.is_some()));
        all_there(&log, &read_model).await?;
        let bus = Bus::connect(url, name, &config.namespace)
            .await
            .map_err(|error| Failure::because("the bus cannot be reached", &error))?;
        let deps = Deps { log, bus, metrics, health };
        let site = Site::default();
        if let Some(url) = &config.public_url {
            site.is_at(url);
        }
        Ok(Self { deps, read_model, site, names: OnceCell::new(), blobs: OnceLock::new() })
    }

    /// The key of the lanes of names.
    ///
    /// # Errors
    /// It cannot be read or created, or is not the log's.
    pub(crate) async fn names(&self, config: &Config) -> Result<NameKey, Failure> {
        let open = || names::open(&config.name_key, &self.deps.log);
        self.names.get_or_try_init(open).await.cloned()
    }

    /// Where files are kept.
    ///
    /// # Errors
    /// A file that its settings name cannot be used.
    pub(crate) fn blobs(&self, config: &Config) -> Result<Arc<dyn BlobStore>, Failure> {
        if let Some(open) = self.blobs.get() {
            return Ok(Arc::clone(open));
        }
        let open = config.file_store.open(&self.deps.log)?;
        Ok(Arc::clone(self.blobs.get_or_init(|| open)))
    }

    /// The key of one-time codes. Made when there is none: codes that were sent before are good no more.
    ///
    /// # Errors
    /// It cannot be read or made.
    pub(crate) fn codes(config: &Config) -> Result<CodeKey, Failure> {
        let file = &config.code_key;
        let opened = secret_file::read(file)
            .and_then(|found| found.map_or_else(|| secret_file::make(file), Ok))
            .map(|secret| CodeKey::new(&secret));
        opened.map_err(|error| {
            let what = format!("the key of one-time codes {} cannot be used", file.display());
            Failure::because(&what, &error)
        })
    }

    /// Returns when every component is well or has said that waiting does not help, or after half a minute in
    /// which one was not well: a view that has stopped must not keep people from talking. Then it says which.
    pub(crate) async fn wait_until_well(&self) {
        let well = async {
            while self.deps.health.starting() {
                tokio::time::sleep(LOOK).await;
            }
        };
        // Well or not, the start goes on.
        let _ = tokio::time::timeout(READY_WITHIN, well).await;
        for unready in self.deps.health.ready().err().unwrap_or_default() {
            let component = unready.component;
            tracing::warn!(component, reason = unready.reason, "started, but not ready");
            terminal::tell(&format!("warning: {component}: {}", unready.reason));
        }
    }
}

/// Makes or checks the log's stream. Servers that have not found each other yet, or a machine that is busy with much else, get
/// some time.
async fn prepare(log: &EventLog, topology: &Topology) -> Result<(), Failure> {
    let deadline = Instant::now() + READY_WITHIN;
    loop {
        match log.ensure_topology(topology).await {
            Ok(_) => return Ok(()),
            Err(error) if error.may_pass() && Instant::now() < deadline => {
                let error = error_chain(&error);
                tracing::warn!(error, "the log cannot be prepared yet; trying again");
                tokio::time::sleep(PREPARE_AGAIN).await;
            }
            Err(error) => return Err(Failure::because("the log cannot be prepared", &error)),
        }
    }
}

/// Says whether the store of the log takes writes, from the first that it refuses on.
async fn report_room(mut store: watch::Receiver<Store>, health: Health, own_server: bool) {
    while store.changed().await.is_ok() {
        let state = match *store.borrow_and_update() {
            Store::Open => Ok(()),
            Store::Full => Err("the store is full: writes are refused until there is room"),
            Store::Refused => {
                Err("the server's limit is reached: writes are refused until there is room")
            }
            Store::Failed if own_server => Err(
                "the disk is full or failed: writes are refused; once there is room, the nats-server is \
                     started again by itself",
            ),
            Store::Failed => Err(
                "the NATS server could not write to its disk and takes no writes until it is started again, \
                     which it has to be once there is room",
            ),
        };
        health.set("log_store", state);
    }
}

/// Connects to the log without making anything.
///
/// # Errors
/// The server cannot be reached.
pub(crate) async fn connect_log(
    nats_url: &str,
    name: &str,
    config: &Config,
) -> Result<EventLog, Failure> {
    let connect = Connect {
        url: nats_url.to_owned(),
        client_name: name.to_owned(),
        namespace: config.namespace.clone(),
    };
    EventLog::connect(connect)
        .await
        .map_err(|error| Failure::because("the log cannot be reached", &error))
}

/// Opens the read model that the settings name.
///
/// # Errors
/// The database cannot be reached, or is another namespace's.
pub(crate) async fn open_read_model(config: &Config) -> Result<ReadModel, Failure> {
    ReadModel::open_with(&config.read_model, &config.namespace, config.memory.bytes())
        .await
        .map_err(|error| Failure::because("the read model cannot be opened", &error))
}

/// Opens the read model that the settings name, if there is one: what an operator's command is about is never made by it.
///
/// # Errors
/// There is none, nothing has been projected into it, or the database cannot be reached.
pub(crate) async fn open_built_read_model(config: &Config) -> Result<ReadModel, Failure> {
    let opened =
        ReadModel::open_built(&config.read_model, &config.namespace, config.memory.bytes()).await;
    let found =
        opened.map_err(|error| Failure::because("the read model cannot be opened", &error))?;
    found.ok_or_else(|| {
        let place = config.read_model.shown();
        Failure::wrong_call(format!(
            "there is no read model at {place}: the first start builds it, and so does `tidings rebuild`. If there is one, \
             say which: --read-model, --data and --namespace are those of the services"
        ))
    })
}
