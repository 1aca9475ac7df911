//! How an operator's command attaches to the log: through the address it was given, through a running
//! `serve`, or through a nats-server for its own time.

use std::path::Path;
use std::time::{Duration, Instant};

use telemetry::Health;

use crate::config::Config;
use crate::data::{self, Claim, DataFolder};
use crate::failure::Failure;
use crate::nats::{PrivateServer, Start};
use crate::terminal;

/// How long a `serve` that is just starting may take to say where it is.
const STARTING: Duration = Duration::from_secs(60);
const LOOK: Duration = Duration::from_millis(50);

/// A NATS server that answers, for as long as this is kept.
pub(crate) struct Attached {
    url: String,
    own: Option<(PrivateServer, DataFolder)>,
}

impl Attached {
    /// Finds a server or starts one.
    ///
    /// # Errors
    /// There is no such data folder, or nothing can be reached or started.
    pub(crate) async fn to(config: &Config) -> Result<Self, Failure> {
        if let Some(url) = &config.nats_url {
            return Ok(Self { url: url.clone(), own: None });
        }
        if !config.data.is_dir() {
            let folder = config.data.display();
            return Err(Failure::wrong_call(format!("there is no data folder {folder}")));
        }
        let began = Instant::now();
        loop {
            // The lock decides, not run.json: that file outlives a `serve` that was killed.
            match DataFolder::claim(&config.data)? {
                Claim::Ours(folder) => return Self::start(config, folder).await,
                Claim::InUse => {
                    if let Some(run) = data::running(&config.data) {
                        return Ok(Self { url: run.nats, own: None });
                    }
                }
            }
            if began.elapsed() > STARTING {
                let folder = config.data.display();
                let text =
                    format!("the data folder {folder} is in use, but no process says by which");
                return Err(Failure::new(text));
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    async fn start(config: &Config, folder: DataFolder) -> Result<Self, Failure> {
        let spinner = terminal::waiting("starting nats-server");
        let health = Health::new();
        let start = Start { data: folder.path(), config, health: &health };
        let server = PrivateServer::start(start).await?;
        spinner.finish_and_clear();
        Ok(Self { url: server.url(), own: Some((server, folder)) })
    }

    /// The address, with user and password.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// The folder the server stores in, when it was started here.
    pub(crate) fn files(&self) -> Option<&Path> {
        self.own.as_ref().map(|(server, _)| server.store())
    }

    /// Whether a `serve` of the same data folder runs.
    pub(crate) fn beside_serve(&self, config: &Config) -> bool {
        self.own.is_none() && config.nats_url.is_none()
    }

    /// Stops what was started.
    pub(crate) async fn detach(self) {
        if let Some((mut server, folder)) = self.own {
            server.stop().await;
            drop(folder);
        }
    }
}
