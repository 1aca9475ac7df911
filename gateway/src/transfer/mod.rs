//! Bytes of files, to and from clients: what signed URLs lead to.
//!
//! Owns how files go over HTTP: ranges, what a browser may do with them, how much is under way at once. Must not know who
//! may see a file: who was given a URL may. What a URL leads to is judged by the medium's lane, so that what was
//! removed is gone at once; an export by its document.

mod download;
mod export;
mod preconditions;
mod range;
mod upload;

use actix_web::HttpRequest;
use blobs::BlobError;
use schemas::events::MediaState;
use schemas::{Code, EventData, Lane, MediaId, RefusalReason, Rejection, Timestamp};
use telemetry::error_chain;

pub(crate) use download::{avatar, file, thumbnail};
pub(crate) use export::export;
pub(crate) use upload::upload;

use crate::failure;
use crate::http::{Fields, shape};
use crate::links::LinkTo;
use crate::state::AppState;

shape! {
    /// What is signed of a URL.
    Signed {
        /// When it runs out, in seconds since 1970.
        until: String,
        /// Over all of it.
        signature: String,
    }
}

/// The medium a URL is about, if it is one of ours that has not run out.
///
/// # Errors
/// `forbidden` for any other; `not_found` when there is no such medium.
async fn medium(
    app: &AppState,
    request: &HttpRequest,
    to: LinkTo,
) -> Result<MediaState, Rejection> {
    let id = id_in(request)?;
    let (until, signature) = signed(request)?;
    if !app.links.is_good(to, &id, (until, &signature), Timestamp::now()) {
        return Err(no_good());
    }
    state(app, &id).await?.ok_or_else(Rejection::not_found)
}

/// When a URL says that it runs out, and its signature.
fn signed(request: &HttpRequest) -> Result<(i64, String), Rejection> {
    let signed: Signed = Fields::of_query(request.query_string())?;
    Ok((signed.until.parse().unwrap_or_default(), signed.signature))
}

fn no_good() -> Rejection {
    Rejection::because(
        RefusalReason::LinkNotValid,
        "the URL has run out, or is not one of this server's",
    )
}

/// The medium that a path names.
fn id_in(request: &HttpRequest) -> Result<MediaId, Rejection> {
    let id = request.path().split('/').nth(2).and_then(|id| MediaId::parse(id).ok());
    id.ok_or_else(Rejection::not_found)
}

/// A medium as the log has it.
pub(crate) async fn state(app: &AppState, id: &MediaId) -> Result<Option<MediaState>, Rejection> {
    let stored = app.log.last(&Lane::Media(*id)).await.map_err(failure::log)?;
    let Some(stored) = stored else { return Ok(None) };
    let event =
        stored.event().map_err(|error| failure::unreadable(&app.log, stored.sequence, &error))?;
    let EventData::Media(event) = event.data else { return Ok(None) };
    Ok(Some(event.after().clone()))
}

fn store_failed(error: &BlobError) -> Rejection {
    tracing::warn!(error = %error_chain(error), "the store of files failed");
    Rejection::new(Code::Unavailable, error.to_string()).retry_after(1)
}
