//! Accounts, as clients are told of them.

use readmodel::UserDoc;
use schemas::events::UserEvent;

use super::broadcast::{Audience, Broadcast, Place};
use super::names::FrameName;
use super::span::{Change, Span};
use crate::documents;

/// None for a registration: no user shares a room with a new one yet but those of a room of everyone, who are told of
/// as members when they do something.
pub(super) fn broadcast(event: &UserEvent, place: Place<'_>) -> Option<Broadcast> {
    let user = match event {
        UserEvent::Registered(_) => return None,
        UserEvent::ProfileChanged(_)
        | UserEvent::RoleChanged(_)
        | UserEvent::SuspensionChanged(_)
        | UserEvent::EmailVerified(_)
        | UserEvent::EmailChanged(_)
        | UserEvent::SecondFactorChanged(_)
        | UserEvent::PasswordSet(_)
        | UserEvent::Erased(_) => event.shown(),
    };
    let user = &user;
    let name = FrameName::UserChanged;
    let frame = place.frame(name, None, &documents::user(user));
    let id = user.id;
    let audience = if matches!(event, UserEvent::Erased(_)) {
        Audience::Erased(id)
    } else {
        Audience::SharesRoomWith(id)
    };
    Some(Broadcast {
        self_frame: Some(place.frame(name, None, &documents::account(user))),
        ..Broadcast::outside(name, frame, audience)
    })
}

/// An account that the user shares a room with, their own, or one that was erased.
pub(crate) fn changed(doc: &UserDoc, span: &Span<'_>) -> Option<Change> {
    let at = doc.updated;
    if !span.covers(at) || at == doc.registered {
        return None;
    }
    let place = span.place(at);
    let frame = if doc.state.id == *span.user {
        place.frame(FrameName::UserChanged, None, &documents::account(&doc.state))
    } else {
        place.frame(FrameName::UserChanged, None, &documents::user(&doc.state))
    };
    Some(Change::Frame { at, frame })
}
