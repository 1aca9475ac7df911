//! URLs of files: signed, so that who holds one may read, and only what it is for, until it has run out.
//!
//! A URL is the same for everyone and within an hour, so that caches work; it is good for at least an hour and at most
//! two. The key is a secret of the installation that all gateways share. Where files are in a store that clients speak to
//! themselves, URLs lead there and are signed for it.

use std::sync::Arc;
use std::time::Duration;

use blobs::{Area, BlobStore, Grant, Period};
use data_encoding::BASE64URL_NOPAD;
use eventlog::{EventLog, SecretError};
use hmac::{Hmac, KeyInit, Mac};
use schemas::events::{MediaFile, MediaState};
use schemas::media::MediaStatus;
use schemas::views::{Media, Sender};
use schemas::{ExportId, MediaId, Timestamp};
use sha2::Sha256;

use crate::served::{content_type, disposition};

const KEY: &str = "media";
/// Seconds that URLs of exports are good for.
const EXPORT: i64 = 5 * 60;
/// Seconds within which URLs stay the same, and that they are good for at least.
const HOUR: i64 = 3600;
/// Bytes of a signature.
const SIGNATURE: usize = 16;

/// What a URL is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LinkTo {
    /// To upload the file.
    Upload,
    /// To read it.
    File,
    /// To read the smaller image of it.
    Thumbnail,
}

impl LinkTo {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Upload => "upload",
            Self::File => "file",
            Self::Thumbnail => "thumbnail",
        }
    }
}

/// Makes URLs of files, and knows its own.
#[derive(Clone)]
pub(crate) struct Links {
    keyed: Hmac<Sha256>,
    /// Where this server is reached; empty: URLs are paths.
    site: Arc<str>,
    /// Where files of this server are read, if not there.
    read_at: Option<Arc<str>>,
    /// Where files are, if that gives URLs of its own.
    store: Option<Arc<dyn BlobStore>>,
}

impl std::fmt::Debug for Links {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Links").field("site", &self.site).finish_non_exhaustive()
    }
}

impl Links {
    /// With a key.
    pub(crate) fn new(key: &[u8; 32], site: &str) -> Self {
        let mut block = [0; 64];
        block.iter_mut().zip(key).for_each(|(place, byte)| *place = *byte);
        Self { keyed: Hmac::new(&block.into()), site: site.into(), read_at: None, store: None }
    }

    /// The same, leading elsewhere to read files.
    pub(crate) fn reading_at(self, origin: Option<&str>) -> Self {
        Self { read_at: origin.map(Into::into), ..self }
    }

    /// The same, leading straight to a store where that gives URLs.
    pub(crate) fn into_store(self, store: &Arc<dyn BlobStore>) -> Self {
        Self { store: store.origin().map(|_| Arc::clone(store)), ..self }
    }

    /// With the key of the installation, which the first gateway makes.
    ///
    /// # Errors
    /// The store of secrets does not answer.
    pub(crate) async fn of(log: &EventLog, site: Option<&str>) -> Result<Self, SecretError> {
        let store = log.secrets("links");
        let fresh: [u8; 32] = rand::random();
        if let Some((key, _)) = store.get(KEY).await? {
            return Ok(Self::new(&read(&key, &fresh), site.unwrap_or_default()));
        }
        match store.create(KEY, fresh.to_vec(), None).await {
            Ok(_) => Ok(Self::new(&fresh, site.unwrap_or_default())),
            Err(SecretError::Conflict) => {
                let key = store.get(KEY).await?.map(|(key, _)| key).unwrap_or_default();
                Ok(Self::new(&read(&key, &fresh), site.unwrap_or_default()))
            }
            Err(error) => Err(error),
        }
    }

    /// The same, leading to where a request was sent to, unless it is configured where this server is reached.
    pub(crate) fn under(&self, site: &str) -> Self {
        match self.site.is_empty() {
            true => Self { site: site.into(), ..self.clone() },
            false => self.clone(),
        }
    }

