//! One generation's file: one connection that writes, a few that read, and the contract over them.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use parking_lot::Mutex;
use rusqlite::{Connection, OpenFlags};
use schemas::ids::{MessageId, NotificationId, RoomId, UserId};
use schemas::position::{Epoch, Sequence};
use schemas::values::{ClientId, Username};
use tokio::sync::Semaphore;

use super::rows::db_error;
use super::write::{self, Writer};
use super::{blocking, find, messages, people, rooms};
use crate::backend::Care;
use crate::docs::{
    Collection, Doc, InboxDoc, Key, MembershipDoc, MessageDoc, NotificationDoc, RoomDoc, UserDoc,
};
use crate::groups::Marks;
use crate::marks::MessageMark;
use crate::store::{
    ActivityAnchor, Anchor, Answer, Bound, Changes, Checkpoint, CommitError, ListFrom, MAX_CHANGES,
    MAX_ITEMS, NameAnchor, ProjectionStore, ReadStore, RoomFilter, Slice, StoreError, Threads,
    Want,
};
use crate::unread::{Counted, Stretch};

/// Connections that read at the same time; more would only queue for two or four cores.
const READERS: usize = 4;
/// How long a statement waits for another process's write before it gives up.
const BUSY: Duration = Duration::from_secs(5);

/// A generation in an SQLite file. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct SqliteStore(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    name: String,
    writer: Mutex<Writer>,
    readers: Mutex<Vec<Connection>>,
    /// As many permits as readers: whoever holds one finds a connection in `readers`.
    free: Semaphore,
}

impl SqliteStore {
    /// Opens a generation, which keeps so many bytes of pages in memory: half of them for writing.
    pub(super) fn open(name: &str, path: &Path, care: Care, cache: u64) -> Answer<Self> {
        let db = connect(path)?;
        if care == Care::WhenSealed {
            // Thrown away if this process dies: a page is written once and not twice, and what a transaction
            // has changed is only remembered for taking that back.
            db.pragma_update(None, "journal_mode", "memory").map_err(db_error)?;
            db.pragma_update(None, "synchronous", "off").map_err(db_error)?;
        }
        // Checkpointing the WAL seldom is worth half the write rate; 16,000 pages are 64 MiB.
        db.pragma_update(None, "wal_autocheckpoint", 16_000).map_err(db_error)?;
        let kibibytes = i64::try_from(cache / 1024).unwrap_or(i64::MAX);
        db.pragma_update(None, "cache_size", -(kibibytes / 2)).map_err(db_error)?;
        let mut readers = Vec::with_capacity(READERS);
        for _ in 0..READERS {
            let reader = connect(path)?;
            reader.pragma_update(None, "query_only", true).map_err(db_error)?;
            reader.pragma_update(None, "cache_size", -(kibibytes / 8)).map_err(db_error)?;
            readers.push(reader);
        }
        Ok(Self(Arc::new(Inner {
            name: name.to_owned(),
            writer: Mutex::new(Writer { db, room_keys: super::put::RoomKeys::default() }),
            readers: Mutex::new(readers),
            free: Semaphore::new(READERS),
        })))
    }

    async fn read<T: Send + 'static>(
        &self,
        query: impl FnOnce(&Connection) -> Answer<T> + Send + 'static,
    ) -> Answer<T> {
        let inner = Arc::clone(&self.0);
        let permit = inner.free.acquire().await;
        permit.map_err(|error| StoreError::Failed(Box::new(error)))?.forget();
        let returned = ReturnPermit(Arc::clone(&self.0));
        blocking(move || {
            let returned = returned;
            let Some(db) = returned.0.readers.lock().pop() else {
                return Err(StoreError::Failed("no free reader".into()));
            };
            let answer = query(&db);
            returned.0.readers.lock().push(db);
            answer
        })
        .await
    }

    async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Writer) -> T + Send + 'static,
    ) -> Answer<T> {
        let inner = Arc::clone(&self.0);
        blocking(move || Ok(work(&mut inner.writer.lock()))).await
    }
}

/// Gives a reader's permit back, after the connection itself, even if the asker has gone meanwhile.
struct ReturnPermit(Arc<Inner>);

impl Drop for ReturnPermit {
    fn drop(&mut self) {
        self.0.free.add_permits(1);
    }
}

fn connect(path: &Path) -> Answer<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(path, flags).map_err(db_error)?;
    db.busy_timeout(BUSY).map_err(db_error)?;
    // In WAL mode NORMAL never damages the file; a power loss may take back the last commits, with their
    // checkpoint, and the projector applies them again.
    db.pragma_update(None, "synchronous", "normal").map_err(db_error)?;
    db.set_prepared_statement_cache_capacity(128);
    Ok(db)
}

fn items(limit: usize) -> usize {
    limit.clamp(1, MAX_ITEMS)
}

