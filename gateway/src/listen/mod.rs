//! Where clients connect, and how a connection becomes bytes: TCP, a Unix socket, TLS.
//!
//! Owns addresses, certificates and handshakes. It must not know HTTP: what is read and written here is handed on as
//! it is.

mod accept;
mod certificate;
mod files;
mod io;
mod reload;
mod validity;

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;

pub(crate) use accept::Accept;
pub use certificate::{BadCertificate, Certificate};
pub use files::TlsFiles;
pub(crate) use io::Io;
pub(crate) use reload::Reloading;

/// Where a gateway listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Listen {
    /// An address and a port; an unspecified IPv6 address takes IPv4, too, where the system does so.
    Tcp(SocketAddr),
    /// A socket in the file system, for a proxy on the same machine.
    Unix(PathBuf),
}

impl Listen {
    /// Whether only this machine can connect, and no proxy stands in between by nature.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        matches!(self, Self::Tcp(address) if address.ip().to_canonical().is_loopback())
    }
}

impl fmt::Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

impl From<SocketAddr> for Listen {
    fn from(address: SocketAddr) -> Self {
        Self::Tcp(address)
    }
}
