//! Decisions about media.
//!
//! A medium is its owner's alone until it is in a message. What is in no message any more is removed; what never came
//! into one is removed a while after it was stored.

use decider::Fact;
use schemas::commands::RequestMedia;
use schemas::events::{
    MAX_MEDIA_USES, MediaAttached, MediaDetached, MediaFile, MediaPurged, MediaRemoved,
    MediaRequested, MediaState, MediaStored, MediaUse,
};
use schemas::ids::{MediaId, MessageId, RoomId};
use schemas::media::MediaStatus;
use schemas::{EventData, Lane, Timestamp};

use super::MediaRejection;
use crate::domain::Context;
use crate::domain::access::active;
use crate::domain::person::Person;

/// How much may be uploaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Most bytes of a file.
    pub file: u64,
    /// Most bytes of all files of a user; none for no limit.
    pub person: Option<u64>,
    /// Most bytes of all files; none for no limit.
    pub installation: Option<u64>,
}

/// How much is uploaded, or may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Taken {
    /// Bytes of all files of the user.
    pub person: u64,
    /// Bytes of all files.
    pub installation: u64,
}

/// What a medium is after something that happened to it now.
fn changed(before: &MediaState, now: Timestamp) -> MediaState {
    MediaState { changed_at: now, ..before.clone() }
}

fn fact(media: &MediaState, event: impl Into<EventData>) -> Fact {
    Fact::new(Lane::Media(media.file.id), event)
}

/// Allows an upload. What may be uploaded counts as if it were there, until that is over.
///
/// # Errors
/// See [`MediaRejection`].
pub fn request(
    person: Option<&Person>,
    id: &MediaId,
    command: &RequestMedia,
    (limits, taken): (&Limits, Taken),
    cx: &Context,
) -> Result<MediaState, MediaRejection> {
    active(person)?;
    let size = command.size;
    if size == 0 {
        return Err(MediaRejection::Empty);
    }
    if size > limits.file {
        return Err(MediaRejection::TooLarge(limits.file));
    }
    let over = |taken: u64, limit: u64| taken.saturating_add(size) > limit;
    if let Some(limit) = limits.person.filter(|limit| over(taken.person, *limit)) {
        return Err(MediaRejection::OverQuota(limit));
    }
    if limits.installation.is_some_and(|limit| over(taken.installation, limit)) {
        return Err(MediaRejection::NoRoom);
    }
    let file = MediaFile {
        id: *id,
        filename: command.filename.clone(),
        content_type: command.content_type.clone(),
        size,
        sha256: command.sha256.clone(),
        width: None,
        height: None,
        thumbnail: false,
    };
    Ok(MediaState {
        file,
        owner_id: cx.actor,
        status: MediaStatus::Requested,
        uses: Vec::new(),
        avatar: false,
        created_at: cx.now,
        stored_at: None,
        changed_at: cx.now,
    })
}

/// The event of an upload that was allowed.
#[must_use]
pub fn requested(media: MediaState) -> Fact {
    let lane = Lane::Media(media.file.id);
    Fact::new(lane, MediaRequested { media })
}

/// The medium of a user that is to be completed, and whether it is already.
///
/// # Errors
/// [`MediaRejection::NotFound`] for none, another user's, and one that is removed.
pub fn complete<'a>(
    before: Option<&'a MediaState>,
    cx: &Context,
) -> Result<(&'a MediaState, bool), MediaRejection> {
    let own = before.filter(|media| media.owner_id == cx.actor);
    let media = own.ok_or(MediaRejection::NotFound)?;
    match media.status {
        MediaStatus::Requested => Ok((media, false)),
        MediaStatus::Stored => Ok((media, true)),
        MediaStatus::Removed | MediaStatus::Purged => Err(MediaRejection::NotFound),
    }
}

/// A file was checked and stored.
#[must_use]
pub fn stored(before: &MediaState, file: MediaFile, now: Timestamp) -> Fact {
    let media = MediaState {
        file,
        status: MediaStatus::Stored,
        stored_at: Some(now),
        ..changed(before, now)
    };
    fact(before, MediaStored { media })
}

/// Attaches a medium to a message of its owner. `index`: its place among the attachments.
///
/// # Errors
/// [`MediaRejection::NotAttachable`], [`MediaRejection::TooManyUses`].
pub fn attach(
    before: Option<&MediaState>,
    index: usize,
    (message_id, room_id): (&MessageId, &RoomId),
    cx: &Context,
) -> Result<(MediaFile, Fact), MediaRejection> {
    let own = before.filter(|media| media.owner_id == cx.actor);
    let before = own
        .filter(|media| media.status == MediaStatus::Stored)
        .ok_or(MediaRejection::NotAttachable(index))?;
    if before.uses.len() >= MAX_MEDIA_USES {
        return Err(MediaRejection::TooManyUses(index));
    }
    let mut media = changed(before, cx.now);
    media.uses.push(MediaUse { message_id: *message_id, room_id: *room_id, reported: false });
    Ok((media.file.clone(), fact(before, MediaAttached { media })))
}

