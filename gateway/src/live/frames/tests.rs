//! Given an event, then this is what clients are told: when it happens, and in a resume.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use readmodel::{
    FollowerDoc, InboxDoc, MembershipDoc, MessageDoc, MessageMark, NotificationDoc, RoomDoc,
    UserDoc,
};
use schemas::events::{
    MemberEvent, MemberState, MessageEvent, MessageState, NotificationEvent, PinEvent, PrefsEvent,
    ReactionEvent, ReadMoved, ReceiptEvent, RoomEvent, RoomState, ThreadEvent, UserEvent,
};
use schemas::frames::ServerFrame;
use schemas::values::Notify;
use schemas::{Epoch, NotificationId, Position, RoomId, Sequence};
use serde_json::{Value, json};

use super::*;
use crate::inbox;
use crate::live::changes::Changed;
use crate::live::fixture::{added, deleted, event, lane_of, posted, room, sender, user};
use crate::live::memory::Remembered;
use crate::live::plan::Item;
use crate::live::replay::{Listener, replay};

/// Where the event of a test stands; a client has everything before it.
const AT: Sequence = 7;

fn epoch() -> Epoch {
    Epoch::parse("e1").unwrap()
}

fn json_of(frame: &[u8]) -> Value {
    let start = frame.iter().position(|byte| *byte == b'{').unwrap();
    serde_json::from_slice(&frame[start..]).unwrap()
}

fn told(event: &Event) -> (Broadcast, Value) {
    let place = Place { epoch: &epoch(), sequence: AT, previous: Some(5) };
    let known = Known { sender: Some(sender(9)), notification: None };
    let told = to_frame(event, place, known).unwrap();
    let json = json_of(&told.frame);
    (told, json)
}

#[test]
fn an_event_frame_is_the_frame_of_the_vocabulary() {
    let (_, json) = told(&posted(1, 2, 9));
    let expected = ServerFrame::Event {
        event: "message.posted".to_owned(),
        room_id: Some(room(1)),
        position: Position::parse("e1:7").unwrap(),
        previous: Some(Position::parse("e1:5").unwrap()),
        data: Box::new(json["data"].clone()),
    };
    assert_eq!(json, serde_json::to_value(&expected).unwrap());
    assert_eq!(json["data"]["number"], Value::Null);
    assert_eq!(json["data"]["position"], "e1:7");
    assert_eq!(json["data"]["sender"]["username"], "u9");
}

#[test]
fn a_deleted_message_is_empty_and_keeps_its_place() {
    let (told, json) = told(&deleted(1, 2, 9, 3));
    assert_eq!((told.name.as_str(), &json["data"]["body"]), ("message.deleted", &json!("")));
    assert_eq!(json["data"]["position"], "e1:3");
}

#[test]
fn an_added_member_hears_that_they_joined() {
    let (told, json) = told(&added(1, 2));
    assert_eq!(told.audience, Audience::RoomAnd(room(1), user(2)));
    assert_eq!(json["event"], "member.joined");
    assert_eq!(json["data"]["user_id"], json!(user(2)));
}

