//! Messages in SQLite.
//!
//! A message's integer key is its room's integer in the upper bits and its number in the room in the lower ones
//! ([`message_key`]), so that a timeline is a range of keys.

use async_trait::async_trait;
use rusqlite::{Connection, Statement, params};
use schemas::ids::{MessageId, RoomId, UserId};
use schemas::position::Sequence;
use schemas::values::ClientId;

use super::archive::{Shelf, anywhere, everywhere, leave};
use super::kept::{Batch, Kept};
use super::reaction;
use super::room::key_of;
use super::rows::{
    db_error, doc, docs, each, execute, int, json, limit as sql_limit, one, raw, unreadable,
};
use super::store::{SqliteStore, changes, items};
use super::thread::put_answer;
use crate::answers::{Answer, Bound, Changes};
use crate::documents::{
    Anchor, Document, MessageDoc, MessageMark, MessageReads, Stored as _, Threads, client_hash,
};

impl Kept for MessageDoc {
    const TABLES: &'static str = "
-- k: room and number, see `message_key`; client: hash of (room, sender, client id); thread: the message
-- answered, answer: the number again, so that a thread is in its order, both null for none; edited: the last
-- edit, deletion or answer to it, null for none (its move to the archive is none of them); gone: the main number of a deleted message of the main timeline,
-- null for every other. That an id is there once is the projection's doing: checking it here again would cost a
-- search for every message.
CREATE TABLE messages(
    k INTEGER PRIMARY KEY, id BLOB NOT NULL, posted INTEGER NOT NULL, client INTEGER,
    thread BLOB, answer INTEGER, edited INTEGER, gone INTEGER, doc BLOB NOT NULL);
CREATE INDEX messages_id ON messages(id);
CREATE INDEX messages_client ON messages(client) WHERE client IS NOT NULL;
CREATE INDEX messages_thread ON messages(thread, answer) WHERE thread IS NOT NULL;
CREATE INDEX messages_edited ON messages(k >> 36, edited) WHERE edited IS NOT NULL;
CREATE INDEX messages_gone ON messages(k >> 36, gone) WHERE gone IS NOT NULL;

-- Whom messages of the main timeline name: a user, or the whole room (an empty user); and who wrote them.
CREATE TABLE named(
    room INTEGER NOT NULL, user BLOB NOT NULL, main INTEGER NOT NULL, sender BLOB NOT NULL,
    PRIMARY KEY (room, user, main)) WITHOUT ROWID;
CREATE INDEX named_main ON named(room, main);
";
    const BY_KEY: &'static str = anywhere!("doc", "id = ?1");
    const SCAN: &'static str = anywhere!("doc, id", "id > ?1", "ORDER BY id LIMIT ?3");

    /// Writes a message that may have been there before.
    fn put(&self, batch: &mut Batch<'_>) -> Answer<()> {
        let room = batch.room_key(&self.room_id)?;
        if self.changed > batch.expected.conversations && self.is_main() {
            // Edited or deleted in this batch: it may name other users now, or none.
            let sql = "DELETE FROM named WHERE room = ?1 AND main = ?2";
            execute(batch.db, sql, params![room, int(self.main_number)])?;
            put_named(batch.db, room, self)?;
        } else if self.changed > batch.expected.conversations {
            put_answer(batch.db, self, true)?;
        }
        let key = message_key(room, self.number);
        leave(batch.db, key, self, batch.expected)?;
        let sql = Shelf::of(self).upsert();
        let mut statement = batch.db.prepare_cached(sql).map_err(db_error)?;
        insert(&mut statement, key, self, &json(self)?)
    }