/// A message with a medium is deleted. `reported`: a report of it is open, which keeps the file. Nothing happens where
/// the message did not have it, or is on record as deleted.
#[must_use]
pub fn detach(
    before: &MediaState,
    message_id: &MessageId,
    reported: bool,
    now: Timestamp,
) -> Option<Fact> {
    let used = before.uses.iter().find(|one| one.message_id == *message_id)?;
    if before.status != MediaStatus::Stored || (reported && used.reported) {
        return None;
    }
    let mut media = changed(before, now);
    if reported {
        let kept = media.uses.iter_mut().filter(|one| one.message_id == *message_id);
        kept.for_each(|one| one.reported = true);
    } else {
        media.uses.retain(|one| one.message_id != *message_id);
    }
    Some(without(before, media))
}

/// The medium without something that needed it: it stays as long as something else does.
fn without(before: &MediaState, media: MediaState) -> Fact {
    if !media.is_idle() {
        return fact(before, MediaDetached { media });
    }
    let media = MediaState { status: MediaStatus::Removed, ..media };
    fact(before, MediaRemoved { media })
}

/// Makes a medium of the caller their profile picture; nothing happens when it is.
///
/// # Errors
/// [`MediaRejection::NotAPicture`].
pub fn as_avatar(
    before: Option<&MediaState>,
    cx: &Context,
) -> Result<Option<Fact>, MediaRejection> {
    let own = before.filter(|media| media.owner_id == cx.actor);
    let before = own
        .filter(|media| media.status == MediaStatus::Stored && media.file.thumbnail)
        .ok_or(MediaRejection::NotAPicture)?;
    if before.avatar {
        return Ok(None);
    }
    let media = MediaState { avatar: true, ..changed(before, cx.now) };
    Ok(Some(fact(before, MediaAttached { media })))
}

/// A profile picture was replaced; nothing happens to what is none.
#[must_use]
pub fn no_avatar(before: &MediaState, now: Timestamp) -> Option<Fact> {
    if !before.avatar || before.status != MediaStatus::Stored {
        return None;
    }
    Some(without(before, MediaState { avatar: false, ..changed(before, now) }))
}

/// Removes a medium of the caller that nothing needs; nothing happens when it is removed.
///
/// # Errors
/// [`MediaRejection::NotFound`], [`MediaRejection::InUse`].
pub fn remove(before: Option<&MediaState>, cx: &Context) -> Result<Option<Fact>, MediaRejection> {
    let own = before.filter(|media| media.owner_id == cx.actor);
    let before = own.ok_or(MediaRejection::NotFound)?;
    if before.status == MediaStatus::Stored && !before.is_idle() {
        return Err(MediaRejection::InUse);
    }
    Ok(end(before, cx.now))
}

/// Removes a medium, whatever needs it; nothing happens when it is removed.
#[must_use]
pub fn end(before: &MediaState, now: Timestamp) -> Option<Fact> {
    match before.status {
        MediaStatus::Requested | MediaStatus::Stored => {
            let media = MediaState {
                status: MediaStatus::Removed,
                uses: Vec::new(),
                avatar: false,
                ..changed(before, now)
            };
            Some(fact(before, MediaRemoved { media }))
        }
        MediaStatus::Removed | MediaStatus::Purged => None,
    }
}

/// The bytes of a removed medium are gone.
#[must_use]
pub fn purged(before: &MediaState, now: Timestamp) -> Option<Fact> {
    let media = MediaState { status: MediaStatus::Purged, ..changed(before, now) };
    (before.status == MediaStatus::Removed).then(|| fact(before, MediaPurged { media }))
}

/// Whether nothing needs a medium any more, ever.
#[must_use]
pub const fn is_over(media: &MediaState) -> bool {
    matches!(media.status, MediaStatus::Removed | MediaStatus::Purged)
}

/// The bytes of a medium are gone, and what it was called with them.
#[must_use]
pub fn unnamed(before: &MediaState, now: Timestamp) -> Fact {
    let media = MediaState { status: MediaStatus::Purged, ..changed(before, now) }.without_name();
    fact(before, MediaPurged { media })
}

/// The bytes of a medium of an erased person are gone, and everything that is known of it with them.
#[must_use]
pub fn erased(before: &MediaState, now: Timestamp) -> Fact {
    let media = MediaState { status: MediaStatus::Purged, ..changed(before, now) }.without_name();
    let file = MediaFile { size: 0, ..media.file };
    fact(before, MediaPurged { media: MediaState { file, ..media } })
}
