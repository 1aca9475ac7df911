//! Where files are kept: beside the log, or in a bucket of an S3-compatible store.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use blobs::{BlobStore, Builtin, Credentials, Probe, S3, S3Place};
use chat_svc::MediaConfig;
use eventlog::EventLog;
use schemas::Namespace;
use telemetry::error_chain;

use crate::failure::Failure;
use crate::settings::Settings;

/// The largest object that S3 takes in one request, in bytes.
const MAX_OBJECT: u64 = 5 * 1024 * 1024 * 1024;

/// Where files are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum FileStore {
    /// Beside the log.
    BuiltIn,
    /// In a bucket.
    S3(Box<Bucket>),
}

/// A bucket, and how it is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Bucket {
    pub(crate) place: S3Place,
    pub(crate) credentials: Credentials,
    /// Certificates of authorities to trust besides the usual ones.
    pub(crate) ca: Option<PathBuf>,
}

impl Bucket {
    /// The store in it. Speaks to no server yet.
    ///
    /// # Errors
    /// The file of certificates cannot be used.
    pub(crate) fn open(&self, namespace: &Namespace) -> Result<S3, Failure> {
        let Self { place, credentials, ca } = self;
        S3::open(place.clone(), credentials.clone(), ca.as_deref(), namespace).map_err(|error| {
            let file = ca.as_deref().unwrap_or(Path::new("")).display();
            Failure::because(&format!("s3_ca_file {file} cannot be used"), &error)
        })
    }
}

impl FileStore {
    /// Opens it for a log's namespace. Speaks to no server yet.
    ///
    /// # Errors
    /// See [`Bucket::open`].
    pub(crate) fn open(&self, log: &EventLog) -> Result<Arc<dyn BlobStore>, Failure> {
        match self {
            Self::BuiltIn => Ok(Arc::new(Builtin::of(log))),
            Self::S3(bucket) => {
                let store = bucket.open(log.namespace())?;
                tokio::spawn(warn_of(store.clone()));
                Ok(Arc::new(store))
            }
        }
    }
}

/// Says what is wrong with a bucket. The start does not depend on it: what needs files answers 503 until it is well.
async fn warn_of(store: S3) {
    match store.probe().await {
        Probe::Well => {}
        Probe::KeepsVersions => {
            tracing::warn!(
                "the bucket keeps former versions: files that are deleted and erased stay in it"
            );
        }
        Probe::Refused(error) | Probe::Away(error) => {
            tracing::warn!(error = %error_chain(&error), "the bucket of files cannot be used");
        }
    }
}

/// Reads where files are kept.
///
/// # Errors
/// A wrong call: what is wrong.
pub(crate) fn store(all: &Settings, media: &MediaConfig) -> Result<FileStore, Failure> {
    let place = all.blob_store.as_deref().unwrap_or_default();
    if ["", "jetstream"].contains(&place) {
        return Ok(FileStore::BuiltIn);
    }
    if !place.starts_with("s3://") {
        return Err(wrong("blob_store: jetstream, or s3://BUCKET?endpoint=URL&region=R"));
    }
    let place = S3Place::parse(place).map_err(|error| wrong(&format!("blob_store: {error}")))?;
    let missing = |name: &str| wrong(&format!("blob_store: a bucket needs {name}, too"));
    let access_key = all.s3_access_key.clone().ok_or_else(|| missing("--s3-access-key"))?;
    let secret_key = all.s3_secret_key.clone().ok_or_else(|| missing("--s3-secret-key"))?;
    for (name, key) in [("s3_access_key", &access_key), ("s3_secret_key", &secret_key)] {
        if !key.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(wrong(&format!("{name}: printable characters without spaces")));
        }
    }
    if media.limits.file > MAX_OBJECT {
        return Err(wrong("media_max_file: a bucket takes at most 5GiB in one request"));
    }
    let credentials = Credentials { access_key, secret_key };
    Ok(FileStore::S3(Box::new(Bucket { place, credentials, ca: all.s3_ca_file.clone() })))
}

