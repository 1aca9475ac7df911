//! What is pushed over sockets: delivery, resuming, closing.

use std::time::Duration;

use serde_json::{Value, json};
use tests::kit::installation::Place;
use tests::kit::person::{Person, id_of};
use tests::kit::socket::{Socket, handshake};
use tests::kit::unique;

everywhere!(
    two_people_talk,
    a_post_reaches_all_sockets_of_its_author,
    a_burst_of_posts_keeps_its_order,
    a_dropped_socket_misses_nothing,
    a_resume_follows_present_permissions,
    resuming_on_an_open_socket,
    a_foreign_position_resets,
    a_ticket_opens_one_socket,
    a_hello_opens_a_socket,
);
mod only_here {
    use super::{
        a_socket_without_a_hello_is_closed, bad_frames_close_or_are_answered,
        foreign_origins_are_refused, pages, too_many_sockets_are_refused,
    };
    here!(
        foreign_origins_are_refused,
        bad_frames_close_or_are_answered,
        a_socket_without_a_hello_is_closed,
        too_many_sockets_are_refused,
        pages,
    );
}

/// Posts sent without waiting for answers, to two rooms, one of them a repeat and one refused.
async fn a_burst_of_posts_keeps_its_order(place: Place) {
    let (ada, bob) =
        (Person::register(&place, "ada").await, Person::register_at(&place, 1, "bob").await);
    let rooms = [ada.direct(&[&bob]).await, ada.group(&[&bob]).await];
    let (mut adas, mut bobs) = (ada.connect().await, bob.connect().await);
    const EACH: usize = 90;
    for n in 0..EACH {
        for room in &rooms {
            let client_id = if n == 50 { 49 } else { n };
            let mut post = json!({
                "type": "post", "id": format!("{n} {room}"), "room_id": room,
                "client_id": client_id.to_string(), "body": client_id.to_string(),
            });
            if n == 30 {
                post["thread_root_id"] = json!(format!("msg_{}", "0".repeat(26)));
            }
            adas.send(post).await;
        }
    }
    let written: Vec<String> =
        (0..EACH).filter(|n| ![30, 50].contains(n)).map(|n| n.to_string()).collect();
    for room in &rooms {
        let mut answers = Vec::new();
        for n in 0..EACH {
            let id = json!(format!("{n} {room}"));
            answers.push(adas.expect("an answer", |frame| frame["id"] == id).await);
        }
        assert_eq!(answers[30]["type"], "error");
        assert_eq!(answers[50]["result"]["id"], answers[49]["result"]["id"]);
        for body in &written {
            let event = bobs.event_in(room, "message.posted").await;
            assert_eq!(event["data"]["body"], *body);
            let n: usize = body.parse().unwrap();
            assert_eq!(event["position"], answers[n]["position"]);
        }
    }
}

async fn two_people_talk(place: Place) {
    let (ada, bob) =
        (Person::register(&place, "ada").await, Person::register_at(&place, 1, "bob").await);
    let room = ada.direct(&[&bob]).await;
    let (mut adas, mut bobs) = (ada.connect().await, bob.connect().await);
    assert_eq!(adas.welcome["user"]["id"], ada.id);
    assert_eq!(adas.welcome["session_id"], ada.session_id);
    assert_eq!(adas.welcome["heartbeat_ms"], 25_000);
    assert!(adas.welcome["resumed"] == false && adas.welcome["build"].is_string());
    let mut previous = Value::Null;
    for (number, (from, to)) in
        [(true, "hi bob"), (false, "hi ada"), (true, "how?"), (false, "so so")].iter().enumerate()
    {
        let sender = if *from { &mut adas } else { &mut bobs };
        let ok = sender.post(&room, to).await;
        let mut frames = Vec::new();
        for socket in [&mut adas, &mut bobs] {
            let event = socket.event_in(&room, "message.posted").await;
            assert_eq!(event["data"]["body"], *to);
            assert_eq!(event["position"], ok["position"]);
            assert_eq!(event["data"]["number"], Value::Null);
            if number > 0 {
                assert_eq!(event["previous"], previous, "a client can see that nothing is missing");
            }
            frames.push(event);
        }
        assert_eq!(frames[0], frames[1], "a live frame is the same for every reader");
        previous = ok["position"].clone();
    }
}

async fn a_post_reaches_all_sockets_of_its_author(place: Place) {
    let ada = Person::register(&place, "ada").await;
    let room = ada.group(&[]).await;
    let mut sockets =
        [ada.connect().await, ada.at(1).connect().await, ada.again().await.connect().await];
    let ok = sockets[0].post(&room, "to myself").await;
    for socket in &mut sockets {
        let event = socket.event_in(&room, "message.posted").await;
        assert_eq!(event["data"]["id"], ok["result"]["id"]);
    }
    ada.says(&room, "over REST").await;
    for socket in &mut sockets {
        assert_eq!(socket.event_in(&room, "message.posted").await["data"]["body"], "over REST");
    }
}

