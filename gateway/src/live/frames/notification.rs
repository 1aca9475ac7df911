//! Notifications, as their readers are told of them.

use std::collections::HashMap;

use readmodel::{InboxDoc, NotificationDoc};
use schemars::JsonSchema;
use schemas::events::NotificationEvent;
use schemas::views::Notification;
use schemas::{MessageId, NotificationId, RoomId};
use serde::Serialize;

use super::broadcast::{Audience, Broadcast, Place};
use super::names::FrameName;
use super::span::{Change, Span};

/// Notifications that were read: one, or (`all`) every one there was.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "ReadNotifications")]
pub(super) struct ReadData<'a> {
    /// Which one; absent for all of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a NotificationId>,
    /// Always true.
    read: bool,
    /// Whether every entry there was is meant.
    all: bool,
}

impl<'a> ReadData<'a> {
    const fn of(id: Option<&'a NotificationId>) -> Self {
        Self { id, read: true, all: id.is_none() }
    }
}

/// A notification that was removed.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "RemovedNotification")]
pub(super) struct RemovedData<'a> {
    /// Which one.
    id: &'a NotificationId,
    /// The room it was about.
    #[serde(skip_serializing_if = "Option::is_none")]
    room_id: Option<&'a RoomId>,
    /// The message it was about.
    #[serde(skip_serializing_if = "Option::is_none")]
    message_id: Option<&'a MessageId>,
}

/// `known`: the notification in words, if it can be had. None for a new one without words.
pub(super) fn broadcast(
    event: &NotificationEvent,
    place: Place<'_>,
    known: Option<Notification>,
) -> Option<Broadcast> {
    let (name, reader, frame) = match event {
        NotificationEvent::Created(created) => {
            let name = FrameName::NotificationCreated;
            (name, &created.user_id, place.frame(name, None, &known?))
        }
        NotificationEvent::Removed(removed) => {
            let name = FrameName::NotificationRemoved;
            let data = RemovedData {
                id: &removed.notification_id,
                room_id: removed.room_id.as_ref(),
                message_id: removed.message_id.as_ref(),
            };
            (name, &removed.user_id, place.frame(name, None, &data))
        }
        NotificationEvent::Read(read) => {
            let name = FrameName::NotificationRead;
            let frame = match known {
                Some(whole) => place.frame(name, None, &Notification { read: true, ..whole }),
                None => place.frame(name, None, &ReadData::of(read.notification_id.as_ref())),
            };
            (name, &read.user_id, frame)
        }
    };
    Some(Broadcast::outside(name, frame, Audience::Person(*reader)))
}

/// An entry of the user's inbox; `entries` has those that are not removed in words.
pub(crate) fn changed(
    doc: &NotificationDoc,
    entries: &HashMap<NotificationId, Notification>,
    span: &Span<'_>,
) -> Option<Change> {
    if doc.removed {
        let (room_id, message_id) = (doc.room_id.as_ref(), doc.message_id.as_ref());
        let data = RemovedData { id: &doc.id, room_id, message_id };
        let at = doc.updated;
        let frame = || span.place(at).frame(FrameName::NotificationRemoved, None, &data);
        return span.covers(at).then(|| Change::Frame { at, frame: frame() });
    }
    let view = entries.get(&doc.id)?;
    let (name, at) = if doc.created > span.after {
        (FrameName::NotificationCreated, doc.created)
    } else {
        (FrameName::NotificationRead, doc.updated)
    };
    let frame = || span.place(at).frame(name, None, view);
    span.covers(at).then(|| Change::Frame { at, frame: frame() })
}

/// The user's inbox: every entry so far was read.
pub(crate) fn inbox_changed(doc: &InboxDoc, span: &Span<'_>) -> Option<Change> {
    let at = doc.read_all;
    let frame = || span.place(at).frame(FrameName::NotificationRead, None, &ReadData::of(None));
    span.covers(at).then(|| Change::Frame { at, frame: frame() })
}
