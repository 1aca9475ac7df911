//! Inbox entries about being added to a room by another user.

use serde_json::{Value, json};
use tests::kit::installation::Place;
use tests::kit::person::{Person, id_of, items};
use tests::kit::until;

everywhere!(who_is_added_to_a_room_is_told, who_comes_in_otherwise_is_not_told);

/// The entries of an inbox about having been added, newest first.
async fn invites(who: &Person) -> Vec<Value> {
    let mut listed = items(&who.get("/v1/notifications?limit=200").await.ok(200));
    listed.retain(|one| one["kind"] == "invite");
    listed
}

/// Waits until the entry about a room is there, and read or not.
async fn entry(who: &Person, room: &str, read: bool) -> Value {
    until("the entry of the room", async || {
        let mut listed = invites(who).await.into_iter();
        listed.find(|one| one["room_id"] == room && one["read"] == read)
    })
    .await
}

async fn who_is_added_to_a_room_is_told(place: Place) {
    let ada = Person::register(&place, "Ada").await;
    let bob = Person::register_at(&place, 1, "bob").await;
    let mut device = bob.at(0).connect().await;
    let room = ada.group(&[]).await;
    let name = ada.room(&room).await["name"].as_str().unwrap().to_owned();
    let members = format!("/v1/rooms/{room}/members");
    ada.post(&members, json!({"user": bob.id})).await.ok(201);
    let told = device.expect("the entry", |frame| frame["data"]["kind"] == "invite").await;
    let shown = &told["data"];
    assert_eq!(told["event"], "notification.created");
    assert_eq!(shown["title"], format!("Ada added you to {name}"));
    assert_eq!((&shown["room_id"], &shown["read"]), (&json!(room), &json!(false)));
    assert_eq!((&shown["actor"]["id"], &shown["message_id"]), (&json!(ada.id), &Value::Null));
    assert_eq!(entry(&bob, &room, false).await["id"], shown["id"]);
    // Reading the room reads it, on every device; a mention there comes first.
    let said = id_of(&ada.says(&room, &format!("{} welcome", bob.at_name())).await);
    device.expect("the mention", |frame| frame["data"]["kind"] == "mention").await;
    bob.put(&format!("/v1/rooms/{room}/read"), json!({"message_id": said})).await.ok(200);
    let first = device.event("notification.read").await;
    assert_eq!(first["data"]["message_id"], json!(said));
    let second = device.event("notification.read").await;
    assert_eq!((&second["data"]["id"], &second["data"]["read"]), (&shown["id"], &json!(true)));
    entry(&bob, &room, true).await;
    // Being out of it reads it, too; who is brought back is told again.
    let other = ada.group(&[&bob]).await;
    entry(&bob, &other, false).await;
    bob.delete(&format!("/v1/rooms/{other}/members/me")).await.ok(204);
    entry(&bob, &other, true).await;
    ada.post(&format!("/v1/rooms/{other}/members"), json!({"user": bob.id})).await.ok(201);
    entry(&bob, &other, false).await;
    assert_eq!(invites(&bob).await.len(), 3);
    assert!(invites(&ada).await.is_empty(), "who adds is not told");
    // One by one, or all at once.
    let unread = entry(&bob, &other, false).await;
    bob.put_empty(&format!("/v1/notifications/{}/read", id_of(&unread))).await.ok(204);
    assert!(invites(&bob).await.iter().all(|one| one["read"] == true));
}

async fn who_comes_in_otherwise_is_not_told(place: Place) {
    let (ada, bob) =
        (Person::register(&place, "ada").await, Person::register_at(&place, 1, "bob").await);
    let (channel, _) = ada.channel().await;
    bob.put_empty(&format!("/v1/rooms/{channel}/members/me")).await.ok(200);
    let direct = ada.direct(&[&bob]).await;
    let silenced = ada.group(&[&bob]).await;
    entry(&bob, &silenced, false).await;
    // Who wants to hear nothing of a room is not told of being brought back either.
    let own = format!("/v1/rooms/{silenced}/members/me");
    bob.patch(&own, json!({"notify": "none"})).await.ok(200);
    ada.delete(&format!("/v1/rooms/{silenced}/members/{}", bob.id)).await.ok(204);
    entry(&bob, &silenced, true).await;
    ada.post(&format!("/v1/rooms/{silenced}/members"), json!({"user": bob.id})).await.ok(201);
    // What comes later is told: by then the entries would be there.
    ada.says(&direct, "hello").await;
    ada.says(&channel, &bob.at_name()).await;
    let last = ada.group(&[&bob]).await;
    entry(&bob, &last, false).await;
    until("the mention and the direct message", async || {
        let listed = items(&bob.get("/v1/notifications?limit=200").await.ok(200));
        let has = |kind: &str| listed.iter().any(|one| one["kind"] == kind);
        (has("mention") && has("direct_message")).then_some(())
    })
    .await;
    let rooms: Vec<Value> = invites(&bob).await.iter().map(|one| one["room_id"].clone()).collect();
    assert_eq!(rooms, [json!(last), json!(silenced)]);
}
