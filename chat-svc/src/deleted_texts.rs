//! Texts of deleted messages leave the log for good when they were deleted long enough ago.
//!
//! A worker goes through the log behind the present, by a lease: each deletion that has become old enough is met once, and
//! the events that hold the message's texts (its post, its edits) are listed, noted in the ledger of holes, and securely
//! deleted, as those of an erased person are (`erasure/`). So is the end of each file, and what that was called goes
//! (`file_names.rs`). How far it is stands in a bucket. What a legal hold or an open report keeps is passed by, and met
//! again until it ends. Edits go before the post, so that a post which is gone says that nothing is left, also after a
//! crash.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use decider::Failure;
use eventlog::{Record, SecretError, SecretStore};
use schemas::events::{
    AuthoredBlank, Blank, BlankEvent, Gone, MediaEvent, MessageDeleted, MessageEdited,
    MessageEvent, MessagePosted, TextsRemoved,
};
use schemas::ids::{MediaId, MessageId, RoomId, UserId};
use schemas::{Event, EventData, Lane, Sequence, Timestamp};
use telemetry::Shutdown;

use crate::blank::{blank, gone};
use crate::chat::Chat;
use crate::holds::are_held;
use crate::lease::Lease;
use crate::listing::LISTED;

/// What the lease is called, and how long one of a worker that died keeps others from going on.
const LEASE: &str = "texts";
const LEASE_FOR: Duration = Duration::from_secs(15);
/// Where it stands how far the worker is. Builds that left the names of files note it under `texts`: what they have passed
/// is gone through once more.
const BUCKET: &str = "retention";
const DONE: &str = "texts-and-names";
/// Events read at once, and how long they are waited for.
const BATCH: usize = 4096;
const WAIT: Duration = Duration::from_secs(1);
/// Deletions dealt with in one go.
const PIECE: usize = 100;
/// Ended files dealt with in one go: each may be asked of a store of files that is far away.
const FILES: usize = 20;
/// Milliseconds of log time after a deletion until no edit that was decided before it can come any more.
const LATE: i64 = 120_000;

/// A deletion in its place.
#[derive(Debug, Clone)]
pub(crate) struct Deletion {
    pub(crate) sequence: Sequence,
    pub(crate) stored_at: Timestamp,
    pub(crate) event: MessageDeleted,
}

/// An event that goes, and what stands in its place.
type Going = (Gone, AuthoredBlank);

/// Removes texts from the log.
pub(crate) struct DeletedTexts {
    chat: Arc<Chat>,
    bucket: SecretStore,
}

impl DeletedTexts {
    pub(crate) fn new(chat: &Arc<Chat>) -> Self {
        let bucket = chat.log.secrets(BUCKET);
        Self { chat: Arc::clone(chat), bucket }
    }

