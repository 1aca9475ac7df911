//! The whole of `init`: spans reach a collector over OTLP/HTTP, with the trace they continue.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::mpsc::channel;
use std::time::Duration;

use telemetry::{Options, continue_trace, init, new_traceparent};

/// A collector that takes one request, answers it, and hands over what it got.
fn collector() -> (String, std::sync::mpsc::Receiver<Vec<u8>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.set_read_timeout(Some(Duration::from_millis(500))).unwrap();
        let mut request = Vec::new();
        let mut block = [0_u8; 4096];
        // The request ends when its sender waits for the answer.
        while let Ok(length @ 1..) = stream.read(&mut block) {
            request.extend_from_slice(&block[..length]);
        }
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").unwrap();
        sender.send(request).unwrap();
    });
    (address, receiver)
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle)
}

#[test]
fn spans_reach_the_collector_as_part_of_the_trace_they_continue() {
    let (endpoint, requests) = collector();
    let options = Options { otlp_endpoint: Some(endpoint), ..Options::default() };
    let guard = init("telemetry-test", &options);

    // Sampled by the process that began it.
    let unsampled = new_traceparent();
    let text = format!("{}01", unsampled.as_str().strip_suffix("00").unwrap());
    let parent = schemas::TraceParent::parse(&text).unwrap();
    let span = continue_trace(tracing::info_span!("append", room.id = "room_1"), Some(&parent));
    span.in_scope(|| tracing::info!("inside"));
    drop(span);
    drop(guard);

    let request = requests.recv_timeout(Duration::from_secs(10)).unwrap();
    assert!(request.starts_with(b"POST /v1/traces "));
    for part in [&b"telemetry-test"[..], b"append", b"room.id"] {
        assert!(contains(&request, part), "{}", String::from_utf8_lossy(part));
    }
    let trace: Vec<u8> = (0..16)
        .map(|i| u8::from_str_radix(&parent.trace_id()[2 * i..2 * i + 2], 16).unwrap())
        .collect();
    assert!(contains(&request, &trace));
}
