//! Questions about rooms and who is in them.

use rusqlite::{Connection, params};
use schemas::ids::{RoomId, UserId};
use schemas::position::Sequence;

use super::rows::{doc, docs, each, int, limit as sql_limit, one, prefix_end, raw};
use crate::docs::{MembershipDoc, RoomDoc};
use crate::store::{
    ActivityAnchor, Answer, Changes, MAX_MEMBERSHIPS, NameAnchor, RoomFilter, Slice, fold,
};

pub(super) fn rooms(db: &Connection, ids: &[RoomId]) -> Answer<Vec<RoomDoc>> {
    let mut found = Vec::with_capacity(ids.len());
    for id in ids {
        found.extend(one(db, "SELECT doc FROM rooms WHERE id = ?1 AND created = 1", [raw(id)])?);
    }
    Ok(found)
}

pub(super) fn public(
    db: &Connection,
    filter: &RoomFilter,
    after: Option<&NameAnchor>,
    limit: usize,
) -> Answer<Slice<RoomDoc>> {
    let (from, to) = match filter {
        RoomFilter::Any => (String::new(), char::MAX.to_string()),
        RoomFilter::Name(name) => (fold(name), fold(name)),
        RoomFilter::Prefix(prefix) => (fold(prefix), prefix_end(&fold(prefix))),
    };
    let (after_name, after_id) = match after {
        Some(anchor) => (anchor.name.as_str(), raw(&anchor.room_id).to_vec()),
        None => ("", Vec::new()),
    };
    let sql = "SELECT doc FROM rooms
        WHERE name IS NOT NULL AND name >= ?1 AND name <= ?2 AND (name, id) > (?3, ?4)
        ORDER BY name, id LIMIT ?5";
    let found = docs(db, sql, params![from, to, after_name, after_id, sql_limit(limit + 1)])?;
    Ok(Slice::cut(found, limit))
}

pub(super) fn of_user(
    db: &Connection,
    user: &UserId,
    after: Option<&ActivityAnchor>,
    limit: usize,
) -> Answer<Slice<(RoomDoc, MembershipDoc)>> {
    let (activity, id) = match after {
        Some(anchor) => (int(anchor.last_activity), raw(&anchor.room_id)),
        None => (i64::MAX, [0xff; 16]),
    };
    let sql = "SELECT r.doc, m.doc FROM memberships m JOIN rooms r ON r.k = m.room
        WHERE m.user = ?1 AND m.present = 1 AND r.created = 1 AND (r.activity, r.id) < (?2, ?3)
        ORDER BY r.activity DESC, r.id DESC LIMIT ?4";
    let mut found = Vec::new();
    each(db, sql, params![raw(user), activity, id, sql_limit(limit + 1)], |row| {
        found.push((doc(row, 0)?, doc(row, 1)?));
        Ok(true)
    })?;
    Ok(Slice::cut(found, limit))
}

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

/// Members from a number of the read marker on; 0 for all.
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
