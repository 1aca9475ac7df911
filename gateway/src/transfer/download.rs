//! A download: a file or parts of it, piece by piece as the client reads.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

use actix_web::body::SizedStream;
use actix_web::http::StatusCode;
use actix_web::http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_RANGE, CONTENT_SECURITY_POLICY,
    CONTENT_TYPE, ETAG, HeaderName, HttpDate, LAST_MODIFIED, RANGE,
};
use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder};
use blobs::{Blob, BlobError, BlobName, BlobStore, thumbnail_type};
use bytes::Bytes;
use futures_util::stream::try_unfold;
use schemas::Rejection;
use schemas::events::MediaState;
use schemas::media::MediaStatus;
use telemetry::error_chain;

use super::preconditions::{Present, Verdict, failed, http_date, judge};
use super::range::{Wanted, wanted};
use super::{id_in, medium, state, store_failed};
use crate::http::{RequestContext, header};
use crate::links::LinkTo;
use crate::served::{content_type, disposition};
use crate::state::AppState;

const CORP: HeaderName = HeaderName::from_static("cross-origin-resource-policy");
/// Nothing in a file acts, and it can be no part of a page of this server.
const POLICY: &str =
    "default-src 'none'; img-src 'self'; media-src 'self'; style-src 'unsafe-inline'; sandbox";
/// A URL runs out within two hours, and what it leads to never changes.
const CACHED: &str = "private, max-age=3600, immutable";
/// A picture that a user shows to everyone.
const CACHED_BY_ALL: &str = "public, max-age=31536000, immutable";
/// Between parts. Random files do not hold it, and a client goes by the length of parts.
const BOUNDARY: &str = "tidings-7d3c5b1f9a60e842";

/// Gives a file.
pub(crate) async fn file(
    app: Data<AppState>,
    _: RequestContext,
    request: HttpRequest,
    _: Payload,
) -> Result<HttpResponse, Rejection> {
    let media = stored(medium(&app, &request, LinkTo::File).await?)?;
    let file = &media.file;
    let name = BlobName::File(file.id);
    let (content_type, disposition) = (content_type(file), disposition(file));
    let shown = Shown { content_type, disposition, cached: CACHED, modified: since(&media) };
    give(&app, &request, name, shown).await
}

/// Gives the smaller image of a file.
pub(crate) async fn thumbnail(
    app: Data<AppState>,
    _: RequestContext,
    request: HttpRequest,
    _: Payload,
) -> Result<HttpResponse, Rejection> {
    let media = stored(medium(&app, &request, LinkTo::Thumbnail).await?)?;
    give_thumbnail(&app, &request, &media, CACHED).await
}

/// Gives a profile picture, to everyone: its URL is never that of another picture.
pub(crate) async fn avatar(
    app: Data<AppState>,
    _: RequestContext,
    request: HttpRequest,
    _: Payload,
) -> Result<HttpResponse, Rejection> {
    let found = state(&app, &id_in(&request)?).await?.filter(|media| media.avatar);
    let media = stored(found.ok_or_else(Rejection::not_found)?)?;
    give_thumbnail(&app, &request, &media, CACHED_BY_ALL).await
}

async fn give_thumbnail(
    app: &AppState,
    request: &HttpRequest,
    media: &MediaState,
    cached: &'static str,
) -> Result<HttpResponse, Rejection> {
    let name = BlobName::Thumbnail(media.file.id);
    let blob = found(app, &name).await?;
    let head = app.blobs.read(&name, &blob, 0, 1).await.map_err(|error| store_failed(&error))?;
    let content_type = thumbnail_type(&head).to_owned();
    let disposition = "inline".to_owned();
    let shown = Shown { content_type, disposition, cached, modified: since(media) };
    give(app, request, name, shown).await
}

fn stored(media: MediaState) -> Result<MediaState, Rejection> {
    if media.status == MediaStatus::Stored { Ok(media) } else { Err(Rejection::not_found()) }
}

/// Since when a medium is what it is.
fn since(media: &MediaState) -> Option<HttpDate> {
    media.stored_at.and_then(http_date)
}

async fn found(app: &AppState, name: &BlobName) -> Result<Blob, Rejection> {
    let found = app.blobs.stat(name).await.map_err(|error| store_failed(&error))?;
    found.ok_or_else(Rejection::not_found)
}

/// How a file is shown.
pub(super) struct Shown {
    pub(super) content_type: String,
    pub(super) disposition: String,
    pub(super) cached: &'static str,
    /// Since when it is what it is.
    pub(super) modified: Option<HttpDate>,
}

