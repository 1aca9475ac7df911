//! Generations as MongoDB databases: `<ns>_g<n>`, with `<ns>_meta` pointing at the live one.
//!
//! Commits are transactions, so the server must be a replica set (of one, at least).

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use mongodb::bson::{Document as Bson, doc};
use mongodb::options::{ClientOptions, ReadConcern, WriteConcern};
use mongodb::{Client, Collection, Database};
use schemas::Namespace;

use super::rows::{db_error, has_code, unreadable};
use super::schema;
use super::side::SideDatabase;
use super::store::MongoStore;
use super::writer::Writer;
use crate::answers::{Answer, StoreError};
use crate::backend::{Backend, Durability, generation_number};
use crate::documents::LAYOUT;
use crate::side::{SIDE, SideStore};
use crate::store::ProjectionStore;

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
    /// Connects and makes sure that the server supports transactions.
    pub(crate) async fn open(url: &str, namespace: &Namespace) -> Answer<Self> {
        let mut options = ClientOptions::parse(url).await.map_err(db_error)?;
        options.app_name = Some(format!("tidings {namespace}"));
        options.server_selection_timeout.get_or_insert(SELECTION);
        options.write_concern = Some(WriteConcern::majority());
        // A checkpoint that a crash or an election could take back must not be seen: a client that waits for a
        // position would be answered that it is there.
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

    fn meta(&self, collection: &str) -> Collection<Bson> {
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
            // There is no pointer, or one of another layout. When another process has just written one, the upsert
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

    async fn create(
        &self,
        name: &str,
        durability: Durability,
    ) -> Answer<Option<Arc<dyn ProjectionStore>>> {
        let entry = doc! { "_id": name, "layout": i64::from(LAYOUT), "ready": false };
        let entries = self.meta("generations");
        match entries.insert_one(entry).await {
            Ok(_) => {}
            Err(error) if has_code(&error, DUPLICATE_KEY) => return Ok(None),
            Err(error) => return Err(db_error(error)),
        }
        let database = self.database(name);
        // What an interrupted deletion has left.
        database.drop().await.map_err(db_error)?;
        schema::create(&database).await.map_err(db_error)?;
        let store = MongoStore::new(name, database, entries, Writer::default());
        if durability == Durability::Immediate {
            store.seal().await?;
        }
        Ok(Some(Arc::new(store)))
    }

    async fn open(&self, name: &str) -> Answer<Option<Arc<dyn ProjectionStore>>> {
        let wanted = doc! { "_id": name, "layout": i64::from(LAYOUT), "ready": true };
        let found = self.meta("generations").find_one(wanted).await.map_err(db_error)?;
        Ok(found.map(|_| -> Arc<dyn ProjectionStore> {
            let (database, entries) = (self.database(name), self.meta("generations"));
            Arc::new(MongoStore::new(name, database, entries, Writer::of_sealed()))
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

    async fn side(&self) -> Answer<Arc<dyn SideStore>> {
        let database = self.database(SIDE);
        Ok(Arc::new(SideDatabase::open(self.client.clone(), &database).await?))
    }

    async fn delete(&self, name: &str) -> Answer<()> {
        self.database(name).drop().await.map_err(db_error)?;
        self.meta("generations").delete_one(doc! { "_id": name }).await.map_err(db_error)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use schemas::Epoch;

    use super::super::checkpoint;
    use super::super::replica_set::tests::replica_set;
    use super::*;
    use crate::{CommitError, ReadModel, ReadModelUrl};

    /// Lets the server note that writes would survive a crash, or keeps it from doing so.
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
            let (store, epoch) = (Arc::clone(&store), epoch);
            async move { store.commit(1, epoch.at(2), Vec::new()).await }
        });
        let databases = Databases::open(&server.url(), &namespace).await.unwrap();
        let checkpoints = rash
            .database(&databases.database_name(&model.generation()))
            .collection::<Bson>(checkpoint::COLLECTION);
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

    /// Leaves a transaction open that has moved the checkpoint, as a process does that is killed.
    async fn dies_within_a_transaction(database: &Database) {
        let writer = Writer::default();
        let mut session = writer.session(database).await.unwrap();
        session.start_transaction().await.unwrap();
        let moved = doc! { "$set": { "people": 7_i64 } };
        let checkpoints = database.collection::<Bson>(checkpoint::COLLECTION);
        checkpoints.update_one(doc! {}, moved).session(&mut session).await.unwrap();
        // Dropping it would abort the transaction.
        std::mem::forget(session);
    }

    #[tokio::test]
    async fn a_dead_writers_transaction_is_ended_by_its_successor() {
        let Some(server) = replica_set().await else { return };
        let namespace = Namespace::parse("writers").unwrap();
        let url = ReadModelUrl::Mongo(server.url());
        let model = ReadModel::open(&url, &namespace).await.unwrap();
        let databases = Databases::open(&server.url(), &namespace).await.unwrap();
        dies_within_a_transaction(&databases.database(&model.generation())).await;

        let store = model.writer();
        let next = Epoch::parse("e1").unwrap().at(3);
        let first = store.commit(0, next, Vec::new()).await;
        assert!(
            matches!(first, Err(CommitError::Fenced)),
            "a living writer is left alone: {first:?}"
        );
        // It stood still: the successor's second try.
        store.commit(0, next, Vec::new()).await.unwrap();
        assert_eq!(store.checkpoint().await.unwrap().sequence, 3);
        let next = Epoch::parse("e1").unwrap().at(4);
        store.commit(3, next, Vec::new()).await.unwrap();
    }
}
