//! The gateway over HTTP, in front of services that are played by the tests.

mod description;
mod idempotency;
mod input;
mod kit;
mod limits;
mod tokens;
