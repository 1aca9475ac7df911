//! Threads for what follows the log while others answer people: projecting and notifying.
//!
//! Each of their events would otherwise run between two steps of somebody's message. They have a lower weight
//! when cores are wanting, not none: reads wait for the projection, so it must not starve.

use std::future::Future;

use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinHandle;

/// How far the threads step back (0 not at all, 19 most): each step is a tenth of a core's share.
#[cfg(target_os = "linux")]
const NICENESS: i32 = 3;

/// A runtime of its own, with threads for blocking work of its own.
pub(crate) struct Aside(Option<Runtime>);

impl Aside {
    /// Starts it; none, with a warning, when the system has no thread for it.
    pub(crate) fn start() -> Option<Self> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("aside")
            .on_thread_start(step_back)
            .enable_all()
            .build();
        match runtime {
            Ok(runtime) => Some(Self(Some(runtime))),
            Err(error) => {
                tracing::warn!(%error, "projecting and notifying share threads with the others");
                None
            }
        }
    }

    /// Runs a task there.
    pub(crate) fn spawn<F>(&self, task: F) -> JoinHandle<F::Output>
    where
        F: Future<Output: Send> + Send + 'static,
    {
        match &self.0 {
            Some(runtime) => runtime.spawn(task),
            None => tokio::spawn(task),
        }
    }
}

impl Drop for Aside {
    fn drop(&mut self) {
        // It is dropped where nothing may block.
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

/// On Linux this is about the calling thread alone. Elsewhere it would be about the whole process.
fn step_back() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::setpriority_process(None, NICENESS) {
        tracing::debug!(%error, "a thread keeps its priority");
    }
}
