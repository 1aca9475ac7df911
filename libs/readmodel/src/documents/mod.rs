//! The documents of the read model, one file per noun, and the table of all of them.
//!
//! **Owns** what a document holds and what can be asked about it: each noun's file has the document and the read
//! trait that both databases implement (`sqlite/<noun>.rs`, `mongo/<noun>.rs`). **Must not know** events, databases,
//! or how a document is shown to clients: the projector makes documents, the gateway makes views of them.
//!
//! **What may change.** A document is a function of the log up to a position, and every generation can be rebuilt from
//! the log. So documents are free: fields may be added, renamed, reinterpreted or removed, with a new `LAYOUT` and
//! nothing else to migrate. Clients never see a document. They see views (`schemas::views`), which are API: fields are
//! only added to those.
//!
//! Every document has `updated`, the sequence of the last event that changed anything in it; `verify` compares
//! documents by it. Where clients need to know when the thing itself changed (and not a count beside it), `changed`
//! says so. Documents name users and rooms by id; the names are looked up when a document is shown.
//!
//! **To add a collection**, add one row to the `documents!` table. From it come [`Collection`], [`Key`],
//! [`Document`], the tables of the projector's working set, and the dispatch of both databases. What the compiler then asks
//! for is the noun's three files.

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
mod search;
mod sighting;
mod site;
mod thread;
mod unread;
mod user;

use std::sync::Arc;

use schemas::ids::{
    InviteId, MediaId, MessageId, NotificationId, ReactionId, ReportId, RoomId, SightingId, UserId,
};
use schemas::position::Sequence;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::groups::Group;

pub use block::{BlockReads, BlocksDoc};
pub use export::{ExportDoc, ExportReads};
pub use follower::{FollowerDoc, FollowerReads, MAX_FOLLOWED};
pub use history::{FormerText, HistoryDoc, HistoryReads, MAX_TEXT_BYTES, MAX_TEXTS};
pub use inbox::{InboxDoc, InboxReads};
pub use invite::{InviteDoc, InviteReads};
pub use media::{MediaDoc, MediaReads, MediaUsageDoc, MediaUsageReads, Waiting};
pub use membership::{ActivityAnchor, MembershipDoc, MembershipReads};
pub(crate) use message::client_hash;
pub use message::{Anchor, MessageDoc, MessageMark, MessageReads, Span, Threads};
pub use notification::{NotificationDoc, NotificationReads, Reached};
pub use pin::{Pin, PinReads, PinsDoc};
pub use reaction::{FIRST_USERS, ReactionDoc, ReactionKind, ReactionReads};
pub use report::{ReportDoc, ReportReads};
pub use room::{NameAnchor, RoomDoc, RoomFilter, RoomReads, fold};
pub use search::{FoundMessages, Judged, MessageSearch, Scope, SearchReads};
pub use sighting::{BLOCK, SightingDoc, SightingReads, Term, block_of};
pub use site::SiteDoc;
pub use thread::{Participant, ThreadAnchor, ThreadDoc, ThreadReads, ThreadStretch};
pub use unread::{Counted, Stretch, Unread, UnreadReads};
pub use user::{AccountFilter, UserDoc, UserReads};

/// The layout of documents, tables and indexes that this build writes. A generation of another layout is not read:
/// a new one is built beside it. Raise it with every change of a document, a table, or an index.
pub(crate) const LAYOUT: u32 = 22;

