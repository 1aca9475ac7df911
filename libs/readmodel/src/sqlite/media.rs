//! Media in SQLite.

use async_trait::async_trait;
use rusqlite::params;
use schemas::ids::{MediaId, UserId};
use schemas::media::MediaStatus;
use schemas::position::Sequence;
use schemas::time::Timestamp;

use super::kept::{Batch, Kept};
use super::rows::{docs, execute, int, json, limit as sql_limit, one, raw};
use super::store::{SqliteStore, changes, items};
use crate::answers::{Answer, Changes, Slice};
use crate::documents::{MediaDoc, MediaReads, MediaUsageDoc, MediaUsageReads, SiteDoc, Waiting};

impl Kept for MediaDoc {
    const TABLES: &'static str = "
-- waiting: 1 to be uploaded, 2 to be used, 3 to be purged; since: milliseconds; told: null where nothing was.
CREATE TABLE media(
    id BLOB PRIMARY KEY, owner BLOB NOT NULL, purged INTEGER NOT NULL, waiting INTEGER, since INTEGER NOT NULL,
    told INTEGER, doc BLOB NOT NULL) WITHOUT ROWID;
CREATE INDEX media_owner ON media(owner, id) WHERE purged = 0;
CREATE INDEX media_waiting ON media(waiting, since) WHERE waiting IS NOT NULL;
CREATE INDEX media_told ON media(owner, told) WHERE told IS NOT NULL;
";
    const BY_KEY: &'static str = "SELECT doc FROM media WHERE id = ?1";
    const SCAN: &'static str = "SELECT doc FROM media WHERE id > ?1 ORDER BY id LIMIT ?3";

    fn put(&self, batch: &mut Batch<'_>) -> Answer<()> {
        let sql = "INSERT INTO media VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
            ON CONFLICT(id) DO UPDATE SET purged = ?3, waiting = ?4, since = ?5, told = ?6, doc = ?7";
        let state = &self.state;
        let row = params![
            raw(state.file.id),
            raw(state.owner_id),
            state.status == MediaStatus::Purged,
            self.waiting().map(Waiting::code),
            state.changed_at.millis(),
            (self.told > 0).then(|| int(self.told)),
            json(self)?
        ];
        execute(batch.db, sql, row).map(drop)
    }
}

impl Kept for MediaUsageDoc {
    const TABLES: &'static str = "
CREATE TABLE media_usage(user BLOB PRIMARY KEY, doc BLOB NOT NULL) WITHOUT ROWID;
";
    const BY_KEY: &'static str = "SELECT doc FROM media_usage WHERE user = ?1";
    const SCAN: &'static str = "SELECT doc FROM media_usage WHERE user > ?1 ORDER BY user LIMIT ?3";

    fn put(&self, batch: &mut Batch<'_>) -> Answer<()> {
        let sql =
            "INSERT INTO media_usage VALUES (?1, ?2) ON CONFLICT(user) DO UPDATE SET doc = ?2";
        execute(batch.db, sql, params![raw(self.user_id), json(self)?]).map(drop)
    }
}

#[async_trait]
impl MediaReads for SqliteStore {
    async fn media(&self, id: &MediaId) -> Answer<Option<MediaDoc>> {
        let id = raw(id);
        self.read(move |db| one(db, MediaDoc::BY_KEY, [id])).await
    }

    async fn media_of(
        &self,
        owner: &UserId,
        after: Option<&MediaId>,
        limit: usize,
    ) -> Answer<Slice<MediaDoc>> {
        let (owner, after, limit) = (raw(owner), after.map(raw), items(limit));
        let after = after.map_or_else(Vec::new, Vec::from);
        let sql = "SELECT doc FROM media WHERE owner = ?1 AND purged = 0 AND id > ?2
            ORDER BY id LIMIT ?3";
        let most = sql_limit(limit + 1);
        let found = self.read(move |db| docs(db, sql, params![owner, after, most])).await?;
        Ok(Slice::cut(found, limit))
    }

    async fn media_waiting(
        &self,
        waiting: Waiting,
        before: Timestamp,
        limit: usize,
    ) -> Answer<Vec<MediaDoc>> {
        let limit = sql_limit(items(limit));
        let sql = "SELECT doc FROM media WHERE waiting = ?1 AND since < ?2 ORDER BY since LIMIT ?3";
        self.read(move |db| docs(db, sql, params![waiting.code(), before.millis(), limit])).await
    }

    async fn media_changes(
        &self,
        owner: &UserId,
        after: Sequence,
        limit: usize,
    ) -> Answer<Changes<MediaDoc>> {
        let (owner, limit) = (raw(owner), changes(limit));
        let sql = "SELECT doc FROM media WHERE owner = ?1 AND told IS NOT NULL AND told > ?2
            ORDER BY told LIMIT ?3";
        let most = sql_limit(limit + 1);
        let asked = self.read(move |db| docs(db, sql, params![owner, int(after), most]));
        Ok(Changes::cut(asked.await?, limit))
    }
}

#[async_trait]
impl MediaUsageReads for SqliteStore {
    async fn media_usage(&self, user: &UserId) -> Answer<Option<MediaUsageDoc>> {
        let user = raw(user);
        self.read(move |db| one(db, MediaUsageDoc::BY_KEY, [user])).await
    }

    async fn media_bytes(&self) -> Answer<u64> {
        let site: Option<SiteDoc> = self.read(|db| one(db, SiteDoc::BY_KEY, [])).await?;
        Ok(site.map_or(0, |site| site.media_bytes))
    }
}
