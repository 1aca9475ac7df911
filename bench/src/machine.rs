//! The machine a benchmark ran on, and what a process uses of it.

use std::fs;

use serde::Serialize;

/// The machine, as the report names it.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Machine {
    /// Model of the processor.
    pub cpu: String,
    /// Logical processors.
    pub cores: usize,
    /// Memory in GiB.
    pub memory_gib: u64,
    /// Kernel release.
    pub kernel: String,
}

fn field(file: &str, name: &str) -> Option<String> {
    let text = fs::read_to_string(file).ok()?;
    let line = text.lines().find(|line| line.starts_with(name))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

impl Machine {
    /// Reads `/proc`.
    pub(crate) fn here() -> Self {
        let memory_kib = field("/proc/meminfo", "MemTotal")
            .and_then(|text| text.split_whitespace().next()?.parse::<u64>().ok())
            .unwrap_or(0);
        Self {
            cpu: field("/proc/cpuinfo", "model name").unwrap_or_else(|| "unknown".into()),
            cores: std::thread::available_parallelism().map_or(0, usize::from),
            memory_gib: memory_kib.div_ceil(1024 * 1024),
            kernel: fs::read_to_string("/proc/sys/kernel/osrelease")
                .map_or_else(|_| "unknown".into(), |text| text.trim().to_owned()),
        }
    }
}

/// What a process has used so far.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Usage {
    /// Resident memory in bytes.
    pub rss: u64,
    /// Processor time in seconds, user and system.
    pub cpu: f64,
}

/// Reads a process's usage from `/proc/<pid>`; a vanished process reads as zeros.
pub(crate) fn usage(pid: u32) -> Usage {
    let rss = field(&format!("/proc/{pid}/status"), "VmRSS")
        .and_then(|text| text.split_whitespace().next()?.parse::<u64>().ok())
        .map_or(0, |kib| kib * 1024);
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // Fields after the command's closing parenthesis: utime and stime are the 12th and 13th (proc(5)).
    let ticks: u64 = stat
        .rsplit_once(')')
        .map(|(_, rest)| {
            rest.split_whitespace().skip(11).take(2).filter_map(|t| t.parse::<u64>().ok()).sum()
        })
        .unwrap_or(0);
    let hertz =
        nix::unistd::sysconf(nix::unistd::SysconfVar::CLK_TCK).ok().flatten().unwrap_or(100);
    Usage { rss, cpu: ticks as f64 / hertz as f64 }
}
