//! Decisions about reports, and what moderators do.

use decider::Fact;
use eventlog::Expect;
use schemas::events::{MessageDeleted, ReportCreated, ReportHandled, ReportState};
use schemas::ids::ReportId;
use schemas::values::{Reason, ReportStatus, Role};
use schemas::{Code, Lane, RefusalReason, Rejection};

use crate::domain::Context;
use crate::domain::access::{Denied, Standing, active};
use crate::domain::message::Message;
use crate::domain::person::Person;

/// Most reports of one user that are open at the same time.
pub const MAX_OPEN: u64 = 100;

/// Why a decision about a report is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ReportRejection {
    /// The caller may not.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// There is no such message or report, or the caller may not see it.
    #[error("there is no such message or report, or you may not see it")]
    NotFound,
    /// The caller is no moderator.
    #[error("only moderators and admins may do this")]
    NotAModerator,
    /// Nothing is left of the message.
    #[error("the message was deleted")]
    Deleted,
    /// It is purged.
    #[error("the message was purged: nothing of it is left")]
    Purged,
    /// Too many reports of the caller are open.
    #[error("too many of your reports are open; wait until moderators have handled some")]
    TooMany,
    /// A report is not opened again.
    #[error("status must be dismissed or actioned")]
    NotHandled,
    /// It was handled otherwise before.
    #[error("the report was handled before")]
    Handled,
}

impl From<ReportRejection> for Rejection {
    fn from(rejection: ReportRejection) -> Self {
        let text = rejection.to_string();
        match rejection {
            ReportRejection::Denied(denied) => denied.into(),
            ReportRejection::NotFound => Self::not_found(),
            ReportRejection::NotAModerator => Self::because(RefusalReason::NeedsModerator, text),
            ReportRejection::Deleted => Self::because(RefusalReason::MessageDeleted, text),
            ReportRejection::Handled => Self::because(RefusalReason::ReportHandled, text),
            ReportRejection::Purged => Self::new(Code::Gone, text),
            ReportRejection::TooMany => Self::new(Code::RateLimited, text),
            ReportRejection::NotHandled => {
                Self::field(Code::ValidationFailed, "/status", "invalid_value", text)
            }
        }
    }
}

/// Reports a message; none when the caller's report of it is open already. Who is muted may, also in an archived room.
/// `open` are the caller's open reports.
///
/// # Errors
/// See [`ReportRejection`].
pub fn report(
    standing: &Standing<'_>,
    message: &Message,
    before: Option<&ReportState>,
    (id, reason, open): (ReportId, &Reason, u64),
    cx: &Context,
) -> Result<Option<Fact>, ReportRejection> {
    standing.role()?;
    if message.state.room_id != standing.room.id {
        return Err(ReportRejection::NotFound);
    }
    if before.is_some_and(|before| before.status == ReportStatus::Open) {
        return Ok(None);
    }
    if message.purged {
        return Err(ReportRejection::Purged);
    }
    if message.deleted {
        return Err(ReportRejection::Deleted);
    }
    if open >= MAX_OPEN {
        return Err(ReportRejection::TooMany);
    }
    let report = ReportState {
        id,
        message_id: message.state.id,
        room_id: message.state.room_id,
        reporter_id: cx.actor,
        reason: reason.clone(),
        status: ReportStatus::Open,
        created_at: cx.now,
        handled_by: None,
        note: None,
        handled_at: None,
    };
    Ok(Some(Fact::new(Lane::Report(id), ReportCreated { report })))
}

/// The caller must be a moderator or an admin.
///
/// # Errors
/// [`ReportRejection::NotAModerator`], [`ReportRejection::Denied`].
pub fn moderator(person: Option<&Person>) -> Result<(), ReportRejection> {
    if active(person)?.role >= Role::Moderator {
        Ok(())
    } else {
        Err(ReportRejection::NotAModerator)
    }
}

/// Says what became of a report; none when that was said already.
///
/// # Errors
/// See [`ReportRejection`].
pub fn handle(
    person: Option<&Person>,
    before: Option<&ReportState>,
    (status, note): (ReportStatus, Option<&Reason>),
    cx: &Context,
) -> Result<Option<Fact>, ReportRejection> {
    moderator(person)?;
    let before = before.ok_or(ReportRejection::NotFound)?;
    if status == ReportStatus::Open {
        return Err(ReportRejection::NotHandled);
    }
    if before.status != ReportStatus::Open {
        let same = before.status == status && (note.is_none() || before.note.as_ref() == note);
        return if same { Ok(None) } else { Err(ReportRejection::Handled) };
    }
    let report = ReportState {
        status,
        handled_by: Some(cx.actor),
        note: note.cloned(),
        handled_at: Some(cx.now),
        ..before.clone()
    };
    Ok(Some(Fact::new(Lane::Report(report.id), ReportHandled { report })))
}

/// Deletes a message of any room, for a reason that only the audit trail keeps; none when it is deleted already.
///
/// # Errors
/// See [`ReportRejection`].
pub fn delete(
    person: Option<&Person>,
    message: Option<&Message>,
    reason: &Reason,
    cx: &Context,
) -> Result<Option<Fact>, ReportRejection> {
    moderator(person)?;
    let message = message.ok_or(ReportRejection::NotFound)?;
    if message.deleted {
        return Ok(None);
    }
    let state = &message.state;
    let event = MessageDeleted {
        message_id: state.id,
        room_id: state.room_id,
        sender_id: state.sender_id,
        posted: message.posted,
        thread_root_id: state.thread_root_id,
        created_at: state.created_at,
        deleted_at: cx.now,
        reason: Some(reason.clone()),
    };
    Ok(Some(Fact::expecting(Expect::Any, Lane::Timeline(state.room_id), event)))
}
