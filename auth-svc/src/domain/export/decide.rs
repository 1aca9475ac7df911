//! Decisions about exports, by a person's newest one.

use decider::{Expect, Fact, Seen};
use schemas::events::{ExportRequested, ExportStage, ExportState, ExportWithdrawn};
use schemas::{ExportId, Lane, UserId};

use crate::domain::Context;

/// The newest export of a person, and the last event of their lane of exports.
pub(crate) type Newest = Seen<Option<ExportState>>;

/// What becomes of asking for an export.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Asked {
    /// There is one that is being made or can be downloaded.
    Open(ExportId),
    /// A new one is to be made.
    New(Box<Fact>),
}

/// A person asks for a copy of their data: one at a time.
pub(crate) fn request(newest: &Newest, user: &UserId, id: &ExportId, context: &Context) -> Asked {
    if let Some(open) = newest.state.as_ref().filter(|export| export.is_open(context.now)) {
        return Asked::Open(open.id);
    }
    let export = ExportState {
        id: *id,
        user_id: *user,
        stage: ExportStage::Running,
        requested_at: context.now,
        size: None,
        ready_at: None,
        expires_at: None,
    };
    let lane = Lane::Exports(*user);
    let requested = ExportRequested { export };
    Asked::New(Box::new(Fact::expecting(Expect::At(newest.at), lane, requested)))
}

/// The account is taken back from a stranger: what they had asked for goes. Nothing happens where there is nothing left.
pub(crate) fn withdraw(newest: &Newest) -> Option<Fact> {
    let before = newest.state.as_ref()?;
    match before.stage {
        ExportStage::Running | ExportStage::Ready => {
            let export = ExportState { stage: ExportStage::Withdrawn, ..before.clone() };
            let lane = Lane::Exports(export.user_id);
            let withdrawn = ExportWithdrawn { export };
            Some(Fact::expecting(Expect::At(newest.at), lane, withdrawn))
        }
        ExportStage::Withdrawn | ExportStage::Expired => None,
    }
}
