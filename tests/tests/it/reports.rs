//! Reports of messages, and what moderators do about messages and rooms.

use serde_json::{Value, json};
use tests::kit::installation::Place;
use tests::kit::person::{Person, id_of, items};
use tests::kit::until;

everywhere!(
    a_report_keeps_what_was_said_until_it_is_handled,
    who_may_report_and_who_may_not,
    moderators_delete_messages_and_archive_rooms_of_others,
    fifty_reports_at_once_are_one,
);

/// A user who is made a moderator by the installation's admin.
async fn moderator(place: &Place) -> Person {
    let person = Person::register(place, "mod").await;
    place
        .admin()
        .await
        .patch(&format!("/v1/admin/users/{}", person.id), json!({"role": "moderator"}))
        .await
        .ok(200);
    person.again().await
}

async fn says(who: &Person, room: &str, body: &str) -> String {
    id_of(&who.says(room, body).await)
}

async fn reports(who: &Person, message: &str, reason: &str) -> String {
    let body = json!({"reason": reason});
    let made = who.post(&format!("/v1/messages/{message}/reports"), body).await.ok(201);
    made["id"].as_str().unwrap().to_owned()
}

/// The report as moderators see it, once they do.
async fn seen(who: &Person, status: &str, id: &str) -> Value {
    until(&format!("report {id} is {status}"), async || {
        let listed = items(&who.get(&format!("/v1/admin/reports?status={status}")).await.ok(200));
        listed.into_iter().find(|one| one["id"] == id)
    })
    .await
}

async fn a_report_keeps_what_was_said_until_it_is_handled(place: Place) {
    let ada = Person::register(&place, "ada").await;
    let bob = Person::register_at(&place, 1, "bob").await;
    let judge = moderator(&place).await;
    let room = ada.group(&[&bob]).await;
    let said = says(&ada, &room, "buy my engines").await;
    let id = reports(&bob, &said, "advertising").await;
    assert_eq!(reports(&bob, &said, "said once more").await, id, "one open report each");
    let edit = json!({"body": "a kind word"});
    ada.patch(&format!("/v1/messages/{said}"), edit).await.ok(200);
    assert_eq!(ada.delete(&format!("/v1/messages/{said}")).await.status, 204);
    assert_eq!(reports(&bob, &said, "a repeat, although it is gone").await, id);
    let open = seen(&judge, "open", &id).await;
    assert_eq!(open["message"]["body"], "buy my engines");
    assert_eq!(open["message"]["id"], json!(said));
    assert_eq!((&open["reporter"]["id"], &open["reason"]), (&json!(bob.id), &json!("advertising")));
    // Members see no reports.
    for other in [&ada, &bob] {
        assert_eq!(other.get("/v1/admin/reports").await.status, 403);
        let path = format!("/v1/admin/reports/{id}");
        assert_eq!(other.patch(&path, json!({"status": "dismissed"})).await.status, 403);
    }
    let path = format!("/v1/admin/reports/{id}");
    for wrong in [
        json!({"status": "open"}),
        json!({"status": "burnt"}),
        json!({}),
        json!({"status": "actioned", "note": ""}),
        json!({"status": "actioned", "note": "x".repeat(501)}),
        json!({"status": "actioned", "more": 1}),
    ] {
        assert_eq!(judge.patch(&path, wrong.clone()).await.status, 400, "{wrong}");
    }
    let handled = json!({"status": "actioned", "note": "deleted by its author"});
    let answer = judge.patch(&path, handled.clone()).await.ok(200);
    assert_eq!(answer["handled_by"], json!(judge.id));
    assert_eq!(judge.patch(&path, handled).await.ok(200)["status"], "actioned");
    assert_eq!(judge.patch(&path, json!({"status": "dismissed"})).await.status, 409);
    let actioned = seen(&judge, "actioned", &id).await;
    assert_eq!(actioned["message"]["body"], "", "handled: the copy is gone");
    assert_eq!(actioned["note"], "deleted by its author");
    let nothing = "/v1/admin/reports/rep_00000000000000000000000000";
    assert_eq!(judge.patch(nothing, json!({"status": "dismissed"})).await.status, 404);
}

