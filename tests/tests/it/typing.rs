//! Who is typing: told to the others of a room on every gateway, and to no one else.

use serde_json::{Value, json};
use tests::kit::installation::Place;
use tests::kit::person::{Person, id_of};
use tests::kit::separate::Separate;
use tests::kit::socket::Socket;

everywhere!(
    the_others_of_a_room_are_told,
    a_post_over_rest_ends_it,
    one_may_not_type_where_one_may_not_write,
    a_flood_is_told_as_little_as_any_typing,
    what_is_no_typing_is_refused,
);

fn typing(room: &str, active: bool) -> Value {
    json!({"type": "typing", "room_id": room, "active": active})
}

/// The next word of a user's typing.
async fn told(socket: &mut Socket, user: &str, active: bool) -> Value {
    let what = format!("typing of {user}, {active}");
    socket
        .expect(&what, |frame| {
            frame["type"] == "typing" && frame["user_id"] == user && frame["active"] == active
        })
        .await
}

fn typings(frames: &[Value]) -> usize {
    frames.iter().filter(|frame| frame["type"] == "typing").count()
}

async fn the_others_of_a_room_are_told(place: Place) {
    let (ada, bob, eve) = (
        Person::register(&place, "ada").await,
        Person::register_at(&place, 1, "bob").await,
        Person::register_at(&place, 1, "eve").await,
    );
    let room = ada.group(&[&bob]).await;
    let mut adas = ada.connect().await;
    let mut other = ada.at(1).connect().await;
    let (mut bobs, mut eves) = (bob.connect().await, eve.connect().await);
    let answer = adas.call(typing(&room, true)).await;
    assert_eq!(answer["type"], "ok", "{answer}");
    let frame = told(&mut bobs, &ada.id, true).await;
    let expected = json!({"type": "typing", "room_id": room, "user_id": ada.id, "active": true});
    assert_eq!(frame, expected);
    // A post by any way ends it, and is told itself.
    adas.post(&room, "done").await;
    told(&mut bobs, &ada.id, false).await;
    bobs.event_in(&room, "message.posted").await;

    // In a thread. A frame without an id is not answered.
    let root = id_of(&ada.says(&room, "a root").await);
    let mut frame = typing(&room, true);
    frame["thread_root_id"] = json!(root);
    adas.send(frame.clone()).await;
    assert_eq!(told(&mut bobs, &ada.id, true).await["thread_root_id"], root);
    // Silence ends it.
    let ended = told(&mut bobs, &ada.id, false).await;
    assert_eq!(ended["thread_root_id"], root);
    // And so does the word that one has stopped, and the end of the socket.
    adas.send(frame.clone()).await;
    told(&mut bobs, &ada.id, true).await;
    frame["active"] = json!(false);
    adas.send(frame).await;
    told(&mut bobs, &ada.id, false).await;
    adas.send(typing(&room, true)).await;
    told(&mut bobs, &ada.id, true).await;
    let own = adas.all().await;
    adas.close().await;
    told(&mut bobs, &ada.id, false).await;

    assert_eq!(typings(&own) + typings(&other.all().await), 0, "one is not told of oneself");
    assert_eq!(typings(&eves.all().await), 0, "outsiders are not told");
    // Nothing of it is in the log or the read model: a client that comes back hears nothing.
    let mut back = bob.resume(&bobs.position).await;
    assert_eq!(typings(&back.all().await), 0);
}

async fn a_post_over_rest_ends_it(place: Place) {
    let (ada, bob) =
        (Person::register(&place, "ada").await, Person::register_at(&place, 1, "bob").await);
    let room = ada.direct(&[&bob]).await;
    let (mut adas, mut bobs) = (ada.connect().await, bob.connect().await);
    adas.send(typing(&room, true)).await;
    told(&mut bobs, &ada.id, true).await;
    ada.at(1).says(&room, "from another device").await;
    told(&mut bobs, &ada.id, false).await;
}

