//! What a generation of the read model can be asked, whatever it is kept in.
//!
//! [`ReadStore`] is the query side, for gateways and services. [`ProjectionStore`] adds the projector's
//! side: loading documents by key and committing changed ones together with the checkpoint. Only the
//! projector writes.

use std::sync::Arc;

use async_trait::async_trait;
use schemas::ids::{MessageId, NotificationId, RoomId, UserId};
use schemas::position::{Epoch, Position, Sequence};
use schemas::values::{ClientId, Username};
use serde::{Deserialize, Serialize};

use crate::docs::{
    Collection, Doc, InboxDoc, Key, MembershipDoc, MessageDoc, NotificationDoc, RoomDoc, UserDoc,
};
use crate::groups::Marks;
pub use crate::lists::{Bound, Changes, ListFrom, Slice};
use crate::marks::MessageMark;
use crate::unread::{self, Counted, Stretch, Unread};

/// No query answers more items than this, whatever limit it is given.
pub const MAX_ITEMS: usize = 1000;
/// No changes query (resume) answers more items than this.
pub const MAX_CHANGES: usize = 10_000;
/// Memberships of one person that are listed at once.
pub const MAX_MEMBERSHIPS: usize = 10_000;

/// Why a store could not answer.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// It cannot be reached or is busy; a later try may do.
    #[error("the read model is not available")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// What it holds is not what was written: another layout, or damaged.
    #[error("the read model holds something unreadable: {0}")]
    Unreadable(String),
    /// It refused a request that should have been fine.
    #[error("the read model failed")]
    Failed(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl StoreError {
    /// Whether a later try of the same may succeed.
    #[must_use]
    pub const fn retryable(&self) -> bool {
        matches!(self, Self::Unavailable(_))
    }
}

/// Why a commit did not happen. Nothing was written, except after [`CommitError::Store`], when that is
/// unknown: load the checkpoint to find out.
#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    /// The checkpoint is not where the writer left it: another projector is at work.
    #[error("another projector has moved the checkpoint")]
    Fenced,
    /// The generation takes no more writes: a rebuild is about to replace it.
    #[error("the generation is retired")]
    Retired,
    /// The store failed.
    #[error("the commit failed")]
    Store(#[from] StoreError),
}

/// How far a generation has projected.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Checkpoint {
    /// The log it was projected from; none before the first commit.
    pub epoch: Option<Epoch>,
    /// The last event included in all groups; 0 before the first.
    pub sequence: Sequence,
    /// How far each group is. They differ only while one has stopped or catches up.
    pub marks: Marks,
    /// It takes no more writes.
    pub retired: bool,
}

impl Checkpoint {
    /// As a position, once the log is known.
    #[must_use]
    pub fn position(&self) -> Option<Position> {
        self.epoch.as_ref().map(|epoch| epoch.at(self.sequence))
    }
}

/// Which part of a timeline or thread to show, by message numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Anchor {
    /// The newest messages.
    Latest,
    /// The messages right before this number.
    Before(u64),
    /// The messages right after this number.
    After(u64),
    /// This number in the middle: half of the limit before it, the rest from it on; more on one side where
    /// the other ends.
    Around(u64),
}

/// Whether answers in threads are shown among the other messages of a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Threads {
    /// They are.
    Shown,
    /// Only the main timeline is.
    LeftOut,
}

impl Anchor {
    /// What to read for a page of `limit`: so many right before a number (backwards), and so many from
    /// a number on. Of both, [`Anchor::cut`] takes as many as the page has.
    pub(crate) fn spans(self, limit: usize) -> (Option<Span>, Option<Span>) {
        match self {
            Self::Latest => (Some((u64::MAX, limit)), None),
            Self::Before(number) => (Some((number, limit)), None),
            Self::After(number) => (None, Some((number.saturating_add(1), limit))),
            Self::Around(number) => (Some((number, limit)), Some((number, limit))),
        }
    }

