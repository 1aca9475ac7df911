//! What is done with a connection before it is read.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use actix_http::Protocol;
use actix_web::rt::net::{TcpStream, UnixStream};
use rustls::ServerConfig;
use tokio_rustls::TlsAcceptor;

use super::io::Io;
use super::reload::Reloading;

/// How long a client may take to agree on TLS.
const HANDSHAKE_WITHIN: Duration = Duration::from_secs(10);
const H2: &[u8] = b"h2";

/// How connections are taken: with TLS or without.
#[derive(Clone)]
pub(crate) struct Accept {
    tls: Option<TlsAcceptor>,
}

/// A connection that can be read: its bytes, what is spoken over it, and who is at the other end.
pub(crate) type Accepted = (Io, Protocol, Option<SocketAddr>);

impl Accept {
    /// With the certificate that is in use at the time of each connection.
    ///
    /// # Errors
    /// The library has no version of TLS in common with itself: a defect of this build.
    pub(crate) fn with(certificate: Option<Arc<Reloading>>) -> Result<Self, rustls::Error> {
        let Some(certificate) = certificate else { return Ok(Self { tls: None }) };
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_cert_resolver(certificate);
        // Browsers open a WebSocket over a connection of its own, for which they offer HTTP/1.1 alone.
        config.alpn_protocols = vec![H2.to_vec(), b"http/1.1".to_vec()];
        Ok(Self { tls: Some(TlsAcceptor::from(Arc::new(config))) })
    }

    /// Takes a connection over TCP.
    ///
    /// # Errors
    /// The client speaks no TLS, refuses the certificate, or takes too long.
    pub(crate) async fn tcp(self, io: TcpStream) -> io::Result<Accepted> {
        // Without it small answers wait for each other; a connection that is gone shows when it is read.
        let _ = io.set_nodelay(true);
        let peer = io.peer_addr().ok();
        let Some(tls) = self.tls else { return Ok((Io::Tcp(io), Protocol::Http1, peer)) };
        let agreed = tokio::time::timeout(HANDSHAKE_WITHIN, tls.accept(io)).await;
        let io = agreed.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
        let protocol = match io.get_ref().1.alpn_protocol() {
            Some(H2) => Protocol::Http2,
            _ => Protocol::Http1,
        };
        Ok((Io::Tls(Box::new(io)), protocol, peer))
    }

    /// Takes a connection over a Unix socket, which is a proxy's.
    pub(crate) fn unix(io: UnixStream) -> Accepted {
        (Io::Unix(io), Protocol::Http1, None)
    }
}
