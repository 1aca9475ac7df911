//! Ids and events for the tests of this folder.

use readmodel::{MembershipDoc, RoomDoc};
use schemas::events::{
    AuditEvent, MemberAdded, MemberEvent, MemberRemoved, MemberState, MessageDeleted,
    MessageEdited, MessageEvent, MessagePinned, MessagePosted, MessageState, MessageUnpinned,
    NotificationEvent, PinEvent, ReactionAdded, ReactionEvent, ReactionRemoved, ReadMoved,
    ReceiptEvent, RoomState, SessionEvent,
};
use schemas::values::{Body, Emoji, Format, RoomKind, RoomRole};
use schemas::views::Sender;
use schemas::{
    Actor, Digest, ErasureId, Event, EventData, EventId, Lane, MessageId, RoomId, Sequence,
    SessionId, Timestamp, UserId,
};

use crate::links::{Author, Links};

fn uuid(number: u64) -> uuid::Uuid {
    uuid::Uuid::from_u128(u128::from(number))
}

pub(crate) fn room(number: u64) -> RoomId {
    RoomId::from_uuid(uuid(number))
}

pub(crate) fn user(number: u64) -> UserId {
    UserId::from_uuid(uuid(number))
}

pub(crate) fn session(number: u64) -> SessionId {
    SessionId::from_uuid(uuid(number))
}

pub(crate) fn message(number: u64) -> MessageId {
    MessageId::from_uuid(uuid(number))
}

pub(crate) fn links() -> Links {
    Links::new(&[7; 32], "")
}

pub(crate) fn sender(number: u64) -> Author {
    let (username, display_name) = (format!("u{number}"), format!("U {number}"));
    Author { sender: Sender { id: user(number), username, display_name }, links: links() }
}

/// A membership as it is when its stay has just begun, and nothing was read or set.
pub(crate) fn membership_doc(room_id: RoomId, user_id: UserId, joined: Sequence) -> MembershipDoc {
    MembershipDoc::begun(room_id, user_id, Timestamp::from_millis(100), joined)
}

/// A room with nothing in it.
pub(crate) fn room_doc(kind: RoomKind) -> RoomDoc {
    let state = RoomState::begun(room(1), kind, Timestamp::from_millis(1));
    RoomDoc { member_count: 1, ..RoomDoc::begun(state, 0) }
}

pub(crate) fn event(data: impl Into<EventData>) -> Event {
    Event {
        id: EventId::from_uuid(uuid(1)),
        time: Timestamp::from_millis(1_000),
        actor: Actor::System,
        causation: None,
        traceparent: None,
        data: data.into(),
    }
}

pub(crate) fn posted(in_room: u64, id: u64, by: u64) -> Event {
    event(MessagePosted {
        private: false,
        message: MessageState {
            id: message(id),
            room_id: room(in_room),
            sender_id: user(by),
            client_id: None,
            body: Body::parse("hello").unwrap(),
            format: Format::Plain,
            attachments: Vec::new(),
            files: Vec::new(),
            mentions: Vec::new(),
            mentions_room: None,
            thread_root_id: None,
            created_at: Timestamp::from_millis(1_000),
        },
    })
}

pub(crate) fn edited(in_room: u64, id: u64, by: u64, at: Sequence) -> Event {
    let EventData::Message(MessageEvent::Posted(posted)) = posted(in_room, id, by).data else {
        unreachable!()
    };
    let edited_at = Timestamp::from_millis(2_000);
    event(MessageEdited { message: posted.message, posted: at, edited_at })
}

pub(crate) fn read(in_room: u64, who: u64, id: u64) -> Event {
    let (room_id, user_id, message_id) = (room(in_room), user(who), message(id));
    event(ReadMoved { room_id, user_id, message_id, posted: id, private: false })
}

pub(crate) fn answered(in_room: u64, id: u64, by: u64, root: u64) -> Event {
    let EventData::Message(MessageEvent::Posted(mut posted)) = posted(in_room, id, by).data else {
        unreachable!()
    };
    posted.message.thread_root_id = Some(message(root));
    event(posted)
}

pub(crate) fn unanswered(in_room: u64, id: u64, by: u64, root: u64) -> Event {
    let EventData::Message(MessageEvent::Deleted(mut gone)) = deleted(in_room, id, by, 1).data
    else {
        unreachable!()
    };
    gone.thread_root_id = Some(message(root));
    event(gone)
}

pub(crate) fn removed(in_room: u64, who: u64) -> Event {
    let EventData::Member(MemberEvent::Added(added)) = added(in_room, who).data else {
        unreachable!()
    };
    event(MemberRemoved { member: MemberState { present: false, ..added.member } })
}

