//! Memberships in SQLite.

use async_trait::async_trait;
use rusqlite::{Connection, params};
use schemas::ids::{RoomId, UserId};
use schemas::position::Sequence;
use schemas::time::Timestamp;

use super::kept::{Batch, Kept};
use super::rows::{doc, docs, each, execute, int, json, limit as sql_limit, one, raw};
use super::store::{SqliteStore, changes, items};
use crate::answers::{Answer, Changes, ListFrom, MAX_MEMBERSHIPS, Slice};
use crate::documents::{ActivityAnchor, MembershipDoc, MembershipReads, RoomDoc};

impl Kept for MembershipDoc {
    const TABLES: &'static str = "
-- room: the room's integer; marker: the number up to which others may see that the member has read, 0 for none;
-- prefs: the last event of the member's own settings; hidden: the room's last number when they hid it; banned: when
-- the ban ends.
CREATE TABLE memberships(
    room INTEGER NOT NULL, user BLOB NOT NULL, present INTEGER NOT NULL, marker INTEGER NOT NULL,
    changed INTEGER NOT NULL, moved INTEGER NOT NULL, prefs INTEGER NOT NULL, pinned INTEGER NOT NULL,
    hidden INTEGER, banned INTEGER, doc BLOB NOT NULL,
    PRIMARY KEY (room, user)) WITHOUT ROWID;
CREATE INDEX memberships_user ON memberships(user, changed);
CREATE INDEX memberships_changed ON memberships(room, changed);
CREATE INDEX memberships_moved ON memberships(room, moved) WHERE moved > 0;
CREATE INDEX memberships_prefs ON memberships(user, prefs) WHERE prefs > 0;
CREATE INDEX memberships_banned ON memberships(room, user) WHERE banned IS NOT NULL;
";
    const BY_KEY: &'static str = "SELECT doc FROM memberships
        WHERE room = (SELECT k FROM rooms WHERE id = ?1) AND user = ?2";
    const SCAN: &'static str = "SELECT m.doc FROM rooms r CROSS JOIN memberships m ON m.room = r.k
                WHERE r.id >= ?1 AND (r.id > ?1 OR m.user > ?2) ORDER BY r.id, m.user LIMIT ?3";

    fn put(&self, batch: &mut Batch<'_>) -> Answer<()> {
        let (room, json) = (batch.room_key(&self.room_id)?, json(self)?);
        let (user, marker) = (raw(self.user_id), int(self.receipt_number));
        let expected = batch.expected.conversations;
        let settled = self.changed.max(self.marker_updated).max(self.prefs_changed) <= expected;
        if settled {
            // The member has posted. What is indexed has not changed and is not written again.
            let sql = "UPDATE memberships SET marker = ?3, doc = ?4 WHERE room = ?1 AND user = ?2";
            if execute(batch.db, sql, params![room, user, marker, json])? == 1 {
                return Ok(());
            }
        }
        execute(
            batch.db,
            "INSERT INTO memberships VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
            ON CONFLICT(room, user) DO UPDATE
            SET present = ?3, marker = ?4, changed = ?5, moved = ?6, prefs = ?7, pinned = ?8, hidden = ?9,
                banned = ?10, doc = ?11",
            params![
                room,
                user,
                self.present,
                marker,
                int(self.changed),
                int(self.marker_updated),
                int(self.prefs_changed),
                self.pinned,
                self.hidden_at.map(int),
                self.banned_until(),
                json
            ],
        )
        .map(drop)
    }
}

fn memberships(db: &Connection, room: &RoomId, users: &[UserId]) -> Answer<Vec<MembershipDoc>> {
    let mut found = Vec::with_capacity(users.len());
    for user in users {
        found.extend(one(db, MembershipDoc::BY_KEY, params![raw(room), raw(user)])?);
    }
    Ok(found)
}

fn memberships_of(db: &Connection, user: &UserId) -> Answer<Vec<MembershipDoc>> {
    let sql = "SELECT m.doc FROM memberships m JOIN rooms r ON r.k = m.room
        WHERE m.user = ?1 AND m.present = 1 ORDER BY r.id LIMIT ?2";
    docs(db, sql, params![raw(user), sql_limit(MAX_MEMBERSHIPS)])
}