/// Reads at which origin of their own files are read: without a slash at the end.
///
/// # Errors
/// A wrong call: it is no origin.
pub(crate) fn origin(text: &str) -> Result<String, Failure> {
    let text = text.trim_end_matches('/');
    let host = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://"));
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:[]".contains(&byte);
    if host.is_some_and(|host| !host.is_empty() && host.bytes().all(fits)) {
        return Ok(text.to_owned());
    }
    let what = "is not an origin; write https://files.example.org";
    Err(wrong(&format!("media_origin: `{text}` {what}")))
}

/// Whether what is said of the origin of files fits to the rest.
///
/// # Errors
/// A wrong call: what does not.
pub(crate) fn fit_together(said: &Settings) -> Result<(), Failure> {
    let Some(origin) = &said.media_origin else { return Ok(()) };
    if said.blob_store.as_deref().is_some_and(|place| place.starts_with("s3://")) {
        return Err(wrong("media_origin: files in a bucket are read from the bucket"));
    }
    // Pages of it are let in to what they read there.
    let Some(public) = &said.public_url else {
        return Err(wrong("media_origin needs public_url, too"));
    };
    let rest = public.to_ascii_lowercase();
    let is_same = rest.strip_prefix(origin.to_ascii_lowercase().trim_end_matches('/'));
    if is_same.is_some_and(|rest| rest.is_empty() || rest.starts_with('/')) {
        return Err(wrong("media_origin must be another origin than that of public_url"));
    }
    Ok(())
}

fn wrong(what: &str) -> Failure {
    Failure::wrong_call(what)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(place: &str, key: Option<&str>, largest: u64) -> Result<FileStore, String> {
        let key = || key.map(str::to_owned);
        let all = Settings {
            blob_store: Some(place.to_owned()),
            s3_access_key: key(),
            s3_secret_key: key(),
            ..Settings::default()
        };
        let mut media = MediaConfig::default();
        media.limits.file = largest;
        store(&all, &media).map_err(|failure| failure.to_string())
    }

    #[test]
    fn the_origin_of_files_is_one_and_not_the_apps() {
        for good in ["https://files.test", "http://127.0.0.1:8080", "https://files.test/"] {
            assert_eq!(origin(good).unwrap(), good.trim_end_matches('/'));
        }
        for bad in ["files.test", "https://", "https://f/path", "https://*.test", "ftp://f", ""] {
            assert!(origin(bad).is_err(), "{bad}");
        }
        let chat = Some("https://chat.test/below");
        let fits = |origin: &str, public_url: Option<&str>, place: &str| {
            let said = Settings {
                media_origin: Some(origin.to_owned()),
                public_url: public_url.map(str::to_owned),
                blob_store: Some(place.to_owned()),
                ..Settings::default()
            };
            fit_together(&said).is_ok()
        };
        for good in ["https://files.test", "https://chat.test:8443", "https://chat.tes"] {
            assert!(fits(good, chat, "jetstream"), "{good}");
        }
        assert!(!fits("https://CHAT.test/", chat, "jetstream"));
        assert!(!fits("https://files.test", None, "jetstream"));
        assert!(!fits("https://files.test", chat, "s3://files"));
    }

    #[test]
    fn files_are_beside_the_log_or_in_a_bucket_with_keys() {
        assert_eq!(with("jetstream", None, MAX_OBJECT + 1), Ok(FileStore::BuiltIn));
        let bucket = "s3://files?endpoint=http://127.0.0.1:9000";
        assert!(matches!(with(bucket, Some("k"), MAX_OBJECT), Ok(FileStore::S3(_))));
        for (place, key, largest, what) in [
            (bucket, None, 1, "--s3-access-key"),
            (bucket, Some("a b"), 1, "s3_access_key: printable"),
            (bucket, Some("k"), MAX_OBJECT + 1, "media_max_file: "),
            ("s3://f", Some("k"), 1, "3 to 63"),
            ("/var/files", Some("k"), 1, "jetstream, or s3://"),
        ] {
            let error = with(place, key, largest).unwrap_err();
            assert!(error.contains(what), "{place}: {error}");
        }
    }
}
