//! Reactions: added, removed, counted, told and listed.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use tests::kit::installation::Place;
use tests::kit::person::{Person, id_of, items};
use tests::kit::socket::Socket;

everywhere!(
    a_reaction_is_told_and_counted,
    with_and_without_the_mark_it_is_one_kind,
    what_is_no_emoji_is_refused,
    who_may_not_write_may_not_react,
    a_deleted_message_has_no_reactions,
    the_first_users_are_named_and_all_are_listed,
    a_message_has_fifty_kinds_at_most,
    many_sockets_react_at_once,
    reactions_come_with_a_resume,
);

const UP: &str = "%F0%9F%91%8D";
const HEART: &str = "%E2%9D%A4%EF%B8%8F";

async fn pair(place: &Place) -> (Person, Person, String, String) {
    let ada = Person::register(place, "ada").await;
    let bob = Person::register_at(place, 1, "bob").await;
    let room = ada.group(&[&bob]).await;
    let message = id_of(&ada.says(&room, "hello").await);
    (ada, bob, room, message)
}

fn path(message: &str, emoji: &str) -> String {
    format!("/v1/messages/{message}/reactions/{emoji}")
}

async fn reactions(person: &Person, message: &str) -> Value {
    person.get(&format!("/v1/messages/{message}")).await.ok(200)["reactions"].clone()
}

/// The reactions told on a socket so far, and everything else of the room up to a message that is posted now.
async fn told(socket: &mut Socket, by: &Person, room: &str) -> Vec<(String, String, String)> {
    let mark = id_of(&by.says(room, "that is all").await);
    socket.expect("the mark", |frame| frame["data"]["id"] == mark.as_str()).await;
    let all = socket.all().await;
    let reaction = |frame: &Value| {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let event = text(&frame["event"]);
        let data = &frame["data"];
        event
            .starts_with("reaction.")
            .then(|| (event, text(&data["user_id"]), text(&data["emoji"])))
    };
    all.iter().filter_map(reaction).collect()
}

async fn a_reaction_is_told_and_counted(place: Place) {
    let (ada, bob, room, message) = pair(&place).await;
    let mut socket = ada.connect().await;
    let before = socket.post(&room, "before").await;
    let added = bob.put_empty(&path(&message, UP)).await;
    assert_eq!(added.status, 204, "{}", added.text);
    let position = added.header("tidings-position").to_owned();
    let event = socket.event_in(&room, "reaction.added").await;
    let change = json!({"message_id": message, "user_id": bob.id, "emoji": "👍"});
    assert_eq!((&event["data"], &event["position"]), (&change, &json!(position)));
    assert_eq!(event["previous"], before["position"]);
    let wanted = json!([{"emoji": "👍", "count": 1, "users": [bob.id], "me": true}]);
    assert_eq!(reactions(&bob, &message).await, wanted);
    assert_eq!(reactions(&ada, &message).await[0]["me"], false);
    // In every read.
    let listed = ada.messages(&room).await;
    assert_eq!(listed[0]["reactions"][0]["users"], json!([bob.id]));
    // A repeat writes and tells nothing; nor does taking back what is not there.
    for answer in [bob.put_empty(&path(&message, UP)).await, ada.delete(&path(&message, UP)).await]
    {
        assert_eq!(answer.status, 204, "{}", answer.text);
    }
    let mut bobs = bob.connect().await;
    let frame = json!({"type": "react", "message_id": message, "emoji": "❤"});
    let first = bobs.call(frame.clone()).await;
    let again = bobs.call(frame).await;
    // It has a position all the same, as over REST.
    for answer in [first, again] {
        assert_eq!(
            (&answer["type"], answer["position"].is_string()),
            (&json!("ok"), true),
            "{answer}"
        );
    }
    let frame = json!({"type": "unreact", "message_id": message, "emoji": "👍"});
    assert_eq!(bobs.call(frame).await["type"], "ok");
    let of = |event: &str, emoji: &str| (event.to_owned(), bob.id.clone(), emoji.to_owned());
    assert_eq!(
        told(&mut socket, &ada, &room).await,
        [of("reaction.added", "❤\u{fe0f}"), of("reaction.removed", "👍")]
    );
    let kinds = reactions(&ada, &message).await;
    assert_eq!(kinds, json!([{"emoji": "❤\u{fe0f}", "count": 1, "users": [bob.id], "me": false}]));
    // An edit says nothing of reactions, the answer to it does.
    let edited = ada.patch(&format!("/v1/messages/{message}"), json!({"body": "hi"})).await.ok(200);
    assert_eq!(edited["reactions"][0]["count"], 1);
    let event = socket.event_in(&room, "message.edited").await;
    assert_eq!(
        (&event["data"]["reactions"], &event["data"]["pinned"]),
        (&json!(null), &json!(null))
    );
}

