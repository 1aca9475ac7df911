//! The gateway over HTTP, in front of services that are played by the tests.
#![expect(clippy::unwrap_used, reason = "in a test a failure with its place is what is wanted")]

mod description;
mod idempotency;
mod input;
mod kit;
mod limits;
mod tokens;
