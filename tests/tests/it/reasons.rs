//! Refusals say why in a word of a closed list, over REST and over the socket, whichever process refuses.

use serde_json::{Value, json};
use tests::kit::http::check_reason;
use tests::kit::installation::Place;
use tests::kit::person::{Person, id_of};

everywhere!(
    what_a_room_does_not_allow_is_told_by_a_reason,
    what_a_role_does_not_allow_is_told_by_a_reason,
    what_is_done_already_is_told_by_a_reason,
);

const LATER: &str = "2100-01-01T00:00:00.000Z";

/// The reason of an `error` frame that has this code.
#[track_caller]
fn refused(answer: &Value, code: &str) -> String {
    assert_eq!(answer["type"], "error", "{answer}");
    assert_eq!(answer["error"]["code"], code, "{answer}");
    check_reason(&answer["error"]);
    answer["error"]["reason"].as_str().unwrap_or_default().to_owned()
}

fn post(room: &str) -> Value {
    json!({"type": "post", "room_id": room, "client_id": "refused", "body": "a word"})
}

async fn what_a_room_does_not_allow_is_told_by_a_reason(place: Place) {
    let (ada, bob) =
        (Person::register(&place, "ada").await, Person::register_at(&place, 1, "bob").await);
    let room = ada.group(&[&bob]).await;
    let mut bobs = bob.connect().await;
    let path = format!("/v1/rooms/{room}");
    let (messages, member) = (format!("{path}/messages"), format!("{path}/members/{}", bob.id));
    let typing = json!({"type": "typing", "room_id": room, "active": true});

    ada.patch(&path, json!({"slow_mode_seconds": 600})).await.ok(200);
    bob.says(&room, "the first of ten minutes").await;
    let slow =
        bob.post(&messages, json!({"body": "the second"})).await.problem(429, "rate_limited");
    assert_eq!(slow["reason"], "slow_mode");
    assert_eq!(refused(&bobs.call(post(&room)).await, "rate_limited"), "slow_mode");

    ada.patch(&path, json!({"slow_mode_seconds": null, "posting": "admins"})).await.ok(200);
    let only = bob.post(&messages, json!({"body": "a word"})).await.problem(403, "forbidden");
    assert_eq!(only["reason"], "only_admins_post");
    assert_eq!(refused(&bobs.call(post(&room)).await, "forbidden"), "only_admins_post");

    ada.patch(&member, json!({"muted_until": LATER})).await.ok(200);
    bobs.event_in(&room, "member.changed").await;
    assert_eq!(refused(&bobs.call(post(&room)).await, "forbidden"), "muted");
    assert_eq!(refused(&bobs.call(typing.clone()).await, "forbidden"), "muted");

    ada.delete(&path).await.ok(204);
    bobs.event_in(&room, "room.archived").await;
    let late = ada.post(&messages, json!({"body": "a word"})).await.problem(409, "conflict");
    assert_eq!(late["reason"], "room_archived");
    assert_eq!(refused(&bobs.call(post(&room)).await, "conflict"), "room_archived");
    assert_eq!(refused(&bobs.call(typing).await, "conflict"), "room_archived");
    // What does not exist has none: the code says it all.
    let nothing =
        ada.get("/v1/rooms/room_00000000000000000000000000").await.problem(404, "not_found");
    assert_eq!(nothing.get("reason"), None);
}

async fn what_a_role_does_not_allow_is_told_by_a_reason(place: Place) {
    let (ada, bob) =
        (Person::register(&place, "ada").await, Person::register_at(&place, 1, "bob").await);
    let (channel, _) = ada.channel().await;
    let path = format!("/v1/rooms/{channel}");
    let (messages, renamed) = (format!("{path}/messages"), json!({"topic": "tides"}));
    let outside = bob.post(&messages, json!({"body": "a word"})).await.problem(403, "forbidden");
    assert_eq!(outside["reason"], "not_a_member");
    let outside = bob.get(&format!("{path}/members")).await;
    assert_eq!(outside.problem(403, "forbidden")["reason"], "not_a_member");

    bob.put_empty(&format!("{path}/members/me")).await.ok(200);
    let member = bob.patch(&path, renamed).await.problem(403, "forbidden");
    assert_eq!(member["reason"], "needs_room_admin");
    let banned = bob.get(&format!("{path}/bans")).await.problem(403, "forbidden");
    assert_eq!(banned["reason"], "needs_room_admin");
    let message = id_of(&ada.says(&channel, "a word").await);
    let edit = json!({"type": "edit", "message_id": message, "body": "another"});
    let mut bobs = bob.connect().await;
    assert_eq!(refused(&bobs.call(edit).await, "forbidden"), "not_the_author");
    let delete = json!({"type": "delete", "message_id": message});
    assert_eq!(refused(&bobs.call(delete).await, "forbidden"), "message_of_another");
    let admin = bob.get("/v1/admin/stats").await.problem(403, "forbidden");
    assert_eq!(admin["reason"], "needs_admin");
}

async fn what_is_done_already_is_told_by_a_reason(place: Place) {
    let (ada, bob) =
        (Person::register(&place, "ada").await, Person::register_at(&place, 1, "bob").await);
    let room = ada.group(&[&bob]).await;
    let last = ada.delete(&format!("/v1/rooms/{room}/members/me")).await.problem(409, "conflict");
    assert_eq!(last["reason"], "last_owner");
    let direct = ada.direct(&[&bob]).await;
    let fixed = ada.patch(&format!("/v1/rooms/{direct}"), json!({"name": "ours"})).await;
    assert_eq!(fixed.problem(409, "conflict")["reason"], "direct_room");
    let message = id_of(&ada.says(&room, "a word").await);
    ada.delete(&format!("/v1/messages/{message}")).await.ok(204);
    let edit = ada.patch(&format!("/v1/messages/{message}"), json!({"body": "another"})).await;
    assert_eq!(edit.problem(409, "conflict")["reason"], "message_deleted");
}
