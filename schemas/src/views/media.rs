//! Files, as those who may see them are told of them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::MediaId;
use crate::time::Timestamp;

/// A file that was uploaded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Media {
    /// The medium's id.
    pub id: MediaId,
    /// What it is called.
    pub filename: String,
    /// Its media type, without parameters.
    pub content_type: String,
    /// Bytes of what is stored. Of an image positions were removed, so they may be fewer than were uploaded.
    pub size: u64,
    /// SHA-256 of what is stored, in hexadecimal digits.
    pub sha256: String,
    /// The width of an image, in pixels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub width: Option<u32>,
    /// The height of an image, in pixels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub height: Option<u32>,
    /// Where its bytes are: signed, good for at least one hour and at most two, and the same within an hour.
    pub url: String,
    /// Where a smaller image of it is, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thumbnail_url: Option<String>,
    /// When it was removed: its URLs lead nowhere then. Only its owner is told so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub removed_at: Option<Timestamp>,
}
