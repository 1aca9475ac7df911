//! What a gateway is told when it starts. Who reads flags and files is the binary; here it is parsed.

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use ipnet::IpNet;
use schemas::values::Unverified;

use crate::listen::{Listen, TlsFiles};

/// How often something may be done: so many times in a span of time, all at once if need be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// How many.
    pub count: NonZeroU32,
    /// In which time.
    pub per: Duration,
}

/// The settings of a gateway.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where to listen; port 0 takes a free one.
    pub listen: Listen,
    /// The certificate to speak TLS with; none for plain text.
    pub tls: Option<TlsFiles>,
    /// Requests a person may make over REST; none for as many as they like.
    pub rate_requests: Option<Rate>,
    /// Frames and writes over REST a person may make, three times as many at once; none for as many as they like.
    pub rate_frames: Option<Rate>,
    /// Reads of files a person may make over REST; none for as many as they like.
    pub rate_media: Option<Rate>,
    /// Bytes a person may have stored; none for as many as they like.
    pub rate_bytes: Option<Rate>,
    /// Registrations, logins and the like an address may try; none for as many as it likes.
    pub rate_auth: Option<Rate>,
    /// What accounts may do whose address is not verified.
    pub unverified: Unverified,
    /// Origins, besides the gateway's own, whose pages may call it (`https://chat.example.org`).
    pub allowed_origins: Vec<String>,
    /// Where people reach the gateway, without a slash at the end; none: where each request was sent to.
    pub public_url: Option<String>,
    /// The origin that files are read from and nothing else is, without a slash at the end; none: that of the gateway.
    pub media_origin: Option<String>,
    /// Networks of peers whose `X-Forwarded-*` and `Forwarded` are believed; those of all other peers are ignored.
    pub trusted_proxies: Vec<IpNet>,
    /// Sockets one person may hold, over all gateways.
    pub sockets_per_user: usize,
    /// Bytes of recent events that are remembered for resumes, at most.
    pub memory: usize,
    /// Whether the audit trail shows the words of users; then each read of it is an event.
    pub audit_bodies: bool,
    /// How long rows of the request log are kept; none: no request is logged.
    pub request_log: Option<Duration>,
    /// How long requests and sockets get to finish when the gateway stops.
    pub drain: Duration,
}

impl Config {
    /// The documented defaults, without limits on rates, listening at `listen`.
    #[must_use]
    pub fn at(listen: SocketAddr) -> Self {
        Self {
            listen: listen.into(),
            tls: None,
            rate_requests: None,
            rate_frames: None,
            rate_media: None,
            rate_bytes: None,
            rate_auth: None,
            unverified: Unverified::default(),
            allowed_origins: Vec::new(),
            public_url: None,
            media_origin: None,
            trusted_proxies: Vec::new(),
            sockets_per_user: 20,
            memory: 128 * 1024 * 1024,
            audit_bodies: false,
            request_log: None,
            drain: Duration::from_secs(10),
        }
    }
}
