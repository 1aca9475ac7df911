//! Where the private server listens and its password, kept from one start to the next so that
//! other processes that use the server find it again.

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::time::Duration;

use data_encoding::HEXLOWER;
use rand::RngExt;
use serde::{Deserialize, Serialize};

use crate::data::write_private;

/// Loopback ports to choose from. They lie below those the operating system gives to outgoing
/// connections: a client that knocks while the server is down must not be given the server's own
/// port as its source, which would connect it to itself and lock the server out.
const PORTS: std::ops::Range<u16> = 14_000..30_000;
const ATTEMPTS: usize = 64;

/// How often, and how long apart, a kept port is looked at before another is taken. A server that is killed loses its memory, by
/// which we know it, before its sockets: for a moment nothing is left of it but the port.
const LOOKS: u32 = 50;
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// What a client needs to know.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Access {
    /// TCP port on 127.0.0.1.
    pub(crate) port: u16,
    /// 32 hexadecimal digits.
    pub(crate) password: String,
}

impl Access {
    /// The one kept in this folder when its port is free, or is within a second, else a new one, which is then kept.
    ///
    /// # Errors
    /// The folder cannot be written, or no port is free.
    pub(crate) async fn of(folder: &Path) -> std::io::Result<Self> {
        let file = folder.join("access.json");
        let kept: Option<Self> =
            fs::read(&file).ok().and_then(|text| serde_json::from_slice(&text).ok());
        if let Some(kept) = kept
            && becomes_free(kept.port).await
        {
            return Ok(kept);
        }
        let fresh = Self { port: free_port()?, password: password() };
        write_private(&file, &serde_json::to_vec(&fresh)?)?;
        Ok(fresh)
    }

    /// Gives up this port for another, after something else took it.
    ///
    /// # Errors
    /// As [`Access::of`].
    pub(crate) async fn renew(folder: &Path) -> std::io::Result<Self> {
        let _ = fs::remove_file(folder.join("access.json"));
        Self::of(folder).await
    }

    /// The address with user and password.
    pub(crate) fn url(&self) -> String {
        format!("nats://{USER}:{}@127.0.0.1:{}", self.password, self.port)
    }
}

/// The one user the private server knows.
pub(crate) const USER: &str = "tidings";

fn password() -> String {
    HEXLOWER.encode(&rand::random::<[u8; 16]>())
}

fn is_free(port: u16) -> bool {
    TcpListener::bind(("127.0.0.1", port)).is_ok()
}

async fn becomes_free(port: u16) -> bool {
    for _ in 0..LOOKS {
        if is_free(port) {
            return true;
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
    false
}

fn free_port() -> std::io::Result<u16> {
    let mut rng = rand::rng();
    (0..ATTEMPTS)
        .map(|_| rng.random_range(PORTS))
        .find(|port| is_free(*port))
        .ok_or_else(|| std::io::Error::other("no free port on 127.0.0.1"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn access_stays_while_its_port_is_free() {
        let folder = tempfile::tempdir().unwrap();
        let first = Access::of(folder.path()).await.unwrap();
        let again = Access::of(folder.path()).await.unwrap();
        assert!(first == again);
        let _taken = TcpListener::bind(("127.0.0.1", first.port)).unwrap();
        let other = Access::of(folder.path()).await.unwrap();
        assert_ne!(other.port, first.port);
    }

    #[tokio::test]
    async fn access_stays_when_its_port_is_held_for_a_moment() {
        let folder = tempfile::tempdir().unwrap();
        let first = Access::of(folder.path()).await.unwrap();
        let held = TcpListener::bind(("127.0.0.1", first.port)).unwrap();
        let ends = async {
            tokio::time::sleep(LOOK_AGAIN * 3).await;
            drop(held);
        };
        let (again, ()) = tokio::join!(Access::of(folder.path()), ends);
        assert!(first == again.unwrap());
    }
}
