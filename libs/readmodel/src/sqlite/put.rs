//! Writing documents into their tables, with what they are searched by.

use std::collections::HashMap;

use foldhash::fast::RandomState;
use rusqlite::{Connection, OptionalExtension as _, Statement, params};
use schemas::ids::RoomId;
use schemas::position::Sequence;

use super::find::{put_room_words, put_user_words};
use super::rows::{db_error, int, raw, unreadable};
use super::schema::{NUMBER_BITS, message_key};
use crate::backend::{client_hash, public_name};
use crate::docs::{Doc, MembershipDoc, MessageDoc, NotificationDoc, RoomDoc, UserDoc};
use crate::store::{Answer, StoreError};

/// The integers of rooms.
pub(super) type RoomKeys = HashMap<RoomId, i64, RandomState>;

/// Whether a message comes into being in this very batch: there is nothing to look for and replace.
const fn is_new(message: &MessageDoc, expected: Sequence) -> bool {
    message.posted > expected
}

/// Messages that were posted in this batch, which is what most batches consist of.
pub(super) fn put_new_messages(
    db: &Connection,
    docs: &[Doc],
    expected: Sequence,
    room_keys: &mut RoomKeys,
) -> Answer<()> {
    let mut new = Vec::with_capacity(docs.len());
    for doc in docs {
        if let Doc::Message(message) = doc
            && is_new(message, expected)
        {
            let room = room_key(db, &message.room_id, room_keys)?;
            new.push((message_key(room, message.number), message.as_ref()));
        }
    }
    // In the order of their places: a page is found in the processor's cache while it is being filled.
    new.sort_unstable_by_key(|(key, _)| *key);
    let sql = "INSERT INTO messages VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
    let mut statement = db.prepare_cached(sql).map_err(db_error)?;
    let mut json = Vec::with_capacity(1024);
    for (key, message) in new {
        json.clear();
        serde_json::to_writer(&mut json, message).map_err(unreadable)?;
        bind_message(&mut statement, key, message, &json)?;
        put_named(db, key >> NUMBER_BITS, message)?;
    }
    Ok(())
}

pub(super) fn put(
    db: &Connection,
    doc: &Doc,
    expected: Sequence,
    room_keys: &mut RoomKeys,
) -> Answer<()> {
    let json = || doc.to_json().map_err(unreadable);
    match doc {
        Doc::Room(_) => Ok(()),
        Doc::Message(message) if is_new(message, expected) => Ok(()),
        Doc::User(user) => put_user(db, user, &json()?),
        Doc::Membership(member) => {
            let room = room_key(db, &member.room_id, room_keys)?;
            put_membership(db, room, member, expected, &json()?)
        }
        Doc::Message(message) => {
            let room = room_key(db, &message.room_id, room_keys)?;
            if message.changed > expected && message.is_main() {
                // Edited or deleted in this batch: it may name others now, or nobody.
                let sql = "DELETE FROM named WHERE room = ?1 AND main = ?2";
                execute(db, sql, params![room, int(message.main_number)])?;
                put_named(db, room, message)?;
            }
            put_message(db, message_key(room, message.number), message, &json()?)
        }
        Doc::Notification(entry) => put_notification(db, entry, &json()?),
        Doc::Inbox(inbox) => execute(
            db,
            "INSERT INTO inboxes VALUES (?1, ?2) ON CONFLICT(user) DO UPDATE SET doc = ?2",
            params![raw(&inbox.user_id), json()?],
        )
        .map(drop),
        Doc::Site(_) => execute(
            db,
            "INSERT INTO site VALUES (1, ?1) ON CONFLICT(id) DO UPDATE SET doc = ?1",
            params![json()?],
        )
        .map(drop),
    }
}

/// Runs a statement; answers with the number of rows it has written.
fn execute(db: &Connection, sql: &str, params: impl rusqlite::Params) -> Answer<usize> {
    db.prepare_cached(sql).map_err(db_error)?.execute(params).map_err(db_error)
}

