//! Memberships in MongoDB.

use std::collections::HashMap;

use async_trait::async_trait;
use mongodb::IndexModel;
use mongodb::bson::{RawDocumentBuf, doc};
use schemas::ids::{RoomId, UserId};
use schemas::position::Sequence;
use schemas::time::Timestamp;
use serde::Serialize;

use super::kept::{Kept, index, partial};
use super::query::{by_keys, find, texts};
use super::rows::{int, row};
use super::store::MongoStore;
use crate::answers::{Answer, Changes, ListFrom, MAX_CHANGES, MAX_ITEMS, MAX_MEMBERSHIPS, Slice};
use crate::documents::{ActivityAnchor, MembershipDoc, MembershipReads, RoomDoc};

/// What a membership is searched by.
#[derive(Serialize)]
struct Searched {
    /// The number up to which others may see that the member has read, 0 for none.
    _read: i64,
    /// When the ban ends; none for who is not banned.
    #[serde(skip_serializing_if = "Option::is_none")]
    _banned: Option<i64>,
}

impl Kept for MembershipDoc {
    fn indexes() -> Vec<IndexModel> {
        vec![
            index(doc! { "room_id": 1, "user_id": 1 }),
            index(doc! { "user_id": 1, "changed": 1 }),
            index(doc! { "room_id": 1, "changed": 1 }),
            partial(
                doc! { "room_id": 1, "marker_updated": 1 },
                doc! { "marker_updated": { "$gt": 0 } },
            ),
            partial(
                doc! { "user_id": 1, "prefs_changed": 1 },
                doc! { "prefs_changed": { "$gt": 0 } },
            ),
            partial(doc! { "room_id": 1, "_banned": 1 }, doc! { "_banned": { "$gt": 0 } }),
        ]
    }

    fn to_row(&self, id: String) -> Answer<RawDocumentBuf> {
        row(id, self, Searched { _read: int(self.receipt_number), _banned: self.banned_until() })
    }

    /// It does not say which event was its first.
    fn is_new(&self, _expected: Sequence) -> bool {
        false
    }
}

impl MongoStore {
    /// Changes in several rooms: found room by room on the index, put in order here.
    async fn changes_in_rooms(
        &self,
        rooms: &[RoomId],
        field: &str,
        after: Sequence,
        limit: usize,
    ) -> Answer<Changes<MembershipDoc>> {
        let limit = limit.clamp(1, MAX_CHANGES);
        let filter = doc! { "room_id": { "$in": texts(rooms) }, field: { "$gt": int(after) } };
        let found = find(&self.database, filter, doc! {}, limit + 1).await?;
        Ok(Changes::cut(found, limit))
    }
}

impl MongoStore {
    /// A user's memberships but those whose rooms are hidden.
    async fn listed(&self, user: &UserId) -> Answer<Vec<MembershipDoc>> {
        let mut members = self.memberships_of(user).await?;
        let hidden = ids_of(members.iter().filter(|member| member.hidden_at.is_some()));
        if hidden.is_empty() {
            return Ok(members);
        }
        let rooms: Vec<RoomDoc> = by_keys(&self.database, &hidden).await?;
        let rooms: HashMap<RoomId, RoomDoc> =
            rooms.into_iter().map(|room| (room.state.id, room)).collect();
        members
            .retain(|member| rooms.get(&member.room_id).is_none_or(|room| !member.is_hidden(room)));
        Ok(members)
    }
}

/// The ids of memberships' rooms.
fn ids_of<'a>(members: impl Iterator<Item = &'a MembershipDoc>) -> Vec<String> {
    members.map(|member| member.room_id.to_string()).collect()
}

#[async_trait]
impl MembershipReads for MongoStore {
    async fn memberships(&self, room: &RoomId, users: &[UserId]) -> Answer<Vec<MembershipDoc>> {
        let keys: Vec<String> = users.iter().map(|user| format!("{room}:{user}")).collect();
        by_keys(&self.database, &keys).await
    }

    async fn memberships_of(&self, user: &UserId) -> Answer<Vec<MembershipDoc>> {
        let filter = doc! { "user_id": user.as_str(), "present": true };
        find(&self.database, filter, doc! { "room_id": 1 }, MAX_MEMBERSHIPS).await
    }

