//! The layers of settings merged and checked: flags over environment over the file named by
//! `--config` over `<data>/config.toml` over the embedded defaults.

use std::io::IsTerminal;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::path::{Path, PathBuf};
use std::time::Duration;

use chat_svc::{MediaConfig, RetentionConfig};
use gateway::{Listen, TlsFiles};
use ipnet::IpNet;
use readmodel::ReadModelUrl;
use schemas::values::Unverified;
use schemas::{Namespace, Registration};
use telemetry::LogFormat;

use crate::cli::Role;
use crate::failure::Failure;
use crate::files::{self, FileStore};
use crate::keeping;
use crate::layers::{DATA, defaults, layers};
use crate::memory::Memory;
use crate::oidc::{self, OidcSettings};
use crate::rate::{self, Rate};
use crate::settings::Settings;
use crate::traces::Traces;

/// The NATS client's own account of a connection is told again, better, by `eventlog`. What a peer sends that is no
/// HTTP is no error of this server, but the framework's word for it is.
const DEFAULT_LOG: &str = "info,async_nats=warn,actix_server=warn,actix_http::h1::dispatcher=off";
/// At a terminal, and for commands whose answer is what matters.
const QUIET_LOG: &str = "warn,eventlog::connection=error,actix_http::h1::dispatcher=off";
const DEFAULT_LISTEN: &str = "127.0.0.1:8080";
const DEFAULT_ADMIN_LISTEN: &str = "127.0.0.1:0";

/// When the private nats-server forces data to disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sync {
    /// Before each acknowledgement.
    Always,
    /// Every so often.
    Every(Duration),
}

/// Everything a command needs to know, checked.
#[derive(Debug, Clone)]
pub(crate) struct Config {
    pub(crate) listen: Option<Listen>,
    /// The certificate to speak TLS with.
    pub(crate) tls: Option<TlsFiles>,
    /// Where operators look; none for a service that nothing tells to listen.
    pub(crate) admin_listen: Option<SocketAddr>,
    pub(crate) data: PathBuf,
    pub(crate) nats_url: Option<String>,
    pub(crate) nats_server: Option<PathBuf>,
    pub(crate) sync: Sync,
    pub(crate) replicas: u8,
    pub(crate) read_model: ReadModelUrl,
    pub(crate) namespace: Namespace,
    pub(crate) keys: PathBuf,
    pub(crate) name_key: PathBuf,
    pub(crate) code_key: PathBuf,
    pub(crate) rate_requests: Option<Rate>,
    pub(crate) rate_frames: Option<Rate>,
    pub(crate) rate_media: Option<Rate>,
    pub(crate) rate_bytes: Option<Rate>,
    pub(crate) rate_auth: Option<Rate>,
    pub(crate) rate_codes: Option<Rate>,
    pub(crate) media: MediaConfig,
    pub(crate) file_store: FileStore,
    pub(crate) media_origin: Option<String>,
    pub(crate) retention: RetentionConfig,
    pub(crate) unverified: Unverified,
    pub(crate) registration: Registration,
    pub(crate) bcrypt_cost: u32,
    pub(crate) memory: Memory,
    pub(crate) smtp_url: Option<String>,
    pub(crate) smtp_ca_file: Option<PathBuf>,
    pub(crate) mail_from: String,
    pub(crate) allowed_origins: Vec<String>,
    pub(crate) public_url: Option<String>,
    pub(crate) trusted_proxies: Vec<IpNet>,
    pub(crate) request_log: Option<Duration>,
    pub(crate) audit_bodies: bool,
    pub(crate) log: String,
    pub(crate) log_format: LogFormat,
    pub(crate) traces: Traces,
    /// Checked, but for the files of secrets.
    pub(crate) oidc: Vec<OidcSettings>,
}

impl Config {
    /// Merges and checks everything that was said, for a process in this role.
    ///
    /// # Errors
    /// A wrong call: what is wrong, and where it stood.
    pub(crate) fn load(flags: Settings, file: Option<&Path>, role: Role) -> Result<Self, Failure> {
        let mut said = Settings::default();
        let layers = layers(flags, file)?;
        for layer in layers {
            said = said.over(layer.settings.with_secrets_read().map_err(|what| wrong(&what))?);
        }
        check_together(&said, role)?;
        checked(said.over(defaults()?), role)
    }

