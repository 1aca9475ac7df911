//! Followers of threads in SQLite.

use async_trait::async_trait;
use rusqlite::{Connection, params};
use schemas::ids::{MessageId, UserId};
use schemas::position::Sequence;

use super::kept::{Batch, Kept};
use super::rows::{doc, docs, each, execute, int, json, limit as sql_limit, one, raw};
use super::store::{SqliteStore, changes, items};
use crate::answers::{Answer, Changes};
use crate::documents::{FollowerDoc, FollowerReads, MAX_FOLLOWED, ThreadDoc};

impl Kept for FollowerDoc {
    const TABLES: &'static str = "
-- marker: the thread number up to which the user has read; told: the last event of it the user is told of, 0 for none.
CREATE TABLE followers(
    root BLOB NOT NULL, user BLOB NOT NULL, following INTEGER NOT NULL, marker INTEGER NOT NULL,
    told INTEGER NOT NULL, doc BLOB NOT NULL,
    PRIMARY KEY (root, user)) WITHOUT ROWID;
CREATE INDEX followers_user ON followers(user) WHERE following = 1;
CREATE INDEX followers_told ON followers(user, told) WHERE told > 0;
";
    const BY_KEY: &'static str = "SELECT doc FROM followers WHERE root = ?1 AND user = ?2";
    const SCAN: &'static str = "SELECT doc FROM followers
        WHERE root >= ?1 AND (root > ?1 OR user > ?2) ORDER BY root, user LIMIT ?3";

    fn put(&self, batch: &mut Batch<'_>) -> Answer<()> {
        let sql = "INSERT INTO followers VALUES (?1, ?2, ?3, ?4, ?5, ?6)
            ON CONFLICT(root, user) DO UPDATE SET following = ?3, marker = ?4, told = ?5, doc = ?6";
        let row = params![
            raw(self.root_id),
            raw(self.user_id),
            self.following,
            int(self.marker),
            int(self.told()),
            json(self)?
        ];
        execute(batch.db, sql, row).map(drop)
    }
}

fn answered(db: &Connection, user: &UserId) -> Answer<Vec<(FollowerDoc, ThreadDoc)>> {
    let sql = "SELECT f.doc, t.doc FROM followers f JOIN threads t ON t.root = f.root
        WHERE f.user = ?1 AND f.following = 1 AND t.total > f.marker AND t.activity > 0
        LIMIT ?2";
    let mut found = Vec::new();
    each(db, sql, params![raw(user), sql_limit(MAX_FOLLOWED)], |row| {
        found.push((doc(row, 0)?, doc(row, 1)?));
        Ok(true)
    })?;
    Ok(found)
}

#[async_trait]
impl FollowerReads for SqliteStore {
    async fn following(&self, user: &UserId, roots: &[MessageId]) -> Answer<Vec<FollowerDoc>> {
        let (user, roots) = (raw(user), roots.to_vec());
        let found = move |db: &Connection| {
            let mut found = Vec::with_capacity(roots.len());
            for root in &roots {
                found.extend(one(db, FollowerDoc::BY_KEY, params![raw(root), user])?);
            }
            Ok(found)
        };
        self.read(found).await
    }

    async fn followers(&self, root: &MessageId, limit: usize) -> Answer<Vec<FollowerDoc>> {
        let (root, limit) = (raw(root), sql_limit(items(limit)));
        let sql = "SELECT doc FROM followers WHERE root = ?1 AND following = 1
            ORDER BY user LIMIT ?2";
        self.read(move |db| docs(db, sql, params![root, limit])).await
    }

    async fn answered(&self, user: &UserId) -> Answer<Vec<(FollowerDoc, ThreadDoc)>> {
        let user = *user;
        self.read(move |db| answered(db, &user)).await
    }

    async fn follower_changes(
        &self,
        user: &UserId,
        after: Sequence,
        limit: usize,
    ) -> Answer<Changes<FollowerDoc>> {
        let (user, limit) = (raw(user), changes(limit));
        let sql = "SELECT doc FROM followers WHERE user = ?1 AND told > 0 AND told > ?2
            ORDER BY told LIMIT ?3";
        let asked =
            self.read(move |db| docs(db, sql, params![user, int(after), sql_limit(limit + 1)]));
        Ok(Changes::cut(asked.await?, limit))
    }
}
