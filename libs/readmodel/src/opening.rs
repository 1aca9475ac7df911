//! Opening a database, and the generation in it that is live.

use std::sync::Arc;

use schemas::Namespace;

use crate::answers::Answer;
use crate::backend::{Backend, Durability, generation_name, generation_number};
use crate::store::ProjectionStore;
use crate::url::ReadModelUrl;

/// Connects to the database; a folder that is missing is made.
pub(crate) async fn backend(
    url: &ReadModelUrl,
    namespace: &Namespace,
    pages: u64,
) -> Answer<Arc<dyn Backend>> {
    Ok(match url {
        ReadModelUrl::Sqlite(dir) => {
            Arc::new(crate::sqlite::generations::Files::open(dir, namespace, pages).await?)
        }
        ReadModelUrl::Mongo(url) => {
            Arc::new(crate::mongo::generations::Databases::open(url, namespace).await?)
        }
    })
}

/// The live generation, which is made when there is none.
pub(crate) async fn live_or_first(backend: &dyn Backend) -> Answer<Arc<dyn ProjectionStore>> {
    loop {
        if let Some(name) = backend.pointer().await? {
            if let Some(store) = backend.open(&name).await? {
                return Ok(store);
            }
            // The pointer outlived its generation: the data was deleted by hand.
            tracing::warn!(generation = name, "the live generation is gone; creating a new one");
            let store = create_next(backend, Durability::Immediate).await?;
            backend.switch(Some(&name), store.generation()).await?;
        } else {
            let store = create_next(backend, Durability::Immediate).await?;
            if !backend.switch(None, store.generation()).await? {
                // Another process was first; its generation is the live one.
                backend.delete(store.generation()).await?;
            }
        }
    }
}

/// The live generation, if there is one and something has been projected into it; makes nothing.
pub(crate) async fn built(
    url: &ReadModelUrl,
    namespace: &Namespace,
    pages: u64,
) -> Answer<Option<(Arc<dyn Backend>, Arc<dyn ProjectionStore>)>> {
    if matches!(url, ReadModelUrl::Sqlite(dir) if !dir.is_dir()) {
        return Ok(None);
    }
    let backend = backend(url, namespace, pages).await?;
    let Some(name) = backend.pointer().await? else { return Ok(None) };
    let Some(store) = backend.open(&name).await? else { return Ok(None) };
    let begun = store.checkpoint().await?.epoch.is_some();
    Ok(begun.then_some((backend, store)))
}

/// Creates an empty generation under the next number that is free.
pub(crate) async fn create_next(
    backend: &dyn Backend,
    durability: Durability,
) -> Answer<Arc<dyn ProjectionStore>> {
    let names = backend.list().await?;
    let mut number = names.iter().filter_map(|name| generation_number(name)).max().unwrap_or(0);
    loop {
        number += 1;
        if let Some(store) = backend.create(&generation_name(number), durability).await? {
            return Ok(store);
        }
    }
}
