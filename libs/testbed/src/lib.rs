//! Real servers for tests, each on a port and in a folder of its own, each ended when its handle is
//! dropped; and waiting for a condition instead of for time.
//!
//! Only tests depend on this crate. It knows how to start a program and, of Tidings, the golden files only.
#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "in a test a server that does not start is a failure with a message"
)]

mod golden;

use std::hash::{BuildHasher, RandomState};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tempfile::TempDir;
use tokio::time::{Instant, sleep};

pub use golden::every_event;

/// How long any condition may take to come true.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Waits, 30 s at most, until `look` finds something, and gives it. Panics naming `what` was waited for.
pub async fn until<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(Instant::now() < deadline, "waited too long until {what}");
        sleep(Duration::from_millis(10)).await;
    }
}

/// A loopback port for a server that must be told its port before it starts: free a moment ago, given to no other one of
/// this process, and below the ports that Linux gives to outgoing connections and to listeners that ask for any (32768 and
/// up). Tests open hundreds of those a second; a port of theirs may be taken again before the server binds it.
///
/// # Panics
/// When none of a thousand is free.
#[must_use]
pub fn free_port() -> u16 {
    /// Ports from 14,000 on.
    const PORTS: u64 = 18_000;
    /// Leads through all of them before any comes again, from a place of this process's own.
    const STEP: u64 = 7_919;
    static NEXT: LazyLock<AtomicU64> =
        LazyLock::new(|| AtomicU64::new(RandomState::new().hash_one(()) % PORTS));
    let free = |port: &u16| std::net::TcpListener::bind(("127.0.0.1", *port)).is_ok();
    let draws = std::iter::repeat_with(|| NEXT.fetch_add(STEP, Ordering::Relaxed) % PORTS);
    let ports = draws.map(|drawn| 14_000 + u16::try_from(drawn).expect("below 18,000"));
    ports.take(1000).find(free).expect("a free port")
}

/// A program of `.tools/bin`, unless `variable` names another, else from the PATH.
#[must_use]
pub fn tool(name: &str, variable: &str) -> PathBuf {
    if let Some(path) = std::env::var_os(variable) {
        return path.into();
    }
    let local = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.tools/bin").join(name);
    if local.exists() { local } else { name.into() }
}

fn quiet(program: &mut Command) -> std::io::Result<Child> {
    program.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()
}

/// A nats-server with JetStream.
pub struct Nats {
    child: Child,
    folder: TempDir,
    port: u16,
    sync_always: bool,
}

impl Nats {
    /// Starts one on a free port.
    pub async fn start() -> Self {
        Self::start_with(false).await
    }

    /// Starts one that syncs every write to disk.
    pub async fn start_sync_always() -> Self {
        Self::start_with(true).await
    }

    async fn start_with(sync_always: bool) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let child = Self::spawn(&folder, "-1", sync_always);
        let ports = folder.path().join(format!("nats-server_{}.ports", child.id()));
        let mut server = Self { child, folder, port: 0, sync_always };
        server.port = until("nats-server listens", async || read_port(&ports)).await;
        server
    }

    fn spawn(folder: &TempDir, port: &str, sync_always: bool) -> Child {
        let path = folder.path();
        let store = path.join("store");
        let sync = if sync_always { "sync_interval: always" } else { "" };
        let config = format!(
            "listen: \"127.0.0.1:{port}\"\nports_file_dir: {path:?}\njetstream {{ store_dir: {store:?}\n {sync} }}\n"
        );
        let file = path.join("nats.conf");
        std::fs::write(&file, config).expect("its configuration");
        let mut program = Command::new(tool("nats-server", "NATS_SERVER"));
        quiet(program.arg("-c").arg(file)).expect("nats-server starts")
    }

    /// Where it listens.
    #[must_use]
    pub fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    /// The folder of its data.
    #[must_use]
    pub fn store(&self) -> PathBuf {
        self.folder.path().join("store")
    }

    /// Its process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Ends it as `kill -9` would.
    pub fn kill(&mut self) {
        self.child.kill().expect("killed");
        self.child.wait().expect("ended");
    }

    /// Starts it again on the same port and data.
    pub fn revive(&mut self) {
        self.child = Self::spawn(&self.folder, &self.port.to_string(), self.sync_always);
    }
}

impl Drop for Nats {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn read_port(file: &Path) -> Option<u16> {
    let text = std::fs::read_to_string(file).ok()?;
    let tail = text.split("nats://127.0.0.1:").nth(1)?;
    tail.split('"').next()?.parse().ok()
}

/// A mongod, started as a member of the replica set `rs0`, which the test has yet to initiate.
pub struct Mongo {
    child: Child,
    folder: TempDir,
    port: u16,
}

impl Mongo {
    /// Starts one. None, with a line on stderr, where there is no mongod; with `TIDINGS_REQUIRE_MONGODB=1` that is a
    /// failure.
    #[must_use]
    pub fn start() -> Option<Self> {
        let folder = tempfile::tempdir().expect("a folder");
        let port = free_port();
        match Self::spawn(&folder, port) {
            Ok(child) => Some(Self { child, folder, port }),
            Err(error) if std::env::var_os("TIDINGS_REQUIRE_MONGODB").is_some_and(|v| v == "1") => {
                panic!("mongod is required: {error}")
            }
            Err(error) => {
                eprintln!("*** SKIPPED: no mongod here, so MongoDB is NOT tested ({error}) ***");
                None
            }
        }
    }

    fn spawn(folder: &TempDir, port: u16) -> std::io::Result<Child> {
        let mut program = Command::new(tool("mongod", "MONGOD"));
        program
            .args(["--replSet", "rs0", "--bind_ip", "127.0.0.1", "--nounixsocket", "--quiet"])
            // Fail points: a test may delay the server at a place of its choice.
            .args(["--setParameter", "enableTestCommands=1"])
            .args(["--wiredTigerCacheSizeGB", "0.25", "--port", &port.to_string(), "--dbpath"])
            .arg(folder.path());
        quiet(&mut program)
    }

    /// Its port on 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Its connection string.
    #[must_use]
    pub fn url(&self) -> String {
        format!("mongodb://127.0.0.1:{}/?replicaSet=rs0", self.port)
    }

    /// Ends it as `kill -9` would.
    pub fn kill(&mut self) {
        self.child.kill().expect("killed");
        self.child.wait().expect("ended");
    }

    /// Starts it again on the same port and data.
    pub fn revive(&mut self) {
        self.child = Self::spawn(&self.folder, self.port).expect("mongod starts again");
    }
}

impl Drop for Mongo {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_port_is_given_twice() {
        let given: HashSet<u16> = (0..1000).map(|_| free_port()).collect();
        assert_eq!(given.len(), 1000);
    }
}
