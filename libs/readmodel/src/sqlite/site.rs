//! The site's one document in SQLite.

use rusqlite::params;

use super::kept::{Batch, Kept};
use super::rows::{execute, json};
use crate::answers::Answer;
use crate::documents::SiteDoc;

impl Kept for SiteDoc {
    const TABLES: &'static str = "
CREATE TABLE site(id INTEGER PRIMARY KEY CHECK (id = 1), doc BLOB NOT NULL);
";
    const BY_KEY: &'static str = "SELECT doc FROM site";
    const SCAN: &'static str = "SELECT doc FROM site LIMIT ?3";

    fn put(&self, batch: &mut Batch<'_>) -> Answer<()> {
        let sql = "INSERT INTO site VALUES (1, ?1) ON CONFLICT(id) DO UPDATE SET doc = ?1";
        execute(batch.db, sql, params![json(self)?]).map(drop)
    }
}
