//! Walking through a collection.

use std::collections::VecDeque;
use std::sync::Arc;

use readmodel::{Collection, Document, Key, ProjectionStore};

use crate::error::ProjectError;

/// Documents read at once.
pub(super) const PAGE: usize = 1000;

/// One collection of one generation, page by page.
pub(super) struct Walk {
    store: Arc<dyn ProjectionStore>,
    collection: Collection,
    page: VecDeque<Document>,
    after: Option<Key>,
    ended: bool,
}

impl Walk {
    pub(super) fn new(store: &Arc<dyn ProjectionStore>, collection: Collection) -> Self {
        let store = Arc::clone(store);
        Self { store, collection, page: VecDeque::new(), after: None, ended: false }
    }

    /// The key of the next document; none at the end.
    pub(super) async fn front(&mut self) -> Result<Option<Key>, ProjectError> {
        if self.page.is_empty() && !self.ended {
            let page = self.store.scan(self.collection, self.after, PAGE).await?;
            self.ended = page.len() < PAGE;
            self.after = page.last().map(Document::key).or(self.after);
            self.page = page.into();
        }
        Ok(self.page.front().map(Document::key))
    }

    /// The next document, if it is the one of this key.
    pub(super) fn take(&mut self, key: &Key) -> Option<Document> {
        if self.page.front().is_some_and(|doc| doc.key() == *key) {
            self.page.pop_front()
        } else {
            None
        }
    }
}
