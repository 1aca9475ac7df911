//! An upload: the bytes of a file, as they come, into the store; what they are is looked at when it is completed.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use actix_web::http::header::{CONTENT_LENGTH, ETAG, IF_MATCH, IF_NONE_MATCH};
use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use blobs::{BlobName, Upload};
use futures_util::StreamExt;
use parking_lot::Mutex;
use schemas::media::MediaStatus;
use schemas::{Code, MediaId, RefusalReason, Rejection};

use super::preconditions::{Present, Verdict, failed, judge};
use super::{medium, state, store_failed};
use crate::http::{RequestContext, header};
use crate::links::LinkTo;
use crate::problem;
use crate::state::AppState;

/// How long the next bytes are waited for.
const NEXT_WITHIN: Duration = Duration::from_secs(30);
/// Of a body that is refused so much is read, so that the client sees the answer and not a reset.
const READ_ON: usize = 1024 * 1024;

/// A medium that is being uploaded, until it is dropped.
struct Turn {
    id: MediaId,
    all: Arc<Mutex<HashSet<MediaId>>>,
}

impl Turn {
    fn of(id: &MediaId, all: &Arc<Mutex<HashSet<MediaId>>>) -> Result<Self, Rejection> {
        if !all.lock().insert(*id) {
            let detail = "the file is being uploaded already";
            return Err(Rejection::because(RefusalReason::UploadInProgress, detail).retry_after(1));
        }
        Ok(Self { id: *id, all: Arc::clone(all) })
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.all.lock().remove(&self.id);
    }
}

/// Takes an upload: 204, with what is stored replaced; 409 once the upload was completed.
pub(crate) async fn upload(
    app: Data<AppState>,
    _: RequestContext,
    request: HttpRequest,
    mut payload: Payload,
) -> Result<HttpResponse, Rejection> {
    let taken = take(&app, &request, &mut payload).await;
    if taken.is_err() {
        read_on(&mut payload).await;
    }
    taken
}

async fn take(
    app: &AppState,
    request: &HttpRequest,
    payload: &mut Payload,
) -> Result<HttpResponse, Rejection> {
    let media = medium(app, request, LinkTo::Upload).await?;
    may_upload(media.status)?;
    let (id, size) = (&media.file.id, media.file.size);
    let announced = header(request, CONTENT_LENGTH.as_str()).and_then(|text| text.parse().ok());
    if let Some(announced) = announced {
        fits(announced, size)?;
    }
    let _turn = Turn::of(id, &app.uploads.media)?;
    let busy = || Rejection::new(Code::Unavailable, "too many uploads at once").retry_after(2);
    let _place = app.uploads.places.try_acquire().map_err(|_| busy())?;
    let name = BlobName::Upload(*id);
    wanted(app, request, &name).await?;
    let mut upload = app.blobs.begin(name.clone()).await.map_err(|error| store_failed(&error))?;
    if let Err(refused) = receive(&mut *upload, payload, size).await {
        upload.abort().await;
        return Err(refused);
    }
    let blob = upload.finish().await.map_err(|error| store_failed(&error))?;
    // It may have been completed, or removed, while this was under way.
    let now = state(app, id).await?.map_or(MediaStatus::Purged, |media| media.status);
    if let Err(refused) = may_upload(now) {
        app.blobs.remove(&name).await.map_err(|error| store_failed(&error))?;
        return Err(refused);
    }
    let etag = format!("\"{}\"", blob.tag());
    Ok(HttpResponse::NoContent().insert_header((ETAG, etag)).finish())
}

/// Holds an upload to what its client says of the one before it, such as `If-None-Match: *` for none. Another gateway may
/// take one at the same moment.
async fn wanted(app: &AppState, request: &HttpRequest, name: &BlobName) -> Result<(), Rejection> {
    let headers = request.headers();
    if !headers.contains_key(IF_MATCH) && !headers.contains_key(IF_NONE_MATCH) {
        return Ok(());
    }
    let before = app.blobs.stat(name).await.map_err(|error| store_failed(&error))?;
    let etag = before.map(|blob| format!("\"{}\"", blob.tag()));
    let present = etag.as_deref().map(|etag| Present { etag, modified: None });
    match judge(request.method(), headers, present) {
        Verdict::Failed | Verdict::NotModified => Err(failed()),
        Verdict::Whole | Verdict::Parts => Ok(()),
    }
}

fn may_upload(status: MediaStatus) -> Result<(), Rejection> {
    match status {
        MediaStatus::Requested => Ok(()),
        MediaStatus::Stored => Err(Rejection::because(
            RefusalReason::UploadCompleted,
            "the upload was completed; it changes no more",
        )),
        MediaStatus::Removed | MediaStatus::Purged => Err(Rejection::not_found()),
    }
}

fn fits(length: u64, size: u64) -> Result<(), Rejection> {
    let detail = format!("bytes announced: {size}");
    match length.cmp(&size) {
        std::cmp::Ordering::Equal => Ok(()),
        std::cmp::Ordering::Greater => Err(Rejection::new(Code::PayloadTooLarge, detail)),
        std::cmp::Ordering::Less => Err(problem::bad(&detail)),
    }
}

async fn receive(
    upload: &mut dyn Upload,
    payload: &mut Payload,
    size: u64,
) -> Result<(), Rejection> {
    let mut received: u64 = 0;
    loop {
        let next = tokio::time::timeout(NEXT_WITHIN, payload.next()).await;
        let next = next.map_err(|_| problem::bad("the file was not received in time"))?;
        let Some(bytes) = next else { return fits(received, size) };
        let bytes = bytes.map_err(|_| problem::bad("the file ended early"))?;
        received = received.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        if received > size {
            return fits(received, size);
        }
        upload.write(&bytes).await.map_err(|error| store_failed(&error))?;
    }
}

async fn read_on(payload: &mut Payload) {
    let rest = async {
        let mut left = READ_ON;
        while let Some(Ok(bytes)) = payload.next().await {
            match left.checked_sub(bytes.len()) {
                Some(rest) => left = rest,
                None => return,
            }
        }
    };
    let _ = tokio::time::timeout(Duration::from_secs(1), rest).await;
}
