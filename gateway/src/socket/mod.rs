//! WebSockets: the handshake, the connection, and the conversation over one socket.
//!
//! Owns the connection and what a client sends over it (frames, their order, close codes, limits). Which events a
//! socket receives, and what waits to be written to it, is the business of [`crate::live`]; what a command does
//! is that of the services.

mod command_queue;
mod commands;
mod connection;
mod frame_id;
mod frames;
mod handshake;
mod inbound;
mod join;
mod presence;
mod session;
mod typing;
mod upgrade;

/// Whether a text is a frame of a client.
#[cfg(test)]
pub(crate) fn is_frame(text: &str) -> bool {
    frames::parse(text).is_ok()
}

pub(crate) use handshake::handshake;
pub(crate) use upgrade::Upgrades;
