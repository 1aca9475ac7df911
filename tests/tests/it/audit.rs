//! The audit trail: every event of the log is found by who caused it, what it happened to, its type and its time.

use serde_json::{Value, json};
use tests::kit::installation::{Installation, Place};
use tests::kit::person::{Person, Stranger, id_of, items};

everywhere!(
    events_are_found_by_what_is_asked,
    pages_hold_everything_once_and_in_order,
    only_admins_read_the_trail_and_only_for_what_there_is,
);

const TRAIL: &str = "/v1/admin/events";

/// All events of a question, newest first, page by page.
async fn trail(admin: &Person, query: &str, limit: usize) -> Vec<Value> {
    let (mut all, mut cursor) = (Vec::new(), String::new());
    loop {
        let path = format!("{TRAIL}?limit={limit}&{query}{cursor}");
        let page = admin.get(&path).await.ok(200);
        let found = items(&page);
        assert!(found.len() <= limit);
        all.extend(found);
        let Some(next) = page["next_cursor"].as_str() else { return all };
        cursor = format!("&cursor={next}");
    }
}

fn types(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| event["type"].as_str().unwrap()).collect()
}

fn sequence(event: &Value) -> u64 {
    event["position"].as_str().unwrap().split(':').nth(1).unwrap().parse().unwrap()
}

async fn events_are_found_by_what_is_asked(place: Place) {
    let admin = place.admin().await;
    let (ada, bob) =
        (Person::register(&place, "ada").await, Person::register_at(&place, 1, "bob").await);
    let room = ada.group(&[&bob]).await;
    let message = id_of(&ada.says(&room, "a secret of ours").await);
    let path = format!("/v1/messages/{message}");
    ada.patch(&path, json!({"body": "another secret"})).await.ok(200);
    bob.put_empty(&format!("{path}/reactions/%F0%9F%91%8D")).await.ok(204);
    let theirs = id_of(&bob.says(&room, "bob's own").await);
    ada.patch("/v1/users/me", json!({"settings": {"theme": "hidden"}, "bio": "shown"}))
        .await
        .ok(200);
    let reason = json!({"reason": "off topic"});
    let removed = admin.ask("DELETE", &format!("/v1/admin/messages/{message}")).json(reason);
    removed.send().await.ok(204);

    // What happened to a message, and who did it.
    let events = trail(&admin, &format!("subject={message}"), 200).await;
    let expected =
        ["message.deleted.v1", "reaction.added.v1", "message.edited.v1", "message.posted.v1"];
    assert_eq!(types(&events), expected);
    assert_eq!(events[0]["actor"], admin.id);
    assert_eq!(events[0]["data"]["reason"], "off topic");
    assert_eq!((&events[1]["actor"], &events[2]["actor"]), (&json!(bob.id), &json!(ada.id)));
    assert!(events.iter().all(|event| event["subject"] == message.as_str()), "{events:?}");

    // What a user did, and of that what is of a type.
    let events = trail(&admin, &format!("actor={}", bob.id), 200).await;
    assert!(events.iter().all(|event| event["actor"] == bob.id.as_str()), "{events:?}");
    let kinds = types(&events);
    for kind in
        ["message.posted.v1", "reaction.added.v1", "session.started.v1", "user.registered.v1"]
    {
        assert!(kinds.contains(&kind), "{kind} in {kinds:?}");
    }
    let posts = trail(&admin, &format!("actor={}&type=message.posted.v1", bob.id), 200).await;
    assert_eq!(posts.len(), 1);
    assert_eq!(posts[0]["subject"], theirs.as_str());

    // What happened to a room and to an account.
    assert_eq!(types(&trail(&admin, &format!("subject={room}"), 200).await), ["room.created.v1"]);
    let events =
        trail(&admin, &format!("subject={}&type=user.profile_changed.v1", ada.id), 200).await;
    assert_eq!(types(&events), ["user.profile_changed.v1"]);
    let user = &events[0]["data"]["user"];
    assert_eq!((&user["bio"], user.get("settings")), (&json!("shown"), None), "{user}");

    // Nothing that users wrote, nor what they keep for themselves.
    let everything = trail(&admin, &format!("actor={}", ada.id), 200).await;
    let text = json!(everything).to_string();
    assert!(!text.contains("secret") && !text.contains("hidden"), "{text}");
    assert!(text.contains(&message) && !text.contains("\"body\""), "{text}");

    // By time, half open.
    let edited = trail(&admin, &format!("subject={message}&type=message.edited.v1"), 200).await;
    let time = edited[0]["time"].as_str().unwrap();
    let of = format!("subject={message}");
    let since = trail(&admin, &format!("{of}&since={time}"), 200).await;
    assert!(since.contains(&edited[0]) && !types(&since).contains(&"message.posted.v1"));
    let until = trail(&admin, &format!("{of}&until={time}"), 200).await;
    assert!(!until.contains(&edited[0]) && types(&until).contains(&"message.posted.v1"));
    assert_eq!(trail(&admin, &format!("{of}&since=9999-01-01T00:00:00Z"), 200).await.len(), 0);
    assert_eq!(trail(&admin, &format!("{of}&until=0001-01-01T00:00:00Z"), 200).await.len(), 0);
}