/// Frames of a resume, up to `resumed`.
async fn caught_up(socket: &mut Socket) -> Vec<Value> {
    let end = socket
        .expect("resumed", |frame| frame["type"] == "resumed" || frame["type"] == "reset")
        .await;
    assert_eq!(end["type"], "resumed", "{end}");
    let frames: Vec<Value> = socket.all().await;
    assert!(frames.len() as u64 >= end["count"].as_u64().unwrap(), "{end}: {frames:?}");
    frames
}

async fn a_dropped_socket_misses_nothing(place: Place) {
    let (ada, bob) =
        (Person::register(&place, "ada").await, Person::register_at(&place, 1, "bob").await);
    let room = ada.group(&[&bob]).await;
    let other = ada.group(&[]).await;
    let first = id_of(&ada.says(&room, "first").await);
    let second = id_of(&ada.says(&room, "second").await);
    let mut socket = bob.connect().await;
    ada.says(&room, "heard").await;
    socket.event_in(&room, "message.posted").await;
    let position = socket.position.clone();
    drop(socket);

    ada.says(&room, "missed 1").await;
    ada.patch(&format!("/v1/messages/{first}"), json!({"body": "first, edited"})).await.ok(200);
    assert_eq!(ada.delete(&format!("/v1/messages/{second}")).await.status, 204);
    ada.post(&format!("/v1/rooms/{other}/members"), json!({"user": bob.id})).await.ok(201);
    ada.says(&other, "in the other room").await;
    ada.says(&room, "missed 2").await;

    // On the other gateway, which has never seen this socket.
    let mut socket = bob.at(0).resume(&position).await;
    assert_eq!(socket.welcome["resumed"], true);
    let frames = caught_up(&mut socket).await;
    let of = |kind: &str, room: &str| -> Vec<Value> {
        let fits = |frame: &&Value| frame["event"] == kind && frame["room_id"] == room;
        frames.iter().filter(fits).map(|frame| frame["data"]["body"].clone()).collect()
    };
    assert_eq!(of("message.posted", &room), ["missed 1", "missed 2"]);
    assert_eq!(of("message.edited", &room), ["first, edited"]);
    assert_eq!(of("message.deleted", &room), [""]);
    assert!(
        frames.iter().any(|f| f["event"] == "member.joined" && f["room_id"] == other),
        "{frames:#?}"
    );
    assert!(frames.iter().all(|frame| frame["data"]["body"] != "heard"));
    // And it goes on live, in both rooms, without a repeat.
    ada.says(&room, "live again").await;
    ada.says(&other, "live there").await;
    assert_eq!(socket.event_in(&room, "message.posted").await["data"]["body"], "live again");
    assert_eq!(socket.event_in(&other, "message.posted").await["data"]["body"], "live there");
    // A resume from the present position brings nothing.
    let position = socket.position.clone();
    drop(socket);
    let mut socket = bob.resume(&position).await;
    let frames = caught_up(&mut socket).await;
    assert!(frames.iter().all(|frame| frame["event"] != "message.posted"), "{frames:#?}");
}

async fn a_resume_follows_present_permissions(place: Place) {
    let (ada, eve) =
        (Person::register(&place, "ada").await, Person::register_at(&place, 1, "eve").await);
    let room = ada.group(&[&eve]).await;
    let socket = eve.connect().await;
    let position = socket.position.clone();
    drop(socket);
    ada.says(&room, "while eve was in").await;
    assert_eq!(ada.delete(&format!("/v1/rooms/{room}/members/{}", eve.id)).await.status, 204);
    ada.says(&room, "after eve was removed").await;
    let mut socket = eve.resume(&position).await;
    let frames = caught_up(&mut socket).await;
    assert!(frames.iter().all(|frame| frame["event"] != "message.posted"), "{frames:#?}");
    assert!(
        frames.iter().any(|f| f["event"] == "member.left" && f["data"]["user_id"] == eve.id),
        "{frames:#?}"
    );
    // Another user's position is a position like any other: it shows nothing the reader may not see.
    let stranger = Person::register(&place, "dan").await;
    let mut socket = stranger.resume(&position).await;
    let frames = caught_up(&mut socket).await;
    assert!(frames.iter().all(|frame| frame["room_id"] != room), "{frames:#?}");
}

