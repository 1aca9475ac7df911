//! One run of the nats-server program.

use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use super::logs::{self, LastLines};

/// How to run it.
#[derive(Debug, Clone)]
pub(crate) struct Program {
    /// The nats-server.
    pub(crate) server: PathBuf,
    /// Its configuration file, absolute.
    pub(crate) conf: PathBuf,
    /// `setpriv`, when the machine has it: it makes the kernel end the server when we die.
    pub(crate) setpriv: Option<PathBuf>,
}

impl Program {
    /// The server with this configuration, and the machine's `setpriv`.
    pub(crate) fn new(server: PathBuf, conf: PathBuf) -> Self {
        let setpriv = std::env::var_os("PATH")
            .iter()
            .flat_map(std::env::split_paths)
            .map(|folder| folder.join("setpriv"))
            .find(|program| program.is_file());
        Self { server, conf, setpriv }
    }

    /// Starts it; `silent` is called when it says nothing more, which is when it ends. The thread that calls this must
    /// live as long as the child: the kernel's signal at the parent's death is sent when the *thread* that started it
    /// ends.
    ///
    /// # Errors
    /// The program cannot be started.
    pub(crate) fn start(
        &self,
        last: &LastLines,
        silent: impl FnOnce() + Send + 'static,
    ) -> std::io::Result<Child> {
        let mut command = match &self.setpriv {
            Some(setpriv) => {
                let mut command = Command::new(setpriv);
                command.args(["--pdeathsig", "TERM", "--"]).arg(&self.server);
                command
            }
            None => Command::new(&self.server),
        };
        command
            .arg("-c")
            .arg(&self.conf)
            .arg("--logtime=false")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            // Ctrl-C at the terminal is for us alone: we stop the server when it is no longer needed.
            .process_group(0);
        if std::env::var_os("GOMEMLIMIT").is_none()
            && let Some(limit) = memory_limit()
        {
            command.env("GOMEMLIMIT", limit);
        }
        let mut child = command.spawn()?;
        if let Some(output) = child.stderr.take() {
            logs::follow(output, last.clone(), silent);
        }
        Ok(child)
    }
}

/// Half of the memory this process may use, for the server's collector to stay below when it can.
fn memory_limit() -> Option<OsString> {
    let group = std::fs::read_to_string("/sys/fs/cgroup/memory.max")
        .ok()
        .and_then(|text| text.trim().parse::<u64>().ok());
    let machine = total_memory(Path::new("/proc/meminfo"));
    let bytes = group.into_iter().chain(machine).min()?;
    Some(format!("{}", bytes / 2).into())
}

fn total_memory(file: &Path) -> Option<u64> {
    let text = std::fs::read_to_string(file).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kibibytes.checked_mul(1024)
}
