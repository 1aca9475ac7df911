//! Hands spans to a collector, over plain TCP: as a request of HTTP/1.1, or as a call of gRPC.
//!
//! The exporter calls from a thread of its own, outside of every runtime, every few seconds; so each request has a
//! connection and a small runtime that live as long as it does.

use std::time::Duration;

use bytes::Bytes;
use hyper::{Request, Response};
use opentelemetry_http::{HttpClient, HttpError};
use tokio::net::TcpStream;

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
}

impl CollectorClient {
    /// A client that waits as long as the environment says.
    pub(crate) fn from_env(protocol: OtlpProtocol) -> Self {
        let said = TIMEOUTS.iter().find_map(|name| std::env::var(name).ok());
        let within = said.and_then(|text| text.parse().ok()).map_or(WITHIN, Duration::from_millis);
        Self { protocol, within }
    }

    async fn exchange(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let stream = connected(&request).await?;
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

/// A connection to where a request goes.
async fn connected(request: &Request<Bytes>) -> Result<TcpStream, HttpError> {
    let uri = request.uri();
    if uri.scheme_str() != Some("http") {
        return Err("a collector is reached over plain http://".into());
    }
    let authority = uri.authority().ok_or("the collector's address has no host")?;
    let host = authority.host().trim_matches(['[', ']']);
    Ok(TcpStream::connect((host, authority.port_u16().unwrap_or(80))).await?)
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
        let sent = outside(CollectorClient { protocol: HTTP, within }.send_bytes(request));
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
    fn a_collector_that_does_not_answer_is_not_waited_for_and_one_over_tls_is_refused() {
        let (silent, _) =
            send(Duration::from_millis(50), "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n");
        assert!(silent.is_err());
        let request = Request::post("https://127.0.0.1:1/v1/traces").body(Bytes::new()).unwrap();
        let refused = outside(CollectorClient::from_env(HTTP).send_bytes(request));
        assert!(refused.unwrap_err().to_string().contains("http://"));
    }
}
