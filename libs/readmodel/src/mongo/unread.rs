//! Counting unread messages and mentions in MongoDB, on the indexes of `message.rs`.

use async_trait::async_trait;
use futures_util::future::try_join_all;
use mongodb::Database;
use mongodb::bson::doc;

use super::archive::number_of;
use super::message::ROOM;
use super::query::texts;
use super::rows::int;
use super::store::MongoStore;
use crate::answers::Answer;
use crate::documents::{Counted, Stretch, UnreadReads};

async fn count(database: &Database, stretch: &Stretch) -> Answer<Counted> {
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
        let mut filter = doc! { "room_id": room, "_named": of, "main_number": between };
        if !stretch.blocked.is_empty() {
            filter.insert("sender_id", doc! { "$nin": texts(&stretch.blocked) });
        }
        counted.named = number_of(database, filter).await?;
    }
    Ok(counted)
}

#[async_trait]
impl UnreadReads for MongoStore {
    async fn count(&self, stretches: Vec<Stretch>) -> Answer<Vec<Counted>> {
        try_join_all(stretches.iter().map(|stretch| count(&self.database, stretch))).await
    }
}
