//! The index of messages by their terms in MongoDB (`terms/block.rs`).
//!
//! It is kept in the transactions that write messages. While a generation is filled it is not: sealing makes all of it.

use std::collections::BTreeMap;
use std::ops::Range;

use async_trait::async_trait;
use mongodb::bson::spec::BinarySubtype;
use mongodb::bson::{Binary, Document as Bson, RawBsonRef, RawDocument, RawDocumentBuf, doc};
use mongodb::options::Hint;
use mongodb::{ClientSession, Collection, Database};
use schemas::position::Sequence;
use schemas::time::Timestamp;

use super::archive::{ALL, BOTH};
use super::kept::Kept as _;
use super::query::texts;
use super::rows::{db_error, int, unreadable};
use super::store::MongoStore;
use crate::answers::Answer;
use crate::documents::{Document, Judged, MessageDoc, Scope, SearchReads, Stored as _};
use crate::store::IndexCheck;
use crate::terms::block::{
    BLOCK, Builder, Entry, FoundBy, PARTS, Parts, block_in, block_of, changed, complete, key,
    part_in,
};

/// The collection of the index.
pub(super) const COLLECTION: &str = "message_index";
/// Rows the server sends at once, if they fit into its 16 MiB.
const AT_ONCE: u32 = 100_000;
fn index(database: &Database) -> Collection<Bson> {
    database.collection(COLLECTION)
}

/// Makes the index of everything behind a checkpoint, but for blocks that are there.
pub(super) async fn make(database: &Database, checkpoint: Sequence) -> Answer<()> {
    let mut session = database.client().start_session().await.map_err(db_error)?;
    build(database, &mut session, 0..complete(checkpoint)).await
}

/// Brings the index up to a batch that was written, in its transaction: `expected` and `next` are the checkpoints before
/// and after it.
pub(super) async fn update(
    database: &Database,
    session: &mut ClientSession,
    docs: &[Document],
    expected: Sequence,
    next: Sequence,
) -> Answer<()> {
    let behind = complete(expected);
    let mut edited: BTreeMap<u64, Vec<&MessageDoc>> = BTreeMap::new();
    for message in docs.iter().filter_map(MessageDoc::among) {
        let block = block_of(message.posted);
        if block < behind && message.is_found_otherwise(expected) {
            edited.entry(block).or_default().push(message);
        }
    }
    let index = index(database);
    for (block, messages) in edited {
        let before = parts_of(database, session, block).await?;
        let entries = messages.into_iter().map(MessageDoc::entry);
        let parts = changed(&before, entries).map_err(unreadable)?;
        for (part, found) in parts {
            let id = doc! { "_id": key(part, block) };
            let done = match found.is_empty() {
                true => index.delete_one(id).session(&mut *session).await.map(drop),
                false => {
                    let replaced = index.replace_one(id, row(part, block, found));
                    replaced.upsert(true).session(&mut *session).await.map(drop)
                }
            };
            done.map_err(db_error)?;
        }
    }
    build(database, session, behind..complete(next)).await
}

fn row(part: u32, block: u64, found: Vec<u8>) -> Bson {
    let found = Binary { subtype: BinarySubtype::Generic, bytes: found };
    doc! { "_id": key(part, block), "found": found }
}

/// The block and the part of a row.
fn read(mut row: Bson) -> Answer<(i64, Vec<u8>)> {
    let id = row.get_i64("_id").map_err(unreadable)?;
    match row.remove("found") {
        Some(mongodb::bson::Bson::Binary(found)) => Ok((id, found.bytes)),
        _ => Err(unreadable("a part of the index has no content")),
    }
}

async fn build(database: &Database, session: &mut ClientSession, blocks: Range<u64>) -> Answer<()> {
    let index = index(database);
    for block in blocks {
        let parts = made(database, session, block).await?;
        if parts.is_empty() {
            continue;
        }
        // Those of a block that was made before are the same.
        let ids: Vec<i64> = (0..=PARTS).map(|part| key(part, block)).collect();
        let before = index.delete_many(doc! { "_id": { "$in": ids } });
        before.session(&mut *session).await.map_err(db_error)?;
        let rows: Vec<Bson> =
            parts.into_iter().map(|(part, found)| row(part, block, found)).collect();
        let written = index.insert_many(rows).session(&mut *session).await;
        written.map_err(db_error)?;
    }
    Ok(())
}

/// A block, made of its messages.
async fn made(database: &Database, session: &mut ClientSession, block: u64) -> Answer<Parts> {
    let posted = doc! { "posted": { "$gte": int(block * BLOCK), "$lt": int((block + 1) * BLOCK) } };
    let indexed = doc! {
        "posted": 1, "created_at": 1, "deleted_at": 1, "room_id": 1, "sender_id": 1, "body": 1, "attachments": 1,
    };
    let mut rows: Vec<RawDocumentBuf> = Vec::new();
    for name in ALL {
        let messages = database.collection::<Bson>(name);
        let found = messages.find(posted.clone()).projection(indexed.clone());
        let found = found.sort(doc! { "posted": 1 }).session(&mut *session).await;
        let mut found = found.map_err(db_error)?;
        while found.advance(&mut *session).await.map_err(db_error)? {
            rows.push(found.current().to_owned());
        }
    }
    rows.sort_by_key(|row| row.get_i64("posted").unwrap_or_default());
    let mut built = Builder::default();
    for row in rows {
        built.add(&entry(&row)?);
        // Long texts take a while, in which the client must answer its server: those it has at hand are many.
        tokio::task::yield_now().await;
    }
    Ok(built.finish())
}

