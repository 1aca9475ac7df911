//! WebSockets: the handshake, the conversation over one socket, and what waits to be written to it.
//!
//! Owns the wire (frames in, frames out, close codes, limits, heartbeats). Which events a socket hears is
//! the business of [`crate::live`]; what a command does is that of the services.

mod arrival;
mod chain;
mod connection;
mod frames;
mod handshake;
mod inbound;
mod orders;
mod queue;
mod session;
mod upgrade;

pub(crate) use handshake::handshake;
pub use queue::Outbox;
pub(crate) use upgrade::Upgrades;
