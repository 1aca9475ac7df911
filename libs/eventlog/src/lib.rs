//! The log: JetStream topology, append, load and consume.
//!
//! This crate owns the stream `EVENTS_<ns>` and is the only writer of it. It knows lanes, sequences and
//! expectations; it does not know what an event means. An outcome that matters to a decision is a type
//! ([`AppendError::Conflict`], [`Appended::duplicate`]), never a text to be searched.
//!
//! - [`EventLog::append`] writes one event, or several as one atomic batch, under expectations.
//! - [`EventLog::append_run`] writes a row of events by one author, each with its own outcome, in order.
//! - [`EventLog::last`] is how an entity is loaded: the last event of its lane.
//! - [`EventLog::read_from`] is how a projection reads: everything, in order, without a filter.
//! - [`EventLog::consumer`] is how a worker takes jobs: with acknowledgements, retries, dead letters.
//! - [`EventLog::secrets`] keeps what must never be an event.

mod api;
mod append;
mod backup;
mod capacity;
pub mod connection;
mod copied;
mod copies;
mod dead_letters;
mod deliveries;
mod erase;
mod error;
mod failover;
mod figures;
mod group;
mod holes;
mod integrity;
mod leader;
mod ledger;
mod link;
mod log;
mod names;
mod outcome;
mod pieces;
mod prepared;
mod read;
mod reader;
mod refill;
mod run;
mod secrets;
mod size;
mod store;
mod sync;
mod topology;
mod traced;
mod tries;
mod unreadable;
mod work;
mod write;

pub use backup::Snapshot;
pub use connection::Connection;
pub use copied::{Copied, Extent, Newer, Queue};
pub use copies::Raised;
pub use dead_letters::{DeadLetter, DeadLetters, GivenUp};
pub use error::{AppendError, BoxError, LogError};
pub use holes::Holes;
pub use integrity::Loss;
pub use link::LinkState;
pub use log::{Connect, EventLog};
pub use names::{NameKeyError, NamesNoted};
pub use pieces::{MAX_PIECE, Piece, PieceError, PieceStore};
pub use read::Stored;
pub use reader::{Batch, Reader, Record};
pub use refill::Refill;
pub use secrets::{MAX_KEY, SecretError, SecretStore};
pub use size::LogSize;
pub use store::Store;
pub use topology::Topology;
pub use work::{ConsumerSpec, Delivery, Hold, StartAt, WorkQueue};
pub use write::{Appended, DedupId, Expect, LaneWrite};
