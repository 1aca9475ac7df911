//! Copying streams into the folder of a backup, while writers go on.

use std::collections::BTreeMap;
use std::path::Path;

use eventlog::{EventLog, Extent};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use schemas::Sequence;
use tokio::fs::OpenOptions;
use tokio::io::BufWriter;

use super::backup_folder::{
    Part, cannot, copying, description_path, messages_path, stream_path, write_json,
};
use super::file_sum::{FileSum, Summed};
use super::messages_file::MessagesWriter;
use crate::data::make_private;
use crate::failure::Failure;
use crate::terminal::bytes_bar;

/// Pieces of files fetched at the same time.
const AT_ONCE: usize = 16;

/// A backup that is being made.
pub(super) struct Copying<'a> {
    pub(super) log: &'a EventLog,
    pub(super) folder: &'a Path,
    /// The files that were made, by their paths in the folder.
    pub(super) files: BTreeMap<String, FileSum>,
    /// The streams of which only what is new was copied.
    pub(super) parts: BTreeMap<String, Part>,
    /// Messages copied.
    pub(super) messages: u64,
}

impl Copying<'_> {
    /// Copies a whole stream.
    ///
    /// # Errors
    /// The server does not hand it out, or a file cannot be written.
    pub(super) async fn whole(&mut self, stream: &str) -> Result<(), Failure> {
        let file = self.make_room(&stream_path(stream))?;
        let made = OpenOptions::new().create_new(true).write(true).mode(0o600).open(&file).await;
        let mut sink = Summed::new(BufWriter::new(made.map_err(cannot("cannot make", &file))?));
        let bar = bytes_bar(stream);
        let snapshot = self
            .log
            .snapshot(stream, &mut sink, |bytes| bar.set_position(bytes))
            .await
            .map_err(|error| copying(stream, &error))?;
        let (sink, sum) = sink.done();
        sink.get_ref().sync_all().await.map_err(cannot("cannot write", &file))?;
        self.files.insert(stream_path(stream), sum);
        let description = description_path(stream);
        let sum = write_json(&self.folder.join(&description), &snapshot)?;
        self.files.insert(description, sum);
        self.messages += snapshot.messages();
        bar.finish_and_clear();
        Ok(())
    }

    /// Copies the events after a place.
    ///
    /// # Errors
    /// The log is damaged or cannot be read, or a file cannot be written.
    pub(super) async fn events(&mut self, stream: &str, after: Sequence) -> Result<(), Failure> {
        let file = self.make_room(&messages_path(stream))?;
        let mut sink = MessagesWriter::create(&file).await.map_err(cannot("cannot make", &file))?;
        let failed = |error| copying(stream, &error);
        let mut newer = self.log.newer_than(after).await.map_err(failed)?;
        let bar = bytes_bar(stream);
        loop {
            let some = newer.next().await.map_err(failed)?;
            if some.is_empty() {
                break;
            }
            for message in some {
                bar.set_position(sink.add(message).await.map_err(cannot("cannot write", &file))?);
            }
        }
        bar.finish_and_clear();
        self.finish_part(stream, after, newer.extent(), sink).await
    }

    /// Copies the pieces of files that were stored after a place; whether there was one to begin at. What is removed
    /// meanwhile counts as gone.
    ///
    /// # Errors
    /// The server does not hand them out, or a file cannot be written.
    pub(super) async fn pieces(&mut self, stream: &str, after: Sequence) -> Result<bool, Failure> {
        let failed = |error| copying(stream, &error);
        let extent = self.log.extent(stream).await.map_err(failed)?;
        let Some(Extent { through, mut gone }) = extent.filter(|it| it.through >= after) else {
            return Ok(false);
        };
        let file = self.make_room(&messages_path(stream))?;
        let mut sink = MessagesWriter::create(&file).await.map_err(cannot("cannot make", &file))?;
        let bar = bytes_bar(stream);
        let wanted: Vec<Sequence> =
            (after + 1..=through).filter(|one| !gone.cover(*one, *one)).collect();
        let log = self.log;
        let mut found = stream::iter(wanted)
            .map(|one| async move { log.copied(stream, one).await.map(|found| (one, found)) })
            .buffered(AT_ONCE);
        while let Some((one, found)) = found.try_next().await.map_err(failed)? {
            match found {
                Some(message) => {
                    let bytes = sink.add(message).await.map_err(cannot("cannot write", &file))?;
                    bar.set_position(bytes);
                }
                None => gone.insert(one, one),
            }
        }
        bar.finish_and_clear();
        self.finish_part(stream, after, Extent { through, gone }, sink).await.map(|()| true)
    }

    async fn finish_part(
        &mut self,
        stream: &str,
        after: Sequence,
        Extent { through, gone }: Extent,
        sink: MessagesWriter,
    ) -> Result<(), Failure> {
        let path = messages_path(stream);
        let (sum, messages) =
            sink.finish().await.map_err(cannot("cannot write", &self.folder.join(&path)))?;
        self.files.insert(path, sum);
        self.parts.insert(stream.to_owned(), Part { after, through, gone, messages });
        self.messages += messages;
        Ok(())
    }

    /// Where a file is made that has this path in the folder.
    fn make_room(&self, path: &str) -> Result<std::path::PathBuf, Failure> {
        let file = self.folder.join(path);
        let folder = file.parent().unwrap_or(self.folder);
        make_private(folder).map_err(cannot("cannot make", folder))?;
        Ok(file)
    }
}
