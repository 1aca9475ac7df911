//! Pins in MongoDB.

use async_trait::async_trait;
use mongodb::bson::RawDocumentBuf;
use schemas::ids::RoomId;

use super::kept::Kept;
use super::query::by_keys;
use super::rows::{OwnFields, row};
use super::store::MongoStore;
use crate::answers::Answer;
use crate::documents::{Pin, PinReads, PinsDoc};

impl Kept for PinsDoc {
    fn to_row(&self, id: String) -> Answer<RawDocumentBuf> {
        row(id, self, OwnFields {})
    }

    fn is_gone(&self) -> bool {
        self.pins.is_empty()
    }
}

#[async_trait]
impl PinReads for MongoStore {
    async fn pins(&self, room: &RoomId) -> Answer<Vec<Pin>> {
        let found: Option<PinsDoc> = by_keys(&self.database, &[room.to_string()]).await?.pop();
        Ok(found.map(|doc| doc.pins).unwrap_or_default())
    }
}
