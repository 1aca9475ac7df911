//! Notifications in MongoDB.

use std::collections::BTreeSet;

use async_trait::async_trait;
use mongodb::bson::{Document as Bson, RawDocumentBuf, doc};
use mongodb::{Database, IndexModel};
use schemas::ids::{MessageId, NotificationId, RoomId, UserId};
use schemas::position::Sequence;
use serde::Serialize;

use super::inbox::inbox;
use super::kept::{Kept, index, partial};
use super::query::find;
use super::rows::{db_error, int, row, unreadable};
use super::store::MongoStore;
use crate::answers::{Answer, Changes, MAX_ITEMS, MAX_MEMBERSHIPS, Slice};
use crate::documents::{NotificationDoc, NotificationReads, Stored as _};

/// What an entry is searched by.
#[derive(Serialize)]
struct Searched {
    /// Whether it was not taken back.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    _listed: bool,
    /// Whether it was neither read one by one nor taken back.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    _unread: bool,
}

impl Kept for NotificationDoc {
    fn indexes() -> Vec<IndexModel> {
        vec![
            partial(doc! { "user_id": 1, "created": -1 }, doc! { "_listed": true }),
            partial(doc! { "user_id": 1, "room_id": 1, "created": 1 }, doc! { "_unread": true }),
            partial(doc! { "user_id": 1, "_unread": 1, "created": -1 }, doc! { "_unread": true }),
            index(doc! { "user_id": 1, "updated": 1 }),
            partial(
                doc! { "message_id": 1, "user_id": 1 },
                doc! { "message_id": { "$exists": true } },
            ),
        ]
    }

    fn to_row(&self, id: String) -> Answer<RawDocumentBuf> {
        let (_listed, _unread) = (!self.removed, !self.removed && !self.read);
        row(id, self, Searched { _listed, _unread })
    }

    fn is_new(&self, expected: Sequence) -> bool {
        self.created > expected
    }
}

/// Entries that were all read at once are not marked one by one: the answer is.
async fn with_truth(
    database: &Database,
    user: &UserId,
    mut entries: Vec<NotificationDoc>,
) -> Answer<Vec<NotificationDoc>> {
    let read_all = inbox(database, user).await?.read_all;
    for entry in &mut entries {
        entry.read |= entry.created <= read_all;
    }
    Ok(entries)
}

/// The first entry of a user's inbox that fits.
async fn one(database: &Database, user: &UserId, filter: Bson) -> Answer<Option<NotificationDoc>> {
    let found = find(database, filter, doc! { "created": 1 }, 1).await?;
    Ok(with_truth(database, user, found).await?.pop())
}

async fn list(
    database: &Database,
    user: &UserId,
    unread_only: bool,
    before: Option<Sequence>,
    limit: usize,
) -> Answer<Slice<NotificationDoc>> {
    let before = before.map_or(i64::MAX, int);
    let mut filter = doc! { "user_id": user.as_str() };
    if unread_only {
        let read_all = int(inbox(database, user).await?.read_all);
        filter.insert("created", doc! { "$lt": before, "$gt": read_all });
        filter.insert("_unread", true);
    } else {
        filter.insert("created", doc! { "$lt": before });
        filter.insert("_listed", true);
    }
    let found = find(database, filter, doc! { "created": -1 }, limit + 1).await?;
    Ok(Slice::cut(with_truth(database, user, found).await?, limit))
}

async fn people_told_of(database: &Database, message: &MessageId) -> Answer<Vec<UserId>> {
    let about = doc! { "$eq": message.as_str(), "$exists": true };
    let filter = doc! { "message_id": about, "_listed": true };
    let found: Vec<NotificationDoc> = find(database, filter, doc! {}, MAX_ITEMS).await?;
    Ok(found.into_iter().map(|entry| entry.user_id).collect())
}

/// What is unread in a user's inbox.
async fn unread(database: &Database, user: &UserId) -> Answer<Bson> {
    let read_all = int(inbox(database, user).await?.read_all);
    Ok(doc! { "user_id": user.as_str(), "_unread": true, "created": { "$gt": read_all } })
}

async fn unread_about_room(
    database: &Database,
    user: &UserId,
    room: &RoomId,
) -> Answer<Vec<NotificationDoc>> {
    let mut filter = unread(database, user).await?;
    filter.insert("room_id", room.as_str());
    find(database, filter, doc! { "created": 1 }, MAX_ITEMS).await
}

async fn rooms_with_unread(database: &Database, user: &UserId) -> Answer<Vec<RoomId>> {
    let mut filter = unread(database, user).await?;
    filter.insert("room_id", doc! { "$exists": true });
    let entries = database.collection::<Bson>(NotificationDoc::COLLECTION.as_str());
    let found = entries.distinct("room_id", filter).await.map_err(db_error)?;
    let ids: BTreeSet<&str> = found.iter().filter_map(|room| room.as_str()).collect();
    ids.into_iter().take(MAX_MEMBERSHIPS).map(|id| RoomId::parse(id).map_err(unreadable)).collect()
}

#[async_trait]
impl NotificationReads for MongoStore {
    async fn notification(
        &self,
        user: &UserId,
        id: &NotificationId,
    ) -> Answer<Option<NotificationDoc>> {
        let filter = doc! { "_id": id.as_str(), "user_id": user.as_str(), "_listed": true };
        one(&self.database, user, filter).await
    }

    async fn notifications(
        &self,
        user: &UserId,
        unread_only: bool,
        before: Option<Sequence>,
        limit: usize,
    ) -> Answer<Slice<NotificationDoc>> {
        let limit = limit.clamp(1, MAX_ITEMS);
        list(&self.database, user, unread_only, before, limit).await
    }

    async fn notification_about(
        &self,
        user: &UserId,
        message: &MessageId,
    ) -> Answer<Option<NotificationDoc>> {
        let about = doc! { "$eq": message.as_str(), "$exists": true };
        let filter = doc! { "message_id": about, "user_id": user.as_str() };
        one(&self.database, user, filter).await
    }

    async fn people_told_of(&self, message: &MessageId) -> Answer<Vec<UserId>> {
        people_told_of(&self.database, message).await
    }

    async fn unread_about_room(
        &self,
        user: &UserId,
        room: &RoomId,
    ) -> Answer<Vec<NotificationDoc>> {
        unread_about_room(&self.database, user, room).await
    }

    async fn rooms_with_unread(&self, user: &UserId) -> Answer<Vec<RoomId>> {
        rooms_with_unread(&self.database, user).await
    }

    async fn notification_changes(
        &self,
        user: &UserId,
        after: Sequence,
        limit: usize,
    ) -> Answer<Changes<NotificationDoc>> {
        let filter = doc! { "user_id": user.as_str(), "updated": { "$gt": int(after) } };
        let found: Changes<NotificationDoc> = self.changes(filter, "updated", limit).await?;
        let items = with_truth(&self.database, user, found.items).await?;
        Ok(Changes { items, complete: found.complete })
    }
}
