//! Notifications in SQLite.

use async_trait::async_trait;
use rusqlite::{Connection, params};
use schemas::ids::{MessageId, NotificationId, RoomId, UserId};
use schemas::position::Sequence;

use super::inbox::inbox;
use super::kept::{Batch, Kept};
use super::rows::{doc, docs, each, execute, int, json, limit as sql_limit, raw};
use super::store::{SqliteStore, changes, items};
use crate::answers::{Answer, Changes, MAX_ITEMS, MAX_MEMBERSHIPS, Slice};
use crate::documents::{InboxDoc, NotificationDoc, NotificationReads};

impl Kept for NotificationDoc {
    const TABLES: &'static str = "
-- unread: neither read one by one nor taken back; removed: taken back; room, message: null for none.
CREATE TABLE notifications(
    id BLOB PRIMARY KEY, user BLOB NOT NULL, created INTEGER NOT NULL, unread INTEGER NOT NULL,
    removed INTEGER NOT NULL, changed INTEGER NOT NULL, room BLOB, message BLOB,
    doc BLOB NOT NULL) WITHOUT ROWID;
CREATE INDEX notifications_created ON notifications(user, created) WHERE removed = 0;
CREATE INDEX notifications_unread ON notifications(user, created) WHERE unread = 1;
CREATE INDEX notifications_changed ON notifications(user, changed);
CREATE INDEX notifications_room ON notifications(user, room, created)
    WHERE unread = 1 AND room IS NOT NULL;
CREATE INDEX notifications_message ON notifications(message, user) WHERE message IS NOT NULL;
";
    const BY_KEY: &'static str = "SELECT doc FROM notifications WHERE id = ?1";
    const SCAN: &'static str = "SELECT doc FROM notifications WHERE id > ?1 ORDER BY id LIMIT ?3";

    fn put(&self, batch: &mut Batch<'_>) -> Answer<()> {
        execute(
            batch.db,
            "INSERT INTO notifications VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
            ON CONFLICT(id) DO UPDATE SET unread = ?4, removed = ?5, changed = ?6, doc = ?9",
            params![
                raw(self.id),
                raw(self.user_id),
                int(self.created),
                !self.read && !self.removed,
                self.removed,
                int(self.updated),
                self.room_id.as_ref().map(raw),
                self.message_id.as_ref().map(raw),
                json(self)?
            ],
        )
        .map(drop)
    }
}

/// Entries that were all read at once are not marked one by one: the answer is.
fn with_truth(mut found: Vec<NotificationDoc>, inbox: &InboxDoc) -> Vec<NotificationDoc> {
    for entry in &mut found {
        entry.read |= entry.created <= inbox.read_all;
    }
    found
}

fn notification(
    db: &Connection,
    user: &UserId,
    id: &NotificationId,
) -> Answer<Option<NotificationDoc>> {
    let sql = "SELECT doc FROM notifications WHERE id = ?1 AND user = ?2 AND removed = 0";
    let found = docs(db, sql, params![raw(id), raw(user)])?;
    Ok(with_truth(found, &inbox(db, user)?).pop())
}

fn notifications(
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

fn notification_about(
    db: &Connection,
    user: &UserId,
    message: &MessageId,
) -> Answer<Option<NotificationDoc>> {
    let sql = "SELECT doc FROM notifications
        WHERE message = ?1 AND message IS NOT NULL AND user = ?2 ORDER BY created LIMIT 1";
    let found = docs(db, sql, params![raw(message), raw(user)])?;
    Ok(with_truth(found, &inbox(db, user)?).pop())
}

fn people_told_of(db: &Connection, message: &MessageId) -> Answer<Vec<UserId>> {
    let sql = "SELECT doc FROM notifications
        WHERE message = ?1 AND message IS NOT NULL AND removed = 0 LIMIT ?2";
    let found: Vec<NotificationDoc> = docs(db, sql, params![raw(message), sql_limit(MAX_ITEMS)])?;
    Ok(found.into_iter().map(|entry| entry.user_id).collect())
}

fn unread_about_room(
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

fn rooms_with_unread(db: &Connection, user: &UserId) -> Answer<Vec<RoomId>> {
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

fn notification_changes(
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

#[async_trait]
impl NotificationReads for SqliteStore {
    async fn notification(
        &self,
        user: &UserId,
        id: &NotificationId,
    ) -> Answer<Option<NotificationDoc>> {
        let (user, id) = (*user, *id);
        self.read(move |db| notification(db, &user, &id)).await
    }

    async fn notifications(
        &self,
        user: &UserId,
        unread_only: bool,
        before: Option<Sequence>,
        limit: usize,
    ) -> Answer<Slice<NotificationDoc>> {
        let (user, limit) = (*user, items(limit));
        self.read(move |db| notifications(db, &user, unread_only, before, limit)).await
    }

    async fn notification_about(
        &self,
        user: &UserId,
        message: &MessageId,
    ) -> Answer<Option<NotificationDoc>> {
        let (user, message) = (*user, *message);
        self.read(move |db| notification_about(db, &user, &message)).await
    }

    async fn people_told_of(&self, message: &MessageId) -> Answer<Vec<UserId>> {
        let message = *message;
        self.read(move |db| people_told_of(db, &message)).await
    }

    async fn unread_about_room(
        &self,
        user: &UserId,
        room: &RoomId,
    ) -> Answer<Vec<NotificationDoc>> {
        let (user, room) = (*user, *room);
        self.read(move |db| unread_about_room(db, &user, &room)).await
    }

    async fn rooms_with_unread(&self, user: &UserId) -> Answer<Vec<RoomId>> {
        let user = *user;
        self.read(move |db| rooms_with_unread(db, &user)).await
    }

    async fn notification_changes(
        &self,
        user: &UserId,
        after: Sequence,
        limit: usize,
    ) -> Answer<Changes<NotificationDoc>> {
        let user = *user;
        self.read(move |db| notification_changes(db, &user, after, changes(limit))).await
    }
}
