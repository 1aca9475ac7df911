//! Counting unread messages and mentions in SQLite, on the indexes of `message.rs`.

use async_trait::async_trait;
use rusqlite::types::Value;
use rusqlite::{Connection, params, params_from_iter};

use super::archive::anywhere;
use super::room::key_of;
use super::rows::{db_error, each, int, raw};
use super::store::SqliteStore;
use crate::answers::Answer;
use crate::documents::{Counted, Stretch, UnreadReads};

fn count(db: &Connection, stretch: &Stretch) -> Answer<Counted> {
    let Some(room) = key_of(db, &stretch.room_id)? else { return Ok(Counted::default()) };
    let (after, through) = (int(stretch.after), int(stretch.through));
    let mut counted = Counted::default();
    if stretch.deleted {
        let sql = anywhere!("1", "k >> 36 = ?1 AND gone IS NOT NULL AND gone > ?2 AND gone <= ?3");
        let sql = format!("SELECT count(*) FROM ({sql})");
        counted.deleted = number(db, &sql, params![room, after, through])?;
    }
    if stretch.named {
        // A message that names both counts once.
        let by_others = format!("sender NOT IN ({})", vec!["?"; stretch.blocked.len()].join(", "));
        let sql = format!(
            "SELECT count(*) FROM (
            SELECT main, sender FROM named WHERE room = ?1 AND user = ?2 AND main > ?3 AND main <= ?4
            UNION SELECT main, sender FROM named
                WHERE room = ?1 AND user = x'' AND main > ?3 AND main <= ?4)
            WHERE {by_others}"
        );
        let mut asked =
            vec![room.into(), raw(stretch.user_id).to_vec().into(), after.into(), through.into()];
        asked.extend(stretch.blocked.iter().map(|user| Value::Blob(raw(user).to_vec())));
        counted.named = number(db, &sql, params_from_iter(asked))?;
    }
    Ok(counted)
}

fn number(db: &Connection, sql: &str, params: impl rusqlite::Params) -> Answer<u64> {
    let mut found = 0;
    each(db, sql, params, |row| {
        let count: i64 = row.get(0).map_err(db_error)?;
        found = u64::try_from(count).unwrap_or_default();
        Ok(false)
    })?;
    Ok(found)
}

#[async_trait]
impl UnreadReads for SqliteStore {
    async fn count(&self, stretches: Vec<Stretch>) -> Answer<Vec<Counted>> {
        self.read(move |db| stretches.iter().map(|stretch| count(db, stretch)).collect()).await
    }
}
