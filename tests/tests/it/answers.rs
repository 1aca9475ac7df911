//! Which frames of a client are answered.

use serde_json::{Value, json};
use tests::kit::installation::Place;
use tests::kit::person::{Person, id_of};
use tests::kit::socket::{Socket, handshake};

everywhere!(
    a_frame_without_an_id_is_carried_out_and_not_answered,
    a_welcome_repeats_the_id_of_its_hello
);

fn is_answer(frame: &Value) -> bool {
    ["ok", "error", "pong"].iter().any(|kind| frame["type"] == *kind)
}

async fn a_frame_without_an_id_is_carried_out_and_not_answered(place: Place) {
    let ada = Person::register(&place, "ada").await;
    let eve = Person::register_at(&place, 1, "eve").await;
    let (room, foreign) = (ada.group(&[]).await, eve.group(&[]).await);
    let said = id_of(&ada.says(&room, "said before").await);
    let mut socket = ada.connect().await;
    let post = |room: &str| json!({"type": "post", "room_id": room, "body": "hi"});
    for frame in [
        json!({"type": "ping"}),
        json!({"type": "typing", "room_id": foreign, "active": true}),
        json!({"type": "presence", "status": "online"}),
        json!({"type": "watch_presence", "user_ids": [ada.id]}),
        json!({"type": "react", "message_id": said, "emoji": "\u{1f44d}"}),
        json!({"type": "read", "room_id": foreign, "message_id": said}),
        json!({"type": "hello", "token": ada.access}),
        post(&foreign),
        post(&room),
    ] {
        socket.send(frame).await;
    }
    // What was sent is carried out; of frames in turn the answer to the last comes after those to the others.
    socket.expect("how they appear", |frame| frame["type"] == "presence").await;
    socket.event_in(&room, "reaction.added").await;
    socket.event_in(&room, "message.posted").await;
    let read = json!({"type": "read", "room_id": foreign, "message_id": said});
    assert_eq!(socket.call(read).await["error"]["code"], "not_found");
    assert_eq!(socket.call(post(&foreign)).await["error"]["code"], "not_found");
    assert_eq!(socket.call(post(&room)).await["type"], "ok");
    let typing = json!({"type": "typing", "room_id": foreign, "active": true});
    assert_eq!(socket.call(typing).await["error"]["code"], "not_found");
    let answers: Vec<Value> = socket.all().await.into_iter().filter(is_answer).collect();
    assert!(answers.is_empty(), "{answers:#?}");
    // What cannot be read may have had one.
    socket.send(json!({"type": "dance"})).await;
    let refused = socket.expect("a refusal", is_answer).await;
    assert_eq!((&refused["type"], &refused["id"]), (&json!("error"), &Value::Null));
}

async fn a_welcome_repeats_the_id_of_its_hello(place: Place) {
    let ada = Person::register(&place, "ada").await;
    for (id, repeated) in
        [(json!("first"), json!("first")), (json!(7), json!(7)), (Value::Null, Value::Null)]
    {
        let mut socket = Socket::over(handshake(&place, 0, "/v1/ws", &[]).await.unwrap());
        socket.send(json!({"type": "hello", "id": id, "token": ada.access})).await;
        socket.welcomed().await;
        assert_eq!(socket.welcome.get("id").cloned().unwrap_or_default(), repeated);
    }
}
