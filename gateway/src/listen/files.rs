//! Where a certificate and its key lie.

use std::path::PathBuf;

/// The files of a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate and those between it and its authority (PEM), its own first.
    pub cert: PathBuf,
    /// Its private key (PEM): PKCS #8, PKCS #1 or SEC 1.
    pub key: PathBuf,
}
