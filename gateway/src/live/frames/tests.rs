//! Given an event, then this is what clients are told: when it happens, and in a resume.

use std::collections::HashSet;
use std::sync::Arc;

use schemas::events::{
    MediaEvent, MemberEvent, MessageEvent, NotificationEvent, PinEvent, PrefsEvent, ReactionEvent,
    ReadMoved, ReceiptEvent, RoomEvent, ThreadEvent, UserEvent,
};
use schemas::frames::ServerFrame;
use schemas::{Epoch, Position, RoomId, Sequence};
use serde_json::{Value, json};

use super::*;
use crate::live::fixture::{added, deleted, event, lane_of, links, posted, room, sender, user};
use crate::live::memory::Remembered;
use crate::live::plan::Item;
use crate::live::replay::{Listener, replay};
use documents::documents_after;

mod documents;

/// Where the event of a test stands; a client has everything before it.
const AT: Sequence = 7;

fn epoch() -> Epoch {
    Epoch::parse("e1").unwrap()
}

fn json_of(frame: &[u8]) -> Value {
    serde_json::from_slice(crate::live::wire::payload(frame)).unwrap()
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

const fn of_user(event: &UserEvent) -> Expected {
    match event {
        UserEvent::Registered(_) => {
            Expected::Nothing("belonging to a room of everyone is no event of that room")
        }
        UserEvent::ProfileChanged(_)
        | UserEvent::RoleChanged(_)
        | UserEvent::SuspensionChanged(_)
        | UserEvent::EmailVerified(_)
        | UserEvent::EmailChanged(_)
        | UserEvent::SecondFactorChanged(_)
        | UserEvent::PasswordSet(_)
        | UserEvent::Erased(_) => same(FrameName::UserChanged),
    }
}

const fn of_media(event: &MediaEvent) -> Expected {
    match event {
        MediaEvent::Stored(_) => same(FrameName::MediaChanged),
        MediaEvent::Removed(removed) if removed.media.stored_at.is_some() => {
            same(FrameName::MediaChanged)
        }
        MediaEvent::Requested(_)
        | MediaEvent::Attached(_)
        | MediaEvent::Detached(_)
        | MediaEvent::Removed(_)
        | MediaEvent::Purged(_) => Expected::Nothing(
            "what is not stored is nothing, and what has it does not change a file",
        ),
    }
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
        EventData::User(event) => of_user(event),
        EventData::Session(_) => Expected::Nothing("the sockets of a session are closed instead"),
        EventData::Challenge(_) | EventData::Identity(_) => Expected::Nothing("a mail says it"),
        EventData::Media(event) => of_media(event),
        EventData::Report(_) => {
            Expected::Nothing("moderators ask for reports; members hear of none")
        }
        EventData::Prefs(PrefsEvent::Changed(_)) => same(FrameName::MembershipChanged),
        EventData::Audit(_) => Expected::Nothing("only admins who read the audit trail see it"),
        EventData::Invite(_) => Expected::Nothing("invitations are listed when they are asked for"),
        EventData::Erasure(_) => {
            Expected::Nothing("that the account is deleted says it; messages are told as deleted")
        }
        EventData::Export(_) => {
            Expected::Nothing("their person asks, and gets a mail when it is ready")
        }
        EventData::Hold(_) => Expected::Nothing("only admins learn of holds, when they ask"),
        EventData::Retention(_) => {
            Expected::Nothing("an archived message is read as before: clients cannot tell")
        }
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
        EventData::Member(MemberEvent::Changed(changed)) if !changed.member.present => {
            Expected::Nothing("a ban of a user who is not in the room changes nothing there")
        }
        EventData::Member(MemberEvent::Changed(_)) => same(FrameName::MemberChanged),
        EventData::Member(MemberEvent::BlockChanged(_)) => {
            Expected::Nothing("a person who is blocked is not told so")
        }
        EventData::Block(_) => Expected::Nothing("who blocks whom is read, not told"),
    }
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
            EventData::Media(event) => event.after().owner_id,
            EventData::Receipt(ReceiptEvent::Moved(moved)) if moved.private => moved.user_id,
            _ => user(99),
        },
    };
    let rooms = match lane_of(event) {
        schemas::Lane::Timeline(room)
        | schemas::Lane::Receipts(room)
        | schemas::Lane::Room(room)
        | schemas::Lane::Member(room, _) => HashSet::from([room]),
        _ => match &event.data {
            EventData::Thread(event) => HashSet::from([*event.room()]),
            _ => HashSet::new(),
        },
    };
    let others = match lane_of(event) {
        schemas::Lane::User(user) => HashSet::from([user]),
        _ => HashSet::new(),
    };
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
        // The root of an answer, of which no document is at hand here, is told besides.
        Item::Changed(_, id) => message.as_ref().filter(|doc| doc.id == id).and_then(|doc| {
            let place = Place { sequence: step.at, ..place };
            message::changed_frame(doc, place, sender(9), Vec::new())
        }),
        Item::Text { broadcast, .. } => Some(broadcast.frame.clone()),
        Item::Posted { .. } | Item::Whole(..) | Item::Reload(_) => None,
    };
    let names = |steps: Vec<crate::live::plan::Step>| -> Vec<String> {
        let told = steps.into_iter().filter(|step| step.at == AT).filter_map(frame);
        told.map(|frame| json_of(&frame)["event"].as_str().unwrap().to_owned()).collect()
    };
    let links = links();
    let span = Span { epoch: &epoch, user: &user, links: &links, after: AT - 1, through: AT };
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
