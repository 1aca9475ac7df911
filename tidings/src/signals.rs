//! Ctrl-C and its relatives.

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::failure::Failure;

/// Exit code after a second Ctrl-C, as a shell would report it.
const IMPATIENT: i32 = 130;

/// The signals that ask this process to stop.
pub(crate) struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hang_up: Signal,
}

impl Signals {
    /// From now on they no longer end the process by themselves.
    ///
    /// # Errors
    /// The operating system refuses.
    pub(crate) fn catch() -> Result<Self, Failure> {
        let cannot = |error: std::io::Error| Failure::because("signals cannot be caught", &error);
        Ok(Self {
            interrupt: signal(SignalKind::interrupt()).map_err(cannot)?,
            terminate: signal(SignalKind::terminate()).map_err(cannot)?,
            hang_up: signal(SignalKind::hangup()).map_err(cannot)?,
        })
    }

    /// Returns at the first of them. Cancel safe.
    pub(crate) async fn asked_to_stop(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
            _ = self.hang_up.recv() => {}
        }
    }

    /// From now on a further one ends the process at once.
    pub(crate) fn lose_patience(mut self) {
        tokio::spawn(async move {
            self.asked_to_stop().await;
            std::process::exit(IMPATIENT);
        });
    }
}
