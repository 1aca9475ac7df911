//! Users in SQLite.

use async_trait::async_trait;
use rusqlite::types::Value;
use rusqlite::{Connection, params, params_from_iter};
use schemas::ids::UserId;
use schemas::position::Sequence;
use schemas::values::Username;

use super::kept::{Batch, Kept};
use super::rows::{docs, execute, int, json, limit as sql_limit, one, raw};
use super::search::{Asked, after as after_id};
use super::store::{SqliteStore, changes, items};
use crate::answers::{Answer, Changes, ListFrom, Slice};
use crate::documents::{UserDoc, UserReads};
use crate::words;

impl Kept for UserDoc {
    const TABLES: &'static str = "
CREATE TABLE users(
    id BLOB PRIMARY KEY, username TEXT NOT NULL, changed INTEGER NOT NULL, doc BLOB NOT NULL) WITHOUT ROWID;
CREATE INDEX users_username ON users(username);
CREATE INDEX users_changed ON users(changed);

CREATE TABLE user_words(
    word TEXT NOT NULL, user BLOB NOT NULL, PRIMARY KEY (word, user)) WITHOUT ROWID;
CREATE INDEX user_words_user ON user_words(user, word);
";
    const BY_KEY: &'static str = "SELECT doc FROM users WHERE id = ?1";
    const SCAN: &'static str = "SELECT doc FROM users WHERE id > ?1 ORDER BY id LIMIT ?3";

    fn put(&self, batch: &mut Batch<'_>) -> Answer<()> {
        let id = raw(&self.state.id);
        execute(
            batch.db,
            "INSERT INTO users VALUES (?1, ?2, ?3, ?4) ON CONFLICT(id) DO UPDATE
            SET username = ?2, changed = ?3, doc = ?4",
            params![id, self.state.username.as_str(), int(self.updated), json(self)?],
        )?;
        // What the user is found by, in place of what was.
        execute(batch.db, "DELETE FROM user_words WHERE user = ?1", [id])?;
        for word in words::of_user(self) {
            execute(batch.db, "INSERT INTO user_words VALUES (?1, ?2)", params![word, id])?;
        }
        Ok(())
    }
}

fn users(db: &Connection, ids: &[UserId]) -> Answer<Vec<UserDoc>> {
    let mut found = Vec::with_capacity(ids.len());
    for id in ids {
        found.extend(one(db, UserDoc::BY_KEY, [raw(id)])?);
    }
    Ok(found)
}

fn search(
    db: &Connection,
    query: &str,
    from: &ListFrom<Username, UserId>,
    limit: usize,
) -> Answer<Slice<UserDoc>> {
    let Some(Asked { from: found, mut with }) = Asked::by_words(query, "user_words", "user") else {
        return Ok(Slice { items: Vec::new(), more: false });
    };
    let (after, order) = match from {
        ListFrom::Start => ("? IS NULL", "username, id"),
        ListFrom::After(_) => ("username > ?", "username, id"),
        ListFrom::Moved { .. } => ("id > ?", "id"),
    };
    with.push(match from {
        ListFrom::Start => Value::Null,
        ListFrom::After(username) => Value::Text(username.to_string()),
        ListFrom::Moved { after, .. } => after_id(after.as_ref()),
    });
    with.extend([int(from.since()), sql_limit(limit + 1)].map(Value::Integer));
    let sql = format!(
        "SELECT doc FROM {found} users ON id = found
            WHERE {after} AND changed > ? ORDER BY {order} LIMIT ?"
    );
    Ok(Slice::cut(docs(db, &sql, params_from_iter(with))?, limit))
}

#[async_trait]
impl UserReads for SqliteStore {
    async fn users(&self, ids: &[UserId]) -> Answer<Vec<UserDoc>> {
        let ids = ids.to_vec();
        self.read(move |db| users(db, &ids)).await
    }

    async fn user_by_username(&self, username: &Username) -> Answer<Option<UserDoc>> {
        let username = username.clone();
        let sql = "SELECT doc FROM users WHERE username = ?1 ORDER BY id LIMIT 1";
        self.read(move |db| one(db, sql, [username.as_str()])).await
    }

    async fn search_users(
        &self,
        query: &str,
        from: &ListFrom<Username, UserId>,
        limit: usize,
    ) -> Answer<Slice<UserDoc>> {
        let (query, from) = (query.to_owned(), from.clone());
        self.read(move |db| search(db, &query, &from, items(limit))).await
    }

    async fn list_users(&self, after: Option<&UserId>, limit: usize) -> Answer<Slice<UserDoc>> {
        let (after, limit) = (after_id(after), items(limit));
        let sql = "SELECT doc FROM users WHERE id > ?1 ORDER BY id LIMIT ?2";
        let found = self.read(move |db| docs(db, sql, params![after, sql_limit(limit + 1)])).await;
        Ok(Slice::cut(found?, limit))
    }

    async fn user_changes(&self, after: Sequence, limit: usize) -> Answer<Changes<UserDoc>> {
        let limit = changes(limit);
        let sql = "SELECT doc FROM users WHERE changed > ?1 ORDER BY changed LIMIT ?2";
        let asked = [int(after), sql_limit(limit + 1)];
        Ok(Changes::cut(self.read(move |db| docs(db, sql, asked)).await?, limit))
    }
}
