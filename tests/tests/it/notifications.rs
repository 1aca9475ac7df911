//! Inboxes and mail.

use std::path::PathBuf;

use serde_json::{Value, json};
use tests::kit::installation::{Installation, Place};
use tests::kit::person::{Person, id_of, items};
use tests::kit::{lasting, unique, until};

everywhere!(
    new_users_are_welcomed_and_welcomed_back,
    a_direct_message_is_announced_once,
    a_mention_is_announced,
    notifications_are_marked_read,
    nothing_waits_in_a_room_that_a_user_is_out_of,
    an_admin_notifies,
);

/// A user's inbox once it has an entry that fits; newest first.
async fn inbox_with(person: &Person, fits: impl Fn(&Value) -> bool) -> Vec<Value> {
    until("the notification is listed", async || {
        let listed = items(&person.get("/v1/notifications").await.ok(200));
        listed.iter().any(&fits).then_some(listed)
    })
    .await
}

async fn new_users_are_welcomed_and_welcomed_back(place: Place) {
    let ada = Person::register(&place, "Ada").await;
    let back = |entry: &Value| entry["title"] == "Welcome back, Ada";
    inbox_with(&ada, back).await;
    // The notifier works off several events at a time, so either entry may come first.
    let listed = inbox_with(&ada, |entry| entry["title"] == "Welcome to Tidings, Ada").await;
    assert!(listed.iter().all(|entry| entry["kind"] == "welcome" && entry["read"] == false));
    // Logging in again shows on the socket that is open already.
    let mut socket = ada.connect().await;
    ada.again().await;
    let event = socket.event("notification.created").await;
    assert_eq!(event["data"]["title"], "Welcome back, Ada");
    assert!(event.get("room_id").is_none_or(Value::is_null));
    let id = event["data"]["id"].clone();
    inbox_with(&ada, |entry| entry["id"] == id).await;
}

async fn a_direct_message_is_announced_once(place: Place) {
    let (ada, bob) =
        (Person::register(&place, "Ada").await, Person::register_at(&place, 1, "bob").await);
    let room = ada.direct(&[&bob]).await;
    let (mut adas, mut bobs) = (ada.connect().await, bob.connect().await);
    let text = format!("the launch is on Tuesday, {}", bob.at_name());
    let message = adas.post(&room, &text).await;
    let event = bobs
        .expect("the notification", |frame| {
            frame["event"] == "notification.created" && frame["data"]["kind"] != "welcome"
        })
        .await;
    let entry = &event["data"];
    assert_eq!(
        (&entry["kind"], &entry["title"]),
        (&json!("direct_message"), &json!("Ada wrote to you"))
    );
    assert_eq!((&entry["room_id"], &entry["message_id"]), (&json!(room), &message["result"]["id"]));
    assert!(!entry.to_string().contains("Tuesday"), "what is said stays in the message");
    assert_eq!(entry["actor"]["username"], ada.username, "{entry}");
    // A mention in it does not notify twice, and one unread entry stands for the room.
    ada.says(&room, "second").await;
    let third = id_of(&ada.says(&room, "third").await);
    let about = |listed: &[Value]| {
        listed.iter().filter(|one| one["kind"] == "direct_message").cloned().collect::<Vec<_>>()
    };
    bob.put(&format!("/v1/rooms/{room}/read"), json!({"message_id": third})).await.ok(200);
    let read = bobs.event("notification.read").await;
    assert_eq!((&read["data"]["id"], &read["data"]["read"]), (&entry["id"], &json!(true)));
    let listed =
        about(&inbox_with(&bob, |one| one["id"] == entry["id"] && one["read"] == true).await);
    assert_eq!(listed.len(), 1, "{listed:#?}");
    // Once that is read the next message has one of its own.
    let fourth = id_of(&ada.says(&room, "fourth").await);
    let listed = about(&inbox_with(&bob, |one| one["message_id"] == json!(fourth)).await);
    assert_eq!(listed.len(), 2, "{listed:#?}");
    let listed = items(&ada.get("/v1/notifications").await.ok(200));
    assert!(listed.iter().all(|one| one["kind"] == "welcome"), "{listed:#?}");
}

