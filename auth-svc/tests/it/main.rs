//! auth-svc against a real nats-server.
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod accounts;
mod kit;
mod races;
mod sessions;