pub(super) fn put_room(
    db: &Connection,
    room: &RoomDoc,
    expected: Sequence,
    keys: &mut RoomKeys,
) -> Answer<()> {
    let json = serde_json::to_vec(room).map_err(unreadable)?;
    if room.changed <= expected && room.created {
        // Only counts have changed. What is indexed has not and is not written again.
        let sql = "UPDATE rooms SET activity = ?2, doc = ?3 WHERE id = ?1";
        if execute(db, sql, params![raw(&room.state.id), int(room.last_activity), json])? == 1 {
            return Ok(());
        }
    }
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
    put_room_words(db, key, room)
}

fn room_key(db: &Connection, room: &RoomId, keys: &mut RoomKeys) -> Answer<i64> {
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
        "INSERT INTO users VALUES (?1, ?2, ?3, ?4) ON CONFLICT(id) DO UPDATE
            SET username = ?2, changed = ?3, doc = ?4",
        params![raw(&state.id), state.username.as_str(), int(user.updated), json],
    )?;
    put_user_words(db, user)
}

fn put_membership(
    db: &Connection,
    room: i64,
    member: &MembershipDoc,
    expected: Sequence,
    json: &[u8],
) -> Answer<()> {
    if member.changed <= expected && member.marker_updated <= expected {
        // They have posted. What is indexed has not changed and is not written again.
        let sql = "UPDATE memberships SET marker = ?3, doc = ?4 WHERE room = ?1 AND user = ?2";
        let marker = int(member.read_through());
        if execute(db, sql, params![room, raw(&member.user_id), marker, json])? == 1 {
            return Ok(());
        }
    }
    execute(
        db,
        "INSERT INTO memberships VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
            ON CONFLICT(room, user) DO UPDATE
            SET present = ?3, marker = ?4, changed = ?5, moved = ?6, doc = ?7",
        params![
            room,
            raw(&member.user_id),
            member.present,
            int(member.read_through()),
            int(member.changed),
            int(member.marker_updated),
            json
        ],
    )
    .map(drop)
}

fn put_message(db: &Connection, key: i64, message: &MessageDoc, json: &[u8]) -> Answer<()> {
    let sql = "INSERT INTO messages VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
        ON CONFLICT(k) DO UPDATE SET edited = ?7, gone = ?8, doc = ?9";
    bind_message(&mut *db.prepare_cached(sql).map_err(db_error)?, key, message, json)
}

fn bind_message(
    statement: &mut Statement<'_>,
    key: i64,
    message: &MessageDoc,
    json: &[u8],
) -> Answer<()> {
    let client = message.client_id.as_ref().map(|client_id| {
        client_hash(message.room_id.as_str(), message.sender_id.as_str(), client_id.as_str())
    });
    let done = statement.execute(params![
        key,
        raw(&message.id),
        int(message.posted),
        client,
        message.thread_root_id.as_ref().map(raw),
        message.thread_root_id.as_ref().map(|_| int(message.number)),
        (message.updated > message.posted).then(|| int(message.updated)),
        message.deleted_place().map(int),
        json
    ]);
    done.map(drop).map_err(db_error)
}

/// Files a message under everyone it names.
fn put_named(db: &Connection, room: i64, message: &MessageDoc) -> Answer<()> {
    let sql = "INSERT OR IGNORE INTO named VALUES (?1, ?2, ?3)";
    let main = int(message.main_number);
    for user in message.people_named() {
        execute(db, sql, params![room, raw(user).as_slice(), main])?;
    }
    if message.names_room() {
        let nobody: &[u8] = &[];
        execute(db, sql, params![room, nobody, main])?;
    }
    Ok(())
}

fn put_notification(db: &Connection, entry: &NotificationDoc, json: &[u8]) -> Answer<()> {
    execute(
        db,
        "INSERT INTO notifications VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
            ON CONFLICT(id) DO UPDATE SET unread = ?4, removed = ?5, changed = ?6, doc = ?9",
        params![
            raw(&entry.id),
            raw(&entry.user_id),
            int(entry.created),
            !entry.read && !entry.removed,
            entry.removed,
            int(entry.updated),
            entry.room_id.as_ref().map(raw),
            entry.message_id.as_ref().map(raw),
            json
        ],
    )
    .map(drop)
}