    /// A page of `limit`, oldest first, out of what was found before (newest first) and from a number on.
    pub(crate) fn cut<T>(limit: usize, mut before: Vec<T>, mut from: Vec<T>) -> Vec<T> {
        let most_before = (limit / 2).max(limit.saturating_sub(from.len()));
        before.truncate(most_before);
        from.truncate(limit.saturating_sub(before.len()));
        before.reverse();
        before.append(&mut from);
        before
    }
}

/// A message number and how many messages to read from there.
pub(crate) type Span = (u64, usize);

/// Which public rooms to list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RoomFilter {
    /// All.
    Any,
    /// Those of exactly this name, without regard to case.
    Name(String),
    /// Those whose name has words that begin like those of the query; see [`ReadStore::search_users`].
    Words(String),
}

/// Where a list of rooms ordered by activity goes on: after this room.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActivityAnchor {
    /// Its last activity.
    pub last_activity: Sequence,
    /// Its id.
    pub room_id: RoomId,
}

/// Where a list of rooms ordered by name goes on: after this room.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NameAnchor {
    /// Its name, as [`fold`] gives it.
    pub name: String,
    /// Its id.
    pub room_id: RoomId,
}

/// The form in which names are compared: that of [`schemas::unicode::key`].
#[must_use]
pub fn fold(name: &str) -> String {
    schemas::unicode::key(name)
}

/// The answer of a store.
pub type Answer<T> = Result<T, StoreError>;

/// The query side. Every answer is bounded; a `limit` above [`MAX_ITEMS`] ([`MAX_CHANGES`] for changes)
/// counts as that. Lists of several ids answer with what exists, in no particular order.
#[async_trait]
pub trait ReadStore: Send + Sync + std::fmt::Debug {
    /// The name of this generation.
    fn generation(&self) -> &str;
    /// How far it has projected.
    async fn checkpoint(&self) -> Answer<Checkpoint>;

    /// One person.
    async fn user(&self, id: &UserId) -> Answer<Option<UserDoc>> {
        Ok(self.users(std::slice::from_ref(id)).await?.pop())
    }
    /// Several people.
    async fn users(&self, ids: &[UserId]) -> Answer<Vec<UserDoc>>;
    /// The person of a username.
    async fn user_by_username(&self, username: &Username) -> Answer<Option<UserDoc>>;
    /// People found by words: each word of the query is the beginning of a word of the username or the shown
    /// name, without regard to case and accents. By username; a person moves whose account changes.
    async fn search_users(
        &self,
        query: &str,
        from: &ListFrom<Username, UserId>,
        limit: usize,
    ) -> Answer<Slice<UserDoc>>;
    /// All people by id, which is the order of registration; goes on after an id.
    async fn list_users(&self, after: Option<&UserId>, limit: usize) -> Answer<Slice<UserDoc>>;
    /// People whose account changed after a sequence.
    async fn user_changes(&self, after: Sequence, limit: usize) -> Answer<Changes<UserDoc>>;

    /// One room.
    async fn room(&self, id: &RoomId) -> Answer<Option<RoomDoc>> {
        Ok(self.rooms(std::slice::from_ref(id)).await?.pop())
    }
    /// Several rooms.
    async fn rooms(&self, ids: &[RoomId]) -> Answer<Vec<RoomDoc>>;
    /// Public rooms that are not archived, by folded name, then id. A room moves when its own state changes.
    async fn public_rooms(
        &self,
        filter: &RoomFilter,
        from: &ListFrom<NameAnchor, RoomId>,
        limit: usize,
    ) -> Answer<Slice<RoomDoc>>;
    /// The rooms a person is in with their membership, newest activity first. A room moves by activity.
    async fn user_rooms(
        &self,
        user: &UserId,
        from: &ListFrom<ActivityAnchor, RoomId>,
        limit: usize,
    ) -> Answer<Slice<(RoomDoc, MembershipDoc)>>;
    /// Of these rooms, those whose own state changed after a sequence.
    async fn room_changes(
        &self,
        rooms: &[RoomId],
        after: Sequence,
        limit: usize,
    ) -> Answer<Changes<RoomDoc>>;

