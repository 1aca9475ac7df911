//! Invitations in SQLite.

use async_trait::async_trait;
use rusqlite::params;
use schemas::ids::RoomId;
use schemas::time::Timestamp;

use super::kept::{Batch, Kept};
use super::rows::{docs, execute, json, limit as sql_limit, raw};
use super::store::{SqliteStore, items};
use crate::answers::Answer;
use crate::documents::{InviteDoc, InviteReads};

impl Kept for InviteDoc {
    const TABLES: &'static str = "
-- open: until when it lets people in; null for one that is revoked or used up.
CREATE TABLE invites(id BLOB PRIMARY KEY, room BLOB NOT NULL, open INTEGER, doc BLOB NOT NULL) WITHOUT ROWID;
CREATE INDEX invites_room ON invites(room, id) WHERE open IS NOT NULL;
";
    const BY_KEY: &'static str = "SELECT doc FROM invites WHERE id = ?1";
    const SCAN: &'static str = "SELECT doc FROM invites WHERE id > ?1 ORDER BY id LIMIT ?3";

    fn put(&self, batch: &mut Batch<'_>) -> Answer<()> {
        let sql = "INSERT INTO invites VALUES (?1, ?2, ?3, ?4)
            ON CONFLICT(id) DO UPDATE SET open = ?3, doc = ?4";
        let (id, room) = (raw(self.state.id), raw(self.state.room_id));
        execute(batch.db, sql, params![id, room, self.open_until(), json(self)?]).map(drop)
    }
}

#[async_trait]
impl InviteReads for SqliteStore {
    async fn open_invites(
        &self,
        room: &RoomId,
        now: Timestamp,
        limit: usize,
    ) -> Answer<Vec<InviteDoc>> {
        let (room, limit) = (raw(room), sql_limit(items(limit)));
        let sql = "SELECT doc FROM invites WHERE room = ?1 AND open IS NOT NULL AND open > ?2
            ORDER BY id LIMIT ?3";
        self.read(move |db| docs(db, sql, params![room, now.millis(), limit])).await
    }
}
