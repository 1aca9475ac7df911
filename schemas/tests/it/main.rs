//! The vocabulary as others rely on it: wire formats that are kept for ever, generated schemas, round trips.

#![expect(
    clippy::unwrap_used,
    reason = "a test fails by panicking; the lints exempt only functions marked as tests"
)]

mod frames;
mod fuzz;
mod generated;
mod golden;
mod round_trips;
mod samples;
