//! TLS by itself, Unix sockets and both kinds of IP, as clients that are not ours meet them.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use futures_util::{SinkExt as _, StreamExt as _};
use nix::sys::signal::Signal;
use serde_json::{Value, json};
use tempfile::TempDir;
use tests::kit::authority::Authority;
use tests::kit::installation::{Installation, RELAXED, command};
use tests::kit::process::Process;
use tests::kit::until;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::{WebSocketStream, client_async};

/// A client that trusts an authority and no other, and speaks HTTP/1.1.
fn trusting(authority: &Path) -> TlsConnector {
    let mut roots = RootCertStore::empty();
    let pem = std::fs::read(authority).unwrap();
    roots.add(CertificateDer::from_pem_slice(&pem).unwrap()).unwrap();
    let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider);
    let config = config.with_safe_default_protocol_versions().unwrap();
    let mut config = config.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    TlsConnector::from(Arc::new(config))
}

async fn connect(client: &TlsConnector, address: &str) -> std::io::Result<TlsStream<TcpStream>> {
    let stream = TcpStream::connect(address).await?;
    client.connect(ServerName::try_from("localhost").unwrap(), stream).await
}

/// The certificate a server shows now.
async fn shown(client: &TlsConnector, address: &str) -> Vec<u8> {
    let stream = connect(client, address).await.unwrap();
    stream.get_ref().1.peer_certificates().unwrap()[0].to_vec()
}

/// Asks once over a connection of its own; the status and the body.
async fn ask(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    line: &str,
    headers: &str,
    body: &Value,
) -> (u16, Value) {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let request = format!(
        "{line} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n{headers}\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    // The end may come without a goodbye.
    let _ = stream.read_to_end(&mut answer).await;
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok());
    let body = answer.split_once("\r\n\r\n").map(|(_, body)| body).unwrap_or_default();
    (status.unwrap_or(0), serde_json::from_str(body).unwrap_or(Value::Null))
}

const ADA: &str = "ada-over-tls";
const PASSWORD: &str = "correct horse battery";

/// Registers and logs in; the token.
async fn token<S, F>(stream: impl Fn() -> F, headers: &str) -> String
where
    S: AsyncRead + AsyncWrite + Unpin,
    F: Future<Output = S>,
{
    let account = json!({"username": ADA, "email": "ada@example.org", "password": PASSWORD});
    let (status, said) = ask(stream().await, "POST /v1/users", headers, &account).await;
    assert_eq!(status, 201, "{said}");
    let login = json!({"login": ADA, "password": PASSWORD});
    let (status, said) = ask(stream().await, "POST /v1/sessions", headers, &login).await;
    assert_eq!(status, 201, "{said}");
    said["access_token"].as_str().unwrap().to_owned()
}

async fn socket<S>(stream: S, token: &str, origin: &str) -> Result<WebSocketStream<S>, u16>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut request = "ws://localhost/v1/ws".into_client_request().unwrap();
    request.headers_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
    request.headers_mut().insert("origin", origin.parse().unwrap());
    match client_async(request, stream).await {
        Ok((socket, _)) => Ok(socket),
        Err(tokio_tungstenite::tungstenite::Error::Http(answer)) => Err(answer.status().as_u16()),
        Err(error) => panic!("{error}"),
    }
}

/// Sends a frame and reads until a frame answers it.
async fn say<S>(socket: &mut WebSocketStream<S>, frame: &Value) -> Value
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    socket.send(Message::text(frame.to_string())).await.unwrap();
    loop {
        let message = socket.next().await.expect("an answer").unwrap();
        let Message::Text(text) = message else { continue };
        let told: Value = serde_json::from_str(&text).unwrap();
        if told["id"] == frame["id"] {
            return told;
        }
    }
}

fn address(url: &str, scheme: &str) -> String {
    url.strip_prefix(scheme).unwrap_or_else(|| panic!("{url} is no {scheme}")).to_owned()
}

fn figure(metrics: &str, series: &str) -> Option<u64> {
    let line = metrics.lines().find_map(|line| line.strip_prefix(series))?;
    line.trim().parse().ok()
}

async fn metrics(installation: &Installation) -> String {
    let url = format!("{}/metrics", installation.place.operator(0));
    reqwest::get(url).await.unwrap().text().await.unwrap()
}

