//! A nats-server of one's own, and events to write.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::time::Duration;

use eventlog::{Connect, EventLog, Expect, LaneWrite, Topology};
use schemas::events::NameClaimed;
use schemas::{Actor, Event, EventId, Lane, NameKey, Namespace, RoomId, Timestamp, UserId};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
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

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
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

    /// Where the messages of a stream lie.
    pub(crate) fn blocks(&self, stream: &str) -> PathBuf {
        let streams = self.folder.path().join("store/jetstream/$G/streams");
        streams.join(stream).join("msgs")
    }

    /// Deletes the data of a killed server.
    pub(crate) fn lose_everything(&self) {
        std::fs::remove_dir_all(self.folder.path().join("store")).expect("deleted");
    }

    pub(crate) async fn connect(&self) -> EventLog {
        connect(self.url()).await
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

pub(crate) async fn connect(url: String) -> EventLog {
    let namespace = Namespace::parse("test").expect("a namespace");
    let client_name = "eventlog-test".to_owned();
    let connect = Connect { url, client_name, namespace };
    EventLog::connect(connect).await.expect("connected")
}

fn spawn(folder: &TempDir, port: i32, sync_always: bool) -> Child {
    let path = folder.path();
    let store = path.join("store");
    let sync = if sync_always { "sync_interval: always" } else { "" };
    let config = format!(
        "listen: \"127.0.0.1:{port}\"\nports_file_dir: {path:?}\njetstream {{ store_dir: {store:?}\n {sync} }}\n"
    );
    run(path, &config)
}

/// Runs a nats-server with a configuration; its log goes into the folder.
pub(crate) fn run(folder: &Path, config: &str) -> Child {
    let file = folder.join("nats.conf");
    std::fs::write(&file, config).expect("configuration");
    let log = std::fs::OpenOptions::new().create(true).append(true).open(folder.join("log"));
    Command::new(binary())
        .arg("-c")
        .arg(file)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log.expect("a log file"))
        .spawn()
        .expect("nats-server starts")
}

fn read_port(file: &Path) -> Option<u16> {
    let text = std::fs::read_to_string(file).ok()?;
    let tail = text.split("nats://127.0.0.1:").nth(1)?;
    tail.split('"').next()?.parse().ok()
}

static COUNTER: AtomicU64 = AtomicU64::new(1);

pub(crate) fn fresh() -> Uuid {
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
    LaneWrite::new(*lane, event(text), expect)
}

/// Writes a numbered event to a lane without any expectation.
pub(crate) async fn put(log: &EventLog, lane: &Lane, text: &str) -> u64 {
    let appended = log.append(vec![write(lane, text, Expect::Any)]).await.expect("appended");
    appended.position.sequence
}

/// Stands between a client and the server and, when told to, lets the next request through and
/// cuts the connection in place of its answer.
pub(crate) struct Proxy {
    port: u16,
    next: Arc<AtomicU8>,
    pub(crate) cuts: Arc<AtomicU64>,
    task: tokio::task::JoinHandle<()>,
}

/// What becomes of the next acknowledgement of a write.
const PASSES: u8 = 0;
const IS_CUT: u8 = 1;
const IS_LOST: u8 = 2;

impl Proxy {
    pub(crate) async fn start(server: &Server) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let (next, cuts) = (Arc::new(AtomicU8::new(PASSES)), Arc::new(AtomicU64::new(0)));
        let (fate, count, target) = (Arc::clone(&next), Arc::clone(&cuts), server.port);
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let Ok(server) = TcpStream::connect(("127.0.0.1", target)).await else { continue };
                tokio::spawn(carry(client, server, Arc::clone(&fate), Arc::clone(&count)));
            }
        });
        Self { port, next, cuts, task }
    }

    pub(crate) fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    /// Cuts the connection in place of the next acknowledgement of a write.
    pub(crate) fn cut_next_answer(&self) {
        self.next.store(IS_CUT, Ordering::SeqCst);
    }

    /// Loses the next acknowledgement of a write; the connection stays.
    pub(crate) fn lose_next_answer(&self) {
        self.next.store(IS_LOST, Ordering::SeqCst);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn carry(client: TcpStream, server: TcpStream, next: Arc<AtomicU8>, cuts: Arc<AtomicU64>) {
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let upwards = tokio::spawn(async move {
        drop(tokio::io::copy(&mut from_client, &mut to_server).await);
    });
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(count @ 1..) = from_server.read(&mut buffer).await {
        let part = &buffer[..count];
        // Acknowledgements of writes begin like this; answers to other questions do not.
        let is_ack = part.windows(11).any(|bytes| bytes == b"{\"stream\":\"");
        let fate = if is_ack { next.swap(PASSES, Ordering::SeqCst) } else { PASSES };
        if fate != PASSES {
            cuts.fetch_add(1, Ordering::SeqCst);
        }
        match fate {
            IS_CUT => break,
            IS_LOST => continue,
            _ => {}
        }
        if to_client.write_all(part).await.is_err() {
            break;
        }
    }
    upwards.abort();
}

/// A lane of a name, by the key of these tests.
pub(crate) fn handle(name: &str) -> Lane {
    NameKey::new(&[1; NameKey::BYTES]).handle(name)
}
