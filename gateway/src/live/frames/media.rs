//! Media, as their owners are told of them: that a file is stored, and that it is removed. No other user is.

use readmodel::MediaDoc;
use schemas::events::{MediaEvent, MediaState};
use schemas::{Timestamp, UserId};

use super::broadcast::{Audience, Broadcast, Place};
use super::names::FrameName;
use super::span::{Change, Span};
use crate::links::Links;

/// The owner of a medium of which they are told something; none where nothing is told.
pub(crate) const fn owner_of(event: &MediaEvent) -> Option<&UserId> {
    match told(event) {
        Some(media) => Some(&media.owner_id),
        None => None,
    }
}

/// What was never stored is nothing to its owner, and what it is attached to does not change the file.
const fn told(event: &MediaEvent) -> Option<&MediaState> {
    match event {
        MediaEvent::Stored(stored) => Some(&stored.media),
        MediaEvent::Removed(removed) if removed.media.stored_at.is_some() => Some(&removed.media),
        MediaEvent::Removed(_)
        | MediaEvent::Requested(_)
        | MediaEvent::Attached(_)
        | MediaEvent::Detached(_)
        | MediaEvent::Purged(_) => None,
    }
}

pub(super) fn broadcast(event: &MediaEvent, place: Place<'_>, links: &Links) -> Option<Broadcast> {
    let state = told(event)?;
    let name = FrameName::MediaChanged;
    let frame = place.frame(name, None, &links.own_media(state, Timestamp::now()));
    Some(Broadcast::outside(name, frame, Audience::Person(state.owner_id)))
}

/// A medium of the user that was stored or removed.
pub(crate) fn changed(doc: &MediaDoc, span: &Span<'_>) -> Option<Change> {
    let at = doc.told;
    let view = || span.links.own_media(&doc.state, Timestamp::now());
    let frame = || span.place(at).frame(FrameName::MediaChanged, None, &view());
    span.covers(at).then(|| Change::Frame { at, frame: frame() })
}
