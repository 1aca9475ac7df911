//! The bus against a real nats-server: each case starts its own and ends it.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking; the lints exempt only functions marked as tests"
)]

#[expect(dead_code, reason = "made for the tests of eventlog; these need only a part")]
#[path = "../../../eventlog/tests/it/kit.rs"]
mod kit;

mod calls;
mod feeds;
