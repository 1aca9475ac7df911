//! Leaving a server that has lost its cluster.
//!
//! A server on the small side of a network that fell apart goes on answering pings, and for up to 20 s even
//! believes that it leads what it led (nats-server 2.15, `raft.go`: a leader looks every 10 s whether it heard of
//! a majority within 10 s). Whoever is connected to it can write nothing and hears nothing. But it notices
//! after a few seconds that its routes are silent (`cluster.ping_interval` in `deploy/nats/cluster.conf`), and
//! names from then on fewer servers to clients: in the `INFO` with which it greets a connection
//! (docs.nats.io/reference/reference-protocols/nats-protocol#info). The client library does not show what
//! it hears of that later, so it is read from a connection of its own, made and closed.
//!
//! Servers told not to name others (`no_advertise`), or that speak TLS before anything else, cannot be judged so
//! and are not left.

use std::sync::Arc;
use std::time::Duration;

use async_nats::{Client, ReconnectToServer, Server, ServerAddr, ServerInfo};
use parking_lot::Mutex;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{interval, timeout};

use crate::connection::LinkState;

/// Pause between two looks.
const LOOK: Duration = Duration::from_secs(1);
/// How long a greeting may take. One that does not come is no sign: a silent server is left for not answering pings.
const GREETS_WITHIN: Duration = Duration::from_secs(1);
/// Longest greeting in bytes.
const GREETING: u64 = 64 * 1024;
/// So many times in a row a server must be alone.
const LOOKS: u32 = 2;

/// The server a connection is, or was last, connected to.
pub(crate) type Current = Arc<Mutex<Option<ServerAddr>>>;

/// Which server to try next: of those that failed least any, but rather another than the one that was left.
pub(crate) fn next(servers: &[Server], left: Option<&ServerAddr>) -> Option<ReconnectToServer> {
    let failed = |server: &Server| {
        let again = left.is_some_and(|left| *left == server.addr);
        server.failed_attempts.saturating_add(usize::from(again))
    };
    let least = servers.iter().map(failed).min()?;
    let good: Vec<&Server> = servers.iter().filter(|server| failed(server) == least).collect();
    let chosen = good.get(rand::random_range(0..good.len()))?;
    Some(ReconnectToServer { addr: chosen.addr.clone(), delay: None })
}

/// Looks every second how many servers the current one knows, and leaves it when they have become too few to be a
/// majority.
pub(crate) async fn watch(client: Client, link: watch::Receiver<LinkState>, current: Current) {
    let mut ticks = interval(LOOK);
    let mut most = 0;
    let mut alone = 0;
    let mut known = String::new();
    loop {
        ticks.tick().await;
        if !link.borrow().connected {
            continue;
        }
        let server = client.server_info().server_id;
        if server != known
            && let Some(found) = find(&client, &server).await
        {
            *current.lock() = Some(found);
            known = server.clone();
        }
        let Some(address) = current.lock().clone().filter(|_| server == known) else { continue };
        let Some(greeting) = greeting(&address).await else { continue };
        let names = greeting.connect_urls.len();
        most = most.max(names);
        alone = if is_minority(names, most) { alone + 1 } else { 0 };
        if alone >= LOOKS {
            alone = 0;
            tracing::warn!(nats.server = %greeting.server_name, "the NATS server is cut off: leaving it");
            if client.force_reconnect().await.is_err() {
                return;
            }
        }
    }
}

/// Whether so many addresses are too few, of those there were. A server may have several.
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

/// What a server says first to whoever connects.
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
        let servers = [server(1, 0), server(2, 0), server(3, 1)];
        let next = |left| next(&servers, left).unwrap().addr.port();
        for _ in 0..20 {
            assert_eq!(next(Some(&servers[0].addr)), 2);
            assert_ne!(next(None), 3);
        }
        let only = [server(1, 0)];
        assert_eq!(super::next(&only, Some(&only[0].addr)).unwrap().addr.port(), 1);
    }
}
