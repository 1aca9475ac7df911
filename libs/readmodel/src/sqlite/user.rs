//! Users in SQLite.

use async_trait::async_trait;
use rusqlite::types::Value;
use rusqlite::{Connection, params, params_from_iter};
use schemas::ids::UserId;
use schemas::position::Sequence;
use schemas::values::{Role, Username};

use super::kept::{Batch, Kept};
use super::rows::{docs, execute, int, json, limit as sql_limit, one, raw};
use super::search::{Asked, after as after_id};
use super::store::{SqliteStore, changes, items};
use crate::answers::{Answer, Changes, ListFrom, Slice};
use crate::documents::{AccountFilter, UserDoc, UserReads};
use crate::words;

impl Kept for UserDoc {
    const TABLES: &'static str = "
-- username: empty for a user who is erased.
CREATE TABLE users(
    id BLOB PRIMARY KEY, username TEXT NOT NULL, changed INTEGER NOT NULL, role TEXT NOT NULL,
    suspended INTEGER NOT NULL, doc BLOB NOT NULL) WITHOUT ROWID;
CREATE INDEX users_username ON users(username);
CREATE INDEX users_changed ON users(changed);
CREATE INDEX users_role ON users(role) WHERE role <> 'user';
CREATE INDEX users_suspended ON users(suspended) WHERE suspended = 1;

CREATE TABLE user_words(
    word TEXT NOT NULL, user BLOB NOT NULL, PRIMARY KEY (word, user)) WITHOUT ROWID;
CREATE INDEX user_words_user ON user_words(user, word);
";
    const BY_KEY: &'static str = "SELECT doc FROM users WHERE id = ?1";
    const SCAN: &'static str = "SELECT doc FROM users WHERE id > ?1 ORDER BY id LIMIT ?3";

    fn put(&self, batch: &mut Batch<'_>) -> Answer<()> {
        let id = raw(self.state.id);
        let username = if self.state.deleted { "" } else { self.state.username.as_str() };
        execute(
            batch.db,
            "INSERT INTO users VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT(id) DO UPDATE
            SET username = ?2, changed = ?3, role = ?4, suspended = ?5, doc = ?6",
            params![
                id,
                username,
                int(self.updated),
                self.state.role.as_str(),
                self.state.suspended,
                json(self)?
            ],
        )?;
        // What the user is found by, in place of what was.
        execute(batch.db, "DELETE FROM user_words WHERE user = ?1", [id])?;
        for word in words::of_account(self) {
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

fn accounts(
    db: &Connection,
    filter: &AccountFilter,
    after: Option<&UserId>,
    limit: usize,
) -> Answer<Slice<UserDoc>> {
    let AccountFilter { words, role, suspended } = filter;
    let mark = words::OF_ADDRESS.to_string();
    let found = match words {
        None => Some(Asked::default()),
        Some(words) => Asked::by_words_of(words, "user_words", "user", &mark),
    };
    let Some(Asked { from: found, mut with }) = found else {
        return Ok(Slice { items: Vec::new(), more: false });
    };
    let on = if found.is_empty() { "" } else { "ON id = found" };
    let mut sql = format!("SELECT doc FROM {found} users {on} WHERE id > ? AND username <> ''");
    with.push(after_id(after));
    // Written out, so that the partial indexes fit.
    match role {
        None => {}
        Some(Role::User) => sql.push_str(" AND role = 'user'"),
        Some(Role::Moderator) => sql.push_str(" AND role = 'moderator'"),
        Some(Role::Admin) => sql.push_str(" AND role = 'admin'"),
    }
    match suspended {
        None => {}
        Some(true) => sql.push_str(" AND suspended = 1"),
        Some(false) => sql.push_str(" AND suspended = 0"),
    }
    sql.push_str(" ORDER BY id LIMIT ?");
    with.push(Value::Integer(sql_limit(limit + 1)));
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

    async fn accounts(
        &self,
        filter: &AccountFilter,
        after: Option<&UserId>,
        limit: usize,
    ) -> Answer<Slice<UserDoc>> {
        let (filter, after) = (filter.clone(), after.cloned());
        self.read(move |db| accounts(db, &filter, after.as_ref(), items(limit))).await
    }

    async fn list_users(&self, after: Option<&UserId>, limit: usize) -> Answer<Slice<UserDoc>> {
        let (after, limit) = (after_id(after), items(limit));
        let sql = "SELECT doc FROM users WHERE id > ?1 AND username <> '' ORDER BY id LIMIT ?2";
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