/// What comes after a place in the order of room lists.
const BEFORE: &str = "(m.pinned, r.activity, r.id) < (?2, ?3, ?4)";
const ORDER: &str = "m.pinned DESC, r.activity DESC, r.id DESC";

fn user_rooms(
    db: &Connection,
    user: &UserId,
    from: &ListFrom<ActivityAnchor, RoomId>,
    limit: usize,
) -> Answer<Slice<(RoomDoc, MembershipDoc)>> {
    let (pinned, at, id, place, order) = match from {
        ListFrom::Start => (1, i64::MAX, vec![0xff; 17], BEFORE, ORDER),
        ListFrom::After(ActivityAnchor { pinned, last_activity, room_id }) => {
            (i64::from(*pinned), int(*last_activity), raw(room_id).to_vec(), BEFORE, ORDER)
        }
        ListFrom::Moved { since, after } => {
            let id = after.as_ref().map_or_else(Vec::new, |id| raw(id).to_vec());
            (0, int(*since), id, "(r.activity > ?3 OR m.prefs > ?3) AND r.id > ?4", "r.id")
        }
    };
    let sql = format!(
        "SELECT r.doc, m.doc FROM memberships m JOIN rooms r ON r.k = m.room
            WHERE m.user = ?1 AND m.present = 1 AND r.created = 1
                AND (m.hidden IS NULL OR m.hidden < r.last) AND {place}
            ORDER BY {order} LIMIT ?5"
    );
    let mut found = Vec::new();
    each(db, &sql, params![raw(user), pinned, at, id, sql_limit(limit + 1)], |row| {
        found.push((doc(row, 0)?, doc(row, 1)?));
        Ok(true)
    })?;
    Ok(Slice::cut(found, limit))
}

/// Who is banned at a time, by user id.
fn bans(
    db: &Connection,
    room: &RoomId,
    now: Timestamp,
    after: Option<&UserId>,
    limit: usize,
) -> Answer<Slice<MembershipDoc>> {
    let start = after.map(raw).map_or(Vec::new(), |bytes| bytes.to_vec());
    let sql = "SELECT doc FROM memberships
        WHERE room = (SELECT k FROM rooms WHERE id = ?1) AND user > ?2 AND banned IS NOT NULL
            AND banned > ?3
        ORDER BY user LIMIT ?4";
    let found = docs(db, sql, params![raw(room), start, now.millis(), sql_limit(limit + 1)])?;
    Ok(Slice::cut(found, limit))
}

/// Members who are known to have read up to a number; 0 for all.
fn readers(
    db: &Connection,
    room: &RoomId,
    marker: u64,
    after: Option<&UserId>,
    limit: usize,
) -> Answer<Slice<MembershipDoc>> {
    let start = after.map(raw).map_or(Vec::new(), |bytes| bytes.to_vec());
    let sql = "SELECT doc FROM memberships
        WHERE room = (SELECT k FROM rooms WHERE id = ?1) AND user > ?2 AND present = 1
            AND marker >= ?3
        ORDER BY user LIMIT ?4";
    let found = docs(db, sql, params![raw(room), start, int(marker), sql_limit(limit + 1)])?;
    Ok(Slice::cut(found, limit))
}

fn in_each_room(
    db: &Connection,
    sql: &str,
    rooms: &[RoomId],
    after: Sequence,
    limit: usize,
) -> Answer<Vec<MembershipDoc>> {
    let mut found: Vec<MembershipDoc> = Vec::new();
    for room in rooms {
        let most = sql_limit(limit + 1 - found.len());
        found.extend(docs(db, sql, params![raw(room), int(after), most])?);
        if found.len() > limit {
            break;
        }
    }
    Ok(found)
}

impl SqliteStore {
    /// A user's memberships that changed after a sequence, in one of the ways they do: `sql` takes the user, the sequence
    /// and how many.
    async fn changed_memberships(
        &self,
        sql: &'static str,
        user: &UserId,
        after: Sequence,
        limit: usize,
    ) -> Answer<Changes<MembershipDoc>> {
        let (user, limit) = (raw(user), changes(limit));
        let asked =
            self.read(move |db| docs(db, sql, params![user, int(after), sql_limit(limit + 1)]));
        Ok(Changes::cut(asked.await?, limit))
    }
}

