//! The servers a benchmark starts: a raw nats-server, a raw mongod and `tidings serve`, each on a free port in a
//! folder of its own. Dropping a handle ends its process.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde::Deserialize;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::builds::Build;
pub(crate) use crate::outcome::{BenchError, Outcome, unexpected};

fn tool(name: &str, variable: &str) -> PathBuf {
    if let Some(path) = std::env::var_os(variable) {
        return path.into();
    }
    let local = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.tools/bin").join(name);
    if local.exists() { local } else { name.into() }
}

/// A free TCP port on loopback.
pub(crate) fn free_port() -> Outcome<u16> {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0))?;
    Ok(listener.local_addr()?.port())
}

/// A child process that does not outlive its handle.
pub(crate) struct Running {
    child: Child,
    /// The folder it works in.
    pub folder: TempDir,
}

impl Running {
    /// Its process id; 0 once it has ended.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id().unwrap_or(0)
    }

    /// Asks it to end and waits, 20 s at most, then kills it.
    pub(crate) async fn stop(&mut self) {
        if let Some(pid) = self.child.id().and_then(|id| i32::try_from(id).ok()) {
            let _ = kill(Pid::from_raw(pid), Signal::SIGTERM);
        }
        if tokio::time::timeout(Duration::from_secs(20), self.child.wait()).await.is_err() {
            let _ = self.child.kill().await;
        }
    }
}

