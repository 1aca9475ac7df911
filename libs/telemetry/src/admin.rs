//! `/metrics`, `/livez` and `/readyz` for processes that have no public port of their own.

use std::convert::Infallible;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::CONTENT_TYPE;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};

use crate::health::Health;
use crate::metrics::Metrics;
use crate::shutdown::Shutdown;

/// A caller that has not sent its request line and headers by then is cut off.
const HEADER_TIMEOUT: Duration = Duration::from_secs(5);

/// What one of the three addresses answers, for any HTTP server to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdminAnswer {
    /// HTTP status: 200, or 503 when not live or not ready.
    pub status: u16,
    /// Value of the `Content-Type` header.
    pub content_type: &'static str,
    /// The body.
    pub body: String,
}

/// The answer to `GET path`; none when it is not one of the three addresses.
#[must_use]
pub fn admin_answer(path: &str, metrics: &Metrics, health: &Health) -> Option<AdminAnswer> {
    let reasons = match path {
        "/metrics" => {
            let content_type = Metrics::CONTENT_TYPE;
            return Some(AdminAnswer { status: 200, content_type, body: metrics.encode() });
        }
        "/livez" => health.live().map_err(|dead| vec![dead]),
        "/readyz" => health.ready(),
        _ => return None,
    };
    let (status, body) = match reasons {
        Ok(()) => (200, json!({ "status": "ok" })),
        Err(reasons) => (503, json!({ "status": "unavailable", "reasons": reasons })),
    };
    Some(AdminAnswer { status, content_type: "application/json", body: body.to_string() })
}

/// Serves the three addresses on a bound listener until asked to stop.
pub async fn serve_admin(
    listener: TcpListener,
    metrics: Metrics,
    health: Health,
    shutdown: Shutdown,
) {
    loop {
        let accepted = tokio::select! {
            () = shutdown.wait() => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, _)) => {
                tokio::spawn(connection(stream, metrics.clone(), health.clone(), shutdown.clone()));
            }
            Err(error) => {
                // Out of file descriptors, mostly: going on at once would spin.
                tracing::warn!(error = %error, "a connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

async fn connection(stream: TcpStream, metrics: Metrics, health: Health, shutdown: Shutdown) {
    let service = service_fn(move |request: Request<hyper::body::Incoming>| {
        let answer = if request.method() == Method::GET {
            admin_answer(request.uri().path(), &metrics, &health)
        } else {
            None
        };
        async move { Ok::<_, Infallible>(response(answer)) }
    });
    let serving = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .serve_connection(TokioIo::new(stream), service);
    tokio::select! {
        () = shutdown.wait() => {}
        // A caller that goes away in the middle is no news.
        _ = serving => {}
    }
}

fn response(answer: Option<AdminAnswer>) -> Response<Full<Bytes>> {
    let Some(answer) = answer else {
        let mut missing = Response::new(Full::default());
        *missing.status_mut() = StatusCode::NOT_FOUND;
        return missing;
    };
    let mut response = Response::new(Full::from(answer.body));
    *response.status_mut() =
        StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response
        .headers_mut()
        .insert(CONTENT_TYPE, hyper::header::HeaderValue::from_static(answer.content_type));
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    async fn get(address: std::net::SocketAddr, path: &str) -> String {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    #[tokio::test]
    async fn the_three_addresses_answer_and_others_do_not() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (metrics, health, shutdown) = (Metrics::new(), Health::new(), Shutdown::new());
        let server = tokio::spawn(serve_admin(listener, metrics, health.clone(), shutdown.clone()));
        assert!(get(address, "/readyz").await.starts_with("HTTP/1.1 503"));
        health.set("log", Ok::<(), String>(()));
        assert!(get(address, "/readyz").await.starts_with("HTTP/1.1 200"));
        assert!(get(address, "/livez").await.starts_with("HTTP/1.1 200"));
        assert!(get(address, "/metrics").await.contains("tidings_build_info"));
        assert!(get(address, "/else").await.starts_with("HTTP/1.1 404"));
        shutdown.trigger();
        server.await.unwrap();
    }
}
