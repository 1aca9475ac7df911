//! The read store: MongoDB and SQLite behind one contract.
//!
//! Owns the documents and the questions that can be asked about them ([`mod@documents`], one file per noun), the two
//! databases they are kept in, and the generations of the read model ([`ReadModel`]). It does not know what events
//! mean: the projector turns events into documents and is the only writer.
//!
//! This file is the floor plan. Both databases have the same one: a file for each noun of [`mod@documents`], and beside
//! them what the nouns have in common. To add a noun: its row and file in `documents/`, its file in `sqlite/` and in
//! `mongo/`, and two lines here.

mod answers;
mod backend;
pub mod documents;
mod groups;
mod handle;
mod members;
mod opening;
mod plain;
mod request_log;
mod search;
mod side;
mod store;
mod terms;
mod url;
mod words;

mod sqlite {
    //! Generations as SQLite files in one folder.
    //!
    //! **Owns** tables, indexes and SQL. **Must not know** MongoDB, or anything about the log beyond sequences.
    //! A table, a column or an index may change freely with a new [`LAYOUT`](crate::documents::LAYOUT): every generation is
    //! rebuilt from the log. Modules depend downwards in this list.

    mod kept;
    mod rows;

    mod store;

    mod archive;
    mod search;

    // The nouns.
    mod block;
    mod export;
    mod follower;
    mod history;
    mod inbox;
    mod invite;
    mod media;
    mod membership;
    mod message;
    mod notification;
    mod pin;
    mod reaction;
    mod report;
    mod room;
    mod sighting;
    mod site;
    mod thread;
    mod unread;
    mod user;

    mod index;

    mod candidates;
    mod checkpoint;
    mod schema;

    mod projection;
    mod request_log;
    mod side;

    pub(crate) mod generations;
}

mod mongo {
    //! Generations as MongoDB databases.
    //!
    //! **Owns** collections, indexes and queries. **Must not know** SQLite, or anything about the log beyond sequences.
    //! Documents are plain BSON, readable and queryable with `mongosh`; fields that exist only to be searched by begin
    //! with an underscore. A field or an index may change freely with a new [`LAYOUT`](crate::documents::LAYOUT).
    //! Modules depend downwards in this list.

    mod kept;
    mod rows;

    mod archive;
    mod query;
    mod store;
    mod writer;

    // The nouns.
    mod block;
    mod export;
    mod follower;
    mod history;
    mod inbox;
    mod invite;
    mod media;
    mod membership;
    mod message;
    mod notification;
    mod pin;
    mod reaction;
    mod report;
    mod room;
    mod sighting;
    mod site;
    mod thread;
    mod unread;
    mod user;

    mod index;

    mod checkpoint;
    mod schema;

    mod projection;
    mod request_log;
    mod side;

    pub(crate) mod generations;
    pub(crate) mod replica_set;
}

pub use answers::{
    Answer, Bound, Changes, ListFrom, MAX_CHANGES, MAX_ITEMS, MAX_MEMBERSHIPS, Slice, StoreError,
};
pub use documents::{
    AccountFilter, ActivityAnchor, Anchor, BLOCK, BlockReads, BlocksDoc, Collection, Counted,
    Document, ExportDoc, FIRST_USERS, FollowerDoc, FormerText, FoundMessages, HistoryDoc, InboxDoc,
    InviteDoc, Key, MAX_TEXT_BYTES, MAX_TEXTS, MediaDoc, MediaUsageDoc, MembershipDoc, MessageDoc,
    MessageMark, MessageSearch, NameAnchor, NotificationDoc, Participant, Pin, PinsDoc, Reached,
    ReactionDoc, ReactionKind, ReportDoc, RoomDoc, RoomFilter, Scope, SightingDoc, SightingReads,
    SiteDoc, Stretch, Term, ThreadAnchor, ThreadDoc, Threads, Unread, UserDoc, Waiting, block_of,
    fold,
};
pub use groups::{Checkpoint, Checkpoints, Group, Stops};
pub use handle::{Lagging, ReadModel};
pub use members::{Named, members_named};
pub use mongo::replica_set::initiate_replica_set;
pub use request_log::{
    FoundRequests, LoggedRequest, MAX_REQUESTS_SEEN, RequestFilter, RequestKey, RequestLog,
};
pub use search::search_messages;
pub use side::SideStore;
pub use store::{CommitError, Counts, IndexCheck, ProjectionStore, ReadStore, Want};
pub use terms::Words;
pub use url::{InvalidUrl, ReadModelUrl};
pub use words::found_by;
