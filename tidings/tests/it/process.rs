//! A `tidings` process and what can be seen of it from outside.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

const DEADLINE: Duration = Duration::from_secs(60);

/// The binary with an environment that says nothing but where nats-server is.
pub(crate) fn tidings() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tidings"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("TIDINGS_")) {
        command.env_remove(name);
    }
    let provisioned = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.tools/bin/nats-server");
    let server = std::env::var_os("TIDINGS_NATS_SERVER").map_or(provisioned, PathBuf::from);
    command.env("TIDINGS_NATS_SERVER", server);
    command
}

/// Waits until something is there, and fails loudly when it does not come.
#[track_caller]
pub(crate) fn eventually<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(began.elapsed() < DEADLINE, "{what}: not within {DEADLINE:?}");
        std::thread::park_timeout(Duration::from_millis(10));
    }
}

/// A process of the binary, asked to stop when dropped.
pub(crate) struct Running {
    child: Child,
    /// The first line it wrote to stdout.
    pub(crate) ready: Value,
}

impl Running {
    /// Starts it and waits for its ready line.
    pub(crate) fn start(arguments: &[&str], data: &Path) -> Self {
        Self::begin(arguments, data, Stdio::null())
    }

    /// The same, with its log in a file.
    pub(crate) fn start_logging(arguments: &[&str], data: &Path, log: &Path) -> Self {
        Self::begin(arguments, data, std::fs::File::create(log).unwrap().into())
    }

    fn begin(arguments: &[&str], data: &Path, log: Stdio) -> Self {
        let mut child = tidings()
            .args(arguments)
            .arg("--data")
            .arg(data)
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        Self { child, ready: serde_json::from_str(&line).unwrap_or(Value::Null) }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(i32::try_from(self.child.id()).unwrap()), signal).unwrap();
    }

    pub(crate) fn ended(&mut self) -> ExitStatus {
        eventually("the process ends", || self.child.try_wait().unwrap())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.child.try_wait().unwrap().is_none() {
            self.signal(Signal::SIGTERM);
            self.ended();
        }
    }
}

/// A `tidings serve` on a free port.
pub(crate) struct Serve {
    process: Running,
    data: PathBuf,
}

impl Serve {
    pub(crate) fn start(data: &Path) -> Self {
        let arguments = ["serve", "--listen", "127.0.0.1:0", "--bcrypt-cost", "4"];
        Self { process: Running::start(&arguments, data), data: data.to_owned() }
    }

    /// What `run.json` says now.
    pub(crate) fn run_json(&self) -> Value {
        serde_json::from_slice(&std::fs::read(self.data.join("run.json")).unwrap()).unwrap()
    }
}

impl std::ops::Deref for Serve {
    type Target = Running;
    fn deref(&self) -> &Running {
        &self.process
    }
}

impl std::ops::DerefMut for Serve {
    fn deref_mut(&mut self) -> &mut Running {
        &mut self.process
    }
}

/// The status a `GET` is answered with.
pub(crate) fn get(http: &str, path: &str) -> u16 {
    let address = http.strip_prefix("http://").unwrap();
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line).unwrap();
    line.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap()
}

/// The nats-server that runs with this data folder's configuration.
pub(crate) fn nats_server_of(data: &Path) -> Option<Pid> {
    let conf = std::fs::canonicalize(data).ok()?.join("nats/nats.conf");
    std::fs::read_dir("/proc").unwrap().find_map(|entry| {
        let pid: i32 = entry.ok()?.file_name().to_str()?.parse().ok()?;
        let line = std::fs::read(format!("/proc/{pid}/cmdline")).ok()?;
        let mut words = line.split(|byte| *byte == 0);
        let server = words.next()?.ends_with(b"nats-server");
        let ours = words.any(|word| word == conf.as_os_str().as_encoded_bytes());
        (server && ours).then(|| Pid::from_raw(pid))
    })
}

/// Whether something greets clients like a nats-server at this address.
pub(crate) fn greets(url: &Value) -> bool {
    let address = url.as_str().unwrap().rsplit('@').next().unwrap();
    let Ok(stream) = std::net::TcpStream::connect(address) else { return false };
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line).is_ok() && line.starts_with("INFO ")
}