/// The lane an event lies on.
pub(crate) fn lane_of(event: &Event) -> Lane {
    match &event.data {
        EventData::Message(MessageEvent::Posted(data)) => Lane::Timeline(data.message.room_id),
        EventData::Message(MessageEvent::Edited(data)) => Lane::Timeline(data.message.room_id),
        EventData::Message(MessageEvent::Deleted(data)) => Lane::Timeline(data.room_id),
        EventData::Reaction(ReactionEvent::Added(data)) => Lane::Timeline(data.room_id),
        EventData::Reaction(ReactionEvent::Removed(data)) => Lane::Timeline(data.room_id),
        EventData::Pin(PinEvent::Pinned(data)) => Lane::Timeline(data.room_id),
        EventData::Pin(PinEvent::Unpinned(data)) => Lane::Timeline(data.room_id),
        EventData::Receipt(ReceiptEvent::Moved(data)) => Lane::Receipts(data.room_id),
        EventData::Member(event) => {
            let member = event.after();
            Lane::Member(member.room_id, member.user_id)
        }
        EventData::Room(event) => Lane::Room(event.after().id),
        EventData::Block(event) => Lane::Blocks(event.after().user_id),
        EventData::User(event) => Lane::User(*event.user_id()),
        EventData::Notification(NotificationEvent::Created(data)) => Lane::Inbox(data.user_id),
        EventData::Notification(NotificationEvent::Read(data)) => Lane::Inbox(data.user_id),
        EventData::Notification(NotificationEvent::Removed(data)) => Lane::Inbox(data.user_id),
        EventData::Session(SessionEvent::Started(data)) => Lane::Session(data.user_id),
        EventData::Session(SessionEvent::Refreshed(data)) => Lane::Session(data.user_id),
        EventData::Session(SessionEvent::Ended(data)) => Lane::Session(data.user_id),
        EventData::Challenge(_) => Lane::Challenges(user(1)),
        EventData::Identity(event) => Lane::Identities(event.after().user_id),
        EventData::Thread(event) => Lane::Threads(*event.user()),
        EventData::Media(event) => Lane::Media(event.after().file.id),
        EventData::Report(event) => Lane::Report(event.after().id),
        EventData::Prefs(event) => {
            let prefs = event.after();
            Lane::Prefs(prefs.room_id, prefs.user_id)
        }
        EventData::Audit(AuditEvent::Read(read)) => Lane::Audit(read.user_id),
        EventData::Invite(event) => Lane::Invite(event.after().id),
        EventData::Erasure(event) => Lane::Erasure(ErasureId::parse(&event.subject()).unwrap()),
        EventData::Export(_) => Lane::Exports(user(1)),
        EventData::Hold(_) => Lane::UserHold(user(1)),
        EventData::Retention(event) => Lane::Retention(RoomId::parse(&event.subject()).unwrap()),
        EventData::Name(_) => Lane::Handle(Digest::of(["a name"])),
    }
}

pub(crate) fn deleted(in_room: u64, id: u64, by: u64, posted: Sequence) -> Event {
    event(MessageDeleted {
        message_id: message(id),
        room_id: room(in_room),
        sender_id: user(by),
        posted,
        thread_root_id: None,
        created_at: Timestamp::from_millis(1_000),
        deleted_at: Timestamp::from_millis(2_000),
        reason: None,
    })
}

pub(crate) fn added(in_room: u64, who: u64) -> Event {
    event(MemberAdded {
        member: MemberState {
            room_id: room(in_room),
            user_id: user(who),
            role: RoomRole::Member,
            present: true,
            muted_until: None,
            banned: false,
            ban: None,
            joined_at: Timestamp::from_millis(1_000),
            blocks: false,
            blocked: false,
        },
    })
}

pub(crate) fn reacted(in_room: u64, id: u64, by: u64, emoji: &str) -> Event {
    event(ReactionAdded {
        message_id: message(id),
        room_id: room(in_room),
        user_id: user(by),
        emoji: Emoji::parse(emoji).unwrap(),
        posted: 1,
        near_limit: false,
    })
}

pub(crate) fn unreacted(in_room: u64, id: u64, by: u64, emoji: &str) -> Event {
    event(ReactionRemoved {
        message_id: message(id),
        room_id: room(in_room),
        user_id: user(by),
        emoji: Emoji::parse(emoji).unwrap(),
        posted: 1,
    })
}

pub(crate) fn pinned(in_room: u64, id: u64, by: u64) -> Event {
    let (message_id, room_id, user_id) = (message(id), room(in_room), user(by));
    event(MessagePinned { message_id, room_id, user_id, posted: 1, near_limit: false })
}

pub(crate) fn unpinned(in_room: u64, id: u64, by: u64) -> Event {
    let (message_id, room_id, user_id) = (message(id), room(in_room), user(by));
    event(MessageUnpinned { message_id, room_id, user_id, posted: 1 })
}
