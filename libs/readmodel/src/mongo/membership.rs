//! Memberships in MongoDB.

use std::collections::HashMap;

use async_trait::async_trait;
use mongodb::IndexModel;
use mongodb::bson::{RawDocumentBuf, doc};
use schemas::ids::{RoomId, UserId};
use schemas::position::Sequence;
use serde::Serialize;

use super::kept::{Kept, index, partial};
use super::query::{by_keys, find, texts};
use super::rows::{int, row};
use super::store::MongoStore;
use crate::answers::{Answer, Changes, ListFrom, MAX_CHANGES, MAX_MEMBERSHIPS, Slice};
use crate::documents::{ActivityAnchor, MembershipDoc, MembershipReads, RoomDoc};

/// What a membership is searched by.
#[derive(Serialize)]
struct Searched {
    /// The number up to which others may see that the member has read, 0 for none.
    _read: i64,
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
        ]
    }

    fn to_row(&self, id: String) -> Answer<RawDocumentBuf> {
        row(id, self, Searched { _read: int(self.receipt_number) })
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
        let members = self.memberships_of(user).await?;
        let mut ids =
            doc! { "$in": members.iter().map(|m| m.room_id.to_string()).collect::<Vec<_>>() };
        let mut filter = doc! { "created": true };
        let sort = match from {
            ListFrom::Start => doc! { "last_activity": -1, "_id": -1 },
            ListFrom::After(ActivityAnchor { last_activity, room_id }) => {
                let at = int(*last_activity);
                let same = doc! { "last_activity": at, "_id": { "$lt": room_id.as_str() } };
                filter.insert("$or", vec![doc! { "last_activity": { "$lt": at } }, same]);
                doc! { "last_activity": -1, "_id": -1 }
            }
            ListFrom::Moved { since, after } => {
                filter.insert("last_activity", doc! { "$gt": int(*since) });
                ids.insert("$gt", after.as_ref().map_or("", RoomId::as_str));
                doc! { "_id": 1 }
            }
        };
        filter.insert("_id", ids);
        let rooms: Slice<RoomDoc> = self.slice(filter, sort, limit).await?;
        let mut members: HashMap<RoomId, MembershipDoc> =
            members.into_iter().map(|member| (member.room_id.clone(), member)).collect();
        let pair = |room: RoomDoc| Some((members.remove(&room.state.id)?, room));
        let items = rooms.items.into_iter().filter_map(pair).map(|(m, r)| (r, m)).collect();
        Ok(Slice { items, more: rooms.more })
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
