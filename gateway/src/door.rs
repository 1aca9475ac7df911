//! The one place where clients come in: bound at the start, and handed to the HTTP server with what is to be done to each
//! connection before HTTP reads it.

use std::fs;
use std::io::{self, ErrorKind};
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use actix_http::Protocol;
use actix_http::error::DispatchError;
use actix_server::ServerBuilder;
use actix_service::{ServiceFactory, ServiceFactoryExt as _, fn_service};
use actix_web::rt::net;
use telemetry::Shutdown;
use tokio::net::{TcpSocket, UnixSocket};

use crate::http1::Offers;
use crate::listen::{Accept, Io, Listen, Reloading};

/// A connection as HTTP is given it.
pub(crate) type Incoming = (Offers<Io>, Protocol, Option<SocketAddr>);

/// Who may open a Unix socket: its owner and their group.
const SOCKET_MODE: u32 = 0o660;

/// Connections that may wait to be taken, where the system allows as many: after an outage thousands come back in the same
/// moment, and one that finds no place waits a second before it tries again.
const BACKLOG: u32 = 4_096;

enum Listener {
    Tcp(TcpListener),
    Unix(UnixListener),
}

/// Where clients connect.
pub(crate) struct Door {
    listener: Listener,
    address: Listen,
    tls: Option<Arc<Reloading>>,
}

impl Door {
    /// Binds the address.
    ///
    /// # Errors
    /// It is taken or not ours.
    pub(crate) fn open(address: &Listen, tls: Option<Arc<Reloading>>) -> io::Result<Self> {
        let (listener, address) = match address {
            Listen::Tcp(address) => {
                let listener = listen(*address)?;
                let address = Listen::Tcp(listener.local_addr()?);
                (Listener::Tcp(listener), address)
            }
            Listen::Unix(path) => (Listener::Unix(bind(path)?), Listen::Unix(path.clone())),
        };
        Ok(Self { listener, address, tls })
    }

    /// Where it is; has the port that was chosen for port 0.
    pub(crate) const fn address(&self) -> &Listen {
        &self.address
    }

    /// Whether clients speak TLS.
    pub(crate) const fn speaks_tls(&self) -> bool {
        self.tls.is_some()
    }

    /// How connections are taken; until `live` ends a certificate is renewed when its files change.
    ///
    /// # Errors
    /// TLS cannot be set up.
    pub(crate) fn accept(&self, live: &Shutdown) -> Result<Accept, rustls::Error> {
        if let Some(certificate) = &self.tls {
            tokio::spawn(Arc::clone(certificate).watch(live.clone()));
        }
        Accept::with(self.tls.clone())
    }

    /// Has a server take connections here and give them to the HTTP service that `http` makes for each worker.
    ///
    /// # Errors
    /// The listener cannot be handed over.
    pub(crate) fn serve_with<H, S>(
        self,
        server: ServerBuilder,
        accept: Accept,
        http: H,
    ) -> io::Result<ServerBuilder>
    where
        H: Fn() -> S + Clone + Send + 'static,
        S: ServiceFactory<
                Incoming,
                Config = (),
                Response = (),
                Error = DispatchError,
                InitError = (),
            > + 'static,
    {
        match self.listener {
            Listener::Tcp(listener) => server.listen("gateway", listener, move || {
                let accept = accept.clone();
                let taken = move |io: net::TcpStream| {
                    let accept = accept.clone();
                    async move { accept.tcp(io).await.map(incoming).map_err(DispatchError::Io) }
                };
                fn_service(taken).and_then(http())
            }),
            Listener::Unix(listener) => server.listen_uds("gateway", listener, move || {
                let taken = |io: net::UnixStream| async move {
                    Ok::<_, DispatchError>(incoming(Accept::unix(io)))
                };
                fn_service(taken).and_then(http())
            }),
        }
    }
}

fn incoming((io, protocol, peer): (Io, Protocol, Option<SocketAddr>)) -> Incoming {
    // What filters requests knows HTTP/1 alone.
    let io = match protocol {
        Protocol::Http1 => Offers::of(io),
        _ => Offers::unread(io),
    };
    (io, protocol, peer)
}