    /// Removes texts that were deleted so long ago, every so often, until asked to stop. Failures are logged, and tried
    /// again.
    pub(crate) async fn keep(self, after: Duration, every: Duration, stop: Shutdown) {
        let mut lease = Lease::of(self.chat.log.secrets("leases"), LEASE, LEASE_FOR);
        let mut look = tokio::time::interval(every);
        look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                () = stop.wait() => break,
                _ = look.tick() => {}
            }
            if !lease.hold().await {
                continue;
            }
            tokio::select! {
                biased;
                () = stop.wait() => break,
                done = self.go_on(after, &mut lease) => if let Err(failure) = done {
                    let reason = match failure {
                        Failure::Conflict => "the log has changed meanwhile".to_owned(),
                        Failure::Denied(why) | Failure::Rejected(why) => why.detail.to_string(),
                    };
                    tracing::warn!(reason, "texts of deleted messages are removed later");
                },
            }
            lease.release().await;
        }
        lease.release().await;
    }

    /// Goes through the log up to what was deleted too recently.
    async fn go_on(&self, after: Duration, lease: &mut Lease) -> Result<(), Failure> {
        let age = i64::try_from(after.as_millis()).unwrap_or(i64::MAX);
        let before = Timestamp::from_millis(Timestamp::now().millis().saturating_sub(age));
        let log = &self.chat.log;
        let head = log.head().await?;
        let done = self.done().await?;
        let mut reader = log.read_from(done.min(head)).await?;
        // Up to where every deletion was dealt with; what is held is met again.
        let (mut through, mut held) = (done, None);
        while reader.through() < head {
            let batch = reader.next(BATCH, WAIT).await?;
            let (mut piece, mut ends) = (Vec::new(), Vec::new());
            let mut young = false;
            for stored in &batch.records {
                young = stored.stored_at >= before;
                if young {
                    break;
                }
                through = stored.sequence;
                piece.extend(deletion(stored)?);
                ends.extend(end(stored)?);
            }
            for some in piece.chunks(PIECE) {
                lease.keep().await?;
                held = held.or(self.remove(some, before).await?);
            }
            for some in ends.chunks(FILES) {
                lease.keep().await?;
                held = [held, self.unname(some, before).await?].into_iter().flatten().min();
            }
            self.note(held.map_or(through, |held: Sequence| through.min(held - 1))).await?;
            if young {
                break;
            }
        }
        Ok(())
    }

    /// Removes what some files were called; the first end of one of which that is to be looked at again.
    async fn unname(
        &self,
        ends: &[(Sequence, MediaId)],
        before: Timestamp,
    ) -> Result<Option<Sequence>, Failure> {
        let files: BTreeSet<MediaId> = ends.iter().map(|(_, id)| *id).collect();
        let kept = self.chat.remove_names(files, before).await?;
        Ok(ends.iter().find(|(_, id)| kept.contains(id)).map(|(sequence, _)| *sequence))
    }

    /// Removes the texts of some deleted messages; the first deletion whose message is held.
    pub(crate) async fn remove(
        &self,
        piece: &[Deletion],
        before: Timestamp,
    ) -> Result<Option<Sequence>, Failure> {
        let mut held = None;
        let mut posts: HashMap<&MessageId, (&Deletion, Going)> = HashMap::new();
        for deletion in piece {
            let Some(post) = self.post(deletion).await? else { continue };
            if self.is_held(&deletion.event).await? {
                held = held.or(Some(deletion.sequence));
            } else {
                posts.insert(&deletion.event.message_id, (deletion, post));
            }
        }
        let mut edits = self.edits(&posts).await?;
        let mut rooms: BTreeMap<&RoomId, (Sequence, Vec<Going>)> = BTreeMap::new();
        for (deletion, post) in posts.into_values() {
            let first = (deletion.sequence, Vec::new());
            let (first, posts) = rooms.entry(&deletion.event.room_id).or_insert(first);
            *first = deletion.sequence.min(*first);
            posts.push(post);
        }
        for (room, (first, posts)) in rooms {
            let edits = edits.remove(room).unwrap_or_default();
            if !self.erase_all(room, [edits, posts], before).await? {
                held = Some(held.map_or(first, |held| held.min(first)));
            }
        }
        Ok(held)
    }

    /// Deletes events of a room, one kind after the other; false when a hold has come in between.
    async fn erase_all(
        &self,
        room: &RoomId,
        kinds: [Vec<Going>; 2],
        before: Timestamp,
    ) -> Result<bool, Failure> {
        for mut going in kinds {
            going.sort_by_key(|(gone, _)| gone.sequence);
            for some in going.chunks(LISTED) {
                if !self.erase(room, some, before).await? {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    /// The event that posted a message; none when it is gone.
    async fn post(&self, deletion: &Deletion) -> Result<Option<Going>, Failure> {
        let Some(stored) = self.chat.log.get(deletion.event.posted).await? else { return Ok(None) };
        let event = stored.event()?;
        let EventData::Message(MessageEvent::Posted(posted)) = &event.data else {
            return Ok(None);
        };
        let MessagePosted { message, private } = posted;
        if message.id != deletion.event.message_id {
            return Ok(None);
        }
        let was = BlankEvent::Posted(blank(message, *private, &self.chat.names));
        let blank = Blank { sequence: stored.sequence, stored_at: stored.stored_at, was };
        Ok(going(&event, AuthoredBlank { sender_id: message.sender_id, blank }))
    }

    /// The edits of these messages by room, those included that came too late to count.
    async fn edits(
        &self,
        posts: &HashMap<&MessageId, (&Deletion, Going)>,
    ) -> Result<HashMap<RoomId, Vec<Going>>, Failure> {
        let mut found: HashMap<RoomId, Vec<Going>> = HashMap::new();
        let (mut from, mut until) = (Sequence::MAX, Timestamp::MIN);
        for (id, (deletion, _)) in posts {
            // Of most the index knows that they were never edited: only late edits are looked for.
            let text = self.chat.index.text(id).await?;
            let edited = text.is_none_or(|text| text.edited_at.is_some());
            from = from.min(if edited { deletion.event.posted } else { deletion.sequence });
            until = until.max(deletion.stored_at);
        }
        if posts.is_empty() {
            return Ok(found);
        }
        let until = Timestamp::from_millis(until.millis().saturating_add(LATE));
        let head = self.chat.log.head().await?;
        let mut reader = self.chat.log.read_from(from).await?;
        while reader.through() < head {
            for stored in reader.next(BATCH, WAIT).await?.records {
                if stored.stored_at > until {
                    return Ok(found);
                }
                let Some((edit, event)) = edit(&stored)? else { continue };
                if posts.contains_key(&edit.message.id) {
                    let room = edit.message.room_id;
                    found.entry(room).or_default().extend(self.edit(&stored, &edit, &event));
                }
            }
        }
        Ok(found)
    }

    fn edit(&self, stored: &Record, edit: &MessageEdited, event: &Event) -> Option<Going> {
        let MessageEdited { message, posted, edited_at } = edit;
        let sender_id = message.sender_id;
        let message = blank(message, false, &self.chat.names);
        let was = BlankEvent::Edited { message, posted: *posted, edited_at: *edited_at };
        let blank = Blank { sequence: stored.sequence, stored_at: stored.stored_at, was };
        going(event, AuthoredBlank { sender_id, blank })
    }

    /// Lists events of a room, and deletes them after that; false when a hold was placed before they were listed.
    async fn erase(
        &self,
        room: &RoomId,
        going: &[Going],
        before: Timestamp,
    ) -> Result<bool, Failure> {
        let authors: BTreeSet<UserId> =
            going.iter().map(|(_, authored)| authored.sender_id).collect();
        let (gone, blanks) = going.iter().cloned().unzip();
        let (room_id, listed_at) = (*room, Timestamp::now());
        let removed = TextsRemoved { room_id, listed_at, before, gone, blanks, media: Vec::new() };
        let sequences = removed.sequences();
        if !self.chat.list_texts(removed, &BTreeSet::from([room_id]), &authors).await? {
            return Ok(false);
        }
        self.chat.log.erase(&sequences).await?;
        self.chat.metrics.texts_removed.inc_by(u64::try_from(sequences.len()).unwrap_or(0));
        Ok(true)
    }

    /// Whether a legal hold or an open report keeps a message.
    async fn is_held(&self, deleted: &MessageDeleted) -> Result<bool, Failure> {
        if are_held(&self.chat.log, [deleted.room_id], [deleted.sender_id]).await? {
            return Ok(true);
        }
        Ok(self.chat.index.open_reports_of(&deleted.message_id).await? > 0)
    }

    /// Every deletion up to here has been dealt with.
    async fn done(&self) -> Result<Sequence, Failure> {
        let Some((value, _)) = self.bucket.get(DONE).await? else { return Ok(0) };
        let number = std::str::from_utf8(&value).ok().and_then(|number| number.parse().ok());
        // What cannot be read is begun anew: a deletion that was dealt with is passed by.
        Ok(number.unwrap_or(0))
    }

    async fn note(&self, through: Sequence) -> Result<(), Failure> {
        let value = through.to_string();
        let written = match self.bucket.get(DONE).await? {
            Some((known, _)) if known == value => return Ok(()),
            Some((_, revision)) => self.bucket.update(DONE, value, revision, None).await,
            None => self.bucket.create(DONE, value, None).await,
        };
        match written {
            // Another worker is further, or will be.
            Ok(_) | Err(SecretError::Conflict) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

/// With what is kept of it.
fn going(event: &Event, authored: AuthoredBlank) -> Option<Going> {
    Some((gone(event, authored.blank.sequence)?, authored))
}

/// Whether a record of a timeline may be of a type, without reading all of it.
fn may_be(stored: &Record, kind: &str) -> bool {
    let timeline = matches!(stored.lane, Some(Lane::Timeline(_)));
    timeline && std::str::from_utf8(&stored.payload).is_ok_and(|text| text.contains(kind))
}

fn deletion(stored: &Record) -> Result<Option<Deletion>, Failure> {
    if !may_be(stored, "message.deleted.v1") {
        return Ok(None);
    }
    let EventData::Message(MessageEvent::Deleted(event)) = stored.event()?.data else {
        return Ok(None);
    };
    let (sequence, stored_at) = (stored.sequence, stored.stored_at);
    Ok(Some(Deletion { sequence, stored_at, event }))
}

/// The end of a file whose events may say what it was called.
fn end(stored: &Record) -> Result<Option<(Sequence, MediaId)>, Failure> {
    if !matches!(stored.lane, Some(Lane::Media(_))) {
        return Ok(None);
    }
    let EventData::Media(event) = stored.event()?.data else { return Ok(None) };
    let ends = match &event {
        MediaEvent::Removed(_) => true,
        MediaEvent::Purged(purged) => !purged.media.is_unnamed(),
        MediaEvent::Requested(_)
        | MediaEvent::Stored(_)
        | MediaEvent::Attached(_)
        | MediaEvent::Detached(_) => false,
    };
    Ok(ends.then(|| (stored.sequence, event.after().file.id)))
}

fn edit(stored: &Record) -> Result<Option<(MessageEdited, Event)>, Failure> {
    if !may_be(stored, "message.edited.v1") {
        return Ok(None);
    }
    let event = stored.event()?;
    let EventData::Message(MessageEvent::Edited(edit)) = &event.data else { return Ok(None) };
    Ok(Some((edit.clone(), event)))
}
