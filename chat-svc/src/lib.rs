//! Rooms, members and messages.
//!
//! This service owns what may happen in rooms. It takes commands from the bus, loads what they are about
//! from the log (or from a cache the live feed keeps fresh), decides by the pure rules of [`domain`],
//! and appends the events under an expectation: a message is fenced by its author's membership, so nothing
//! is sequenced after he lost the right. It does not know HTTP, sockets or how documents are kept; the
//! read model serves it as an index of places only.
//!
//! Where to read on: `service.rs` (what is served), `handlers/` (one method per command),
//! `decision.rs` (the retry loop), `repeats.rs` (exactly once, for ever).

mod call;
mod chat;
mod decision;
pub mod domain;
mod general;
mod handlers;
mod index;
mod lanes;
mod live;
mod locate;
mod metrics;
mod recent;
mod repeats;
mod service;

pub use index::{IndexError, Indexed, Marked, MessageIndex};
pub use lanes::Capacities;
pub use repeats::RepeatsConfig;
pub use service::{BuildError, Config, Deps, Service, build};
