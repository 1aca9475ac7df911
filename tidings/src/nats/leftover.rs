//! A server that outlived its `tidings serve` (killed with -9, and no `setpriv` on the machine)
//! still holds the store. It is recognised by the configuration file it was started with, which lies
//! in our data folder, and stopped by its process id.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// How long it may take to close its store before it is killed.
const PATIENCE: Duration = Duration::from_secs(10);
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// Stops every server that runs with this configuration file, and returns when they are gone. The
/// caller holds the data folder's lock, so no living `serve` wants them.
pub(crate) async fn stop(conf: &Path) {
    for pid in servers_of(conf) {
        tracing::warn!(process.pid = pid.as_raw(), "stopping a nats-server left over from before");
        let _ = kill(pid, Signal::SIGTERM);
        let asked = Instant::now();
        let mut killed = false;
        while serves(pid, conf) {
            if !killed && asked.elapsed() > PATIENCE {
                let _ = kill(pid, Signal::SIGKILL);
                killed = true;
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }
}

fn servers_of(conf: &Path) -> Vec<Pid> {
    let Ok(processes) = fs::read_dir("/proc") else { return Vec::new() };
    processes
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok().map(Pid::from_raw))
        .filter(|pid| serves(*pid, conf))
        .collect()
}

/// Whether a process is a nats-server started with this very file. A dead process that waits to be
/// collected has no command line any more.
fn serves(pid: Pid, conf: &Path) -> bool {
    let Ok(line) = fs::read(format!("/proc/{pid}/cmdline")) else { return false };
    let conf = conf.as_os_str().as_encoded_bytes();
    let mut words = line.split(|byte| *byte == 0);
    let program = words.next().unwrap_or_default();
    program.ends_with(b"nats-server") && words.any(|word| word == conf)
}
