//! Samples of erasures, of legal holds and of retention.

use schemas::Digest;
use schemas::event::{Actor, EventData};
use schemas::events::{
    AuthoredBlank, Blank, BlankEvent, BlankMessage, ErasureBegun, ErasureCompleted, ErasureListed,
    Gone, Held, HoldLifted, HoldPlaced, HoldState, MediaBlank, MessagesPurged, Removed,
    RetentionApplied, TextsRemoved, UserErased, no_room,
};
use schemas::ids::{ErasureId, InviteId, MediaId, MessageId, NotificationId, ReportId, RoomId};
use schemas::values::{EventType, Reason, RoomMention};

use super::{media, now, user_id, uuid};

fn gone(sequence: u64, full: bool) -> Gone {
    Gone {
        sequence,
        kind: EventType::parse("message.posted.v1").unwrap(),
        subject: MessageId::from_uuid(uuid(5)).to_string(),
        actor: if full { Actor::User(user_id(1)) } else { Actor::System },
        time: now(),
    }
}

pub(super) fn erasures(full: bool) -> Vec<EventData> {
    let erasure_id = || ErasureId::from_uuid(uuid(20));
    let removed = Removed { events: 3, messages: 1, reactions: 1, media: 0 };
    let some = |count| if full { count } else { 0 };
    let blank = BlankMessage {
        id: MessageId::from_uuid(uuid(5)),
        room_id: RoomId::from_uuid(uuid(3)),
        client_id: full.then(|| Digest::of(["client"])),
        mentions: vec![user_id(2); some(1)],
        mentions_room: full.then_some(RoomMention::Here),
        thread_root_id: full.then(|| MessageId::from_uuid(uuid(6))),
        created_at: now(),
        private: full,
    };
    let was = [
        BlankEvent::Registered { created_at: now() },
        BlankEvent::Posted(blank.clone()),
        BlankEvent::Edited { message: blank, posted: 41, edited_at: now() },
    ];
    let blanks = was.map(|was| Blank { sequence: 41, stored_at: now(), was });
    let erasures = vec![
        UserErased {
            user_id: user_id(1),
            erasure_id: erasure_id(),
            created_at: now(),
            erased_at: now(),
        }
        .into(),
        ErasureBegun {
            erasure_id: erasure_id(),
            user_id: user_id(1),
            registered_at: now(),
            begun_at: now(),
            reason: full.then(|| Reason::parse("asked by letter").unwrap()),
        }
        .into(),
        ErasureListed {
            erasure_id: erasure_id(),
            user_id: user_id(1),
            listed_at: now(),
            through: 60,
            gone: vec![gone(41, full), gone(42, full)],
            blanks: blanks.into_iter().take(some(3)).collect(),
            threads: vec![MessageId::from_uuid(uuid(6)); some(1)],
            prefs: vec![RoomId::from_uuid(uuid(3)); some(1)],
            notifications: vec![NotificationId::from_uuid(uuid(12)); some(1)],
            invites: vec![InviteId::from_uuid(uuid(11)); some(1)],
            reports: vec![ReportId::from_uuid(uuid(13)); some(1)],
            reported: vec![ReportId::from_uuid(uuid(14)); some(1)],
            removed,
        }
        .into(),
        ErasureCompleted {
            erasure_id: erasure_id(),
            user_id: user_id(1),
            removed,
            completed_at: now(),
        }
        .into(),
    ];
    [erasures, holds(full), retention(full)].concat()
}

fn holds(full: bool) -> Vec<EventData> {
    let hold = || HoldState {
        held: match full {
            true => Held::Room(RoomId::from_uuid(uuid(3))),
            false => Held::User(user_id(4)),
        },
        reason: Reason::parse("case 12/2026").unwrap(),
        placed_by: user_id(1),
        placed_at: now(),
    };
    let lifted = HoldLifted {
        hold: hold(),
        lifted_by: user_id(1),
        reason: Reason::parse("settled").unwrap(),
        lifted_at: now(),
    };
    vec![HoldPlaced { hold: hold() }.into(), lifted.into()]
}

fn retention(full: bool) -> Vec<EventData> {
    let message = |number| MessageId::from_uuid(uuid(number));
    let applied = RetentionApplied {
        room_id: RoomId::from_uuid(uuid(3)),
        days: 30,
        before: now(),
        messages: if full { vec![message(5), message(6)] } else { vec![message(5)] },
        except_users: vec![user_id(4); usize::from(full)],
    };
    let was = BlankEvent::Posted(BlankMessage {
        id: message(5),
        room_id: RoomId::from_uuid(uuid(3)),
        client_id: None,
        mentions: Vec::new(),
        mentions_room: None,
        thread_root_id: full.then(|| message(6)),
        created_at: now(),
        private: false,
    });
    let blank = Blank { sequence: 41, stored_at: now(), was };
    let removed = TextsRemoved {
        room_id: RoomId::from_uuid(uuid(3)),
        listed_at: now(),
        before: now(),
        gone: vec![gone(41, full)],
        blanks: vec![AuthoredBlank { sender_id: user_id(1), blank }],
        media: Vec::new(),
    };
    let purged = MessagesPurged {
        room_id: RoomId::from_uuid(uuid(3)),
        days: 30,
        before: now(),
        messages: if full { vec![message(5), message(6)] } else { vec![message(5)] },
    };
    vec![applied.into(), purged.into(), removed.into()]
}

/// The removal of what a file was called that was in no room.
pub(super) fn names_removed() -> EventData {
    let gone = Gone {
        kind: EventType::parse("media.stored.v1").unwrap(),
        subject: MediaId::from_uuid(uuid(2)).to_string(),
        ..gone(41, true)
    };
    let blank =
        MediaBlank { sequence: 41, stored_at: now(), media: media::media(true).without_name() };
    let (room_id, listed_at, before) = (no_room(), now(), now());
    TextsRemoved {
        room_id,
        listed_at,
        before,
        gone: vec![gone],
        blanks: Vec::new(),
        media: vec![blank],
    }
    .into()
}