    /// A URL, and when it runs out.
    pub(crate) fn url(&self, to: LinkTo, file: &MediaFile, now: Timestamp) -> (String, Timestamp) {
        let now = now.millis().div_euclid(1000);
        let (from, until) = match to {
            LinkTo::Upload => (now, now + HOUR),
            LinkTo::File | LinkTo::Thumbnail => {
                let hour = now.div_euclid(HOUR);
                (hour * HOUR, (hour + 2) * HOUR)
            }
        };
        let url = self.direct(to, file, from, until);
        let url = url.unwrap_or_else(|| self.own(to, &file.id, until));
        (url, Timestamp::from_millis(until * 1000))
    }

    /// A URL of this server.
    fn own(&self, to: LinkTo, id: &MediaId, until: i64) -> String {
        let signature = BASE64URL_NOPAD.encode(&signed(self.message(to, id, until)));
        let site = match to {
            LinkTo::Upload => &self.site,
            LinkTo::File | LinkTo::Thumbnail => self.read_at.as_ref().unwrap_or(&self.site),
        };
        let to = to.as_str();
        format!("{site}/media/{id}/{to}?until={until}&signature={signature}")
    }

    /// A URL of the store of files, if it gives any.
    fn direct(&self, to: LinkTo, file: &MediaFile, from: i64, until: i64) -> Option<String> {
        let store = self.store.as_ref()?;
        let lasts = Duration::from_secs(u64::try_from(until - from).unwrap_or_default());
        let period = Period { from: Timestamp::from_millis(from * 1000), lasts };
        let name = |area: Area| area.name_of(file.id);
        match to {
            LinkTo::Upload => {
                let content_type = file.content_type.as_str();
                let grant = Grant::Upload { content_type, size: file.size };
                store.direct(&name(Area::Upload), grant, period)
            }
            LinkTo::File => {
                let (content_type, disposition) = (content_type(file), disposition(file));
                let content_type = Some(content_type.as_str());
                let grant = Grant::Read { content_type, disposition: &disposition };
                store.direct(&name(Area::File), grant, period)
            }
            LinkTo::Thumbnail => {
                let grant = Grant::Read { content_type: None, disposition: "inline" };
                store.direct(&name(Area::Thumbnail), grant, period)
            }
        }
    }

    /// Whether a URL is one of these and has not run out.
    pub(crate) fn is_good(
        &self,
        to: LinkTo,
        id: &MediaId,
        (until, signature): (i64, &str),
        now: Timestamp,
    ) -> bool {
        let genuine = is_signed(self.message(to, id, until), signature);
        genuine && until.saturating_mul(1000) > now.millis()
    }

    /// A URL of an export's file: another one each second, and good for five minutes.
    pub(crate) fn export_url(&self, id: &ExportId, now: Timestamp) -> String {
        let until = now.millis().div_euclid(1000) + EXPORT;
        let signature = BASE64URL_NOPAD.encode(&signed(self.export(id, until)));
        format!("{}/exports/{id}/file?until={until}&signature={signature}", self.site)
    }

    /// Whether a URL of an export is one of these and has not run out.
    pub(crate) fn is_good_export(
        &self,
        id: &ExportId,
        (until, signature): (i64, &str),
        now: Timestamp,
    ) -> bool {
        is_signed(self.export(id, until), signature) && until.saturating_mul(1000) > now.millis()
    }

    /// What stands for secrets of a request where they are compared with those of its repeat. What they are is found
    /// out from it only with the key of the installation and with `key`.
    pub(crate) fn stand_in(&self, key: &str, secrets: &str) -> String {
        let message = self.keyed.clone().chain_update(format!("secrets\n{key}\n{secrets}"));
        BASE64URL_NOPAD.encode(&signed(message))
    }

    fn message(&self, to: LinkTo, id: &MediaId, until: i64) -> Hmac<Sha256> {
        let text = format!("media\n{}\n{id}\n{until}", to.as_str());
        self.keyed.clone().chain_update(text)
    }

    fn export(&self, id: &ExportId, until: i64) -> Hmac<Sha256> {
        self.keyed.clone().chain_update(format!("export\n{id}\n{until}"))
    }

