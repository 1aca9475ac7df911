//! The projector and the read model as their users see them: one contract over both backends, generated
//! histories, and the service on a real log.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

mod contract;
mod generated;
mod kit;
mod log;
mod queries;
mod server;
mod service;
mod stops;
