//! Why a decision about a medium is refused.

use schemas::{Code, RefusalReason, Rejection};

use crate::domain::access::Denied;

/// Why a decision about a medium is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MediaRejection {
    /// The caller may not.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// There is no such medium, or it is another user's.
    #[error("there is no such medium, or you may not see it")]
    NotFound,
    /// Nothing is in an empty file.
    #[error("a file must have at least one byte")]
    Empty,
    /// The file is larger than one may be.
    #[error("a file may have at most {0} bytes")]
    TooLarge(u64),
    /// The caller's media take as much as they may.
    #[error("your files would take more than the {0} bytes they may take together")]
    OverQuota(u64),
    /// The media of all users take as much as they may.
    #[error("there is no room for more files on this server")]
    NoRoom,
    /// Nothing was uploaded yet.
    #[error("nothing was uploaded yet; send the file to the URL first")]
    NotUploaded,
    /// What was uploaded has another length.
    #[error("bytes announced: {announced}, uploaded: {uploaded}")]
    OtherSize {
        /// So many were announced.
        announced: u64,
        /// So many came.
        uploaded: u64,
    },
    /// What was uploaded has another checksum.
    #[error("the checksum of what was uploaded is not the one announced")]
    OtherChecksum,
    /// What was uploaded is of another type.
    #[error("what was uploaded is not of the type announced{0}")]
    OtherType(String),
    /// It is too large an image.
    #[error("an image may have at most 50,000,000 pixels")]
    TooManyPixels,
    /// Something needs the medium.
    #[error("the file is attached to a message, or is your picture")]
    InUse,
    /// A medium of a message is not the author's, not stored, or named twice.
    #[error("not a file of yours that is uploaded and completed")]
    NotAttachable(usize),
    /// A medium is attached to as many messages as it may be.
    #[error("the file is attached to 100 messages, and no more are possible")]
    TooManyUses(usize),
    /// A profile picture is an image.
    #[error("a profile picture must be an image you have uploaded and completed")]
    NotAPicture,
}

impl From<MediaRejection> for Rejection {
    fn from(rejection: MediaRejection) -> Self {
        let text = rejection.to_string();
        let invalid = |pointer: &str, reason: &str| {
            Self::field(Code::ValidationFailed, pointer, reason, text.clone())
        };
        match rejection {
            MediaRejection::Denied(denied) => denied.into(),
            MediaRejection::NotFound => Self::not_found(),
            MediaRejection::Empty => invalid("/size", "out_of_range"),
            MediaRejection::TooLarge(_) => {
                Self::field(Code::PayloadTooLarge, "/size", "too_large", text)
            }
            MediaRejection::OverQuota(_) | MediaRejection::NoRoom => {
                Self::field(Code::PayloadTooLarge, "/size", "over_quota", text)
            }
            MediaRejection::NotUploaded => Self::because(RefusalReason::NotUploaded, text),
            MediaRejection::InUse => Self::because(RefusalReason::MediaInUse, text),
            MediaRejection::OtherSize { .. } => invalid("/size", "mismatch"),
            MediaRejection::OtherChecksum => invalid("/sha256", "mismatch"),
            MediaRejection::OtherType(_) => invalid("/content_type", "mismatch"),
            MediaRejection::TooManyPixels => invalid("/content_type", "too_large"),
            MediaRejection::NotAttachable(index) => {
                invalid(&format!("/attachments/{index}"), "not_found")
            }
            MediaRejection::TooManyUses(index) => {
                invalid(&format!("/attachments/{index}"), "too_many")
            }
            MediaRejection::NotAPicture => invalid("/avatar_media_id", "not_found"),
        }
    }
}