#[tokio::test]
async fn a_socket_over_tls_outlives_the_renewal_of_the_certificate() {
    let Some(authority) = Authority::new() else { return };
    let (used, next) = (authority.issue("used", 2), authority.issue("next", 3));
    let (cert, key) = (used.cert.to_str().unwrap(), used.key.to_str().unwrap());
    let installation = Installation::relaxed(&["--tls-cert", cert, "--tls-key", key]);
    let at = address(installation.place.url(0), "https://");
    let client = trusting(&authority.trusted());
    let stream = async || connect(&client, &at).await.unwrap();
    let token = token(|| connected(&client, &at), "").await;
    let bearer = format!("authorization: Bearer {token}\r\n");

    // A page of ours comes over https; over http it is foreign.
    let refused = socket(stream().await, &token, "http://localhost").await;
    assert_eq!(refused.err(), Some(403));
    let mut open = socket(stream().await, &token, "https://localhost").await.unwrap();
    let room = json!({"kind": "group", "name": "over TLS"});
    let (status, room) = ask(stream().await, "POST /v1/rooms", &bearer, &room).await;
    assert_eq!(status, 201, "{room}");
    // Together more than TLS and the kernel take at once.
    for number in 0..40 {
        let post =
            json!({"type": "post", "id": number, "room_id": room["id"], "body": "x".repeat(8_000)});
        assert_eq!(say(&mut open, &post).await["type"], "ok");
    }

    let first = shown(&client, &at).await;
    next.replace(&used);
    until("the next certificate is shown", async || {
        (shown(&client, &at).await != first).then_some(())
    })
    .await;
    assert_eq!(say(&mut open, &json!({"type": "ping", "id": "still"})).await["type"], "pong");
    let second = shown(&client, &at).await;

    std::fs::write(&used.cert, "no certificate").unwrap();
    let failed = "tidings_tls_reloads_total{outcome=\"failed\"}";
    until("the failure is counted", async || {
        figure(&metrics(&installation).await, failed).filter(|count| *count > 0)
    })
    .await;
    assert_eq!(shown(&client, &at).await, second, "the former one stays");
    assert!(installation.process.stderr().contains("the former one stays in use"));
    assert_eq!(say(&mut open, &json!({"type": "ping", "id": "yet"})).await["type"], "pong");
    let expires = "tidings_tls_certificate_expires_timestamp_seconds";
    assert!(figure(&metrics(&installation).await, expires).is_some());
}

async fn connected(client: &TlsConnector, at: &str) -> TlsStream<TcpStream> {
    connect(client, at).await.unwrap()
}

#[tokio::test]
async fn whom_a_client_does_not_trust_and_what_is_no_tls_is_refused() {
    let Some(authority) = Authority::new() else { return };
    let Some(other) = Authority::new() else { return };
    let used = authority.issue("used", 2);
    let (cert, key) = (used.cert.to_str().unwrap(), used.key.to_str().unwrap());
    let installation = Installation::relaxed(&["--tls-cert", cert, "--tls-key", key]);
    let at = address(installation.place.url(0), "https://");
    assert!(connect(&trusting(&other.trusted()), &at).await.is_err());
    let plain = TcpStream::connect(&at).await.unwrap();
    let (status, _) = ask(plain, "GET /readyz", "", &Value::Null).await;
    assert_eq!(status, 0, "plain text is not answered");
    let stream = connect(&trusting(&authority.trusted()), &at).await.unwrap();
    assert_eq!(ask(stream, "GET /readyz", "", &Value::Null).await.0, 200);
}

/// `curl`, as it speaks HTTP/2; none where it is not there or does not.
#[expect(clippy::print_stderr, reason = "a skipped test must be seen")]
fn curl(authority: &Path, arguments: &[&str]) -> Option<String> {
    let version = Command::new("curl").arg("--version").output().ok();
    if !version.is_some_and(|said| String::from_utf8_lossy(&said.stdout).contains("HTTP2")) {
        eprintln!("SKIPPED: no curl with HTTP/2");
        return None;
    }
    let mut curl = Command::new("curl");
    curl.args(["--silent", "--show-error", "--http2", "--noproxy", "*", "--cacert"]).arg(authority);
    let said = curl.args(arguments).output().unwrap();
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
    Some(String::from_utf8(said.stdout).unwrap())
}

#[tokio::test]
async fn clients_that_offer_it_speak_http2() {
    let Some(authority) = Authority::new() else { return };
    let used = authority.issue("used", 2);
    let (cert, key) = (used.cert.to_str().unwrap(), used.key.to_str().unwrap());
    let installation = Installation::relaxed(&["--tls-cert", cert, "--tls-key", key]);
    let url = installation.place.url(0).replace("127.0.0.1", "localhost");
    let how = ["--output", "/dev/null", "--write-out", "%{http_version} %{http_code}"];
    let of = |more: &[&str]| curl(&authority.trusted(), &[&how[..], more].concat());
    let Some(said) = of(&[&format!("{url}/readyz")]) else { return };
    assert_eq!(said, "2 200");
    let account = json!({"username": ADA, "email": "ada@example.org", "password": PASSWORD});
    let json = ["--header", "content-type: application/json", "--data"];
    let said = of(&[&json[..], &[&account.to_string(), &format!("{url}/v1/users")]].concat());
    assert_eq!(said.unwrap(), "2 201");
    // The host that is called stands elsewhere than in HTTP/1; pages of it are our own.
    for (origin, allowed) in [(url.clone(), true), ("https://elsewhere.org".to_owned(), false)] {
        let header = format!("origin: {origin}");
        let arguments = ["--dump-header", "-", "--output", "/dev/null", "--header", &header];
        let readyz = format!("{url}/readyz");
        let asked = [&arguments[..], &[&readyz]].concat();
        let heads = curl(&authority.trusted(), &asked).unwrap();
        assert_eq!(heads.contains("access-control-allow-origin"), allowed, "{origin}: {heads}");
    }
}