async fn with_and_without_the_mark_it_is_one_kind(place: Place) {
    let (ada, bob, _, message) = pair(&place).await;
    assert_eq!(ada.put_empty(&path(&message, "%E2%9D%A4")).await.status, 204);
    assert_eq!(bob.put_empty(&path(&message, HEART)).await.status, 204);
    let kinds = reactions(&ada, &message).await;
    assert_eq!(kinds[0]["emoji"], "❤\u{fe0f}");
    assert_eq!((kinds[0]["count"].clone(), kinds.as_array().unwrap().len()), (json!(2), 1));
    for emoji in ["%E2%9D%A4", HEART] {
        let users = items(&ada.get(&path(&message, emoji)).await.ok(200));
        assert_eq!(users.len(), 2);
    }
    assert_eq!(ada.delete(&path(&message, HEART)).await.status, 204);
    assert_eq!(reactions(&ada, &message).await[0]["users"], json!([bob.id]));
    // A skin tone, a flag, a family and a key are kinds of their own.
    for emoji in ["👍🏽", "🇫🇷", "👨‍👩‍👧", "#️⃣"] {
        let encoded: String = emoji.bytes().map(|byte| format!("%{byte:02X}")).collect();
        let added = ada.put_empty(&path(&message, &encoded)).await;
        assert_eq!(added.status, 204, "{emoji}: {}", added.text);
    }
    assert_eq!(reactions(&ada, &message).await.as_array().unwrap().len(), 5);
}

async fn what_is_no_emoji_is_refused(place: Place) {
    let (ada, _, _, message) = pair(&place).await;
    let huge = UP.repeat(100);
    for emoji in [
        "a",
        "1",
        "%20",
        "%00",
        "+1",
        ":+1:",
        "%F0%9F%91%8D%F0%9F%91%8D",
        "%F0%9F%91%8Da",
        "%FF%FE",
        "%EF%B8%8F",
        "%E2%80%8D",
        "%E2%9D%A4%EF%B8%8E",
        "%25F0%259F%2591%258D",
        "e%CC%81",
        "%F0%9F%87%AB",
        &huge,
    ] {
        let refused = ada.put_empty(&path(&message, emoji)).await;
        let problem = refused.problem(400, "validation_failed");
        assert_eq!(problem["errors"][0]["pointer"], "/emoji", "{emoji:.40}");
        ada.get(&path(&message, emoji)).await.problem(400, "validation_failed");
    }
    ada.put_empty(&path(&message, "%F0%9F%91%8D/x")).await.problem(404, "not_found");
    ada.put_empty(&path("msg_x", UP)).await.problem(404, "not_found");
    ada.put(&path(&message, UP), json!({"emoji": "👍"})).await.problem(400, "validation_failed");
    let mut socket = ada.connect().await;
    for emoji in [json!("ab"), json!(""), json!(7), json!(null), json!("👍👍")] {
        let frame = json!({"type": "react", "message_id": message, "emoji": emoji});
        let answer = socket.call(frame).await;
        assert_eq!(answer["error"]["code"], "validation_failed", "{emoji}");
    }
    assert_eq!(reactions(&ada, &message).await, json!([]));
}

