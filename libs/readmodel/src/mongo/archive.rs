//! Messages in MongoDB that moved to the archive: a collection with the rows and indexes of the other, which questions
//! about messages are put to as well. What is left of purged messages lies in a third, which no list looks into.
//!
//! A message lies in exactly one of them. It only ever moves on, so what is at hand is read first, the archive after that
//! and what is purged last: a message that moves meanwhile is found twice and told once, never missed.

use std::collections::HashSet;

use mongodb::Database;
use mongodb::bson::{Document as Bson, doc};
use schemas::ids::MessageId;

use super::query::{each_in, find_in, keys_in, texts};
use super::rows::{db_error, int};
use crate::answers::Answer;
use crate::documents::{MessageDoc, Stored as _};

/// The archive.
pub(super) const ARCHIVE: &str = "messages_archive";
/// What is left of purged messages.
pub(super) const PURGED: &str = "messages_purged";

/// Where messages lie that are on lists, in the order in which they are read.
pub(super) const BOTH: [&str; 2] = [MessageDoc::COLLECTION.as_str(), ARCHIVE];
/// Where any messages lie.
pub(super) const ALL: [&str; 3] = [MessageDoc::COLLECTION.as_str(), ARCHIVE, PURGED];

/// Messages of some ids.
pub(super) async fn by_ids(database: &Database, ids: &[MessageId]) -> Answer<Vec<MessageDoc>> {
    let mut found: Vec<MessageDoc> = Vec::with_capacity(ids.len());
    for collection in ALL {
        let known: HashSet<&MessageId> = found.iter().map(|message| &message.id).collect();
        let missing: Vec<&MessageId> = ids.iter().filter(|id| !known.contains(id)).collect();
        if missing.is_empty() {
            break;
        }
        let more: Vec<MessageDoc> = keys_in(database, collection, &texts(&missing)).await?;
        found.extend(more);
    }
    Ok(found)
}

/// The first message that fits, at hand or else in the archive.
pub(super) async fn one(database: &Database, filter: Bson) -> Answer<Option<MessageDoc>> {
    for collection in BOTH {
        let found: Vec<MessageDoc> =
            find_in(database, collection, filter.clone(), doc! {}, 1).await?;
        if let Some(found) = found.into_iter().next() {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

/// Which way numbers are walked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    Up,
    Down,
}

/// The first messages that fit, by their numbers.
pub(super) async fn by_number(
    database: &Database,
    filter: Bson,
    way: Way,
    most: usize,
) -> Answer<Vec<MessageDoc>> {
    let [at_hand, archive] = BOTH;
    let (sort, nearer) = match way {
        Way::Up => (doc! { "number": 1 }, "$lt"),
        Way::Down => (doc! { "number": -1 }, "$gt"),
    };
    let mut found: Vec<MessageDoc> =
        find_in(database, at_hand, filter.clone(), sort.clone(), most).await?;
    // Of the archive only what comes before the last of a full page.
    let filter = match found.last() {
        Some(last) if found.len() >= most => {
            doc! { "$and": [filter, { "number": { nearer: int(last.number) } }] }
        }
        _ => filter,
    };
    let archived: Vec<MessageDoc> = find_in(database, archive, filter, sort, most).await?;
    if !archived.is_empty() {
        found.extend(archived);
        match way {
            Way::Up => found.sort_by_key(|message| message.number),
            Way::Down => found.sort_by_key(|message| std::cmp::Reverse(message.number)),
        }
        found.dedup_by(|next, one| next.id == one.id);
        found.truncate(most);
    }
    Ok(found)
}

/// Goes through the messages that fit, until told to stop (false); whether it was not.
pub(super) async fn each(
    database: &Database,
    filter: Bson,
    mut take: impl FnMut(MessageDoc) -> bool,
) -> Answer<bool> {
    let mut seen: HashSet<MessageId> = HashSet::new();
    for collection in ALL {
        let new = |message: MessageDoc| !seen.insert(message.id) || take(message);
        if !each_in(database, collection, filter.clone(), new).await? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// How many messages fit.
pub(super) async fn number_of(database: &Database, filter: Bson) -> Answer<u64> {
    let mut number = 0;
    for collection in ALL {
        let messages = database.collection::<Bson>(collection);
        number += messages.count_documents(filter.clone()).await.map_err(db_error)?;
    }
    Ok(number)
}
