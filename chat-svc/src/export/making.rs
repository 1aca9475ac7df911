//! An export that is being made: what it is made with, that it is still wanted, and its progress.

use std::time::Duration;

use blobs::{Archive, Blob, BlobError, BlobName};
use decider::{Failure, load, unavailable};
use readmodel::ReadModel;
use schemas::events::ExportState;
use schemas::exported::ExportIndex;
use schemas::{Lane, Sequence, Timestamp};
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep};

use super::book::Book;
use super::draft::{Draft, Progress, Step};
use crate::auth::AuthService;
use crate::chat::Chat;
use crate::lanes::People;
use crate::lease::Lease;
use crate::media::store_failed;

/// How often is looked whether it is still wanted and this worker's to make.
const LOOK_EVERY: Duration = Duration::from_secs(3);
/// How often the progress is kept, and after how many bytes at most: so much is done again after a crash, and a file.
const KEEP_EVERY: Duration = Duration::from_secs(10);
const KEEP_AFTER: u64 = 32 * 1024 * 1024;
/// How long the read model may take to follow.
const PROJECTED_WITHIN: Duration = Duration::from_secs(10);

/// Said in every export.
const README: &str = "This is a copy of your data.

index.json lists the files with the name of the JSON Schema of each; the server has it at /schemas/<name>.json.
Lists are in parts: messages-0001.json, messages-0002.json and so on. Your files are in the folder media, which
media-0001.json and so on describe. What others wrote is not here. Times are UTC.
";

/// An export under way.
pub(super) struct Making<'a> {
    pub(super) chat: &'a Chat,
    pub(super) model: &'a ReadModel,
    pub(super) auth: &'a AuthService,
    /// The export, and the last event of its lane.
    pub(super) export: &'a ExportState,
    pub(super) at: Sequence,
    pub(super) book: Book,
    pub(super) progress: Progress,
    pub(super) lease: &'a Mutex<Lease>,
    looked: Instant,
    /// When the progress was kept last, and at how many bytes.
    kept: (Instant, u64),
}

/// Does something that may take longer than the lease lives, which is renewed meanwhile.
///
/// # Errors
/// Another worker has the lease; what the work fails by.
pub(super) async fn leading<T>(
    lease: &Mutex<Lease>,
    work: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    tokio::pin!(work);
    loop {
        tokio::select! {
            done = &mut work => return done,
            () = sleep(LOOK_EVERY) => lease.lock().await.keep().await?,
        }
    }
}

