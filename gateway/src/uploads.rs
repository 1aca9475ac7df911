//! Uploads that are under way in this process.

use std::collections::HashSet;
use std::sync::Arc;

use parking_lot::Mutex;
use schemas::MediaId;
use tokio::sync::Semaphore;

/// Uploads that are under way at the same time.
const UPLOADS: usize = 64;

/// What is under way.
pub(crate) struct Uploads {
    /// Media that are being uploaded here.
    pub(crate) media: Arc<Mutex<HashSet<MediaId>>>,
    /// Room for more.
    pub(crate) places: Semaphore,
}

impl Default for Uploads {
    fn default() -> Self {
        Self { media: Arc::default(), places: Semaphore::new(UPLOADS) }
    }
}
