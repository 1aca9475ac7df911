//! Questions about people and their inboxes.

use rusqlite::{Connection, params};
use schemas::ids::{MessageId, NotificationId, RoomId, UserId};
use schemas::position::Sequence;

use super::rows::{doc, docs, each, int, limit as sql_limit, one, raw};
use crate::docs::{InboxDoc, NotificationDoc, UserDoc};
use crate::store::{Answer, Changes, MAX_ITEMS, MAX_MEMBERSHIPS, Slice};

pub(super) fn users(db: &Connection, ids: &[UserId]) -> Answer<Vec<UserDoc>> {
    let mut found = Vec::with_capacity(ids.len());
    for id in ids {
        found.extend(one(db, "SELECT doc FROM users WHERE id = ?1", [raw(id)])?);
    }
    Ok(found)
}

pub(super) fn by_username(db: &Connection, username: &str) -> Answer<Option<UserDoc>> {
    one(db, "SELECT doc FROM users WHERE username = ?1 ORDER BY id LIMIT 1", [username])
}

pub(super) fn list(
    db: &Connection,
    after: Option<&UserId>,
    limit: usize,
) -> Answer<Slice<UserDoc>> {
    let start = after.map(raw).map_or(Vec::new(), |bytes| bytes.to_vec());
    let sql = "SELECT doc FROM users WHERE id > ?1 ORDER BY id LIMIT ?2";
    Ok(Slice::cut(docs(db, sql, params![start, sql_limit(limit + 1)])?, limit))
}

pub(super) fn changes(db: &Connection, after: Sequence, limit: usize) -> Answer<Changes<UserDoc>> {
    let sql = "SELECT doc FROM users WHERE changed > ?1 ORDER BY changed LIMIT ?2";
    Ok(Changes::cut(docs(db, sql, params![int(after), sql_limit(limit + 1)])?, limit))
}

pub(super) fn inbox(db: &Connection, user: &UserId) -> Answer<InboxDoc> {
    let found = one(db, "SELECT doc FROM inboxes WHERE user = ?1", [raw(user)])?;
    Ok(found.unwrap_or_else(|| InboxDoc::empty(user.clone())))
}

/// Entries read at one stroke are not marked one by one: the answer is.
fn with_truth(mut found: Vec<NotificationDoc>, inbox: &InboxDoc) -> Vec<NotificationDoc> {
    for entry in &mut found {
        entry.read |= entry.created <= inbox.read_all;
    }
    found
}

pub(super) fn notification(
    db: &Connection,
    user: &UserId,
    id: &NotificationId,
) -> Answer<Option<NotificationDoc>> {
    let sql = "SELECT doc FROM notifications WHERE id = ?1 AND user = ?2 AND removed = 0";
    let found = docs(db, sql, params![raw(id), raw(user)])?;
    Ok(with_truth(found, &inbox(db, user)?).pop())
}

pub(super) fn notifications(
    db: &Connection,
    user: &UserId,
    unread_only: bool,
    before: Option<Sequence>,
    limit: usize,
) -> Answer<Slice<NotificationDoc>> {
    let inbox = inbox(db, user)?;
    let before = before.map_or(i64::MAX, int);
    let most = sql_limit(limit + 1);
    let found = if unread_only {
        let sql = "SELECT doc FROM notifications
            WHERE user = ?1 AND created < ?2 AND created > ?3 AND unread = 1
            ORDER BY created DESC LIMIT ?4";
        docs(db, sql, params![raw(user), before, int(inbox.read_all), most])?
    } else {
        let sql = "SELECT doc FROM notifications
            WHERE user = ?1 AND created < ?2 AND removed = 0 ORDER BY created DESC LIMIT ?3";
        docs(db, sql, params![raw(user), before, most])?
    };
    Ok(Slice::cut(with_truth(found, &inbox), limit))
}

pub(super) fn notification_changes(
    db: &Connection,
    user: &UserId,
    after: Sequence,
    limit: usize,
) -> Answer<Changes<NotificationDoc>> {
    let sql = "SELECT doc FROM notifications WHERE user = ?1 AND changed > ?2
        ORDER BY changed LIMIT ?3";
    let found = docs(db, sql, params![raw(user), int(after), sql_limit(limit + 1)])?;
    Ok(Changes::cut(with_truth(found, &inbox(db, user)?), limit))
}

pub(super) fn notification_about(
    db: &Connection,
    user: &UserId,
    message: &MessageId,
) -> Answer<Option<NotificationDoc>> {
    let sql = "SELECT doc FROM notifications
        WHERE message = ?1 AND message IS NOT NULL AND user = ?2 ORDER BY created LIMIT 1";
    let found = docs(db, sql, params![raw(message), raw(user)])?;
    Ok(with_truth(found, &inbox(db, user)?).pop())
}

pub(super) fn people_told_of(db: &Connection, message: &MessageId) -> Answer<Vec<UserId>> {
    let sql = "SELECT doc FROM notifications
        WHERE message = ?1 AND message IS NOT NULL AND removed = 0 LIMIT ?2";
    let found: Vec<NotificationDoc> = docs(db, sql, params![raw(message), sql_limit(MAX_ITEMS)])?;
    Ok(found.into_iter().map(|entry| entry.user_id).collect())
}

pub(super) fn unread_about_room(
    db: &Connection,
    user: &UserId,
    room: &RoomId,
) -> Answer<Vec<NotificationDoc>> {
    let inbox = inbox(db, user)?;
    let sql = "SELECT doc FROM notifications
        WHERE user = ?1 AND room = ?2 AND room IS NOT NULL AND unread = 1 AND created > ?3
        ORDER BY created LIMIT ?4";
    docs(db, sql, params![raw(user), raw(room), int(inbox.read_all), sql_limit(MAX_ITEMS)])
}

pub(super) fn rooms_with_unread(db: &Connection, user: &UserId) -> Answer<Vec<RoomId>> {
    let inbox = inbox(db, user)?;
    let sql = "SELECT max(created), doc FROM notifications
        WHERE user = ?1 AND room IS NOT NULL AND unread = 1 AND created > ?2
        GROUP BY room LIMIT ?3";
    let mut found = Vec::new();
    let most = sql_limit(MAX_MEMBERSHIPS);
    each(db, sql, params![raw(user), int(inbox.read_all), most], |row| {
        found.extend(doc::<NotificationDoc>(row, 1)?.room_id);
        Ok(true)
    })?;
    Ok(found)
}
