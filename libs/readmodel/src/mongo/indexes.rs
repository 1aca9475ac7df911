//! Collections and indexes of a generation's database.

use mongodb::bson::{Document, doc};
use mongodb::options::IndexOptions;
use mongodb::{Database, IndexModel};

use crate::docs::Collection;

/// The collection of the checkpoint.
pub(super) const CHECKPOINT: &str = "checkpoint";
/// The key of its one document.
pub(super) const CHECKPOINT_ID: &str = "checkpoint";

/// Fills an empty database with what the projector needs. Collections must exist before a transaction writes
/// to them.
pub(super) async fn create(database: &Database) -> mongodb::error::Result<()> {
    for collection in Collection::ALL {
        database.create_collection(collection.as_str()).await?;
    }
    let messages = database.collection::<Document>(Collection::Messages.as_str());
    messages.create_index(by_client_id()).await?;
    let start = doc! {
        "_id": CHECKPOINT_ID, "epoch": null, "conversations": 0_i64, "people": 0_i64, "inbox": 0_i64,
        "retired": false,
    };
    database.collection(CHECKPOINT).insert_one(start).await?;
    Ok(())
}

/// Makes the indexes that only queries need; those that are there already stay. Over what is there it is many
/// times cheaper than with every document that comes.
pub(super) async fn complete(database: &Database) -> mongodb::error::Result<()> {
    for collection in Collection::ALL {
        let indexes = indexes(collection);
        if !indexes.is_empty() {
            let made = database.collection::<Document>(collection.as_str());
            made.create_indexes(indexes).await?;
        }
    }
    Ok(())
}

/// By which the projector recognises a repeated message.
fn by_client_id() -> IndexModel {
    partial(doc! { "_client": 1 }, doc! { "_client": { "$exists": true } })
}

fn index(keys: Document) -> IndexModel {
    IndexModel::builder().keys(keys).build()
}

/// An index of the documents in which a field has a value that matters.
fn partial(keys: Document, of: Document) -> IndexModel {
    let options = IndexOptions::builder().partial_filter_expression(of).build();
    IndexModel::builder().keys(keys).options(options).build()
}

fn indexes(collection: Collection) -> Vec<IndexModel> {
    match collection {
        Collection::Users => vec![
            index(doc! { "state.username": 1 }),
            index(doc! { "_words": 1 }),
            index(doc! { "updated": 1 }),
        ],
        Collection::Rooms => {
            let public = || doc! { "_name": { "$gte": "" } };
            vec![
                partial(doc! { "_name": 1, "_id": 1 }, public()),
                partial(doc! { "_words": 1 }, public()),
            ]
        }
        Collection::Memberships => vec![
            index(doc! { "room_id": 1, "user_id": 1 }),
            index(doc! { "user_id": 1, "changed": 1 }),
            index(doc! { "room_id": 1, "changed": 1 }),
            partial(
                doc! { "room_id": 1, "marker_updated": 1 },
                doc! { "marker_updated": { "$gt": 0 } },
            ),
        ],
        Collection::Messages => vec![
            index(doc! { "room_id": 1, "number": 1 }),
            index(doc! { "room_id": 1, "updated": 1 }),
            partial(
                doc! { "thread_root_id": 1, "number": 1 },
                doc! { "thread_root_id": { "$exists": true } },
            ),
            partial(
                doc! { "room_id": 1, "_named": 1, "main_number": 1 },
                doc! { "_named": { "$exists": true } },
            ),
            partial(doc! { "room_id": 1, "_gone": 1 }, doc! { "_gone": { "$gt": 0 } }),
        ],
        Collection::Notifications => vec![
            partial(doc! { "user_id": 1, "created": -1 }, doc! { "_listed": true }),
            partial(doc! { "user_id": 1, "room_id": 1, "created": 1 }, doc! { "_unread": true }),
            partial(doc! { "user_id": 1, "_unread": 1, "created": -1 }, doc! { "_unread": true }),
            index(doc! { "user_id": 1, "updated": 1 }),
            partial(
                doc! { "message_id": 1, "user_id": 1 },
                doc! { "message_id": { "$exists": true } },
            ),
        ],
        Collection::Inboxes | Collection::Site => Vec::new(),
    }
}
