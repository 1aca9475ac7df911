//! A replica set of one, for development and tests.

use std::time::Duration;

use mongodb::Client;
use mongodb::bson::doc;
use mongodb::options::ClientOptions;

use super::rows::{db_error, has_code};
use crate::answers::{Answer, StoreError};

/// Makes a mongod that was started with `--replSet rs0` a replica set of one, unless it is one already, and says
/// whether it takes writes: call it again until it does. For development and tests; operators set up their own.
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
pub(super) mod tests {
    use super::*;

    /// A server that takes writes; none where there is no mongod.
    pub(in super::super) async fn replica_set() -> Option<testbed::Mongo> {
        let server = testbed::Mongo::start()?;
        testbed::until("mongod takes writes", async || {
            initiate_replica_set("127.0.0.1", server.port()).await.ok()
        })
        .await;
        Some(server)
    }
}
