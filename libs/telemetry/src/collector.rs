//! Hands spans to a collector over plain HTTP/1.1.
//!
//! The exporter calls from a thread of its own, outside of every runtime, every few seconds; so each request has a
//! connection and a small runtime that live as long as it does.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1;
use hyper::header::{HOST, HeaderValue};
use hyper::{Request, Response, Uri};
use hyper_util::rt::TokioIo;
use opentelemetry_http::{HttpClient, HttpError, ResponseBodyTooLarge};
use tokio::net::TcpStream;

/// Largest answer in bytes: a collector has a sentence to say.
const MAX_ANSWER: usize = 1024 * 1024;
/// How long sending, and waiting for the answer, may take in all unless the environment says so.
const WITHIN: Duration = Duration::from_secs(10);
/// Where the environment says so, in milliseconds; the first that is set.
const TIMEOUTS: [&str; 2] = ["OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "OTEL_EXPORTER_OTLP_TIMEOUT"];

/// The client of a collector.
#[derive(Debug)]
pub(crate) struct CollectorClient {
    within: Duration,
}

impl CollectorClient {
    /// A client that waits as long as the environment says.
    pub(crate) fn from_env() -> Self {
        let said = TIMEOUTS.iter().find_map(|name| std::env::var(name).ok());
        let within = said.and_then(|text| text.parse().ok()).map_or(WITHIN, Duration::from_millis);
        Self { within }
    }
}

#[async_trait::async_trait]
impl HttpClient for CollectorClient {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async { tokio::time::timeout(self.within, exchange(request)).await? })
    }
}

async fn exchange(request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
    let (mut head, body) = request.into_parts();
    if head.uri.scheme_str() != Some("http") {
        return Err("a collector is reached over plain http://".into());
    }
    let authority = head.uri.authority().ok_or("the collector's address has no host")?;
    head.headers.insert(HOST, HeaderValue::from_str(authority.as_str())?);
    let host = authority.host().trim_matches(['[', ']']);
    let stream = TcpStream::connect((host, authority.port_u16().unwrap_or(80))).await?;
    // What stands in the request line is the path alone.
    let path = head.uri.path_and_query().cloned();
    head.uri = path.map_or_else(|| Uri::from_static("/"), Uri::from);
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let (answer, _) = tokio::join!(
        async move {
            read(sender.send_request(Request::from_parts(head, Full::new(body))).await?).await
        },
        connection,
    );
    answer
}

async fn read(answer: Response<hyper::body::Incoming>) -> Result<Response<Bytes>, HttpError> {
    let (head, body) = answer.into_parts();
    let body = Limited::new(body, MAX_ANSWER).collect().await.map_err(|error| {
        let too_large = error.is::<http_body_util::LengthLimitError>();
        if too_large { Box::new(ResponseBodyTooLarge::new()) } else { error }
    })?;
    Ok(Response::from_parts(head, body.to_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read as _, Write as _};
    use std::net::TcpListener;

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
        let sent = outside(CollectorClient { within }.send_bytes(request));
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
        let refused = outside(CollectorClient::from_env().send_bytes(request));
        assert!(refused.unwrap_err().to_string().contains("http://"));
    }
}
