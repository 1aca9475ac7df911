//! Drafts: the progress of an export, kept in the store of files, from which the next worker resumes.

use blobs::{BlobName, BlobStore, Paused, read_whole};
use decider::{Failure, unavailable};
use schemas::events::ExportState;
use schemas::{ExportId, MediaId, Sequence, Timestamp, UserId};
use serde::{Deserialize, Serialize};

use super::book::PausedBook;
use crate::media::store_failed;

/// Seconds after which one that is not ready is begun anew: the store's sweep takes what was written earlier for left over.
const MADE_WITHIN: i64 = 100 * 60;
/// How often one is resumed before it is begun anew: what ends every try may be in the draft.
const RESUMED_AT_MOST: u32 = 8;
/// Bytes of one: what waits for its part of the store takes 11 MB in JSON, each open section of the book a mebibyte, and
/// each file that is in it some hundred.
const MOST_BYTES: usize = 256 * 1024 * 1024;

/// What is being written.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) enum Step {
    /// What the documents say.
    Documents,
    /// What the log says, after a place.
    Log { through: Sequence },
    /// Media, after one.
    Media { after: Option<MediaId> },
}

/// The progress of an export.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Progress {
    /// When its making was begun.
    pub(super) begun_at: Timestamp,
    /// The place of the log up to which it tells.
    pub(super) head: Sequence,
    /// How often it was resumed.
    pub(super) resumed: u32,
    /// Events that could not be read.
    pub(super) unreadable: u64,
    /// What comes next.
    pub(super) step: Step,
}

impl Progress {
    /// One of which nothing is written.
    pub(super) fn new(head: Sequence) -> Self {
        let (begun_at, step) = (Timestamp::now(), Step::Documents);
        Self { begun_at, head, resumed: 0, unreadable: 0, step }
    }

    /// Whether it takes too long at a time.
    pub(super) fn is_late(&self, now: Timestamp) -> bool {
        self.begun_at.plus_seconds(MADE_WITHIN) < now
    }
}

/// An export that is half made.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Draft {
    pub(super) export_id: ExportId,
    pub(super) progress: Progress,
    pub(super) book: PausedBook,
}

impl Draft {
    /// Whether an export can be resumed from it.
    pub(super) fn is_good_for(&self, export: &ExportState, now: Timestamp) -> bool {
        let progress = &self.progress;
        self.export_id == export.id && progress.resumed < RESUMED_AT_MOST && !progress.is_late(now)
    }

    /// What is stored of the file, to be discarded.
    pub(super) const fn upload(&self) -> &Paused {
        self.book.upload()
    }

    /// The draft of a person's export; none where there is none, or one of another build that cannot be read here.
    pub(super) async fn read(
        store: &dyn BlobStore,
        user: &UserId,
    ) -> Result<Option<Self>, Failure> {
        let name = BlobName::ExportDraft(*user);
        let found = store.stat(&name).await.map_err(|error| store_failed(&error))?;
        let Some(blob) = found else { return Ok(None) };
        let text = read_whole(store, (&name, &blob), MOST_BYTES).await;
        let Some(text) = text.map_err(|error| store_failed(&error))? else {
            tracing::warn!(user.id = %user, bytes = blob.size, "the draft of an export is too large");
            return Ok(None);
        };
        let read = serde_json::from_slice(&text).inspect_err(|error| {
            tracing::warn!(user.id = %user, %error, "the draft of an export cannot be read");
        });
        Ok(read.ok())
    }

    /// Keeps it in place of the one before.
    pub(super) async fn keep(&self, store: &dyn BlobStore, user: &UserId) -> Result<(), Failure> {
        let text = serde_json::to_vec(self).map_err(|error| {
            tracing::error!(%error, "the draft of an export cannot be written");
            unavailable("the draft of the export cannot be written")
        })?;
        let kept = async {
            let mut upload = store.begin(BlobName::ExportDraft(*user)).await?;
            upload.write(&text).await?;
            upload.finish().await
        };
        kept.await.map(drop).map_err(|error| store_failed(&error))
    }
}

#[cfg(test)]
mod tests {
    use schemas::events::ExportStage;
    use uuid::Uuid;

    use super::*;

    fn export(number: u128) -> ExportState {
        ExportState {
            id: ExportId::from_uuid(Uuid::from_u128(number)),
            user_id: UserId::from_uuid(Uuid::from_u128(9)),
            stage: ExportStage::Running,
            requested_at: Timestamp::from_millis(0),
            size: None,
            ready_at: None,
            expires_at: None,
        }
    }

    /// As a build before a later one wrote it: what is kept is read by the builds that follow, or is begun anew.
    fn kept(resumed: u32) -> Draft {
        let text = serde_json::json!({
            "export_id": export(1).id,
            "progress": {"begun_at": Timestamp::from_millis(0), "head": 7, "resumed": resumed, "unreadable": 0,
                "step": {"Log": {"through": 3}}},
            "book": {
                "archive": {
                    "upload": {"upload": "a", "parts": [], "pieces": 1, "size": 262_146, "waiting": "AQI="},
                    "entries": [], "made": [0, 0]},
                "sections": {"Messages": {"part": "{\"items\":[\n1", "items": 1, "parts": 0}},
                "files": []},
        });
        serde_json::from_value(text).unwrap()
    }

    #[test]
    fn it_is_good_for_its_export_for_some_time_and_some_tries() {
        let at = |seconds| Timestamp::from_millis(0).plus_seconds(seconds);
        let draft = kept(RESUMED_AT_MOST - 1);
        assert!(draft.is_good_for(&export(1), at(MADE_WITHIN)));
        assert!(!draft.is_good_for(&export(1), at(MADE_WITHIN + 1)));
        assert!(!draft.is_good_for(&export(2), at(0)));
        assert!(!kept(RESUMED_AT_MOST).is_good_for(&export(1), at(0)));
    }

    #[test]
    fn it_is_read_as_it_was_kept() {
        let text = serde_json::to_string(&kept(2)).unwrap();
        let again: Draft = serde_json::from_str(&text).unwrap();
        assert_eq!(serde_json::to_string(&again).unwrap(), text);
        assert!(text.contains("\"waiting\":\"AQI=\""), "{text}");
    }
}
