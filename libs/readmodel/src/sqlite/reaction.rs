//! Reactions in SQLite.

use async_trait::async_trait;
use rusqlite::{Connection, params};
use schemas::ids::{MessageId, ReactionId};
use schemas::position::Sequence;
use schemas::values::Emoji;

use super::kept::{Batch, Kept};
use super::rows::{docs, execute, int, json, limit as sql_limit, one, raw};
use super::store::{SqliteStore, items};
use crate::answers::{Answer, Slice};
use crate::documents::{ReactionDoc, ReactionReads};

impl Kept for ReactionDoc {
    const TABLES: &'static str = "
CREATE TABLE reactions(
    message BLOB NOT NULL, id BLOB NOT NULL, emoji TEXT NOT NULL, at INTEGER NOT NULL, doc BLOB NOT NULL,
    PRIMARY KEY (message, id)) WITHOUT ROWID;
CREATE INDEX reactions_kind ON reactions(message, emoji, at);
";
    const BY_KEY: &'static str = "SELECT doc FROM reactions WHERE message = ?1 AND id = ?2";
    const SCAN: &'static str = "SELECT doc FROM reactions WHERE (message, id) > (?1, ?2)
        ORDER BY message, id LIMIT ?3";

    fn put(&self, batch: &mut Batch<'_>) -> Answer<()> {
        let (message, id) = (raw(self.message_id), raw(self.id));
        if self.removed {
            let sql = "DELETE FROM reactions WHERE message = ?1 AND id = ?2";
            return execute(batch.db, sql, params![message, id]).map(drop);
        }
        let sql = "INSERT INTO reactions VALUES (?1, ?2, ?3, ?4, ?5)
            ON CONFLICT(message, id) DO UPDATE SET at = ?4, doc = ?5";
        let (emoji, at) = (self.emoji.as_str(), int(self.at));
        execute(batch.db, sql, params![message, id, emoji, at, json(self)?]).map(drop)
    }
}

/// Deletes all reactions to a message.
pub(super) fn clear(db: &Connection, message: &MessageId) -> Answer<()> {
    execute(db, "DELETE FROM reactions WHERE message = ?1", [raw(message)]).map(drop)
}

fn by_keys(db: &Connection, keys: &[(MessageId, ReactionId)]) -> Answer<Vec<ReactionDoc>> {
    let mut found = Vec::new();
    for (message, id) in keys {
        found.extend(one(db, ReactionDoc::BY_KEY, params![raw(message), raw(id)])?);
    }
    Ok(found)
}

#[async_trait]
impl ReactionReads for SqliteStore {
    async fn reactions(&self, keys: &[(MessageId, ReactionId)]) -> Answer<Vec<ReactionDoc>> {
        let keys = keys.to_vec();
        self.read(move |db| by_keys(db, &keys)).await
    }

    async fn reactions_of_kind(
        &self,
        message: &MessageId,
        emoji: &Emoji,
        after: Sequence,
        limit: usize,
    ) -> Answer<Slice<ReactionDoc>> {
        let (message, emoji, limit) = (raw(message), emoji.clone(), items(limit));
        let sql = "SELECT doc FROM reactions WHERE message = ?1 AND emoji = ?2 AND at > ?3
            ORDER BY at LIMIT ?4";
        self.read(move |db| {
            let most = sql_limit(limit.saturating_add(1));
            let found = docs(db, sql, params![message, emoji.as_str(), int(after), most])?;
            Ok(Slice::cut(found, limit))
        })
        .await
    }
}
