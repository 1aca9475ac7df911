//! One generation's database, and the shapes of query that several nouns use.

use mongodb::Database;
use mongodb::bson::{Document as Bson, doc};

use super::kept::Kept;
use super::query::find;
use super::writer::Writer;
use crate::answers::{Answer, Changes, MAX_CHANGES, MAX_ITEMS, Slice};

/// A generation in a MongoDB database.
#[derive(Debug)]
pub(super) struct MongoStore {
    pub(super) name: String,
    pub(super) database: Database,
    /// Where it is written which generations are complete.
    pub(super) entries: mongodb::Collection<Bson>,
    pub(super) writer: Writer,
}

impl MongoStore {
    /// A generation that may be sealed.
    pub(super) fn new(
        name: &str,
        database: Database,
        entries: mongodb::Collection<Bson>,
        writer: Writer,
    ) -> Self {
        Self { name: name.to_owned(), database, entries, writer }
    }

    /// A part of a list, of at most `limit` items.
    pub(super) async fn slice<T: Kept>(
        &self,
        filter: Bson,
        sort: Bson,
        limit: usize,
    ) -> Answer<Slice<T>> {
        let limit = limit.clamp(1, MAX_ITEMS);
        Ok(Slice::cut(find(&self.database, filter, sort, limit + 1).await?, limit))
    }

    /// At most `limit` changes, in the order of `field`.
    pub(super) async fn changes<T: Kept>(
        &self,
        filter: Bson,
        field: &str,
        limit: usize,
    ) -> Answer<Changes<T>> {
        let limit = limit.clamp(1, MAX_CHANGES);
        let found = find(&self.database, filter, doc! { field: 1 }, limit + 1).await?;
        Ok(Changes::cut(found, limit))
    }
}
