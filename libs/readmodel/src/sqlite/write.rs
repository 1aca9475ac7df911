//! The projector's side: load, commit, scan.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension as _, TransactionBehavior, params};
use schemas::ids::RoomId;
use schemas::position::{Epoch, Position, Sequence};

use super::rows::{db_error, each, int, limit as sql_limit, raw, unreadable};
use super::{messages, rooms};
use crate::backend::{client_hash, public_name};
use crate::docs::{
    Collection, Doc, Key, MembershipDoc, MessageDoc, NotificationDoc, RoomDoc, UserDoc,
};
use crate::store::{Answer, Checkpoint, CommitError, StoreError, Want, fold};

/// Rooms whose integer is remembered between commits; forgotten all at once beyond.
const REMEMBERED_ROOMS: usize = 100_000;

/// The one connection that writes.
#[derive(Debug)]
pub(super) struct Writer {
    pub(super) db: Connection,
    pub(super) room_keys: HashMap<RoomId, i64>,
}

pub(super) fn checkpoint(db: &Connection) -> Answer<Checkpoint> {
    let mut found = None;
    each(db, "SELECT epoch, sequence, retired FROM meta", [], |row| {
        let epoch: Option<String> = row.get(0).map_err(db_error)?;
        let sequence: i64 = row.get(1).map_err(db_error)?;
        let epoch = epoch.map(|text| Epoch::parse(&text)).transpose().map_err(unreadable)?;
        let sequence = u64::try_from(sequence).map_err(unreadable)?;
        let retired = row.get(2).map_err(db_error)?;
        found = Some(Checkpoint { epoch, sequence, retired });
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
                found.extend(message.map(|doc| Doc::Message(Box::new(doc))));
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
            return Ok(found.map(|doc| Doc::Membership(Box::new(doc))));
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
        expected: Sequence,
        next: &Position,
        docs: &[Doc],
    ) -> Result<(), CommitError> {
        let outcome = self.try_commit(expected, next, docs);
        if outcome.is_err() {
            // Integers given to rooms in a transaction that did not happen are not theirs.
            self.room_keys.clear();
        }
        outcome
    }

    fn try_commit(
        &mut self,
        expected: Sequence,
        next: &Position,
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
        if now.sequence != expected || now.epoch.as_ref().is_some_and(|epoch| *epoch != next.epoch)
        {
            return Err(CommitError::Fenced);
        }
        // Rooms first: messages and memberships are filed under their integers.
        for doc in docs {
            if let Doc::Room(room) = doc {
                put_room(&transaction, room, room_keys)?;
            }
        }
        for doc in docs {
            put(&transaction, doc, room_keys)?;
        }
        transaction
            .execute(
                "UPDATE meta SET epoch = ?1, sequence = ?2",
                params![next.epoch.as_str(), int(next.sequence)],
            )
            .map_err(db_error)?;
        transaction.commit().map_err(db_error)?;
        Ok(())
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

fn put(db: &Connection, doc: &Doc, room_keys: &mut HashMap<RoomId, i64>) -> Answer<()> {
    let json = || doc.to_json().map_err(unreadable);
    match doc {
        Doc::Room(_) => Ok(()),
        Doc::User(user) => put_user(db, user, &json()?),
        Doc::Membership(member) => {
            let room = room_key(db, &member.room_id, room_keys)?;
            put_membership(db, room, member, &json()?)
        }
        Doc::Message(message) => {
            let room = room_key(db, &message.room_id, room_keys)?;
            put_message(db, room, message, &json()?)
        }
        Doc::Notification(entry) => put_notification(db, entry, &json()?),
        Doc::Inbox(inbox) => execute(
            db,
            "INSERT INTO inboxes VALUES (?1, ?2) ON CONFLICT(user) DO UPDATE SET doc = ?2",
            params![raw(&inbox.user_id), json()?],
        ),
        Doc::Site(_) => execute(
            db,
            "INSERT INTO site VALUES (1, ?1) ON CONFLICT(id) DO UPDATE SET doc = ?1",
            params![json()?],
        ),
    }
}

fn execute(db: &Connection, sql: &str, params: impl rusqlite::Params) -> Answer<()> {
    db.prepare_cached(sql).map_err(db_error)?.execute(params).map_err(db_error)?;
    Ok(())
}

fn put_room(db: &Connection, room: &RoomDoc, keys: &mut HashMap<RoomId, i64>) -> Answer<()> {
    let json = serde_json::to_vec(room).map_err(unreadable)?;
    let sql = "INSERT INTO rooms(id, created, name, activity, changed, doc)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT(id) DO UPDATE
        SET created = ?2, name = ?3, activity = ?4, changed = ?5, doc = ?6 RETURNING k";
    let key = db
        .prepare_cached(sql)
        .map_err(db_error)?
        .query_row(
            params![
                raw(&room.state.id),
                room.created,
                public_name(room),
                int(room.last_activity),
                int(room.changed),
                json
            ],
            |row| row.get(0),
        )
        .map_err(db_error)?;
    keys.insert(room.state.id.clone(), key);
    Ok(())
}

fn room_key(db: &Connection, room: &RoomId, keys: &mut HashMap<RoomId, i64>) -> Answer<i64> {
    if let Some(key) = keys.get(room) {
        return Ok(*key);
    }
    let found: Option<i64> = db
        .prepare_cached("SELECT k FROM rooms WHERE id = ?1")
        .map_err(db_error)?
        .query_row([raw(room)], |row| row.get(0))
        .optional()
        .map_err(db_error)?;
    let key = found.ok_or_else(|| StoreError::Failed(format!("no room {room}").into()))?;
    keys.insert(room.clone(), key);
    Ok(key)
}

fn put_user(db: &Connection, user: &UserDoc, json: &[u8]) -> Answer<()> {
    let state = &user.state;
    execute(
        db,
        "INSERT INTO users VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT(id) DO UPDATE
            SET username = ?2, shown = ?3, changed = ?4, doc = ?5",
        params![
            raw(&state.id),
            state.username.as_str(),
            fold(state.display_name.as_str()),
            int(user.updated),
            json
        ],
    )
}

fn put_membership(db: &Connection, room: i64, member: &MembershipDoc, json: &[u8]) -> Answer<()> {
    execute(
        db,
        "INSERT INTO memberships VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
            ON CONFLICT(room, user) DO UPDATE
            SET present = ?3, marker = ?4, changed = ?5, moved = ?6, doc = ?7",
        params![
            room,
            raw(&member.user_id),
            member.present,
            int(member.marker_number),
            int(member.changed),
            int(member.marker_updated),
            json
        ],
    )
}

fn put_message(db: &Connection, room: i64, message: &MessageDoc, json: &[u8]) -> Answer<()> {
    let client = message.client_id.as_ref().map(|client_id| {
        client_hash(message.room_id.as_str(), message.sender_id.as_str(), client_id.as_str())
    });
    execute(
        db,
        "INSERT INTO messages VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
            ON CONFLICT(room, number) DO UPDATE SET edited = ?7, doc = ?8",
        params![
            room,
            int(message.number),
            raw(&message.id),
            int(message.posted),
            client,
            message.thread_root_id.as_ref().map(raw),
            (message.changed > message.posted).then(|| int(message.changed)),
            json
        ],
    )
}

fn put_notification(db: &Connection, entry: &NotificationDoc, json: &[u8]) -> Answer<()> {
    execute(
        db,
        "INSERT INTO notifications VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT(id) DO UPDATE
            SET unread = ?4, changed = ?5, doc = ?6",
        params![
            raw(&entry.id),
            raw(&entry.user_id),
            int(entry.created),
            !entry.read,
            int(entry.updated),
            json
        ],
    )
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
