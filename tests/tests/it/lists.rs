//! Lists that change while they are read page by page, and search by words.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use tests::kit::installation::Place;
use tests::kit::person::{Person, bodies, id_of, items};
use tests::kit::unique;

everywhere!(
    no_room_is_skipped_however_rooms_move,
    no_found_room_or_person_is_skipped_when_names_change,
    pages_around_a_message_are_full,
    the_main_timeline_is_read_without_answers,
    anchors_are_messages_of_the_room,
    people_and_rooms_are_found_by_the_beginning_of_any_word,
    a_query_is_taken_literally,
    messages_of_a_public_room_are_for_members,
);

/// Reads a list to its end, doing something between pages; the ids in the order they came.
async fn paged(who: &Person, path: &str, mut between: impl AsyncFnMut(usize)) -> Vec<String> {
    let (mut found, mut cursor) = (Vec::new(), String::new());
    for number in 0..200 {
        let page = who.get(&format!("{path}{cursor}")).await.ok(200);
        found.extend(items(&page).iter().map(id_of));
        match page["next_cursor"].as_str() {
            None => return found,
            Some(next) => cursor = format!("&cursor={next}"),
        }
        between(number).await;
    }
    panic!("{path} does not end");
}

async fn no_room_is_skipped_however_rooms_move(place: Place) {
    let ada = Person::register(&place, "ada").await;
    let mut rooms = Vec::new();
    for _ in 0..9 {
        rooms.push(ada.group(&[]).await);
    }
    let wanted: BTreeSet<&String> = rooms.iter().collect();
    for limit in [1, 2, 3, 4] {
        // From page to page another room moves to the front: the oldest, the newest, the middle ones.
        for step in [1, 2, 4, 5, 7, 8] {
            let path = format!("/v1/rooms?limit={limit}");
            let listed = paged(&ada, &path, async |number| {
                let room = &rooms[number * step % rooms.len()];
                if number < 12 {
                    ada.says(room, "up").await;
                }
            });
            let listed = listed.await;
            let seen: BTreeSet<&String> = listed.iter().collect();
            assert!(seen.is_superset(&wanted), "limit {limit}, step {step}: {listed:?}");
        }
    }
    // Nothing moves: each room comes once, in the order of activity.
    for (number, room) in rooms.iter().enumerate() {
        ada.says(room, &number.to_string()).await;
    }
    let quiet = paged(&ada, "/v1/rooms?limit=2", async |_| {}).await;
    let ours: Vec<&String> = quiet.iter().filter(|id| wanted.contains(id)).collect();
    assert_eq!(ours, rooms.iter().rev().collect::<Vec<_>>());
    assert_eq!(quiet.iter().collect::<BTreeSet<_>>().len(), quiet.len());
}

async fn no_found_room_or_person_is_skipped_when_names_change(place: Place) {
    let word = unique("w");
    let ada = Person::register(&place, "ada").await;
    let (mut rooms, mut people) = (Vec::new(), Vec::new());
    for n in 0..6 {
        let name = format!("{n} {word}");
        let made = ada.post("/v1/rooms", json!({"kind": "channel", "name": name})).await.ok(201);
        rooms.push(id_of(&made));
        let person = Person::register(&place, &format!("p{n}")).await;
        person.patch("/v1/users/me", json!({"display_name": name})).await.ok(200);
        people.push(person);
    }
    // The last of the list comes to the front while it is read.
    let path = format!("/v1/rooms?query={word}&limit=2");
    let listed = paged(&ada, &path, async |number| {
        let (last, name) = (&rooms[5 - number.min(5)], format!("0{number} {word}"));
        ada.patch(&format!("/v1/rooms/{last}"), json!({"name": name})).await.ok(200);
    });
    let listed: BTreeSet<String> = listed.await.into_iter().collect();
    assert_eq!(listed, rooms.iter().cloned().collect());
    let path = format!("/v1/users?query={word}&limit=2");
    let listed = paged(&ada, &path, async |number| {
        let name = unique("aa");
        people[5 - number.min(5)].patch("/v1/users/me", json!({"username": name})).await.ok(200);
    });
    let listed: BTreeSet<String> = listed.await.into_iter().collect();
    assert_eq!(listed, people.iter().map(|person| person.id.clone()).collect());
}