async fn who_may_report_and_who_may_not(place: Place) {
    let ada = Person::register(&place, "ada").await;
    let bob = Person::register_at(&place, 1, "bob").await;
    let eve = Person::register(&place, "eve").await;
    let room = ada.group(&[&bob]).await;
    let said = says(&ada, &room, "hm").await;
    let path = format!("/v1/messages/{said}/reports");
    assert_eq!(eve.post(&path, json!({"reason": "curious"})).await.status, 404);
    for wrong in [
        json!({}),
        json!({"reason": ""}),
        json!({"reason": " \n"}),
        json!({"reason": 7}),
        json!({"reason": "x".repeat(501)}),
        json!({"reason": "\u{202e}"}),
        json!({"reason": "x", "more": 1}),
    ] {
        assert_eq!(bob.post(&path, wrong.clone()).await.status, 400, "{wrong}");
    }
    let muted = json!({"muted_until": "2100-01-01T00:00:00.000Z"});
    ada.patch(&format!("/v1/rooms/{room}/members/{}", bob.id), muted).await.ok(200);
    ada.delete(&format!("/v1/rooms/{room}")).await;
    reports(&bob, &said, "muted, and in an archived room").await;
    let other = says(&ada, &ada.group(&[&bob]).await, "gone soon").await;
    assert_eq!(ada.delete(&format!("/v1/messages/{other}")).await.status, 204);
    let path = format!("/v1/messages/{other}/reports");
    assert_eq!(bob.post(&path, json!({"reason": "nothing is left"})).await.status, 409);
}

async fn moderators_delete_messages_and_archive_rooms_of_others(place: Place) {
    let ada = Person::register(&place, "ada").await;
    let bob = Person::register_at(&place, 1, "bob").await;
    let judge = moderator(&place).await;
    let room = ada.group(&[&bob]).await;
    let said = says(&ada, &room, "rude").await;
    let mut socket = bob.connect().await;
    let path = format!("/v1/admin/messages/{said}");
    let body = json!({"reason": "the reason no member is told"});
    assert_eq!(bob.ask("DELETE", &path).json(body.clone()).send().await.status, 403);
    assert_eq!(judge.delete(&path).await.status, 400, "a reason is wanted");
    assert_eq!(judge.ask("DELETE", &path).json(body.clone()).send().await.status, 204);
    let told = socket.event_in(&room, "message.deleted").await;
    assert_eq!(told["data"]["id"], json!(said));
    assert!(!told.to_string().contains("no member is told"));
    assert_eq!(judge.ask("DELETE", &path).json(body.clone()).send().await.status, 204);
    let nothing = "/v1/admin/messages/msg_00000000000000000000000000";
    assert_eq!(judge.ask("DELETE", nothing).json(body).send().await.status, 404);
    // Rooms.
    assert_eq!(bob.get("/v1/admin/rooms").await.status, 403);
    let (channel, name) = ada.channel().await;
    let found = items(&judge.get(&format!("/v1/admin/rooms?query={name}")).await.ok(200));
    assert_eq!(found.len(), 1);
    assert_eq!(found[0]["id"], json!(channel));
    let all = judge.get("/v1/admin/rooms?limit=1").await.ok(200);
    assert!(all["next_cursor"].is_string());
    assert_eq!(bob.delete(&format!("/v1/admin/rooms/{channel}")).await.status, 403);
    for _ in 0..2 {
        assert_eq!(judge.delete(&format!("/v1/admin/rooms/{channel}")).await.status, 204);
    }
    assert_eq!(ada.room(&channel).await["archived"], true);
    let direct = ada.direct(&[&bob]).await;
    assert_eq!(judge.delete(&format!("/v1/admin/rooms/{direct}")).await.status, 409);
    // The name is free again.
    let again = json!({"kind": "channel", "name": name, "visibility": "public"});
    bob.post("/v1/rooms", again).await.ok(201);
}

async fn fifty_reports_at_once_are_one(place: Place) {
    let ada = Person::register(&place, "ada").await;
    let bob = Person::register_at(&place, 1, "bob").await;
    let judge = moderator(&place).await;
    let room = ada.group(&[&bob]).await;
    let said = says(&ada, &room, "hm").await;
    let all = (0..50).map(|_| reports(&bob, &said, "at once"));
    let ids = futures_util::future::join_all(all).await;
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    seen(&judge, "open", &ids[0]).await;
    let listed = items(&judge.get("/v1/admin/reports?status=open&limit=200").await.ok(200));
    let of_message = listed.iter().filter(|one| one["message"]["id"] == json!(said));
    assert_eq!(of_message.count(), 1);
}