async fn who_may_not_write_may_not_react(place: Place) {
    let (ada, bob, room, message) = pair(&place).await;
    let eve = Person::register(&place, "eve").await;
    for asked in [
        eve.put_empty(&path(&message, UP)).await,
        eve.delete(&path(&message, UP)).await,
        eve.get(&path(&message, UP)).await,
    ] {
        asked.problem(404, "not_found");
    }
    let mut socket = eve.connect().await;
    let frame = json!({"type": "react", "message_id": message, "emoji": "👍"});
    assert_eq!(socket.call(frame).await["error"]["code"], "not_found");
    assert_eq!(bob.put_empty(&path(&message, HEART)).await.status, 204);
    let muted = json!({"muted_until": "2099-01-01T00:00:00Z"});
    ada.patch(&format!("/v1/rooms/{room}/members/{}", bob.id), muted).await.ok(200);
    bob.put_empty(&path(&message, UP)).await.problem(403, "forbidden");
    bob.delete(&path(&message, HEART)).await.problem(403, "forbidden");
    assert_eq!(ada.delete(&format!("/v1/rooms/{room}/members/{}", bob.id)).await.status, 204);
    bob.put_empty(&path(&message, UP)).await.problem(404, "not_found");
    // What they added stays.
    assert_eq!(reactions(&ada, &message).await[0]["users"], json!([bob.id]));
    assert_eq!(ada.delete(&format!("/v1/rooms/{room}")).await.status, 204);
    ada.put_empty(&path(&message, UP)).await.problem(409, "conflict");
    ada.delete(&path(&message, HEART)).await.problem(409, "conflict");
}

async fn a_deleted_message_has_no_reactions(place: Place) {
    let (ada, bob, room, message) = pair(&place).await;
    assert_eq!(bob.put_empty(&path(&message, UP)).await.status, 204);
    assert_eq!(ada.put_empty(&path(&message, UP)).await.status, 204);
    assert_eq!(ada.delete(&format!("/v1/messages/{message}")).await.status, 204);
    assert_eq!(reactions(&bob, &message).await, json!([]));
    assert_eq!(items(&bob.get(&path(&message, UP)).await.ok(200)).len(), 0);
    bob.put_empty(&path(&message, HEART)).await.problem(409, "conflict");
    bob.delete(&path(&message, UP)).await.problem(409, "conflict");
    assert_eq!(ada.messages(&room).await[0]["reactions"], json!([]));
}

