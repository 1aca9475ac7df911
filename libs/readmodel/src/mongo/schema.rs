//! All collections and indexes of a generation's database. Each noun's indexes stand in its own file.

use mongodb::Database;
use mongodb::bson::Document as Bson;

use super::checkpoint;
use super::index;
use super::kept::Kept;
use crate::documents;

macro_rules! each_noun {
    ($(
        $table:ident: $collection:ident of $noun:ident($doc:ident) $(, key $key:tt)?, group $group:ident,
        cache 1/$share:literal $(, reads $reads:ident)?;
    )*) => {
        /// Creates in an empty database what the projector needs. Collections must exist before a transaction writes
        /// to them.
        pub(super) async fn create(database: &Database) -> mongodb::error::Result<()> {
            $(create_collection::<documents::$doc>(database).await?;)*
            database.create_collection(index::COLLECTION).await?;
            checkpoint::begin(database).await
        }

        /// Creates the indexes that only queries need; those that exist already stay. Over documents that are there
        /// already it is many times cheaper than with every document that comes.
        pub(super) async fn complete(database: &Database) -> mongodb::error::Result<()> {
            $(complete_collection::<documents::$doc>(database).await?;)*
            Ok(())
        }
    };
}

crate::documents!(each_noun);

async fn create_collection<T: Kept>(database: &Database) -> mongodb::error::Result<()> {
    for name in names_of::<T>() {
        database.create_collection(name).await?;
        if let Some(index) = T::index_to_project() {
            database.collection::<Bson>(name).create_index(index).await?;
        }
    }
    Ok(())
}

async fn complete_collection<T: Kept>(database: &Database) -> mongodb::error::Result<()> {
    for name in names_of::<T>() {
        let indexes = T::indexes();
        if !indexes.is_empty() {
            database.collection::<Bson>(name).create_indexes(indexes).await?;
        }
    }
    Ok(())
}

/// The collection of a noun, and those of what lies apart.
fn names_of<T: Kept>() -> impl Iterator<Item = &'static str> {
    std::iter::once(T::COLLECTION.as_str()).chain(T::APART.iter().copied())
}
