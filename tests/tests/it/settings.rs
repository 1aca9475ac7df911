//! What members set for themselves: notification level, pinned rooms, hidden direct rooms.

use serde_json::{Value, json};
use tests::kit::installation::Place;
use tests::kit::person::{Person, id_of, items};
use tests::kit::until;

everywhere!(
    pinned_rooms_come_first,
    settings_are_told_to_the_member_alone_and_after_a_resume,
    who_wants_nothing_is_named_without_an_entry,
    a_direct_room_is_hidden_until_the_next_message,
    settings_are_of_members_and_well_formed,
    null_clears_what_may_be_empty_and_is_refused_elsewhere,
);

async fn listed(who: &Person) -> Vec<String> {
    let rooms = items(&who.get("/v1/rooms").await.ok(200));
    let own = |room: &&Value| room["name"] != "general";
    rooms.iter().filter(own).map(id_of).collect()
}

fn own(room: &str) -> String {
    format!("/v1/rooms/{room}/members/me")
}

async fn pinned_rooms_come_first(place: Place) {
    let ada = Person::register(&place, "ada").await;
    let mut rooms = Vec::new();
    for _ in 0..4 {
        rooms.push(ada.group(&[]).await);
    }
    let first = rooms[0].clone();
    let room = ada.patch(&own(&first), json!({"pinned": true})).await.ok(200);
    assert_eq!(
        (&room["membership"]["pinned"], &room["membership"]["notify"]),
        (&json!(true), &json!("mentions"))
    );
    rooms.reverse();
    rooms.rotate_right(1);
    assert_eq!(listed(&ada).await, rooms);
    // The same, page by page.
    let (mut paged, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = ada.get(&format!("/v1/rooms?limit=1{cursor}")).await.ok(200);
        paged.extend(items(&page).iter().map(id_of));
        let Some(next) = page["next_cursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    paged.retain(|room| rooms.contains(room));
    assert_eq!(paged, rooms);
    ada.patch(&own(&first), json!({"pinned": false})).await.ok(200);
    rooms.rotate_left(1);
    assert_eq!(listed(&ada).await, rooms);
}

async fn settings_are_told_to_the_member_alone_and_after_a_resume(place: Place) {
    let (ada, bob) = (Person::register(&place, "ada").await, Person::register(&place, "bob").await);
    let room = ada.group(&[&bob]).await;
    let (mut adas, mut other, mut bobs) =
        (ada.connect().await, ada.connect().await, bob.connect().await);
    let before = adas.position.clone();
    let set = json!({"notify": "none", "pinned": true});
    let written = ada.patch(&own(&room), set.clone()).await;
    let position = written.header("tidings-position").to_owned();
    written.ok(200);
    for socket in [&mut adas, &mut other] {
        let told = socket.event_in(&room, "membership.changed").await;
        assert_eq!(told["data"], json!({"notify": "none", "pinned": true, "hidden": false}));
    }
    // Once more changes nothing and tells nothing.
    ada.patch(&own(&room), set).await.ok(200);
    ada.says(&room, "after").await;
    adas.event_in(&room, "message.posted").await;
    bobs.event_in(&room, "message.posted").await;
    for socket in [&mut adas, &mut bobs] {
        let rest = socket.all().await;
        let told = rest.iter().filter(|frame| frame["event"] == "membership.changed").count();
        assert!(told <= 1, "{rest:?}");
    }
    let none = |frames: &[Value]| frames.iter().all(|f| f["event"] != "membership.changed");
    assert!(none(&bobs.all().await));
    for gateway in 0..2 {
        let mut back = ada.at(gateway).resume(&before).await;
        let told = back.event_in(&room, "membership.changed").await;
        assert_eq!((&told["position"], &told["data"]["pinned"]), (&json!(position), &json!(true)));
    }
}

async fn who_wants_nothing_is_named_without_an_entry(place: Place) {
    let (ada, bob) = (Person::register(&place, "ada").await, Person::register(&place, "bob").await);
    let (silent, loud) = (ada.group(&[&bob]).await, ada.group(&[&bob]).await);
    bob.patch(&own(&silent), json!({"notify": "none"})).await.ok(200);
    let badge = async || bob.get("/v1/users/me/unread").await.ok(200);
    let before = badge().await;
    ada.says(&silent, "nothing of it").await;
    assert_eq!(badge().await["rooms"], before["rooms"], "only mentions count");
    ada.says(&silent, &format!("{} in vain", bob.at_name())).await;
    ada.says(&loud, &format!("{} come", bob.at_name())).await;
    let told = until("the mention is in the inbox", async || {
        let entries = items(&bob.get("/v1/notifications").await.ok(200));
        let mentions: Vec<Value> =
            entries.into_iter().filter(|entry| entry["kind"] == "mention").collect();
        (!mentions.is_empty()).then_some(mentions)
    })
    .await;
    assert_eq!(told.len(), 1);
    assert_eq!(told[0]["room_id"], json!(loud));
    let room = bob.room(&silent).await;
    let own = &room["membership"];
    assert_eq!((&own["unread_count"], &own["mention_count"]), (&json!(2), &json!(1)));
    let count = |value: &Value, field: &str| value[field].as_u64().unwrap();
    let after = badge().await;
    for field in ["rooms", "unread_count", "mention_count"] {
        assert_eq!(count(&after, field), count(&before, field) + 2, "{field}");
    }
}

async fn a_direct_room_is_hidden_until_the_next_message(place: Place) {
    let (ada, bob) = (Person::register(&place, "ada").await, Person::register(&place, "bob").await);
    let room = ada.direct(&[&bob]).await;
    ada.says(&room, "hello").await;
    let mut socket = bob.connect().await;
    for _ in 0..2 {
        assert_eq!(bob.delete(&own(&room)).await.status, 204);
    }
    let told = socket.event_in(&room, "membership.changed").await;
    assert_eq!(told["data"]["hidden"], true);
    assert_eq!(listed(&bob).await, [""; 0]);
    assert_eq!(listed(&ada).await, std::slice::from_ref(&room));
    assert_eq!(bob.room(&room).await["membership"]["hidden"], true);
    ada.says(&room, "again").await;
    socket.event_in(&room, "message.posted").await;
    assert_eq!(listed(&bob).await, std::slice::from_ref(&room));
    assert_eq!(bob.room(&room).await["membership"]["hidden"], false);
    // Hidden again, and opened again.
    assert_eq!(bob.delete(&format!("/v1/rooms/{room}/members/{}", bob.id)).await.status, 204);
    assert_eq!(listed(&bob).await, [""; 0]);
    assert_eq!(bob.direct(&[&ada]).await, room);
    assert_eq!(listed(&bob).await, std::slice::from_ref(&room));
    let notes = bob.post("/v1/direct", json!({"members": []})).await.ok(201);
    assert_eq!(bob.post("/v1/direct", json!({"members": []})).await.ok(200)["id"], notes["id"]);
    assert_eq!(notes["member_count"], 1);
    assert_eq!(bob.delete(&own(&id_of(&notes))).await.status, 204);
    assert_eq!(listed(&bob).await, [room]);
}

async fn settings_are_of_members_and_well_formed(place: Place) {
    let (ada, eve) = (Person::register(&place, "ada").await, Person::register(&place, "eve").await);
    let (channel, _) = ada.channel().await;
    let group = ada.group(&[]).await;
    eve.patch(&own(&channel), json!({"pinned": true})).await.problem(403, "forbidden");
    eve.patch(&own(&group), json!({"pinned": true})).await.problem(404, "not_found");
    eve.delete(&own(&ada.direct(&[]).await)).await.problem(404, "not_found");
    for wrong in [
        json!({"notify": "loud"}),
        json!({"notify": 1}),
        json!({"pinned": "yes"}),
        json!({"hidden": true}),
        json!([]),
    ] {
        ada.patch(&own(&group), wrong).await.problem(400, "validation_failed");
    }
    ada.patch(&own(&group), json!({})).await.ok(200);
    // Archived rooms and muted members keep their own settings.
    assert_eq!(ada.delete(&format!("/v1/rooms/{group}")).await.status, 204);
    ada.patch(&own(&group), json!({"notify": "all"})).await.ok(200);
    let general = items(&ada.get("/v1/rooms?name=general").await.ok(200));
    let room = ada.patch(&own(&id_of(&general[0])), json!({"notify": "all"})).await.ok(200);
    assert_eq!(room["membership"]["notify"], "all");
}

async fn null_clears_what_may_be_empty_and_is_refused_elsewhere(place: Place) {
    let ada = Person::register(&place, "ada").await;
    let room = format!("/v1/rooms/{}", ada.group(&[]).await);
    let name = ada.get(&room).await.ok(200)["name"].clone();
    let full = json!({"topic": "boats", "retention_days": 9, "slow_mode_seconds": 60});
    let shown = ada.patch(&room, full).await.ok(200);
    assert_eq!((&shown["topic"], &shown["slow_mode_seconds"]), (&json!("boats"), &json!(60)));
    let empty = json!({"topic": null, "retention_days": null, "slow_mode_seconds": null});
    let shown = ada.patch(&room, empty).await.ok(200);
    assert!(shown.get("topic").is_none() && shown.get("retention_days").is_none(), "{shown}");
    assert_eq!(shown["slow_mode_seconds"], 0);
    ada.patch(&room, json!({"topic": "boats"})).await.ok(200);
    let shown = ada.patch(&room, json!({"topic": ""})).await.ok(200);
    assert_eq!(shown.get("topic"), None, "an empty text is none");
    ada.patch(&room, json!({"topic": "   "})).await.problem(400, "validation_failed");
    let refused = ada.patch(&room, json!({"name": null, "topic": "kept out"})).await;
    let problem = refused.problem(400, "validation_failed");
    assert_eq!(problem["errors"][0]["pointer"], "/name");
    let shown = ada.get(&room).await.ok(200);
    assert_eq!((&shown["name"], shown.get("topic")), (&name, None));
    let own = "/v1/users/me";
    let full = json!({"settings": {"theme": "dark"}, "bio": "sails", "display_name": "Ada L"});
    let shown = ada.patch(own, full).await.ok(200);
    assert_eq!((&shown["settings"]["theme"], &shown["bio"]), (&json!("dark"), &json!("sails")));
    let shown = ada.patch(own, json!({"bio": ""})).await.ok(200);
    assert_eq!(shown.get("bio"), None, "an empty text is none");
    ada.patch(own, json!({"bio": "sails"})).await.ok(200);
    let empty = json!({"settings": null, "bio": null, "display_name": null});
    ada.patch(own, empty).await.ok(200);
    let shown = ada.get(own).await.ok(200);
    assert_eq!((&shown["settings"], shown.get("bio")), (&json!({}), None));
    assert_eq!(shown["display_name"], json!(ada.username));
}
