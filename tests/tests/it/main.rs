//! Black-box tests of `tidings`: every capability over HTTP and WebSocket, and what must survive faults.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::too_many_lines,
    reason = "a test fails by panicking, and a flow is told in one piece"
)]