async fn pages_around_a_message_are_full(place: Place) {
    let ada = Person::register(&place, "ada").await;
    let room = ada.group(&[]).await;
    let mut said = Vec::new();
    for n in 1..=9 {
        said.push(id_of(&ada.says(&room, &n.to_string()).await));
    }
    for (at, limit, wanted) in [
        (1, 5, "12345"),
        (2, 5, "12345"),
        (5, 5, "34567"),
        (8, 5, "56789"),
        (9, 5, "56789"),
        (9, 4, "6789"),
        (1, 1, "1"),
        (5, 200, "123456789"),
    ] {
        let path = format!("/v1/rooms/{room}/messages?around={}&limit={limit}", said[at - 1]);
        let page = items(&ada.get(&path).await.ok(200));
        assert_eq!(bodies(&page).concat(), wanted, "around {at}, {limit}");
    }
}

async fn the_main_timeline_is_read_without_answers(place: Place) {
    let ada = Person::register(&place, "ada").await;
    let room = ada.group(&[]).await;
    let messages = format!("/v1/rooms/{room}/messages");
    let root = id_of(&ada.says(&room, "1").await);
    for body in ["a", "2", "b", "c", "3", "d"] {
        let answer = json!({"body": body, "thread_root_id": root});
        let said = if body < "a" { json!({"body": body}) } else { answer };
        ada.post(&messages, said).await.ok(201);
    }
    let read = async |query: &str| {
        let page = ada.get(&format!("{messages}?{query}")).await.ok(200);
        (bodies(&items(&page)).concat(), page["next_cursor"].as_str().map(str::to_owned))
    };
    assert_eq!(read("limit=50").await.0, "1a2bc3d");
    assert_eq!(read("threads=true").await.0, "1a2bc3d");
    assert_eq!(read("threads=false").await, ("123".to_owned(), None));
    let (page, next) = read("threads=false&limit=2").await;
    assert_eq!(page, "23");
    let next = next.expect("a cursor");
    assert_eq!(read(&format!("threads=false&limit=2&cursor={next}")).await, ("1".to_owned(), None));
    // A cursor is good for the list it came from.
    ada.get(&format!("{messages}?limit=2&cursor={next}")).await.problem(400, "validation_failed");
    assert_eq!(read(&format!("threads=false&after={root}")).await.0, "23");
    assert_eq!(read(&format!("thread={root}")).await.0, "abcd");
    ada.get(&format!("{messages}?threads=maybe")).await.problem(400, "validation_failed");
}

async fn anchors_are_messages_of_the_room(place: Place) {
    let (ada, eve) = (Person::register(&place, "ada").await, Person::register(&place, "eve").await);
    let (room, other) = (ada.group(&[]).await, ada.group(&[]).await);
    let path = format!("/v1/rooms/{room}/messages");
    for n in 1..=3 {
        ada.says(&room, &n.to_string()).await;
    }
    let said: Vec<String> = ada.messages(&room).await.iter().map(id_of).collect();
    let elsewhere = id_of(&ada.says(&other, "elsewhere").await);
    let foreign = id_of(&eve.says(&eve.group(&[]).await, "foreign").await);
    let unknown = format!("{}000000", &foreign[..foreign.len() - 6]);
    assert_eq!(ada.delete(&format!("/v1/messages/{}", said[1])).await.status, 204);
    for (anchor, wanted) in [("before", "1"), ("after", "3"), ("around", "13")] {
        let page = items(&ada.get(&format!("{path}?{anchor}={}", said[1])).await.ok(200));
        assert_eq!(bodies(&page).concat(), wanted, "a deleted message is a place still");
        for nowhere in [&elsewhere, &foreign, &unknown] {
            ada.get(&format!("{path}?{anchor}={nowhere}")).await.problem(404, "not_found");
        }
        for bad in ["x", "%00", ""] {
            ada.get(&format!("{path}?{anchor}={bad}")).await.problem(400, "validation_failed");
        }
    }
    for bad in ["limit=0", "limit=201", "limit=1.5", "limit=-1", "limit=", "before=&after="] {
        ada.get(&format!("{path}?{bad}")).await.problem(400, "validation_failed");
    }
    ada.get(&format!("{path}?thread={elsewhere}")).await.problem(404, "not_found");
}

async fn ids_found(who: &Person, path: &str, query: &str) -> Vec<String> {
    let query: String = url_encoded(query);
    items(&who.get(&format!("{path}?limit=200&query={query}")).await.ok(200))
        .iter()
        .map(id_of)
        .collect()
}

