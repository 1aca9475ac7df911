//! A certificate with its key, read from files and judged before it is used.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use schemas::Timestamp;

use super::files::TlsFiles;
use super::validity;

/// Why files are no certificate to serve with.
#[derive(Debug, thiserror::Error)]
pub enum BadCertificate {
    /// A file cannot be read.
    #[error("{file} cannot be read")]
    Unreadable {
        /// The file that cannot be read.
        file: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The file of certificates has none.
    #[error("{0} holds no certificate (PEM)")]
    NoCertificate(PathBuf),
    /// The file of the key has none.
    #[error("{0} holds no private key (PEM, without a passphrase)")]
    NoKey(PathBuf),
    /// The two do not belong together, or the key is of a kind that is not known.
    #[error("{cert} and {key} cannot be used together: {reason}")]
    Unusable {
        /// The file of certificates.
        cert: PathBuf,
        /// The file of the key.
        key: PathBuf,
        /// What is wrong with them.
        reason: String,
    },
    /// It held until a moment that is past.
    #[error("the certificate in {0} expired at {1}")]
    Expired(PathBuf, Timestamp),
    /// It holds from a moment that is still to come.
    #[error("the certificate in {0} is not valid before {1}")]
    NotYet(PathBuf, Timestamp),
}

/// A certificate that can be served with.
#[derive(Clone)]
pub struct Certificate {
    /// The chain and the key.
    pub(super) signs: Arc<CertifiedKey>,
    /// When it expires.
    pub until: Timestamp,
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificate").field("until", &self.until).finish_non_exhaustive()
    }
}

impl Certificate {
    /// Reads and judges the files, at a moment.
    ///
    /// # Errors
    /// [`BadCertificate`]: which file, and what is wrong with it.
    pub fn read(files: &TlsFiles, now: Timestamp) -> Result<Self, BadCertificate> {
        let (cert, key) = (&files.cert, &files.key);
        let pem = read(cert)?;
        let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
        let chain = chain.ok().filter(|chain| !chain.is_empty());
        let chain = chain.ok_or_else(|| BadCertificate::NoCertificate(cert.clone()))?;
        let secret = PrivateKeyDer::from_pem_slice(&read(key)?);
        let secret = secret.map_err(|_| BadCertificate::NoKey(key.clone()))?;
        let unusable = |reason: String| BadCertificate::Unusable {
            cert: cert.clone(),
            key: key.clone(),
            reason,
        };
        let times = chain.first().and_then(|first| validity::of(first));
        let (from, until) =
            times.ok_or_else(|| unusable("the certificate cannot be read".to_owned()))?;
        let provider = rustls::crypto::ring::default_provider();
        let signs = CertifiedKey::from_der(chain, secret, &provider).map_err(|error| {
            unusable(match error {
                rustls::Error::InconsistentKeys(_) => "the key is another certificate's".to_owned(),
                error => error.to_string(),
            })
        })?;
        if now > until {
            return Err(BadCertificate::Expired(cert.clone(), until));
        }
        if now < from {
            return Err(BadCertificate::NotYet(cert.clone(), from));
        }
        Ok(Self { signs: Arc::new(signs), until })
    }
}

fn read(file: &Path) -> Result<Vec<u8>, BadCertificate> {
    fs::read(file).map_err(|source| BadCertificate::Unreadable { file: file.to_owned(), source })
}