    /// Most batches consist of messages that were posted in them: there is nothing to look for and replace.
    fn put_all(docs: &[Document], batch: &mut Batch<'_>) -> Answer<()> {
        let mut new = Vec::with_capacity(docs.len());
        for message in docs.iter().filter_map(Self::among) {
            if message.posted > batch.expected.conversations {
                let room = batch.room_key(&message.room_id)?;
                new.push((message_key(room, message.number), message.as_ref()));
            } else {
                message.put(batch)?;
            }
        }
        // Some moved in the batch that posted them: on a replay, whose batches are long.
        for shelf in [Shelf::Archive, Shelf::Purged] {
            let there = |(_, message): &mut (i64, &MessageDoc)| Shelf::of(message) == shelf;
            put_new(batch.db, shelf, new.extract_if(.., there).collect())?;
        }
        put_new(batch.db, Shelf::AtHand, new)?;
        // After the reactions of the batch were written, which come before messages in the table of collections.
        let all = docs.iter().filter_map(Self::among);
        for deleted in all.filter(|message| message.deleted_at.is_some()) {
            reaction::clear(batch.db, &deleted.id)?;
        }
        Ok(())
    }
}

/// Bits of a message's key that are its number in the room; 27 are left for the room.
const NUMBER_BITS: u32 = 36;

/// The key of a message: those of a room lie together, in the order of their numbers. None of either comes near
/// its bound; a number beyond it would be the last of its room.
pub(super) fn message_key(room: i64, number: u64) -> i64 {
    let last = (1 << NUMBER_BITS) - 1;
    (room << NUMBER_BITS) | int(number).min(last)
}

/// The integer of a message's room, by the message's key.
pub(super) const fn room_of(key: i64) -> i64 {
    key >> NUMBER_BITS
}

fn put_new(db: &Connection, shelf: Shelf, mut new: Vec<(i64, &MessageDoc)>) -> Answer<()> {
    // In the order of their places: a page is found in the processor's cache while it is being filled.
    new.sort_unstable_by_key(|(key, _)| *key);
    let mut statement = db.prepare_cached(shelf.insert()).map_err(db_error)?;
    let mut json = Vec::with_capacity(1024);
    for (key, message) in new {
        json.clear();
        serde_json::to_writer(&mut json, message).map_err(unreadable)?;
        insert(&mut statement, key, message, &json)?;
        put_named(db, room_of(key), message)?;
        put_answer(db, message, false)?;
    }
    Ok(())
}

fn insert(
    statement: &mut Statement<'_>,
    key: i64,
    message: &MessageDoc,
    json: &[u8],
) -> Answer<()> {
    let named = message.client_id.as_ref();
    let done = statement.execute(params![
        key,
        raw(message.id),
        int(message.posted),
        named.map(|name| client_hash(&message.room_id, &message.sender_id, name)),
        message.thread_root_id.as_ref().map(raw),
        message.thread_root_id.as_ref().map(|_| int(message.number)),
        (message.told() > message.posted).then(|| int(message.told())),
        message.deleted_place().map(int),
        json
    ]);
    done.map(drop).map_err(db_error)
}

/// Files a message under every user it names.
fn put_named(db: &Connection, room: i64, message: &MessageDoc) -> Answer<()> {
    let sql = "INSERT OR IGNORE INTO named VALUES (?1, ?2, ?3, ?4)";
    let (main, sender) = (int(message.main_number), raw(message.sender_id));
    for user in message.people_named() {
        execute(db, sql, params![room, raw(user).as_slice(), main, sender])?;
    }
    if message.names_room() {
        let no_user: &[u8] = &[];
        execute(db, sql, params![room, no_user, main, sender])?;
    }
    Ok(())
}

fn messages(db: &Connection, ids: &[MessageId]) -> Answer<Vec<MessageDoc>> {
    let mut found = Vec::with_capacity(ids.len());
    for id in ids {
        found.extend(one(db, MessageDoc::BY_KEY, [raw(id)])?);
    }
    Ok(found)
}

/// The message of a room to which its sender's client gave this name.
pub(super) fn by_client_id(
    db: &Connection,
    room: &RoomId,
    sender: &UserId,
    client_id: &ClientId,
) -> Answer<Option<MessageDoc>> {
    let hash = client_hash(room, sender, client_id);
    let sql = everywhere!("doc", "client = ?1");
    let found: Vec<MessageDoc> = docs(db, sql, [hash])?;
    Ok(found.into_iter().find(|message| {
        message.room_id == *room
            && message.sender_id == *sender
            && message.client_id.as_ref() == Some(client_id)
    }))
}

