//! The projector's side: load, commit, scan.

use rusqlite::{Connection, TransactionBehavior, params};
use schemas::position::Epoch;

use super::put::{RoomKeys, put, put_new_messages, put_room};
use super::rows::{db_error, each, int, limit as sql_limit, raw, unreadable};
use super::{messages, rooms};
use crate::docs::{Collection, Doc, Key};
use crate::groups::Marks;
use crate::store::{Answer, Checkpoint, CommitError, StoreError, Want};

/// Rooms whose integer is remembered between commits; forgotten all at once beyond.
const REMEMBERED_ROOMS: usize = 100_000;

/// The one connection that writes.
#[derive(Debug)]
pub(super) struct Writer {
    pub(super) db: Connection,
    pub(super) room_keys: RoomKeys,
}

pub(super) fn checkpoint(db: &Connection) -> Answer<Checkpoint> {
    let mut found = None;
    let sql = "SELECT epoch, conversations, people, inbox, retired FROM meta";
    each(db, sql, [], |row| {
        let epoch: Option<String> = row.get(0).map_err(db_error)?;
        let epoch = epoch.map(|text| Epoch::parse(&text)).transpose().map_err(unreadable)?;
        let mark = |column| {
            let sequence: i64 = row.get(column).map_err(db_error)?;
            u64::try_from(sequence).map_err(unreadable)
        };
        let marks = Marks { conversations: mark(1)?, people: mark(2)?, inbox: mark(3)? };
        let retired = row.get(4).map_err(db_error)?;
        found = Some(Checkpoint { epoch, sequence: marks.least(), marks, retired });
        Ok(false)
    })?;
    found.ok_or_else(|| StoreError::Unreadable("no checkpoint".to_owned()))
}

pub(super) fn load(db: &mut Connection, wants: &[Want]) -> Answer<Vec<Doc>> {
    // One transaction: outside of one, every statement takes and gives back the file's locks.
    let transaction = db.transaction().map_err(db_error)?;
    let found = load_all(&transaction, wants)?;
    transaction.commit().map_err(db_error)?;
    Ok(found)
}

fn load_all(db: &Connection, wants: &[Want]) -> Answer<Vec<Doc>> {
    let mut found = Vec::with_capacity(wants.len());
    let newest: Option<Vec<u8>> = db
        .prepare_cached("SELECT max(id) FROM messages")
        .map_err(db_error)?
        .query_row([], |row| row.get(0))
        .map_err(db_error)?;
    for want in wants {
        match want {
            // Ids are made in the order of time, so nearly every new message is past all that are kept.
            Want::Key(Key::Message(id))
                if newest.as_ref().is_none_or(|newest| raw(id).as_slice() > newest.as_slice()) => {}
            Want::Key(key) => found.extend(load_key(db, key)?),
            Want::ClientId(room, sender, client_id) => {
                let message = messages::by_client_id(db, room, sender, client_id)?;
                found.extend(message.map(|doc| Doc::Message(std::sync::Arc::new(doc))));
            }
        }
    }
    Ok(found)
}

fn load_key(db: &Connection, key: &Key) -> Answer<Option<Doc>> {
    let mut json: Option<Vec<u8>> = None;
    let mut take = |row: &rusqlite::Row<'_>| {
        json = Some(row.get(0).map_err(db_error)?);
        Ok(false)
    };
    match key {
        Key::User(id) => each(db, "SELECT doc FROM users WHERE id = ?1", [raw(id)], &mut take)?,
        Key::Room(id) => each(db, "SELECT doc FROM rooms WHERE id = ?1", [raw(id)], &mut take)?,
        Key::Membership(room, user) => {
            let found = rooms::memberships(db, room, std::slice::from_ref(user))?.pop();
            return Ok(found.map(|doc| Doc::Membership(std::sync::Arc::new(doc))));
        }
        Key::Message(id) => {
            each(db, "SELECT doc FROM messages WHERE id = ?1", [raw(id)], &mut take)?;
        }
        Key::Notification(id) => {
            each(db, "SELECT doc FROM notifications WHERE id = ?1", [raw(id)], &mut take)?;
        }
        Key::Inbox(user) => {
            each(db, "SELECT doc FROM inboxes WHERE user = ?1", [raw(user)], &mut take)?;
        }
        Key::Site => each(db, "SELECT doc FROM site", [], &mut take)?,
    }
    json.map(|json| Doc::from_json(key.collection(), &json)).transpose().map_err(unreadable)
}

impl Writer {
    pub(super) fn commit(
        &mut self,
        expected: Marks,
        (epoch, next): (&Epoch, Marks),
        docs: &[Doc],
    ) -> Result<(), CommitError> {
        let outcome = self.try_commit(expected, (epoch, next), docs);
        if outcome.is_err() {
            // Integers given to rooms in a transaction that did not happen are not theirs.
            self.room_keys.clear();
        }
        outcome
    }