async fn one_may_not_type_where_one_may_not_write(place: Place) {
    let (ada, bob, eve) = (
        Person::register(&place, "ada").await,
        Person::register_at(&place, 1, "bob").await,
        Person::register(&place, "eve").await,
    );
    let room = ada.group(&[&bob]).await;
    let (mut adas, mut bobs, mut eves) =
        (ada.connect().await, bob.connect().await, eve.connect().await);
    let refusal = |answer: Value| answer["error"]["code"].as_str().unwrap_or("none").to_owned();
    assert_eq!(refusal(eves.call(typing(&room, true)).await), "not_found");
    let nowhere = format!("room_{}", "0".repeat(26));
    assert_eq!(refusal(eves.call(typing(&nowhere, true)).await), "not_found");
    let (channel, _) = ada.channel().await;
    assert_eq!(refusal(eves.call(typing(&channel, true)).await), "not_found", "not joined");

    // A mute while one is typing ends that.
    bobs.send(typing(&room, true)).await;
    told(&mut adas, &bob.id, true).await;
    let member = format!("/v1/rooms/{room}/members/{}", bob.id);
    ada.patch(&member, json!({"muted_until": "2100-01-01T00:00:00Z"})).await.ok(200);
    told(&mut adas, &bob.id, false).await;
    assert_eq!(refusal(bobs.call(typing(&room, true)).await), "forbidden");
    ada.patch(&member, json!({"muted_until": null})).await.ok(200);
    assert_eq!(refusal(bobs.call(typing(&room, true)).await), "none");
    told(&mut adas, &bob.id, true).await;

    // Where only admins post the others type in threads.
    let root = id_of(&ada.says(&room, "a root").await);
    ada.patch(&format!("/v1/rooms/{room}"), json!({"posting": "admins"})).await.ok(200);
    told(&mut adas, &bob.id, false).await;
    assert_eq!(refusal(bobs.call(typing(&room, true)).await), "forbidden");
    let mut in_thread = typing(&room, true);
    in_thread["thread_root_id"] = json!(root);
    assert_eq!(refusal(bobs.call(in_thread).await), "none");
    told(&mut adas, &bob.id, true).await;

    // Who is out hears nothing and says nothing.
    ada.delete(&member).await.ok(204);
    told(&mut adas, &bob.id, false).await;
    bobs.event_in(&room, "member.left").await;
    assert_eq!(refusal(bobs.call(typing(&room, true)).await), "not_found");
    adas.send(typing(&room, true)).await;
    assert_eq!(typings(&bobs.all().await), 0);
    ada.delete(&format!("/v1/rooms/{room}")).await.ok(204);
    adas.event_in(&room, "room.archived").await;
    assert_eq!(refusal(adas.call(typing(&room, true)).await), "conflict");
    assert_eq!(typings(&adas.all().await), 0);
}

async fn a_flood_is_told_as_little_as_any_typing(place: Place) {
    let (ada, bob) =
        (Person::register(&place, "ada").await, Person::register_at(&place, 1, "bob").await);
    let room = ada.group(&[&bob]).await;
    let (mut adas, mut bobs) = (ada.connect().await, bob.connect().await);
    let begun = std::time::Instant::now();
    for number in 0..2_000 {
        let mut frame = typing(&room, number % 3 != 0);
        if number % 2 == 0 {
            frame["thread_root_id"] = json!(format!("msg_{number:026}"));
        }
        adas.send(frame).await;
    }
    adas.call(typing(&room, true)).await;
    // The message that ends it comes after all that was told of the flood but its end.
    adas.post(&room, "done").await;
    bobs.event_in(&room, "message.posted").await;
    let seconds = begun.elapsed().as_secs();
    let count = typings(&bobs.all().await);
    let most = 4 * (seconds / 3 + 2);
    assert!(count >= 1 && u64::try_from(count).unwrap() <= most, "{count} in {seconds} s");
}

async fn what_is_no_typing_is_refused(place: Place) {
    let ada = Person::register(&place, "ada").await;
    let room = ada.group(&[]).await;
    let mut socket = ada.connect().await;
    for (frame, pointer) in [
        (json!({"type": "typing", "active": true}), "/room_id"),
        (json!({"type": "typing", "room_id": room}), "/active"),
        (json!({"type": "typing", "room_id": room, "active": "yes"}), "/active"),
        (json!({"type": "typing", "room_id": "room_*", "active": true}), "/room_id"),
        (json!({"type": "typing", "room_id": [], "active": true}), "/room_id"),
        (
            json!({"type": "typing", "room_id": room, "active": true, "thread_root_id": ">"}),
            "/thread_root_id",
        ),
        (json!({"type": "typing", "room_id": room, "active": true, "user_id": "x"}), "/user_id"),
    ] {
        let answer = socket.call(frame).await;
        assert_eq!(answer["error"]["errors"][0]["pointer"], pointer, "{answer}");
        assert_eq!(answer["error"]["code"], "validation_failed");
    }
}

/// A gateway that is killed says no more of its people: the others end their typing by themselves.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn typing_ends_when_its_gateway_dies() {
    let mut separate = Separate::start("sqlite");
    let place = separate.place.clone();
    let (ada, bob) =
        (Person::register_at(&place, 1, "ada").await, Person::register(&place, "bob").await);
    let room = ada.group(&[&bob]).await;
    let (mut adas, mut bobs) = (ada.connect().await, bob.connect().await);
    adas.send(typing(&room, true)).await;
    told(&mut bobs, &ada.id, true).await;
    separate.kill("gateway-1");
    told(&mut bobs, &ada.id, false).await;
    // And goes on at the gateway that is left.
    let mut back = ada.at(0).connect().await;
    back.send(typing(&room, true)).await;
    told(&mut bobs, &ada.id, true).await;
    separate.run("gateway-1");
}
