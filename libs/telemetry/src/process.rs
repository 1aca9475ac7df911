//! What the operating system says about this process, read when metrics are asked for.

use std::fmt;
use std::fs;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;

/// Linux tells processor time in ticks of this many a second, on every architecture.
const TICKS_PER_SECOND: f64 = 100.0;

/// Memory, processor time and open files of this process. Says nothing where there is no `/proc`.
#[derive(Debug)]
pub(crate) struct ProcessCollector;

impl Collector for ProcessCollector {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        if let Some(bytes) = resident_bytes() {
            let gauge = ConstGauge::new(bytes);
            gauge.encode(encoder.encode_descriptor(
                "process_resident_memory_bytes",
                "Memory in use, in bytes",
                None,
                MetricType::Gauge,
            )?)?;
        }
        if let Some(seconds) = cpu_seconds() {
            let counter = ConstCounter::new(seconds);
            counter.encode(encoder.encode_descriptor(
                "process_cpu_seconds",
                "Processor time used, in seconds",
                None,
                MetricType::Counter,
            )?)?;
        }
        if let Some(files) = open_files() {
            let gauge = ConstGauge::new(files);
            gauge.encode(encoder.encode_descriptor(
                "process_open_fds",
                "Open files and sockets",
                None,
                MetricType::Gauge,
            )?)?;
        }
        if let Some(files) = max_files() {
            let gauge = ConstGauge::new(files);
            gauge.encode(encoder.encode_descriptor(
                "process_max_fds",
                "Files and sockets that may be open at the same time",
                None,
                MetricType::Gauge,
            )?)?;
        }
        Ok(())
    }
}

fn resident_bytes() -> Option<i64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: i64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes.saturating_mul(1024))
}

fn cpu_seconds() -> Option<f64> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    // The program's name stands in parentheses and may hold spaces; numbers follow the last one.
    let (_, numbers) = stat.rsplit_once(')')?;
    let mut fields = numbers.split_ascii_whitespace().skip(11);
    let user: f64 = fields.next()?.parse().ok()?;
    let system: f64 = fields.next()?.parse().ok()?;
    Some((user + system) / TICKS_PER_SECOND)
}

/// The soft limit; none when there is none.
fn max_files() -> Option<i64> {
    let limits = fs::read_to_string("/proc/self/limits").ok()?;
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_ascii_whitespace().next()?.parse().ok()
}

fn open_files() -> Option<i64> {
    i64::try_from(fs::read_dir("/proc/self/fd").ok()?.count()).ok()
}
