//! Media: asking to upload, completing, removing; and what messages do to the media they carry.

use std::collections::HashSet;
use std::time::Duration;

use blobs::{Blob, BlobName};
use decider::{
    Answer, Entity as _, Expect, Fact, Failure, ReadFrom, Seen, UserCall, accepted, fresh_id, load,
    unavailable,
};
use parking_lot::Mutex;
use schemas::commands::{
    Accepted, CompleteMedia, DropAvatar, PostMessage, RemoveMedia, RequestMedia, UseAsAvatar,
};
use schemas::events::{MediaFile, MediaState, MessageState};
use schemas::ids::{MediaId, MessageId};
use schemas::media::MediaStatus;
use schemas::{Lane, Timestamp};

use crate::call::context;
use crate::chat::Chat;
use crate::domain::media::{self, MediaRejection};
use crate::lanes::{Media, People};
use crate::media::store_failed;

/// How long an upload waits until the ones asked for before it are counted.
const COUNTED_WITHIN: Duration = Duration::from_secs(2);
/// How long a deletion waits for the reports of its message.
const REPORTED_WITHIN: Duration = Duration::from_millis(500);
/// Files of one message.
const MAX_ATTACHMENTS: usize = 10;

impl Chat {
    pub(crate) async fn request_media(
        &self,
        call: &UserCall,
        cmd: RequestMedia,
    ) -> Answer<MediaState> {
        let _turn = self.files.requests.of(&call.user).await;
        let id = MediaId::from_uuid(fresh_id());
        self.retry(ReadFrom::Cache, |from| self.try_request_media(call, &id, &cmd, from)).await
    }

    async fn try_request_media(
        &self,
        call: &UserCall,
        id: &MediaId,
        cmd: &RequestMedia,
        from: ReadFrom,
    ) -> Result<Accepted<MediaState>, Failure> {
        let person = self.lanes.person(&call.user, from).await?;
        let taken = self.index.media_taken(&call.user).await?;
        let limits = &self.files.config.limits;
        let cx = context(call);
        let state = media::request(person.state.as_ref(), id, cmd, (limits, taken), &cx)?;
        let fence = Expect::Fence { lane: Lane::User(call.user), at: person.at };
        let fact = media::requested(state.clone());
        let appended = decider::commit_fenced(&self.log, call, fact, fence).await?;
        let at = appended.position.sequence;
        // What the user asks for next is judged with this one counted.
        self.index.wait_for(at, COUNTED_WITHIN).await;
        let state = match appended.duplicate {
            false => state,
            true => {
                let first = self.event_at(at).await?.and_then(|event| Media::after(&event));
                first.ok_or_else(|| unavailable("the first request cannot be found"))?
            }
        };
        Ok(accepted(Some(appended.position), state))
    }

    pub(crate) async fn complete_media(
        &self,
        call: &UserCall,
        cmd: CompleteMedia,
    ) -> Answer<MediaState> {
        let _turn = self.files.completions.of(&cmd.media_id).await;
        let mine = Mutex::default();
        self.retry(ReadFrom::Log, |_| self.try_complete_media(call, &cmd.media_id, &mine)).await
    }