    /// A file as those who may see it are told of it.
    pub(crate) fn media(&self, file: &MediaFile, now: Timestamp) -> Media {
        let url = |to| self.url(to, file, now).0;
        Media {
            id: file.id,
            filename: file.filename.to_string(),
            content_type: file.content_type.to_string(),
            size: file.size,
            sha256: file.sha256.as_ref().map(ToString::to_string).unwrap_or_default(),
            width: file.width,
            height: file.height,
            url: url(LinkTo::File),
            thumbnail_url: file.thumbnail.then(|| url(LinkTo::Thumbnail)),
            removed_at: None,
        }
    }

    /// A medium as its owner is told of it.
    pub(crate) fn own_media(&self, state: &MediaState, now: Timestamp) -> Media {
        let removed = matches!(state.status, MediaStatus::Removed | MediaStatus::Purged);
        Media { removed_at: removed.then_some(state.changed_at), ..self.media(&state.file, now) }
    }
}

/// What a URL says of its message.
fn signed(message: Hmac<Sha256>) -> Vec<u8> {
    message.finalize().into_bytes().iter().take(SIGNATURE).copied().collect()
}

/// Whether a URL says that of its message.
fn is_signed(message: Hmac<Sha256>, signature: &str) -> bool {
    let given = BASE64URL_NOPAD.decode(signature.as_bytes()).unwrap_or_default();
    given.len() == SIGNATURE && message.verify_truncated_left(&given).is_ok()
}

/// The key that is stored; one that is damaged is worth as little as none.
fn read(stored: &[u8], fresh: &[u8; 32]) -> [u8; 32] {
    stored.try_into().unwrap_or(*fresh)
}

/// Who a message is by, and what leads to its files.
#[derive(Debug, Clone)]
pub struct Author {
    pub(crate) sender: Sender,
    pub(crate) links: Links,
}