/// Gives a file, or the parts of it that are asked for.
pub(super) async fn give(
    app: &AppState,
    request: &HttpRequest,
    name: BlobName,
    shown: Shown,
) -> Result<HttpResponse, Rejection> {
    let blob = found(app, &name).await?;
    let etag = format!("\"{}\"", blob.tag());
    let present = Present { etag: &etag, modified: shown.modified };
    let asked = match judge(request.method(), request.headers(), Some(present)) {
        Verdict::Failed => return Err(failed()),
        Verdict::NotModified => {
            return Ok(common(StatusCode::NOT_MODIFIED, &etag, &shown).finish());
        }
        Verdict::Whole => None,
        Verdict::Parts => header(request, RANGE.as_str()),
    };
    let size = blob.size;
    let reading = Reading { store: Arc::clone(&app.blobs), name, blob, parts: VecDeque::new() };
    let mut response = common(StatusCode::OK, &etag, &shown);
    match wanted(asked, size) {
        Wanted::All => {
            response.insert_header((CONTENT_TYPE, shown.content_type));
            Ok(reading.answer(response, [Part::File(0..size)].into()))
        }
        Wanted::Nothing => {
            response.status(StatusCode::RANGE_NOT_SATISFIABLE);
            response.insert_header((CONTENT_RANGE, format!("bytes */{size}")));
            Ok(response.finish())
        }
        Wanted::Parts(parts) => match parts.as_slice() {
            [one] => {
                response.status(StatusCode::PARTIAL_CONTENT);
                response.insert_header((CONTENT_TYPE, shown.content_type));
                response.insert_header((CONTENT_RANGE, content_range(one, size)));
                Ok(reading.answer(response, [Part::File(one.clone())].into()))
            }
            several => {
                response.status(StatusCode::PARTIAL_CONTENT);
                let kind = format!("multipart/byteranges; boundary={BOUNDARY}");
                response.insert_header((CONTENT_TYPE, kind));
                Ok(reading.answer(response, multipart(several, size, &shown.content_type)))
            }
        },
    }
}

fn common(status: StatusCode, etag: &str, shown: &Shown) -> HttpResponseBuilder {
    let mut response = HttpResponse::build(status);
    response
        .insert_header((ETAG, etag))
        .insert_header((ACCEPT_RANGES, "bytes"))
        .insert_header((CACHE_CONTROL, shown.cached))
        .insert_header((CONTENT_SECURITY_POLICY, POLICY))
        .insert_header((CORP, "cross-origin"))
        .insert_header((CONTENT_DISPOSITION, shown.disposition.as_str()));
    if let Some(modified) = shown.modified {
        response.insert_header((LAST_MODIFIED, modified));
    }
    response
}

fn content_range(part: &Range<u64>, size: u64) -> String {
    format!("bytes {}-{}/{size}", part.start, part.end.saturating_sub(1))
}

fn multipart(parts: &[Range<u64>], size: u64, content_type: &str) -> VecDeque<Part> {
    let mut all = VecDeque::new();
    for part in parts {
        let range = content_range(part, size);
        let head = format!(
            "\r\n--{BOUNDARY}\r\nContent-Type: {content_type}\r\nContent-Range: {range}\r\n\r\n"
        );
        all.push_back(Part::Text(head.into()));
        all.push_back(Part::File(part.clone()));
    }
    all.push_back(Part::Text(format!("\r\n--{BOUNDARY}--\r\n").into()));
    all
}

/// A part of an answer.
enum Part {
    Text(Bytes),
    File(Range<u64>),
}

impl Part {
    fn bytes(&self) -> u64 {
        match self {
            Self::Text(text) => u64::try_from(text.len()).unwrap_or(0),
            Self::File(part) => part.end - part.start,
        }
    }
}

/// A file on its way.
struct Reading {
    store: Arc<dyn BlobStore>,
    name: BlobName,
    blob: Blob,
    parts: VecDeque<Part>,
}

impl Reading {
    fn answer(self, mut response: HttpResponseBuilder, parts: VecDeque<Part>) -> HttpResponse {
        let bytes = parts.iter().map(Part::bytes).sum();
        let stream = try_unfold(Self { parts, ..self }, |mut reading| async move {
            let next = reading.next().await.inspect_err(|error| {
                tracing::warn!(error = %error_chain(error), "a file broke off on its way");
            })?;
            Ok::<_, BlobError>(next.map(|bytes| (bytes, reading)))
        });
        response.body(SizedStream::new(bytes, Box::pin(stream)))
    }

    async fn next(&mut self) -> Result<Option<Bytes>, BlobError> {
        loop {
            match self.parts.pop_front() {
                None => return Ok(None),
                Some(Part::Text(text)) => return Ok(Some(text)),
                Some(Part::File(part)) if part.is_empty() => {}
                Some(Part::File(part)) => {
                    let most = part.end - part.start;
                    let bytes = self.store.read(&self.name, &self.blob, part.start, most).await?;
                    let start = part.start + u64::try_from(bytes.len()).unwrap_or(0);
                    if bytes.is_empty() {
                        return Err(BlobError::Gone);
                    }
                    self.parts.push_front(Part::File(start..part.end));
                    return Ok(Some(bytes));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_parts_are_as_long_as_they_say() {
        let parts = multipart(&[0..5, 10..12], 100, "text/plain");
        let texts: u64 =
            parts.iter().filter(|part| matches!(part, Part::Text(_))).map(Part::bytes).sum();
        let all: u64 = parts.iter().map(Part::bytes).sum();
        assert_eq!(all, texts + 7);
        assert_eq!(content_range(&(10..12), 100), "bytes 10-11/100");
    }
}
