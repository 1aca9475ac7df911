//! Media: files that users upload.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{CHAT, commands};
use crate::events::MediaState;
use crate::ids::MediaId;
use crate::media::{Checksum, ContentType, Filename};

commands! {
    /// Asks to upload a file.
    CHAT / "request_media": RequestMedia -> MediaState {
        /// What it is called.
        #[serde(deserialize_with = "crate::text::strict")]
        filename: Filename,
        /// Its media type, which what is uploaded must be.
        #[serde(deserialize_with = "crate::text::strict")]
        content_type: ContentType,
        /// Bytes that will be uploaded.
        size: u64,
        /// Their checksum, to have it checked.
        sha256: Option<Checksum>,
    }
    /// Has what was uploaded checked, cleaned and stored. A repeat finds it stored.
    CHAT / "complete_media": CompleteMedia -> MediaState {
        /// The medium, which is the caller's own.
        media_id: MediaId,
    }
    /// Removes a medium of the caller that nothing needs.
    CHAT / "remove_media": RemoveMedia -> () {
        /// The medium.
        media_id: MediaId,
    }
    /// Makes a picture of the caller one that everyone may see. To be followed by the change of their profile.
    CHAT / "use_as_avatar": UseAsAvatar -> () {
        /// The medium.
        media_id: MediaId,
    }
    /// The caller's profile does not show a picture any more: where nothing else needs it, it is removed.
    CHAT / "drop_avatar": DropAvatar -> () {
        /// The medium.
        media_id: MediaId,
    }
}