    async fn user_rooms(
        &self,
        user: &UserId,
        from: &ListFrom<ActivityAnchor, RoomId>,
        limit: usize,
    ) -> Answer<Slice<(RoomDoc, MembershipDoc)>> {
        let limit = limit.clamp(1, MAX_ITEMS);
        let members = self.listed(user).await?;
        let order = doc! { "last_activity": -1, "_id": -1 };
        let mut found = Vec::new();
        // Those that are pinned, then the others.
        for pinned in [true, false] {
            let of = |m: &&MembershipDoc| m.pinned == pinned;
            let mut ids = doc! { "$in": ids_of(members.iter().filter(of)) };
            let mut filter = doc! { "created": true };
            let mut sort = order.clone();
            match from {
                ListFrom::Start => {}
                ListFrom::After(anchor) if anchor.pinned == pinned => {
                    let (at, room) = (int(anchor.last_activity), anchor.room_id.as_str());
                    let same = doc! { "last_activity": at, "_id": { "$lt": room } };
                    filter.insert("$or", vec![doc! { "last_activity": { "$lt": at } }, same]);
                }
                // The pinned ones lie behind it.
                ListFrom::After(_) if pinned => continue,
                ListFrom::After(_) => {}
                // In the order of ids, whatever is pinned.
                ListFrom::Moved { .. } if pinned => continue,
                ListFrom::Moved { since, after } => {
                    let set = |m: &&MembershipDoc| m.prefs_changed > *since;
                    let set = doc! { "_id": { "$in": ids_of(members.iter().filter(set)) } };
                    let active = doc! { "last_activity": { "$gt": int(*since) } };
                    filter.insert("$or", vec![active, set]);
                    ids = doc! { "$in": ids_of(members.iter()) };
                    ids.insert("$gt", after.as_ref().map_or("", RoomId::as_str));
                    sort = doc! { "_id": 1 };
                }
            }
            filter.insert("_id", ids);
            let more = limit + 1 - found.len();
            let rooms: Vec<RoomDoc> = find(&self.database, filter, sort, more).await?;
            found.extend(rooms);
            if found.len() > limit {
                break;
            }
        }
        let mut members: HashMap<RoomId, MembershipDoc> =
            members.into_iter().map(|member| (member.room_id, member)).collect();
        let pair = |room: RoomDoc| Some((members.remove(&room.state.id)?, room));
        let pairs = found.into_iter().filter_map(pair).map(|(m, r)| (r, m)).collect();
        Ok(Slice::cut(pairs, limit))
    }

    async fn readers(
        &self,
        room: &RoomId,
        number: u64,
        after: Option<&UserId>,
        limit: usize,
    ) -> Answer<Slice<MembershipDoc>> {
        let filter = doc! {
            "room_id": room.as_str(), "user_id": { "$gt": after.map_or("", UserId::as_str) },
            "present": true, "_read": { "$gte": int(number) },
        };
        self.slice(filter, doc! { "user_id": 1 }, limit).await
    }

    async fn membership_changes(
        &self,
        user: &UserId,
        after: Sequence,
        limit: usize,
    ) -> Answer<Changes<MembershipDoc>> {
        let filter = doc! { "user_id": user.as_str(), "changed": { "$gt": int(after) } };
        self.changes(filter, "changed", limit).await
    }

    async fn prefs_changes(
        &self,
        user: &UserId,
        after: Sequence,
        limit: usize,
    ) -> Answer<Changes<MembershipDoc>> {
        let filter = doc! {
            "user_id": user.as_str(), "prefs_changed": { "$gt": int(after) }, "present": true,
        };
        self.changes(filter, "prefs_changed", limit).await
    }

    async fn bans(
        &self,
        room: &RoomId,
        now: Timestamp,
        after: Option<&UserId>,
        limit: usize,
    ) -> Answer<Slice<MembershipDoc>> {
        let filter = doc! {
            "room_id": room.as_str(), "_banned": { "$gt": now.millis().max(0) },
            "user_id": { "$gt": after.map_or("", UserId::as_str) },
        };
        self.slice(filter, doc! { "user_id": 1 }, limit).await
    }

    async fn lapsed_bans(
        &self,
        room: &RoomId,
        now: Timestamp,
        limit: usize,
    ) -> Answer<Vec<MembershipDoc>> {
        let ended = doc! { "$gt": 0, "$lte": now.millis() };
        let filter = doc! { "room_id": room.as_str(), "_banned": ended };
        find(&self.database, filter, doc! {}, limit.clamp(1, MAX_ITEMS)).await
    }

    async fn member_changes(
        &self,
        rooms: &[RoomId],
        after: Sequence,
        limit: usize,
    ) -> Answer<Changes<MembershipDoc>> {
        let mut changes = self.changes_in_rooms(rooms, "changed", after, limit).await?;
        changes.items.sort_by_key(|member| member.changed);
        Ok(changes)
    }

    async fn marker_changes(
        &self,
        rooms: &[RoomId],
        after: Sequence,
        limit: usize,
    ) -> Answer<Changes<MembershipDoc>> {
        let mut changes = self.changes_in_rooms(rooms, "marker_updated", after, limit).await?;
        changes.items.sort_by_key(|member| member.marker_updated);
        Ok(changes)
    }
}