async fn a_mention_is_announced(place: Place) {
    let (ada, bob) =
        (Person::register(&place, "Ada").await, Person::register_at(&place, 1, "bob").await);
    let eve = Person::register(&place, "eve").await;
    let room = ada.group(&[&bob, &eve]).await;
    let name = ada.room(&room).await["name"].as_str().unwrap().to_owned();
    let mut bobs = bob.connect().await;
    ada.says(&room, &format!("{} {} look", bob.at_name(), ada.at_name())).await;
    let event = bobs.expect("the mention", |frame| frame["data"]["kind"] == "mention").await;
    assert_eq!(event["data"]["title"], format!("Ada mentioned you in {name}"));
    ada.says(&room, "@room hello").await;
    ada.says(&room, &format!("{} again", bob.at_name())).await;
    bobs.expect("the second mention", |frame| frame["data"]["kind"] == "mention").await;
    for (who, mentions) in [(&ada, 0), (&bob, 2), (&eve, 0)] {
        let listed = until("the inbox is complete", async || {
            let listed = items(&who.get("/v1/notifications").await.ok(200));
            let found = listed.iter().filter(|one| one["kind"] == "mention").count();
            (found >= mentions).then_some(found)
        })
        .await;
        assert_eq!(listed, mentions);
    }
}

async fn notifications_are_marked_read(place: Place) {
    let ada = Person::register(&place, "Ada").await;
    ada.again().await;
    let listed = until("three welcomes", async || {
        let listed = items(&ada.get("/v1/notifications?unread=true").await.ok(200));
        (listed.len() == 3).then_some(listed)
    })
    .await;
    let mut socket = ada.at(1).connect().await;
    let path = format!("/v1/notifications/{}/read", id_of(&listed[0]));
    assert_eq!(ada.put_empty(&path).await.status, 204);
    let event = socket.event("notification.read").await;
    assert!(event["data"].to_string().contains(&id_of(&listed[0])), "{event}");
    assert_eq!(items(&ada.get("/v1/notifications?unread=true").await.ok(200)).len(), 2);
    assert_eq!(items(&ada.get("/v1/notifications").await.ok(200)).len(), 3);
    assert_eq!(ada.put_empty(&path).await.status, 204, "reading twice is reading once");
    assert_eq!(ada.put_empty("/v1/notifications/read").await.status, 204);
    assert_eq!(items(&ada.get("/v1/notifications?unread=true").await.ok(200)).len(), 0);
    // Another's entry, and one that does not exist.
    let eve = Person::register(&place, "eve").await;
    eve.put_empty(&path).await.problem(404, "not_found");
    let nothing = format!("/v1/notifications/{}000000/read", &id_of(&listed[0])[..24]);
    ada.put_empty(&nothing).await.problem(404, "not_found");
    let page = ada.get("/v1/notifications?limit=2").await.ok(200);
    let cursor = page["next_cursor"].as_str().expect("there is more").to_owned();
    let rest = ada.get(&format!("/v1/notifications?limit=2&cursor={cursor}")).await.ok(200);
    assert_eq!((items(&rest).len(), &rest["next_cursor"]), (1, &Value::Null));
}

/// Put out, banned, or gone by themselves: what they were told of there could not be opened any more, and would stand
/// in the badge for ever.
async fn nothing_waits_in_a_room_that_a_user_is_out_of(place: Place) {
    let ada = Person::register(&place, "ada").await;
    let bob = Person::register_at(&place, 1, "bob").await;
    let other = ada.group(&[&bob]).await;
    ada.says(&other, &format!("{} here, too", bob.at_name())).await;
    let unread = async || {
        let mut listed = items(&bob.get("/v1/notifications?unread=true").await.ok(200));
        listed.retain(|one| one["kind"] != "welcome");
        let room = |one: &Value| one["room_id"].as_str().unwrap().to_owned();
        listed.iter().map(room).collect::<Vec<String>>()
    };
    let waits = async |what: &str, wanted: &[&String]| {
        until(what, async || {
            let mut found = unread().await;
            found.sort();
            let mut wanted = wanted.to_vec();
            wanted.sort();
            (found.iter().collect::<Vec<_>>() == wanted).then_some(())
        })
        .await;
    };
    waits("the other room's mention", &[&other]).await;
    let mut device = bob.at(0).connect().await;
    for way in ["removed", "banned", "leaves"] {
        let room = ada.group(&[&bob]).await;
        let root = bob.says(&room, "root").await["id"].clone();
        ada.says(&room, &format!("{} look", bob.at_name())).await;
        let path = format!("/v1/rooms/{room}/messages");
        ada.post(&path, json!({"body": "an answer", "thread_root_id": root})).await.ok(201);
        waits("a mention and an answer", &[&other, &room, &room]).await;
        let member = format!("/v1/rooms/{room}/members/{}", bob.id);
        let ban = format!("/v1/rooms/{room}/bans/{}", bob.id);
        match way {
            "removed" => ada.delete(&member).await.ok(204),
            "banned" => ada.put(&ban, json!({})).await.ok(204),
            _ => bob.delete(&format!("/v1/rooms/{room}/members/me")).await.ok(204),
        };
        for _ in 0..2 {
            let about = |frame: &Value| {
                frame["event"] == "notification.read" && frame["data"]["room_id"] == json!(room)
            };
            let read = device.expect("an entry is read", about).await;
            assert_eq!(read["data"]["read"], true);
        }
        waits("what is left", &[&other]).await;
        // A user who is brought back is told of what comes from then on, and of nothing before.
        ada.delete(&ban).await.ok(204);
        ada.post(&format!("/v1/rooms/{room}/members"), json!({"user": bob.id})).await.ok(201);
        ada.says(&room, &format!("welcome back, {}", bob.at_name())).await;
        waits("the new mention", &[&other, &room]).await;
        bob.put_empty("/v1/notifications/read").await.ok(204);
        ada.says(&other, &format!("{} once more", bob.at_name())).await;
        waits("the other room's next mention", &[&other]).await;
    }
}