    /// What is wrong with settings each by itself, for a process in this role: one text for each that is.
    pub(crate) fn faults(said: &Settings, role: Role) -> Vec<String> {
        let fault = |alone: Settings| {
            let alone = alone.with_secrets_read().map_err(|what| wrong(&what));
            alone.and_then(|alone| checked(alone.over(defaults()?), role)).err()
        };
        // The two files of a certificate are judged together.
        let each = said.each().into_iter().filter(|(name, ..)| !name.starts_with("tls_"));
        // So is what is said of a bucket.
        let of_bucket = |name: &str| name == "blob_store" || name.starts_with("s3_");
        let each = each.filter(|(name, ..)| !of_bucket(name)).map(|(_, _, alone)| alone);
        let faults = each.chain([said.of_the_bucket()]).filter_map(fault);
        faults.map(|failure| failure.to_string()).collect()
    }

    /// What is wrong with how clients reach this process, if they do; passwords and tokens would travel as plain text.
    pub(crate) fn exposed(&self) -> Option<&'static str> {
        let beyond = self.listen.as_ref().is_some_and(|listen| {
            matches!(listen, Listen::Tcp(_)) && !listen.is_loopback() && self.tls.is_none()
        });
        (beyond && self.trusted_proxies.is_empty()).then_some(
            "--listen is not loopback, and no --tls-cert is given: passwords and tokens travel as plain text. \
             Give a certificate, or put a proxy that speaks TLS in front and name it in --trusted-proxies",
        )
    }

    /// Whether clients' data is on disk before it is acknowledged: then appends are worth grouping.
    pub(crate) fn syncs_always(&self) -> bool {
        self.sync == Sync::Always
    }
}

fn wrong(what: &str) -> Failure {
    Failure::wrong_call(what)
}

/// What may not be said together; looks only at what was said, not at defaults.
fn check_together(said: &Settings, role: Role) -> Result<(), Failure> {
    if role.is_separate() && said.nats_url.is_none() {
        return Err(wrong(
            "a single service needs --nats-url; `tidings serve` starts everything by itself",
        ));
    }
    if said.nats_url.is_none() && said.replicas.unwrap_or(1) > 1 {
        return Err(wrong("--replicas above 1 needs a NATS cluster at --nats-url"));
    }
    if said.nats_url.is_some() && said.nats_server.is_some() && role == Role::Serve {
        tracing::debug!("nats_server is not used: nats_url names a running one");
    }
    files::fit_together(said)
}

