//! Rooms, members and messages.
//!
//! This service owns what may happen in rooms. It takes commands from the bus, loads what they are about
//! from the log (or from a cache the live feed keeps fresh), decides by the pure rules of [`domain`],
//! and appends the events under an expectation (`libs/decider`): a message is fenced by its author's membership,
//! so none is stored after its author has lost the right to post it. It does not know HTTP, sockets or how documents are kept; the
//! read model serves it as an index of places only.
//!
//! Where to read on: `service.rs` (what is served), `handlers/` (one method per command),
//! `lanes.rs` (what decisions are made by), `dedup/` (exactly once, for ever).

mod addition;
mod auth;
mod blank;
mod bounded;
mod call;
mod chat;
mod dedup;
mod deleted_texts;
pub mod domain;
mod erasure;
mod error;
mod export;
mod failure;
mod file_names;
mod general;
mod handlers;
mod holds;
mod index;
mod keeper;
mod lanes;
mod lately;
mod lease;
mod listing;
mod live;
mod locate;
mod media;
mod metrics;
mod purge;
mod recent;
mod retention;
mod service;
mod shared_turns;
mod slow_mode;
mod turns;
mod under_way;
mod worker;

pub use crate::service::{ChatService, Config, Needs};
pub use addition::Addition;
pub use dedup::DedupConfig;
pub use domain::media::Limits as MediaLimits;
pub use domain::media::Taken as MediaTaken;
pub use domain::retention::Fate as RetentionFate;
pub use domain::retention::Rule as RetentionRule;
pub use error::BuildError;
pub use index::{
    Following, IndexError, Indexed, IndexedAddition, IndexedText, Marked, MessageIndex,
};
pub use lanes::Capacities;
pub use media::MediaConfig;
pub use recent::Marker;
pub use retention::{Aging, Retention, RetentionConfig};
