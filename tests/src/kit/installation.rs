//! `tidings serve` in a folder of its own.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Instant;

use serde_json::Value;
use tempfile::TempDir;

use crate::kit::process::{self, Process};
use crate::kit::tidings;

pub use crate::kit::place::Place;

/// `tidings serve` with everything it keeps.
pub struct Installation {
    /// Where users connect.
    pub place: Place,
    /// Its data folder.
    pub data: PathBuf,
    /// Its process.
    pub process: Process,
    flags: Vec<String>,
    /// Where what it writes to stderr goes.
    logs: PathBuf,
    folder: Option<TempDir>,
}

/// Flags that fit most tests: cheap passwords, no limits.
pub const RELAXED: &[&str] = &[
    "--bcrypt-cost",
    "4",
    "--rate-requests",
    "off",
    "--rate-frames",
    "off",
    "--rate-bytes",
    "off",
    "--rate-auth",
    "off",
];

/// A command line of the binary under test, with nothing of this process's own settings in its environment.
#[must_use]
pub fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(tidings());
    command.args(arguments);
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy().into_owned();
        if name.starts_with("TIDINGS_") && name != "TIDINGS_NATS_SERVER" {
            command.env_remove(&name);
        }
    }
    if std::env::var_os("TIDINGS_NATS_SERVER").is_none() {
        command.env("TIDINGS_NATS_SERVER", crate::kit::server("", "nats-server"));
    }
    command
}

/// Starts it on a data folder; returns the process, its address and its admin port.
fn serve(
    data: &Path,
    flags: &[String],
    listen: &str,
    logs: &Path,
    left: Option<&Path>,
) -> (Process, String, String) {
    begin(data, flags, listen, logs, left)
        .unwrap_or_else(|said| panic!("serve says nothing:\n{said}"))
}

/// The same; what it wrote to stderr, if it ended before it was ready.
fn begin(
    data: &Path,
    flags: &[String],
    listen: &str,
    logs: &Path,
    left: Option<&Path>,
) -> Result<(Process, String, String), String> {
    let mut command = command(&["serve", "--listen", listen, "--data"]);
    command.arg(data).args(flags);
    if !flags.iter().any(|flag| flag == "--log") {
        command.args(["--log", "info"]);
    }
    let process = Process::start("serve", &command, logs, left);
    let Some(line) = process.first_line() else { return Err(process.stderr_tail()) };
    let ready: Value = serde_json::from_str(&line).expect("the ready line is JSON");
    assert_eq!(ready["ready"], true, "{line}");
    let address = |name: &str| ready[name].as_str().expect("an address").to_owned();
    let (http, admin) = (address("http"), address("admin"));
    Ok((process, http, admin))
}

impl Installation {
    /// Starts one with [`RELAXED`] limits and some flags besides.
    #[must_use]
    pub fn relaxed(flags: &[&str]) -> Self {
        Self::start(&[RELAXED, flags].concat())
    }

    /// Starts one.
    ///
    /// # Panics
    /// When it does not come up.
    #[must_use]
    pub fn start(flags: &[&str]) -> Self {
        let folder = TempDir::with_prefix("tidings-test-").unwrap();
        let data = folder.path().join("data");
        Self::keep(folder, data, flags)
    }

    /// Starts one whose data folder lies elsewhere, such as on a disk of its own.
    #[must_use]
    pub fn start_on(data: &Path, flags: &[&str]) -> Self {
        let folder = TempDir::with_prefix("tidings-test-").unwrap();
        Self::keep(folder, data.to_owned(), flags)
    }

    fn keep(folder: TempDir, data: PathBuf, flags: &[&str]) -> Self {
        let logs = folder.path().to_owned();
        let flags: Vec<String> = flags.iter().map(ToString::to_string).collect();
        let (process, http, admin) = serve(&data, &flags, "127.0.0.1:0", &logs, None);
        let place = Place::new(vec![http], vec![admin]);
        Self { place, data, process, flags, logs, folder: Some(folder) }
    }

    /// Starts one that lasts as long as the test process, and is cleaned up after by its guardian.
    #[must_use]
    pub fn lasting(flags: &[&str]) -> Self {
        let folder = TempDir::with_prefix("tidings-test-").unwrap().keep();
        let data = folder.join("data");
        let flags: Vec<String> = flags.iter().map(ToString::to_string).collect();
        let (process, http, admin) = serve(&data, &flags, "127.0.0.1:0", &folder, Some(&folder));
        let place = Place::new(vec![http], vec![admin]);
        Self { place, data, process, flags, logs: folder, folder: None }
    }

    /// Starts it again on the same data and the same address.
    ///
    /// # Panics
    /// When it does not come up.
    pub fn start_again(&mut self) {
        self.try_to_start().unwrap_or_else(|said| panic!("it does not start again:\n{said}"));
    }

    /// The same, of one that may refuse to start.
    ///
    /// # Errors
    /// What it said when it ended.
    pub fn try_to_start(&mut self) -> Result<(), String> {
        assert!(!self.process.runs(), "it still runs");
        let address = self.place.url(0).trim_start_matches("http://").to_owned();
        let (process, http, admin) = begin(&self.data, &self.flags, &address, &self.logs, None)?;
        assert_eq!(http, self.place.url(0));
        *self.place.operators.lock().unwrap() = vec![admin];
        self.process = process;
        Ok(())
    }

    /// Ends it and its server without a word, as a power loss does.
    pub fn crash(&mut self) {
        // The server first: it would close its store when `serve` is gone.
        let _ = process::sweep(&self.data);
        self.process.kill();
        let _ = process::sweep(&self.data);
    }

    /// What `run.json` says now; null when it is not there.
    #[must_use]
    pub fn run_json(&self) -> Value {
        let text = std::fs::read_to_string(self.data.join("run.json")).unwrap_or_default();
        serde_json::from_str(&text).unwrap_or(Value::Null)
    }

    /// The address of its NATS server, password included.
    #[must_use]
    pub fn nats(&self) -> String {
        self.run_json()["nats"].as_str().expect("run.json names the server").to_owned()
    }

    /// The private nats-server's process.
    #[must_use]
    pub fn nats_pid(&self) -> nix::unistd::Pid {
        let all = process::using(&self.data);
        let is_server = |pid: &&nix::unistd::Pid| {
            let name = std::fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
            name.starts_with("nats-server")
        };
        *all.iter().find(is_server).expect("a nats-server of this installation")
    }

    /// Runs an operator command on its data folder.
    #[must_use]
    pub fn operate(&self, arguments: &[&str]) -> Output {
        let mut command = command(arguments);
        command.arg("--data").arg(&self.data).args(&self.flags);
        command.output().expect("the command runs")
    }

    /// Checks that the read model is what the log says, once the projector has caught up.
    pub fn verify(&self) {
        let begun = Instant::now();
        let output = self.operate(&["verify", "--json"]);
        assert!(
            output.status.success(),
            "verify after {:?}: {}\n{}",
            begun.elapsed(),
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
    }
}

impl Drop for Installation {
    fn drop(&mut self) {
        if self.process.runs() {
            self.process.stop();
        }
        if self.folder.is_some() {
            let left = process::sweep(&self.data);
            if std::thread::panicking() {
                eprintln_tail(&self.process);
            } else {
                assert_eq!(left, 0, "processes were left over in {}", self.data.display());
            }
        }
    }
}

/// After a failure: what the installation logged last.
#[expect(clippy::print_stderr, reason = "shown by the test runner beside the failure")]
pub fn eprintln_tail(process: &Process) {
    eprintln!("--- the last that {} logged:\n{}", process.name, process.stderr_tail());
}