fn timeline(
    db: &Connection,
    room: &RoomId,
    threads: Threads,
    anchor: Anchor,
    limit: usize,
) -> Answer<Vec<MessageDoc>> {
    let all = threads == Threads::Shown;
    let Some(room) = key_of(db, room)? else { return Ok(Vec::new()) };
    let place = |number| message_key(room, number);
    let backwards = |number, most| {
        let sql = everywhere!(
            "doc, k",
            "k >= ?1 AND k < ?2 AND (?4 OR thread IS NULL)",
            "ORDER BY k DESC LIMIT ?3"
        );
        docs(db, sql, params![place(0), place(number), most, all])
    };
    let onwards = |number, most| {
        let sql = everywhere!(
            "doc, k",
            "k >= ?1 AND k <= ?2 AND (?4 OR thread IS NULL)",
            "ORDER BY k LIMIT ?3"
        );
        docs(db, sql, params![place(number), place(u64::MAX), most, all])
    };
    around(anchor, limit, backwards, onwards)
}

/// The first messages of a room that are not in the archive, after a number.
fn at_hand(db: &Connection, room: &RoomId, after: u64, limit: usize) -> Answer<Vec<MessageDoc>> {
    let Some(room) = key_of(db, room)? else { return Ok(Vec::new()) };
    let sql = "SELECT doc FROM messages WHERE k > ?1 AND k <= ?2 ORDER BY k LIMIT ?3";
    docs(db, sql, params![message_key(room, after), message_key(room, u64::MAX), sql_limit(limit)])
}

fn thread(
    db: &Connection,
    root: &MessageId,
    anchor: Anchor,
    limit: usize,
) -> Answer<Vec<MessageDoc>> {
    let backwards = |number, most| {
        let sql = everywhere!(
            "doc, answer",
            "thread = ?1 AND answer < ?2",
            "ORDER BY answer DESC LIMIT ?3"
        );
        docs(db, sql, params![raw(root), int(number), most])
    };
    let onwards = |number, most| {
        let sql =
            everywhere!("doc, answer", "thread = ?1 AND answer >= ?2", "ORDER BY answer LIMIT ?3");
        docs(db, sql, params![raw(root), int(number), most])
    };
    around(anchor, limit, backwards, onwards)
}

/// Messages before a number and from it on, oldest first.
fn around(
    anchor: Anchor,
    limit: usize,
    backwards: impl Fn(u64, i64) -> Answer<Vec<MessageDoc>>,
    onwards: impl Fn(u64, i64) -> Answer<Vec<MessageDoc>>,
) -> Answer<Vec<MessageDoc>> {
    let (before, from) = anchor.spans(limit);
    let ask = |span, question: &dyn Fn(u64, i64) -> Answer<Vec<MessageDoc>>| match span {
        Some((number, most)) => question(number, sql_limit(most)),
        None => Ok(Vec::new()),
    };
    Ok(Anchor::cut(limit, ask(before, &backwards)?, ask(from, &onwards)?))
}

/// The newest messages of main timelines that were not deleted.
fn newest(db: &Connection, rooms: &[RoomId]) -> Answer<Vec<MessageDoc>> {
    let mut found = Vec::with_capacity(rooms.len());
    for room in rooms {
        let Some(room) = key_of(db, room)? else { continue };
        let sql = everywhere!(
            "doc, k",
            "k >= ?1 AND k <= ?2 AND thread IS NULL AND gone IS NULL",
            "ORDER BY k DESC LIMIT 1"
        );
        let whole = params![message_key(room, 0), message_key(room, u64::MAX)];
        found.extend(one::<MessageDoc>(db, sql, whole)?);
    }
    Ok(found)
}

