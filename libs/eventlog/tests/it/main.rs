//! The log against a real nats-server: each case starts its own and ends it.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking; the lints exempt only functions marked as tests"
)]

mod append;
mod cluster;
mod damage;
mod group;
mod increments;
mod kit;
mod names;
mod outages;
mod quiet;
mod rates;
mod reading;
mod run;
mod secrets;
mod topology;
mod work;
