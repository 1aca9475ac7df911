//! How much memory the resumes of a gateway may take, all together.

use std::sync::Arc;
use std::time::Duration;

use schemas::Sequence;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Bytes that go out together.
pub(crate) const PIECE: usize = 64 * 1024;
/// Bytes that the plans of all resumes under way may take, and the pieces that wait for their peers.
const ALL_PLANS: usize = 32 * 1024 * 1024;
const ALL_PIECES: usize = 32 * 1024 * 1024;
/// Plans that are made at the same time.
const PLANNERS: usize = 8;
/// Bytes a permit stands for.
const UNIT: usize = 1_024;
/// How long a plan waits for others to be done.
const PATIENCE: Duration = Duration::from_secs(5);

/// What all resumes of a gateway together may take.
#[derive(Debug)]
pub(crate) struct Budget {
    planners: Arc<Semaphore>,
    plans: Arc<Semaphore>,
    pieces: Arc<Semaphore>,
}

impl Default for Budget {
    fn default() -> Self {
        Self {
            planners: Arc::new(Semaphore::new(PLANNERS)),
            plans: Arc::new(Semaphore::new(ALL_PLANS / UNIT)),
            pieces: Arc::new(Semaphore::new(ALL_PIECES / UNIT)),
        }
    }
}

/// So many bytes are taken until this is dropped.
pub(crate) type Taken = OwnedSemaphorePermit;

async fn take(from: &Arc<Semaphore>, permits: usize) -> Option<Taken> {
    let permits = u32::try_from(permits).unwrap_or(u32::MAX);
    let taken = Arc::clone(from).acquire_many_owned(permits);
    tokio::time::timeout(PATIENCE, taken).await.ok()?.ok()
}

impl Budget {
    /// A turn to make a plan; none when others take too long.
    pub(crate) async fn planner(&self) -> Option<Taken> {
        take(&self.planners, 1).await
    }

    /// Room for a plan.
    pub(crate) async fn plan(&self, bytes: usize) -> Option<Taken> {
        take(&self.plans, bytes.div_ceil(UNIT).min(ALL_PLANS / UNIT)).await
    }

    /// Room for a piece, however long that takes: a peer that holds one and does not read is closed.
    pub(crate) async fn piece(&self) -> Option<Taken> {
        let permits = u32::try_from(PIECE / UNIT).unwrap_or(u32::MAX);
        Arc::clone(&self.pieces).acquire_many_owned(permits).await.ok()
    }

    /// Bytes that are taken now.
    pub(crate) fn taken(&self) -> usize {
        let free = self.plans.available_permits() + self.pieces.available_permits();
        (ALL_PLANS + ALL_PIECES).saturating_sub(free * UNIT)
    }
}

/// What a resume has sent.
#[derive(Debug, Default)]
pub(crate) struct Sent {
    pub(crate) frames: u64,
    pub(crate) bytes: usize,
    /// Bytes the user was charged for.
    pub(crate) charged: u64,
    /// The last event that any document of it held: the read model may be ahead of the live feed.
    pub(crate) newest: Sequence,
}
