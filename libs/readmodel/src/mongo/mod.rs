//! Generations as MongoDB databases: `<ns>_g<n>`, with `<ns>_meta` pointing at the live one.
//!
//! Documents are plain BSON, readable and queryable with `mongosh`; what is only there to be searched by
//! stands in fields that begin with an underscore. Commits are transactions, so the server must be a
//! replica set (of one, at least).

mod counts;
mod inbox;
mod indexes;
mod projection;
mod query;
mod rows;
mod store;
mod write;
mod writer;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use mongodb::bson::{Document, doc};
use mongodb::options::{ClientOptions, ReadConcern, WriteConcern};
use mongodb::{Client, Collection, Database};
use schemas::Namespace;

use crate::backend::{Backend, Care, LAYOUT, generation_number};
use crate::store::{Answer, ProjectionStore, StoreError};
use rows::{db_error, has_code, unreadable};
use store::MongoStore;

/// How long a server is looked for before the read model counts as unavailable.
const SELECTION: Duration = Duration::from_secs(5);
/// MongoDB's code for an insert of a key that is there already.
const DUPLICATE_KEY: i32 = 11000;

/// The databases of one namespace.
#[derive(Debug, Clone)]
pub(crate) struct Databases {
    client: Client,
    namespace: Namespace,
}

impl Databases {
    /// Connects and makes sure that the server can do transactions.
    pub(crate) async fn open(url: &str, namespace: &Namespace) -> Answer<Self> {
        let mut options = ClientOptions::parse(url).await.map_err(db_error)?;
        options.app_name = Some(format!("tidings {namespace}"));
        options.server_selection_timeout.get_or_insert(SELECTION);
        options.write_concern = Some(WriteConcern::majority());
        // A checkpoint that a crash or an election could take back must not be seen: whoever waits for a
        // position would be told that it is there.
        options.read_concern = Some(ReadConcern::majority());
        let client = Client::with_options(options).map_err(db_error)?;
        let hello = client.database("admin").run_command(doc! { "hello": 1 }).await;
        let hello = hello.map_err(db_error)?;
        if !hello.contains_key("setName") && hello.get_str("msg").ok() != Some("isdbgrid") {
            let why =
                "MongoDB must be a replica set (one member is enough): start it with --replSet";
            return Err(StoreError::Failed(why.into()));
        }
        Ok(Self { client, namespace: namespace.clone() })
    }

    fn database_name(&self, name: &str) -> String {
        match generation_number(name) {
            Some(number) => format!("{}_g{number}", self.namespace),
            None => format!("{}_{name}", self.namespace),
        }
    }

    fn database(&self, name: &str) -> Database {
        self.client.database(&self.database_name(name))
    }

    fn meta(&self, collection: &str) -> Collection<Document> {
        self.client.database(&format!("{}_meta", self.namespace)).collection(collection)
    }
}

#[async_trait]
impl Backend for Databases {
    async fn pointer(&self) -> Answer<Option<String>> {
        let found = self.meta("pointer").find_one(doc! { "_id": "current" }).await;
        let Some(pointer) = found.map_err(db_error)? else { return Ok(None) };
        if pointer.get_i64("layout").ok() != Some(i64::from(LAYOUT)) {
            tracing::warn!(layout.wanted = LAYOUT, "another layout of the read model");
            return Ok(None);
        }
        Ok(Some(pointer.get_str("generation").map_err(unreadable)?.to_owned()))
    }

    async fn switch(&self, from: Option<&str>, to: &str) -> Answer<bool> {
        if self.pointer().await?.as_deref() != from {
            return Ok(false);
        }
        let layout = i64::from(LAYOUT);
        let set = doc! { "$set": { "layout": layout, "generation": to } };
        let filter = match from {
            Some(from) => doc! { "_id": "current", "layout": layout, "generation": from },
            // None at all, or one of another layout; when another process has just put one, the upsert
            // finds no match and runs into the key.
            None => doc! { "_id": "current", "layout": { "$ne": layout } },
        };
        let done = self.meta("pointer").update_one(filter, set).upsert(from.is_none()).await;
        match done {
            Ok(done) => Ok(done.matched_count == 1 || done.upserted_id.is_some()),
            Err(error) if has_code(&error, DUPLICATE_KEY) => Ok(false),
            Err(error) => Err(db_error(error)),
        }
    }

    async fn create(&self, name: &str, care: Care) -> Answer<Option<Arc<dyn ProjectionStore>>> {
        let entry = doc! { "_id": name, "layout": i64::from(LAYOUT), "ready": false };
        let entries = self.meta("generations");
        match entries.insert_one(entry).await {
            Ok(_) => {}
            Err(error) if has_code(&error, DUPLICATE_KEY) => return Ok(None),
            Err(error) => return Err(db_error(error)),
        }
        let database = self.database(name);
        // What a deletion that was cut short has left.
        database.drop().await.map_err(db_error)?;
        indexes::create(&database).await.map_err(db_error)?;
        let store = MongoStore::new(name, database, entries);
        if care == Care::FromTheStart {
            store.seal().await?;
        }
        Ok(Some(Arc::new(store)))
    }

