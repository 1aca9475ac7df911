//! How this service's refusals end a try: a caller who may not by what the cache says may by what the log says.

use decider::{Failure, unavailable};

use crate::domain::access::Denied;
use crate::domain::block::BlockRejection;
use crate::domain::invite::InviteRejection;
use crate::domain::media::MediaRejection;
use crate::domain::member::MemberRejection;
use crate::domain::message::MessageRejection;
use crate::domain::report::ReportRejection;
use crate::domain::room::RoomRejection;
use crate::index::IndexError;

impl From<Denied> for Failure {
    fn from(denied: Denied) -> Self {
        Self::Denied(denied.into())
    }
}

macro_rules! refused_by {
    ($($rejection:ident),*) => {
        $(impl From<$rejection> for Failure {
            fn from(rejection: $rejection) -> Self {
                match rejection {
                    $rejection::Denied(denied) => denied.into(),
                    other => Self::Rejected(other.into()),
                }
            }
        })*
    };
}
refused_by!(
    RoomRejection,
    MemberRejection,
    MessageRejection,
    BlockRejection,
    ReportRejection,
    InviteRejection,
    MediaRejection
);

impl From<IndexError> for Failure {
    fn from(error: IndexError) -> Self {
        tracing::warn!(error = telemetry::error_chain(&error), "the read model does not answer");
        Self::Rejected(unavailable("the read model does not answer"))
    }
}

/// Why something failed, for a line of the log.
pub(crate) struct Reason<'a>(pub(crate) &'a Failure);

impl std::fmt::Display for Reason<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            Failure::Rejected(rejection) | Failure::Denied(rejection) => {
                f.write_str(&rejection.detail)
            }
            Failure::Conflict => f.write_str("the log has changed meanwhile"),
        }
    }
}
