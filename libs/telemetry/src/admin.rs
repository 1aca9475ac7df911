//! What operators ask a process: `/metrics`, `/livez`, `/readyz`, and a page at `/` that draws them.

use std::convert::Infallible;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue, X_CONTENT_TYPE_OPTIONS,
};
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

/// The page, in files of its own: nothing in it is inline, so that its policy can be strict.
const PAGE: &[(&str, &str, &str)] = &[
    ("/", "text/html; charset=utf-8", include_str!("page/page.html")),
    ("/page.css", "text/css; charset=utf-8", include_str!("page/page.css")),
    ("/page.js", "text/javascript; charset=utf-8", include_str!("page/page.js")),
];
/// It asks this process, and no page of others may show it.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'; \
     form-action 'none'; frame-ancestors 'none'",
);

/// What one of the addresses answers, for any HTTP server to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdminAnswer {
    /// HTTP status: 200, or 503 when not live or not ready.
    pub status: u16,
    /// Value of the `Content-Type` header.
    pub content_type: &'static str,
    /// The body.
    pub body: String,
}

/// The answer to `GET path`; none when it is not one of the addresses.
#[must_use]
pub fn admin_answer(path: &str, metrics: &Metrics, health: &Health) -> Option<AdminAnswer> {
    let reasons = match path {
        "/metrics" => {
            let content_type = Metrics::CONTENT_TYPE;
            return Some(AdminAnswer { status: 200, content_type, body: metrics.encode() });
        }
        "/livez" => health.live().map_err(|dead| vec![dead]),
        "/readyz" => health.ready(),
        _ => {
            let &(_, content_type, body) = PAGE.iter().find(|(known, ..)| *known == path)?;
            return Some(AdminAnswer { status: 200, content_type, body: body.to_owned() });
        }
    };
    let (status, body) = match reasons {
        Ok(()) => (200, json!({ "status": "ok" })),
        Err(reasons) => (503, json!({ "status": "unavailable", "reasons": reasons })),
    };
    Some(AdminAnswer { status, content_type: "application/json", body: body.to_string() })
}

/// Serves these addresses on a bound listener until asked to stop.
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
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(answer.content_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(CONTENT_SECURITY_POLICY, POLICY);
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
    async fn the_addresses_answer_and_others_do_not() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (metrics, health, shutdown) = (Metrics::new(), Health::new(), Shutdown::new());
        let server = tokio::spawn(serve_admin(listener, metrics, health.clone(), shutdown.clone()));
        assert!(get(address, "/readyz").await.starts_with("HTTP/1.1 503"));
        health.set("log", Ok::<(), String>(()));
        assert!(get(address, "/readyz").await.starts_with("HTTP/1.1 200"));
        assert!(get(address, "/livez").await.starts_with("HTTP/1.1 200"));
        assert!(get(address, "/metrics").await.contains("tidings_build_info"));
        let page = get(address, "/").await;
        assert!(page.starts_with("HTTP/1.1 200") && page.contains("default-src 'none'"), "{page}");
        for file in ["page.css", "page.js"] {
            assert!(page.contains(&format!("=\"{file}\"")), "{page}");
            let answer = get(address, &format!("/{file}")).await;
            assert!(answer.starts_with("HTTP/1.1 200"), "{file}: {answer}");
        }
        for inline in ["<style", "style=", "onclick", "<script>"] {
            assert!(!page.contains(inline), "{inline}");
        }
        assert!(get(address, "/else").await.starts_with("HTTP/1.1 404"));
        shutdown.trigger();
        server.await.unwrap();
    }
}
