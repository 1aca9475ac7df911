//! Leaving a server that has lost its cluster.
//!
//! A server on the minority side of a network partition keeps answering pings, and for up to 20 s even believes
//! that it still leads (nats-server 2.15, `raft.go`: a leader checks every 10 s whether it heard from a majority
//! within 10 s). Its clients can write nothing and hear nothing. But after a few seconds the server notices that
//! its routes are silent (`cluster.ping_interval` in `deploy/nats/cluster.conf`), and from then on it lists fewer
//! servers in the `INFO` that opens every connection
//! (docs.nats.io/reference/reference-protocols/nats-protocol#info). The client library does not expose later `INFO`
//! messages, so this module opens a short connection of its own and reads it.
//!
//! Servers that do not advertise others (`no_advertise`), or that start with TLS, cannot be judged this way; the
//! client stays with them.

use std::sync::Arc;
use std::time::Duration;

use async_nats::{Client, ReconnectToServer, Server, ServerAddr, ServerInfo};
use parking_lot::Mutex;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{Instant, interval, timeout};

use crate::link::LinkState;

/// Pause between two looks.
const LOOK: Duration = Duration::from_secs(1);
/// How long a greeting may take. A missing greeting proves nothing: a silent server is left because it answers no pings.
const GREETS_WITHIN: Duration = Duration::from_secs(1);
/// Longest greeting in bytes.
const GREETING: u64 = 64 * 1024;
/// How many times in a row a server must be found alone before it is left.
const LOOKS: u32 = 2;

/// How long to stay with a server that was left and then took the connection back: no other was reachable.
const STAY: Duration = Duration::from_secs(10);

/// The server a connection is, or was last, connected to.
pub(crate) type Current = Arc<Mutex<Last>>;

/// See [`Current`].
#[derive(Debug, Default)]
pub(crate) struct Last {
    server: Option<ServerAddr>,
    /// Servers tried since.
    tries: usize,
}

impl Last {
    /// Which server to try next: all others before the one that was left, and among them those with the fewest failures
    /// first.
    pub(crate) fn next(&mut self, servers: &[Server]) -> Option<ReconnectToServer> {
        // The same server may be there twice: as it was given, and as another server named it.
        let mut each: Vec<&Server> = Vec::with_capacity(servers.len());
        for server in servers {
            if !each.iter().any(|one| place(&one.addr) == place(&server.addr)) {
                each.push(server);
            }
        }
        let count = each.len();
        if let Some(left) = self.server.as_ref().filter(|_| self.tries + 1 < count) {
            each.retain(|server| place(&server.addr) != place(left));
        }
        self.tries = (self.tries + 1) % count.max(1);
        let least = each.iter().map(|server| server.failed_attempts).min()?;
        each.retain(|server| server.failed_attempts == least);
        let chosen = each.get(rand::random_range(0..each.len()))?;
        Some(ReconnectToServer { addr: chosen.addr.clone(), delay: None })
    }

    fn is(&mut self, server: ServerAddr) {
        *self = Self { server: Some(server), tries: 0 };
    }
}

fn place(address: &ServerAddr) -> (&str, u16) {
    (address.host(), address.port())
}

/// Checks every second how many servers the current one knows, and leaves it when they are too few for a majority.
pub(crate) async fn watch(client: Client, link: watch::Receiver<LinkState>, current: Current) {
    let mut ticks = interval(LOOK);
    let (mut most, mut alone) = (0, 0);
    let mut known: Option<(String, ServerAddr)> = None;
    let mut left: Option<Instant> = None;
    loop {
        ticks.tick().await;
        if !link.borrow().connected {
            continue;
        }
        let id = client.server_info().server_id;
        if known.as_ref().is_none_or(|(known, _)| *known != id) {
            known = find(&client, &id).await.map(|address| (id, address));
        }
        let Some((_, address)) = &known else { continue };
        current.lock().is(address.clone());
        let Some(greeting) = greeting(address).await else { continue };
        let names = greeting.connect_urls.len();
        most = most.max(names);
        alone = if is_minority(names, most) { alone + 1 } else { 0 };
        if alone < LOOKS || left.is_some_and(|left| left.elapsed() < STAY) {
            continue;
        }
        (alone, left) = (0, Some(Instant::now()));
        let server = greeting.server_name;
        tracing::warn!(nats.server = %server, "the NATS server is cut off: leaving it");
        if client.force_reconnect().await.is_err() {
            return;
        }
    }
}

/// Whether the addresses listed now are at most half of the most ever listed. A server may have several addresses.
const fn is_minority(names: usize, most: usize) -> bool {
    names.saturating_mul(2) <= most
}

/// The address of the server with an id.
async fn find(client: &Client, id: &str) -> Option<ServerAddr> {
    for server in client.server_pool().await.ok()? {
        if greeting(&server.addr).await.is_some_and(|greeting| greeting.server_id == id) {
            return Some(server.addr);
        }
    }
    None
}

/// The `INFO` that a server sends first on every connection.
async fn greeting(address: &ServerAddr) -> Option<ServerInfo> {
    let reading = async {
        let stream = TcpStream::connect((address.host(), address.port())).await.ok()?;
        let mut line = Vec::new();
        BufReader::new(stream.take(GREETING)).read_until(b'\n', &mut line).await.ok()?;
        serde_json::from_slice(line.strip_prefix(b"INFO ")?).ok()
    };
    timeout(GREETS_WITHIN, reading).await.ok().flatten()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn server(port: u16, failed_attempts: usize) -> Server {
        let addr = format!("nats://127.0.0.1:{port}").parse().unwrap();
        Server { addr, failed_attempts, did_connect: false, is_discovered: false, last_error: None }
    }

    #[test]
    fn half_of_the_servers_is_no_majority() {
        assert!(is_minority(1, 3));
        assert!(is_minority(2, 4));
        assert!(!is_minority(2, 3));
        assert!(!is_minority(3, 5));
        // With two addresses each.
        assert!(is_minority(2, 6));
    }

    #[test]
    fn the_server_that_was_left_is_the_last_to_be_tried() {
        let servers = [server(1, 0), server(2, 5), server(3, 7)];
        let mut last = Last::default();
        assert_eq!(last.next(&servers).unwrap().addr.port(), 1);
        last.is(servers[0].addr.clone());
        let tried = [(); 4].map(|()| last.next(&servers).unwrap().addr.port());
        assert_eq!(tried, [2, 2, 1, 2], "the library counts failures, this test does not");
        let only = [server(1, 0)];
        let mut last = Last::default();
        last.is(only[0].addr.clone());
        assert_eq!(last.next(&only).unwrap().addr.port(), 1);
        assert!(last.next(&[]).is_none());
    }

    #[test]
    fn a_server_is_the_same_under_two_addresses() {
        let named =
            Server { addr: "nats://us:secret@127.0.0.1:1".parse().unwrap(), ..server(1, 0) };
        let servers = [named, server(2, 9), server(1, 0)];
        let mut last = Last::default();
        last.is(servers[0].addr.clone());
        let tried = [(); 3].map(|()| last.next(&servers).unwrap().addr.port());
        assert_eq!(tried, [2, 1, 2]);
    }

    #[test]
    fn of_servers_that_are_alike_any_is_tried() {
        let servers = [server(1, 0), server(2, 0), server(3, 1)];
        let tried: BTreeSet<u16> =
            (0..100).map(|_| Last::default().next(&servers).unwrap().addr.port()).collect();
        assert_eq!(tried, BTreeSet::from([1, 2]));
    }
}