fn checked(mut all: Settings, role: Role) -> Result<Config, Failure> {
    let (media, retention) = keeping::kept(&all)?;
    let file_store = files::store(&all, &media)?;
    let traces = traces(&mut all)?;
    let data = all.data.unwrap_or_else(|| DATA.into());
    let listen = listening(all.listen, role, DEFAULT_LISTEN);
    let listen = listen.map(|text| place(&text, role)).transpose()?;
    let admin_listen = listening(all.admin_listen, role, DEFAULT_ADMIN_LISTEN);
    let admin_listen = admin_listen.map(|text| address("admin_listen", &text)).transpose()?;
    let quiet = role == Role::Operator || std::io::stderr().is_terminal();
    let log = all.log.unwrap_or_else(|| if quiet { QUIET_LOG } else { DEFAULT_LOG }.to_owned());
    telemetry::check_filter(&log).map_err(|error| wrong(&format!("log: {error}")))?;
    let namespace = all.namespace.unwrap_or_default();
    let keys = all.keys.unwrap_or_else(|| data.join("keys"));
    Ok(Config {
        tls: tls(all.tls_cert, all.tls_key, listen.as_ref())?,
        listen,
        admin_listen,
        nats_url: all.nats_url.map(|url| nats_url(&url)).transpose()?,
        nats_server: all.nats_server,
        sync: sync(&all.sync.unwrap_or_default())?,
        replicas: replicas(all.replicas.unwrap_or(1))?,
        read_model: ReadModelUrl::parse(&all.read_model.unwrap_or_default(), &data)
            .map_err(|error| wrong(&error.to_string()))?,
        namespace: Namespace::parse(&namespace)
            .map_err(|_| wrong(&format!("namespace: `{namespace}` is not 1 to 32 of [a-z0-9_]")))?,
        code_key: all.code_key.unwrap_or_else(|| keys.join("otp.secret")),
        name_key: all.name_key.unwrap_or_else(|| keys.join("names.secret")),
        keys,
        rate_requests: limit("rate_requests", all.rate_requests)?,
        rate_frames: limit("rate_frames", all.rate_frames)?,
        rate_media: limit("rate_media", all.rate_media)?,
        media,
        file_store,
        media_origin: all.media_origin.map(|text| files::origin(&text)).transpose()?,
        retention,
        rate_bytes: rate::parse_bytes(&all.rate_bytes.unwrap_or_default())
            .map_err(|error| wrong(&format!("rate_bytes: {error}")))?,
        rate_auth: limit("rate_auth", all.rate_auth)?,
        rate_codes: limit("rate_codes", all.rate_codes)?,
        unverified: unverified(&all.unverified.unwrap_or_default())?,
        registration: registration(&all.registration.unwrap_or_default())?,
        bcrypt_cost: bcrypt_cost(all.bcrypt_cost.unwrap_or_default())?,
        memory: Memory::parse(&all.memory.unwrap_or_default())
            .map_err(|error| wrong(&format!("memory: {error}")))?,
        smtp_url: all.smtp_url.map(smtp_url).transpose()?,
        smtp_ca_file: all.smtp_ca_file,
        mail_from: mail_from(all.mail_from.unwrap_or_default())?,
        allowed_origins: origins(all.allowed_origins.unwrap_or_default())?,
        public_url: all.public_url.map(|url| public_url(&url)).transpose()?,
        trusted_proxies: proxies(&all.trusted_proxies.unwrap_or_default())?,
        audit_bodies: all.audit_bodies.unwrap_or_default(),
        request_log: rate::parse_days(&all.request_log.unwrap_or_default())
            .map_err(|error| wrong(&format!("request_log: {error}")))?,
        log,
        log_format: LogFormat::parse(&all.log_format.unwrap_or_default())
            .map_err(|error| wrong(&format!("log_format: {error}")))?,
        traces,
        oidc: providers(all.oidc)?,
        data,
    })
}

/// Where traces go; takes what is said of them.
fn traces(all: &mut Settings) -> Result<Traces, Failure> {
    let (endpoint, protocol) = (all.otlp_endpoint.take(), all.otlp_protocol.take());
    Traces::read(endpoint, protocol, all.otlp_ca_file.take(), all.trace_ratio.take())
}

/// Where to listen; only a process that clients connect to has a place without being told.
fn listening(said: Option<String>, role: Role, default: &str) -> Option<String> {
    said.or_else(|| role.is_public().then(|| default.to_owned()))
}

fn place(text: &str, role: Role) -> Result<Listen, Failure> {
    match text.strip_prefix("unix:") {
        Some(_) if role.is_separate() && !role.is_public() => {
            Err(wrong("listen: a Unix socket is for the gateway, which clients connect to"))
        }
        Some(path) if path.starts_with('/') => Ok(Listen::Unix(path.into())),
        Some(_) => {
            Err(wrong("listen: a Unix socket has a whole path; write unix:/run/tidings.sock"))
        }
        None => address("listen", text).map(Listen::Tcp),
    }
}

fn tls(
    cert: Option<PathBuf>,
    key: Option<PathBuf>,
    listen: Option<&Listen>,
) -> Result<Option<TlsFiles>, Failure> {
    match (cert, key, listen) {
        (Some(_), Some(_), Some(Listen::Unix(_))) => Err(wrong(
            "tls_cert: the proxy at a Unix socket speaks plain text; give it the certificate",
        )),
        (Some(cert), Some(key), _) => Ok(Some(TlsFiles { cert, key })),
        (None, None, _) => Ok(None),
        (Some(_), None, _) => Err(wrong("tls_cert: its private key is missing; give --tls-key")),
        (None, Some(_), _) => Err(wrong("tls_key: its certificate is missing; give --tls-cert")),
    }
}

fn address(name: &str, text: &str) -> Result<SocketAddr, Failure> {
    text.to_socket_addrs()
        .ok()
        .and_then(|mut found| found.next())
        .ok_or_else(|| wrong(&format!("{name}: `{text}` is not an address; write 127.0.0.1:8080")))
}