async fn resuming_on_an_open_socket(place: Place) {
    let (ada, bob) =
        (Person::register(&place, "ada").await, Person::register_at(&place, 1, "bob").await);
    let room = ada.group(&[&bob]).await;
    let socket = bob.connect().await;
    let position = socket.position.clone();
    drop(socket);
    ada.says(&room, "missed").await;
    let mut socket = bob.connect().await;
    socket.send(json!({"type": "resume", "id": "r", "position": position})).await;
    let frames = caught_up(&mut socket).await;
    let posted: Vec<&Value> =
        frames.iter().filter(|frame| frame["event"] == "message.posted").collect();
    assert_eq!(posted.len(), 1, "{frames:#?}");
    assert_eq!(posted[0]["data"]["body"], "missed");
}

async fn a_foreign_position_resets(place: Place) {
    let ada = Person::register(&place, "ada").await;
    for position in ["zzzzzzzz:1", "nonsense", "*:>", ""] {
        let bare = handshake(&place, 0, "/v1/ws", &[]).await.unwrap();
        let mut socket = Socket::over(bare);
        socket.send(json!({"type": "hello", "token": ada.access, "resume": position})).await;
        socket.welcomed().await;
        let reset = socket.expect("reset", |frame| frame["type"] == "reset").await;
        assert!(reset["reason"].is_string(), "{reset}");
        // The socket is open all the same.
        let room = ada.group(&[]).await;
        socket.post(&room, "still here").await;
    }
    // A position of this log that does not exist yet.
    let socket = ada.connect().await;
    let epoch = socket.position.split(':').next().unwrap().to_owned();
    let mut socket = ada.resume(&format!("{epoch}:999999999")).await;
    socket.expect("reset", |frame| frame["type"] == "reset").await;
}

async fn a_ticket_opens_one_socket(place: Place) {
    let ada = Person::register(&place, "ada").await;
    let ticket = ada.post("/v1/ws-tickets", json!({})).await.ok(201);
    assert_eq!(ticket["expires_in"], 30);
    let path = format!("/v1/ws?ticket={}", ticket["ticket"].as_str().unwrap());
    // At any gateway.
    let mut socket = Socket::over(handshake(&place, 1, &path, &[]).await.unwrap());
    socket.welcomed().await;
    assert_eq!(socket.welcome["user"]["id"], ada.id);
    assert_eq!(socket.welcome["session_id"], ada.session_id);
    for gateway in 0..2 {
        assert_eq!(handshake(&place, gateway, &path, &[]).await.err(), Some(401));
    }
    assert_eq!(handshake(&place, 0, "/v1/ws?ticket=made-up", &[]).await.err(), Some(401));
    let path = format!("/v1/ws?token={}", ada.access);
    assert_eq!(handshake(&place, 0, &path, &[]).await.err(), Some(400));
}

async fn a_hello_opens_a_socket(place: Place) {
    let ada = Person::register(&place, "ada").await;
    let mut socket = Socket::over(handshake(&place, 0, "/v1/ws", &[]).await.unwrap());
    socket.send(json!({"type": "hello", "token": ada.access})).await;
    socket.welcomed().await;
    let mut socket = Socket::over(handshake(&place, 1, "/v1/ws", &[]).await.unwrap());
    socket.send(json!({"type": "hello", "id": 1, "token": "x.y.z"})).await;
    assert_eq!(socket.wait_closed(Duration::from_secs(5)).await, 4401);
    // Anything else first is a mistake.
    let mut socket = Socket::over(handshake(&place, 0, "/v1/ws", &[]).await.unwrap());
    socket.send(json!({"type": "ping", "id": 1})).await;
    assert_eq!(socket.wait_closed(Duration::from_secs(5)).await, 4400);
}

async fn foreign_origins_are_refused(place: Place) {
    let ada = Person::register(&place, "ada").await;
    let bearer = format!("Bearer {}", ada.access);
    let own = place.url(0).to_owned();
    let look_alike = format!("{own}.evil.example");
    for origin in ["https://evil.example", "null", look_alike.as_str()] {
        let headers = [("authorization", bearer.as_str()), ("origin", origin)];
        assert_eq!(handshake(&place, 0, "/v1/ws", &headers).await.err(), Some(403), "{origin}");
    }
    let headers = [("authorization", bearer.as_str()), ("origin", own.as_str())];
    assert!(handshake(&place, 0, "/v1/ws", &headers).await.is_ok());
}

