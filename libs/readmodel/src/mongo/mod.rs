//! To be filled in the next commits.
use crate::backend::Backend;
use crate::store::{Answer, ProjectionStore, StoreError};
use async_trait::async_trait;
use schemas::Namespace;
use std::sync::Arc;

#[derive(Debug)]
pub(crate) struct Databases;
impl Databases {
    pub(crate) async fn open(_: &str, _: &Namespace) -> Answer<Self> {
        Err(StoreError::Failed("not built yet".into()))
    }
}
#[async_trait]
impl Backend for Databases {
    async fn pointer(&self) -> Answer<Option<String>> {
        Ok(None)
    }
    async fn switch(&self, _: Option<&str>, _: &str) -> Answer<bool> {
        Ok(false)
    }
    async fn create(&self, _: &str) -> Answer<Option<Arc<dyn ProjectionStore>>> {
        Ok(None)
    }
    async fn open(&self, _: &str) -> Answer<Option<Arc<dyn ProjectionStore>>> {
        Ok(None)
    }
    async fn list(&self) -> Answer<Vec<String>> {
        Ok(vec![])
    }
    fn location(&self, name: &str) -> String {
        name.to_owned()
    }
    async fn delete(&self, _: &str) -> Answer<()> {
        Ok(())
    }
}
