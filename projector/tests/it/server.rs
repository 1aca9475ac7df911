//! Real servers for the tests, each ended when dropped.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;
use tokio::time::{Instant, sleep};

const PATIENCE: Duration = Duration::from_secs(60);

fn installed(name: &str) -> PathBuf {
    let local = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../.tools/bin").join(name);
    if local.exists() { local } else { name.into() }
}

/// A mongod as a replica set of one, so that transactions work.
pub(crate) struct Mongo {
    child: Child,
    url: String,
    _folder: TempDir,
}

impl Mongo {
    /// None, said loudly, where there is no mongod; with `TIDINGS_REQUIRE_MONGODB=1` that is a failure.
    pub(crate) async fn start() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let port = free_port();
        let spawned = Command::new(installed("mongod"))
            .args(["--replSet", "rs0", "--bind_ip", "127.0.0.1", "--nounixsocket", "--quiet"])
            .args(["--wiredTigerCacheSizeGB", "0.25", "--port", &port.to_string(), "--dbpath"])
            .arg(folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let required = std::env::var_os("TIDINGS_REQUIRE_MONGODB").is_some_and(|set| set == "1");
        let child = match spawned {
            Ok(child) => child,
            Err(error) if required => panic!("mongod is required: {error}"),
            Err(error) => {
                eprintln!("*** SKIPPED: no mongod here, so MongoDB is NOT tested ({error}) ***");
                return None;
            }
        };
        let url = format!("mongodb://127.0.0.1:{port}/?replicaSet=rs0");
        let server = Self { child, url, _folder: folder };
        server.initiate(port).await;
        Some(server)
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    async fn initiate(&self, port: u16) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match readmodel::initiate_replica_set("127.0.0.1", port).await {
                Ok(()) => return,
                Err(error) => assert!(Instant::now() < deadline, "mongod did not start: {error:?}"),
            }
            sleep(Duration::from_millis(100)).await;
        }
    }
}

impl Drop for Mongo {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// A port that was free a moment ago.
pub(crate) fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// A nats-server with JetStream on a free port.
pub(crate) struct Nats {
    child: Child,
    url: String,
    _folder: TempDir,
}

impl Nats {
    pub(crate) async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        let config = format!(
            "listen: \"127.0.0.1:-1\"\nports_file_dir: {path:?}\njetstream {{ store_dir: {:?} }}\n",
            path.join("store")
        );
        std::fs::write(path.join("nats.conf"), config).unwrap();
        let child = Command::new(installed("nats-server"))
            .arg("-c")
            .arg(path.join("nats.conf"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let ports = path.join(format!("nats-server_{}.ports", child.id()));
        let mut server = Self { child, url: String::new(), _folder: folder };
        let deadline = Instant::now() + PATIENCE;
        while server.url.is_empty() {
            assert!(Instant::now() < deadline, "nats-server did not start");
            let text = std::fs::read_to_string(&ports).unwrap_or_default();
            if let Some(rest) = text.split("nats://").nth(1)
                && let Some(address) = rest.split('"').next()
            {
                server.url = format!("nats://{address}");
            }
            sleep(Duration::from_millis(10)).await;
        }
        server
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for Nats {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
