//! An export that is being made: what it is made with, and that it is still wanted.

use std::time::Duration;

use blobs::{Archive, Blob, BlobName};
use decider::{Failure, load, unavailable};
use readmodel::ReadModel;
use schemas::events::ExportState;
use schemas::exported::ExportIndex;
use schemas::{Lane, Sequence, Timestamp};
use tokio::time::{Instant, sleep};

use super::book::Book;
use crate::auth::AuthService;
use crate::chat::Chat;
use crate::lanes::People;
use crate::lease::Lease;
use crate::media::store_failed;

/// How often is looked whether it is still wanted and this worker's to make.
const LOOK_EVERY: Duration = Duration::from_secs(3);
/// What takes longer is given up: what was written first would be taken for left over by the store's sweep.
const MADE_WITHIN: Duration = Duration::from_secs(100 * 60);
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
    /// Events that could not be read.
    pub(super) unreadable: u64,
    pub(super) lease: &'a mut Lease,
    begun: Instant,
    looked: Instant,
}

/// Does something that may take longer than the lease lives, which is renewed meanwhile.
///
/// # Errors
/// Another worker has the lease; what the work fails by.
pub(super) async fn leading<T>(
    lease: &mut Lease,
    work: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    tokio::pin!(work);
    loop {
        tokio::select! {
            done = &mut work => return done,
            () = sleep(LOOK_EVERY) => lease.keep().await?,
        }
    }
}

impl<'a> Making<'a> {
    /// Begins the file.
    pub(super) async fn begin(
        chat: &'a Chat,
        (model, auth): (&'a ReadModel, &'a AuthService),
        (export, at): (&'a ExportState, Sequence),
        lease: &'a mut Lease,
    ) -> Result<Self, Failure> {
        let name = BlobName::Export(export.user_id.clone());
        let upload = chat.files.store.begin(name).await.map_err(|error| store_failed(&error))?;
        let book = Book::new(Archive::new(upload, Timestamp::now()));
        let now = Instant::now();
        Ok(Self {
            chat,
            model,
            auth,
            export,
            at,
            book,
            unreadable: 0,
            lease,
            begun: now,
            looked: now,
        })
    }

    /// Writes all of it. What is interrupted leaves nothing behind and is begun anew.
    pub(super) async fn write(mut self) -> Result<Blob, Failure> {
        let made_at = Timestamp::now();
        let head = self.chat.log.head().await?;
        if !self.chat.index.wait_for(head, PROJECTED_WITHIN).await {
            return Err(unavailable("the read model is behind").into());
        }
        self.book.text("README.txt", README).await?;
        let registered = self.account().await?;
        self.sessions().await?;
        self.rooms().await?;
        self.blocks().await?;
        self.notifications().await?;
        self.requests().await?;
        self.read_log(registered, head).await?;
        self.media().await?;
        self.look().await?;
        let Self { chat, export, book, unreadable, .. } = self;
        let position = chat.log.epoch().at(head);
        book.finish(|files| ExportIndex {
            export_id: export.id.clone(),
            user_id: export.user_id.clone(),
            requested_at: export.requested_at,
            made_at,
            position,
            files,
            unreadable,
        })
        .await
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
        self.lease.keep().await?;
        if self.begun.elapsed() > MADE_WITHIN {
            return Err(unavailable("the export takes too long").into());
        }
        let (log, user) = (&self.chat.log, &self.export.user_id);
        let last = log.last(&Lane::Exports(user.clone())).await?;
        let unmoved = last.is_some_and(|last| last.sequence == self.at);
        // It was withdrawn, or its person is being erased.
        match unmoved && load::<People>(log, user).await?.state.is_some() {
            true => Ok(()),
            false => Err(Failure::Conflict),
        }
    }
}
