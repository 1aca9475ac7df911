//! The documents that events leave, as a resume out of the read model finds them.

use std::collections::HashMap;

use readmodel::{
    FollowerDoc, InboxDoc, MediaDoc, MembershipDoc, MessageDoc, MessageMark, NotificationDoc,
    RoomDoc, UserDoc,
};
use schemas::events::{
    MediaEvent, MemberEvent, MemberState, MessageEvent, MessageState, NotificationEvent, PinEvent,
    PrefsEvent, ReactionEvent, ReadMoved, ReceiptEvent, RoomEvent, RoomState, ThreadEvent,
    UserEvent,
};
use schemas::views::Notification;
use schemas::{EventData, NotificationId, Sequence};

use super::{AT, golden};
use crate::inbox;
use crate::live::changes::Changed;
use crate::live::fixture::{added, membership_doc, posted};

fn message_doc(state: &MessageState, posted: Sequence, changed: Sequence) -> MessageDoc {
    MessageDoc { changed, updated: changed, ..MessageDoc::as_posted(state, 1, 1, posted) }
}

fn membership(member: &MemberState, joined: Sequence, changed: Sequence) -> MembershipDoc {
    MembershipDoc {
        role: member.role,
        present: member.present,
        banned: member.banned,
        ban: member.ban.clone(),
        muted_until: member.muted_until,
        joined_at: member.joined_at,
        changed,
        told: changed,
        updated: changed,
        ..membership_doc(member.room_id, member.user_id, joined)
    }
}

fn in_words(entry: &NotificationDoc) -> HashMap<NotificationId, Notification> {
    let view = Notification {
        id: entry.id,
        kind: entry.kind,
        title: "Title".to_owned(),
        body: "Body".to_owned(),
        actor: None,
        room_id: None,
        message_id: None,
        read: entry.read,
        created_at: entry.created_at,
    };
    HashMap::from([(entry.id, view)])
}

/// The room an event at [`AT`] leaves.
fn room_after(event: &RoomEvent) -> RoomDoc {
    let archived = matches!(event, RoomEvent::Archived(_));
    let state = RoomState { archived, ..event.after().clone() };
    RoomDoc { member_count: 1, ..RoomDoc::begun(state, AT) }
}

/// The message an event at [`AT`] leaves.
fn message_after(event: &MessageEvent) -> MessageDoc {
    match event {
        MessageEvent::Posted(posted) => message_doc(&posted.message, AT, AT),
        MessageEvent::Edited(edited) => message_doc(&edited.message, 1, AT),
        MessageEvent::Deleted(deleted) => {
            let EventData::Message(MessageEvent::Posted(posted)) = posted(1, 2, 9).data else {
                unreachable!()
            };
            let doc = message_doc(&posted.message, 1, AT);
            MessageDoc { deleted_at: Some(deleted.deleted_at), ..doc }
        }
    }
}

fn marker_after(moved: &ReadMoved) -> MembershipDoc {
    let EventData::Member(event) = added(1, 2).data else { unreachable!() };
    let (marker_message_id, marker_updated) = (Some(moved.message_id), AT);
    let receipt_message_id = marker_message_id.filter(|_| !moved.private);
    let receipt_updated = if moved.private { 0 } else { AT };
    MembershipDoc {
        user_id: moved.user_id,
        marker_message_id,
        marker_updated,
        receipt_message_id,
        receipt_updated,
        ..membership(event.after(), 1, 1)
    }
}

/// An older message beside which an event at [`AT`] has changed something.
fn message_beside_which(data: &EventData) -> MessageDoc {
    let EventData::Message(MessageEvent::Posted(posted)) = posted(1, 2, 9).data else {
        unreachable!()
    };
    let (id, room_id) = match data {
        EventData::Reaction(ReactionEvent::Added(data)) => (&data.message_id, &data.room_id),
        EventData::Reaction(ReactionEvent::Removed(data)) => (&data.message_id, &data.room_id),
        EventData::Pin(PinEvent::Pinned(data)) => (&data.message_id, &data.room_id),
        EventData::Pin(PinEvent::Unpinned(data)) => (&data.message_id, &data.room_id),
        other => unreachable!("{}", other.type_name()),
    };
    let (id, room_id) = (*id, *room_id);
    MessageDoc { id, room_id, beside: AT, updated: AT, ..message_doc(&posted.message, 1, 1) }
}

