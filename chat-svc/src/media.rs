//! Files: checking what was uploaded, and removing what nothing needs.

mod check;

use std::sync::Arc;
use std::time::Duration;

use blobs::{BlobError, BlobStore};
use decider::{Failure, unavailable};
use schemas::{MediaId, Rejection};
use tokio::sync::{Semaphore, mpsc};

use crate::domain::media::Limits;
use crate::turns::Turns;

/// MiB of pictures that are decoded at the same time.
const DECODING: usize = 256;
/// Removed files that wait for the keeper at most; more are come upon when it looks.
const PURGES: usize = 10_000;
/// Files that are checked at the same time.
const CHECKING: usize = 8;

/// What an operator may choose about files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MediaConfig {
    /// How much may be uploaded.
    pub limits: Limits,
    /// What is in no message so long after it was stored is removed.
    pub unused_after: Duration,
    /// How often is looked for what is to be removed.
    pub look_every: Duration,
}

impl Default for MediaConfig {
    fn default() -> Self {
        let limits = Limits { file: 100_000_000, person: Some(1_000_000_000), installation: None };
        Self {
            limits,
            unused_after: Duration::from_secs(24 * 60 * 60),
            look_every: Duration::from_secs(60),
        }
    }
}

/// What handlers need to work with files.
pub(crate) struct Files {
    pub(crate) store: Arc<dyn BlobStore>,
    pub(crate) config: MediaConfig,
    /// What a user asks to upload, one after the other: what they may upload is counted.
    pub(crate) requests: Turns,
    /// Completions of one medium, one after the other.
    pub(crate) completions: Turns,
    checking: Semaphore,
    decoding: Arc<Semaphore>,
    /// Media whose bytes are to be removed.
    purges: mpsc::Sender<MediaId>,
}

/// Where the keeper hears what is to be removed.
pub(crate) type Purges = mpsc::Receiver<MediaId>;

impl Files {
    pub(crate) fn new(store: Arc<dyn BlobStore>, config: MediaConfig) -> (Self, Purges) {
        let (purges, heard) = mpsc::channel(PURGES);
        let files = Self {
            store,
            config,
            requests: Turns::new(),
            completions: Turns::new(),
            checking: Semaphore::new(CHECKING),
            decoding: Arc::new(Semaphore::new(DECODING)),
            purges,
        };
        (files, heard)
    }

    /// Has the bytes of a removed medium removed; where that fails the keeper comes upon it again.
    pub(crate) fn purge_soon(&self, id: &MediaId) {
        if self.purges.try_send(*id).is_err() {
            tracing::debug!(media.id = %id, "the bytes of a removed file are removed later");
        }
    }
}

/// A store of files that fails is no fault of the caller's.
pub(crate) fn store_failed(error: &BlobError) -> Failure {
    tracing::warn!(error = %telemetry::error_chain(error), "the store of files failed");
    Failure::Rejected(refusal(error))
}

fn refusal(error: &BlobError) -> Rejection {
    match error {
        BlobError::Gone => unavailable("the file was uploaded anew meanwhile; complete it again"),
        BlobError::Full | BlobError::Unavailable(_) => unavailable(&error.to_string()),
    }
}