impl Author {
    /// The same, with URLs that lead to where a request was sent to.
    pub(crate) fn under(self, site: &str) -> Self {
        Self { links: self.links.under(site), ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use blobs::{Credentials, S3, S3Place};
    use schemas::Namespace;
    use schemas::media::{ContentType, Filename};
    use uuid::Uuid;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_millis(second * 1000)
    }

    fn id(number: u128) -> MediaId {
        MediaId::from_uuid(Uuid::from_u128(number))
    }

    fn file(number: u128) -> MediaFile {
        MediaFile {
            id: id(number),
            filename: Filename::parse("a b.html").unwrap(),
            content_type: ContentType::parse("text/html").unwrap(),
            size: 7,
            sha256: None,
            width: None,
            height: None,
            thumbnail: true,
        }
    }

    /// What a URL says besides its path.
    fn said(url: &str) -> (i64, String) {
        let (_, query) = url.split_once("?until=").unwrap();
        let (until, signature) = query.split_once("&signature=").unwrap();
        (until.parse().unwrap(), signature.to_owned())
    }

    #[test]
    fn a_url_is_the_same_within_an_hour_and_good_for_one_to_two() {
        let links = Links::new(&[7; 32], "");
        let url = |second| links.url(LinkTo::File, &file(1), at(second)).0;
        assert_eq!(url(7200), url(10_799));
        assert_ne!(url(7200), url(10_800));
        let (until, signature) = said(&url(7200));
        let good = |now| links.is_good(LinkTo::File, &id(1), (until, &signature), at(now));
        assert!(good(7200) && good(7200 + 7199) && !good(7200 + 7200));
        let (until, signature) = said(&url(10_799));
        let good = |now| links.is_good(LinkTo::File, &id(1), (until, &signature), at(now));
        assert!(good(10_799 + 3600) && !good(10_799 + 3601));
    }

    #[test]
    fn a_url_of_an_export_is_good_for_five_minutes_and_for_that_export_alone() {
        let links = Links::new(&[7; 32], "");
        let export = |number| ExportId::from_uuid(Uuid::from_u128(number));
        let url = links.export_url(&export(1), at(1_000));
        assert!(url.starts_with("/exports/exp_"), "{url}");
        let (until, signature) = said(&url);
        let good = |number, until, now| {
            links.is_good_export(&export(number), (until, &signature), at(now))
        };
        assert!(good(1, until, 1_000) && good(1, until, 1_299));
        assert!(!good(1, until, 1_300) && !good(2, until, 1_000) && !good(1, until + 1, 1_000));
        // What is signed for a file is not good for an export, and the other way round.
        assert!(!links.is_good(LinkTo::File, &id(1), (until, &signature), at(1_000)));
    }

    #[test]
    fn a_url_is_for_one_thing_and_cannot_be_widened() {
        let links = Links::new(&[7; 32], "https://chat.example.org");
        let (url, _) = links.url(LinkTo::Thumbnail, &file(1), at(0));
        assert!(url.starts_with("https://chat.example.org/media/media_"), "{url}");
        let (until, signature) = said(&url);
        let good = |to, id: &MediaId, until, signature: &str| {
            links.is_good(to, id, (until, signature), at(0))
        };
        assert!(good(LinkTo::Thumbnail, &id(1), until, &signature));
        assert!(!good(LinkTo::File, &id(1), until, &signature));
        assert!(!good(LinkTo::Upload, &id(1), until, &signature));
        assert!(!good(LinkTo::Thumbnail, &id(2), until, &signature));
        assert!(!good(LinkTo::Thumbnail, &id(1), until + 1, &signature));
        for bad in ["", "AAAA", &signature[1..], &signature.to_lowercase()] {
            assert!(!good(LinkTo::Thumbnail, &id(1), until, bad), "{bad}");
        }
        let other = Links::new(&[8; 32], "");
        assert!(!other.is_good(LinkTo::Thumbnail, &id(1), (until, &signature), at(0)));
    }

    #[test]
    fn urls_of_a_store_are_for_one_thing_and_the_same_within_an_hour() {
        let place = S3Place::parse("s3://files?endpoint=https://s3.test&region=r").unwrap();
        let credentials =
            Credentials { access_key: "key".to_owned(), secret_key: "secret".to_owned() };
        let namespace = Namespace::parse("chat").unwrap();
        let store = S3::open(place, credentials, None, &namespace).unwrap();
        let store: Arc<dyn BlobStore> = Arc::new(store);
        let links = Links::new(&[7; 32], "https://chat.test").into_store(&store);
        let url = |to, second| links.url(to, &file(1), at(second)).0;
        let read = url(LinkTo::File, 7200);
        assert!(read.starts_with("https://s3.test/files/chat/file/media_"), "{read}");
        assert_eq!(read, url(LinkTo::File, 10_799));
        assert_ne!(read, url(LinkTo::File, 10_800));
        for said in [
            "X-Amz-Date=19700101T020000Z",
            "X-Amz-Expires=7200",
            "response-content-disposition=attachment%3B%20filename%3D%22a%20b.html%22",
            "response-content-type=text%2Fhtml%3B%20charset%3Dutf-8",
        ] {
            assert!(read.contains(said), "{said}: {read}");
        }
        let small = url(LinkTo::Thumbnail, 7200);
        assert!(small.contains("/chat/thumbnail/media_") && small.contains("=inline&"), "{small}");
        let upload = url(LinkTo::Upload, 7201);
        assert!(upload.contains("/chat/upload/media_"), "{upload}");
        for said in
            ["T020001Z", "Expires=3600", "SignedHeaders=content-length%3Bcontent-type%3Bhost"]
        {
            assert!(upload.contains(said), "{said}: {upload}");
        }
        let (_, until) = links.url(LinkTo::Upload, &file(1), at(7201));
        assert_eq!(until, at(7201 + 3600));
    }

    #[test]
    fn what_stands_for_a_secret_differs_with_all_it_is_made_of() {
        let links = Links::new(&[7; 32], "");
        let one = links.stand_in("k1", "hunter22");
        assert_eq!(one, links.stand_in("k1", "hunter22"));
        assert_ne!(one, links.stand_in("k1", "hunter23"));
        assert_ne!(one, links.stand_in("k2", "hunter22"));
        assert_ne!(one, Links::new(&[8; 32], "").stand_in("k1", "hunter22"));
        assert!(!one.contains("hunter22"));
    }
}
