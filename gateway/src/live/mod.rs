//! The live half of the gateway: every event of the log, in the log's order, to the sockets that may
//! hear of it.
//!
//! Owns the order (`feed`: no gap, no repetition), the tables of who hears what (`routing`, `connected_users`), the
//! memory of recent events (`memory`), what an event is to clients (`frames`), and how a socket comes to hear
//! everything without a hole (`join`, `resume`). It must not know HTTP, tokens, commands or connections: a socket
//! is an [`Outbox`] to it.

mod budget;
mod changes;
mod connected_users;
mod feed;
#[cfg(test)]
pub(crate) mod fixture;
pub(crate) mod frames;
mod hub;
mod join;
mod late;
mod learned;
mod memory;
mod metrics;
mod outbox;
mod pace;
mod pieces;
mod plan;
mod ports;
mod relay;
mod remembered;
mod replay;
mod resume;
mod routing;
mod run;
mod screen;
mod state;
mod traced;
mod typing;
mod unprojected;
mod watches;
pub mod wire;

pub use hub::{Hub, HubParts};
pub use join::JoinError;
pub(crate) use join::Joining;
pub(crate) use memory::Passed;
pub use metrics::{Framed, LiveMetrics};
pub use outbox::Outbox;
pub(crate) use outbox::{HEARTBEAT, HELLO};
pub use ports::{Charge, Observer, RESUME_UNIT};
pub use run::HubError;
pub(crate) use typing::{Origin, Telling, TypingPlace};

pub use crate::names::Names;