    fn try_commit(
        &mut self,
        expected: Marks,
        (epoch, next): (&Epoch, Marks),
        docs: &[Doc],
    ) -> Result<(), CommitError> {
        let Self { db, room_keys } = self;
        if room_keys.len() > REMEMBERED_ROOMS {
            room_keys.clear();
        }
        let transaction =
            db.transaction_with_behavior(TransactionBehavior::Immediate).map_err(db_error)?;
        let now = checkpoint(&transaction)?;
        if now.retired {
            return Err(CommitError::Retired);
        }
        if now.marks != expected || now.epoch.as_ref().is_some_and(|now| now != epoch) {
            return Err(CommitError::Fenced);
        }
        // Rooms first: messages and memberships are filed under their integers.
        for doc in docs {
            if let Doc::Room(room) = doc {
                put_room(&transaction, room, expected.conversations, room_keys)?;
            }
        }
        put_new_messages(&transaction, docs, expected.conversations, room_keys)?;
        for doc in docs {
            put(&transaction, doc, expected.conversations, room_keys)?;
        }
        transaction
            .execute(
                "UPDATE meta SET epoch = ?1, conversations = ?2, people = ?3, inbox = ?4",
                params![epoch.as_str(), int(next.conversations), int(next.people), int(next.inbox)],
            )
            .map_err(db_error)?;
        transaction.commit().map_err(db_error)?;
        Ok(())
    }

    /// Brings everything to the disk and cares for it from now on.
    pub(super) fn seal(&mut self) -> Answer<()> {
        self.db.pragma_update(None, "synchronous", "normal").map_err(db_error)?;
        self.db.pragma_update(None, "journal_mode", "wal").map_err(db_error)?;
        // What was written so far has been left to the system's cache.
        self.sync()?;
        self.db.execute("UPDATE meta SET sealed = 1", []).map_err(db_error)?;
        // Moves what is in the write-ahead log into the file and syncs the file as a whole.
        self.db
            .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, i64>(0))
            .map(drop)
            .map_err(db_error)?;
        // Once more by ourselves: with nothing left in the log there was nothing to sync for.
        self.sync()
    }

    fn sync(&self) -> Answer<()> {
        let path = self.db.path().map(std::path::PathBuf::from).unwrap_or_default();
        std::fs::File::open(path)
            .and_then(|file| file.sync_all())
            .map_err(|error| StoreError::Unavailable(Box::new(error)))
    }

    pub(super) fn set_retired(&mut self, retired: bool) -> Answer<Checkpoint> {
        let transaction =
            self.db.transaction_with_behavior(TransactionBehavior::Immediate).map_err(db_error)?;
        transaction.execute("UPDATE meta SET retired = ?1", [retired]).map_err(db_error)?;
        let now = checkpoint(&transaction)?;
        transaction.commit().map_err(db_error)?;
        Ok(now)
    }
}

/// Documents in the order of their keys' text, which the bytes of ids keep.
pub(super) fn scan(
    db: &Connection,
    collection: Collection,
    after: Option<&Key>,
    limit: usize,
) -> Answer<Vec<Doc>> {
    let (first, second) = match after {
        None => (Vec::new(), Vec::new()),
        Some(Key::User(id) | Key::Inbox(id)) => (raw(id).to_vec(), Vec::new()),
        Some(Key::Room(id)) => (raw(id).to_vec(), Vec::new()),
        Some(Key::Membership(room, user)) => (raw(room).to_vec(), raw(user).to_vec()),
        Some(Key::Message(id)) => (raw(id).to_vec(), Vec::new()),
        Some(Key::Notification(id)) => (raw(id).to_vec(), Vec::new()),
        Some(Key::Site) => return Ok(Vec::new()),
    };
    let sql = match collection {
        Collection::Users => "SELECT doc FROM users WHERE id > ?1 ORDER BY id LIMIT ?3",
        Collection::Rooms => "SELECT doc FROM rooms WHERE id > ?1 ORDER BY id LIMIT ?3",
        Collection::Memberships => {
            "SELECT m.doc FROM rooms r CROSS JOIN memberships m ON m.room = r.k
                WHERE r.id >= ?1 AND (r.id > ?1 OR m.user > ?2) ORDER BY r.id, m.user LIMIT ?3"
        }
        Collection::Messages => "SELECT doc FROM messages WHERE id > ?1 ORDER BY id LIMIT ?3",
        Collection::Notifications => {
            "SELECT doc FROM notifications WHERE id > ?1 ORDER BY id LIMIT ?3"
        }
        Collection::Inboxes => "SELECT doc FROM inboxes WHERE user > ?1 ORDER BY user LIMIT ?3",
        Collection::Site => "SELECT doc FROM site LIMIT ?3",
    };
    let mut found = Vec::new();
    each(db, sql, params![first, second, sql_limit(limit)], |row| {
        let json = row.get_ref(0).map_err(db_error)?.as_bytes().map_err(unreadable)?;
        found.push(Doc::from_json(collection, json).map_err(unreadable)?);
        Ok(true)
    })?;
    Ok(found)
}
