//! Media: files that users upload, and what becomes of them. Their bytes never pass the log.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::family;
use crate::ids::{MediaId, MessageId, RoomId, UserId};
use crate::media::{Checksum, ContentType, Filename, MediaStatus};
use crate::time::Timestamp;

/// Most messages one medium may be attached to: every event of it carries them all.
pub const MAX_MEDIA_USES: usize = 100;

/// A file as clients are told of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MediaFile {
    /// The medium's id.
    pub id: MediaId,
    /// What the file was called by the user who uploaded it.
    pub filename: Filename,
    /// Its media type.
    pub content_type: ContentType,
    /// Bytes: those announced, and once it is stored those of what is stored.
    pub size: u64,
    /// SHA-256 of as many bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<Checksum>,
    /// The width of an image, in pixels, as it is shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub width: Option<u32>,
    /// The height of an image, in pixels, as it is shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub height: Option<u32>,
    /// Whether there is a smaller image of it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub thumbnail: bool,
}

/// A message that a medium is attached to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MediaUse {
    /// The message.
    pub message_id: MessageId,
    /// The room it was posted in.
    pub room_id: RoomId,
    /// The message was deleted while a report of it was open: moderators see the file until that is handled.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub reported: bool,
}

/// A medium after an event on its lane.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MediaState {
    /// The file.
    pub file: MediaFile,
    /// The user who uploaded it.
    pub owner_id: UserId,
    /// How far it has come.
    pub status: MediaStatus,
    /// The messages it is attached to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub uses: Vec<MediaUse>,
    /// Whether it is its owner's profile picture, which everyone may see.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub avatar: bool,
    /// When its upload was asked for.
    pub created_at: Timestamp,
    /// When it was stored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stored_at: Option<Timestamp>,
    /// When this event happened to it: what is in no message is removed a while after.
    pub changed_at: Timestamp,
}

impl MediaState {
    /// Whether nothing needs it.
    #[must_use]
    pub const fn is_idle(&self) -> bool {
        self.uses.is_empty() && !self.avatar
    }

    /// Whether it is over, and its name has left the log with its other events.
    #[must_use]
    pub fn is_unnamed(&self) -> bool {
        self.status == MediaStatus::Purged
            && self.file.sha256.is_none()
            && self.file.filename == Filename::erased()
    }

    /// Whether it was an erased person's: nothing else is said of it either.
    #[must_use]
    pub fn is_erased(&self) -> bool {
        self.status == MediaStatus::Purged && self.file.size == 0
    }

    /// What is left of it without what was typed or uploaded: whose it was, its size and its times.
    #[must_use]
    pub fn without_name(self) -> Self {
        let file = MediaFile {
            filename: Filename::erased(),
            content_type: ContentType::any(),
            sha256: None,
            width: None,
            height: None,
            thumbnail: false,
            ..self.file
        };
        Self { file, uses: Vec::new(), avatar: false, ..self }
    }
}

/// A user was allowed to upload a file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MediaRequested {
    /// The medium, with what was announced.
    pub media: MediaState,
}

/// An upload was checked, cleaned and stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MediaStored {
    /// The medium, with what is stored.
    pub media: MediaState,
}

/// A medium was attached to a message that was posted, or became a profile picture.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MediaAttached {
    /// The medium after it.
    pub media: MediaState,
}

/// A message with a medium was deleted, or a profile picture was replaced; something else needs the medium still.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MediaDetached {
    /// The medium after it.
    pub media: MediaState,
}

/// A medium is no more: no user sees it, and its bytes are being removed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MediaRemoved {
    /// The medium as it ends.
    pub media: MediaState,
}

/// The bytes of a medium are gone from the store. It is called `erased` once the name of its file has left the log; this is
/// the only event of it there is then.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MediaPurged {
    /// The medium as it ended.
    pub media: MediaState,
}

family! {
    /// What happens to media.
    MediaEvent {
        Requested(MediaRequested) = "media.requested.v1", |d| d.media.file.id;
        Stored(MediaStored) = "media.stored.v1", |d| d.media.file.id;
        Attached(MediaAttached) = "media.attached.v1", |d| d.media.file.id;
        Detached(MediaDetached) = "media.detached.v1", |d| d.media.file.id;
        Removed(MediaRemoved) = "media.removed.v1", |d| d.media.file.id;
        Purged(MediaPurged) = "media.purged.v1", |d| d.media.file.id;
    }
}

impl MediaEvent {
    /// The medium after it.
    #[must_use]
    pub const fn after(&self) -> &MediaState {
        match self {
            Self::Requested(MediaRequested { media })
            | Self::Stored(MediaStored { media })
            | Self::Attached(MediaAttached { media })
            | Self::Detached(MediaDetached { media })
            | Self::Removed(MediaRemoved { media })
            | Self::Purged(MediaPurged { media }) => media,
        }
    }
}