    /// One membership; a tombstone (`present` false) when the person has gone.
    async fn membership(&self, room: &RoomId, user: &UserId) -> Answer<Option<MembershipDoc>> {
        Ok(self.memberships(room, std::slice::from_ref(user)).await?.pop())
    }
    /// Memberships of several people in one room, tombstones included.
    async fn memberships(&self, room: &RoomId, users: &[UserId]) -> Answer<Vec<MembershipDoc>>;
    /// The rooms a person is in now: at most [`MAX_MEMBERSHIPS`].
    async fn memberships_of(&self, user: &UserId) -> Answer<Vec<MembershipDoc>>;
    /// The people in a room now, by user id; goes on after an id.
    async fn members(
        &self,
        room: &RoomId,
        after: Option<&UserId>,
        limit: usize,
    ) -> Answer<Slice<MembershipDoc>>;
    /// The people in a room now who have moved their read marker, since they came, to this number or past it,
    /// by user id; goes on after an id.
    async fn readers(
        &self,
        room: &RoomId,
        number: u64,
        after: Option<&UserId>,
        limit: usize,
    ) -> Answer<Slice<MembershipDoc>>;
    /// Counts in stretches of main timelines, in their order. What a stretch does not ask for may be left out.
    async fn count(&self, stretches: Vec<Stretch>) -> Answer<Vec<Counted>>;
    /// What waits for members in their rooms, in the order they are given.
    async fn unread(&self, of: &[(&RoomDoc, &MembershipDoc)]) -> Answer<Vec<Unread>> {
        let all: Vec<Stretch> = of.iter().map(|(room, own)| Stretch::unread(room, own)).collect();
        let asked = unread::to_be_counted(&all);
        let counted = if asked.is_empty() { Vec::new() } else { self.count(asked).await? };
        Ok(unread::unread(&all, counted))
    }
    /// A person's memberships that changed (came, went, role) after a sequence, tombstones included.
    async fn membership_changes(
        &self,
        user: &UserId,
        after: Sequence,
        limit: usize,
    ) -> Answer<Changes<MembershipDoc>>;
    /// Memberships of these rooms that changed after a sequence, tombstones included.
    async fn member_changes(
        &self,
        rooms: &[RoomId],
        after: Sequence,
        limit: usize,
    ) -> Answer<Changes<MembershipDoc>>;
    /// Memberships of these rooms whose read marker was moved by `read.moved` after a sequence.
    async fn marker_changes(
        &self,
        rooms: &[RoomId],
        after: Sequence,
        limit: usize,
    ) -> Answer<Changes<MembershipDoc>>;

    /// One message.
    async fn message(&self, id: &MessageId) -> Answer<Option<MessageDoc>> {
        Ok(self.messages(std::slice::from_ref(id)).await?.pop())
    }
    /// Several messages.
    async fn messages(&self, ids: &[MessageId]) -> Answer<Vec<MessageDoc>>;
    /// The newest messages of these rooms' main timelines that were not deleted; none for a room without.
    async fn newest(&self, rooms: Vec<RoomId>) -> Answer<Vec<MessageDoc>>;
    /// The same for rooms at hand: most know it by themselves.
    async fn last_messages(&self, rooms: &[&RoomDoc]) -> Answer<Vec<MessageDoc>> {
        let ids = rooms.iter().filter_map(|room| room.last_message_id.clone());
        let mut found = self.messages(&ids.collect::<Vec<_>>()).await?;
        let deleted: Vec<MessageDoc> =
            found.extract_if(.., |message| message.deleted_at.is_some()).collect();
        if !deleted.is_empty() {
            found.extend(self.newest(deleted.into_iter().map(|one| one.room_id).collect()).await?);
        }
        Ok(found)
    }
    /// The message a sender's client called so in a room.
    async fn message_by_client_id(
        &self,
        room: &RoomId,
        sender: &UserId,
        client_id: &ClientId,
    ) -> Answer<Option<MessageDoc>>;
    /// A part of a room's timeline, oldest first; with or without the answers in threads.
    async fn timeline(
        &self,
        room: &RoomId,
        threads: Threads,
        anchor: Anchor,
        limit: usize,
    ) -> Answer<Vec<MessageDoc>>;
    /// A part of a thread (answers only, not the message that began it), oldest first; anchors are
    /// numbers of messages in the room.
    async fn thread(
        &self,
        root: &MessageId,
        anchor: Anchor,
        limit: usize,
    ) -> Answer<Vec<MessageDoc>>;
    /// Messages of these rooms that were posted, edited, deleted or answered at a sequence or after it, as
    /// marks in no particular order; those posted exactly at it are not among them. Not complete when they
    /// exceed the bound.
    async fn message_marks(
        &self,
        rooms: &[RoomId],
        after: Sequence,
        most: Bound,
    ) -> Answer<Changes<MessageMark>>;

