//! Files.

use schemas::MediaId;
use schemas::commands::{CompleteMedia, RemoveMedia, RequestMedia};
use schemas::media::{Checksum, ContentType, Filename};

use super::Nothing;
use crate::http::{Bytes, shape};

shape! {
    /// A file to upload.
    NewMedia {
        /// What it is called: 1 to 255 characters, no path.
        filename: Filename,
        /// Its media type, like `image/png`. What is uploaded must be of it. Parameters are left out.
        content_type: ContentType,
        /// Bytes that will be uploaded.
        #[schemars(with = "u64", range(min = 1))]
        size: Bytes,
        /// Their SHA-256 in hexadecimal digits, to have it checked.
        sha256: Option<Checksum>,
    }
}

impl NewMedia {
    pub(crate) fn command(self) -> RequestMedia {
        let Self { filename, content_type, size, sha256 } = self;
        RequestMedia { filename, content_type, size: size.0, sha256 }
    }
}

/// An upload is completed by its id alone.
pub(crate) fn completion(_: Nothing, media_id: MediaId) -> CompleteMedia {
    CompleteMedia { media_id }
}

/// A medium is removed by its id alone.
pub(crate) fn removal(_: Nothing, media_id: MediaId) -> RemoveMedia {
    RemoveMedia { media_id }
}