fn changes(limit: usize) -> usize {
    limit.clamp(1, MAX_CHANGES)
}

#[async_trait]
impl ReadStore for SqliteStore {
    fn generation(&self) -> &str {
        &self.0.name
    }

    async fn checkpoint(&self) -> Answer<Checkpoint> {
        self.read(write::checkpoint).await
    }

    async fn users(&self, ids: &[UserId]) -> Answer<Vec<UserDoc>> {
        let ids = ids.to_vec();
        self.read(move |db| people::users(db, &ids)).await
    }

    async fn user_by_username(&self, username: &Username) -> Answer<Option<UserDoc>> {
        let username = username.clone();
        self.read(move |db| people::by_username(db, username.as_str())).await
    }

    async fn search_users(
        &self,
        query: &str,
        from: &ListFrom<Username, UserId>,
        limit: usize,
    ) -> Answer<Slice<UserDoc>> {
        let (query, from) = (query.to_owned(), from.clone());
        self.read(move |db| find::users(db, &query, &from, items(limit))).await
    }

    async fn list_users(&self, after: Option<&UserId>, limit: usize) -> Answer<Slice<UserDoc>> {
        let after = after.cloned();
        self.read(move |db| people::list(db, after.as_ref(), items(limit))).await
    }

    async fn user_changes(&self, after: Sequence, limit: usize) -> Answer<Changes<UserDoc>> {
        self.read(move |db| people::changes(db, after, changes(limit))).await
    }

    async fn rooms(&self, ids: &[RoomId]) -> Answer<Vec<RoomDoc>> {
        let ids = ids.to_vec();
        self.read(move |db| rooms::rooms(db, &ids)).await
    }

    async fn public_rooms(
        &self,
        filter: &RoomFilter,
        from: &ListFrom<NameAnchor, RoomId>,
        limit: usize,
    ) -> Answer<Slice<RoomDoc>> {
        let (filter, from) = (filter.clone(), from.clone());
        self.read(move |db| find::public_rooms(db, &filter, &from, items(limit))).await
    }

    async fn user_rooms(
        &self,
        user: &UserId,
        from: &ListFrom<ActivityAnchor, RoomId>,
        limit: usize,
    ) -> Answer<Slice<(RoomDoc, MembershipDoc)>> {
        let (user, from) = (user.clone(), from.clone());
        self.read(move |db| rooms::of_user(db, &user, &from, items(limit))).await
    }

    async fn room_changes(
        &self,
        rooms: &[RoomId],
        after: Sequence,
        limit: usize,
    ) -> Answer<Changes<RoomDoc>> {
        let rooms = rooms.to_vec();
        self.read(move |db| rooms::room_changes(db, &rooms, after, changes(limit))).await
    }

    async fn memberships(&self, room: &RoomId, users: &[UserId]) -> Answer<Vec<MembershipDoc>> {
        let (room, users) = (room.clone(), users.to_vec());
        self.read(move |db| rooms::memberships(db, &room, &users)).await
    }

    async fn memberships_of(&self, user: &UserId) -> Answer<Vec<MembershipDoc>> {
        let user = user.clone();
        self.read(move |db| rooms::memberships_of(db, &user)).await
    }

    async fn members(
        &self,
        room: &RoomId,
        after: Option<&UserId>,
        limit: usize,
    ) -> Answer<Slice<MembershipDoc>> {
        self.readers(room, 0, after, limit).await
    }

    async fn readers(
        &self,
        room: &RoomId,
        number: u64,
        after: Option<&UserId>,
        limit: usize,
    ) -> Answer<Slice<MembershipDoc>> {
        let (room, after) = (room.clone(), after.cloned());
        self.read(move |db| rooms::members(db, &room, number, after.as_ref(), items(limit))).await
    }

    async fn count(&self, stretches: Vec<Stretch>) -> Answer<Vec<Counted>> {
        self.read(move |db| rooms::count(db, &stretches)).await
    }

    async fn newest(&self, rooms: Vec<RoomId>) -> Answer<Vec<MessageDoc>> {
        self.read(move |db| messages::newest(db, &rooms)).await
    }

    async fn membership_changes(
        &self,
        user: &UserId,
        after: Sequence,
        limit: usize,
    ) -> Answer<Changes<MembershipDoc>> {
        let user = user.clone();
        self.read(move |db| rooms::membership_changes(db, &user, after, changes(limit))).await
    }

    async fn member_changes(
        &self,
        rooms: &[RoomId],
        after: Sequence,
        limit: usize,
    ) -> Answer<Changes<MembershipDoc>> {
        let rooms = rooms.to_vec();
        self.read(move |db| rooms::member_changes(db, &rooms, after, changes(limit))).await
    }

    async fn marker_changes(
        &self,
        rooms: &[RoomId],
        after: Sequence,
        limit: usize,
    ) -> Answer<Changes<MembershipDoc>> {
        let rooms = rooms.to_vec();
        self.read(move |db| rooms::marker_changes(db, &rooms, after, changes(limit))).await
    }