    /// One inbox entry of a person; none when it is another's or was taken back.
    async fn notification(
        &self,
        user: &UserId,
        id: &NotificationId,
    ) -> Answer<Option<NotificationDoc>>;
    /// A person's inbox, newest first; goes on before the `created` of the last one seen.
    async fn notifications(
        &self,
        user: &UserId,
        unread_only: bool,
        before: Option<Sequence>,
        limit: usize,
    ) -> Answer<Slice<NotificationDoc>>;
    /// The entry a person got about a message, also one that was taken back.
    async fn notification_about(
        &self,
        user: &UserId,
        message: &MessageId,
    ) -> Answer<Option<NotificationDoc>>;
    /// The people who have an entry about a message.
    async fn people_told_of(&self, message: &MessageId) -> Answer<Vec<UserId>>;
    /// A person's unread entries about a room, oldest first; at most [`MAX_ITEMS`].
    async fn unread_about_room(&self, user: &UserId, room: &RoomId)
    -> Answer<Vec<NotificationDoc>>;
    /// The rooms a person has unread entries about; at most [`MAX_MEMBERSHIPS`].
    async fn rooms_with_unread(&self, user: &UserId) -> Answer<Vec<RoomId>>;
    /// Entries that came, were read by themselves or were taken back after a sequence. Reading all at once shows in
    /// [`ReadStore::inbox`] (`read_all` > the sequence), not here.
    async fn notification_changes(
        &self,
        user: &UserId,
        after: Sequence,
        limit: usize,
    ) -> Answer<Changes<NotificationDoc>>;
    /// What is true of a person's inbox as a whole.
    async fn inbox(&self, user: &UserId) -> Answer<InboxDoc>;
}

/// What the projector asks for before it applies a batch of events.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Want {
    /// The document of this key.
    Key(Key),
    /// The message a sender's client called so in a room.
    ClientId(RoomId, UserId, ClientId),
}

/// The projector's side.
#[async_trait]
pub trait ProjectionStore: ReadStore {
    /// The documents of these keys that exist, in no particular order.
    async fn load(&self, wants: Vec<Want>) -> Answer<Vec<Doc>>;
    /// Writes documents and moves the checkpoint of every group, in one transaction, provided that the
    /// checkpoint stands at `expected` and the generation is not retired.
    async fn commit_marks(
        &self,
        expected: Marks,
        epoch: Epoch,
        next: Marks,
        docs: Vec<Doc>,
    ) -> Result<(), CommitError>;
    /// The same where all groups are at one place.
    async fn commit(
        &self,
        expected: Sequence,
        next: Position,
        docs: Vec<Doc>,
    ) -> Result<(), CommitError> {
        let Position { epoch, sequence } = next;
        self.commit_marks(Marks::all(expected), epoch, Marks::all(sequence), docs).await
    }
    /// Documents of a collection in the order of their keys' text, after a key; at most `limit`, as many as
    /// there are up to it.
    async fn scan(
        &self,
        collection: Collection,
        after: Option<Key>,
        limit: usize,
    ) -> Answer<Vec<Doc>>;
    /// Ends the making of a generation: from now on it has every index and survives a loss of power. Until
    /// then it is written without care for either, as whoever makes one and dies leaves nothing that is
    /// used. Does nothing to a generation that is in use.
    async fn seal(&self) -> Answer<()>;
    /// Forbids (or allows again) further commits; answers with the checkpoint, which then stays.
    async fn set_retired(&self, retired: bool) -> Answer<Checkpoint>;
    /// As its query side.
    fn reader(self: Arc<Self>) -> Arc<dyn ReadStore>;
}