    async fn open(&self, name: &str) -> Answer<Option<Arc<dyn ProjectionStore>>> {
        let wanted = doc! { "_id": name, "layout": i64::from(LAYOUT), "ready": true };
        let found = self.meta("generations").find_one(wanted).await.map_err(db_error)?;
        Ok(found.map(|_| -> Arc<dyn ProjectionStore> {
            Arc::new(MongoStore::new(name, self.database(name), self.meta("generations")))
        }))
    }

    async fn list(&self) -> Answer<Vec<String>> {
        let names = self.meta("generations").distinct("_id", doc! {}).await.map_err(db_error)?;
        let mut names: Vec<String> =
            names.iter().filter_map(|name| name.as_str().map(str::to_owned)).collect();
        names.sort();
        Ok(names)
    }

    fn location(&self, name: &str) -> String {
        self.database_name(name)
    }

    async fn delete(&self, name: &str) -> Answer<()> {
        self.database(name).drop().await.map_err(db_error)?;
        self.meta("generations").delete_one(doc! { "_id": name }).await.map_err(db_error)?;
        Ok(())
    }
}

/// Makes a mongod that was started with `--replSet rs0` a replica set of one, if it is not yet, and says
/// whether it takes writes: call again until it does. For development and tests; an operator's replica
/// set is the operator's.
///
/// # Errors
/// [`StoreError::Unavailable`] while the server does not answer or is not primary.
pub async fn initiate_replica_set(host: &str, port: u16) -> Answer<()> {
    const ALREADY_INITIALIZED: i32 = 23;
    let url = format!("mongodb://{host}:{port}/?directConnection=true");
    let mut options = ClientOptions::parse(url).await.map_err(db_error)?;
    options.server_selection_timeout = Some(Duration::from_millis(500));
    let client = Client::with_options(options).map_err(db_error)?;
    let admin = client.database("admin");
    let member = doc! { "_id": 0, "host": format!("{host}:{port}") };
    let config = doc! { "_id": "rs0", "members": [member] };
    match admin.run_command(doc! { "replSetInitiate": config }).await {
        Ok(_) => {}
        Err(error) if has_code(&error, ALREADY_INITIALIZED) => {}
        Err(error) => return Err(db_error(error)),
    }
    let hello = admin.run_command(doc! { "hello": 1 }).await.map_err(db_error)?;
    let primary = hello.get_bool("isWritablePrimary").unwrap_or(false);
    client.shutdown().await;
    if primary { Ok(()) } else { Err(StoreError::Unavailable("not primary yet".into())) }
}

#[cfg(test)]
mod tests {
    use schemas::Epoch;

    use super::*;
    use crate::{ReadModel, ReadModelUrl};

    /// A server that takes writes; none where there is no mongod.
    pub(super) async fn replica_set() -> Option<testbed::Mongo> {
        let server = testbed::Mongo::start()?;
        testbed::until("mongod takes writes", async || {
            initiate_replica_set("127.0.0.1", server.port()).await.ok()
        })
        .await;
        Some(server)
    }

    /// Holds up, or lets go on, what takes note that writes would survive a crash.
    async fn writes_become_safe(admin: &Database, yes: bool) {
        let mode = if yes { "off" } else { "alwaysOn" };
        let command = doc! { "configureFailPoint": "disableSnapshotting", "mode": mode };
        admin.run_command(command).await.unwrap();
    }

    #[tokio::test]
    async fn what_a_crash_could_take_back_is_not_seen() {
        let Some(server) = replica_set().await else { return };
        let namespace = Namespace::parse("durable").unwrap();
        let model = ReadModel::open(&ReadModelUrl::Mongo(server.url()), &namespace).await.unwrap();
        let store = model.writer();
        let epoch = Epoch::parse("e1").unwrap();
        store.commit(0, epoch.at(1), Vec::new()).await.unwrap();

        let rash = Client::with_uri_str(server.url()).await.unwrap();
        let admin = rash.database("admin");
        writes_become_safe(&admin, false).await;
        let writing = tokio::spawn({
            let (store, epoch) = (Arc::clone(&store), epoch.clone());
            async move { store.commit(1, epoch.at(2), Vec::new()).await }
        });
        let databases = Databases::open(&server.url(), &namespace).await.unwrap();
        let checkpoints = rash
            .database(&databases.database_name(&model.generation()))
            .collection::<Document>(indexes::CHECKPOINT);
        testbed::until("the write is there and could be lost", async || {
            let found = checkpoints.find_one(doc! { "people": 2_i64 }).await.unwrap();
            found.map(|_| ())
        })
        .await;
        assert!(!writing.is_finished());
        assert_eq!(store.checkpoint().await.unwrap().sequence, 1);
        writes_become_safe(&admin, true).await;
        // The next write makes the server look; of itself it does so every ten seconds.
        rash.database("other").collection("any").insert_one(doc! {}).await.unwrap();
        writing.await.unwrap().unwrap();
        assert_eq!(store.checkpoint().await.unwrap().sequence, 2);
    }
}
