//! WebSockets: the handshake, the connection, and the conversation over one socket.
//!
//! Owns the connection and what a client sends over it (frames, their order, close codes, limits). Which events a
//! socket receives, and what waits to be written to it, is the business of [`crate::live`]; what a command does
//! is that of the services.

mod command_queue;
mod commands;
mod connection;
mod frames;
mod handshake;
mod inbound;
mod join;
mod presence;
mod session;
mod typing;
mod upgrade;

pub(crate) use handshake::handshake;
pub(crate) use upgrade::Upgrades;
