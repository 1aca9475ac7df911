//! The read store: MongoDB and SQLite behind one contract.
//!
//! Owns the documents ([`docs`]), the questions that can be asked of them ([`store`]), the two databases
//! they are kept in, and the generations of the read model ([`ReadModel`]). It does not know what events
//! mean: the projector turns events into documents and is the only writer.

mod backend;
pub mod docs;
mod groups;
mod handle;
mod lists;
mod marks;
mod mongo;
mod sqlite;
pub mod store;
mod unread;
mod words;

pub use docs::{
    Collection, Doc, InboxDoc, Key, MembershipDoc, MessageDoc, NotificationDoc, RoomDoc, SiteDoc,
    UserDoc,
};
pub use groups::{Group, Marks, Stops};
pub use handle::{InvalidUrl, Lagging, ReadModel, ReadModelUrl};
pub use marks::MessageMark;
pub use mongo::initiate_replica_set;
pub use store::{
    ActivityAnchor, Anchor, Answer, Bound, Changes, Checkpoint, CommitError, ListFrom, NameAnchor,
    ProjectionStore, ReadStore, RoomFilter, Slice, StoreError, Threads, Want,
};
pub use unread::{Counted, Stretch, Unread};
