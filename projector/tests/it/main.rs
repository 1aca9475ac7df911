//! The projector and the read model as their users see them: one contract over both backends, generated
//! histories, and the service on a real log.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test that cannot go on fails, and says what it skips"
)]

mod contract;
mod generated;
mod kit;
mod log;
mod server;
mod service;
