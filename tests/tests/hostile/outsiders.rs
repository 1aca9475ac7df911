//! Users who are not in the room.

use serde_json::json;
use tests::kit::installation::Place;
use tests::kit::person::{Person, Stranger, id_of};
use tests::kit::socket::Socket;

use crate::aftermath::UNSPEAKABLE;
use crate::routes::{Things, operations};

cases!(
    no_route_of_a_room_for_outsiders,
    no_frame_of_a_room_for_outsiders,
    no_message_of_a_public_room_for_outsiders,
    a_position_grants_no_access,
    a_client_id_belongs_to_one_sender,
    members_cannot_act_beyond_their_role,
);

/// A room of two, and a user who is not in it.
struct Scene {
    ada: Person,
    bob: Person,
    eve: Person,
    things: Things,
}

impl Scene {
    async fn new(place: &Place) -> Self {
        let (ada, bob, eve) = (
            Person::register(place, "ada").await,
            Person::register(place, "bob").await,
            Person::register(place, "eve").await,
        );
        let things = Things::between(&ada, &bob).await;
        Self { ada, bob, eve, things }
    }
}

async fn no_route_of_a_room_for_outsiders(place: Place) {
    let Scene { ada, bob, eve, things } = Scene::new(&place).await;
    for operation in operations(&place).await {
        let about =
            ["{room_id}", "{message_id}", "{session_id}", "{notification_id}", "{media_id}"];
        // The admins' routes are refused before anything is looked for: see `walk`.
        if operation.is_admins() || !about.iter().any(|name| operation.path.contains(name)) {
            continue;
        }
        let mut path = operation.among(&things);
        let queries = ["?before=", "?after=", "?around=", "?thread="]
            .map(|q| format!("{q}{}", things.message));
        if operation.path.ends_with("/messages") && operation.method == "GET" {
            for query in &queries {
                eve.get(&format!("{path}{query}")).await.problem(404, "not_found");
            }
        }
        let body = operation.sample(&things);
        let ask = |path: &str| {
            let asked = eve.ask(&operation.method, path);
            match &body {
                Some(body) => asked.json(body.clone()),
                None => asked,
            }
        };
        let theirs = ask(&path).once().await;
        assert_eq!(theirs.status, 404, "{} {path}: {}", operation.method, theirs.text);
        // A thing that belongs to another user answers to the letter like one that does not exist.
        for (id, kind) in [
            (&things.room, "room"),
            (&things.message, "msg"),
            (&things.session, "ses"),
            (&things.notification, "ntf"),
            (&things.media, "media"),
        ] {
            path = path.replace(id.as_str(), &format!("{kind}_{}", &ada.id[4..]));
        }
        let nothing = ask(&path).once().await;
        let (mut one, mut other) = (theirs.json, nothing.json);
        (one["trace_id"], other["trace_id"]) = (json!(0), json!(0));
        assert_eq!(one, other, "{} {path}", operation.method);
    }
    assert_eq!(ada.messages(&things.room).await.len(), 1);
    bob.room(&things.room).await;
    assert_eq!(
        eve.get("/v1/rooms?visibility=public").await.ok(200)["items"]
            .to_string()
            .matches(&things.room)
            .count(),
        0
    );
    // A thread in the attacker's own room that hangs on a message of another room.
    let own = eve.group(&[]).await;
    let body = json!({"body": UNSPEAKABLE, "thread_root_id": things.message});
    eve.post(&format!("/v1/rooms/{own}/messages"), body).await.any_problem(400..=404);
    let body = json!({"message_id": things.message});
    eve.put(&format!("/v1/rooms/{own}/read"), body).await.any_problem(400..=404);
}

/// A public room is known to all, and what is said there to its members alone: whatever is to be done to one of its
/// messages, for others there is none.
async fn no_message_of_a_public_room_for_outsiders(place: Place) {
    let Scene { ada, bob, eve, things } = Scene::new(&place).await;
    let (room, _) = ada.channel().await;
    let message = id_of(&ada.says(&room, UNSPEAKABLE).await);
    let ban = format!("/v1/rooms/{room}/bans/{}", bob.id);
    ada.put(&ban, json!({})).await.ok(204);
    for operation in operations(&place).await {
        if operation.is_admins() || !operation.path.contains("{message_id}") {
            continue;
        }
        let path = operation.among(&things).replace(&things.message, &message);
        let body = operation.sample(&things);
        for outsider in [&eve, &bob] {
            let asked = outsider.ask(&operation.method, &path);
            let asked = match &body {
                Some(body) => asked.json(body.clone()),
                None => asked,
            };
            asked.once().await.problem(404, "not_found");
        }
    }
    let mut socket = eve.connect().await;
    for frame in [
        json!({"type": "edit", "message_id": message, "body": UNSPEAKABLE}),
        json!({"type": "delete", "message_id": message}),
        json!({"type": "react", "message_id": message, "emoji": "👍"}),
        json!({"type": "unreact", "message_id": message, "emoji": "👍"}),
    ] {
        let answer = socket.call(frame.clone()).await;
        assert_eq!(answer["error"]["code"], "not_found", "{frame}: {answer}");
    }
    // The room is no secret: what is to be done in it is refused as such.
    eve.get(&format!("/v1/rooms/{room}")).await.ok(200);
    let post = json!({"body": UNSPEAKABLE});
    eve.post(&format!("/v1/rooms/{room}/messages"), post).await.problem(403, "forbidden");
    // Who has joined sees them at once.
    eve.put_empty(&format!("/v1/rooms/{room}/members/me")).await.ok(200);
    eve.put_empty(&format!("/v1/messages/{message}/reactions/%F0%9F%91%8D")).await.ok(204);
}