fn membership_after(event: &MemberEvent) -> Option<MembershipDoc> {
    let (joined, present) = match event {
        MemberEvent::Joined(_) | MemberEvent::Added(_) => (AT, true),
        MemberEvent::Changed(changed) => (1, changed.member.present),
        MemberEvent::Left(_) | MemberEvent::Removed(_) => (1, false),
        MemberEvent::BlockChanged(_) => return None,
    };
    let told = match event {
        MemberEvent::Changed(_) if !present => 1,
        _ => AT,
    };
    let doc = membership(event.after(), joined, AT);
    Some(MembershipDoc { present, banned: false, told, ..doc })
}

/// The documents an event at [`AT`] leaves changed, and the messages among them.
pub(super) fn documents_after(data: &EventData) -> (Changed, Option<MessageDoc>) {
    let mut changed = Changed::default();
    let message = match data {
        EventData::Message(event) => Some(message_after(event)),
        EventData::Reaction(_) | EventData::Pin(_) => Some(message_beside_which(data)),
        _ => None,
    };
    changed.messages.extend(message.iter().map(MessageMark::of));
    match data {
        EventData::Message(_) | EventData::Reaction(_) | EventData::Pin(_) => {}
        EventData::Receipt(ReceiptEvent::Moved(moved)) => changed.markers.push(marker_after(moved)),
        EventData::Notification(NotificationEvent::Created(created)) => {
            let entry = inbox::created(created, AT);
            changed.entries = in_words(&entry);
            changed.notifications.push(entry);
        }
        EventData::Notification(NotificationEvent::Read(read)) => {
            // Every entry so far; one by one they are documents of their own.
            let inbox = InboxDoc::empty(read.user_id);
            changed.inbox = Some(InboxDoc { read_all: AT, ..inbox });
        }
        EventData::Notification(NotificationEvent::Removed(removed)) => {
            changed.notifications.push(removed_entry(&removed.notification_id));
        }
        EventData::User(event) => {
            let registered = if matches!(event, UserEvent::Registered(_)) { AT } else { 1 };
            changed.users.push(UserDoc { state: event.shown(), registered, updated: AT });
        }
        EventData::Media(event) => changed.media.push(media_after(event)),
        EventData::Room(event) => changed.rooms.push(room_after(event)),
        EventData::Thread(event) => changed.followers.push(follower_after(event)),
        EventData::Member(event) => changed.members.extend(membership_after(event)),
        EventData::Prefs(PrefsEvent::Changed(_)) => {
            let EventData::Member(event) = added(1, 2).data else { unreachable!() };
            let doc = membership(event.after(), 1, 1);
            changed.prefs.push(MembershipDoc { prefs_changed: AT, ..doc });
        }
        EventData::Session(_)
        | EventData::Challenge(_)
        | EventData::Identity(_)
        | EventData::Name(_)
        | EventData::Report(_)
        | EventData::Block(_)
        | EventData::Audit(_)
        | EventData::Invite(_)
        | EventData::Erasure(_)
        | EventData::Export(_)
        | EventData::Hold(_)
        | EventData::Retention(_) => {}
    }
    (changed, message)
}

fn media_after(event: &MediaEvent) -> MediaDoc {
    let (state, told) = (event.after().clone(), super::super::media::owner_of(event));
    MediaDoc { state, told: if told.is_some() { AT } else { 0 }, updated: AT }
}

fn follower_after(event: &ThreadEvent) -> FollowerDoc {
    let doc = FollowerDoc {
        root_id: *event.root(),
        room_id: *event.room(),
        user_id: *event.user(),
        following: true,
        stay: 1,
        marker: 1,
        marker_message_id: None,
        marker_posted: 1,
        marker_updated: 0,
        marker_at: 0,
        changed: 1,
        updated: AT,
    };
    match event {
        ThreadEvent::Followed(_) => FollowerDoc { changed: AT, ..doc },
        ThreadEvent::Unfollowed(_) => FollowerDoc { following: false, changed: AT, ..doc },
        ThreadEvent::Read(read) => {
            FollowerDoc { marker_message_id: Some(read.message_id), marker_updated: AT, ..doc }
        }
    }
}

fn removed_entry(id: &NotificationId) -> NotificationDoc {
    let entry = golden().into_iter().find_map(|event| match event.data {
        EventData::Notification(NotificationEvent::Created(created)) => {
            Some(inbox::created(&created, 1))
        }
        _ => None,
    });
    NotificationDoc { id: *id, removed: true, updated: AT, ..entry.unwrap() }
}