async fn wait_for_port(port: u16) -> Outcome<()> {
    let deadline = Instant::now() + Duration::from_secs(30);
    while Instant::now() < deadline {
        if tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_ok() {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Err(BenchError::Unexpected(format!("nothing listens on port {port}")))
}

/// A bare nats-server with JetStream.
pub(crate) struct Nats {
    /// Its process.
    _running: Running,
    /// Where it listens.
    pub url: String,
}

/// Starts a nats-server; `sync_always` sets `sync_interval: always`.
pub(crate) async fn nats(sync_always: bool) -> Outcome<Nats> {
    let folder = tempfile::tempdir()?;
    let port = free_port()?;
    let sync = if sync_always { "always" } else { "2m" };
    let config = format!(
        "listen: \"127.0.0.1:{port}\"\njetstream {{ store_dir: {:?}, sync_interval: {sync} }}\n",
        folder.path().join("js").display().to_string()
    );
    let file = folder.path().join("nats.conf");
    std::fs::write(&file, config)?;
    let child = Command::new(tool("nats-server", "TIDINGS_NATS_SERVER"))
        .arg("-c")
        .arg(&file)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()?;
    wait_for_port(port).await?;
    Ok(Nats { _running: Running { child, folder }, url: format!("nats://127.0.0.1:{port}") })
}

/// A single-node MongoDB replica set.
pub(crate) struct Mongo {
    /// Its process.
    _running: Running,
    /// Its connection string.
    pub url: String,
}

/// Starts a mongod and makes it a replica set of one, so that it has transactions.
pub(crate) async fn mongo() -> Outcome<Mongo> {
    let folder = tempfile::tempdir()?;
    let port = free_port()?;
    let child = Command::new(tool("mongod", "TIDINGS_MONGOD"))
        .args(["--replSet", "rs0", "--bind_ip", "127.0.0.1", "--port", &port.to_string()])
        .arg("--dbpath")
        .arg(folder.path())
        .args(["--wiredTigerCacheSizeGB", "1"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()?;
    wait_for_port(port).await?;
    let url = format!("mongodb://127.0.0.1:{port}/?replicaSet=rs0");
    let direct = format!("mongodb://127.0.0.1:{port}/?directConnection=true");
    let client = mongodb::Client::with_uri_str(&direct).await.map_err(unexpected)?;
    let admin = client.database("admin");
    let members = mongodb::bson::doc! {"_id": "rs0", "members": [{"_id": 0, "host": format!("127.0.0.1:{port}")}]};
    admin
        .run_command(mongodb::bson::doc! {"replSetInitiate": members})
        .await
        .map_err(unexpected)?;
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let hello =
            admin.run_command(mongodb::bson::doc! {"hello": 1}).await.map_err(unexpected)?;
        if hello.get_bool("isWritablePrimary").unwrap_or(false) {
            return Ok(Mongo { _running: Running { child, folder }, url });
        }
        if Instant::now() > deadline {
            return Err(BenchError::Unexpected("mongod does not become primary".into()));
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// A running `tidings serve`.
pub(crate) struct Tidings {
    /// Its process.
    pub running: Running,
    /// Its program, for an operator's commands.
    pub program: PathBuf,
    /// `http://127.0.0.1:<port>`.
    pub http: String,
    /// The base URL of the admin port; older builds have none and answer everything on the public one.
    pub admin: String,
    /// `127.0.0.1:<port>`.
    pub address: String,
}

#[derive(Deserialize)]
struct Ready {
    http: String,
    admin: Option<String>,
}

/// Starts `tidings serve` in a new folder with the given extra flags, rate limits off.
pub(crate) async fn tidings(build: &Build, flags: &[&str]) -> Outcome<Tidings> {
    tidings_in(build, tempfile::tempdir()?, flags).await
}

/// Starts `tidings serve` over an existing data folder.
pub(crate) async fn tidings_in(build: &Build, folder: TempDir, flags: &[&str]) -> Outcome<Tidings> {
    let log = std::fs::File::create(folder.path().join("log.jsonl"))?;
    let mut child = Command::new(build.program())
        .args(["serve", "--listen", "127.0.0.1:0"])
        .args(build.flags(flags))
        .arg("--data")
        .arg(folder.path())
        .args(flags)
        .stdout(Stdio::piped())
        .stderr(log)
        .kill_on_drop(true)
        .spawn()?;
    let stdout = child.stdout.take().ok_or_else(|| unexpected("no standard output"))?;
    let mut lines = BufReader::new(stdout).lines();
    let line = tokio::time::timeout(Duration::from_secs(60), lines.next_line()).await;
    let line =
        line.map_err(unexpected)??.ok_or_else(|| unexpected("tidings ended at its start"))?;
    let Ready { http, admin } = serde_json::from_str(&line).map_err(unexpected)?;
    let address = http.trim_start_matches("http://").to_owned();
    let admin = admin.unwrap_or_else(|| http.clone());
    let program = build.program().to_owned();
    Ok(Tidings { running: Running { child, folder }, program, http, admin, address })
}

/// The stream of the default namespace.
pub(crate) const STREAM: &str = "EVENTS_tidings";

/// Connects to JetStream at a URL that may hold user and password.
pub(crate) async fn jetstream_of(url: &str) -> Outcome<async_nats::jetstream::Context> {
    let address: async_nats::ServerAddr = url.parse().map_err(unexpected)?;
    let options = match (address.username(), address.password()) {
        (Some(user), Some(password)) => {
            async_nats::ConnectOptions::with_user_and_password(user.into(), password.into())
        }
        _ => async_nats::ConnectOptions::new(),
    };
    let client = options.connect(address).await.map_err(unexpected)?;
    Ok(async_nats::jetstream::new(client))
}

/// Waits until the gateway and chat-svc have followed the log to its end.
pub(crate) async fn wait_until_followed(server: &Tidings) -> Outcome<()> {
    let context = jetstream_of(&server.nats_url()?).await?;
    let mut stream = context.get_stream(STREAM).await.map_err(unexpected)?;
    let deadline = Instant::now() + Duration::from_secs(120);
    while Instant::now() < deadline {
        let head = stream.info().await.map_err(unexpected)?.state.last_sequence;
        let metrics =
            reqwest::get(format!("{}/metrics", server.admin)).await.map_err(unexpected)?;
        let metrics = metrics.text().await.map_err(unexpected)?;
        let gauge = |name: &str| {
            let mut lines = metrics.lines();
            lines.find_map(|line| line.strip_prefix(name)?.trim().parse::<u64>().ok())
        };
        let places = ["tidings_live_position ", "tidings_chat_past_position "];
        if places.iter().all(|name| gauge(name) >= Some(head)) {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Err(unexpected("the gateway or chat-svc does not follow the log"))
}

impl Tidings {
    /// The process ids of `tidings` and of the nats-server it spawned.
    pub(crate) fn pids(&self) -> Vec<u32> {
        let own = self.running.pid();
        let mut pids = vec![own];
        // Linux lists a child under the thread that started it.
        let threads = std::fs::read_dir(format!("/proc/{own}/task"));
        for thread in threads.into_iter().flatten().flatten() {
            let children = std::fs::read_to_string(thread.path().join("children"));
            let children = children.unwrap_or_default();
            pids.extend(children.split_whitespace().filter_map(|t| t.parse::<u32>().ok()));
        }
        pids
    }

    /// The URL of the nats-server it spawned.
    pub(crate) fn nats_url(&self) -> Outcome<String> {
        let text = std::fs::read_to_string(self.running.folder.path().join("run.json"))?;
        let run: serde_json::Value = serde_json::from_str(&text).map_err(unexpected)?;
        run.get("nats")
            .and_then(|v| v.as_str())
            .map(str::to_owned)
            .ok_or_else(|| unexpected("run.json names no nats"))
    }
}
