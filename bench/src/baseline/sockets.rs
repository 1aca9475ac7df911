//! A raw loop that writes one prebuilt frame to many sockets, in a process of its own.
//!
//! `bench baseline-server` listens, takes connections (answering the WebSocket handshake with a fixed
//! text), and, when a line `GO <frames> <per_write>` comes on standard input, writes that many frames to
//! every socket, so many per write.

use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::tcp::OwnedWriteHalf;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};

use crate::servers::{Outcome, unexpected};

/// One order: how many frames to write, and how many per write.
type Order = (usize, usize);

/// A whole unmasked text frame around a payload of at most 65,535 bytes.
pub(crate) fn server_frame(payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![0x81];
    match u8::try_from(payload.len()) {
        Ok(short) if short < 126 => frame.push(short),
        _ => {
            frame.push(126);
            frame
                .extend_from_slice(&u16::try_from(payload.len()).unwrap_or(u16::MAX).to_be_bytes());
        }
    }
    frame.extend_from_slice(payload);
    frame
}

async fn greet(
    mut stream: TcpStream,
    out: mpsc::UnboundedSender<OwnedWriteHalf>,
) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        let mut chunk = [0; 512];
        match stream.read(&mut chunk).await? {
            0 => return Ok(()),
            n => request.extend_from_slice(chunk.get(..n).unwrap_or_default()),
        }
    }
    stream.write_all(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n").await?;
    let (mut read, write) = stream.into_split();
    let _ = out.send(write);
    let mut sink = [0; 512];
    while read.read(&mut sink).await? > 0 {}
    Ok(())
}

async fn push(mut socket: OwnedWriteHalf, frame: bytes::Bytes, mut orders: watch::Receiver<Order>) {
    while orders.changed().await.is_ok() {
        let (frames, per_write) = *orders.borrow_and_update();
        let chunk = frame.repeat(per_write);
        for _ in 0..frames / per_write {
            if socket.write_all(&chunk).await.is_err() {
                return;
            }
            tokio::task::consume_budget().await;
        }
    }
}

/// Runs the server until standard input ends. Prints its port first.
#[expect(clippy::print_stdout, reason = "its standard output is read by the benchmark")]
pub(crate) async fn serve(payload_len: usize) -> Outcome<()> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    println!("{}", listener.local_addr()?.port());
    let frame = bytes::Bytes::from(server_frame(&vec![b'x'; payload_len]));
    let (order, orders) = watch::channel((0, 1));
    let (out, mut sockets) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(greet(stream, out.clone()));
        }
    });
    tokio::spawn(async move {
        while let Some(socket) = sockets.recv().await {
            tokio::spawn(push(socket, frame.clone(), orders.clone()));
        }
    });
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    while let Some(line) = lines.next_line().await? {
        let mut words = line.split_whitespace().skip(1).filter_map(|w| w.parse::<usize>().ok());
        if let (Some(frames), Some(per_write)) = (words.next(), words.next()) {
            order.send((frames, per_write.max(1))).map_err(unexpected)?;
        }
    }
    tokio::time::sleep(Duration::from_millis(1)).await;
    Ok(())
}
