//! All collections and indexes of a generation's database. Each noun's indexes stand in its own file.

use mongodb::bson::Document as Bson;
use mongodb::{Database, IndexModel};

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
            $(create_collections(database, &names_of::<documents::$doc>(), documents::$doc::index_to_project).await?;)*
            database.create_collection(index::COLLECTION).await?;
            checkpoint::begin(database).await
        }

        /// Creates the indexes that only queries need; those that exist already stay. Over documents that are there
        /// already it is many times cheaper than with every document that comes.
        pub(super) async fn complete(database: &Database) -> mongodb::error::Result<()> {
            $(complete_collections(database, &names_of::<documents::$doc>(), documents::$doc::indexes).await?;)*
            Ok(())
        }
    };
}

crate::documents!(each_noun);

async fn create_collections(
    database: &Database,
    names: &[&'static str],
    index: fn() -> Option<IndexModel>,
) -> mongodb::error::Result<()> {
    for name in names {
        database.create_collection(*name).await?;
        if let Some(index) = index() {
            database.collection::<Bson>(name).create_index(index).await?;
        }
    }
    Ok(())
}

async fn complete_collections(
    database: &Database,
    names: &[&'static str],
    indexes: fn() -> Vec<IndexModel>,
) -> mongodb::error::Result<()> {
    for name in names {
        let indexes = indexes();
        if !indexes.is_empty() {
            database.collection::<Bson>(name).create_indexes(indexes).await?;
        }
    }
    Ok(())
}

/// The collection of a noun, and those of what lies apart.
fn names_of<T: Kept>() -> Vec<&'static str> {
    std::iter::once(T::COLLECTION.as_str()).chain(T::APART.iter().copied()).collect()
}