/// Whether an address could be listened at now. Nothing of the try stays.
///
/// # Errors
/// It is taken, not ours, or a file that is no socket.
pub fn try_address(address: &Listen) -> io::Result<()> {
    match address {
        Listen::Tcp(address) => TcpListener::bind(address).map(drop),
        Listen::Unix(path) => {
            let folder = path.parent().unwrap_or(Path::new("/"));
            if !folder.is_dir() {
                let what = format!("the folder {} is not there", folder.display());
                return Err(io::Error::new(ErrorKind::NotFound, what));
            }
            is_left_behind(path).map(drop)
        }
    }
}

/// Whether there is a Unix socket that a process left behind which is no more.
fn is_left_behind(path: &Path) -> io::Result<bool> {
    match fs::symlink_metadata(path) {
        Ok(about) if about.file_type().is_socket() && UnixStream::connect(path).is_ok() => {
            Err(io::Error::new(ErrorKind::AddrInUse, "another process listens there"))
        }
        Ok(about) if about.file_type().is_socket() => Ok(true),
        Ok(_) => Err(io::Error::new(ErrorKind::AlreadyExists, "there is a file that is no socket")),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Binds a Unix socket, in place of one that a process left behind which is no more.
fn bind(path: &Path) -> io::Result<UnixListener> {
    if is_left_behind(path)? {
        fs::remove_file(path)?;
    }
    let socket = UnixSocket::new_stream()?;
    socket.bind(path)?;
    let listener = socket.listen(BACKLOG)?.into_std()?;
    fs::set_permissions(path, fs::Permissions::from_mode(SOCKET_MODE))?;
    Ok(listener)
}

/// Listens at an address, without blocking. Wants a runtime, as [`bind`] does.
fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // As the standard library does: an address is free again once its process has ended.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)?.into_std()
}

/// Removes a Unix socket when the gateway has stopped.
pub(crate) struct Unlink(Option<PathBuf>);

impl Unlink {
    /// Of an address; of another kind than a Unix socket there is nothing to remove.
    pub(crate) fn of(address: &Listen) -> Self {
        match address {
            Listen::Tcp(_) => Self(None),
            Listen::Unix(path) => Self(Some(path.clone())),
        }
    }
}

impl Drop for Unlink {
    fn drop(&mut self) {
        if let Some(path) = &self.0 {
            // It may have been removed by hand.
            let _ = fs::remove_file(path);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn many_may_come_in_the_same_moment() {
        let listener = listen(([127, 0, 0, 1], 0).into()).unwrap();
        let address = listener.local_addr().unwrap();
        // None of them is taken, so each needs a place of its own.
        let connect = || std::net::TcpStream::connect_timeout(&address, Duration::from_secs(5));
        let open: Vec<_> = (0..300).map(|_| connect().unwrap()).collect();
        drop(open);
    }

    #[tokio::test]
    async fn a_socket_left_behind_is_replaced_one_in_use_and_a_file_are_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("chat.sock");
        let first = bind(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, SOCKET_MODE);
        assert_eq!(bind(&path).unwrap_err().kind(), ErrorKind::AddrInUse);
        drop(first);
        bind(&path).unwrap();
        let file = folder.path().join("file");
        fs::write(&file, "kept").unwrap();
        assert_eq!(bind(&file).unwrap_err().kind(), ErrorKind::AlreadyExists);
        assert_eq!(fs::read_to_string(&file).unwrap(), "kept");
    }

    #[tokio::test]
    async fn a_try_tells_what_listening_would_meet_and_leaves_no_trace() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| Listen::Unix(folder.path().join(name));
        let kind = |address: &Listen| try_address(address).unwrap_err().kind();
        let path = folder.path().join("chat.sock");
        try_address(&at("chat.sock")).unwrap();
        assert!(!path.exists());
        let first = bind(&path).unwrap();
        assert_eq!(kind(&at("chat.sock")), ErrorKind::AddrInUse);
        drop(first);
        try_address(&at("chat.sock")).unwrap();
        assert!(path.exists(), "who listens replaces it");
        fs::write(folder.path().join("file"), "").unwrap();
        assert_eq!(kind(&at("file")), ErrorKind::AlreadyExists);
        assert_eq!(kind(&at("no/folder")), ErrorKind::NotFound);
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = Listen::Tcp(taken.local_addr().unwrap());
        assert_eq!(kind(&address), ErrorKind::AddrInUse);
        drop(taken);
        try_address(&address).unwrap();
    }
}
