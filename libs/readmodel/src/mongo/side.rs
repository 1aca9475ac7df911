//! `<ns>_side`, a database beside the generations, never rebuilt.

use async_trait::async_trait;
use futures_util::TryStreamExt as _;
use mongodb::bson::{DateTime, Document as Bson, doc};
use mongodb::{Client, Collection, Database};
use schemas::{Timestamp, UserId};

use super::request_log::Requests;
use super::rows::{db_error, unreadable};
use crate::answers::Answer;
use crate::request_log::RequestLog;
use crate::side::SideStore;

/// The database.
#[derive(Debug, Clone)]
pub(super) struct SideDatabase {
    client: Client,
    last_seen: Collection<Bson>,
    requests: Requests,
}

impl SideDatabase {
    /// Opens the database and makes the indexes that are not there yet.
    pub(super) async fn open(client: Client, database: &Database) -> Answer<Self> {
        let requests = Requests::of(database);
        requests.prepare().await?;
        Ok(Self { client, last_seen: database.collection("last_seen"), requests })
    }
}

#[async_trait]
impl SideStore for SideDatabase {
    fn request_log(&self) -> &dyn RequestLog {
        &self.requests
    }

    async fn last_seen(&self, users: &[UserId]) -> Answer<Vec<(UserId, Timestamp)>> {
        let ids: Vec<&str> = users.iter().map(UserId::as_str).collect();
        let found = self.last_seen.find(doc! { "_id": { "$in": ids } }).await.map_err(db_error)?;
        let found: Vec<Bson> = found.try_collect().await.map_err(db_error)?;
        let seen = found.iter().map(|seen| {
            let user = UserId::parse(seen.get_str("_id").map_err(unreadable)?);
            let at = seen.get_datetime("at").map_err(unreadable)?;
            Ok((user.map_err(unreadable)?, Timestamp::from_millis(at.timestamp_millis())))
        });
        seen.collect()
    }

    async fn keep_last_seen(&self, seen: Vec<(UserId, Option<Timestamp>)>) -> Answer<()> {
        let mut session = self.client.start_session().await.map_err(db_error)?;
        session.start_transaction().await.map_err(db_error)?;
        for (user, at) in seen {
            let filter = doc! { "_id": user.as_str() };
            match at {
                Some(at) => {
                    let later = doc! { "$max": { "at": DateTime::from_millis(at.millis()) } };
                    let update = self.last_seen.update_one(filter, later).upsert(true);
                    update.session(&mut session).await.map_err(db_error)?;
                }
                None => {
                    let delete = self.last_seen.delete_one(filter);
                    delete.session(&mut session).await.map_err(db_error)?;
                }
            }
        }
        session.commit_transaction().await.map_err(db_error)
    }
}
