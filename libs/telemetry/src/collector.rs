//! Hands spans to a collector, over TLS where its address says so: as a request of HTTP/1.1, or as a call of gRPC.
//!
//! The exporter calls from a thread of its own, outside of every runtime, every few seconds; so each request has a
//! connection and a small runtime that live as long as it does.

use std::time::Duration;

use bytes::Bytes;
use hyper::{Request, Response, Uri};
use opentelemetry_http::{HttpClient, HttpError};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

use crate::collector_tls::CollectorTls;
use crate::options::OtlpProtocol;
use crate::{collector_grpc, collector_http};

/// How long sending, and waiting for the answer, may take in all unless the environment says so.
const WITHIN: Duration = Duration::from_secs(10);
/// Where the environment says so, in milliseconds; the first that is set.
const TIMEOUTS: [&str; 2] = ["OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "OTEL_EXPORTER_OTLP_TIMEOUT"];

/// The client of a collector.
#[derive(Debug)]
pub(crate) struct CollectorClient {
    protocol: OtlpProtocol,
    within: Duration,
    /// For a collector that is reached over TLS.
    tls: Option<CollectorTls>,
}

impl CollectorClient {
    /// A client that waits as long as the environment says.
    pub(crate) fn from_env(protocol: OtlpProtocol, tls: Option<CollectorTls>) -> Self {
        let said = TIMEOUTS.iter().find_map(|name| std::env::var(name).ok());
        let within = said.and_then(|text| text.parse().ok()).map_or(WITHIN, Duration::from_millis);
        Self { protocol, within, tls }
    }

    async fn exchange(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let place = Place::of(request.uri())?;
        let stream = TcpStream::connect((place.host, place.port)).await?;
        if !place.tls {
            return self.talk(stream, request).await;
        }
        let tls = self.tls.as_ref().ok_or("this client speaks no TLS")?;
        let stream = tls.secure(stream, place.host).await?;
        self.talk(stream, request).await
    }

    async fn talk<S>(
        &self,
        stream: S,
        request: Request<Bytes>,
    ) -> Result<Response<Bytes>, HttpError>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        match self.protocol {
            OtlpProtocol::Http => collector_http::exchange(stream, request).await,
            OtlpProtocol::Grpc => collector_grpc::exchange(stream, request, self.within).await,
        }
    }
}

#[async_trait::async_trait]
impl HttpClient for CollectorClient {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async { tokio::time::timeout(self.within, self.exchange(request)).await? })
    }
}

/// Where a request goes.
#[derive(Debug, PartialEq, Eq)]
struct Place<'a> {
    host: &'a str,
    port: u16,
    tls: bool,
}

impl<'a> Place<'a> {
    fn of(uri: &'a Uri) -> Result<Self, HttpError> {
        let (tls, usual) = match uri.scheme_str() {
            Some("https") => (true, 443),
            Some("http") => (false, 80),
            _ => return Err("a collector's address begins with http:// or https://".into()),
        };
        let authority = uri.authority().ok_or("the collector's address has no host")?;
        let host = authority.host().trim_matches(['[', ']']);
        Ok(Self { host, port: authority.port_u16().unwrap_or(usual), tls })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read as _, Write as _};
    use std::net::TcpListener;

    const HTTP: OtlpProtocol = OtlpProtocol::Http;

    /// Sends a request to a server that gives this answer and keeps its connection open; what both got.
    fn send(
        within: Duration,
        answer: &'static str,
    ) -> (Result<Response<Bytes>, HttpError>, String) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/v1/traces", listener.local_addr().unwrap());
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = Vec::new();
            let mut block = [0_u8; 1024];
            while !request.ends_with(b"spans") {
                let length = stream.read(&mut block).unwrap();
                request.extend_from_slice(&block[..length]);
            }
            stream.write_all(answer.as_bytes()).unwrap();
            // Until the client is gone.
            let _ = stream.read(&mut block);
            String::from_utf8(request).unwrap()
        });
        let request = Request::post(url).body(Bytes::from_static(b"spans")).unwrap();
        let sent =
            outside(CollectorClient { protocol: HTTP, within, tls: None }.send_bytes(request));
        (sent, server.join().unwrap())
    }

    /// Waits as the exporter does: outside of every runtime.
    fn outside<T>(future: impl Future<Output = T>) -> T {
        let mut future = std::pin::pin!(future);
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        loop {
            if let std::task::Poll::Ready(done) = future.as_mut().poll(&mut context) {
                return done;
            }
        }
    }

    #[test]
    fn a_request_has_a_path_and_a_host_and_the_answer_comes_back() {
        let (answer, request) =
            send(WITHIN, "HTTP/1.1 503 Wait\r\nRetry-After: 7\r\nContent-Length: 2\r\n\r\nno");
        let answer = answer.unwrap();
        assert_eq!((answer.status().as_u16(), &answer.body()[..]), (503, &b"no"[..]));
        assert_eq!(answer.headers()["retry-after"], "7");
        assert!(request.starts_with("POST /v1/traces HTTP/1.1\r\n"), "{request}");
        assert!(request.contains("host: 127.0.0.1:"), "{request}");
        let (chunked, _) = send(
            WITHIN,
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        );
        assert_eq!(&chunked.unwrap().body()[..], b"ok");
    }

    #[test]
    fn a_collector_that_does_not_answer_is_not_waited_for() {
        let (silent, _) =
            send(Duration::from_millis(50), "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n");
        assert!(silent.is_err());
    }

    #[test]
    fn nothing_is_sent_in_the_clear_to_a_collector_over_tls() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("https://{}/v1/traces", listener.local_addr().unwrap());
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut first = [0_u8; 3];
            stream.read_exact(&mut first).unwrap();
            // It hangs up: what it was told is the beginning of a handshake, or it is a failure.
            first
        });
        let request = Request::post(url).body(Bytes::from_static(b"spans")).unwrap();
        let tls = CollectorTls::new(HTTP, None).unwrap();
        let client = CollectorClient { protocol: HTTP, within: WITHIN, tls: Some(tls) };
        let refused = outside(client.send_bytes(request)).unwrap_err();
        assert!(refused.to_string().contains("no TLS"), "{refused}");
        // A record of a handshake, of any TLS 1.
        assert_eq!(server.join().unwrap()[..2], [22, 3]);
    }

    #[test]
    fn an_address_says_host_port_and_whether_it_is_tls() {
        let of = |url: &str| {
            let uri: Uri = url.parse().unwrap();
            Place::of(&uri).ok().map(|place| (place.host.to_owned(), place.port, place.tls))
        };
        let place = |host: &str, port: u16, tls| Some((host.to_owned(), port, tls));
        assert_eq!(of("http://c:4318/v1/traces"), place("c", 4318, false));
        assert_eq!(of("http://c/v1/traces"), place("c", 80, false));
        assert_eq!(of("https://c/v1/traces"), place("c", 443, true));
        assert_eq!(of("https://[::1]:4317"), place("::1", 4317, true));
        assert_eq!(of("ftp://c/"), None);
        assert_eq!(of("/v1/traces"), None);
    }
}