#[async_trait]
impl MembershipReads for SqliteStore {
    async fn memberships(&self, room: &RoomId, users: &[UserId]) -> Answer<Vec<MembershipDoc>> {
        let (room, users) = (*room, users.to_vec());
        self.read(move |db| memberships(db, &room, &users)).await
    }

    async fn memberships_of(&self, user: &UserId) -> Answer<Vec<MembershipDoc>> {
        let user = *user;
        self.read(move |db| memberships_of(db, &user)).await
    }

    async fn user_rooms(
        &self,
        user: &UserId,
        from: &ListFrom<ActivityAnchor, RoomId>,
        limit: usize,
    ) -> Answer<Slice<(RoomDoc, MembershipDoc)>> {
        let (user, from) = (*user, from.clone());
        self.read(move |db| user_rooms(db, &user, &from, items(limit))).await
    }

    async fn readers(
        &self,
        room: &RoomId,
        number: u64,
        after: Option<&UserId>,
        limit: usize,
    ) -> Answer<Slice<MembershipDoc>> {
        let (room, after) = (*room, after.cloned());
        self.read(move |db| readers(db, &room, number, after.as_ref(), items(limit))).await
    }

    async fn membership_changes(
        &self,
        user: &UserId,
        after: Sequence,
        limit: usize,
    ) -> Answer<Changes<MembershipDoc>> {
        let sql = "SELECT doc FROM memberships WHERE user = ?1 AND changed > ?2
        ORDER BY changed LIMIT ?3";
        self.changed_memberships(sql, user, after, limit).await
    }

    async fn prefs_changes(
        &self,
        user: &UserId,
        after: Sequence,
        limit: usize,
    ) -> Answer<Changes<MembershipDoc>> {
        let sql = "SELECT doc FROM memberships
        WHERE user = ?1 AND prefs > 0 AND prefs > ?2 AND present = 1 ORDER BY prefs LIMIT ?3";
        self.changed_memberships(sql, user, after, limit).await
    }

    async fn bans(
        &self,
        room: &RoomId,
        now: Timestamp,
        after: Option<&UserId>,
        limit: usize,
    ) -> Answer<Slice<MembershipDoc>> {
        let (room, after) = (*room, after.cloned());
        self.read(move |db| bans(db, &room, now, after.as_ref(), items(limit))).await
    }

    async fn lapsed_bans(
        &self,
        room: &RoomId,
        now: Timestamp,
        limit: usize,
    ) -> Answer<Vec<MembershipDoc>> {
        let (room, limit) = (raw(room), sql_limit(items(limit)));
        let sql = "SELECT doc FROM memberships
        WHERE room = (SELECT k FROM rooms WHERE id = ?1) AND banned IS NOT NULL AND banned <= ?2
        LIMIT ?3";
        self.read(move |db| docs(db, sql, params![room, now.millis(), limit])).await
    }

    async fn member_changes(
        &self,
        rooms: &[RoomId],
        after: Sequence,
        limit: usize,
    ) -> Answer<Changes<MembershipDoc>> {
        let (rooms, limit) = (rooms.to_vec(), changes(limit));
        let sql = "SELECT doc FROM memberships
        WHERE room = (SELECT k FROM rooms WHERE id = ?1) AND changed > ?2 LIMIT ?3";
        let mut found = self.read(move |db| in_each_room(db, sql, &rooms, after, limit)).await?;
        found.sort_by_key(|member| member.changed);
        Ok(Changes::cut(found, limit))
    }

    async fn marker_changes(
        &self,
        rooms: &[RoomId],
        after: Sequence,
        limit: usize,
    ) -> Answer<Changes<MembershipDoc>> {
        let (rooms, limit) = (rooms.to_vec(), changes(limit));
        let sql = "SELECT doc FROM memberships
        WHERE room = (SELECT k FROM rooms WHERE id = ?1) AND moved > 0 AND moved > ?2 LIMIT ?3";
        let mut found = self.read(move |db| in_each_room(db, sql, &rooms, after, limit)).await?;
        found.sort_by_key(|member| member.marker_updated);
        Ok(Changes::cut(found, limit))
    }
}
