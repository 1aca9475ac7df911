//! Why a request to the store did not get what it asked for.

use crate::error::BlobError;

/// Why a request failed.
#[derive(Debug, thiserror::Error)]
pub(super) enum S3Error {
    #[error("no connection")]
    Unreachable(#[source] std::io::Error),
    #[error("no TLS")]
    Tls(#[source] std::io::Error),
    #[error("it takes too long")]
    Slow,
    #[error("the answer is too large")]
    TooLarge,
    #[error("the answer is no HTTP")]
    Broken(#[source] hyper::Error),
    #[error("the answer breaks off")]
    BrokenOff,
    /// What is asked cannot be put into a request: a defect of this build.
    #[error("the request cannot be made")]
    Request(#[source] hyper::http::Error),
    /// The store refuses, with a status and the code of its own that it says.
    #[error("it answers {status} {code}")]
    Refused { status: u16, code: String },
    #[error("{0} is missing in the answer")]
    Incomplete(&'static str),
}

impl S3Error {
    /// Whether it is worth to ask again at once: a moment of the store's or of the network's, and nothing said about the request.
    pub(super) const fn passes(&self) -> bool {
        match self {
            Self::Unreachable(_) | Self::Slow | Self::Broken(_) | Self::BrokenOff => true,
            Self::Refused { status, .. } => matches!(*status, 429 | 500 | 502 | 503 | 504),
            Self::Tls(_) | Self::TooLarge | Self::Request(_) | Self::Incomplete(_) => false,
        }
    }

    /// Whether the store was not reached at all.
    pub(super) const fn is_away(&self) -> bool {
        match self {
            Self::Unreachable(_) | Self::Slow | Self::Broken(_) | Self::BrokenOff => true,
            Self::Refused { .. }
            | Self::Tls(_)
            | Self::TooLarge
            | Self::Request(_)
            | Self::Incomplete(_) => false,
        }
    }

    /// The code the store said, if it said one.
    pub(super) fn code(&self) -> Option<&str> {
        match self {
            Self::Refused { code, .. } => Some(code),
            Self::Unreachable(_)
            | Self::Tls(_)
            | Self::Slow
            | Self::TooLarge
            | Self::Broken(_)
            | Self::BrokenOff
            | Self::Request(_)
            | Self::Incomplete(_) => None,
        }
    }
}

impl From<S3Error> for BlobError {
    fn from(error: S3Error) -> Self {
        let full = match &error {
            S3Error::Refused { status, code } => {
                *status == 507 || code.contains("StorageFull") || code.contains("QuotaExceeded")
            }
            S3Error::Unreachable(_)
            | S3Error::Tls(_)
            | S3Error::Slow
            | S3Error::TooLarge
            | S3Error::Broken(_)
            | S3Error::BrokenOff
            | S3Error::Request(_)
            | S3Error::Incomplete(_) => false,
        };
        if full { Self::Full } else { Self::Unavailable(Box::new(error)) }
    }
}

#[cfg(test)]
mod tests {
    use std::error::Error as _;

    use super::*;

    #[test]
    fn a_store_that_is_full_says_so_and_one_that_refuses_is_unavailable() {
        let refused = |status, code: &str| S3Error::Refused { status, code: code.to_owned() };
        for full in
            [refused(507, ""), refused(400, "XMinioStorageFull"), refused(403, "QuotaExceeded")]
        {
            assert!(matches!(BlobError::from(full), BlobError::Full));
        }
        let denied = BlobError::from(refused(403, "AccessDenied"));
        assert!(matches!(denied, BlobError::Unavailable(_)), "{denied:?}");
        assert_eq!(denied.to_string(), "the store of files does not work");
        let why = denied.source().map(ToString::to_string);
        assert_eq!(why.as_deref(), Some("it answers 403 AccessDenied"));
        assert!(refused(503, "SlowDown").passes() && !refused(403, "AccessDenied").passes());
    }
}
