//! Media: asking to upload, completing, and what leads to the bytes.

use std::time::Duration;

use actix_web::http::header::{HeaderValue, LOCATION};
use schemas::views::Media;
use schemas::{Code, MediaId, Rejection, Timestamp};
use serde::Serialize;

use super::{access, rooms};
use crate::failure;
use crate::http::{Call, Created, Done, Led, NoContent, Path, Reply, Shown};
use crate::links::{LinkTo, Links};
use crate::requests::Nothing;
use crate::requests::media::{NewMedia, completion, removal};
use readmodel::MediaDoc;
use schemas::media::MediaStatus;

/// How long a completion may take: what was uploaded is read and written once more.
const COMPLETED_WITHIN: Duration = Duration::from_secs(120);

/// What to send the file to.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub(crate) struct UploadTo {
    /// The HTTP method to send it with: `PUT`.
    pub(crate) method: &'static str,
    /// The URL to send it to. A client that holds it may upload.
    pub(crate) url: String,
    /// Headers to send along.
    pub(crate) headers: std::collections::BTreeMap<&'static str, String>,
    /// When the URL runs out.
    pub(crate) expires_at: Timestamp,
}

/// A file that may be uploaded.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub(crate) struct MediaUpload {
    /// The medium's id.
    pub(crate) media_id: MediaId,
    /// How to upload it.
    pub(crate) upload: UploadTo,
}

/// A URL of the bytes of a file.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub(crate) struct MediaLink {
    /// The URL. A client that holds it may read the file.
    pub(crate) url: String,
    /// When the URL runs out.
    pub(crate) expires_at: Timestamp,
}

fn links(call: &Call) -> Links {
    call.state.links.under(&call.context.site)
}

pub(crate) async fn request(call: Call, body: NewMedia) -> Created<MediaUpload> {
    let accepted = call.send(&body.command()).await?;
    let file = accepted.result.file;
    let (url, expires_at) = links(&call).url(LinkTo::Upload, &file, Timestamp::now());
    let headers = [("Content-Type", file.content_type.to_string())].into();
    let upload = UploadTo { method: "PUT", url, headers, expires_at };
    let answer = MediaUpload { media_id: file.id, upload };
    Ok(Reply::created(&answer).at(accepted.position))
}

pub(crate) async fn complete(call: Call, Path(id): Path<MediaId>, body: Nothing) -> Done<Media> {
    let accepted = call.send_within(&completion(body, id), COMPLETED_WITHIN).await?;
    rooms::projected(&call, accepted.position.as_ref()).await;
    let media = links(&call).media(&accepted.result.file, Timestamp::now());
    Ok(Reply::ok(&media).at(accepted.position))
}

pub(crate) async fn one(call: Call, Path(id): Path<MediaId>) -> Done<Media> {
    let doc = seen(&call, &id).await?;
    Ok(Reply::ok(&links(&call).media(&doc.state.file, Timestamp::now())))
}

pub(crate) async fn content(call: Call, Path(id): Path<MediaId>) -> Led<MediaLink> {
    let doc = seen(&call, &id).await?;
    lead(&call, LinkTo::File, &doc)
}

pub(crate) async fn thumbnail(call: Call, Path(id): Path<MediaId>) -> Led<MediaLink> {
    let doc = seen(&call, &id).await?;
    if !doc.state.file.thumbnail {
        return Err(Rejection::new(Code::NotFound, "there is no smaller image of this file"));
    }
    lead(&call, LinkTo::Thumbnail, &doc)
}

pub(crate) async fn remove(call: Call, Path(id): Path<MediaId>, body: Nothing) -> NoContent {
    let accepted = call.send(&removal(body, id)).await?;
    rooms::projected(&call, accepted.position.as_ref()).await;
    Ok(Reply::no_content().at(accepted.position))
}

/// Stands in the table for what signed URLs lead to, which is no answer but bytes.
pub(crate) async fn bytes(_: Call, _: Path<MediaId>) -> Shown {
    Err(Rejection::not_found())
}

fn lead(call: &Call, to: LinkTo, doc: &MediaDoc) -> Led<MediaLink> {
    let (url, expires_at) = links(call).url(to, &doc.state.file, Timestamp::now());
    if call.context.wants_json {
        return Ok(Reply::link(&MediaLink { url, expires_at }));
    }
    let location = HeaderValue::from_str(&url);
    let location = location.map_err(|_| Rejection::new(Code::Internal, "no URL can be made"))?;
    Ok(Reply::found().with(LOCATION, location))
}

/// A medium the caller may see: their own, or one of a message in a room they are in. Every other answers like one that
/// does not exist.
async fn seen(call: &Call, id: &MediaId) -> Result<MediaDoc, Rejection> {
    let caller = call.caller()?;
    let store = call.state.read_model.current();
    let found = store.media(id).await.map_err(failure::store)?;
    let stored = found.filter(|doc| doc.state.status == MediaStatus::Stored);
    let doc = stored.ok_or_else(Rejection::not_found)?;
    if doc.state.owner_id == caller.user_id {
        return Ok(doc);
    }
    for used in doc.state.uses.iter().filter(|used| !used.reported) {
        if access::is_in(store.as_ref(), &used.room_id, &caller.user_id).await? {
            return Ok(doc);
        }
    }
    Err(Rejection::not_found())
}
