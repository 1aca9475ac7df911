//! What a verification finds.

use readmodel::{Collection, Group, IndexCheck, Key};
use schemas::{Position, Sequence};

/// Differences described one by one; more are only counted.
const DESCRIBED: usize = 100;

/// How a document of the live generation differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DifferenceKind {
    /// It should be there.
    Missing,
    /// It should not be there.
    Unexpected,
    /// These of its fields are wrong.
    Changed(Vec<String>),
}

/// A document that is not what the log says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The collection the document is kept in.
    pub collection: Collection,
    /// The document's key as text.
    pub key: String,
    /// How the document differs.
    pub kind: DifferenceKind,
}

/// How many documents a collection has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CollectionCount {
    /// The collection that was compared.
    pub collection: Collection,
    /// The number of documents that were compared.
    pub documents: u64,
    /// The number of documents that differ.
    pub differing: u64,
}

/// A group of which not everything could be compared: beyond an event that cannot be applied, it is unknown what its
/// documents should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unverified {
    /// The group that was not fully compared.
    pub group: Group,
    /// The last event that was compared; the group stands before the next.
    pub through: Sequence,
    /// Why the event cannot be applied.
    pub reason: String,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// The generation that was compared.
    pub generation: String,
    /// The last position that was compared.
    pub position: Position,
    /// The counts of each collection.
    pub collections: Vec<CollectionCount>,
    /// The first 100 differences.
    pub differences: Vec<Difference>,
    /// Whether the index of messages is what the live generation's messages say.
    pub index: IndexCheck,
    /// The groups that could not be fully compared, as an event of the log cannot be read or applied.
    pub unverified: Vec<Unverified>,
}

impl Verified {
    /// Whether the live generation is all that the log says.
    #[must_use]
    pub fn clean(&self) -> bool {
        self.matching() && self.unverified.is_empty()
    }

    /// Whether what could be compared is what the log says.
    #[must_use]
    pub fn matching(&self) -> bool {
        self.index.differing.is_empty()
            && self.collections.iter().all(|collection| collection.differing == 0)
    }
}

/// What has been found so far.
#[derive(Default)]
pub(super) struct Report {
    pub(super) collections: Vec<CollectionCount>,
    pub(super) differences: Vec<Difference>,
    /// Documents compared so far, in all collections.
    pub(super) compared: u64,
}

impl Report {
    /// Notes a document of the collection begun last that differs.
    pub(super) fn differs(&mut self, key: &Key, kind: DifferenceKind) {
        if let Some(count) = self.collections.last_mut() {
            count.differing += 1;
        }
        if self.differences.len() < DESCRIBED {
            let collection = key.collection();
            self.differences.push(Difference { collection, key: key.to_string(), kind });
        }
    }
}
