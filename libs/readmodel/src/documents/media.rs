//! Media: files that users upload. Their bytes are in the blob store.

use async_trait::async_trait;
use schemas::events::MediaState;
use schemas::ids::{MediaId, UserId};
use schemas::media::MediaStatus;
use schemas::position::Sequence;
use schemas::time::Timestamp;
use serde::{Deserialize, Serialize};

use crate::answers::{Answer, Changes, Slice};

/// A medium.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MediaDoc {
    /// What its last event said of it.
    pub state: MediaState,
    /// The last event its owner is told of: it was stored, or removed. 0 for none.
    pub told: Sequence,
    /// The last event of its lane.
    pub updated: Sequence,
}

/// What a medium waits for that does not come by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Waiting {
    /// To be uploaded.
    Upload,
    /// To be attached to a message.
    Use,
    /// To have its bytes removed.
    Purge,
}

impl MediaDoc {
    /// What it waits for, if anything.
    pub(crate) const fn waiting(&self) -> Option<Waiting> {
        match self.state.status {
            MediaStatus::Requested => Some(Waiting::Upload),
            MediaStatus::Stored if self.state.is_idle() => Some(Waiting::Use),
            MediaStatus::Removed => Some(Waiting::Purge),
            MediaStatus::Stored | MediaStatus::Purged => None,
        }
    }
}

impl Waiting {
    /// As databases keep it.
    pub(crate) const fn code(self) -> i64 {
        match self {
            Self::Upload => 1,
            Self::Use => 2,
            Self::Purge => 3,
        }
    }
}

/// What can be asked about media.
#[async_trait]
pub trait MediaReads: Send + Sync {
    /// One medium.
    async fn media(&self, id: &MediaId) -> Answer<Option<MediaDoc>>;
    /// The media of a user that are not purged, in the order of their ids, after one.
    async fn media_of(
        &self,
        owner: &UserId,
        after: Option<&MediaId>,
        limit: usize,
    ) -> Answer<Slice<MediaDoc>>;
    /// What waits for something and has not changed since before a time, the longest first.
    async fn media_waiting(
        &self,
        waiting: Waiting,
        before: Timestamp,
        limit: usize,
    ) -> Answer<Vec<MediaDoc>>;
    /// The media of a user of which they are told something that happened after a sequence, oldest change first.
    async fn media_changes(
        &self,
        owner: &UserId,
        after: Sequence,
        limit: usize,
    ) -> Answer<Changes<MediaDoc>>;
}

/// What the media of a user take.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MediaUsageDoc {
    /// The user.
    pub user_id: UserId,
    /// Bytes of those that may be uploaded or are stored.
    pub bytes: u64,
    /// How many those are.
    pub files: u64,
    /// The last event that changed this.
    pub updated: Sequence,
}

/// What can be asked about what media take.
#[async_trait]
pub trait MediaUsageReads: Send + Sync {
    /// The media of a user; none when they have never had one.
    async fn media_usage(&self, user: &UserId) -> Answer<Option<MediaUsageDoc>>;
    /// Bytes of the media of all users.
    async fn media_bytes(&self) -> Answer<u64>;
}
