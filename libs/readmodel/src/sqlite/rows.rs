//! Between rows and documents: errors, ids as bytes, numbers, and reading documents.

use rusqlite::{Connection, ErrorCode, Params};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::answers::{Answer, StoreError};

/// Sorts SQLite's errors by what can be done about them.
pub(super) fn db_error(error: rusqlite::Error) -> StoreError {
    match error.sqlite_error_code() {
        Some(
            ErrorCode::DatabaseBusy
            | ErrorCode::DatabaseLocked
            | ErrorCode::DiskFull
            | ErrorCode::SystemIoFailure
            | ErrorCode::CannotOpen
            | ErrorCode::OutOfMemory,
        ) => StoreError::Unavailable(Box::new(error)),
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            StoreError::Unreadable(error.to_string())
        }
        _ => StoreError::Failed(Box::new(error)),
    }
}

/// A row whose document does not parse.
pub(super) fn unreadable(error: impl std::fmt::Display) -> StoreError {
    StoreError::Unreadable(error.to_string())
}

/// The 16 bytes a typed id stands for; they sort as the ids do.
pub(super) fn raw(id: impl AsRef<str>) -> [u8; 16] {
    let body = id.as_ref().rsplit('_').next().unwrap_or_default();
    let mut bits: u128 = 0;
    // 26 digits of 5 bits are 130 bits: the last digit carries 3 that count and 2 that are zero.
    for (index, digit) in body.bytes().enumerate().take(26) {
        let value = u128::from(digit_value(digit));
        bits = if index < 25 { (bits << 5) | value } else { (bits << 3) | (value >> 2) };
    }
    bits.to_be_bytes()
}

const fn digit_value(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit - b'0',
        b'a'..=b'h' => digit - b'a' + 10,
        b'j' | b'k' => digit - b'j' + 18,
        b'm' | b'n' => digit - b'm' + 20,
        b'p'..=b't' => digit - b'p' + 22,
        b'v'..=b'z' => digit - b'v' + 27,
        _ => 0,
    }
}

/// A sequence or number as SQLite keeps it. None comes near the bound: the log counts from 1.
pub(super) fn int(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A limit as SQLite takes it.
pub(super) fn limit(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

/// A document as it is written into its column.
pub(super) fn json(doc: &impl Serialize) -> Answer<Vec<u8>> {
    serde_json::to_vec(doc).map_err(unreadable)
}

/// Runs a statement; answers with the number of rows it has written.
pub(super) fn execute(db: &Connection, sql: &str, params: impl Params) -> Answer<usize> {
    db.prepare_cached(sql).map_err(db_error)?.execute(params).map_err(db_error)
}

/// The documents a statement finds in its first column.
pub(super) fn docs<T: DeserializeOwned>(
    db: &Connection,
    sql: &str,
    params: impl Params,
) -> Answer<Vec<T>> {
    let mut found = Vec::new();
    each(db, sql, params, |row| {
        found.push(doc(row, 0)?);
        Ok(true)
    })?;
    Ok(found)
}

/// The first document a statement finds.
pub(super) fn one<T: DeserializeOwned>(
    db: &Connection,
    sql: &str,
    params: impl Params,
) -> Answer<Option<T>> {
    let mut found = None;
    each(db, sql, params, |row| {
        found = Some(doc(row, 0)?);
        Ok(false)
    })?;
    Ok(found)
}

/// Goes through the rows of a statement until told to stop (false).
pub(super) fn each(
    db: &Connection,
    sql: &str,
    params: impl Params,
    mut row: impl FnMut(&rusqlite::Row<'_>) -> Answer<bool>,
) -> Answer<()> {
    let mut statement = db.prepare_cached(sql).map_err(db_error)?;
    let mut rows = statement.query(params).map_err(db_error)?;
    while let Some(found) = rows.next().map_err(db_error)? {
        if !row(found)? {
            break;
        }
    }
    Ok(())
}

/// The document in a column.
pub(super) fn doc<T: DeserializeOwned>(row: &rusqlite::Row<'_>, column: usize) -> Answer<T> {
    let json = row.get_ref(column).map_err(db_error)?.as_bytes().map_err(unreadable)?;
    serde_json::from_slice(json).map_err(unreadable)
}

/// The end of all texts that begin with a prefix, for a range on an index.
pub(super) fn prefix_end(prefix: &str) -> String {
    format!("{prefix}{}", char::MAX)
}

#[cfg(test)]
mod tests {
    use super::raw;
    use schemas::ids::UserId;

    #[test]
    fn an_id_is_the_bytes_of_its_uuid() {
        for number in [0, 1, 7, u128::MAX, u128::MAX / 3, 0x0192_8a5b_77ff_7abc_8def_0123_4567_89ab]
        {
            let uuid = uuid::Uuid::from_u128(number);
            assert_eq!(raw(UserId::from_uuid(uuid)), *uuid.as_bytes());
        }
    }
}
