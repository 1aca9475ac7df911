//! Texts, names and mentions as users meet them.

use serde_json::{Value, json};
use tests::kit::installation::Place;
use tests::kit::person::{Person, id_of};
use tests::kit::unique;

everywhere!(
    mentions_are_read_as_people_write_them,
    at_here_is_shown_and_not_counted,
    a_channel_is_found_in_any_spelling,
    optional_texts_are_emptied,
);

async fn says(who: &Person, room: &str, body: &str, format: &str) -> Value {
    let body = json!({"body": body, "format": format});
    who.post(&format!("/v1/rooms/{room}/messages"), body).await.ok(201)
}

async fn mentions_are_read_as_people_write_them(place: Place) {
    let (ada, bob) = (Person::register(&place, "ada").await, Person::register(&place, "bob").await);
    let room = ada.group(&[&bob]).await;
    let name = bob.at_name();
    for (before, after) in [
        ("交给", "处理"),
        ("こんにちは", "さん"),
        ("안녕", "님"),
        ("สวัสดี", ""),
        ("_", "_"),
        ("__", "__"),
        ("-", ""),
        ("--", ""),
        ("...", "."),
        ("(", ".smith)"),
    ] {
        for format in ["plain", "markdown"] {
            let said = says(&ada, &room, &format!("{before}{name}{after}"), format).await;
            assert_eq!(said["mentions"], json!([bob.id]), "{said}");
        }
    }
    for code in [
        "`{}`",
        "```\n{}\n```",
        "    {}",
        "~~~\n{}\n~~~",
        "x{}",
        "https://x.org/{}",
        "[{}](https://x.org)",
    ] {
        let said = says(&ada, &room, &code.replace("{}", &name), "markdown").await;
        assert_eq!(said["mentions"], json!([]), "{said}");
    }
    let mut socket = bob.connect().await;
    let said = says(&ada, &room, &format!("`{name}`"), "markdown").await;
    let path = format!("/v1/messages/{}", id_of(&said));
    let edited = ada.patch(&path, json!({"body": format!("*{name}* @room")})).await.ok(200);
    assert_eq!((&edited["mentions"], &edited["mentions_room"]), (&json!([bob.id]), &json!("room")));
    let event = socket.event_in(&room, "message.edited").await;
    assert_eq!(event["data"]["mentions_room"], "room");
}

async fn at_here_is_shown_and_not_counted(place: Place) {
    let (ada, bob) = (Person::register(&place, "ada").await, Person::register(&place, "bob").await);
    let room = ada.group(&[&bob]).await;
    let mut socket = bob.connect().await;
    let count = async || bob.room(&room).await["membership"]["mention_count"].clone();
    for (body, format, called, counted) in [
        ("`@room` `@here`", "markdown", Value::Null, 0),
        ("@here, you", "plain", json!("here"), 0),
        ("@room.", "plain", json!("room"), 1),
        ("@here @room", "plain", json!("room"), 2),
        ("@roommate x@room", "plain", Value::Null, 2),
    ] {
        let said = says(&ada, &room, body, format).await;
        assert_eq!(said["mentions_room"], called, "{said}");
        let event = socket.event_in(&room, "message.posted").await;
        assert_eq!(event["data"]["mentions_room"], called, "{event}");
        let read = bob.get(&format!("/v1/messages/{}", id_of(&said))).await.ok(200);
        assert_eq!(read["mentions_room"], called, "{read}");
        assert_eq!(count().await, counted, "{body}");
    }
    let general = place.admin().await.get("/v1/rooms?visibility=public&name=general").await.ok(200);
    let general = id_of(&general["items"][0]);
    if general_is_large(&ada, &general).await {
        assert_eq!(says(&ada, &general, "@room", "plain").await["mentions_room"], Value::Null);
    }
    let said = says(&place.admin().await, &general, "@here", "plain").await;
    assert_eq!(said["mentions_room"], "here");
}

/// Whether more users are registered than `@room` without an admin allows.
async fn general_is_large(who: &Person, general: &str) -> bool {
    who.room(general).await["member_count"].as_u64().unwrap() > 20
}

async fn a_channel_is_found_in_any_spelling(place: Place) {
    let ada = Person::register(&place, "ada").await;
    let name = format!("E\u{301}clair {}", unique("Straße"));
    let made = ada.post("/v1/rooms", json!({"kind": "channel", "name": name})).await.ok(201);
    assert_eq!(made["name"], name.replace("E\u{301}", "É"));
    for other in [name.to_uppercase(), name.replace('E', "ｅ"), name.replace("E\u{301}", "é")] {
        let encoded: String = other.bytes().map(|byte| format!("%{byte:02X}")).collect();
        for query in [format!("name={encoded}"), format!("query={encoded}")] {
            let found = ada.get(&format!("/v1/rooms?visibility=public&{query}")).await.ok(200);
            assert_eq!(found["items"][0]["id"], made["id"], "{other}");
        }
    }
}

async fn optional_texts_are_emptied(place: Place) {
    let ada = Person::register(&place, "ada").await;
    let room = ada.group(&[]).await;
    let path = format!("/v1/rooms/{room}");
    for given in [
        json!({"topic": "t", "retention_days": 30}),
        json!({"topic": null, "retention_days": null}),
    ] {
        ada.patch(&path, given).await.ok(200);
    }
    let seen = ada.room(&room).await;
    assert_eq!((&seen["topic"], &seen["retention_days"]), (&Value::Null, &Value::Null));
    for given in [json!({"bio": "b"}), json!({"bio": null, "avatar_media_id": null})] {
        ada.patch("/v1/users/me", given).await.ok(200);
    }
    assert_eq!(ada.get("/v1/users/me").await.ok(200)["bio"], Value::Null);
    let given = json!({"retention_days": 36_501});
    ada.patch(&path, given).await.problem(400, "validation_failed");
}