    async fn try_complete_media(
        &self,
        call: &UserCall,
        id: &MediaId,
        mine: &Mutex<Option<(MediaFile, Blob)>>,
    ) -> Result<Accepted<MediaState>, Failure> {
        let found = load::<Media>(&self.log, id).await?;
        let cx = context(call);
        let (before, done) = match media::complete(found.state.as_ref(), &cx) {
            Ok(found) => found,
            Err(refused) => {
                // It was removed while it was being stored: what was written since then is no one's.
                let gone = found.state.as_ref().is_some_and(|media| {
                    let removed =
                        matches!(media.status, MediaStatus::Removed | MediaStatus::Purged);
                    media.owner_id == cx.actor && removed
                });
                if gone {
                    self.files.purge_soon(id);
                }
                return Err(refused.into());
            }
        };
        let file = if done {
            let stored = mine.lock().clone();
            let Some(file) = self.in_place_of(before, stored).await? else {
                let position = self.log.epoch().at(found.at);
                return Ok(accepted(Some(position), before.clone()));
            };
            file
        } else {
            let person = self.lanes.person(&call.user, ReadFrom::Log).await?;
            crate::domain::access::active(person.state.as_ref())?;
            let (file, blob) = self.files.check(before).await?;
            *mine.lock() = Some((file.clone(), blob));
            file
        };
        let fact = media::stored(before, file, Timestamp::now());
        let after = Media::after(&fact.data);
        let fact = Fact { expect: Expect::At(found.at), ..fact };
        let appended = decider::record(&self.log, call, fact).await?;
        // What is left of the upload is removed when that of its medium is, at the latest.
        let upload = BlobName::Upload(*id);
        if let Err(error) = self.files.store.remove(&upload).await {
            tracing::warn!(media.id = %id, %error, "an upload that was stored is removed later");
        }
        let state = after.ok_or(MediaRejection::NotFound)?;
        Ok(accepted(Some(appended.position), state))
    }

    /// What this call has stored of a medium that another copy of this service has completed meanwhile, where it stands in the
    /// place of what that has stored, and is something else: its owner has uploaded twice. The record is to say what is kept.
    async fn in_place_of(
        &self,
        recorded: &MediaState,
        stored: Option<(MediaFile, Blob)>,
    ) -> Result<Option<MediaFile>, Failure> {
        let Some((file, blob)) = stored.filter(|(file, _)| *file != recorded.file) else {
            return Ok(None);
        };
        let found = self.files.store.stat(&BlobName::File(file.id)).await;
        let found = found.map_err(|error| store_failed(&error))?;
        Ok(found.filter(|found| found.version == blob.version).map(|_| file))
    }

    pub(crate) async fn remove_media(&self, call: &UserCall, cmd: RemoveMedia) -> Answer<()> {
        self.retry(ReadFrom::Log, |_| self.try_remove_media(call, &cmd.media_id)).await
    }

    async fn try_remove_media(
        &self,
        call: &UserCall,
        id: &MediaId,
    ) -> Result<Accepted<()>, Failure> {
        let found = load::<Media>(&self.log, id).await?;
        let fact = media::remove(found.state.as_ref(), &context(call))?;
        let Some(fact) = fact else {
            return Ok(accepted(Some(self.log.epoch().at(found.at)), ()));
        };
        let fact = Fact { expect: Expect::At(found.at), ..fact };
        let appended = decider::record(&self.log, call, fact).await?;
        self.files.purge_soon(id);
        Ok(accepted(Some(appended.position), ()))
    }

    /// Removes a medium with its bytes, whatever needs it, as erasure wants it: what is left in the log says nothing of the
    /// file. May be called again after a crash.
    pub(crate) async fn erase_media(&self, id: &MediaId) -> Result<(), Failure> {
        let found = load::<Media>(&self.log, id).await?;
        let Some(mut state) = found.state else { return Ok(()) };
        let mut at = found.at;
        if let Some(fact) = media::end(&state, Timestamp::now()) {
            state = Media::after(&fact.data).unwrap_or(state);
            at = self.write_media(fact, at).await?;
        }
        self.remove_bytes(id).await?;
        let fact = media::erased(&state, Timestamp::now());
        self.write_media(fact, at).await.map(drop)
    }

    pub(crate) async fn use_as_avatar(&self, call: &UserCall, cmd: UseAsAvatar) -> Answer<()> {
        self.retry(ReadFrom::Log, |_| self.try_use_as_avatar(call, &cmd.media_id)).await
    }

    async fn try_use_as_avatar(
        &self,
        call: &UserCall,
        id: &MediaId,
    ) -> Result<Accepted<()>, Failure> {
        let found = load::<Media>(&self.log, id).await?;
        let fact = media::as_avatar(found.state.as_ref(), &context(call))?;
        self.finish_media(call, found.at, fact).await
    }

    pub(crate) async fn drop_avatar(&self, call: &UserCall, cmd: DropAvatar) -> Answer<()> {
        self.retry(ReadFrom::Log, |_| self.try_drop_avatar(call, &cmd.media_id)).await
    }

