//! Questions about rooms and who is in them.

use rusqlite::{Connection, params};
use schemas::ids::{RoomId, UserId};
use schemas::position::Sequence;

use super::rows::{db_error, doc, docs, each, int, limit as sql_limit, one, raw};
use crate::docs::{MembershipDoc, RoomDoc};
use crate::store::{ActivityAnchor, Answer, Changes, ListFrom, MAX_MEMBERSHIPS, Slice};
use crate::unread::{Counted, Stretch};

pub(super) fn rooms(db: &Connection, ids: &[RoomId]) -> Answer<Vec<RoomDoc>> {
    let mut found = Vec::with_capacity(ids.len());
    for id in ids {
        found.extend(one(db, "SELECT doc FROM rooms WHERE id = ?1 AND created = 1", [raw(id)])?);
    }
    Ok(found)
}

pub(super) fn of_user(
    db: &Connection,
    user: &UserId,
    from: &ListFrom<ActivityAnchor, RoomId>,
    limit: usize,
) -> Answer<Slice<(RoomDoc, MembershipDoc)>> {
    let (at, id, place, order) = match from {
        ListFrom::Start => (i64::MAX, vec![0xff; 16], BEFORE, "r.activity DESC, r.id DESC"),
        ListFrom::After(ActivityAnchor { last_activity, room_id }) => {
            (int(*last_activity), raw(room_id).to_vec(), BEFORE, "r.activity DESC, r.id DESC")
        }
        ListFrom::Moved { since, after } => {
            let id = after.as_ref().map_or_else(Vec::new, |id| raw(id).to_vec());
            (int(*since), id, "r.activity > ?2 AND r.id > ?3", "r.id")
        }
    };
    let sql = format!(
        "SELECT r.doc, m.doc FROM memberships m JOIN rooms r ON r.k = m.room
            WHERE m.user = ?1 AND m.present = 1 AND r.created = 1 AND {place}
            ORDER BY {order} LIMIT ?4"
    );
    let mut found = Vec::new();
    each(db, &sql, params![raw(user), at, id, sql_limit(limit + 1)], |row| {
        found.push((doc(row, 0)?, doc(row, 1)?));
        Ok(true)
    })?;
    Ok(Slice::cut(found, limit))
}

/// What comes after an activity and id in the order of room lists.
const BEFORE: &str = "(r.activity, r.id) < (?2, ?3)";

pub(super) fn room_changes(
    db: &Connection,
    rooms: &[RoomId],
    after: Sequence,
    limit: usize,
) -> Answer<Changes<RoomDoc>> {
    let sql = "SELECT doc FROM rooms WHERE id = ?1 AND created = 1 AND changed > ?2";
    let mut found: Vec<RoomDoc> = Vec::new();
    for room in rooms {
        found.extend(one(db, sql, params![raw(room), int(after)])?);
        if found.len() > limit {
            break;
        }
    }
    found.sort_by_key(|room| room.changed);
    Ok(Changes::cut(found, limit))
}

pub(super) fn memberships(
    db: &Connection,
    room: &RoomId,
    users: &[UserId],
) -> Answer<Vec<MembershipDoc>> {
    let sql = "SELECT doc FROM memberships
        WHERE room = (SELECT k FROM rooms WHERE id = ?1) AND user = ?2";
    let mut found = Vec::with_capacity(users.len());
    for user in users {
        found.extend(one(db, sql, params![raw(room), raw(user)])?);
    }
    Ok(found)
}

pub(super) fn memberships_of(db: &Connection, user: &UserId) -> Answer<Vec<MembershipDoc>> {
    let sql = "SELECT m.doc FROM memberships m JOIN rooms r ON r.k = m.room
        WHERE m.user = ?1 AND m.present = 1 ORDER BY r.id LIMIT ?2";
    docs(db, sql, params![raw(user), sql_limit(MAX_MEMBERSHIPS)])
}

/// Members who are known to have read up to a number; 0 for all.
pub(super) fn members(
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

pub(super) fn membership_changes(
    db: &Connection,
    user: &UserId,
    after: Sequence,
    limit: usize,
) -> Answer<Changes<MembershipDoc>> {
    let sql = "SELECT doc FROM memberships WHERE user = ?1 AND changed > ?2
        ORDER BY changed LIMIT ?3";
    let found = docs(db, sql, params![raw(user), int(after), sql_limit(limit + 1)])?;
    Ok(Changes::cut(found, limit))
}

pub(super) fn member_changes(
    db: &Connection,
    rooms: &[RoomId],
    after: Sequence,
    limit: usize,
) -> Answer<Changes<MembershipDoc>> {
    let sql = "SELECT doc FROM memberships
        WHERE room = (SELECT k FROM rooms WHERE id = ?1) AND changed > ?2 LIMIT ?3";
    let mut found = in_each_room(db, sql, rooms, after, limit)?;
    found.sort_by_key(|member| member.changed);
    Ok(Changes::cut(found, limit))
}

pub(super) fn marker_changes(
    db: &Connection,
    rooms: &[RoomId],
    after: Sequence,
    limit: usize,
) -> Answer<Changes<MembershipDoc>> {
    let sql = "SELECT doc FROM memberships
        WHERE room = (SELECT k FROM rooms WHERE id = ?1) AND moved > 0 AND moved > ?2 LIMIT ?3";
    let mut found = in_each_room(db, sql, rooms, after, limit)?;
    found.sort_by_key(|member| member.marker_updated);
    Ok(Changes::cut(found, limit))
}

/// Counts in stretches of main timelines.
pub(super) fn count(db: &Connection, stretches: &[Stretch]) -> Answer<Vec<Counted>> {
    stretches.iter().map(|stretch| count_one(db, stretch)).collect()
}

fn count_one(db: &Connection, stretch: &Stretch) -> Answer<Counted> {
    let Some(room) = key_of(db, &stretch.room_id)? else { return Ok(Counted::default()) };
    let (after, through) = (int(stretch.after), int(stretch.through));
    let mut counted = Counted::default();
    if stretch.deleted {
        let sql = "SELECT count(*) FROM messages
            WHERE k >> 36 = ?1 AND gone IS NOT NULL AND gone > ?2 AND gone <= ?3";
        counted.deleted = number(db, sql, params![room, after, through])?;
    }
    if stretch.named {
        // A message that names both counts once.
        let sql = "SELECT count(*) FROM (
            SELECT main FROM named WHERE room = ?1 AND user = ?2 AND main > ?3 AND main <= ?4
            UNION SELECT main FROM named WHERE room = ?1 AND user = x'' AND main > ?3 AND main <= ?4)";
        counted.named = number(db, sql, params![room, raw(&stretch.user_id), after, through])?;
    }
    Ok(counted)
}

fn number(db: &Connection, sql: &str, params: impl rusqlite::Params) -> Answer<u64> {
    let mut found = 0;
    each(db, sql, params, |row| {
        let count: i64 = row.get(0).map_err(db_error)?;
        found = u64::try_from(count).unwrap_or_default();
        Ok(false)
    })?;
    Ok(found)
}

/// The integer of a room; none when it is not known.
pub(super) fn key_of(db: &Connection, room: &RoomId) -> Answer<Option<i64>> {
    let mut key = None;
    each(db, "SELECT k FROM rooms WHERE id = ?1", [raw(room)], |row| {
        key = Some(row.get(0).map_err(db_error)?);
        Ok(false)
    })?;
    Ok(key)
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