impl<'a> Making<'a> {
    /// Goes on where an earlier try was, or begins the file.
    pub(super) async fn begin(
        chat: &'a Chat,
        (model, auth): (&'a ReadModel, &'a AuthService),
        (export, at): (&'a ExportState, Sequence),
        lease: &'a Mutex<Lease>,
    ) -> Result<Self, Failure> {
        let (progress, book) = match resumed(chat, export).await? {
            Some(resumed) => resumed,
            None => begun(chat, export).await?,
        };
        let now = Instant::now();
        let kept = (now, book.bytes());
        let mut making =
            Self { chat, model, auth, export, at, book, progress, lease, looked: now, kept };
        // From now on what is written of it is known, and found when it is not wanted any more.
        making.keep().await?;
        Ok(making)
    }

    /// Writes what is not written yet. What is interrupted is resumed from the progress that was kept last.
    pub(super) async fn write(mut self) -> Result<Blob, Failure> {
        let head = self.progress.head;
        if !self.chat.index.wait_for(head, PROJECTED_WITHIN).await {
            return Err(unavailable("the read model is behind").into());
        }
        loop {
            match self.progress.step.clone() {
                Step::Documents => {
                    let registered = self.documents().await?;
                    let through = registered.saturating_sub(1).min(head);
                    self.reach(Step::Log { through }).await?;
                }
                Step::Log { through } => {
                    self.read_log(through).await?;
                    self.reach(Step::Media { after: None }).await?;
                }
                Step::Media { after } => {
                    self.media(after).await?;
                    break;
                }
            }
        }
        self.look().await?;
        let Self { chat, export, book, progress, .. } = self;
        let position = chat.log.epoch().at(head);
        book.finish(|files| ExportIndex {
            export_id: export.id,
            user_id: export.user_id,
            requested_at: export.requested_at,
            made_at: progress.begun_at,
            position,
            files,
            unreadable: progress.unreadable,
        })
        .await
    }

    /// What the documents say; where the account was registered.
    async fn documents(&mut self) -> Result<Sequence, Failure> {
        self.book.text("README.txt", README).await?;
        let registered = self.account().await?;
        self.sessions().await?;
        self.rooms().await?;
        self.blocks().await?;
        self.notifications().await?;
        self.requests().await?;
        Ok(registered)
    }

    /// Whether enough was written since the progress was kept.
    pub(super) fn is_to_be_kept(&self) -> bool {
        let (at, bytes) = self.kept;
        at.elapsed() >= KEEP_EVERY || self.book.bytes() - bytes >= KEEP_AFTER
    }

    /// Keeps that it has come to a step.
    pub(super) async fn reach(&mut self, step: Step) -> Result<(), Failure> {
        self.progress.step = step;
        self.keep().await
    }

    async fn keep(&mut self) -> Result<(), Failure> {
        let draft = Draft {
            export_id: self.export.id,
            progress: self.progress.clone(),
            book: self.book.pause(),
        };
        draft.keep(self.chat.files.store.as_ref(), &self.export.user_id).await?;
        self.kept = (Instant::now(), self.book.bytes());
        Ok(())
    }

    /// Whether it is still wanted and this worker's to make, from time to time.
    ///
    /// # Errors
    /// It is not.
    pub(super) async fn go_on(&mut self) -> Result<(), Failure> {
        if self.looked.elapsed() < LOOK_EVERY {
            return Ok(());
        }
        self.look().await
    }

    async fn look(&mut self) -> Result<(), Failure> {
        self.looked = Instant::now();
        self.lease.lock().await.keep().await?;
        if self.progress.is_late(Timestamp::now()) {
            return Err(unavailable("the export takes too long").into());
        }
        let (log, user) = (&self.chat.log, &self.export.user_id);
        let last = log.last(&Lane::Exports(*user)).await?;
        let unmoved = last.is_some_and(|last| last.sequence == self.at);
        // It was withdrawn, or its person is being erased.
        match unmoved && load::<People>(log, user).await?.state.is_some() {
            true => Ok(()),
            false => Err(Failure::Conflict),
        }
    }
}

/// The file of an earlier try, as far as it is known to be written.
async fn resumed(chat: &Chat, export: &ExportState) -> Result<Option<(Progress, Book)>, Failure> {
    let (store, user) = (chat.files.store.as_ref(), &export.user_id);
    let draft = Draft::read(store, user).await?;
    let draft = draft.filter(|draft| draft.is_good_for(export, Timestamp::now()));
    let Some(Draft { mut progress, book, .. }) = draft else { return Ok(None) };
    match Book::resume(store, BlobName::Export(*user), book).await {
        Ok(book) => {
            progress.resumed += 1;
            let (step, bytes) = (&progress.step, book.bytes());
            tracing::info!(export.id = %export.id, ?step, bytes, "an export is resumed");
            Ok(Some((progress, book)))
        }
        Err(BlobError::Gone) => Ok(None),
        Err(error) => Err(store_failed(&error)),
    }
}

/// A file of which nothing is written.
async fn begun(chat: &Chat, export: &ExportState) -> Result<(Progress, Book), Failure> {
    let name = BlobName::Export(export.user_id);
    let upload = chat.files.store.begin(name).await.map_err(|error| store_failed(&error))?;
    let progress = Progress::new(chat.log.head().await?);
    let book = Book::new(Archive::new(upload, progress.begun_at));
    Ok((progress, book))
}