/// The table of all documents: the one list of collections there is. It hands its rows to the macro named by the
/// caller, in the order in which batches are written (rooms come before what is filed under a room) and in which
/// `verify` walks.
///
/// A row reads: `collection: Collection of Noun(Document), key [part: Type = field], group Group, cache 1/share,
/// reads Trait;` where
/// - the collection's name in snake case is also its name in a database and in the projector's working set;
/// - `key` names the fields that identify a document; without it there is one document, whose key is the collection's
///   name;
/// - `cache 1/share` says how many documents the projector keeps between batches, as a share of its configured number:
///   the less often a document is changed again, the smaller;
/// - `reads` names the read trait that is a part of [`ReadStore`](crate::ReadStore); none for what only the projector
///   reads.
#[macro_export]
macro_rules! documents {
    ($then:ident) => {
        $then! {
            users: Users of User(UserDoc), key [id: UserId = state.id], group People, cache 1/1, reads UserReads;
            rooms: Rooms of Room(RoomDoc), key [id: RoomId = state.id], group Conversations, cache 1/1, reads RoomReads;
            memberships: Memberships of Membership(MembershipDoc), key [room: RoomId = room_id, user: UserId = user_id],
                group Conversations, cache 1/1, reads MembershipReads;
            reactions: Reactions of Reaction(ReactionDoc), key [message: MessageId = message_id, id: ReactionId = id],
                group Conversations, cache 1/2, reads ReactionReads;
            pins: Pins of Pins(PinsDoc), key [room: RoomId = room_id], group Conversations, cache 1/10, reads PinReads;
            messages: Messages of Message(MessageDoc), key [id: MessageId = id], group Conversations, cache 1/2,
                reads MessageReads;
            histories: Histories of History(HistoryDoc), key [id: MessageId = message_id], group Conversations,
                cache 1/10, reads HistoryReads;
            threads: Threads of Thread(ThreadDoc), key [root: MessageId = root_id], group Conversations, cache 1/4,
                reads ThreadReads;
            followers: Followers of Follower(FollowerDoc), key [root: MessageId = root_id, user: UserId = user_id],
                group Conversations, cache 1/4, reads FollowerReads;
            reports: Reports of Report(ReportDoc), key [id: ReportId = state.id], group Conversations, cache 1/100,
                reads ReportReads;
            notifications: Notifications of Notification(NotificationDoc), key [id: NotificationId = id], group Inbox,
                cache 1/10, reads NotificationReads;
            inboxes: Inboxes of Inbox(InboxDoc), key [user: UserId = user_id], group Inbox, cache 1/1, reads InboxReads;
            blocks: Blocks of Blocks(BlocksDoc), key [user: UserId = user_id], group People, cache 1/10, reads BlockReads;
            exports: Exports of Export(ExportDoc), key [user: UserId = user_id], group People, cache 1/100,
                reads ExportReads;
            invites: Invites of Invite(InviteDoc), key [id: InviteId = state.id], group Conversations, cache 1/10,
                reads InviteReads;
            sightings: Sightings of Sighting(SightingDoc), key [id: SightingId = id], group Conversations, cache 1/4,
                reads SightingReads;
            media: Media of Media(MediaDoc), key [id: MediaId = state.file.id], group Conversations, cache 1/10,
                reads MediaReads;
            media_usage: MediaUsage of MediaUsage(MediaUsageDoc), key [user: UserId = user_id], group Conversations,
                cache 1/10, reads MediaUsageReads;
            site: Site of Site(SiteDoc), group Conversations, cache 1/1;
        }
    };
}

/// What the table says of a document's type.
pub trait Stored: Clone + Serialize + DeserializeOwned + Send + Sync + 'static {
    /// The collection its documents are kept in.
    const COLLECTION: Collection;
    /// What identifies one of them within the collection: an id, several ids as a tuple, or `()`.
    type Key;
    /// The document's key.
    fn key(&self) -> Self::Key;
    /// What is handed to a store so that it deletes this document: no event has the sequence 0.
    fn gone(&self) -> Self;
    /// As one document among those of all collections.
    fn into_document(doc: Arc<Self>) -> Document;
    /// The document of this type that `document` is, if it is one.
    fn among(document: &Document) -> Option<&Arc<Self>>;
}

/// A key's parts as one value: the part itself, or a tuple.
macro_rules! whole {
    () => { () };
    ($one:ty) => { $one };
    ($($part:ty),+) => { ($($part),+) };
    (@value) => { () };
    (@value $one:expr) => { $one };
    (@value $($part:expr),+) => { ($($part),+) };
}

