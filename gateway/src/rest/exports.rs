//! Copies of the caller's data: asking for one, and what leads to it.

use schemas::views::{Export, ExportStatus};
use schemas::{ExportId, Rejection, Timestamp};
use serde::Serialize;

use crate::failure;
use crate::http::{Begun, Call, Done, Path, Reply, Shown};
use crate::requests::export::ExportRequest;

/// An export was asked for.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub(crate) struct ExportStarted {
    /// Names the export when it is asked for.
    pub(crate) export_id: ExportId,
}

pub(crate) async fn request(call: Call, body: ExportRequest) -> Begun<ExportStarted> {
    let accepted = call.send(&body.command()).await?;
    let started = ExportStarted { export_id: accepted.result };
    Ok(Reply::accepted(&started).at(accepted.position))
}

/// Another user's answers like one that does not exist.
pub(crate) async fn one(call: Call, Path(id): Path<ExportId>) -> Done<Export> {
    let caller = call.caller()?;
    let store = call.state.read_model.current();
    let found = store.export(&id).await.map_err(failure::store)?;
    let own = found.filter(|doc| doc.user_id == caller.user_id);
    let (state, now) = (own.ok_or_else(Rejection::not_found)?.state, Timestamp::now());
    let export = Export::of(&state, now);
    let links = call.state.links.under(&call.context.site);
    let ready = export.status == ExportStatus::Ready;
    let url = ready.then(|| links.export_url(&id, now));
    Ok(Reply::ok(&Export { url, ..export }))
}

/// Stands in the table for what signed URLs lead to, which is no answer but bytes.
pub(crate) async fn bytes(_: Call, _: Path<ExportId>) -> Shown {
    Err(Rejection::not_found())
}
