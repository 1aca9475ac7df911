//! Events to views to the read model; rebuild; verify.
//!
//! **Owns** the rules that turn events into documents, and the checkpoint of every generation. **Must not know** clients,
//! frames, or how a database keeps a document.
//!
//! The projector reads the whole log in order and keeps the read model's documents in step with it. The
//! rules are pure functions in `views`; the engine loads the documents a batch touches, lets the views
//! change them in memory, and commits them together with the checkpoint. Exactly once, on any crash: the
//! commit is conditional on the checkpoint, which is also what keeps two projectors apart. Each group of views
//! has a checkpoint of its own: one that meets an event it cannot apply stops, the others go on.
//!
//! - [`Projector`]: the service.
//! - [`rebuild`]: a new generation beside the live one, then the switch; or a snapshot of the past.
//! - [`verify`]: the live generation against a fresh one, document by document.

// The kit of the tests beside the crate, for those within it.
#[cfg(test)]
extern crate self as projector;

mod blanks;
mod bloom;
mod engine;
#[cfg(test)]
mod engine_tests;
mod error;
mod log_cursor;
mod metrics;
mod posts;
mod rebuild;
mod service;
mod source;
mod table;
mod tail;
mod verify;
mod views;
mod working_set;

pub use crate::service::{Config, Projector};
pub use engine::{Applied, Engine};
pub use error::{Poison, ProjectError, Stop};
pub use rebuild::{OnProgress, Phase, Progress, RebuildOptions, Rebuilt, Until, rebuild};
pub use verify::{CollectionCount, Difference, DifferenceKind, Unverified, Verified, verify};
pub use views::Logged;
