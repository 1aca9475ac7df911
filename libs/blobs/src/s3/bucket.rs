//! The requests to a bucket, each of which may be made again.

use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use schemas::Timestamp;

use super::answer::{elements, escaped, text};
use super::error::S3Error;
use super::http::{Answer, Ask, Http, UntrustedCa};
use super::place::S3Place;
use super::sign::{Credentials, Signed, Signer};
use crate::store::Period;

/// The pauses before what failed for a moment is asked again.
const AGAIN_AFTER: [Duration; 2] = [Duration::from_millis(100), Duration::from_millis(400)];
/// Bytes of an answer: a piece of a file takes half of it, as does a list of a thousand keys.
const MAX_ANSWER: usize = 4 * 1024 * 1024;
/// Keys of a list.
const LISTED: u32 = 1000;

/// A request, before it is signed.
#[derive(Debug, Default)]
struct Wanted<'a> {
    method: &'static str,
    /// Empty: the bucket itself.
    key: &'a str,
    query: Vec<(&'static str, String)>,
    headers: Vec<(&'static str, String)>,
    body: Bytes,
}

/// An object, as the store tells of it.
#[derive(Debug)]
pub(super) struct Object {
    /// The value of `ETag`, quotes included.
    pub(super) etag: String,
    pub(super) size: u64,
}

/// A file that goes up in parts.
#[derive(Debug)]
pub(super) struct Begun {
    pub(super) key: String,
    pub(super) upload: String,
    /// When it was begun, if that is said.
    pub(super) at: Option<Timestamp>,
}

/// A bucket, and who asks.
#[derive(Debug)]
pub(super) struct Bucket {
    place: S3Place,
    signer: Signer,
    http: Http,
    host: String,
    public_host: String,
}

impl Bucket {
    pub(super) fn new(
        place: S3Place,
        credentials: Credentials,
        ca: Option<&Path>,
    ) -> Result<Self, UntrustedCa> {
        let (host, public_host) = (place.host(), place.public_host());
        let http = Http::new(place.server(), place.host(), ca)?;
        let signer = Signer::new(credentials, place.region());
        Ok(Self { place, signer, http, host, public_host })
    }

    pub(super) const fn place(&self) -> &S3Place {
        &self.place
    }

    /// A URL that lets a client make one request, with exactly these headers.
    pub(super) fn url(
        &self,
        method: &str,
        key: &str,
        query: Vec<(&'static str, String)>,
        headers: Vec<(&'static str, String)>,
        period: Period,
    ) -> String {
        let path = self.place.path(key);
        let request = Signed { method, host: &self.public_host, path: &path, query, headers };
        let query = self.signer.presign(request, period);
        format!("{}{path}?{query}", self.place.origin())
    }

    /// Asks, and once more or twice if that failed for a moment. Every answer that is not a success is an error.
    async fn ask(&self, wanted: Wanted<'_>) -> Result<Answer, S3Error> {
        let path = self.place.path(wanted.key);
        let mut again = AGAIN_AFTER.into_iter();
        loop {
            let (query, headers) = (wanted.query.clone(), wanted.headers.clone());
            let request =
                Signed { method: wanted.method, host: &self.host, path: &path, query, headers };
            let (headers, query) = self.signer.sign(request, &wanted.body, Timestamp::now());
            let mark = if query.is_empty() { "" } else { "?" };
            let ask = Ask {
                method: wanted.method,
                target: format!("{path}{mark}{query}"),
                headers,
                body: wanted.body.clone(),
                most: MAX_ANSWER,
            };
            let failed = match self.http.ask(&ask).await.and_then(succeeded) {
                Ok(answer) => return Ok(answer),
                Err(failed) => failed,
            };
            match again.next().filter(|_| failed.passes()) {
                Some(pause) => tokio::time::sleep(pause).await,
                None => return Err(failed),
            }
        }
    }

    /// What is stored under a key.
    pub(super) async fn head(&self, key: &str) -> Result<Option<Object>, S3Error> {
        let asked = self.ask(Wanted { method: "HEAD", key, ..Wanted::default() }).await;
        let answer = match asked {
            Ok(answer) => answer,
            // Such an answer has no body that would say whether the object or the bucket is not there.
            Err(S3Error::Refused { status: 404, .. }) => return self.is_missing(key).await,
            Err(error) => return Err(error),
        };
        let size = answer.header("content-length").and_then(|size| size.parse().ok());
        let size = size.ok_or(S3Error::Incomplete("Content-Length"))?;
        Ok(Some(Object { etag: etag(&answer)?, size }))
    }

    /// That there is no object under a key, from its bucket that is there.
    async fn is_missing(&self, key: &str) -> Result<Option<Object>, S3Error> {
        let headers = vec![("range", "bytes=0-0".to_owned())];
        match self.ask(Wanted { method: "GET", key, headers, ..Wanted::default() }).await {
            Err(error) if is_no_key(&error) => Ok(None),
            Err(error) => Err(error),
            // It has come meanwhile.
            Ok(_) => Err(S3Error::Refused { status: 404, code: String::new() }),
        }
    }

    /// Bytes of an object from a place on, `most` of them or as many as there are; none when it is not this version.
    pub(super) async fn range(
        &self,
        key: &str,
        etag: &str,
        from: u64,
        most: u64,
    ) -> Result<Option<Bytes>, S3Error> {
        let range = format!("bytes={from}-{}", from.saturating_add(most).saturating_sub(1));
        let headers = vec![("range", range), ("if-match", etag.to_owned())];
        let limit = usize::try_from(most).unwrap_or(usize::MAX);
        let wanted = Wanted { method: "GET", key, headers, ..Wanted::default() };
        let answer = match self.ask(wanted).await {
            Ok(answer) => answer,
            Err(S3Error::Refused { status: 412 | 416, .. }) => return Ok(None),
            Err(error) if is_no_key(&error) => return Ok(None),
            Err(error) => return Err(error),
        };
        // Not every store looks at `If-Match`.
        if answer.header("etag").is_some_and(|found| found != etag) {
            return Ok(None);
        }
        // Some say 200 to a range, and where it begins. Without that it is the whole.
        let partial = answer.status.as_u16() == 206 || answer.header("content-range").is_some();
        if !partial && from > 0 {
            return Err(S3Error::Incomplete("Content-Range"));
        }
        let mut body = answer.body;
        body.truncate(limit);
        Ok(Some(body))
    }

    /// Stores an object; its `ETag`.
    pub(super) async fn put(
        &self,
        key: &str,
        content_type: &str,
        body: Bytes,
    ) -> Result<String, S3Error> {
        let headers = vec![("content-type", content_type.to_owned())];
        let wanted = Wanted { method: "PUT", key, headers, body, ..Wanted::default() };
        etag(&self.ask(wanted).await?)
    }

    /// Removes an object, if it is there.
    pub(super) async fn delete(&self, key: &str) -> Result<(), S3Error> {
        match self.ask(Wanted { method: "DELETE", key, ..Wanted::default() }).await {
            Ok(_) => Ok(()),
            Err(error) if is_no_key(&error) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Keys that begin so and come after one, in order; and whether there are more of them.
    pub(super) async fn list(
        &self,
        prefix: &str,
        after: Option<&str>,
    ) -> Result<(Vec<String>, bool), S3Error> {
        let mut query = vec![
            ("list-type", "2".to_owned()),
            ("max-keys", LISTED.to_string()),
            ("prefix", prefix.to_owned()),
        ];
        query.extend(after.map(|after| ("start-after", after.to_owned())));
        let answer = self.ask(Wanted { method: "GET", query, ..Wanted::default() }).await?;
        let xml = String::from_utf8_lossy(&answer.body);
        let cut = text(&xml, "IsTruncated").ok_or(S3Error::Incomplete("IsTruncated"))?;
        let keys = elements(&xml, "Contents").filter_map(|one| text(one, "Key"));
        // What a store lists again that does not know `start-after` would be listed for ever.
        let keys: Vec<String> =
            keys.filter(|key| after.is_none_or(|after| key.as_str() > after)).collect();
        let more = cut == "true" && !keys.is_empty();
        Ok((keys, more))
    }

    /// Begins an object that goes up in parts; under which name.
    pub(super) async fn begin(&self, key: &str, content_type: &str) -> Result<String, S3Error> {
        let query = vec![("uploads", String::new())];
        let headers = vec![("content-type", content_type.to_owned())];
        let wanted = Wanted { method: "POST", key, query, headers, ..Wanted::default() };
        let answer = self.ask(wanted).await?;
        let xml = String::from_utf8_lossy(&answer.body);
        text(&xml, "UploadId").ok_or(S3Error::Incomplete("UploadId"))
    }

    /// Stores a part, counted from 1; its `ETag`.
    pub(super) async fn part(
        &self,
        begun: (&str, &str),
        number: usize,
        body: Bytes,
    ) -> Result<String, S3Error> {
        let (key, upload) = begun;
        let query = vec![("partNumber", number.to_string()), ("uploadId", upload.to_owned())];
        etag(&self.ask(Wanted { method: "PUT", key, query, body, ..Wanted::default() }).await?)
    }

    /// Puts the parts together: from now on the object is there. Its `ETag`.
    pub(super) async fn end(
        &self,
        begun: (&str, &str),
        parts: &[String],
    ) -> Result<String, S3Error> {
        let (key, upload) = begun;
        let part = |(at, etag): (usize, &String)| {
            let (number, etag) = (at + 1, escaped(etag));
            format!("<Part><PartNumber>{number}</PartNumber><ETag>{etag}</ETag></Part>")
        };
        let parts: String = parts.iter().enumerate().map(part).collect();
        let body = format!(
            "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">{parts}</CompleteMultipartUpload>"
        );
        let query = vec![("uploadId", upload.to_owned())];
        let headers = vec![("content-type", "application/xml".to_owned())];
        let body = Bytes::from(body);
        let wanted = Wanted { method: "POST", key, query, headers, body };
        let answer = self.ask(wanted).await?;
        let xml = String::from_utf8_lossy(&answer.body);
        // It may begin to answer before it knows the outcome.
        if let Some(error) = elements(&xml, "Error").next() {
            let code = text(error, "Code").unwrap_or_default();
            return Err(S3Error::Refused { status: answer.status.as_u16(), code });
        }
        text(&xml, "ETag").ok_or(S3Error::Incomplete("ETag"))
    }

    /// Removes the parts of an object that is not put together.
    pub(super) async fn abort(&self, key: &str, upload: &str) -> Result<(), S3Error> {
        let query = vec![("uploadId", upload.to_owned())];
        match self.ask(Wanted { method: "DELETE", key, query, ..Wanted::default() }).await {
            Ok(_) => Ok(()),
            Err(error) if error.code() == Some("NoSuchUpload") => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Whether an object still goes up in parts: it is neither put together nor removed. A store that does not tell is
    /// taken for one that has it; the next part shows.
    pub(super) async fn is_begun(&self, key: &str, upload: &str) -> Result<bool, S3Error> {
        let query = vec![("max-parts", "1".to_owned()), ("uploadId", upload.to_owned())];
        match self.ask(Wanted { method: "GET", key, query, ..Wanted::default() }).await {
            Ok(_) => Ok(true),
            Err(S3Error::Refused { status: 404, .. }) => Ok(false),
            Err(S3Error::Refused { status: 400 | 403 | 405 | 501, .. }) => Ok(true),
            Err(error) => Err(error),
        }
    }

    /// Objects below a prefix that go up in parts, a thousand at most.
    pub(super) async fn begun(&self, prefix: &str) -> Result<Vec<Begun>, S3Error> {
        let query = vec![("uploads", String::new()), ("prefix", prefix.to_owned())];
        let answer = self.ask(Wanted { method: "GET", query, ..Wanted::default() }).await?;
        let xml = String::from_utf8_lossy(&answer.body);
        let begun = |one| {
            let (key, upload) = (text(one, "Key")?, text(one, "UploadId")?);
            let at = text(one, "Initiated").and_then(|at| Timestamp::parse(&at).ok());
            Some(Begun { key, upload, at })
        };
        Ok(elements(&xml, "Upload").filter_map(begun).collect())
    }

    /// Whether the bucket keeps what was removed as former versions, if that may be asked.
    pub(super) async fn keeps_versions(&self) -> Result<bool, S3Error> {
        let query = vec![("versioning", String::new())];
        let answer = self.ask(Wanted { method: "GET", query, ..Wanted::default() }).await?;
        let xml = String::from_utf8_lossy(&answer.body);
        Ok(text(&xml, "Status").is_some_and(|status| status == "Enabled"))
    }
}

/// A success, or what the store says instead.
fn succeeded(answer: Answer) -> Result<Answer, S3Error> {
    if answer.status.is_success() {
        return Ok(answer);
    }
    let code = text(&String::from_utf8_lossy(&answer.body), "Code").unwrap_or_default();
    Err(S3Error::Refused { status: answer.status.as_u16(), code })
}

fn is_no_key(error: &S3Error) -> bool {
    matches!(error, S3Error::Refused { status: 404, code } if code == "NoSuchKey")
}

fn etag(answer: &Answer) -> Result<String, S3Error> {
    answer.header("etag").map(str::to_owned).ok_or(S3Error::Incomplete("ETag"))
}

#[cfg(test)]
#[path = "bucket_tests.rs"]
mod tests;