#[test]
fn a_first_event_has_no_previous_one() {
    let moved = event(ReadMoved {
        room_id: room(1),
        user_id: user(1),
        message_id: crate::live::fixture::message(1),
        posted: 3,
        private: false,
    });
    let place = Place { epoch: &epoch(), sequence: AT, previous: Some(0) };
    let told = to_frame(&moved, place, Known::default()).unwrap();
    assert!(String::from_utf8_lossy(&told.frame).contains(r#""previous":null"#));
}

/// What clients are told of a type of event.
enum Expected {
    /// When it happens by one frame, in a resume out of memory by that or by one that says more, and in a resume out of
    /// the read model by one that may say less.
    Told { live: FrameName, memory: FrameName, read_model: FrameName },
    /// Nothing, ever; why.
    Nothing(&'static str),
}

/// Told with the whole message in a resume.
const fn beside(live: FrameName) -> Expected {
    let whole = FrameName::MessageChanged;
    Expected::Told { live, memory: whole, read_model: whole }
}

/// Of which the documents say only that the room changed.
const fn of_room(live: FrameName) -> Expected {
    Expected::Told { live, memory: live, read_model: FrameName::RoomChanged }
}

const fn same(name: FrameName) -> Expected {
    Expected::Told { live: name, memory: name, read_model: name }
}

/// Every event type, once: a new one has to say here what is told of it.
const fn expected(data: &EventData) -> Expected {
    match data {
        EventData::Message(MessageEvent::Posted(_)) => same(FrameName::MessagePosted),
        EventData::Message(MessageEvent::Edited(_)) => same(FrameName::MessageEdited),
        EventData::Message(MessageEvent::Deleted(_)) => same(FrameName::MessageDeleted),
        EventData::Reaction(ReactionEvent::Added(_)) => beside(FrameName::ReactionAdded),
        EventData::Reaction(ReactionEvent::Removed(_)) => beside(FrameName::ReactionRemoved),
        EventData::Pin(PinEvent::Pinned(_)) => beside(FrameName::MessagePinned),
        EventData::Pin(PinEvent::Unpinned(_)) => beside(FrameName::MessageUnpinned),
        EventData::Receipt(ReceiptEvent::Moved(_)) => same(FrameName::ReadMoved),
        EventData::Notification(NotificationEvent::Created(_)) => {
            same(FrameName::NotificationCreated)
        }
        EventData::Notification(NotificationEvent::Read(_)) => same(FrameName::NotificationRead),
        EventData::Notification(NotificationEvent::Removed(_)) => {
            same(FrameName::NotificationRemoved)
        }
        EventData::User(UserEvent::Registered(_)) => {
            Expected::Nothing("belonging to a room of everyone is no event of that room")
        }
        EventData::User(
            UserEvent::ProfileChanged(_)
            | UserEvent::RoleChanged(_)
            | UserEvent::SuspensionChanged(_)
            | UserEvent::EmailVerified(_)
            | UserEvent::EmailChanged(_)
            | UserEvent::SecondFactorChanged(_),
        ) => same(FrameName::UserChanged),
        EventData::Session(_) => Expected::Nothing("the sockets of a session are closed instead"),
        EventData::Challenge(_) => Expected::Nothing("a mail says it"),
        EventData::Report(_) => {
            Expected::Nothing("moderators ask for reports; members hear of none")
        }
        EventData::Prefs(PrefsEvent::Changed(_)) => same(FrameName::MembershipChanged),
        EventData::Invite(_) => Expected::Nothing("invitations are listed when they are asked for"),
        EventData::Thread(ThreadEvent::Followed(_)) => same(FrameName::ThreadFollowed),
        EventData::Thread(ThreadEvent::Unfollowed(_)) => same(FrameName::ThreadUnfollowed),
        EventData::Thread(ThreadEvent::Read(_)) => same(FrameName::ThreadRead),
        EventData::Name(_) => Expected::Nothing("the account or the room it belongs to says it"),
        // A document does not say that its room was created or restored.
        EventData::Room(RoomEvent::Created(_)) => of_room(FrameName::RoomCreated),
        EventData::Room(RoomEvent::Restored(_)) => of_room(FrameName::RoomRestored),
        EventData::Room(RoomEvent::Changed(_)) => same(FrameName::RoomChanged),
        EventData::Room(RoomEvent::Archived(_)) => same(FrameName::RoomArchived),
        EventData::Member(MemberEvent::Joined(_) | MemberEvent::Added(_)) => {
            same(FrameName::MemberJoined)
        }
        EventData::Member(MemberEvent::Left(_) | MemberEvent::Removed(_)) => {
            same(FrameName::MemberLeft)
        }
        // Banned without being in the room, or not banned any more.
        EventData::Member(MemberEvent::Changed(changed)) if !changed.member.present => {
            same(FrameName::MemberLeft)
        }
        EventData::Member(MemberEvent::Changed(_)) => same(FrameName::MemberChanged),
        EventData::Member(MemberEvent::BlockChanged(_)) => {
            Expected::Nothing("a person who is blocked is not told so")
        }
        EventData::Block(_) => Expected::Nothing("who blocks whom is read, not told"),
    }
}

fn message_doc(state: &MessageState, posted: Sequence, changed: Sequence) -> MessageDoc {
    MessageDoc {
        id: state.id.clone(),
        room_id: state.room_id.clone(),
        number: 1,
        main_number: 1,
        sender_id: state.sender_id.clone(),
        client_id: None,
        body: state.body.to_string(),
        format: state.format,
        attachments: Vec::new(),
        mentions: Vec::new(),
        mentions_room: None,
        thread_root_id: None,
        thread_number: None,
        reply_count: 0,
        reactions: Vec::new(),
        pinned: 0,
        last_reply_at: None,
        created_at: state.created_at,
        edited_at: None,
        deleted_at: None,
        posted,
        changed,
        beside: 0,
        updated: changed,
    }
}

fn membership(member: &MemberState, joined: Sequence, changed: Sequence) -> MembershipDoc {
    MembershipDoc {
        room_id: member.room_id.clone(),
        user_id: member.user_id.clone(),
        role: member.role,
        present: member.present,
        banned: member.banned,
        ban: member.ban.clone(),
        muted_until: member.muted_until,
        joined_at: member.joined_at,
        joined,
        returned: false,
        marker_number: 0,
        marker_main: 0,
        marker_moved: false,
        marker_message_id: None,
        marker_at: 0,
        marker_updated: 0,
        receipt_number: 0,
        receipt_message_id: None,
        receipt_updated: 0,
        wrote: false,
        notify: Notify::Mentions,
        pinned: false,
        hidden_at: None,
        prefs_changed: 0,
        changed,
        updated: changed,
    }
}

fn in_words(entry: &NotificationDoc) -> HashMap<NotificationId, Notification> {
    let view = Notification {
        id: entry.id.clone(),
        kind: entry.kind,
        title: "Title".to_owned(),
        body: "Body".to_owned(),
        actor: None,
        room_id: None,
        message_id: None,
        read: entry.read,
        created_at: entry.created_at,
    };
    HashMap::from([(entry.id.clone(), view)])
}

/// The room an event at [`AT`] leaves.
fn room_after(event: &RoomEvent) -> RoomDoc {
    let archived = matches!(event, RoomEvent::Archived(_));
    RoomDoc {
        state: RoomState { archived, ..event.after().clone() },
        created: true,
        member_count: 1,
        last_number: 0,
        main_number: 0,
        last_message_id: None,
        last_message_number: 0,
        last_activity: AT,
        deleted_up_to: 0,
        named_up_to: 0,
        changed: AT,
        updated: AT,
    }
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

/// An older message beside which an event at [`AT`] has changed something.
fn message_beside_which(data: &EventData) -> MessageDoc {
    let EventData::Message(MessageEvent::Posted(posted)) = posted(1, 2, 9).data else {
        unreachable!()
    };
    let room_id = match data {
        EventData::Reaction(ReactionEvent::Added(data)) => data.room_id.clone(),
        EventData::Reaction(ReactionEvent::Removed(data)) => data.room_id.clone(),
        EventData::Pin(PinEvent::Pinned(data)) => data.room_id.clone(),
        EventData::Pin(PinEvent::Unpinned(data)) => data.room_id.clone(),
        other => unreachable!("{}", other.type_name()),
    };
    MessageDoc { room_id, beside: AT, updated: AT, ..message_doc(&posted.message, 1, 1) }
}

/// The documents an event at [`AT`] leaves changed, and the messages among them.
fn documents_after(data: &EventData) -> (Changed, Option<MessageDoc>) {
    let mut changed = Changed::default();
    let mut message = None;
    match data {
        EventData::Message(event) => {
            let doc = message_after(event);
            changed.messages.push(MessageMark::of(&doc));
            message = Some(doc);
        }
        EventData::Receipt(ReceiptEvent::Moved(moved)) => {
            let EventData::Member(event) = added(1, 2).data else { unreachable!() };
            let (marker_message_id, marker_updated) = (Some(moved.message_id.clone()), AT);
            let receipt_message_id = marker_message_id.clone().filter(|_| !moved.private);
            let receipt_updated = if moved.private { 0 } else { AT };
            let user_id = moved.user_id.clone();
            changed.markers.push(MembershipDoc {
                user_id,
                marker_message_id,
                marker_updated,
                receipt_message_id,
                receipt_updated,
                ..membership(event.after(), 1, 1)
            });
        }
        EventData::Notification(NotificationEvent::Created(created)) => {
            let entry = inbox::created(created, AT);
            changed.entries = in_words(&entry);
            changed.notifications.push(entry);
        }
        EventData::Notification(NotificationEvent::Read(read)) => {
            // Every entry so far; one by one they are documents of their own.
            let inbox = InboxDoc::empty(read.user_id.clone());
            changed.inbox = Some(InboxDoc { read_all: AT, ..inbox });
        }
        EventData::Notification(NotificationEvent::Removed(removed)) => {
            changed.notifications.push(removed_entry(&removed.notification_id));
        }
        EventData::User(event) => {
            let registered = if matches!(event, UserEvent::Registered(_)) { AT } else { 1 };
            let state = event.after().unwrap().clone();
            changed.users.push(UserDoc { state, registered, updated: AT });
        }
        EventData::Room(event) => changed.rooms.push(room_after(event)),
        EventData::Thread(event) => changed.followers.push(follower_after(event)),
        EventData::Member(event) => {
            let (joined, present) = match event {
                MemberEvent::Joined(_) | MemberEvent::Added(_) => (AT, true),
                MemberEvent::Changed(changed) => (1, changed.member.present),
                MemberEvent::Left(_) | MemberEvent::Removed(_) => (1, false),
                MemberEvent::BlockChanged(_) => return (changed, message),
            };
            let doc = membership(event.after(), joined, AT);
            changed.members.push(MembershipDoc { present, banned: false, ..doc });
        }
        EventData::Reaction(_) | EventData::Pin(_) => {
            let doc = message_beside_which(data);
            changed.messages.push(MessageMark::of(&doc));
            message = Some(doc);
        }
        EventData::Prefs(PrefsEvent::Changed(_)) => {
            let EventData::Member(event) = added(1, 2).data else { unreachable!() };
            let doc = membership(event.after(), 1, 1);
            changed.prefs.push(MembershipDoc { prefs_changed: AT, ..doc });
        }
        EventData::Session(_)
        | EventData::Challenge(_)
        | EventData::Name(_)
        | EventData::Report(_)
        | EventData::Block(_)
        | EventData::Invite(_) => {}
    }
    (changed, message)
}

fn follower_after(event: &ThreadEvent) -> FollowerDoc {
    let doc = FollowerDoc {
        root_id: event.root().clone(),
        room_id: event.room().clone(),
        user_id: event.user().clone(),
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
        ThreadEvent::Read(read) => FollowerDoc {
            marker_message_id: Some(read.message_id.clone()),
            marker_updated: AT,
            ..doc
        },
    }
}

fn removed_entry(id: &NotificationId) -> NotificationDoc {
    let entry = golden().into_iter().find_map(|event| match event.data {
        EventData::Notification(NotificationEvent::Created(created)) => {
            Some(inbox::created(&created, 1))
        }
        _ => None,
    });
    NotificationDoc { id: id.clone(), removed: true, updated: AT, ..entry.unwrap() }
}

/// Every event type there is, as it lies in logs.
fn golden() -> Vec<Event> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../schemas/golden");
    let files = std::fs::read_dir(folder).unwrap();
    let event = |bytes: Vec<u8>| Event::decode(bytes.trim_ascii_end()).unwrap();
    files.map(|file| event(std::fs::read(file.unwrap().path()).unwrap())).collect()
}

/// The user who listens to a lane's events: the reader of an inbox, else a member of the room.
fn listener_of(event: &Event) -> (UserId, HashSet<RoomId>, HashSet<UserId>) {
    let listener = match lane_of(event) {
        schemas::Lane::Inbox(user)
        | schemas::Lane::Threads(user)
        | schemas::Lane::Prefs(_, user) => user,
        _ => match &event.data {
            EventData::Receipt(ReceiptEvent::Moved(moved)) if moved.private => {
                moved.user_id.clone()
            }
            _ => user(99),
        },
    };
    let rooms = match lane_of(event) {
        schemas::Lane::Timeline(room)
        | schemas::Lane::Receipts(room)
        | schemas::Lane::Room(room)
        | schemas::Lane::Member(room, _) => HashSet::from([room]),
        _ => match &event.data {
            EventData::Thread(event) => HashSet::from([event.room().clone()]),
            _ => HashSet::new(),
        },
    };
    let others = event.data.account().map(|user| user.id.clone()).into_iter().collect();
    (listener, rooms, others)
}

/// Told at once, told in a resume out of memory, told in a resume out of the read model.
fn tellings(event: &Event) -> [Vec<String>; 3] {
    let epoch = epoch();
    let place = Place { epoch: &epoch, sequence: AT, previous: Some(5) };
    let (changed, message) = documents_after(&event.data);
    let notification = changed.entries.values().next().cloned();
    let known = Known { sender: Some(sender(9)), notification };
    let broadcast = to_frame(event, place, known).map(Arc::new);
    let at_once = broadcast.iter().map(|told| json_of(&told.frame)["event"].clone());

    let (user, rooms, others) = listener_of(event);
    let kept = Arc::new(Remembered::new(AT, Some(5), lane_of(event), b"{}"));
    let placed: Vec<_> =
        broadcast.iter().map(|told| (Arc::clone(&kept), Arc::clone(told))).collect();
    let listener = Listener { user: &user, rooms: &rooms, shares_room_with: &others };
    let frame = |step: crate::live::plan::Step| match step.item {
        Item::Broadcast { broadcast, .. } => Some(broadcast.frame.clone()),
        Item::Frame(frame) => Some(frame),
        Item::Message(_) => {
            let (doc, place) = (message.as_ref()?, Place { sequence: step.at, ..place });
            message::document_frame(doc, AT - 1, place, sender(9), Vec::new())
        }
        Item::Changed(_, _) => message.as_ref().and_then(|doc| {
            let place = Place { sequence: step.at, ..place };
            message::changed_frame(doc, place, sender(9), Vec::new())
        }),
        Item::Edited { broadcast, .. } => Some(broadcast.frame.clone()),
        Item::Posted { .. } | Item::Whole(..) | Item::Reload(_) => None,
    };
    let names = |steps: Vec<crate::live::plan::Step>| -> Vec<String> {
        let told = steps.into_iter().filter(|step| step.at == AT).filter_map(frame);
        told.map(|frame| json_of(&frame)["event"].as_str().unwrap().to_owned()).collect()
    };
    let span = Span { epoch: &epoch, user: &user, after: AT - 1, through: AT };
    [
        at_once.map(|name| name.as_str().unwrap().to_owned()).collect(),
        names(replay(None, &placed, &listener)),
        names(changed.steps(&span)),
    ]
}

#[test]
fn what_is_told_at_once_is_told_in_a_resume() {
    let events = golden();
    for event in &events {
        let name = event.data.type_name();
        let wanted: [Vec<&str>; 3] = match expected(&event.data) {
            Expected::Told { live, memory, read_model } => {
                [live, memory, read_model].map(|name| vec![name.as_str()])
            }
            Expected::Nothing(reason) => {
                assert!(!reason.is_empty());
                [vec![], vec![], vec![]]
            }
        };
        assert_eq!(tellings(event), wanted, "{name}");
    }
    for name in EventData::types() {
        let has = |event: &Event| event.data.type_name() == name;
        assert!(events.iter().any(has), "no golden event of {name}");
    }
}
