//! A nats-server of a test's own, as an operator would run one beside Tidings.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use crate::kit::PATIENCE;
use crate::kit::process::{Process, pause};
use crate::kit::server;

/// A running server, and how to start it again on the same store and port.
pub struct NatsServer {
    /// Its process.
    pub process: Process,
    /// `127.0.0.1:port`.
    pub address: String,
    folder: PathBuf,
    jetstream: String,
}

/// Starts a nats-server with a configuration, which is kept in the folder.
fn spawn(folder: &Path, port: &str, jetstream: &str, left: Option<&Path>) -> Process {
    let store = folder.join("nats");
    let config = format!(
        "listen: \"127.0.0.1:{port}\"\nports_file_dir: {folder:?}\n\
         jetstream {{ store_dir: {store:?}\n {jetstream} }}\n"
    );
    let file = folder.join("nats.conf");
    std::fs::write(&file, config).expect("its configuration");
    let mut command = Command::new(server("TIDINGS_NATS_SERVER", "nats-server"));
    command.arg("-c").arg(file);
    Process::start("nats", &command, folder, left)
}

impl NatsServer {
    /// Starts one that stores below a folder, on a free port.
    ///
    /// # Panics
    /// When it does not come up.
    #[must_use]
    pub fn start(folder: &Path) -> Self {
        Self::start_with(folder, "")
    }

    /// The same with settings of JetStream's own, such as `sync_interval: always`.
    #[must_use]
    pub fn start_with(folder: &Path, jetstream: &str) -> Self {
        Self::begin(folder, jetstream, None)
    }

    /// The same for as long as the test process runs; the whole folder is removed afterwards.
    #[must_use]
    pub fn lasting(folder: &Path) -> Self {
        Self::begin(folder, "", Some(folder))
    }

    fn begin(folder: &Path, jetstream: &str, left: Option<&Path>) -> Self {
        let process = spawn(folder, "-1", jetstream, left);
        let ports = folder.join(format!("nats-server_{}.ports", process.pid()));
        let deadline = Instant::now() + PATIENCE;
        let address = loop {
            let text = std::fs::read_to_string(&ports).unwrap_or_default();
            let known: Value = serde_json::from_str(&text).unwrap_or_default();
            if let Some(url) = known["nats"][0].as_str() {
                break url.trim_start_matches("nats://").to_owned();
            }
            assert!(Instant::now() < deadline, "no ports file:\n{}", process.stderr_tail());
            pause();
        };
        let (folder, jetstream) = (folder.to_owned(), jetstream.to_owned());
        Self { process, address, folder, jetstream }
    }

    /// `nats://127.0.0.1:port`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("nats://{}", self.address)
    }

    /// Ends it as a power cut would, and starts it again on the same store and port.
    pub fn crash_and_return(&mut self) {
        self.process.kill();
        self.start_again();
    }

    /// Starts it again on the same store and port, after it was ended.
    pub fn start_again(&mut self) {
        assert!(!self.process.runs(), "it still runs");
        let port = self.address.rsplit(':').next().unwrap_or_default().to_owned();
        self.process = spawn(&self.folder, &port, &self.jetstream, None);
    }

    /// From its next start on it has other settings of JetStream.
    pub fn set_up(&mut self, jetstream: &str) {
        jetstream.clone_into(&mut self.jetstream);
    }
}

/// Publishes as any client of a server could; returns when JetStream has answered.
///
/// # Panics
/// When it does not.
pub async fn publish(url: &str, subject: &str, payload: &str) {
    let rest = url.trim_start_matches("nats://");
    let (login, address) = rest.split_once('@').unwrap_or((":", rest));
    let (user, password) = login.split_once(':').unwrap_or((login, ""));
    let connect = serde_json::json!({"verbose": false, "user": user, "pass": password});
    let stream = TcpStream::connect(address).await.expect("a connection");
    let (read, mut write) = stream.into_split();
    let length = payload.len();
    let text = format!(
        "CONNECT {connect}\r\nSUB answer 1\r\nPUB {subject} answer {length}\r\n{payload}\r\n"
    );
    write.write_all(text.as_bytes()).await.expect("it is sent");
    let mut lines = BufReader::new(read).lines();
    while let Some(line) = lines.next_line().await.expect("a line") {
        assert!(!line.starts_with("-ERR"), "{line}");
        if line.starts_with("MSG answer") {
            return;
        }
    }
    panic!("the server has hung up");
}