macro_rules! define {
    ($(
        $table:ident: $collection:ident of $noun:ident($doc:ident)
        $(, key [$($part:ident: $id:ident = $($field:ident).+),+])?, group $group:ident, cache 1/$share:literal
        $(, reads $reads:ident)?;
    )*) => {
        /// A kind of documents that are kept together.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Collection {
            $(#[doc = concat!("Holds every [`", stringify!($doc), "`].")] $collection,)*
        }

        impl Collection {
            /// Every collection, in the order of the table.
            pub const ALL: [Self; [$(stringify!($table)),*].len()] = [$(Self::$collection),*];

            /// Its name in a database.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$collection => stringify!($table),)*
                }
            }

            /// The group it is projected with.
            #[must_use]
            pub const fn group(self) -> Group {
                match self {
                    $(Self::$collection => Group::$group,)*
                }
            }
        }

        /// Identifies one document among those of all collections.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Key {
            $(#[doc = concat!("Identifies a [`", stringify!($doc), "`].")] $noun $(($($id),+))?,)*
        }

        impl Key {
            /// The collection the document is kept in.
            #[must_use]
            pub const fn collection(&self) -> Collection {
                match self {
                    $(Self::$noun { .. } => Collection::$collection,)*
                }
            }

            /// The ids the key consists of; empty for the key of a collection's only document.
            #[must_use]
            pub fn parts(&self) -> Vec<&str> {
                match self {
                    $(Self::$noun $(($($part),+))? => vec![$($($part.as_str()),+)?],)*
                }
            }
        }

        /// Any document; shared, as it may be written while its successor is made.
        #[derive(Debug, Clone, PartialEq)]
        pub enum Document {
            $(#[doc = concat!("A document of [`Collection::", stringify!($collection), "`].")] $noun(Arc<$doc>),)*
        }

        impl Document {
            /// The document's key.
            #[must_use]
            pub fn key(&self) -> Key {
                match self {
                    $(Self::$noun(doc) => define!(@key $noun doc $($($($field).+),+)?),)*
                }
            }

            /// The collection the document is kept in.
            #[must_use]
            pub const fn collection(&self) -> Collection {
                match self {
                    $(Self::$noun(_) => Collection::$collection,)*
                }
            }

            /// The last event that changed the document: its version.
            #[must_use]
            pub fn updated(&self) -> Sequence {
                match self {
                    $(Self::$noun(doc) => doc.updated,)*
                }
            }

            /// Whether it is to be deleted ([`Stored::gone`]).
            #[must_use]
            pub fn is_gone(&self) -> bool {
                self.updated() == 0
            }

            /// The document as JSON, as `verify` compares it field by field.
            ///
            /// # Errors
            /// When it cannot be written as JSON, which no document can cause.
            pub fn to_json(&self) -> serde_json::Result<Vec<u8>> {
                match self {
                    $(Self::$noun(doc) => serde_json::to_vec(doc.as_ref()),)*
                }
            }
        }

        $(impl Stored for $doc {
            const COLLECTION: Collection = Collection::$collection;
            type Key = whole!($($($id),+)?);

            fn key(&self) -> Self::Key {
                whole!(@value $($(self.$($field).+.clone()),+)?)
            }

            fn gone(&self) -> Self {
                Self { updated: 0, ..self.clone() }
            }

            fn into_document(doc: Arc<Self>) -> Document {
                Document::$noun(doc)
            }

            fn among(document: &Document) -> Option<&Arc<Self>> {
                if let Document::$noun(doc) = document { Some(doc) } else { None }
            }
        })*
    };
    (@key $noun:ident $doc:ident) => {{
        let _ = $doc;
        Key::$noun
    }};
    (@key $noun:ident $doc:ident $($($field:ident).+),+) => { Key::$noun($($doc.$($field).+.clone()),+) };
}

documents!(define);

impl std::fmt::Display for Key {
    /// The ids with a colon between them; the collection's name for its only document.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let parts = self.parts();
        if parts.is_empty() {
            return f.write_str(self.collection().as_str());
        }
        f.write_str(&parts.join(":"))
    }
}