async fn no_frame_of_a_room_for_outsiders(place: Place) {
    let Scene { ada, eve, things, .. } = Scene::new(&place).await;
    let (mut adas, mut socket) = (ada.connect().await, eve.connect().await);
    let (room, message) = (&things.room, &things.message);
    for frame in [
        json!({"type": "post", "room_id": room, "body": UNSPEAKABLE}),
        json!({"type": "edit", "message_id": message, "body": UNSPEAKABLE}),
        json!({"type": "delete", "message_id": message}),
        json!({"type": "read", "room_id": room, "message_id": message}),
    ] {
        let answer = socket.call(frame.clone()).await;
        assert_eq!(answer["error"]["code"], "not_found", "{frame}: {answer}");
    }
    ada.says(room, UNSPEAKABLE).await;
    adas.event("message.posted").await;
    let heard = socket.all().await;
    assert!(heard.iter().all(|frame| frame["room_id"] != **room), "{heard:?}");
    // A member who edits or deletes what another has said.
    let bob_too = json!({"type": "edit", "message_id": message, "body": UNSPEAKABLE});
    let answer = Scene::answer_of_member(&place, &ada, room, bob_too).await;
    assert!(["forbidden", "not_found"].contains(&answer.as_str()), "{answer}");
}

impl Scene {
    /// What a new plain member of a room is answered.
    async fn answer_of_member(
        place: &Place,
        owner: &Person,
        room: &str,
        frame: serde_json::Value,
    ) -> String {
        let member = Person::register(place, "mallory").await;
        owner.post(&format!("/v1/rooms/{room}/members"), json!({"user": member.id})).await.ok(201);
        let mut socket = member.connect().await;
        let answer = socket.call(frame).await;
        answer["error"]["code"].as_str().unwrap_or("ok").to_owned()
    }
}

async fn a_position_grants_no_access(place: Place) {
    let Scene { ada, bob, eve, things } = Scene::new(&place).await;
    let mut adas = ada.connect().await;
    let start = adas.position.clone();
    for number in 0..5 {
        ada.says(&things.room, &format!("{UNSPEAKABLE} {number}")).await;
        adas.event_in(&things.room, "message.posted").await;
    }
    let bodies = |frames: &[serde_json::Value]| {
        frames.iter().filter(|frame| frame["room_id"] == *things.room).count()
    };
    // The owner of the position, then another user with it.
    let mut again = ada.resume(&start).await;
    again.expect("resumed", |frame| frame["type"] == "resumed").await;
    assert!(bodies(&again.all().await) >= 5);
    let mut socket = eve.resume(&start).await;
    socket.expect("resumed", |frame| frame["type"] == "resumed").await;
    let heard = socket.all().await;
    assert_eq!(bodies(&heard), 0, "{heard:?}");
    // A removed member hears nothing of what came before, however old their position is.
    let bobs = bob.connect().await;
    let was_in = bobs.position.clone();
    bobs.close().await;
    ada.says(&things.room, UNSPEAKABLE).await;
    ada.delete(&format!("/v1/rooms/{}/members/{}", things.room, bob.id)).await.ok(204);
    for position in [&was_in, &start] {
        let mut socket = bob.resume(position).await;
        socket.expect("resumed", |frame| frame["type"] == "resumed").await;
        let heard = socket.all().await;
        let said = |frame: &serde_json::Value| {
            frame["event"].as_str().unwrap_or("").starts_with("message.")
        };
        assert!(
            !heard.iter().any(|frame| said(frame) && frame["room_id"] == *things.room),
            "{heard:?}"
        );
    }
    positions_never_given_out(&eve, &things.room, &start).await;
}

