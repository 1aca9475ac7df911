//! Pins in SQLite.

use async_trait::async_trait;
use rusqlite::params;
use schemas::ids::RoomId;

use super::kept::{Batch, Kept};
use super::rows::{execute, json, one, raw};
use super::store::SqliteStore;
use crate::answers::Answer;
use crate::documents::{Pin, PinReads, PinsDoc};

impl Kept for PinsDoc {
    const TABLES: &'static str = "
CREATE TABLE pins(room BLOB PRIMARY KEY, doc BLOB NOT NULL) WITHOUT ROWID;
";
    const BY_KEY: &'static str = "SELECT doc FROM pins WHERE room = ?1";
    const SCAN: &'static str = "SELECT doc FROM pins WHERE room > ?1 ORDER BY room LIMIT ?3";

    fn put(&self, batch: &mut Batch<'_>) -> Answer<()> {
        let room = raw(self.room_id);
        if self.pins.is_empty() {
            return execute(batch.db, "DELETE FROM pins WHERE room = ?1", [room]).map(drop);
        }
        let sql = "INSERT INTO pins VALUES (?1, ?2) ON CONFLICT(room) DO UPDATE SET doc = ?2";
        execute(batch.db, sql, params![room, json(self)?]).map(drop)
    }
}

#[async_trait]
impl PinReads for SqliteStore {
    async fn pins(&self, room: &RoomId) -> Answer<Vec<Pin>> {
        let room = raw(room);
        let found: Option<PinsDoc> = self.read(move |db| one(db, PinsDoc::BY_KEY, [room])).await?;
        Ok(found.map(|doc| doc.pins).unwrap_or_default())
    }
}
