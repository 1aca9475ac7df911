//! Files that two copies of the service complete at the same time.

use std::sync::Arc;

use async_trait::async_trait;
use blobs::{Area, Blob, BlobError, BlobName, BlobStore, Builtin, Grant, Paused, Period, Upload};
use bytes::Bytes;
use eventlog::EventLog;
use schemas::commands::{CompleteMedia, RequestMedia};
use schemas::events::MediaState;
use schemas::media::{ContentType, Filename};
use schemas::{EventData, Lane, MediaId};
use tokio::sync::Semaphore;

use crate::kit::{World, call, context};

/// The store of files, which keeps what is stored for good waiting at its end until it is let through.
#[derive(Debug)]
struct Gated {
    files: Builtin,
    reached: Arc<Semaphore>,
    open: Arc<Semaphore>,
}

struct GatedUpload {
    upload: Box<dyn Upload>,
    reached: Arc<Semaphore>,
    open: Arc<Semaphore>,
}

#[async_trait]
impl BlobStore for Gated {
    async fn begin(&self, name: BlobName) -> Result<Box<dyn Upload>, BlobError> {
        let is_file = matches!(name, BlobName::File(_));
        let upload = self.files.begin(name).await?;
        if !is_file {
            return Ok(upload);
        }
        let (reached, open) = (Arc::clone(&self.reached), Arc::clone(&self.open));
        Ok(Box::new(GatedUpload { upload, reached, open }))
    }

    async fn resume(&self, name: BlobName, paused: &Paused) -> Result<Box<dyn Upload>, BlobError> {
        self.files.resume(name, paused).await
    }

    async fn discard(&self, name: &BlobName, paused: &Paused) -> Result<(), BlobError> {
        self.files.discard(name, paused).await
    }

    async fn stat(&self, name: &BlobName) -> Result<Option<Blob>, BlobError> {
        self.files.stat(name).await
    }

    async fn read(
        &self,
        name: &BlobName,
        blob: &Blob,
        from: u64,
        most: u64,
    ) -> Result<Bytes, BlobError> {
        self.files.read(name, blob, from, most).await
    }

    async fn remove(&self, name: &BlobName) -> Result<(), BlobError> {
        self.files.remove(name).await
    }

    async fn sweep(&self) -> Result<u64, BlobError> {
        self.files.sweep().await
    }

    async fn media_in(
        &self,
        area: Area,
        after: Option<&MediaId>,
    ) -> Result<Vec<MediaId>, BlobError> {
        self.files.media_in(area, after).await
    }

    fn direct(&self, name: &BlobName, grant: Grant<'_>, period: Period) -> Option<String> {
        self.files.direct(name, grant, period)
    }

    fn origin(&self) -> Option<String> {
        self.files.origin()
    }
}

#[async_trait]
impl Upload for GatedUpload {
    async fn write(&mut self, bytes: &[u8]) -> Result<(), BlobError> {
        self.upload.write(bytes).await
    }

    fn pause(&mut self) -> Paused {
        self.upload.pause()
    }

    async fn finish(self: Box<Self>) -> Result<Blob, BlobError> {
        self.reached.add_permits(1);
        self.open.acquire().await.expect("never closed").forget();
        self.upload.finish().await
    }

    async fn abort(self: Box<Self>) {
        self.upload.abort().await;
    }
}

async fn put(files: &Builtin, name: BlobName, bytes: &[u8]) {
    let mut upload = files.begin(name).await.unwrap();
    upload.write(bytes).await.unwrap();
    upload.finish().await.unwrap();
}

async fn recorded(log: &EventLog, id: &MediaId) -> MediaState {
    let stored = log.last(&Lane::Media(*id)).await.unwrap().expect("a medium");
    let EventData::Media(event) = stored.event().unwrap().data else { panic!("no medium") };
    event.after().clone()
}

/// Its owner uploads again while the first copy is done with what was there before and has not put it in its place; the
/// second completes what is there now.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_is_recorded_of_a_file_is_what_is_kept() {
    let world = World::start().await;
    let ada = world.register("ada").await;
    let files = Builtin::of(&world.log);
    let (reached, open) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
    let gated =
        Gated { files: files.clone(), reached: Arc::clone(&reached), open: Arc::clone(&open) };
    let slow = world.with_files(Arc::new(gated)).await;
    let request = RequestMedia {
        filename: Filename::parse("a.txt").unwrap(),
        content_type: ContentType::parse("text/plain").unwrap(),
        size: 5,
        sha256: None,
    };
    let id = world.call(&ada, &request).await.unwrap().result.file.id;
    let complete = CompleteMedia { media_id: id };
    put(&files, BlobName::Upload(id), b"first").await;
    let (first, second) = tokio::join!(
        async { call(&slow.bus, &context(&ada), &complete).await.unwrap().result },
        async {
            reached.acquire().await.unwrap().forget();
            put(&files, BlobName::Upload(id), b"other").await;
            let done = world.call(&ada, &complete).await.unwrap().result;
            open.add_permits(1);
            done
        }
    );
    assert_ne!(first.file.sha256, second.file.sha256);
    let name = BlobName::File(id);
    let kept = files.stat(&name).await.unwrap().expect("a file");
    assert_eq!(files.read(&name, &kept, 0, 5).await.unwrap(), "first");
    assert_eq!(recorded(&world.log, &id).await.file.sha256, kept.sha256);
    // A repeat finds it so and writes nothing.
    let again = world.call(&ada, &complete).await.unwrap().result;
    assert_eq!(again.file.sha256, kept.sha256);
    let types = world.types_on(&Lane::Media(id)).await;
    assert_eq!(types, ["media.requested.v1", "media.stored.v1", "media.stored.v1"]);
}
