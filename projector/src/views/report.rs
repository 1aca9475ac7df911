//! Events of reports. An open one keeps the message as it was when it was reported.

use readmodel::{Key, ReportDoc};
use schemas::Sequence;
use schemas::events::{ReportCreated, ReportEvent, ReportHandled, ReportState};

use super::wants::Wants;
use crate::working_set::{NotLoaded, WorkingSet};

pub(super) fn needs(event: &ReportEvent, wants: &mut Wants<'_>) {
    wants.key(Key::Report(event.after().id));
    match event {
        ReportEvent::Created(ReportCreated { report }) => wants.message(&report.message_id),
        ReportEvent::Handled(_) => {}
    }
}

pub(super) fn apply(
    event: &ReportEvent,
    at: Sequence,
    set: &mut WorkingSet,
) -> Result<(), NotLoaded> {
    match event {
        ReportEvent::Created(ReportCreated { report }) => created(report, at, set),
        ReportEvent::Handled(ReportHandled { report }) => handled(report, at, set),
    }
}

fn created(report: &ReportState, at: Sequence, set: &mut WorkingSet) -> Result<(), NotLoaded> {
    let message = set.messages.get(&report.message_id)?.cloned().map(Box::new);
    let state = report.clone();
    set.reports.put(&report.id, ReportDoc { state, message, created: at, updated: at });
    Ok(())
}

fn handled(report: &ReportState, at: Sequence, set: &mut WorkingSet) -> Result<(), NotLoaded> {
    if let Some(doc) = set.reports.change(&report.id)? {
        doc.state = report.clone();
        doc.message = None;
        doc.updated = at;
    }
    Ok(())
}
