//! The HTTP client that speaks to the store: HTTP/1.1, over TLS or not, over connections that are kept. It follows no
//! redirection, and bounds what is answered in bytes and time.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::{HOST, HeaderMap, USER_AGENT};
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use parking_lot::Mutex;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use super::error::S3Error;

/// How long a connection may take, TLS included.
const CONNECTED_WITHIN: Duration = Duration::from_secs(5);
/// How long one answer may take: a part of 8 MiB is sent, or one of 2 MiB read.
const ANSWERED_WITHIN: Duration = Duration::from_secs(60);
/// Connections that are kept, and for how long: less than servers keep theirs.
const KEPT: usize = 16;
const KEPT_FOR: Duration = Duration::from_secs(10);
const MAX_HEAD: usize = 64 * 1024;
const AGENT: &str = concat!("tidings/", env!("CARGO_PKG_VERSION"));

/// A file of certificates that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum UntrustedCa {
    /// It cannot be read.
    #[error("it cannot be read")]
    Unreadable(#[source] std::io::Error),
    /// It holds no certificate, or one that is damaged.
    #[error("it holds no certificate")]
    NoCertificate,
    /// TLS cannot be set up: a defect of this build.
    #[error("TLS cannot be set up")]
    Tls(#[source] tokio_rustls::rustls::Error),
}

/// A request, signed.
#[derive(Debug, Clone)]
pub(super) struct Ask {
    pub(super) method: &'static str,
    /// Path and query.
    pub(super) target: String,
    /// All but `Host`.
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: Bytes,
    /// Most bytes of the answer.
    pub(super) most: usize,
}

/// An answer, whole.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Answer {
    /// A header's value, if it is a text.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

type Sender = SendRequest<Full<Bytes>>;

/// The client of one server.
pub(super) struct Http {
    host: String,
    port: u16,
    /// What is said in the header `Host`.
    named: String,
    tls: Option<TlsConnector>,
    kept: Mutex<Vec<(Sender, Instant)>>,
}

impl std::fmt::Debug for Http {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Http").field("named", &self.named).finish_non_exhaustive()
    }
}

impl Http {
    /// A client. Over TLS it trusts the authorities of this machine (`SSL_CERT_FILE` and `SSL_CERT_DIR` are heeded), those
    /// that browsers trust, and those in the file. Reads files.
    ///
    /// # Errors
    /// See [`UntrustedCa`].
    pub(super) fn new(
        (tls, host, port): (bool, String, u16),
        named: String,
        ca: Option<&Path>,
    ) -> Result<Self, UntrustedCa> {
        let own = ca.map(authorities).transpose()?.unwrap_or_default();
        let tls = if tls { Some(connector(own)?) } else { None };
        Ok(Self { host, port, named, tls, kept: Mutex::default() })
    }

    /// Carries out one request.
    pub(super) async fn ask(&self, ask: &Ask) -> Result<Answer, S3Error> {
        timeout(ANSWERED_WITHIN, self.exchange(ask)).await.map_err(|_| S3Error::Slow)?
    }

    async fn exchange(&self, ask: &Ask) -> Result<Answer, S3Error> {
        while let Some(mut sender) = self.kept() {
            if sender.ready().await.is_err() {
                continue;
            }
            match self.talk(sender, ask).await {
                // The server closed it at this very moment; every request here may be made again.
                Err(S3Error::Broken(_)) => {}
                done => return done,
            }
        }
        let fresh =
            timeout(CONNECTED_WITHIN, self.connect()).await.map_err(|_| S3Error::Slow)??;
        self.talk(fresh, ask).await
    }

    /// A connection that was used before, if one is left.
    fn kept(&self) -> Option<Sender> {
        let mut kept = self.kept.lock();
        kept.retain(|(sender, since)| !sender.is_closed() && since.elapsed() < KEPT_FOR);
        kept.pop().map(|(sender, _)| sender)
    }

    async fn connect(&self) -> Result<Sender, S3Error> {
        let stream = TcpStream::connect((self.host.as_str(), self.port)).await;
        let stream = stream.map_err(S3Error::Unreachable)?;
        // Without effect where it is refused.
        let _ = stream.set_nodelay(true);
        let Some(tls) = &self.tls else { return opened(stream).await };
        let name = ServerName::try_from(self.host.clone());
        let name = name.map_err(|error| S3Error::Tls(std::io::Error::other(error)))?;
        opened(tls.connect(name, stream).await.map_err(S3Error::Tls)?).await
    }

    async fn talk(&self, mut sender: Sender, ask: &Ask) -> Result<Answer, S3Error> {
        let mut request = Request::builder().method(ask.method).uri(ask.target.as_str());
        request = request.header(HOST, self.named.as_str()).header(USER_AGENT, AGENT);
        for (name, value) in &ask.headers {
            request = request.header(*name, value.as_str());
        }
        let request = request.body(Full::new(ask.body.clone())).map_err(S3Error::Request)?;
        let answer = sender.send_request(request).await.map_err(S3Error::Broken)?;
        let (head, body) = answer.into_parts();
        let body = Limited::new(body, ask.most).collect().await.map_err(|error| {
            if error.is::<LengthLimitError>() { S3Error::TooLarge } else { S3Error::BrokenOff }
        })?;
        let mut kept = self.kept.lock();
        if kept.len() < KEPT {
            kept.push((sender, Instant::now()));
        }
        Ok(Answer { status: head.status, headers: head.headers, body: body.to_bytes() })
    }
}

async fn opened<S>(stream: S) -> Result<Sender, S3Error>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let mut settings = http1::Builder::new();
    settings.max_buf_size(MAX_HEAD);
    let (sender, connection) =
        settings.handshake(TokioIo::new(stream)).await.map_err(S3Error::Broken)?;
    // How it ends, who asks over it is told.
    tokio::spawn(async move {
        let _ = connection.await;
    });
    Ok(sender)
}

fn connector(own: Vec<CertificateDer<'static>>) -> Result<TlsConnector, UntrustedCa> {
    let mut roots = RootCertStore::empty();
    roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    for certificate in own {
        roots.add(certificate).map_err(|_| UntrustedCa::NoCertificate)?;
    }
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(UntrustedCa::Tls)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

/// The certificates in a file.
fn authorities(file: &Path) -> Result<Vec<CertificateDer<'static>>, UntrustedCa> {
    let pem = std::fs::read(file).map_err(UntrustedCa::Unreadable)?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    let found = found.map_err(|_| UntrustedCa::NoCertificate)?;
    if found.is_empty() { Err(UntrustedCa::NoCertificate) } else { Ok(found) }
}
