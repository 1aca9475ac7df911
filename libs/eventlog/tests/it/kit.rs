//! A nats-server of one's own, and events to write.

#![expect(dead_code, reason = "also used by the tests of bus, which need only a part")]

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use eventlog::{Connect, EventLog, Expect, LaneWrite, Topology};
use schemas::events::NameClaimed;
use schemas::{Actor, Event, EventId, Lane, Namespace, RoomId, Timestamp, UserId};
use tempfile::TempDir;
use tokio::time::{Instant, sleep};
use uuid::Uuid;

/// How long any condition may take to come true.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A nats-server with JetStream on a free port, ended when dropped.
pub(crate) struct Server {
    child: Child,
    folder: TempDir,
    port: u16,
    sync_always: bool,
}

fn binary() -> PathBuf {
    let installed =
        PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../.tools/bin/nats-server"));
    match std::env::var_os("NATS_SERVER") {
        Some(path) => path.into(),
        None if installed.exists() => installed,
        None => "nats-server".into(),
    }
}

impl Server {
    pub(crate) async fn start() -> Self {
        Self::start_with(false).await
    }

    /// One that syncs every write to disk.
    pub(crate) async fn start_sync_always() -> Self {
        Self::start_with(true).await
    }

    async fn start_with(sync_always: bool) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let child = spawn(&folder, -1, sync_always);
        let ports = folder.path().join(format!("nats-server_{}.ports", child.id()));
        let mut server = Self { child, folder, port: 0, sync_always };
        let deadline = Instant::now() + PATIENCE;
        while server.port == 0 {
            assert!(Instant::now() < deadline, "nats-server did not start");
            if let Some(port) = read_port(&ports) {
                server.port = port;
            }
            sleep(Duration::from_millis(10)).await;
        }
        server
    }

    pub(crate) fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    /// As `kill -9` would.
    pub(crate) fn kill(&mut self) {
        self.child.kill().expect("killed");
        self.child.wait().expect("ended");
    }

    /// Starts it again on the same port and data.
    pub(crate) fn revive(&mut self) {
        self.child = spawn(&self.folder, self.port.into(), self.sync_always);
    }

    pub(crate) async fn connect(&self) -> EventLog {
        let namespace = Namespace::parse("test").expect("a namespace");
        let client_name = "eventlog-test".to_owned();
        let connect = Connect { url: self.url(), client_name, namespace };
        EventLog::connect(connect).await.expect("connected")
    }

    /// Connected, with its stream.
    pub(crate) async fn log(&self) -> EventLog {
        let log = self.connect().await;
        log.ensure_topology(&Topology::default()).await.expect("topology");
        log
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn spawn(folder: &TempDir, port: i32, sync_always: bool) -> Child {
    let path = folder.path();
    let store = path.join("store");
    let sync = if sync_always { "sync_interval: always" } else { "" };
    let config = format!(
        "listen: \"127.0.0.1:{port}\"\nports_file_dir: {path:?}\njetstream {{ store_dir: {store:?}\n {sync} }}\n"
    );
    let file = path.join("nats.conf");
    std::fs::write(&file, config).expect("configuration");
    let log = std::fs::OpenOptions::new().create(true).append(true).open(path.join("log"));
    Command::new(binary())
        .arg("-c")
        .arg(file)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log.expect("a log file"))
        .spawn()
        .expect("nats-server starts")
}

fn read_port(file: &std::path::Path) -> Option<u16> {
    let text = std::fs::read_to_string(file).ok()?;
    let tail = text.split("nats://127.0.0.1:").nth(1)?;
    tail.split('"').next()?.parse().ok()
}

static COUNTER: AtomicU64 = AtomicU64::new(1);

fn fresh() -> Uuid {
    Uuid::from_u128(COUNTER.fetch_add(1, Ordering::Relaxed).into())
}

pub(crate) fn room() -> RoomId {
    RoomId::from_uuid(fresh())
}

pub(crate) fn user() -> UserId {
    UserId::from_uuid(fresh())
}

/// An event that can be told by its text.
pub(crate) fn event(text: &str) -> Event {
    Event {
        id: EventId::from_uuid(fresh()),
        time: Timestamp::from_millis(1_795_255_200_000),
        actor: Actor::System,
        causation: None,
        traceparent: None,
        data: NameClaimed { owner: text.to_owned() }.into(),
    }
}

pub(crate) fn write(lane: &Lane, text: &str, expect: Expect) -> LaneWrite {
    LaneWrite::new(lane.clone(), event(text), expect)
}

/// Writes a numbered event to a lane without any expectation.
pub(crate) async fn put(log: &EventLog, lane: &Lane, text: &str) -> u64 {
    let appended = log.append(vec![write(lane, text, Expect::Any)]).await.expect("appended");
    appended.position.sequence
}
