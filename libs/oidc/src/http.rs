//! The HTTP client that speaks to providers: HTTP/1.1 over TLS, one request a connection. It follows no redirection, and
//! bounds what is answered in bytes and time.

use std::net::IpAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper::header::{CONNECTION, HOST, HeaderValue, USER_AGENT};
use hyper::{Request, Response, Uri};
use hyper_util::rt::TokioIo;
use openidconnect::{AsyncHttpClient, HttpRequest, HttpResponse};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

/// How long a provider may take for one answer, the connection included.
const WITHIN: Duration = Duration::from_secs(5);
/// Most bytes of a body, and of a head.
const MAX_BODY: usize = 512 * 1024;
const MAX_HEAD: usize = 32 * 1024;
const AGENT: HeaderValue = HeaderValue::from_static(concat!("tidings/", env!("CARGO_PKG_VERSION")));

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HttpError {
    #[error("the address is not https")]
    Address,
    #[error("no connection")]
    Unreachable(#[source] std::io::Error),
    #[error("no TLS")]
    Tls(#[source] std::io::Error),
    #[error("it takes too long")]
    Slow,
    #[error("the answer is too large")]
    TooLarge,
    #[error("the answer is no HTTP")]
    Broken(#[source] hyper::Error),
    #[error("the answer breaks off")]
    BrokenOff,
}

/// The client. Clones share what it trusts.
#[derive(Clone)]
pub struct Http {
    tls: TlsConnector,
}

impl Http {
    /// A client that trusts the authorities of this machine (`SSL_CERT_FILE` and `SSL_CERT_DIR` are heeded) and those that
    /// browsers trust. Reads files.
    ///
    /// # Errors
    /// TLS cannot be set up.
    pub fn new() -> std::io::Result<Self> {
        let mut roots = RootCertStore::empty();
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
        let found = rustls_native_certs::load_native_certs();
        roots.add_parsable_certificates(found.certs);
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(std::io::Error::other)?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self { tls: TlsConnector::from(Arc::new(config)) })
    }

    /// Carries out one request. `plain`: plain HTTP to this very machine is allowed.
    async fn ask(&self, request: HttpRequest, plain: bool) -> Result<HttpResponse, HttpError> {
        timeout(WITHIN, self.exchange(request, plain)).await.map_err(|_| HttpError::Slow)?
    }

    async fn exchange(&self, request: HttpRequest, plain: bool) -> Result<HttpResponse, HttpError> {
        let place = Place::of(request.uri(), plain).ok_or(HttpError::Address)?;
        let request = place.addressed(request)?;
        let stream = TcpStream::connect((place.host.as_str(), place.port)).await;
        let stream = stream.map_err(HttpError::Unreachable)?;
        if !place.tls {
            return talk(stream, request).await;
        }
        let name = ServerName::try_from(place.host).map_err(|_| HttpError::Address)?;
        talk(self.tls.connect(name, stream).await.map_err(HttpError::Tls)?, request).await
    }
}

/// The client, as the library asks it for one provider.
pub(crate) struct Asking {
    pub(crate) http: Http,
    /// Plain HTTP to this very machine is allowed.
    pub(crate) plain: bool,
}

impl<'c> AsyncHttpClient<'c> for Asking {
    type Error = HttpError;
    type Future = BoxFuture<'c, Result<HttpResponse, HttpError>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(self.http.ask(request, self.plain))
    }
}

/// Where a request goes.
struct Place {
    host: String,
    port: u16,
    tls: bool,
}

impl Place {
    /// None for what is neither HTTPS nor, where that is allowed, plain HTTP to this very machine.
    fn of(uri: &Uri, plain: bool) -> Option<Self> {
        let host = uri.host()?.trim_matches(['[', ']']).to_owned();
        let tls = match uri.scheme_str()? {
            "https" => true,
            "http" if plain && is_this_machine(&host) => false,
            _ => return None,
        };
        Some(Self { host, port: uri.port_u16().unwrap_or(if tls { 443 } else { 80 }), tls })
    }

    /// The request as it is sent there: with the path alone in its first line.
    fn addressed(&self, request: HttpRequest) -> Result<Request<Full<Bytes>>, HttpError> {
        let (mut head, body) = request.into_parts();
        let host = match (self.host.contains(':'), self.tls, self.port) {
            (true, ..) => format!("[{}]:{}", self.host, self.port),
            (false, true, 443) | (false, false, 80) => self.host.clone(),
            (false, ..) => format!("{}:{}", self.host, self.port),
        };
        head.headers.insert(HOST, HeaderValue::try_from(host).map_err(|_| HttpError::Address)?);
        head.headers.insert(USER_AGENT, AGENT);
        head.headers.insert(CONNECTION, HeaderValue::from_static("close"));
        let path = head.uri.path_and_query().cloned();
        head.uri = path.map_or_else(|| Uri::from_static("/"), Uri::from);
        Ok(Request::from_parts(head, Full::new(body.into())))
    }
}

/// Whether a host of a URL is this very machine, where no other can listen in.
pub(crate) fn is_this_machine(host: &str) -> bool {
    host == "localhost" || host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
}

async fn talk<S>(stream: S, request: Request<Full<Bytes>>) -> Result<HttpResponse, HttpError>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut settings = http1::Builder::new();
    settings.max_buf_size(MAX_HEAD);
    let (mut sender, connection) =
        settings.handshake(TokioIo::new(stream)).await.map_err(HttpError::Broken)?;
    let mut answer = pin!(async move {
        read(sender.send_request(request).await.map_err(HttpError::Broken)?).await
    });
    tokio::select! {
        answer = &mut answer => answer,
        // What came before the end of the connection is still to be read.
        ended = connection => match ended {
            Ok(()) => answer.await,
            Err(error) => Err(HttpError::Broken(error)),
        },
    }
}

async fn read(answer: Response<Incoming>) -> Result<HttpResponse, HttpError> {
    let (head, body) = answer.into_parts();
    let body = Limited::new(body, MAX_BODY).collect().await.map_err(|error| {
        if error.is::<LengthLimitError>() { HttpError::TooLarge } else { HttpError::BrokenOff }
    })?;
    Ok(Response::from_parts(head, body.to_bytes().into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(url: &str, plain: bool) -> Option<(String, u16, bool)> {
        let place = Place::of(&url.parse().unwrap(), plain)?;
        Some((place.host, place.port, place.tls))
    }

    #[test]
    fn only_https_and_this_machine_are_spoken_to() {
        assert_eq!(place("https://id.test/a", false), Some(("id.test".to_owned(), 443, true)));
        assert_eq!(place("https://[::1]:8443/", false), Some(("::1".to_owned(), 8443, true)));
        assert_eq!(place("http://127.0.0.1:80/", true), Some(("127.0.0.1".to_owned(), 80, false)));
        assert_eq!(place("http://localhost/", true), Some(("localhost".to_owned(), 80, false)));
        for (url, plain) in [
            ("http://127.0.0.1/", false),
            ("http://id.test/", true),
            ("http://127.0.0.1.id.test/", true),
            ("ftp://id.test/", true),
            ("/path", true),
        ] {
            assert_eq!(place(url, plain), None, "{url}");
        }
    }

    #[test]
    fn a_request_names_its_host_and_only_its_path() {
        let request = Request::builder().uri("https://u:p@id.test:8443/a?b=c").body(Vec::new());
        let request = request.unwrap();
        let sent = Place::of(request.uri(), false).unwrap().addressed(request).unwrap();
        assert_eq!(sent.uri(), "/a?b=c");
        assert_eq!(sent.headers()[HOST], "id.test:8443");
    }
}