/// Marks found so far, and whether the bound still holds.
struct Found {
    marks: Vec<MessageMark>,
    bytes: usize,
    most: Bound,
}

impl Found {
    fn take(&mut self, doc: &MessageDoc) {
        let mark = MessageMark::of(doc);
        self.bytes += mark.bytes;
        self.marks.push(mark);
    }

    fn fits(&self) -> bool {
        self.marks.len() <= self.most.items && self.bytes <= self.most.bytes
    }
}

fn marks(
    db: &Connection,
    rooms: &[RoomId],
    after: Sequence,
    most: Bound,
) -> Answer<Changes<MessageMark>> {
    let mut found = Found { marks: Vec::new(), bytes: 0, most };
    for room in rooms {
        let Some(room) = key_of(db, room)? else { continue };
        posted_after(db, room, after, &mut found)?;
        let sql = anywhere!(
            "doc",
            "k >> 36 = ?1 AND edited IS NOT NULL AND edited >= ?2 AND posted < ?2"
        );
        each(db, sql, params![room, int(after)], |row| {
            found.take(&doc(row, 0)?);
            Ok(found.fits())
        })?;
        if !found.fits() {
            break;
        }
    }
    let complete = found.fits();
    Ok(Changes { items: found.marks, complete })
}

/// Walks back from a room's newest message: numbers are in the order of the log, so the walk ends at the
/// first message that is old enough.
fn posted_after(db: &Connection, room: i64, after: Sequence, found: &mut Found) -> Answer<()> {
    let sql = everywhere!("posted, doc, k", "k >= ?1 AND k <= ?2", "ORDER BY k DESC");
    each(db, sql, [message_key(room, 0), message_key(room, u64::MAX)], |row| {
        let posted: i64 = row.get(0).map_err(db_error)?;
        if posted < int(after) {
            return Ok(false);
        }
        let message: MessageDoc = doc(row, 1)?;
        // A client that has everything up to there has a message posted right there, but not its later changes.
        if message.posted > after || message.told() > after {
            found.take(&message);
        }
        Ok(found.fits())
    })
}

#[async_trait]
impl MessageReads for SqliteStore {
    async fn messages(&self, ids: &[MessageId]) -> Answer<Vec<MessageDoc>> {
        let ids = ids.to_vec();
        self.read(move |db| messages(db, &ids)).await
    }

    async fn newest(&self, rooms: Vec<RoomId>) -> Answer<Vec<MessageDoc>> {
        self.read(move |db| newest(db, &rooms)).await
    }

    async fn message_by_client_id(
        &self,
        room: &RoomId,
        sender: &UserId,
        client_id: &ClientId,
    ) -> Answer<Option<MessageDoc>> {
        let (room, sender, client_id) = (*room, *sender, client_id.clone());
        self.read(move |db| by_client_id(db, &room, &sender, &client_id)).await
    }

    async fn timeline(
        &self,
        room: &RoomId,
        threads: Threads,
        anchor: Anchor,
        limit: usize,
    ) -> Answer<Vec<MessageDoc>> {
        let room = *room;
        self.read(move |db| timeline(db, &room, threads, anchor, items(limit))).await
    }

    async fn at_hand(&self, room: &RoomId, after: u64, limit: usize) -> Answer<Vec<MessageDoc>> {
        let room = *room;
        self.read(move |db| at_hand(db, &room, after, items(limit))).await
    }

    async fn thread(
        &self,
        root: &MessageId,
        anchor: Anchor,
        limit: usize,
    ) -> Answer<Vec<MessageDoc>> {
        let root = *root;
        self.read(move |db| thread(db, &root, anchor, items(limit))).await
    }

    async fn message_marks(
        &self,
        rooms: &[RoomId],
        after: Sequence,
        most: Bound,
    ) -> Answer<Changes<MessageMark>> {
        let rooms = rooms.to_vec();
        let most = Bound { items: changes(most.items), ..most };
        self.read(move |db| marks(db, &rooms, after, most)).await
    }
}

#[cfg(test)]
pub(super) mod tests;
