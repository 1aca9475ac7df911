//! The projector and the read model as their users see them: one contract over both backends, generated
//! histories, and the service on a real log.

mod contract;
mod generated;
mod kit;
mod log;
mod server;
mod service;
