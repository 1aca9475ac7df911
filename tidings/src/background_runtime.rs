//! Threads for the services that follow the log (projecting and notifying) while others answer clients.
//!
//! On shared threads each of their events would run between two steps of a client's request. These threads have a
//! lower weight when cores are wanting, not none: reads wait for the projection, so it must not starve.

use tokio::runtime::{Builder, Handle, Runtime};

/// How far the threads step back (0 not at all, 19 most): each step is a tenth of a core's share.
#[cfg(target_os = "linux")]
const NICENESS: i32 = 3;

/// A runtime of its own, with threads for blocking work of its own; without one, the runtime of all others.
#[derive(Default)]
pub(crate) struct BackgroundRuntime(Option<Runtime>);

impl BackgroundRuntime {
    /// Starts the runtime. If its thread cannot be created, logs a warning and falls back to the shared runtime.
    pub(crate) fn start() -> Self {
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("background")
            .on_thread_start(lower_priority)
            .enable_all()
            .build();
        if let Err(error) = &runtime {
            tracing::warn!(%error, "projecting and notifying share threads with the others");
        }
        Self(runtime.ok())
    }

    /// Where its tasks run.
    pub(crate) fn handle(&self) -> Handle {
        self.0.as_ref().map_or_else(Handle::current, |runtime| runtime.handle().clone())
    }
}

impl Drop for BackgroundRuntime {
    fn drop(&mut self) {
        // It is dropped where nothing may block.
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

/// On Linux this is about the calling thread alone. Elsewhere it would be about the whole process.
fn lower_priority() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::setpriority_process(None, NICENESS) {
        tracing::debug!(%error, "a thread keeps its priority");
    }
}
