//! A collector of traces that is not ours: OpenTelemetry's own messages and gRPC, in Python, on loopback.

use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use crate::kit::authority::Issued;
use crate::kit::{root, until};

/// What it runs.
const SCRIPT: &str = include_str!("../../otlp/collector.py");

/// The collector. Ends when it is dropped.
pub struct Collector {
    folder: TempDir,
    /// The ports of HTTP and of gRPC.
    ports: (u16, u16),
    /// How its addresses begin.
    scheme: &'static str,
    child: Child,
    _until_closed: ChildStdin,
}

/// A span as it came.
#[derive(Debug, Clone)]
pub struct Span(Value);

impl Span {
    fn text(&self, field: &str) -> &str {
        self.0[field].as_str().unwrap_or_default()
    }

    /// How it came: `http` or `grpc`.
    #[must_use]
    pub fn via(&self) -> &str {
        self.text("via")
    }

    /// What was done.
    #[must_use]
    pub fn name(&self) -> &str {
        self.text("name")
    }

    /// The trace it is of, in hexadecimal digits as all ids.
    #[must_use]
    pub fn trace(&self) -> &str {
        self.text("trace")
    }

    /// Its own id.
    #[must_use]
    pub fn id(&self) -> &str {
        self.text("span")
    }

    /// The id of what it is part of; empty for none.
    #[must_use]
    pub fn parent(&self) -> &str {
        self.text("parent")
    }

    /// What kind it is, by OTLP's numbers: 2 server, 3 client, 4 producer, 5 consumer.
    #[must_use]
    pub fn kind(&self) -> u64 {
        self.0["kind"].as_u64().unwrap_or_default()
    }

    /// Whether it links to another.
    #[must_use]
    pub fn follows(&self, other: &Self) -> bool {
        let links = self.0["links"].as_array();
        links.is_some_and(|links| {
            links.iter().any(|link| link[0] == other.0["trace"] && link[1] == other.0["span"])
        })
    }

    /// The traces it links to.
    #[must_use]
    pub fn linked(&self) -> Vec<&str> {
        let links = self.0["links"].as_array();
        links.into_iter().flatten().filter_map(|link| link[0].as_str()).collect()
    }

    /// What is said of it under a name; null when nothing is.
    #[must_use]
    pub fn attribute(&self, name: &str) -> &Value {
        &self.0["attributes"][name]
    }

    /// What is said of its process under a name, such as `service.name`.
    #[must_use]
    pub fn process(&self, name: &str) -> &str {
        self.0["resource"][name].as_str().unwrap_or_default()
    }
}

/// Where `tools/provision --tests` puts its packages, unless a variable says otherwise.
fn packages() -> PathBuf {
    std::env::var_os("TIDINGS_TEST_OTLP").map_or_else(|| root().join(".tools/otlp"), PathBuf::from)
}

impl Collector {
    /// Starts one; none, with a message, where its packages are not installed.
    ///
    /// # Panics
    /// They are installed and it does not start.
    #[must_use]
    pub fn start() -> Option<Self> {
        Self::start_with(None)
    }

    /// Starts one that is reached over TLS and shows this certificate.
    ///
    /// # Panics
    /// As [`Self::start`].
    #[must_use]
    pub fn start_over_tls(certificate: &Issued) -> Option<Self> {
        Self::start_with(Some(certificate))
    }

    #[expect(clippy::print_stderr, reason = "a skipped test must be seen")]
    fn start_with(certificate: Option<&Issued>) -> Option<Self> {
        if !packages().join("grpc").exists() || !packages().join("opentelemetry").exists() {
            eprintln!("SKIPPED: no opentelemetry-proto and grpcio (tools/provision --tests)");
            return None;
        }
        let folder = TempDir::with_prefix("tidings-otlp-").unwrap();
        let mut child = Command::new("python3")
            .args(["-c", SCRIPT])
            .arg(folder.path().join("spans"))
            .args(certificate.into_iter().flat_map(|issued| [&issued.cert, &issued.key]))
            .env("PYTHONPATH", packages())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let mut ports = line.split_whitespace().map(|port| port.parse().expect("a port"));
        let ports = ports.next().zip(ports.next()).expect("the collector has started");
        let until_closed = child.stdin.take().unwrap();
        let scheme = if certificate.is_some() { "https" } else { "http" };
        Some(Self { folder, ports, scheme, child, _until_closed: until_closed })
    }

    /// The flags that have spans sent to it over HTTP.
    #[must_use]
    pub fn over_http(&self) -> [String; 2] {
        ["--otlp-endpoint".to_owned(), format!("{}://127.0.0.1:{}", self.scheme, self.ports.0)]
    }

    /// The flags that have spans sent to it over gRPC.
    #[must_use]
    pub fn over_grpc(&self) -> [String; 4] {
        let endpoint = format!("{}://127.0.0.1:{}", self.scheme, self.ports.1);
        ["--otlp-endpoint", &endpoint, "--otlp-protocol", "grpc"].map(str::to_owned)
    }

    /// The spans that came so far.
    #[must_use]
    pub fn spans(&self) -> Vec<Span> {
        let lines = std::fs::read_to_string(self.folder.path().join("spans")).unwrap_or_default();
        // The last line may still be written.
        lines.lines().filter_map(|line| serde_json::from_str(line).ok()).map(Span).collect()
    }

    /// Waits for a span.
    pub async fn span(&self, what: &str, fits: impl Fn(&Span) -> bool) -> Span {
        until(what, async || self.spans().into_iter().find(&fits)).await
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
