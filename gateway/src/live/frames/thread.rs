//! Threads, as their followers are told of what they did themselves. No other user is.

use readmodel::FollowerDoc;
use schemars::JsonSchema;
use schemas::MessageId;
use schemas::events::ThreadEvent;
use schemas::views::ThreadMarker;
use serde::Serialize;

use super::broadcast::{About, Audience, Broadcast, Effect, Place};
use super::names::FrameName;
use super::span::{Arrivals, Change, Span};

/// A thread that is followed now, or is not any more.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "ThreadFollow")]
pub(super) struct FollowData<'a> {
    /// The message that began the thread.
    thread_root_id: &'a MessageId,
}

pub(super) fn broadcast(event: &ThreadEvent, place: Place<'_>) -> Broadcast {
    let (room, thread_root_id) = (event.room(), event.root());
    let followed = |name| {
        let about = About::Follow { root: *thread_root_id };
        (name, about, place.frame(name, Some(room), &FollowData { thread_root_id }))
    };
    let (name, about, frame) = match event {
        ThreadEvent::Followed(_) => followed(FrameName::ThreadFollowed),
        ThreadEvent::Unfollowed(_) => followed(FrameName::ThreadUnfollowed),
        ThreadEvent::Read(read) => {
            let marker = ThreadMarker {
                user_id: read.user_id,
                message_id: read.message_id,
                thread_root_id: read.thread_root_id,
            };
            let root = read.thread_root_id;
            let about = About::ThreadMarker { root, posted: read.posted };
            let name = FrameName::ThreadRead;
            (name, about, place.frame(name, Some(room), &marker))
        }
    };
    let audience = Audience::PersonIn(*room, *event.user());
    Broadcast { name, frame, self_frame: None, audience, effect: Effect::None, about }
}

/// What the user did to a thread: whether they follow it now, and how far they have read it.
pub(crate) fn changed(
    doc: &FollowerDoc,
    span: &Span<'_>,
    arrivals: &Arrivals<'_>,
) -> impl Iterator<Item = Change> {
    let told = |at| span.covers(at) && arrivals.tell(&doc.room_id, at);
    let (room, thread_root_id) = (Some(&doc.room_id), &doc.root_id);
    let follow = told(doc.changed).then(|| {
        let at = doc.changed;
        let name = match doc.following {
            true => FrameName::ThreadFollowed,
            false => FrameName::ThreadUnfollowed,
        };
        Change::Frame {
            at,
            frame: span.place(at).frame(name, room, &FollowData { thread_root_id }),
        }
    });
    let read = doc.marker_message_id.as_ref().filter(|_| told(doc.marker_updated));
    let read = read.map(|message_id| {
        let at = doc.marker_updated;
        let marker = ThreadMarker {
            user_id: doc.user_id,
            message_id: *message_id,
            thread_root_id: *thread_root_id,
        };
        Change::Frame { at, frame: span.place(at).frame(FrameName::ThreadRead, room, &marker) }
    });
    follow.into_iter().chain(read)
}
