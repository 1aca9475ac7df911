//! Questions about inboxes.

use std::collections::BTreeSet;

use mongodb::Database;
use mongodb::bson::{Document, doc};
use schemas::ids::{MessageId, RoomId, UserId};
use schemas::position::Sequence;

use super::query::{by_keys, find, int};
use super::rows::{db_error, unreadable};
use crate::docs::{Collection, InboxDoc, NotificationDoc};
use crate::store::{Answer, MAX_ITEMS, MAX_MEMBERSHIPS, Slice};

/// What is true of an inbox as a whole.
pub(super) async fn whole(database: &Database, user: &UserId) -> Answer<InboxDoc> {
    let found = by_keys(database, &[user.to_string()]).await?.pop();
    Ok(found.unwrap_or_else(|| InboxDoc::empty(user.clone())))
}

/// Entries read at one stroke are not marked one by one: the answer is.
pub(super) async fn with_truth(
    database: &Database,
    user: &UserId,
    mut entries: Vec<NotificationDoc>,
) -> Answer<Vec<NotificationDoc>> {
    let read_all = whole(database, user).await?.read_all;
    for entry in &mut entries {
        entry.read |= entry.created <= read_all;
    }
    Ok(entries)
}

/// The first entry of a person that fits.
pub(super) async fn one(
    database: &Database,
    user: &UserId,
    filter: Document,
) -> Answer<Option<NotificationDoc>> {
    let found = find(database, filter, doc! { "created": 1 }, 1).await?;
    Ok(with_truth(database, user, found).await?.pop())
}

pub(super) async fn list(
    database: &Database,
    user: &UserId,
    unread_only: bool,
    before: Option<Sequence>,
    limit: usize,
) -> Answer<Slice<NotificationDoc>> {
    let before = before.map_or(i64::MAX, int);
    let mut filter = doc! { "user_id": user.as_str() };
    if unread_only {
        let read_all = int(whole(database, user).await?.read_all);
        filter.insert("created", doc! { "$lt": before, "$gt": read_all });
        filter.insert("_unread", true);
    } else {
        filter.insert("created", doc! { "$lt": before });
        filter.insert("_listed", true);
    }
    let found = find(database, filter, doc! { "created": -1 }, limit + 1).await?;
    Ok(Slice::cut(with_truth(database, user, found).await?, limit))
}

pub(super) async fn people_told_of(
    database: &Database,
    message: &MessageId,
) -> Answer<Vec<UserId>> {
    let about = doc! { "$eq": message.as_str(), "$exists": true };
    let filter = doc! { "message_id": about, "_listed": true };
    let found: Vec<NotificationDoc> = find(database, filter, doc! {}, MAX_ITEMS).await?;
    Ok(found.into_iter().map(|entry| entry.user_id).collect())
}

/// What is unread of a person's inbox.
async fn unread(database: &Database, user: &UserId) -> Answer<Document> {
    let read_all = int(whole(database, user).await?.read_all);
    Ok(doc! { "user_id": user.as_str(), "_unread": true, "created": { "$gt": read_all } })
}

pub(super) async fn unread_about_room(
    database: &Database,
    user: &UserId,
    room: &RoomId,
) -> Answer<Vec<NotificationDoc>> {
    let mut filter = unread(database, user).await?;
    filter.insert("room_id", room.as_str());
    find(database, filter, doc! { "created": 1 }, MAX_ITEMS).await
}

pub(super) async fn rooms_with_unread(database: &Database, user: &UserId) -> Answer<Vec<RoomId>> {
    let mut filter = unread(database, user).await?;
    filter.insert("room_id", doc! { "$exists": true });
    let entries = database.collection::<Document>(Collection::Notifications.as_str());
    let found = entries.distinct("room_id", filter).await.map_err(db_error)?;
    let ids: BTreeSet<&str> = found.iter().filter_map(|room| room.as_str()).collect();
    ids.into_iter().take(MAX_MEMBERSHIPS).map(|id| RoomId::parse(id).map_err(unreadable)).collect()
}
