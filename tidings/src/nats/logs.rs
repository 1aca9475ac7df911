//! The server's own log lines, turned into ours.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// How many of the last lines are kept to explain a failed start.
const KEPT: usize = 8;

/// What the server says, once, when a write to the files of a stream or consumer failed: it takes no further
/// write for it until it is started again.
const WRITE_ERROR: &str = "critical write error";

/// The last lines a server wrote. Clones share them.
#[derive(Debug, Clone, Default)]
pub(crate) struct LastLines {
    lines: Arc<Mutex<VecDeque<String>>>,
    write_error: Arc<AtomicBool>,
}

impl LastLines {
    fn push(&self, line: String) {
        if line.to_ascii_lowercase().contains(WRITE_ERROR) {
            self.write_error.store(true, Ordering::Release);
        }
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.len() == KEPT {
            lines.pop_front();
        }
        lines.push_back(line);
    }

    /// Whether a write error was among them since this was asked last.
    pub(crate) fn take_write_error(&self) -> bool {
        self.write_error.swap(false, Ordering::AcqRel)
    }

    /// They, joined for a message.
    pub(crate) fn text(&self) -> String {
        let lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines.iter().map(String::as_str).collect::<Vec<_>>().join("\n  ")
    }
}

/// Reads a server's output to its end, on a thread of its own, and then says that it has ended.
pub(crate) fn follow(
    output: impl Read + Send + 'static,
    last: LastLines,
    ended: impl FnOnce() + Send + 'static,
) {
    let reading = std::thread::Builder::new().name("nats-log".to_owned()).spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            pass_on(&line);
            last.push(line);
        }
        ended();
    });
    if let Err(error) = reading {
        tracing::warn!(error = %error, "the nats-server's log cannot be read");
    }
}

/// A line is `[pid] [INF] text`.
fn pass_on(line: &str) {
    let mut parts = line.splitn(3, ' ');
    let (_, level, text) = (parts.next(), parts.next().unwrap_or(""), parts.next().unwrap_or(line));
    match level {
        "[ERR]" | "[FTL]" => tracing::error!(nats.line = text, "nats-server"),
        // It lies in a file that only its owner can read, and the server listens on loopback.
        "[WRN]" if text.starts_with("Plaintext passwords") => {}
        "[WRN]" => tracing::warn!(nats.line = text, "nats-server"),
        _ => tracing::debug!(nats.line = text, "nats-server"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_write_error_is_told_once() {
        let last = LastLines::default();
        last.push("[1] [INF] Server is ready".to_owned());
        assert!(!last.take_write_error());
        last.push(
            "[1] [ERR] JetStream stream '$G > EVENTS_x' critical write error: no space".into(),
        );
        assert!(last.take_write_error() && !last.take_write_error());
        last.push("[1] [ERR] Filestore [EVENTS_x] Critical write error: input/output error".into());
        assert!(last.take_write_error());
    }
}