/// What of a message's row is indexed.
fn entry(row: &RawDocument) -> Answer<Entry<'_>> {
    let text = |field: &str| row.get_str(field).map_err(unreadable);
    let posted = row.get_i64("posted").map_err(unreadable)?;
    let created = Timestamp::parse(text("created_at")?).map_err(unreadable)?;
    let files = match row.get("attachments").map_err(unreadable)? {
        Some(RawBsonRef::Array(files)) => !files.is_empty(),
        _ => false,
    };
    let found_by =
        FoundBy { room: text("room_id")?, sender: text("sender_id")?, body: text("body")?, files };
    let deleted = row.get("deleted_at").map_err(unreadable)?.is_some();
    Ok(Entry {
        posted: u64::try_from(posted).map_err(unreadable)?,
        created: created.millis(),
        found_by: (!deleted).then_some(found_by),
    })
}

/// What is written of a block.
async fn parts_of(database: &Database, session: &mut ClientSession, block: u64) -> Answer<Parts> {
    let ids: Vec<i64> = (0..=PARTS).map(|part| key(part, block)).collect();
    let found = index(database).find(doc! { "_id": { "$in": ids } }).session(&mut *session).await;
    let mut found = found.map_err(db_error)?;
    let mut parts = Parts::new();
    while let Some(row) = found.next(&mut *session).await {
        let (id, bytes) = read(row.map_err(db_error)?)?;
        parts.insert(part_in(id), bytes);
    }
    Ok(parts)
}

/// Times a block is looked at that changes while it is.
const LOOKS: usize = 5;

/// Whether a block is what its messages say.
async fn is_right(database: &Database, session: &mut ClientSession, block: u64) -> Answer<bool> {
    for _ in 0..LOOKS {
        let parts = parts_of(database, session, block).await?;
        if made(database, session, block).await? == parts {
            return Ok(true);
        }
    }
    Ok(false)
}

impl MongoStore {
    /// Compares the index of everything behind a checkpoint with the messages.
    pub(super) async fn check(&self, checkpoint: Sequence) -> Answer<IndexCheck> {
        let blocks = complete(checkpoint);
        let mut check = IndexCheck { blocks, differing: Vec::new() };
        let mut session = self.database.client().start_session().await.map_err(db_error)?;
        for block in 0..blocks {
            if !is_right(&self.database, &mut session, block).await? {
                check.differing.push(block);
            }
        }
        Ok(check)
    }

    /// The messages that are found among those of a scope whose events fit, newest first.
    async fn find_in(&self, scope: &Scope, posted: Bson, most: usize) -> Answer<Judged> {
        let rooms: Vec<_> = scope.rooms.iter().collect();
        let filter = doc! { "posted": posted, "room_id": { "$in": texts(&rooms) } };
        let (mut messages, mut judged): (Vec<MessageDoc>, usize) = (Vec::new(), 0);
        for name in BOTH {
            // The server might go through whole rooms otherwise.
            let by_event = Hint::Keys(doc! { "posted": 1, "room_id": 1 });
            let collection = self.database.collection::<Bson>(name);
            let found = collection.find(filter.clone());
            let found = found.sort(doc! { "posted": -1 }).hint(by_event);
            let mut found = found.batch_size(AT_ONCE).await.map_err(db_error)?;
            let mut left = most;
            while left > 0 && found.advance().await.map_err(db_error)? {
                judged += 1;
                if scope.search.finds(&entry(found.current())?) {
                    messages.push(MessageDoc::from_row(found.current())?);
                    left -= 1;
                }
            }
        }
        // One that was archived between the two reads is found in both.
        messages.sort_by_key(|message| std::cmp::Reverse(message.posted));
        messages.dedup_by_key(|message| message.posted);
        messages.truncate(most);
        Ok(Judged { found: messages, judged })
    }
}

#[async_trait]
impl SearchReads for MongoStore {
    async fn index_part(&self, part: u32, blocks: Range<u64>) -> Answer<Vec<(u64, Vec<u8>)>> {
        let range = doc! { "$gte": key(part, blocks.start), "$lt": key(part, blocks.end) };
        let index = index(&self.database);
        let found = index.find(doc! { "_id": range }).sort(doc! { "_id": 1 });
        let mut found = found.batch_size(AT_ONCE).await.map_err(db_error)?;
        let mut parts = Vec::new();
        while found.advance().await.map_err(db_error)? {
            let (id, bytes) = read(found.deserialize_current().map_err(db_error)?)?;
            parts.push((block_in(id), bytes));
        }
        Ok(parts)
    }

    async fn find_between(
        &self,
        scope: &Scope,
        posted: Range<Sequence>,
        most: usize,
    ) -> Answer<Judged> {
        let range = doc! { "$gte": int(posted.start), "$lt": int(posted.end) };
        self.find_in(scope, range, most).await
    }

    async fn find_posted(
        &self,
        scope: &Scope,
        posted: Vec<Sequence>,
        most: usize,
    ) -> Answer<Judged> {
        let events: Vec<i64> = posted.into_iter().map(int).collect();
        self.find_in(scope, doc! { "$in": events }, most).await
    }
}
