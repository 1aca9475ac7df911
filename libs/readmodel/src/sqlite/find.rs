//! Finding people and rooms by words, and what they are found by.
//!
//! A word of a person or room is a row; what begins with a word of a query lies together in the table. The
//! query's longest word is looked up so, the others in the rows of what that has found.

use rusqlite::types::Value;
use rusqlite::{Connection, params, params_from_iter};
use schemas::ids::{RoomId, UserId};
use schemas::values::Username;

use super::rows::{db_error, docs, int, limit as sql_limit, prefix_end, raw};
use crate::docs::{RoomDoc, UserDoc};
use crate::store::{Answer, ListFrom, NameAnchor, RoomFilter, Slice, fold};
use crate::words;

pub(super) const TABLES: &str = "
CREATE TABLE user_words(
    word TEXT NOT NULL, user BLOB NOT NULL, PRIMARY KEY (word, user)) WITHOUT ROWID;
CREATE INDEX user_words_user ON user_words(user, word);

-- Of rooms that anybody may find.
CREATE TABLE room_words(
    word TEXT NOT NULL, room INTEGER NOT NULL, PRIMARY KEY (word, room)) WITHOUT ROWID;
CREATE INDEX room_words_room ON room_words(room, word);
";

/// A query's condition and what it is to be asked with, in the order of its question marks.
#[derive(Default)]
struct Asked {
    from: String,
    with: Vec<Value>,
}

impl Asked {
    /// Those whose words begin like all of these; `table` has the words, `owner` is whose they are, and what is
    /// found is called `found`.
    fn by_words(words: &[String], table: &str, owner: &str) -> Self {
        let mut asked = Self::default();
        for (index, word) in words.iter().enumerate() {
            let range = "word >= ? AND word < ?";
            asked.from.push_str(&match index {
                0 => {
                    format!("(SELECT DISTINCT {owner} AS found FROM {table} AS first WHERE {range}")
                }
                _ => format!(
                    " AND EXISTS (SELECT 1 FROM {table} AS more
                        WHERE more.{owner} = first.{owner} AND more.word >= ? AND more.word < ?)"
                ),
            });
            asked.with.extend([Value::Text(word.clone()), Value::Text(prefix_end(word))]);
        }
        asked.from.push_str(") CROSS JOIN ");
        asked
    }
}

pub(super) fn users(
    db: &Connection,
    query: &str,
    from: &ListFrom<Username, UserId>,
    limit: usize,
) -> Answer<Slice<UserDoc>> {
    let words = words::asked(query);
    if words.is_empty() {
        return Ok(Slice { items: Vec::new(), more: false });
    }
    let Asked { from: found, mut with } = Asked::by_words(&words, "user_words", "user");
    let (after, order) = match from {
        ListFrom::Start => ("? IS NULL", "username, id"),
        ListFrom::After(_) => ("username > ?", "username, id"),
        ListFrom::Moved { .. } => ("id > ?", "id"),
    };
    with.push(match from {
        ListFrom::Start => Value::Null,
        ListFrom::After(username) => Value::Text(username.to_string()),
        ListFrom::Moved { after, .. } => Value::Blob(bytes(after.as_ref())),
    });
    with.extend([int(from.since()), sql_limit(limit + 1)].map(Value::Integer));
    let sql = format!(
        "SELECT doc FROM {found} users ON id = found
            WHERE {after} AND changed > ? ORDER BY {order} LIMIT ?"
    );
    Ok(Slice::cut(docs(db, &sql, params_from_iter(with))?, limit))
}

pub(super) fn public_rooms(
    db: &Connection,
    filter: &RoomFilter,
    from: &ListFrom<NameAnchor, RoomId>,
    limit: usize,
) -> Answer<Slice<RoomDoc>> {
    let (Asked { from: found, mut with }, named) = match filter {
        RoomFilter::Any => (Asked::default(), None),
        RoomFilter::Name(name) => (Asked::default(), Some(fold(name))),
        RoomFilter::Words(query) => match words::asked(query) {
            words if words.is_empty() => return Ok(Slice { items: Vec::new(), more: false }),
            words => (Asked::by_words(&words, "room_words", "room"), None),
        },
    };
    let joined =
        if found.is_empty() { "rooms".to_owned() } else { format!("{found} rooms ON k = found") };
    let name = if named.is_some() { "name = ?" } else { "name IS NOT NULL" };
    with.extend(named.map(Value::Text));
    let (after, order) = match from {
        ListFrom::Start => ("", "name, id"),
        ListFrom::After(_) => ("(name, id) > (?, ?) AND", "name, id"),
        ListFrom::Moved { .. } => ("id > ? AND", "id"),
    };
    match from {
        ListFrom::Start => {}
        ListFrom::After(NameAnchor { name, room_id }) => {
            with.extend([Value::Text(name.clone()), Value::Blob(raw(room_id).to_vec())]);
        }
        ListFrom::Moved { after, .. } => with.push(Value::Blob(bytes(after.as_ref()))),
    }
    with.extend([int(from.since()), sql_limit(limit + 1)].map(Value::Integer));
    let sql = format!(
        "SELECT doc FROM {joined}
            WHERE {name} AND {after} changed > ? ORDER BY {order} LIMIT ?"
    );
    Ok(Slice::cut(docs(db, &sql, params_from_iter(with))?, limit))
}

/// The bytes of an id; before all of them for none.
fn bytes(id: Option<&impl AsRef<str>>) -> Vec<u8> {
    id.map_or_else(Vec::new, |id| raw(id).to_vec())
}

/// Writes what a person is found by, in place of what was.
pub(super) fn put_user_words(db: &Connection, user: &UserDoc) -> Answer<()> {
    let id = raw(&user.state.id);
    execute(db, "DELETE FROM user_words WHERE user = ?1", [id])?;
    for word in words::of_user(user) {
        execute(db, "INSERT INTO user_words VALUES (?1, ?2)", params![word, id])?;
    }
    Ok(())
}

/// Writes what a room is found by, in place of what was.
pub(super) fn put_room_words(db: &Connection, key: i64, room: &RoomDoc) -> Answer<()> {
    execute(db, "DELETE FROM room_words WHERE room = ?1", [key])?;
    for word in words::of_room(room) {
        execute(db, "INSERT INTO room_words VALUES (?1, ?2)", params![word, key])?;
    }
    Ok(())
}

fn execute(db: &Connection, sql: &str, params: impl rusqlite::Params) -> Answer<()> {
    db.prepare_cached(sql).map_err(db_error)?.execute(params).map(drop).map_err(db_error)
}
