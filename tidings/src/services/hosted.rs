//! How this process configures each service.

use std::sync::Arc;

use auth_svc::AuthService;
use chat_svc::{Capacities, ChatService};
use gateway::Gateway;
use notifier::Notifier;
use projector::Projector;
use readmodel::ReadModel;
use service::Service;

use crate::config::Config;
use crate::failure::Failure;
use crate::oidc;
use crate::rate::Rate;
use crate::service_name::ServiceName;
use crate::shared_deps::SharedDeps;
use crate::terminal;

/// A service this process can run.
pub(super) trait Hosted: Service {
    /// Its name on the command line.
    const SERVICE: ServiceName;
    /// Whether it follows the log and no client waits for it at once.
    const IN_BACKGROUND: bool = false;

    /// Its settings.
    ///
    /// # Errors
    /// A setting it cannot do without is missing.
    fn config(config: &Config) -> Result<Self::Config, Failure>;

    /// What it needs besides what all services are given.
    ///
    /// # Errors
    /// A key cannot be opened.
    async fn needs(config: &Config, shared: &SharedDeps) -> Result<Self::Needs, Failure>;

    /// Where clients connect, as a URL, if they connect to it.
    fn url(&self) -> Option<String> {
        None
    }
}

impl Hosted for Projector {
    const SERVICE: ServiceName = ServiceName::Projector;
    const IN_BACKGROUND: bool = true;

    fn config(config: &Config) -> Result<projector::Config, Failure> {
        let usual = projector::Config::default();
        Ok(projector::Config { kept: config.memory.part_of(usual.kept), ..usual })
    }

    async fn needs(_: &Config, shared: &SharedDeps) -> Result<ReadModel, Failure> {
        Ok(shared.read_model.clone())
    }
}

impl Hosted for Notifier {
    const SERVICE: ServiceName = ServiceName::Notifier;
    const IN_BACKGROUND: bool = true;

    fn config(config: &Config) -> Result<notifier::Config, Failure> {
        Ok(notifier::Config {
            smtp_url: config.smtp_url.clone(),
            smtp_ca_file: config.smtp_ca_file.clone(),
            mail_from: config.mail_from.clone(),
            mail_dir: config.data.join("mail"),
            retry: notifier::Retry::default(),
            mail_retry: notifier::Retry::of_mail(),
        })
    }

    async fn needs(config: &Config, shared: &SharedDeps) -> Result<notifier::Needs, Failure> {
        let names = shared.names(config).await?;
        let codes = SharedDeps::codes(config)?;
        let (read_model, site) = (shared.read_model.clone(), shared.site.clone());
        Ok(notifier::Needs { names, codes, read_model, site })
    }
}

impl Hosted for ChatService {
    const SERVICE: ServiceName = ServiceName::ChatSvc;

    fn config(config: &Config) -> Result<chat_svc::Config, Failure> {
        let capacities = Capacities::in_thousandths(config.memory.thousandths());
        Ok(chat_svc::Config {
            capacities,
            unverified: config.unverified,
            media: config.media.clone(),
            retention: config.retention.clone(),
            ..chat_svc::Config::default()
        })
    }

    async fn needs(config: &Config, shared: &SharedDeps) -> Result<chat_svc::Needs, Failure> {
        let names = shared.names(config).await?;
        let index = Arc::new(shared.read_model.clone());
        Ok(chat_svc::Needs { names, index, blobs: shared.blobs(config)? })
    }
}

impl Hosted for AuthService {
    const SERVICE: ServiceName = ServiceName::AuthSvc;

    fn config(config: &Config) -> Result<auth_svc::Config, Failure> {
        let providers = oidc::providers(&config.oidc)?;
        Ok(auth_svc::Config { providers, ..auth_config(config) })
    }

    async fn needs(config: &Config, shared: &SharedDeps) -> Result<auth_svc::Needs, Failure> {
        Ok(auth_svc::Needs {
            names: shared.names(config).await?,
            codes: SharedDeps::codes(config)?,
        })
    }
}

impl Hosted for Gateway {
    const SERVICE: ServiceName = ServiceName::Gateway;

    fn config(config: &Config) -> Result<gateway::Config, Failure> {
        let listen = config.listen.clone().ok_or_else(|| Failure::wrong_call("no --listen"))?;
        if let Some(warning) = config.exposed() {
            tracing::warn!(listen = %listen, "{warning}");
        }
        Ok(gateway::Config {
            rate_requests: config.rate_requests.map(limit),
            rate_frames: config.rate_frames.map(limit),
            rate_media: config.rate_media.map(limit),
            rate_bytes: config.rate_bytes.map(limit),
            rate_auth: config.rate_auth.map(limit),
            unverified: config.unverified,
            allowed_origins: config.allowed_origins.clone(),
            public_url: config.public_url.clone(),
            media_origin: config.media_origin.clone(),
            trusted_proxies: config.trusted_proxies.clone(),
            request_log: config.request_log,
            audit_bodies: config.audit_bodies,
            memory: config.memory.in_memory(),
            tls: config.tls.clone(),
            listen,
            ..gateway::Config::at(([127, 0, 0, 1], 0).into())
        })
    }

    async fn needs(config: &Config, shared: &SharedDeps) -> Result<gateway::Needs, Failure> {
        let blobs = shared.blobs(config)?;
        Ok(gateway::Needs { read_model: shared.read_model.clone(), blobs })
    }

    fn url(&self) -> Option<String> {
        Some(terminal::url(self.address(), self.speaks_tls()))
    }
}

/// What auth-svc, and the operator in its place, are told.
pub(crate) fn auth_config(config: &Config) -> auth_svc::Config {
    let limit = |rate: Rate| auth_svc::Limit { count: rate.count.get(), per: rate.per };
    auth_svc::Config {
        keys: config.keys.clone(),
        bcrypt_cost: config.bcrypt_cost,
        codes: config.rate_codes.map(limit),
        registration: config.registration.clone(),
        providers: Vec::new(),
    }
}

const fn limit(rate: Rate) -> gateway::Rate {
    gateway::Rate { count: rate.count, per: rate.per }
}