fn said(arguments: &[&str]) -> (Option<i32>, String) {
    let output = command(arguments).output().unwrap();
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn files_that_cannot_be_used_are_told_at_the_start_and_before() {
    let Some(authority) = Authority::new() else { return };
    let (good, other) = (authority.issue("good", 2), authority.issue("other", 2));
    let expired = authority.issue_expired("expired");
    let garbage = authority.path().join("garbage.pem");
    std::fs::write(&garbage, "-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n")
        .unwrap();
    let missing = authority.path().join("missing.pem");
    let data = TempDir::new().unwrap();
    let data = data.path().join("data");
    let cases: [(&PathBuf, &PathBuf, &str); 6] = [
        (&missing, &good.key, "cannot be read"),
        (&good.cert, &missing, "cannot be read"),
        (&garbage, &good.key, "holds no certificate"),
        (&good.cert, &garbage, "holds no private key"),
        (&good.cert, &other.key, "cannot be used together"),
        (&expired.cert, &expired.key, "expired at"),
    ];
    for (cert, key, wanted) in cases {
        let flags = ["--tls-cert", cert.to_str().unwrap(), "--tls-key", key.to_str().unwrap()];
        let place = ["--listen", "127.0.0.1:0", "--data", data.to_str().unwrap()];
        let (code, text) = said(&[&["check-config"][..], &flags, &place].concat());
        assert_eq!(code, Some(2), "{wanted}: {text}");
        assert!(text.contains(wanted), "{wanted}: {text}");
        assert!(!data.exists(), "check-config makes nothing");
    }
    // A start says the same.
    let flags = ["--tls-cert", expired.cert.to_str().unwrap(), "--tls-key"];
    let flags = [&flags[..], &[expired.key.to_str().unwrap()]].concat();
    let place = ["--listen", "127.0.0.1:0", "--data", data.to_str().unwrap()];
    let (code, text) = said(&[&["serve"][..], RELAXED, &flags, &place].concat());
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("expired at"), "{text}");
}

/// A `serve` at a place of its own, and the folder it lives in.
fn serve(listen: &str, folder: &Path) -> (Process, Value) {
    let mut call = command(&["serve", "--listen", listen, "--log", "info", "--data"]);
    call.arg(folder.join("data")).args(RELAXED);
    let process = Process::start("serve", &call, folder, None);
    let line = process.first_line().unwrap_or_else(|| panic!("{}", process.stderr_tail()));
    (process, serde_json::from_str(&line).unwrap())
}

#[tokio::test]
async fn a_unix_socket_is_for_a_proxy_and_is_removed_at_the_end() {
    let folder = TempDir::with_prefix("tidings-test-").unwrap();
    let path = folder.path().join("chat.sock");
    let listen = format!("unix:{}", path.display());
    let (mut process, ready) = serve(&listen, folder.path());
    assert_eq!(ready["http"], listen.as_str());
    let stream = || async { UnixStream::connect(&path).await.unwrap() };
    // What a proxy says is believed: nothing else can come this way.
    let proxied = "x-forwarded-for: 203.0.113.9\r\nx-forwarded-proto: https\r\n\
                   x-forwarded-host: chat.example.org\r\n";
    let token = token(stream, proxied).await;
    let bearer = format!("{proxied}authorization: Bearer {token}\r\n");
    let (status, sessions) = ask(stream().await, "GET /v1/sessions", &bearer, &Value::Null).await;
    assert_eq!((status, &sessions["items"][0]["ip"]), (200, &json!("203.0.113.9")), "{sessions}");
    let mut open = socket(stream().await, &token, "http://localhost").await.unwrap();
    assert_eq!(say(&mut open, &json!({"type": "ping", "id": 1})).await["type"], "pong");
    // A second server does not take it away.
    let second = TempDir::with_prefix("tidings-test-").unwrap();
    let data = second.path().join("data");
    let place = ["serve", "--listen", &listen, "--data", data.to_str().unwrap()];
    let (code, text) = said(&[&place[..], RELAXED].concat());
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("cannot listen"), "{text}");
    assert!(path.exists());
    process.signal(Signal::SIGTERM);
    assert_eq!(process.wait(), 0);
    assert!(!path.exists(), "the socket is removed");
}

#[tokio::test]
async fn every_address_is_both_kinds_of_ip() {
    if std::net::TcpListener::bind("[::1]:0").is_err() {
        return;
    }
    let folder = TempDir::with_prefix("tidings-test-").unwrap();
    let (mut process, ready) = serve("[::]:0", folder.path());
    let port = ready["http"].as_str().unwrap().rsplit(':').next().unwrap().to_owned();
    for ip in ["127.0.0.1", "[::1]"] {
        let stream = TcpStream::connect(format!("{ip}:{port}")).await.unwrap();
        assert_eq!(ask(stream, "GET /readyz", "", &Value::Null).await.0, 200, "{ip}");
    }
    process.signal(Signal::SIGTERM);
    assert_eq!(process.wait(), 0);
}