    /// Of a picture that the account shows nothing is dropped.
    async fn try_drop_avatar(
        &self,
        call: &UserCall,
        id: &MediaId,
    ) -> Result<Accepted<()>, Failure> {
        let found = load::<Media>(&self.log, id).await?;
        let own = found.state.as_ref().filter(|media| media.owner_id == call.user);
        let person = load::<People>(&self.log, &call.user).await?;
        let shown = person.state.and_then(|person| person.avatar).is_some_and(|shown| shown == *id);
        let fact =
            own.filter(|_| !shown).and_then(|media| media::no_avatar(media, Timestamp::now()));
        let done = self.finish_media(call, found.at, fact).await?;
        self.files.purge_soon(id);
        Ok(done)
    }

    async fn finish_media(
        &self,
        call: &UserCall,
        at: schemas::Sequence,
        fact: Option<Fact>,
    ) -> Result<Accepted<()>, Failure> {
        let Some(fact) = fact else { return Ok(accepted(Some(self.log.epoch().at(at)), ())) };
        let fact = Fact { expect: Expect::At(at), ..fact };
        let appended = decider::record(&self.log, call, fact).await?;
        Ok(accepted(Some(appended.position), ()))
    }

    /// The files of a message that is to be posted, and what happens to the media when it is.
    pub(super) async fn attachments(
        &self,
        call: &UserCall,
        id: &MessageId,
        command: &PostMessage,
    ) -> Result<(Vec<MediaFile>, Vec<Fact>), Failure> {
        let (mut files, mut facts, mut named) = (Vec::new(), Vec::new(), HashSet::new());
        for (index, media_id) in command.attachments.iter().enumerate() {
            if index >= MAX_ATTACHMENTS || !named.insert(media_id) {
                return Err(MediaRejection::NotAttachable(index).into());
            }
            let found = load::<Media>(&self.log, media_id).await?;
            let place = (id, &command.room_id);
            let (file, fact) = media::attach(found.state.as_ref(), index, place, &context(call))?;
            files.push(file);
            facts.push(Fact { expect: Expect::At(found.at), ..fact });
        }
        Ok((files, facts))
    }

    /// What happens to the media of a message that is deleted: they go with their last message, but for those that a
    /// report keeps.
    pub(crate) async fn detachments(&self, message: &MessageState) -> Result<Vec<Fact>, Failure> {
        if message.attachments.is_empty() {
            return Ok(Vec::new());
        }
        self.index.wait_for(self.log.head().await?, REPORTED_WITHIN).await;
        let reported = self.index.open_reports_of(&message.id).await? > 0;
        self.detaching(message, reported).await
    }

    /// What happens to the media of a deleted message when a report of it is handled; nothing as long as another is open.
    pub(super) async fn released(&self, message: &MessageState) -> Result<Vec<Fact>, Failure> {
        if message.attachments.is_empty() {
            return Ok(Vec::new());
        }
        self.index.wait_for(self.log.head().await?, REPORTED_WITHIN).await;
        // The one that is being handled is one of them.
        match self.index.open_reports_of(&message.id).await? {
            0 | 1 => self.detaching(message, false).await,
            _ => Ok(Vec::new()),
        }
    }

    async fn detaching(
        &self,
        message: &MessageState,
        reported: bool,
    ) -> Result<Vec<Fact>, Failure> {
        let mut facts = Vec::new();
        for id in &message.attachments {
            let found: Seen<Option<MediaState>> = load::<Media>(&self.log, id).await?;
            let Some(state) = &found.state else { continue };
            let fact = media::detach(state, &message.id, reported, Timestamp::now());
            facts.extend(fact.map(|fact| Fact { expect: Expect::At(found.at), ..fact }));
        }
        Ok(facts)
    }

    /// Has the bytes removed of the media that facts which were written have removed.
    pub(crate) fn purge_removed(&self, media: &[MediaId]) {
        media.iter().for_each(|id| self.files.purge_soon(id));
    }
}
