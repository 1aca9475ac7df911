//! Answers, and requests no library would send.

use std::time::Duration;

use reqwest::header::HeaderMap;
use schemas::RefusalReason;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// An answer.
#[derive(Debug, Clone)]
pub struct Reply {
    /// What was asked, for messages.
    pub asked: String,
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body as it came.
    pub text: String,
    /// The body as JSON; null when it is none.
    pub json: Value,
}

impl Reply {
    /// The body, of an answer with this status.
    ///
    /// # Panics
    /// When the status is another one.
    #[track_caller]
    pub fn ok(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}: {}", self.asked, self.text);
        self.json
    }

    /// The problem, of a refusal with this status and code; checks that it has the form all have.
    ///
    /// # Panics
    /// When it is anything else.
    #[track_caller]
    pub fn problem(self, status: u16, code: &str) -> Value {
        assert_eq!(self.status, status, "{}: {}", self.asked, self.text);
        assert_eq!(self.json["code"], code, "{}: {}", self.asked, self.text);
        self.any_problem(status..=status)
    }

    /// The problem, of a refusal with a status in a range.
    ///
    /// # Panics
    /// When it is anything else.
    #[track_caller]
    pub fn any_problem(self, statuses: std::ops::RangeInclusive<u16>) -> Value {
        let (asked, text, problem) = (self.asked, self.text, self.json);
        assert!(statuses.contains(&self.status), "{asked}: {} {text}", self.status);
        let kind = self.headers.get("content-type").and_then(|kind| kind.to_str().ok());
        assert_eq!(kind, Some("application/problem+json"), "{asked}");
        assert_eq!(problem["status"], self.status, "{asked}: {text}");
        for field in ["type", "title", "detail", "code", "trace_id"] {
            assert!(problem[field].is_string(), "{asked}: no {field} in {text}");
        }
        assert!(problem["retryable"].is_boolean(), "{asked}: {text}");
        check_reason(&problem);
        problem
    }

    /// A header's value; empty when there is none.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

/// Every `conflict` and every `forbidden` has a reason, and a reason is of its problem's code.
///
/// # Panics
/// When it is otherwise.
#[track_caller]
pub fn check_reason(problem: &Value) {
    let Some(reason) = problem.get("reason") else {
        let code = problem["code"].as_str();
        assert!(!matches!(code, Some("conflict" | "forbidden")), "no reason in {problem}");
        return;
    };
    let known = reason.as_str().and_then(RefusalReason::parse);
    let code = known.map(|reason| reason.code().as_str());
    assert_eq!(code, problem["code"].as_str(), "{problem}");
}

/// Sends bytes to an HTTP server as they are, and reads one answer: its status and everything after it.
///
/// # Panics
/// When there is no answer in 10 s.
pub async fn raw(url: &str, request: &[u8]) -> (u16, String) {
    let address = url.trim_start_matches("http://");
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    // The server may refuse and close before it has read everything.
    let _ = stream.write_all(request).await;
    let mut bytes = Vec::new();
    let reading = async {
        let mut part = [0; 4096];
        loop {
            match stream.read(&mut part).await {
                Ok(0) | Err(_) => return,
                Ok(count) => bytes.extend_from_slice(&part[..count]),
            }
            if complete(&bytes) {
                return;
            }
        }
    };
    let in_time = timeout(Duration::from_secs(10), reading).await;
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let shown = String::from_utf8_lossy(&request[..request.len().min(200)]).into_owned();
    assert!(in_time.is_ok(), "no whole answer to {shown:?}: {text:?}");
    let status = text.get(9..12).and_then(|status| status.parse().ok());
    (status.unwrap_or_else(|| panic!("no status in {text:?} after {shown:?}")), text)
}

/// Whether the headers and as much of a body as they announce are there.
fn complete(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let head = head.to_ascii_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    match length.and_then(|length| length.trim().parse().ok()) {
        Some(length) => body.len() >= length,
        None => body.ends_with("0\r\n\r\n"),
    }
}