async fn the_first_users_are_named_and_all_are_listed(place: Place) {
    let ada = Person::register(&place, "ada").await;
    let mut others = Vec::new();
    for number in 0..22 {
        others.push(Person::register_at(&place, number, "many").await);
    }
    let room = ada.group(&others.iter().collect::<Vec<_>>()).await;
    let message = id_of(&ada.says(&room, "vote").await);
    for other in &others {
        assert_eq!(other.put_empty(&path(&message, UP)).await.status, 204);
    }
    let ids: Vec<&str> = others.iter().map(|other| other.id.as_str()).collect();
    let kind = reactions(&others[21], &message).await[0].clone();
    assert_eq!((&kind["count"], &kind["users"]), (&json!(22), &json!(ids[..20])));
    assert_eq!(kind["me"], true, "although not among the first");
    assert_eq!(reactions(&ada, &message).await[0]["me"], false);
    // Others move up where one of the first takes theirs back.
    assert_eq!(others[3].delete(&path(&message, UP)).await.status, 204);
    let wanted: Vec<&str> = ids.iter().filter(|id| **id != ids[3]).copied().collect();
    let kind = reactions(&others[20], &message).await[0].clone();
    assert_eq!((&kind["count"], &kind["users"]), (&json!(21), &json!(wanted[..20])));
    assert_eq!(others[3].put_empty(&path(&message, UP)).await.status, 204);
    let (mut found, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = ada.get(&format!("{}?limit=9{cursor}", path(&message, UP))).await.ok(200);
        found.extend(items(&page).iter().map(id_of));
        let Some(next) = page["next_cursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    let wanted: Vec<&str> = wanted.into_iter().chain([ids[3]]).collect();
    assert_eq!(found, wanted, "in the order they reacted");
}

/// Emoji that differ, percent-encoded.
fn kinds(count: u32) -> Vec<String> {
    let emoji = (0x1f600..0x1f600 + count).filter_map(char::from_u32);
    emoji.map(|one| one.to_string().bytes().map(|byte| format!("%{byte:02X}")).collect()).collect()
}

async fn a_message_has_fifty_kinds_at_most(place: Place) {
    let (ada, bob, room, message) = pair(&place).await;
    let mut socket = bob.connect().await;
    let adding = kinds(60).into_iter().enumerate().map(|(number, emoji)| {
        let who = if number % 2 == 0 { ada.at(number) } else { bob.at(number) };
        let path = path(&message, &emoji);
        async move { who.put_empty(&path).await.status }
    });
    let statuses = futures_util::future::join_all(adding).await;
    // A gateway that waited too long for its answer does not know.
    let refused = |status: &u16| matches!(status, 409 | 503);
    let added = statuses.iter().filter(|status| **status == 204).count();
    assert!(added <= 50 && statuses.iter().all(|s| *s == 204 || refused(s)), "{statuses:?}");
    assert!(statuses.contains(&409), "{statuses:?}");
    let held = reactions(&ada, &message).await;
    let held: BTreeSet<String> =
        held.as_array().unwrap().iter().map(|kind| kind["emoji"].to_string()).collect();
    assert_eq!(held.len(), 50);
    // Told are those, each once, and no others. A gateway that cannot ask in time says `reload` instead, near the limit.
    let told: Vec<String> = told(&mut socket, &ada, &room)
        .await
        .into_iter()
        .map(|(event, _, emoji)| {
            assert_eq!(event, "reaction.added");
            json!(emoji).to_string()
        })
        .collect();
    let once: BTreeSet<String> = told.iter().cloned().collect();
    assert!(once.len() == told.len() && once.len() >= 40 && once.is_subset(&held), "{told:?}");
    // A kind that is there already takes more people; one that goes makes room.
    let first = format!("%F0%9F%98%{:02X}", 0x80);
    let (a, b) = (
        ada.put_empty(&path(&message, &first)).await,
        bob.put_empty(&path(&message, &first)).await,
    );
    let there = held.contains("\"\u{1f600}\"");
    assert_eq!((a.status == 204, b.status == 204), (there, there));
    ada.put_empty(&path(&message, UP)).await.problem(409, "conflict");
}

async fn many_sockets_react_at_once(place: Place) {
    let (ada, bob, room, message) = pair(&place).await;
    let mut socket = ada.connect().await;
    let reacting = (0..12).map(|number| {
        let bob = bob.at(number);
        let message = &message;
        async move {
            let mut socket = bob.connect().await;
            let frame = json!({"type": "react", "message_id": message, "emoji": "👍"});
            assert_eq!(socket.call(frame).await["type"], "ok");
        }
    });
    futures_util::future::join_all(reacting).await;
    let wanted = json!([{"emoji": "👍", "count": 1, "users": [bob.id], "me": false}]);
    let once = [("reaction.added".to_owned(), bob.id.clone(), "👍".to_owned())];
    assert_eq!(told(&mut socket, &ada, &room).await, once);
    assert_eq!(reactions(&ada, &message).await, wanted);
}

async fn reactions_come_with_a_resume(place: Place) {
    let (ada, bob, room, old) = pair(&place).await;
    let quiet = id_of(&ada.says(&room, "quiet").await);
    let mut socket = bob.connect().await;
    socket.post(&room, "heard").await;
    socket.event_in(&room, "message.posted").await;
    let position = socket.position.clone();
    drop(socket);
    assert_eq!(bob.put_empty(&path(&old, UP)).await.status, 204);
    let new = id_of(&ada.says(&room, "new").await);
    assert_eq!(ada.put_empty(&path(&new, HEART)).await.status, 204);
    assert_eq!(ada.put_empty(&format!("/v1/messages/{new}/pin")).await.status, 204);
    ada.patch(&format!("/v1/messages/{quiet}"), json!({"body": "changed"})).await.ok(200);
    for gateway in 0..2 {
        let mut socket = bob.at(gateway).resume(&position).await;
        socket.expect("resumed", |frame| frame["type"] == "resumed").await;
        let frames = socket.all().await;
        let of = |id: &str| {
            let found: Vec<&Value> =
                frames.iter().filter(|frame| frame["data"]["id"] == id).collect();
            assert_eq!(found.len(), 1, "{frames:#?}");
            found[0].clone()
        };
        let (old, new, quiet) = (of(&old), of(&new), of(&quiet));
        assert_eq!(old["event"], "message.changed");
        assert_eq!(old["data"]["reactions"][0]["me"], true);
        assert_eq!(new["event"], "message.posted");
        assert_eq!(new["data"]["reactions"][0]["users"], json!([ada.id]));
        assert_eq!(
            (&new["data"]["reactions"][0]["me"], &new["data"]["pinned"]),
            (&json!(false), &json!(true))
        );
        assert_eq!(quiet["event"], "message.edited");
        let told = frames.iter().any(|frame| frame["event"] == "reaction.added");
        assert!(!told, "a resume tells messages: {frames:#?}");
    }
}
