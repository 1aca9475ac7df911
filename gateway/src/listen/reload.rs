//! The certificate in use, and its renewal while connections are open.
//!
//! The files are looked at every second. When they have changed, change no more and hold a certificate, new connections get it; those
//! that are open go on as they are. When they hold none, the former stays in use, and a line in the log and a metric
//! say so, once for each change.

use std::fmt;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::RwLock;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use schemas::Timestamp;
use telemetry::prometheus_client::encoding::EncodeLabelSet;
use telemetry::prometheus_client::metrics::counter::Counter;
use telemetry::prometheus_client::metrics::family::Family;
use telemetry::prometheus_client::metrics::gauge::Gauge;
use telemetry::{Metrics, Shutdown, error_chain};

use super::certificate::{BadCertificate, Certificate};
use super::files::TlsFiles;

/// How often the files are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Outcome {
    outcome: &'static str,
}

/// The certificate that new connections are given.
pub(crate) struct Reloading {
    files: TlsFiles,
    current: RwLock<Arc<CertifiedKey>>,
    expires: Gauge,
    reloads: Family<Outcome, Counter>,
}

impl fmt::Debug for Reloading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reloading").field("files", &self.files).finish_non_exhaustive()
    }
}

impl ResolvesServerCert for Reloading {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.current.read()))
    }
}

impl Reloading {
    /// Reads the files for the first time.
    ///
    /// # Errors
    /// [`BadCertificate`].
    pub(crate) fn start(files: TlsFiles, metrics: &Metrics) -> Result<Self, BadCertificate> {
        let first = Certificate::read(&files, Timestamp::now())?;
        let expires = Gauge::<i64>::default();
        expires.set(first.until.millis() / 1000);
        let reloads = Family::<Outcome, Counter>::default();
        for outcome in ["ok", "failed"] {
            // A counter from 0 on, so that its first count is an increase.
            drop(reloads.get_or_create(&Outcome { outcome }));
        }
        metrics.register(|registry| {
            registry.register(
                "tls_certificate_expires_timestamp_seconds",
                "When the certificate in use expires, in seconds since the Unix epoch",
                expires.clone(),
            );
            registry.register(
                "tls_reloads",
                "Changes of the certificate's files: ok, or failed, after which the former stays in use",
                reloads.clone(),
            );
        });
        Ok(Self { files, current: RwLock::new(first.signs), expires, reloads })
    }

    /// Looks at the files until `shutdown`.
    pub(crate) async fn watch(self: Arc<Self>, shutdown: Shutdown) {
        let (mut seen, mut settling) = (self.state(), None);
        let mut looks = tokio::time::interval(LOOK_EVERY);
        loop {
            tokio::select! {
                () = shutdown.wait() => return,
                _ = looks.tick() => {}
            }
            let now = self.state();
            // Two files are never replaced at once: what still changes is looked at again.
            if now != seen && settling == Some(now) {
                seen = now;
                self.renew();
            }
            settling = (now != seen).then_some(now);
        }
    }

    fn renew(&self) {
        let outcome = match Certificate::read(&self.files, Timestamp::now()) {
            Ok(certificate) => {
                *self.current.write() = certificate.signs;
                self.expires.set(certificate.until.millis() / 1000);
                tracing::info!(tls.until = %certificate.until, "the certificate was renewed");
                "ok"
            }
            Err(error) => {
                tracing::error!(
                    error = %error_chain(&error),
                    "the new certificate cannot be used; the former one stays in use"
                );
                "failed"
            }
        };
        self.reloads.get_or_create(&Outcome { outcome }).inc();
    }

    /// What changes when a file is written or replaced; links are followed, as secrets that are mounted are links.
    fn state(&self) -> [Option<(u64, u64, i64, i64)>; 2] {
        let of = |file: &Path| {
            let about = fs::metadata(file).ok()?;
            Some((about.ino(), about.size(), about.mtime(), about.mtime_nsec()))
        };
        [of(&self.files.cert), of(&self.files.key)]
    }
}
