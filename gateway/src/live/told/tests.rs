//! Given an event, then this is what clients are told.

use super::*;
use crate::live::fixture::{added, deleted, event, posted, room, sender, user};
use schemas::events::ReadMoved;
use schemas::frames::ServerFrame;
use serde_json::{Value, json};

fn told(event: &Event) -> (Told, Value) {
    let epoch = Epoch::parse("e1").unwrap();
    let place = Place { epoch: &epoch, sequence: 7, previous: Some(5) };
    let known = Known { sender: Some(sender(9)), notification: None };
    let told = tell(event, place, known).unwrap();
    let start = told.frame.iter().position(|byte| *byte == b'{').unwrap();
    let json = serde_json::from_slice(&told.frame[start..]).unwrap();
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
    assert_eq!((told.name, &json["data"]["body"]), ("message.deleted", &json!("")));
    assert_eq!(json["data"]["position"], "e1:3");
}

#[test]
fn who_was_brought_in_hears_that_he_joined() {
    let (told, json) = told(&added(1, 2));
    assert_eq!(told.audience, Audience::RoomAnd(room(1), user(2)));
    assert_eq!(json["event"], "member.joined");
    assert_eq!(json["data"]["user_id"], json!(user(2)));
}

#[test]
fn a_first_event_has_no_previous_one() {
    let epoch = Epoch::parse("e1").unwrap();
    let moved = event(ReadMoved {
        room_id: room(1),
        user_id: user(1),
        message_id: crate::live::fixture::message(1),
        posted: 3,
    });
    let place = Place { epoch: &epoch, sequence: 7, previous: Some(0) };
    let told = tell(&moved, place, Known::default()).unwrap();
    assert!(String::from_utf8_lossy(&told.frame).contains(r#""previous":null"#));
}