/// Positions that were never given out, shown by a user who is not in the room.
async fn positions_never_given_out(eve: &Person, room: &str, start: &str) {
    let bodies = |frames: &[serde_json::Value]| {
        frames.iter().filter(|frame| frame["room_id"] == *room).count()
    };
    let (epoch, sequence) = start.split_once(':').unwrap();
    let ahead = sequence.parse::<u64>().unwrap() + 1_000_000;
    for invented in [
        format!("{epoch}:{ahead}"),
        format!("{epoch}:{}", u64::MAX),
        format!("other:{sequence}"),
        "x".to_owned(),
        String::new(),
        format!("{epoch}:-1"),
        format!("{epoch}:1e3"),
        "x".repeat(5_000),
    ] {
        let mut socket = eve.resume(&invented).await;
        let told = |frame: &serde_json::Value| {
            ["reset", "resumed"].contains(&frame["type"].as_str().unwrap_or(""))
        };
        let answer = socket.expect("a reset", told).await;
        assert_eq!(answer["type"], "reset", "{invented:.60}: {answer}");
        let heard = socket.all().await;
        assert_eq!(bodies(&heard), 0, "{heard:?}");
    }
    let mut from_the_beginning = eve.resume(&format!("{epoch}:0")).await;
    let told = |frame: &serde_json::Value| {
        ["reset", "resumed"].contains(&frame["type"].as_str().unwrap_or(""))
    };
    from_the_beginning.expect("an answer", told).await;
    assert_eq!(bodies(&from_the_beginning.all().await), 0);
}

async fn a_client_id_belongs_to_one_sender(place: Place) {
    let (ada, eve) = (Person::register(&place, "ada").await, Person::register(&place, "eve").await);
    let room = ada.group(&[&eve]).await;
    let path = format!("/v1/rooms/{room}/messages");
    let (mut adas, mut other) = (ada.connect().await, eve.connect().await);
    let client_id = tests::kit::unique("mine");
    let post = |body: &str| json!({"body": body, "client_id": client_id});
    // The thief comes first, and again afterwards, over both ways.
    let stolen = other.post_as(&room, &client_id, "unspeakable of eve").await;
    assert_eq!(stolen["type"], "ok", "{stolen}");
    let first = ada.post(&path, post("unspeakable of ada")).await.ok(201);
    assert_eq!(
        (&first["body"], &first["sender"]["id"]),
        (&json!("unspeakable of ada"), &json!(ada.id))
    );
    let repeated = adas.post_as(&room, &client_id, "unspeakable of ada").await;
    assert_eq!(repeated["result"]["id"], first["id"], "{repeated}");
    let again = eve.post(&path, post("unspeakable of eve")).await.ok(200);
    assert_eq!((&again["id"], &again["sender"]["id"]), (&stolen["result"]["id"], &json!(eve.id)));
    let all = ada.messages(&room).await;
    assert_eq!(tests::kit::person::bodies(&all), ["unspeakable of eve", "unspeakable of ada"]);
    // The same for the key of a request.
    let make = |person: &Person, name: &str| {
        let body = json!({"kind": "group", "name": name});
        person.ask("POST", "/v1/rooms").header("idempotency-key", &client_id).json(body)
    };
    let of_ada = make(&ada, "Ada's").send().await.ok(201);
    let of_eve = make(&eve, "Ada's").send().await.ok(201);
    assert_ne!(id_of(&of_ada), id_of(&of_eve));
    eve.get(&format!("/v1/rooms/{}", id_of(&of_ada))).await.problem(404, "not_found");
    // A stranger's key finds no answer of another user either.
    let body = json!({"kind": "group", "name": "Ada's"});
    let asked =
        Stranger::new(&place).ask("POST", "/v1/rooms").header("idempotency-key", &client_id);
    asked.json(body).once().await.problem(401, "unauthenticated");
}

async fn members_cannot_act_beyond_their_role(place: Place) {
    let Scene { ada, bob, eve, things } = Scene::new(&place).await;
    let room = format!("/v1/rooms/{}", things.room);
    let members = format!("{room}/members");
    for (method, path, body) in [
        ("PATCH", format!("{members}/{}", bob.id), json!({"role": "owner"})),
        ("PATCH", format!("{members}/{}", bob.id), json!({"role": "admin"})),
        ("PATCH", format!("{members}/{}", ada.id), json!({"role": "member"})),
        ("POST", members.clone(), json!({"user": eve.id, "role": "owner"})),
        ("DELETE", format!("{members}/{}", ada.id), json!(null)),
        ("PATCH", room.clone(), json!({"visibility": "public"})),
        ("DELETE", room.clone(), json!(null)),
        ("PATCH", format!("/v1/messages/{}", things.message), json!({"body": UNSPEAKABLE})),
        ("DELETE", format!("/v1/messages/{}", things.message), json!(null)),
    ] {
        let asked = bob.ask(method, &path);
        let asked = if body.is_null() { asked } else { asked.json(body.clone()) };
        asked.once().await.problem(403, "forbidden");
    }
    let unchanged = ada.room(&things.room).await;
    assert_eq!(
        (&unchanged["visibility"], &unchanged["member_count"]),
        (&json!("private"), &json!(2))
    );
    // A removed member cannot post over a socket that is still open either.
    let mut socket: Socket = bob.connect().await;
    ada.delete(&format!("{members}/{}", bob.id)).await.ok(204);
    let answer = socket.post_as(&things.room, "late", UNSPEAKABLE).await;
    assert_eq!(answer["error"]["code"], "not_found", "{answer}");
}
