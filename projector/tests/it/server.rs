//! A mongod that takes writes.

use testbed::{Mongo, until};

/// A mongod as a replica set of one, so that transactions work; none where there is no mongod.
pub(crate) async fn mongo() -> Option<Mongo> {
    let server = Mongo::start()?;
    until("mongod takes writes", async || {
        readmodel::initiate_replica_set("127.0.0.1", server.port()).await.ok()
    })
    .await;
    Some(server)
}