async fn bad_frames_close_or_are_answered(place: Place) {
    let ada = Person::register(&place, "ada").await;
    let room = ada.group(&[]).await;
    let soon = Duration::from_secs(5);
    for text in ["not json", "", "{", "\u{0}"] {
        let mut socket = ada.connect().await;
        socket.send_text(text).await;
        assert_eq!(socket.wait_closed(soon).await, 4400, "{text:?}");
    }
    let mut socket = ada.connect().await;
    socket.send_binary(vec![1, 2, 3]).await;
    assert_eq!(socket.wait_closed(soon).await, 4400);
    let mut socket = ada.connect().await;
    let long = "x".repeat(70_000);
    socket.send(json!({"type": "post", "id": 1, "room_id": room, "body": long})).await;
    assert_eq!(socket.wait_closed(soon).await, 4413);
    // A frame that is JSON and not right is answered, and the socket stays.
    let mut socket = ada.connect().await;
    for frame in [
        json!({"type": "dance"}),
        json!({"type": "post"}),
        json!({"type": "post", "room_id": room, "body": ""}),
        json!({"type": "post", "room_id": room, "body": 7}),
        json!({"type": "post", "room_id": room, "body": "x".repeat(8001)}),
        json!({"type": "post", "room_id": room, "body": "hi", "sender_id": ada.id}),
        json!({"type": "post", "room_id": "*", "body": "hi"}),
        json!({"type": "post", "room_id": "room_>.a b\r\n", "body": "hi"}),
        json!({"type": "post", "room_id": room, "body": "hi", "client_id": "a b"}),
        json!({"type": "edit", "message_id": "$JS.API.>", "body": "hi"}),
        json!({"type": "delete", "message_id": ""}),
        json!({"type": "read", "room_id": room, "message_id": "msg_"}),
    ] {
        let answer = socket.call(frame.clone()).await;
        assert_eq!(answer["type"], "error", "{frame}: {answer}");
        let code = answer["error"]["code"].as_str().unwrap();
        assert!(["validation_failed", "not_found"].contains(&code), "{frame}: {answer}");
    }
    assert_eq!(ada.messages(&room).await.len(), 0);
    socket.post(&room, "fine").await;
}

async fn a_socket_without_a_hello_is_closed(place: Place) {
    let mut socket = Socket::over(handshake(&place, 0, "/v1/ws", &[]).await.unwrap());
    assert_eq!(socket.wait_closed(Duration::from_secs(15)).await, 4408);
}

async fn too_many_sockets_are_refused(place: Place) {
    let ada = Person::register(&place, "ada").await;
    let mut sockets = Vec::new();
    for _ in 0..20 {
        sockets.push(ada.connect().await);
    }
    let bearer = format!("Bearer {}", ada.access);
    let opened = handshake(&place, 0, "/v1/ws", &[("authorization", &bearer)]).await;
    let mut socket = Socket::over(opened.unwrap());
    assert_eq!(socket.wait_closed(Duration::from_secs(5)).await, 4409);
    sockets.pop().unwrap().close().await;
    tests::kit::until("a place is free", async || {
        let opened = handshake(&place, 0, "/v1/ws", &[("authorization", &bearer)]).await;
        let mut socket = Socket::over(opened.ok()?);
        let first = socket.expect("a first frame", |_| true).await;
        (first["type"] == "welcome").then_some(())
    })
    .await;
}

/// More is missed than fits into one page of anything.
async fn pages(place: Place) {
    let (ada, bob) = (Person::register(&place, "ada").await, Person::register(&place, "bob").await);
    let room = ada.group(&[&bob]).await;
    let socket = bob.connect().await;
    let position = socket.position.clone();
    drop(socket);
    let mut adas = ada.connect().await;
    let text = unique("many");
    for number in 0..700 {
        let frame = json!({"type": "post", "id": number, "room_id": room, "body": format!("{text} {number}")});
        adas.send(frame).await;
        if number % 50 == 49 {
            for sent in number - 49..=number {
                let answer = adas.expect("an answer", |frame| frame["id"] == sent).await;
                assert_eq!(answer["type"], "ok", "{answer}");
            }
        }
    }
    let mut socket = bob.resume(&position).await;
    let frames = caught_up(&mut socket).await;
    let posted = frames.iter().filter(|frame| frame["event"] == "message.posted");
    let posted: Vec<&Value> = posted.map(|frame| &frame["data"]["body"]).collect();
    let wanted: Vec<Value> = (0..700).map(|number| format!("{text} {number}").into()).collect();
    assert_eq!(posted, wanted.iter().collect::<Vec<_>>());
}

/// Half a minute of nothing but heartbeats; only where time is no matter.
#[tokio::test]
async fn a_quiet_socket_is_kept_alive() {
    if std::env::var_os("TIDINGS_LONG_TESTS").is_none() {
        return;
    }
    let place = tests::kit::lasting::one_process().await;
    let ada = Person::register(&place, "ada").await;
    let room = ada.group(&[]).await;
    let mut socket = ada.connect().await;
    for _ in 0..60 {
        if socket.pings > 0 {
            break;
        }
        assert_eq!(socket.all().await.iter().filter(|frame| frame["type"] == "closing").count(), 0);
        while socket.next(Duration::from_secs(1)).await.is_some() {}
    }
    assert!(socket.pings > 0, "the server pings");
    socket.post(&room, "still here").await;
}