    async fn messages(&self, ids: &[MessageId]) -> Answer<Vec<MessageDoc>> {
        let ids = ids.to_vec();
        self.read(move |db| messages::messages(db, &ids)).await
    }

    async fn message_by_client_id(
        &self,
        room: &RoomId,
        sender: &UserId,
        client_id: &ClientId,
    ) -> Answer<Option<MessageDoc>> {
        let (room, sender, client_id) = (room.clone(), sender.clone(), client_id.clone());
        self.read(move |db| messages::by_client_id(db, &room, &sender, &client_id)).await
    }

    async fn timeline(
        &self,
        room: &RoomId,
        threads: Threads,
        anchor: Anchor,
        limit: usize,
    ) -> Answer<Vec<MessageDoc>> {
        let room = room.clone();
        self.read(move |db| messages::timeline(db, &room, threads, anchor, items(limit))).await
    }

    async fn thread(
        &self,
        root: &MessageId,
        anchor: Anchor,
        limit: usize,
    ) -> Answer<Vec<MessageDoc>> {
        let root = root.clone();
        self.read(move |db| messages::thread(db, &root, anchor, items(limit))).await
    }

    async fn message_marks(
        &self,
        rooms: &[RoomId],
        after: Sequence,
        most: Bound,
    ) -> Answer<Changes<MessageMark>> {
        let rooms = rooms.to_vec();
        let most = Bound { items: changes(most.items), ..most };
        self.read(move |db| messages::marks(db, &rooms, after, most)).await
    }

    async fn notification(
        &self,
        user: &UserId,
        id: &NotificationId,
    ) -> Answer<Option<NotificationDoc>> {
        let (user, id) = (user.clone(), id.clone());
        self.read(move |db| people::notification(db, &user, &id)).await
    }

    async fn notifications(
        &self,
        user: &UserId,
        unread_only: bool,
        before: Option<Sequence>,
        limit: usize,
    ) -> Answer<Slice<NotificationDoc>> {
        let user = user.clone();
        let most = items(limit);
        self.read(move |db| people::notifications(db, &user, unread_only, before, most)).await
    }

    async fn notification_about(
        &self,
        user: &UserId,
        message: &MessageId,
    ) -> Answer<Option<NotificationDoc>> {
        let (user, message) = (user.clone(), message.clone());
        self.read(move |db| people::notification_about(db, &user, &message)).await
    }

    async fn people_told_of(&self, message: &MessageId) -> Answer<Vec<UserId>> {
        let message = message.clone();
        self.read(move |db| people::people_told_of(db, &message)).await
    }

    async fn unread_about_room(
        &self,
        user: &UserId,
        room: &RoomId,
    ) -> Answer<Vec<NotificationDoc>> {
        let (user, room) = (user.clone(), room.clone());
        self.read(move |db| people::unread_about_room(db, &user, &room)).await
    }

    async fn rooms_with_unread(&self, user: &UserId) -> Answer<Vec<RoomId>> {
        let user = user.clone();
        self.read(move |db| people::rooms_with_unread(db, &user)).await
    }

    async fn notification_changes(
        &self,
        user: &UserId,
        after: Sequence,
        limit: usize,
    ) -> Answer<Changes<NotificationDoc>> {
        let user = user.clone();
        self.read(move |db| people::notification_changes(db, &user, after, changes(limit))).await
    }

    async fn inbox(&self, user: &UserId) -> Answer<InboxDoc> {
        let user = user.clone();
        self.read(move |db| people::inbox(db, &user)).await
    }
}

#[async_trait]
impl ProjectionStore for SqliteStore {
    async fn load(&self, wants: Vec<Want>) -> Answer<Vec<Doc>> {
        // By the writing connection: its cache holds the pages that were just written.
        self.write(move |writer| write::load(&mut writer.db, &wants)).await?
    }

    async fn commit_marks(
        &self,
        expected: Marks,
        epoch: Epoch,
        next: Marks,
        docs: Vec<Doc>,
    ) -> Result<(), CommitError> {
        self.write(move |writer| writer.commit(expected, (&epoch, next), &docs)).await?
    }

    async fn scan(
        &self,
        collection: Collection,
        after: Option<Key>,
        limit: usize,
    ) -> Answer<Vec<Doc>> {
        self.read(move |db| write::scan(db, collection, after.as_ref(), limit)).await
    }

    async fn seal(&self) -> Answer<()> {
        self.write(|writer| writer.seal()).await?
    }

    async fn set_retired(&self, retired: bool) -> Answer<Checkpoint> {
        self.write(move |writer| writer.set_retired(retired)).await?
    }

    fn reader(self: Arc<Self>) -> Arc<dyn ReadStore> {
        self
    }
}