async fn pages_hold_everything_once_and_in_order(place: Place) {
    let admin = place.admin().await;
    let ada = Person::register(&place, "ada").await;
    let room = ada.group(&[]).await;
    // More than two blocks of the index.
    let mut socket = ada.connect().await;
    for number in 0..600 {
        socket.post(&room, &format!("m{number}")).await;
    }
    let of_ada = format!("actor={}", ada.id);
    let large = trail(&admin, &of_ada, 200).await;
    let places: Vec<u64> = large.iter().map(sequence).collect();
    assert!(places.is_sorted_by(|newer, older| newer > older), "{places:?}");
    let posts = large.iter().filter(|event| event["type"] == "message.posted.v1").count();
    assert_eq!(posts, 600);
    let small = trail(&admin, &of_ada, 37).await;
    assert_eq!(small, large);
    let both = trail(&admin, &format!("{of_ada}&type=room.created.v1"), 1).await;
    assert_eq!((both.len(), &both[0]["subject"]), (1, &json!(room)));
    // Without a condition: everything from the end of the log.
    let newest = admin.get(&format!("{TRAIL}?limit=200")).await.ok(200);
    let places: Vec<u64> = items(&newest).iter().map(sequence).collect();
    assert_eq!(places.len(), 200);
    assert!(places.is_sorted_by(|newer, older| newer > older), "{places:?}");
    assert!(newest["next_cursor"].is_string());
}

async fn only_admins_read_the_trail_and_only_for_what_there_is(place: Place) {
    let (admin, ada) = (place.admin().await, Person::register(&place, "ada").await);
    ada.get(TRAIL).await.problem(403, "forbidden");
    Stranger::new(&place).get(TRAIL).await.problem(401, "unauthenticated");
    let long = format!("type={}.posted.v1", "m".repeat(60));
    let moderator = json!({"role": "moderator"});
    admin.patch(&format!("/v1/admin/users/{}", ada.id), moderator).await.ok(200);
    ada.again().await.get(TRAIL).await.problem(403, "forbidden");
    for bad in [
        "actor=ada",
        "actor=",
        "actor=System",
        "type=message",
        "type=",
        "type=message.posted",
        "subject=x",
        "subject=",
        "subject=usr_0",
        "since=now",
        "until=",
        "limit=0",
        "limit=201",
        "limit=",
        "cursor=",
        "cursor=AAAA",
        "r%23type=a.b.v1",
        "actor=system&actor=system",
        "body=x",
        &long,
    ] {
        admin.get(&format!("{TRAIL}?{bad}")).await.problem(400, "validation_failed");
    }
    let page = admin.get(&format!("{TRAIL}?limit=1")).await.ok(200);
    let cursor = page["next_cursor"].as_str().unwrap();
    let other = format!("{TRAIL}?limit=1&actor=system&cursor={cursor}");
    admin.get(&other).await.problem(400, "validation_failed");
    // Well-formed, and of nothing there is.
    for none in [
        "type=ping.sent.v1",
        "actor=usr_00000000000000000000000000",
        "subject=new_00000000000000000000000000",
    ] {
        let page = admin.get(&format!("{TRAIL}?{none}")).await.ok(200);
        assert_eq!(page, json!({"items": [], "next_cursor": null}), "{none}");
    }
}

#[tokio::test]
async fn with_bodies_each_read_is_an_event_and_the_index_is_rebuilt() {
    let mut installation = Installation::relaxed(&["--audit-bodies"]);
    let admin = installation.place.found().await;
    let room = admin.group(&[]).await;
    admin.says(&room, "a secret of ours").await;
    let query = format!("actor={}&type=message.posted.v1", admin.id);
    let reply = admin.get(&format!("{TRAIL}?{query}")).await;
    assert!(!reply.header("tidings-position").is_empty());
    let page = reply.ok(200);
    assert_eq!(page["items"][0]["data"]["message"]["body"], "a secret of ours");
    let reads = trail(&admin, "type=audit.read.v1", 200).await;
    let first = reads.last().unwrap();
    let asked = json!({"actor": admin.id, "type": "message.posted.v1"});
    assert_eq!((&first["actor"], &first["data"]["query"]), (&json!(admin.id), &asked));
    installation.verify();
    let rebuilt = installation.operate(&["rebuild"]);
    assert!(rebuilt.status.success(), "{}", String::from_utf8_lossy(&rebuilt.stderr));
    let again = admin.get(&format!("{TRAIL}?{query}")).await.ok(200);
    assert_eq!(again["items"], page["items"]);
    installation.verify();
    installation.process.stop();
}
