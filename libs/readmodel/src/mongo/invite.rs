//! Invitations in MongoDB.

use async_trait::async_trait;
use mongodb::IndexModel;
use mongodb::bson::{RawDocumentBuf, doc};
use schemas::ids::RoomId;
use schemas::position::Sequence;
use schemas::time::Timestamp;
use serde::Serialize;

use super::kept::{Kept, partial};
use super::query::find;
use super::rows::row;
use super::store::MongoStore;
use crate::answers::{Answer, MAX_ITEMS};
use crate::documents::{InviteDoc, InviteReads};

/// What an invitation is searched by.
#[derive(Serialize)]
struct Searched {
    /// Until when it lets people in; none for one that is revoked or used up.
    #[serde(skip_serializing_if = "Option::is_none")]
    _open: Option<i64>,
}

impl Kept for InviteDoc {
    fn indexes() -> Vec<IndexModel> {
        vec![partial(doc! { "state.room_id": 1, "_id": 1 }, doc! { "_open": { "$gt": 0 } })]
    }

    fn to_row(&self, id: String) -> Answer<RawDocumentBuf> {
        row(id, self, Searched { _open: self.open_until() })
    }

    /// It does not say which event was its first.
    fn is_new(&self, _expected: Sequence) -> bool {
        false
    }
}

#[async_trait]
impl InviteReads for MongoStore {
    async fn open_invites(
        &self,
        room: &RoomId,
        now: Timestamp,
        limit: usize,
    ) -> Answer<Vec<InviteDoc>> {
        let filter = doc! {
            "state.room_id": room.as_str(), "_open": { "$gt": now.millis().max(0) },
        };
        find(&self.database, filter, doc! { "_id": 1 }, limit.clamp(1, MAX_ITEMS)).await
    }
}
