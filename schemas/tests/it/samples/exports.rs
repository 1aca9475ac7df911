//! Samples of exports.

use schemas::event::EventData;
use schemas::events::{
    ExportExpired, ExportReady, ExportRequested, ExportStage, ExportState, ExportWithdrawn,
};
use schemas::ids::ExportId;

use super::{now, user_id, uuid};

fn export(stage: ExportStage, made: bool) -> ExportState {
    ExportState {
        id: ExportId::from_uuid(uuid(21)),
        user_id: user_id(1),
        stage,
        requested_at: now(),
        size: made.then_some(123_456),
        ready_at: made.then(now),
        expires_at: made.then(|| now().plus_seconds(604_800)),
    }
}

/// What is withdrawn or expires may never have been made.
pub(super) fn exports(full: bool) -> Vec<EventData> {
    vec![
        ExportRequested { export: export(ExportStage::Running, full) }.into(),
        ExportReady { export: export(ExportStage::Ready, full) }.into(),
        ExportWithdrawn { export: export(ExportStage::Withdrawn, full) }.into(),
        ExportExpired { export: export(ExportStage::Expired, full) }.into(),
    ]
}
