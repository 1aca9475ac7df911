//! Finding documents: the one place that runs a query.

use futures_util::TryStreamExt as _;
use mongodb::Database;
use mongodb::bson::{Document as Bson, RawDocumentBuf, doc};

use super::kept::Kept;
use super::rows::db_error;
use crate::answers::Answer;

/// Keys asked for in one query.
const KEYS: usize = 2000;

/// No query finds more than this; none of the contract's asks for as much.
const MOST: usize = 100_000;

/// Runs a query and reads everything it finds; `limit` bounds it.
pub(super) async fn find<T: Kept>(
    database: &Database,
    filter: Bson,
    sort: Bson,
    limit: usize,
) -> Answer<Vec<T>> {
    find_in(database, T::COLLECTION.as_str(), filter, sort, limit).await
}

/// The same in a collection of this name.
pub(super) async fn find_in<T: Kept>(
    database: &Database,
    collection: &str,
    filter: Bson,
    sort: Bson,
    limit: usize,
) -> Answer<Vec<T>> {
    let rows = find_raw(database, collection, filter, sort, limit).await?;
    rows.iter().map(|row| T::from_row(row)).collect()
}

/// Runs a query and hands over what it finds one by one, until told to stop (false); whether it was not.
pub(super) async fn each_in<T: Kept>(
    database: &Database,
    collection: &str,
    filter: Bson,
    mut row: impl FnMut(T) -> bool,
) -> Answer<bool> {
    let rows = database.collection::<RawDocumentBuf>(collection).find(filter).await;
    let mut rows = rows.map_err(db_error)?;
    while let Some(found) = rows.try_next().await.map_err(db_error)? {
        if !row(T::from_row(&found)?) {
            return Ok(false);
        }
    }
    Ok(true)
}

pub(super) async fn find_raw(
    database: &Database,
    collection: &str,
    filter: Bson,
    sort: Bson,
    limit: usize,
) -> Answer<Vec<RawDocumentBuf>> {
    let most = i64::try_from(limit.min(MOST)).unwrap_or(i64::MAX);
    // One batch holds everything that is asked for, up to the server's 16 MiB.
    let batch = u32::try_from(limit.min(MOST)).unwrap_or(u32::MAX).saturating_add(1);
    let found = database
        .collection::<RawDocumentBuf>(collection)
        .find(filter)
        .sort(sort)
        .limit(most)
        .batch_size(batch)
        .await;
    found.map_err(db_error)?.try_collect().await.map_err(db_error)
}

/// The documents of some keys.
pub(super) async fn by_keys<T: Kept>(database: &Database, keys: &[String]) -> Answer<Vec<T>> {
    keys_in(database, T::COLLECTION.as_str(), keys).await
}

/// The same in a collection of this name.
pub(super) async fn keys_in<T: Kept>(
    database: &Database,
    collection: &str,
    keys: &[String],
) -> Answer<Vec<T>> {
    let mut found = Vec::with_capacity(keys.len());
    for some in keys.chunks(KEYS) {
        let filter = doc! { "_id": { "$in": some } };
        found.extend(find_in(database, collection, filter, doc! {}, some.len()).await?);
    }
    Ok(found)
}

/// Ids as BSON takes them.
pub(super) fn texts<T: AsRef<str>>(ids: &[T]) -> Vec<String> {
    ids.iter().map(|id| id.as_ref().to_owned()).collect()
}

/// The conditions of what is found by a query's words; none when it has none and so finds nothing.
pub(super) fn by_words(query: &str) -> Option<Vec<Bson>> {
    by_words_of(query, "")
}

/// The same, by words that may also begin with `mark` where they are stored; nothing for none.
pub(super) fn by_words_of(query: &str, mark: &str) -> Option<Vec<Bson>> {
    // Both bounds must hold for the same word.
    let range = |word: &str| {
        let range = doc! { "$gte": word, "$lt": format!("{word}{}", char::MAX) };
        doc! { "_words": { "$elemMatch": range } }
    };
    let begins = |word: &String| match mark {
        "" => range(word),
        _ => doc! { "$or": [range(word), range(&format!("{mark}{word}"))] },
    };
    let words = crate::words::asked(query);
    (!words.is_empty()).then(|| words.iter().map(begins).collect())
}
