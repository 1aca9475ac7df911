//! How a command becomes events: load, decide, append, and decide again.
//!
//! Owns everything between a command that has arrived and the events it writes which is the same in every
//! service: who calls and in which trace ([`Call`]), what was read and at which place of the log ([`Seen`],
//! [`Reads`]), what a decision wants written ([`Fact`]), the bounded retry loop ([`retry`]), the append
//! ([`commit`], [`commit_fenced`], [`record`]), the cache of lanes ([`LaneCache`]), why a try did not succeed
//! ([`Failure`]) and the table of endpoints ([`endpoints!`]).
//!
//! It must not know what a command or an event means, nor any noun of the domain: a service brings its entities
//! ([`Entity`]) and its pure rules. May change: everything inside. Must not change: a right is never used after
//! the state it was judged by has moved (the expectations), and the same command under the same idempotency key
//! is carried out once (the ids made in [`commit`]).

mod cache;
mod call;
mod commit;
mod endpoints;
mod fact;
mod failure;
mod lanes;
mod metrics;
mod retry;

pub use bus;
pub use cache::LaneCache;
pub use call::{Answer, AnyCall, Call, UserCall, accepted, fresh_id, id_from};
pub use commit::{Committed, commit, commit_fenced, record};
pub use endpoints::{endpoint, must_serve_all};
pub use eventlog::{DedupId, Expect};
pub use fact::{Fact, Reads};
pub use failure::{Failure, unavailable};
pub use lanes::{Loaded, ReadFrom, Seen, load};
pub use metrics::{CommandMetrics, Lookups};
pub use retry::{Tries, retry};
pub use schemas::entities::Entity;