async fn an_admin_notifies(place: Place) {
    let (admin, ada) = (place.admin().await, Person::register_at(&place, 1, "Ada").await);
    let mut socket = ada.connect().await;
    let body = json!({"users": [ada.at_name()], "title": "Maintenance", "body": "Tonight at ten."});
    ada.post("/v1/admin/notifications", body.clone()).await.problem(403, "forbidden");
    let sent = admin.post("/v1/admin/notifications", body).await;
    assert!((200..=202).contains(&sent.status), "{}", sent.text);
    let event = socket.expect("it", |frame| frame["data"]["kind"] == "system").await;
    assert_eq!(
        (&event["data"]["title"], &event["data"]["body"]),
        (&json!("Maintenance"), &json!("Tonight at ten."))
    );
    let unknown = json!({"users": ["@absent-user"], "title": "x", "body": "y"});
    admin.post("/v1/admin/notifications", unknown).await.problem(400, "validation_failed");
}

/// On an installation of its own: everyone there is told.
#[tokio::test]
async fn an_admin_notifies_by_id_or_everyone() {
    let installation = Installation::relaxed(&[]);
    let place = installation.place.clone();
    let (admin, ada) = (place.found().await, Person::register(&place, "ada").await);
    let title = unique("Maintenance");
    let body = |who: Value| {
        let mut body = json!({"title": title, "body": "Tonight."});
        body.as_object_mut().unwrap().extend(who.as_object().unwrap().clone());
        body
    };
    let send = async |who: Value| admin.post("/v1/admin/notifications", body(who)).await;
    let got = async |person: &Person| {
        let listed = items(&person.get("/v1/notifications?limit=200").await.ok(200));
        listed.iter().filter(|one| one["title"] == title.as_str()).count()
    };
    let sent = send(json!({"user_ids": [ada.id, ada.id]})).await.ok(201);
    assert_eq!(sent["notification_ids"].as_array().unwrap().len(), 1);
    until("it is listed", async || (got(&ada).await == 1).then_some(())).await;
    // A user who has just registered is one of everyone.
    let eve = Person::register(&place, "eve").await;
    send(json!({"everyone": true})).await.ok(201);
    until("both have it", async || (got(&ada).await == 2 && got(&eve).await == 1).then_some(()))
        .await;
    for wrong in [
        json!({}),
        json!({"everyone": false}),
        json!({"user_ids": []}),
        json!({"user_ids": [ada.id], "everyone": true}),
        json!({"user_ids": [ada.id], "users": [ada.id]}),
    ] {
        let refused = send(wrong).await.problem(400, "validation_failed");
        assert_eq!(refused["errors"][0]["pointer"], "/user_ids");
    }
    let absent = format!("{}000000", &ada.id[..24]);
    let refused = send(json!({"user_ids": [ada.id, absent]})).await;
    let refused = refused.problem(400, "validation_failed");
    assert_eq!(refused["errors"][0]["pointer"], "/user_ids/1");
}

async fn mail_to(folder: PathBuf, address: &str) -> String {
    until("the mail is written", async || {
        let files = std::fs::read_dir(&folder).ok()?.flatten();
        let mails = files.filter(|file| file.path().extension().is_some_and(|e| e == "eml"));
        let mut texts = mails.filter_map(|file| std::fs::read_to_string(file.path()).ok());
        texts.find(|text| text.contains(address))
    })
    .await
}

#[tokio::test]
async fn a_registration_is_confirmed_by_mail() {
    let installation = lasting::one_process_installation().await;
    let ada = Person::register(&installation.place, "Ada").await;
    let mail = mail_to(installation.data.join("mail"), &ada.email).await;
    assert!(mail.contains("Subject: Welcome to Tidings"), "{mail}");
    assert!(!mail.contains(&ada.password));
    let Some(separate) = lasting::separate_installation().await else { return };
    let bob = Person::register_at(&separate.place, 1, "bob").await;
    mail_to(separate.mail_dir(), &bob.email).await;
}
