//! TLS to a collector: whom its certificate is checked by, and what is spoken once that is done.

use std::path::Path;
use std::sync::Arc;

use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, InvalidDnsNameError, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use crate::options::OtlpProtocol;

/// Why a file of certificates cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum InvalidCaFile {
    /// It cannot be read.
    #[error("it cannot be read")]
    Unreadable(#[source] std::io::Error),
    /// It holds no certificate, or one that is damaged.
    #[error("it holds no certificate")]
    NoCertificate,
    /// TLS cannot be set up: a defect of this build.
    #[error("TLS cannot be set up")]
    Tls(#[source] tokio_rustls::rustls::Error),
}

/// Why there is no connection that is safe.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TlsError {
    #[error("the collector's host is no name that a certificate could have")]
    Host(#[from] InvalidDnsNameError),
    #[error("no TLS with the collector")]
    Refused(#[from] std::io::Error),
}

/// What a client of a collector trusts and offers.
#[derive(Debug, Clone)]
pub(crate) struct CollectorTls {
    config: Arc<ClientConfig>,
}

impl CollectorTls {
    /// Trusts the authorities of this machine (`SSL_CERT_FILE` and `SSL_CERT_DIR` are heeded), those that browsers
    /// trust, and those in the file. Reads files.
    ///
    /// # Errors
    /// See [`InvalidCaFile`].
    pub(crate) fn new(
        protocol: OtlpProtocol,
        ca_file: Option<&Path>,
    ) -> Result<Self, InvalidCaFile> {
        let mut roots = RootCertStore::empty();
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        for certificate in ca_file.map(authorities).transpose()?.unwrap_or_default() {
            roots.add(certificate).map_err(|_| InvalidCaFile::NoCertificate)?;
        }
        let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(InvalidCaFile::Tls)?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let spoken: &[u8] = match protocol {
            OtlpProtocol::Http => b"http/1.1",
            // Servers of gRPC refuse who does not offer it.
            OtlpProtocol::Grpc => b"h2",
        };
        config.alpn_protocols = vec![spoken.to_vec()];
        Ok(Self { config: Arc::new(config) })
    }

    /// Makes a connection a safe one, to the host of this name or address and to no other.
    ///
    /// # Errors
    /// See [`TlsError`].
    pub(crate) async fn secure(
        &self,
        stream: TcpStream,
        host: &str,
    ) -> Result<TlsStream<TcpStream>, TlsError> {
        let name = ServerName::try_from(host.to_owned())?;
        Ok(TlsConnector::from(Arc::clone(&self.config)).connect(name, stream).await?)
    }
}

/// Whether a file of certificates can be used; for checking configuration before `init`. Reads it.
///
/// # Errors
/// See [`InvalidCaFile`].
pub fn check_ca_file(file: &Path) -> Result<(), InvalidCaFile> {
    CollectorTls::new(OtlpProtocol::Http, Some(file)).map(drop)
}

/// The certificates in a file.
fn authorities(file: &Path) -> Result<Vec<CertificateDer<'static>>, InvalidCaFile> {
    let pem = std::fs::read(file).map_err(InvalidCaFile::Unreadable)?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    let found = found.map_err(|_| InvalidCaFile::NoCertificate)?;
    if found.is_empty() { Err(InvalidCaFile::NoCertificate) } else { Ok(found) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_a_certificate_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("ca.pem");
        assert!(matches!(check_ca_file(&file), Err(InvalidCaFile::Unreadable(_))));
        let broken = "-----BEGIN CERTIFICATE-----\nnot base64!\n-----END CERTIFICATE-----\n";
        let empty = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        for text in ["", "no certificate", broken, empty] {
            std::fs::write(&file, text).unwrap();
            assert!(matches!(check_ca_file(&file), Err(InvalidCaFile::NoCertificate)), "{text}");
        }
    }

    #[test]
    fn each_protocol_is_offered_by_its_name() {
        let offered = |protocol| {
            let tls = CollectorTls::new(protocol, None).unwrap();
            tls.config.alpn_protocols.concat()
        };
        assert_eq!(offered(OtlpProtocol::Http), b"http/1.1");
        assert_eq!(offered(OtlpProtocol::Grpc), b"h2");
    }
}
