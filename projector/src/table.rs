//! Documents of one kind in memory: loaded, known to be missing, or changed.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;

use foldhash::fast::RandomState;
use readmodel::Document;
use readmodel::documents::Stored;

/// A view touched a document its `needs` did not name. A bug; the event is not applied.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a view touched {0}, which was not loaded")]
pub(crate) struct NotLoaded(pub(crate) String);

/// Documents of one kind by key.
#[derive(Debug)]
pub(crate) struct Table<K, T> {
    slots: HashMap<K, Slot<T>, RandomState>,
    changed: Vec<K>,
    /// What stores are to delete.
    gone: Vec<Arc<T>>,
    turn: u64,
}

#[derive(Debug)]
struct Slot<T> {
    doc: Option<Arc<T>>,
    changed: bool,
    /// The last batch that loaded or changed it.
    turn: u64,
}

impl<K, T> Default for Table<K, T> {
    fn default() -> Self {
        Self { slots: HashMap::default(), changed: Vec::new(), gone: Vec::new(), turn: 0 }
    }
}

impl<K: Hash + Eq + Copy + std::fmt::Debug, T: Stored> Table<K, T> {
    /// Whether the document, or its absence, is known.
    pub(crate) fn knows(&self, key: &K) -> bool {
        self.slots.contains_key(key)
    }

    /// Takes what the store holds under a key, unless more is known here.
    pub(crate) fn learn(&mut self, key: K, doc: Option<Arc<T>>) {
        let turn = self.turn;
        self.slots.entry(key).or_insert(Slot { doc, changed: false, turn });
    }

    /// A document to read; none when it does not exist.
    pub(crate) fn get(&self, key: &K) -> Result<Option<&T>, NotLoaded> {
        match self.slots.get(key) {
            Some(slot) => Ok(slot.doc.as_deref()),
            None => Err(NotLoaded(format!("{key:?}"))),
        }
    }

    /// A document to change; none when it does not exist.
    pub(crate) fn change(&mut self, key: &K) -> Result<Option<&mut T>, NotLoaded> {
        let Some(slot) = self.slots.get_mut(key) else {
            return Err(NotLoaded(format!("{key:?}")));
        };
        if slot.doc.is_some() && !slot.changed {
            slot.changed = true;
            slot.turn = self.turn;
            self.changed.push(*key);
        }
        Ok(slot.doc.as_mut().map(Arc::make_mut))
    }

    /// Puts a document in place.
    pub(crate) fn put(&mut self, key: &K, doc: T) {
        let doc = Some(Arc::new(doc));
        let turn = self.turn;
        match self.slots.get_mut(key) {
            Some(slot) => {
                slot.doc = doc;
                slot.turn = turn;
                if std::mem::replace(&mut slot.changed, true) {
                    return;
                }
            }
            None => {
                self.slots.insert(*key, Slot { doc, changed: true, turn });
            }
        }
        self.changed.push(*key);
    }

    /// Removes a document, if there is one: what a person left who is erased.
    pub(crate) fn remove(&mut self, key: &K) -> Result<(), NotLoaded> {
        let Some(slot) = self.slots.get_mut(key) else {
            return Err(NotLoaded(format!("{key:?}")));
        };
        if let Some(doc) = slot.doc.take() {
            slot.turn = self.turn;
            self.gone.push(doc);
        }
        Ok(())
    }

    /// Hands over the changed documents, which count as unchanged from now on.
    pub(crate) fn take_changed(&mut self, into: &mut Vec<Document>) {
        into.reserve(self.gone.len() + self.changed.len());
        // First: a document may have come back since.
        into.extend(self.gone.drain(..).map(|doc| T::into_document(Arc::new(doc.gone()))));
        for key in self.changed.drain(..) {
            if let Some(slot) = self.slots.get_mut(&key) {
                slot.changed = false;
                into.extend(slot.doc.clone().map(T::into_document));
            }
        }
    }

    /// Ends a batch: when there are more than `kept` documents, those it did not touch are forgotten. What it has
    /// changed may not be in the store yet.
    pub(crate) fn turn(&mut self, kept: usize) {
        if self.slots.len() > kept {
            let turn = self.turn;
            self.slots.retain(|_, slot| slot.turn == turn);
        }
        self.turn += 1;
    }
}
