//! Members' own settings of a room, as they alone are told of them.

use readmodel::MembershipDoc;
use schemars::JsonSchema;
use schemas::events::{PrefsEvent, PrefsState};
use schemas::values::Notify;
use serde::Serialize;

use super::broadcast::{Audience, Broadcast, Place};
use super::names::FrameName;
use super::span::{Change, Span};

/// A member's own settings of a room.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "MembershipSettings")]
pub(super) struct PrefsData {
    /// Of which messages the member wants to be notified.
    notify: Notify,
    /// Whether the room is pinned in their list.
    pinned: bool,
    /// Whether it is left out of their list until the next message.
    hidden: bool,
}

pub(super) fn broadcast(event: &PrefsEvent, place: Place<'_>) -> Broadcast {
    let PrefsState { room_id, user_id, notify, pinned, hidden } = event.after();
    let data = PrefsData { notify: *notify, pinned: *pinned, hidden: *hidden };
    let name = FrameName::MembershipChanged;
    let frame = place.frame(name, Some(room_id), &data);
    Broadcast::outside(name, frame, Audience::Person(*user_id))
}

/// A membership of the user who resumes, whose settings an event changed.
pub(crate) fn changed(doc: &MembershipDoc, span: &Span<'_>) -> Option<Change> {
    let at = doc.prefs_changed;
    // A message that came since is told after it, and brings a hidden room back.
    let data =
        PrefsData { notify: doc.notify, pinned: doc.pinned, hidden: doc.hidden_at.is_some() };
    let frame = || span.place(at).frame(FrameName::MembershipChanged, Some(&doc.room_id), &data);
    span.covers(at).then(|| Change::Frame { at, frame: frame() })
}
