//! The zip file of an export as it is written: lists in parts of a bounded size, whatever order their items come in.

use std::collections::BTreeMap;

use blobs::{Archive, Blob, BlobError, BlobName, BlobStore, Paused, PausedArchive};
use decider::{Failure, unavailable};
use schemas::exported::{ExportIndex, ExportedList};
use serde::{Deserialize, Serialize};

use crate::media::store_failed;

/// Bytes of JSON after which a part ends: so much of each list is in memory at most, and an item.
const PART: usize = 1024 * 1024;

/// The lists of an export.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) enum List {
    Sessions,
    Rooms,
    Messages,
    Reactions,
    Blocks,
    Notifications,
    Media,
    History,
    Requests,
}

impl List {
    const ALL: [Self; 9] = [
        Self::Sessions,
        Self::Rooms,
        Self::Messages,
        Self::Reactions,
        Self::Blocks,
        Self::Notifications,
        Self::Media,
        Self::History,
        Self::Requests,
    ];

    /// What its files and its JSON Schema are called.
    const fn name(self) -> &'static str {
        match self {
            Self::Sessions => "sessions",
            Self::Rooms => "rooms",
            Self::Messages => "messages",
            Self::Reactions => "reactions",
            Self::Blocks => "blocks",
            Self::Notifications => "notifications",
            Self::Media => "media",
            Self::History => "history",
            Self::Requests => "requests",
        }
    }
}

/// A list under way.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Section {
    /// The part that is not full yet.
    part: String,
    items: u64,
    /// Parts that were written.
    parts: u32,
}

/// An archive with lists.
pub(super) struct Book {
    archive: Archive,
    sections: BTreeMap<List, Section>,
    files: Vec<ExportedList>,
}

/// A book as far as it is written.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct PausedBook {
    archive: PausedArchive,
    sections: BTreeMap<List, Section>,
    files: Vec<ExportedList>,
}

impl PausedBook {
    /// What is stored of it, to be discarded.
    pub(super) const fn upload(&self) -> &Paused {
        self.archive.upload()
    }
}

fn unwritable(error: &serde_json::Error) -> Failure {
    tracing::error!(%error, "a part of an export cannot be written");
    unavailable("a part of the export cannot be written").into()
}

impl Book {
    pub(super) fn new(archive: Archive) -> Self {
        Self { archive, sections: BTreeMap::new(), files: Vec::new() }
    }

    /// Resumes one that is written in part.
    ///
    /// # Errors
    /// See [`BlobStore::resume`].
    pub(super) async fn resume(
        store: &dyn BlobStore,
        name: BlobName,
        paused: PausedBook,
    ) -> Result<Self, BlobError> {
        let PausedBook { archive, sections, files } = paused;
        Ok(Self { archive: Archive::resume(store, name, archive).await?, sections, files })
    }

    /// All that was written so far, to go on from later.
    pub(super) fn pause(&mut self) -> PausedBook {
        let (sections, files) = (self.sections.clone(), self.files.clone());
        PausedBook { archive: self.archive.pause(), sections, files }
    }

    /// Bytes of its file so far.
    pub(super) const fn bytes(&self) -> u64 {
        self.archive.bytes()
    }

    /// Adds an item to a list.
    pub(super) async fn put<T: Serialize + Sync>(
        &mut self,
        list: List,
        item: &T,
    ) -> Result<(), Failure> {
        let section = self.sections.entry(list).or_default();
        let item = serde_json::to_string(item).map_err(|error| unwritable(&error))?;
        section.add(&item);
        if section.part.len() >= PART {
            self.end_part(list).await?;
        }
        Ok(())
    }

    async fn end_part(&mut self, list: List) -> Result<(), Failure> {
        let (name, section) = (list.name(), self.sections.entry(list).or_default());
        section.parts += 1;
        let path = format!("{name}-{:04}.json", section.parts);
        let (bytes, items) = section.take();
        self.file(path, name, bytes, items).await
    }

    /// Adds a document with a file of its own.
    pub(super) async fn document<T: Serialize + Sync>(
        &mut self,
        name: &str,
        document: &T,
    ) -> Result<(), Failure> {
        let bytes = serde_json::to_vec_pretty(document).map_err(|error| unwritable(&error))?;
        self.file(format!("{name}.json"), name, bytes, 1).await
    }

    /// Adds a text for people.
    pub(super) async fn text(&mut self, path: &str, text: &str) -> Result<(), Failure> {
        let added = self.archive.add(path.to_owned(), text.as_bytes().to_vec()).await;
        added.map_err(|error| store_failed(&error))
    }

    /// Adds a file of the store.
    pub(super) async fn copy(
        &mut self,
        path: String,
        store: &dyn BlobStore,
        file: (&BlobName, &Blob),
    ) -> Result<(), Failure> {
        self.archive.copy(path, store, file).await.map_err(|error| store_failed(&error))
    }

    async fn file(
        &mut self,
        path: String,
        name: &str,
        bytes: Vec<u8>,
        items: u64,
    ) -> Result<(), Failure> {
        let schema = format!("export.{name}");
        self.files.push(ExportedList { path: path.clone(), schema, items });
        self.archive.add(path, bytes).await.map_err(|error| store_failed(&error))
    }

    /// Ends the lists, and adds the index that `index` makes of what there is.
    pub(super) async fn finish(
        mut self,
        index: impl FnOnce(Vec<ExportedList>) -> ExportIndex + Send,
    ) -> Result<Blob, Failure> {
        for list in List::ALL {
            let section = self.sections.entry(list).or_default();
            // A list without items has a file, too.
            if section.items > 0 || section.parts == 0 {
                self.end_part(list).await?;
            }
        }
        let index = index(std::mem::take(&mut self.files));
        self.document("index", &index).await?;
        self.archive.finish().await.map_err(|error| store_failed(&error))
    }
}

impl Section {
    fn add(&mut self, item: &str) {
        self.part.push_str(if self.items == 0 { "{\"items\":[\n" } else { ",\n" });
        self.part.push_str(item);
        self.items += 1;
    }

    /// The part, ended, and how many items it has.
    fn take(&mut self) -> (Vec<u8>, u64) {
        if self.items == 0 {
            self.part.push_str("{\"items\":[");
        }
        self.part.push_str("\n]}\n");
        (std::mem::take(&mut self.part).into_bytes(), std::mem::take(&mut self.items))
    }
}

#[cfg(test)]
mod tests {
    use schemas::exported::ExportPart;

    use super::*;

    fn part(items: &[u32]) -> (Vec<u32>, u64) {
        let mut section = Section::default();
        for item in items {
            section.add(&item.to_string());
        }
        let (bytes, count) = section.take();
        let part: ExportPart<u32> = serde_json::from_slice(&bytes).unwrap();
        assert_eq!((section.part.len(), section.items), (0, 0), "the next part begins anew");
        (part.items, count)
    }

    #[test]
    fn a_part_is_a_document() {
        assert_eq!(part(&[]), (vec![], 0));
        assert_eq!(part(&[1]), (vec![1], 1));
        assert_eq!(part(&[1, 2, 3]), (vec![1, 2, 3], 3));
    }

    #[test]
    fn every_list_is_described() {
        let published = schemas::published();
        for list in List::ALL {
            assert!(published.contains_key(&format!("export.{}", list.name())), "{list:?}");
        }
    }
}
