//! The file of an export: what the URL leads to that its owner was given.

use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use blobs::BlobName;
use schemas::{Code, ExportId, Rejection, Timestamp};

use super::download::{Shown, give};
use super::preconditions::http_date;
use super::{no_good, signed};
use crate::failure;
use crate::http::RequestContext;
use crate::state::AppState;

/// No copy of it is to be left anywhere on the way.
const CACHED: &str = "no-store";

/// Gives the file of an export, for as long as it is ready: a withdrawn one is gone at once.
pub(crate) async fn export(
    app: Data<AppState>,
    _: RequestContext,
    request: HttpRequest,
    _: Payload,
) -> Result<HttpResponse, Rejection> {
    let id = request.path().split('/').nth(2).and_then(|id| ExportId::parse(id).ok());
    let id = id.ok_or_else(Rejection::not_found)?;
    let (until, signature) = signed(&request)?;
    let now = Timestamp::now();
    if !app.links.is_good_export(&id, (until, &signature), now) {
        return Err(no_good());
    }
    let found = app.read_model.current().export(&id).await.map_err(failure::store)?;
    let doc = found.ok_or_else(Rejection::not_found)?;
    if !doc.state.is_ready(now) {
        return Err(Rejection::new(Code::Gone, "this export is over; ask for another one"));
    }
    let day = doc.state.requested_at.to_string();
    let day = day.get(..10).unwrap_or_default();
    let shown = Shown {
        content_type: "application/zip".to_owned(),
        disposition: format!("attachment; filename=\"tidings-export-{day}.zip\""),
        cached: CACHED,
        modified: doc.state.ready_at.and_then(http_date),
    };
    give(&app, &request, BlobName::Export(doc.user_id), shown).await
}
