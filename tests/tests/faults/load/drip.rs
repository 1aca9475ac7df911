//! A way to a gateway on which, while it is to be slow, one byte a second arrives.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::timeout;

/// Made by [`Drip::before`].
pub(super) struct Drip;

impl Drip {
    /// Stands before a gateway; the address to use instead of its own.
    pub(super) async fn before(url: &str, slow: watch::Receiver<bool>) -> String {
        let gateway = url.trim_start_matches("http://").to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let Ok(server) = TcpStream::connect(&gateway).await else { continue };
                let (from_client, to_client) = client.into_split();
                let (from_server, to_server) = server.into_split();
                tokio::spawn(copy(from_client, to_server));
                tokio::spawn(drip(from_server, to_client, slow.clone()));
            }
        });
        format!("http://{address}")
    }
}

async fn copy(mut from: OwnedReadHalf, mut to: OwnedWriteHalf) {
    let _ = tokio::io::copy(&mut from, &mut to).await;
    let _ = to.shutdown().await;
}

async fn drip(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut slow: watch::Receiver<bool>) {
    let mut part = vec![0; 16 * 1024];
    loop {
        let slowly = *slow.borrow_and_update();
        if slowly {
            // A second, or until it is to be quick again.
            let _ = timeout(Duration::from_secs(1), slow.wait_for(|slow| !slow)).await;
        }
        let most = if slowly { 1 } else { part.len() };
        match from.read(&mut part[..most]).await {
            Ok(0) | Err(_) => return,
            Ok(count) => {
                if to.write_all(&part[..count]).await.is_err() {
                    return;
                }
            }
        }
    }
}
