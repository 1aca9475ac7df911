//! Counting on indexes: what was deleted, who is named, which message is the newest.

use futures_util::future::try_join_all;
use mongodb::Database;
use mongodb::bson::{Document, doc};
use schemas::ids::RoomId;

use super::query::{find, int};
use super::rows::{ROOM, db_error};
use crate::docs::{Collection, MessageDoc};
use crate::store::Answer;
use crate::unread::{Counted, Stretch};

/// Counts in stretches of main timelines.
pub(super) async fn count(database: &Database, stretches: &[Stretch]) -> Answer<Vec<Counted>> {
    try_join_all(stretches.iter().map(|stretch| count_one(database, stretch))).await
}

async fn count_one(database: &Database, stretch: &Stretch) -> Answer<Counted> {
    let between = doc! { "$gt": int(stretch.after), "$lte": int(stretch.through) };
    let room = stretch.room_id.as_str();
    let mut counted = Counted::default();
    if stretch.deleted {
        let filter = doc! { "room_id": room, "_gone": between.clone() };
        counted.deleted = number_of(database, filter).await?;
    }
    if stretch.named {
        // A message that names both is found once.
        let of = doc! { "$in": [stretch.user_id.as_str(), ROOM], "$exists": true };
        let filter = doc! { "room_id": room, "_named": of, "main_number": between };
        counted.named = number_of(database, filter).await?;
    }
    Ok(counted)
}

/// How many messages fit.
async fn number_of(database: &Database, filter: Document) -> Answer<u64> {
    let messages = database.collection::<Document>(Collection::Messages.as_str());
    messages.count_documents(filter).await.map_err(db_error)
}

/// The newest messages of main timelines that were not deleted.
pub(super) async fn newest(database: &Database, rooms: &[RoomId]) -> Answer<Vec<MessageDoc>> {
    let found = try_join_all(rooms.iter().map(|room| async move {
        let filter = doc! {
            "room_id": room.as_str(), "thread_root_id": { "$exists": false },
            "_gone": { "$exists": false },
        };
        find(database, filter, doc! { "number": -1 }, 1).await
    }));
    Ok(found.await?.into_iter().flatten().collect())
}
