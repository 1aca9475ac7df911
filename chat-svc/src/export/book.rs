//! The zip file of an export as it is written: lists in parts of a bounded size, whatever order their items come in.

use std::collections::BTreeMap;

use blobs::{Archive, Blob, BlobName, BlobStore};
use decider::{Failure, unavailable};
use schemas::exported::{ExportIndex, ExportedList};
use serde::Serialize;

use crate::media::store_failed;

/// Bytes of JSON after which a part ends: so much of each list is in memory at most, and an item.
const PART: usize = 1024 * 1024;

/// The lists of an export.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
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
#[derive(Debug, Default)]
struct Section {
    /// The part that is not full yet.
    part: Vec<u8>,
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

fn unwritable(error: &serde_json::Error) -> Failure {
    tracing::error!(%error, "a part of an export cannot be written");
    unavailable("a part of the export cannot be written").into()
}

impl Book {
    pub(super) fn new(archive: Archive) -> Self {
        Self { archive, sections: BTreeMap::new(), files: Vec::new() }
    }

    /// Adds an item to a list.
    pub(super) async fn put<T: Serialize + Sync>(
        &mut self,
        list: List,
        item: &T,
    ) -> Result<(), Failure> {
        let section = self.sections.entry(list).or_default();
        section.begin_item();
        serde_json::to_writer(&mut section.part, item).map_err(|error| unwritable(&error))?;
        section.items += 1;
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
    fn begin_item(&mut self) {
        match self.items {
            0 => self.part.extend_from_slice(b"{\"items\":[\n"),
            _ => self.part.extend_from_slice(b",\n"),
        }
    }

    /// The part, ended, and how many items it has.
    fn take(&mut self) -> (Vec<u8>, u64) {
        if self.items == 0 {
            self.part.extend_from_slice(b"{\"items\":[");
        }
        self.part.extend_from_slice(b"\n]}\n");
        (std::mem::take(&mut self.part), std::mem::take(&mut self.items))
    }
}

#[cfg(test)]
mod tests {
    use schemas::exported::ExportPart;

    use super::*;

    fn part(items: &[u32]) -> (Vec<u32>, u64) {
        let mut section = Section::default();
        for item in items {
            section.begin_item();
            serde_json::to_writer(&mut section.part, item).unwrap();
            section.items += 1;
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
