//! The test kit: processes, servers, users.
//!
//! Owns how the real thing is started, reached, broken and ended. It must not know a flow: tests do.

pub mod authority;
pub mod browser;
pub mod bucketed;
pub mod chaos;
pub mod cluster;
pub mod collector;
pub mod files;
pub mod forged_provider;
pub mod http;
pub mod installation;
pub mod kept;
pub mod lasting;
pub mod log;
pub mod mail_server;
pub mod mongo;
pub mod nats;
pub mod person;
pub mod place;
pub mod preload;
pub mod process;
pub mod real_provider;
pub mod s3_server;
pub mod separate;
pub mod socket;
pub mod wire;

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::{Instant, sleep};

/// How long any condition may take to come true before a test fails. Generous: two cores run everything.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Waiting for a condition: how long it may take, and the pauses between looks.
pub struct Patience<'a> {
    what: &'a str,
    deadline: Instant,
    pause: Duration,
}

impl<'a> Patience<'a> {
    /// Begins to wait for something.
    #[must_use]
    pub fn for_(what: &'a str) -> Self {
        Self { what, deadline: Instant::now() + PATIENCE, pause: Duration::from_millis(5) }
    }

    /// Begins to wait for something that takes several times as long as other things.
    #[must_use]
    pub fn times(self, times: u32) -> Self {
        Self { deadline: self.deadline + PATIENCE * (times - 1), ..self }
    }

    /// Waits a moment before the next look.
    ///
    /// # Panics
    /// When the time is over.
    pub async fn pause(&mut self) {
        assert!(Instant::now() < self.deadline, "{}: not in time", self.what);
        sleep(self.pause).await;
        self.pause = (self.pause * 2).min(Duration::from_millis(100));
    }
}

/// Lets a fault last: a server that is stopped for ten seconds is a fault of that length.
pub async fn last(time: Duration) {
    sleep(time).await;
}

/// Waits until a look finds something.
///
/// # Panics
/// When it has not for [`PATIENCE`].
pub async fn until<T>(what: &str, look: impl AsyncFnMut() -> Option<T>) -> T {
    until_within(Patience::for_(what), look).await
}

/// Waits until a look finds something.
///
/// # Panics
/// When it has not in time.
pub async fn until_within<T>(
    mut patience: Patience<'_>,
    mut look: impl AsyncFnMut() -> Option<T>,
) -> T {
    loop {
        if let Some(found) = look().await {
            return found;
        }
        patience.pause().await;
    }
}

/// A word that no other test of this run uses: letters and digits, at most 14.
#[must_use]
pub fn unique(prefix: &str) -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    format!("{prefix}{}x{number}", std::process::id())
}

/// The root of the repository.
#[must_use]
pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).parent().expect("a workspace").to_owned()
}

/// The `tidings` binary under test.
#[must_use]
pub fn tidings() -> PathBuf {
    let target =
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), Into::into);
    let path =
        std::env::var_os("TIDINGS_BIN").map_or_else(|| target.join("debug/tidings"), PathBuf::from);
    assert!(path.exists(), "{} is missing: cargo build -p tidings", path.display());
    path
}

/// A server program: from its environment variable, else as provisioned.
#[must_use]
pub fn server(variable: &str, name: &str) -> PathBuf {
    std::env::var_os(variable).map_or_else(|| root().join(".tools/bin").join(name), PathBuf::from)
}