fn url_encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02x}")).collect()
}

async fn people_and_rooms_are_found_by_the_beginning_of_any_word(place: Place) {
    let ada = Person::register(&place, "ada").await;
    let word = unique("zz");
    let name = format!("Gîven {word} Ŝtraße");
    ada.patch("/v1/users/me", json!({"display_name": name})).await.ok(200);
    let body = json!({"kind": "channel", "name": format!("Team {name} talk")});
    let room = id_of(&ada.post("/v1/rooms", body).await.ok(201));
    let upper = word.to_uppercase();
    for query in [
        word.clone(),
        upper.clone(),
        word[..word.len() - 1].to_owned(),
        format!("given {word}"),
        format!("{upper} GI\u{302}V"),
        format!("strasse {word}"),
        format!("  {word}  \u{15d}tra"),
    ] {
        assert!(ids_found(&ada, "/v1/users", &query).await.contains(&ada.id), "{query:?}");
        assert!(ids_found(&ada, "/v1/rooms", &query).await.contains(&room), "{query:?}");
    }
    for query in [&word[1..], &format!("{word} nothing"), &format!("{word}x"), &format!("x {word}")]
    {
        assert!(!ids_found(&ada, "/v1/users", query).await.contains(&ada.id), "{query:?}");
        assert!(!ids_found(&ada, "/v1/rooms", query).await.contains(&room), "{query:?}");
    }
    assert!(ids_found(&ada, "/v1/rooms", &format!("talk {word}")).await.contains(&room));
    // By the username too, and not by a former name.
    assert!(ids_found(&ada, "/v1/users", &ada.username).await.contains(&ada.id));
    ada.patch("/v1/users/me", json!({"display_name": "Someone Else"})).await.ok(200);
    ada.patch(&format!("/v1/rooms/{room}"), json!({"name": unique("renamed")})).await.ok(200);
    assert!(!ids_found(&ada, "/v1/users", &word).await.contains(&ada.id));
    assert!(!ids_found(&ada, "/v1/rooms", &word).await.contains(&room));
    // A private room is never found.
    ada.patch(&format!("/v1/rooms/{room}"), json!({"name": word, "visibility": "private"}))
        .await
        .ok(200);
    assert!(!ids_found(&ada, "/v1/rooms", &word).await.contains(&room));
}

async fn a_query_is_taken_literally(place: Place) {
    let ada = Person::register(&place, "ada").await;
    let (room, _) = ada.channel().await;
    for query in [
        "%",
        "_",
        "%25",
        "*",
        ".",
        ".*",
        "^",
        "$",
        "[a-z]",
        "\\",
        "'",
        "\"",
        "a%",
        "(",
        "\u{0}",
        "\u{10ffff}",
    ] {
        let path = format!("/v1/users?limit=200&query={}", url_encoded(query));
        let reply = ada.get(&path).await;
        if reply.status == 200 && !query.contains('a') {
            let found: Vec<Value> = items(&reply.json);
            let finds_her = found.iter().any(|user| user["id"] == ada.id.as_str());
            assert!(!finds_her, "{query:?} finds {found:?}");
        } else {
            assert!([200, 400].contains(&reply.status), "{query:?}: {}", reply.text);
        }
        let path = format!("/v1/rooms?query={}", url_encoded(query));
        let reply = ada.get(&path).await;
        let found = reply.status == 200 && items(&reply.json).iter().any(|one| id_of(one) == room);
        assert!(!found, "{query:?}");
    }
    let long = "x".repeat(101);
    for path in ["/v1/users", "/v1/rooms"] {
        ada.get(&format!("{path}?query={long}")).await.problem(400, "validation_failed");
    }
}

async fn messages_of_a_public_room_are_for_members(place: Place) {
    let (ada, bob) = (Person::register(&place, "ada").await, Person::register(&place, "bob").await);
    let (room, _) = ada.channel().await;
    ada.says(&room, "inside").await;
    let seen = bob.room(&room).await;
    assert_eq!(seen.get("last_message"), None);
    let path = format!("/v1/rooms/{room}/messages");
    bob.get(&path).await.problem(404, "not_found");
    bob.put_empty(&format!("/v1/rooms/{room}/members/me")).await.ok(200);
    assert_eq!(bodies(&items(&bob.get(&path).await.ok(200))), ["inside"]);
}