fn nats_url(text: &str) -> Result<String, Failure> {
    let fits = |one: &str| {
        ["nats://", "tls://", "ws://", "wss://"].iter().any(|scheme| one.starts_with(scheme))
    };
    if text.split(',').all(|one| fits(one.trim())) {
        Ok(text.to_owned())
    } else {
        Err(wrong("nats_url: write nats://host:4222 (several with commas)"))
    }
}

fn sync(text: &str) -> Result<Sync, Failure> {
    match text {
        "always" => Ok(Sync::Always),
        other => rate::parse_duration(other)
            .map(Sync::Every)
            .map_err(|error| wrong(&format!("sync: `always`, or {error}"))),
    }
}

fn replicas(number: u8) -> Result<u8, Failure> {
    match number {
        1 | 3 | 5 => Ok(number),
        _ => Err(wrong("replicas: 1, 3 or 5 servers can agree on a log")),
    }
}

fn limit(name: &str, text: Option<String>) -> Result<Option<Rate>, Failure> {
    rate::parse(&text.unwrap_or_default()).map_err(|error| wrong(&format!("{name}: {error}")))
}

fn bcrypt_cost(cost: u32) -> Result<u32, Failure> {
    if (4..=31).contains(&cost) { Ok(cost) } else { Err(wrong("bcrypt_cost: 4 to 31")) }
}

fn smtp_url(text: String) -> Result<String, Failure> {
    if text.starts_with("smtp://") || text.starts_with("smtps://") {
        Ok(text)
    } else {
        Err(wrong("smtp_url: write smtp://host:587 or smtps://host"))
    }
}

fn unverified(text: &str) -> Result<Unverified, Failure> {
    match text {
        "everything" => Ok(Unverified::Everything),
        "no-invites" => Ok(Unverified::NoInvites),
        "read-only" => Ok(Unverified::ReadOnly),
        _ => Err(wrong("unverified: everything, no-invites or read-only")),
    }
}

fn registration(text: &str) -> Result<Registration, Failure> {
    Registration::parse(text)
        .ok_or_else(|| wrong("registration: open, invite, domains:a.org,b.org or closed"))
}

fn providers(all: Option<Vec<OidcSettings>>) -> Result<Vec<OidcSettings>, Failure> {
    let all = all.unwrap_or_default();
    oidc::check(&all)?;
    Ok(all)
}

fn mail_from(text: String) -> Result<String, Failure> {
    let bare = !text.chars().any(char::is_control);
    if bare && text.contains('@') {
        Ok(text)
    } else {
        Err(wrong("mail_from: write an address such as Tidings <tidings@example.org>"))
    }
}

fn proxies(list: &[String]) -> Result<Vec<IpNet>, Failure> {
    list.iter()
        .map(|text| {
            let what = "is no address and no network; write 10.0.0.5 or 10.0.0.0/8";
            network(text.trim()).ok_or_else(|| wrong(&format!("trusted_proxies: `{text}` {what}")))
        })
        .collect()
}

/// A network, or an address as the network of it alone.
fn network(text: &str) -> Option<IpNet> {
    if let Ok(ip) = text.parse::<IpAddr>() {
        return Some(ip.to_canonical().into());
    }
    text.parse().ok().map(|network: IpNet| network.trunc())
}

/// Where people reach the gateway, without a slash at the end.
fn public_url(text: &str) -> Result<String, Failure> {
    let url = text.trim_end_matches('/');
    let host = url.strip_prefix("http://").or_else(|| url.strip_prefix("https://"));
    let fits = host.is_some_and(|host| {
        !host.is_empty()
            && !host.starts_with('/')
            && host.bytes().all(|b| b.is_ascii_graphic() && !b"@?#\"<>\\".contains(&b))
    });
    if fits {
        Ok(url.to_owned())
    } else {
        Err(wrong(&format!("public_url: `{text}` is not a URL; write https://chat.example.org")))
    }
}

fn origins(list: Vec<String>) -> Result<Vec<String>, Failure> {
    for origin in &list {
        let host = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
        let fits = host.is_some_and(|host| {
            !host.is_empty() && !host.contains(['/', '@', '?', '#', '*']) && host.is_ascii()
        });
        if !fits {
            let what = "is not an origin; write https://chat.example.org";
            return Err(wrong(&format!("allowed_origins: `{origin}` {what}")));
        }
    }
    Ok(list)
}

#[cfg(test)]
#[path = "config_tests.rs"]
mod tests;
