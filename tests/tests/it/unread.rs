//! What waits for users: unread counts, mentions, receipts, and inbox entries that go when they are read past, deleted
//! or no longer due.

use serde_json::{Value, json};
use tests::kit::installation::Place;
use tests::kit::person::{Person, id_of, items};
use tests::kit::until;

everywhere!(
    deleted_messages_are_not_unread,
    an_answer_in_a_thread_moves_no_marker,
    the_last_message_is_the_newest_that_stands,
    readers_are_those_who_have_read,
    reading_past_a_mention_reads_its_entry_on_every_device,
    the_entry_of_a_deleted_message_goes,
    an_edit_tells_whom_it_names_and_takes_back_what_it_told,
    many_edits_and_deletions_leave_no_entry_behind,
    a_welcome_says_what_waits,
    a_welcome_does_not_count_many_rooms,
    the_threads_of_a_hidden_room_do_not_wait,
);

async fn a_welcome_says_what_waits(place: Place) {
    let (ada, bob, room) = two(&place).await;
    let root = says(&bob, &room, "root").await;
    says(&ada, &room, &format!("look {}", bob.at_name())).await;
    answers(&ada, &room, &root, "an answer").await;
    // Others may talk in rooms of everyone meanwhile, and the badge may take longer than a welcome waits for it.
    until("the welcome says what the badge says", async || {
        let before = bob.get("/v1/users/me/unread").await.ok(200);
        let unread = bob.connect().await.welcome["unread"].clone();
        let after = bob.get("/v1/users/me/unread").await.ok(200);
        let waits = after["threads"] == 1 && after["mention_count"].as_u64() >= Some(1);
        (waits && before == after && unread == after).then_some(())
    })
    .await;
}

async fn a_welcome_does_not_count_many_rooms(place: Place) {
    let bob = Person::register(&place, "bob").await;
    for _ in 0..=100 {
        bob.group(&[]).await;
    }
    let mut socket = bob.connect().await;
    assert_eq!(socket.welcome["unread"], Value::Null);
    let position = socket.welcome["position"].as_str().unwrap().to_owned();
    socket = bob.resume(&position).await;
    assert_eq!(
        (&socket.welcome["resumed"], &socket.welcome["unread"]),
        (&json!(true), &Value::Null)
    );
    bob.get("/v1/users/me/unread").await.ok(200);
}

async fn the_threads_of_a_hidden_room_do_not_wait(place: Place) {
    let (ada, bob, _) = two(&place).await;
    let room = bob.direct(&[&ada]).await;
    let root = says(&bob, &room, "root").await;
    answers(&ada, &room, &root, "an answer").await;
    let threads = async |wanted: u64| {
        until(&format!("{wanted} threads wait"), async || {
            let badge = bob.get("/v1/users/me/unread").await.ok(200);
            (badge["threads"] == wanted).then_some(())
        })
        .await;
    };
    threads(1).await;
    assert_eq!(bob.delete(&format!("/v1/rooms/{room}/members/me")).await.status, 204);
    threads(0).await;
    // It is back with the next message.
    answers(&ada, &room, &root, "another").await;
    threads(1).await;
}

async fn two(place: &Place) -> (Person, Person, String) {
    let ada = Person::register(place, "Ada").await;
    let bob = Person::register_at(place, 1, "bob").await;
    let room = ada.group(&[&bob]).await;
    (ada, bob, room)
}

async fn says(who: &Person, room: &str, body: &str) -> String {
    id_of(&who.says(room, body).await)
}

async fn answers(who: &Person, room: &str, root: &str, body: &str) -> String {
    let body = json!({"body": body, "thread_root_id": root});
    id_of(&who.post(&format!("/v1/rooms/{room}/messages"), body).await.ok(201))
}

async fn edits(who: &Person, message: &str, body: &str) {
    who.patch(&format!("/v1/messages/{message}"), json!({"body": body})).await.ok(200);
}

async fn deletes(who: &Person, message: &str) {
    assert_eq!(who.delete(&format!("/v1/messages/{message}")).await.status, 204);
}

async fn reads(who: &Person, room: &str, message: &str) {
    let body = json!({"message_id": message});
    who.put(&format!("/v1/rooms/{room}/read"), body).await.ok(200);
}

/// Waits until a member's counts in a room are these: messages and mentions. Both ways to ask agree.
async fn waits(who: &Person, room: &str, expected: (u64, u64)) {
    let mut last = Value::Null;
    until(&format!("{expected:?} are unread"), async || {
        last = who.room(room).await["membership"].clone();
        let counts = (last["unread_count"].as_u64(), last["mention_count"].as_u64());
        (counts == (Some(expected.0), Some(expected.1))).then_some(())
    })
    .await;
    let listed = items(&who.get("/v1/rooms").await.ok(200));
    let listed = listed.iter().find(|one| one["id"] == room).expect("it is listed");
    assert_eq!(listed["membership"]["unread_count"], expected.0, "{listed:#}");
    assert_eq!(listed["membership"]["mention_count"], expected.1, "{listed:#}");
}

async fn deleted_messages_are_not_unread(place: Place) {
    let (ada, bob, room) = two(&place).await;
    let mut said = Vec::new();
    for text in ["one", "two", "three"] {
        said.push(says(&ada, &room, &format!("{text} {}", bob.at_name())).await);
    }
    waits(&bob, &room, (3, 3)).await;
    let badge = bob.get("/v1/users/me/unread").await.ok(200);
    // Others may talk in rooms of everyone meanwhile.
    for (what, least) in [("rooms", 1), ("unread_count", 3), ("mention_count", 3)] {
        assert!(badge[what].as_u64().unwrap() >= least, "{badge}");
    }
    assert_eq!(badge["threads"], 0);
    deletes(&ada, &said[1]).await;
    waits(&bob, &room, (2, 2)).await;
    deletes(&ada, &said[0]).await;
    deletes(&ada, &said[2]).await;
    waits(&bob, &room, (0, 0)).await;
    waits(&ada, &room, (0, 0)).await;
}

async fn an_answer_in_a_thread_moves_no_marker(place: Place) {
    let (ada, bob, room) = two(&place).await;
    let root = says(&ada, &room, "first").await;
    for number in 0..6 {
        let text = if number % 2 == 0 { bob.at_name() } else { format!("number {number}") };
        says(&ada, &room, &text).await;
    }
    let answer = answers(&bob, &room, &root, "an answer").await;
    answers(&ada, &room, &root, &format!("thanks, {}", bob.at_name())).await;
    waits(&bob, &room, (7, 3)).await;
    says(&ada, &room, "last").await;
    // The answer's id marks the main timeline as it was when the answer was posted.
    reads(&bob, &room, &answer).await;
    waits(&bob, &room, (1, 0)).await;
    reads(&bob, &room, &root).await;
    says(&bob, &room, "and mine").await;
    waits(&bob, &room, (0, 0)).await;
    reads(&bob, &room, &answer).await;
    let own = bob.room(&room).await["membership"].clone();
    assert_ne!(own["last_read_message_id"], json!(answer), "a marker never goes back");
    waits(&ada, &room, (1, 0)).await;
}

async fn the_last_message_is_the_newest_that_stands(place: Place) {
    let (ada, bob, room) = two(&place).await;
    let (one, two) = (says(&ada, &room, "one").await, says(&ada, &room, "two").await);
    answers(&bob, &room, &one, "an answer").await;
    let last_is = async |expected: Value| {
        until("the last message", async || {
            let found = bob.room(&room).await;
            let id = found.get("last_message").map_or(Value::Null, |last| last["id"].clone());
            (id == expected).then_some(())
        })
        .await;
    };
    last_is(json!(two)).await;
    deletes(&ada, &two).await;
    last_is(json!(one)).await;
    deletes(&ada, &one).await;
    last_is(Value::Null).await;
}

async fn readers_are_those_who_have_read(place: Place) {
    let (ada, bob) =
        (Person::register(&place, "Ada").await, Person::register_at(&place, 1, "bob").await);
    let (room, _) = ada.channel().await;
    assert!(bob.put_empty(&format!("/v1/rooms/{room}/members/me")).await.status < 300);
    let said = says(&ada, &room, "who reads this?").await;
    let eve = Person::register(&place, "eve").await;
    assert!(eve.put_empty(&format!("/v1/rooms/{room}/members/me")).await.status < 300);
    answers(&eve, &room, &said, "an answer").await;
    let path = format!("/v1/messages/{said}/readers");
    let readers = async || {
        let listed = items(&ada.get(&path).await.ok(200));
        listed.iter().map(|one| one["user_id"].clone()).collect::<Vec<_>>()
    };
    reads(&bob, &room, &said).await;
    until("Bob has read it", async || (!readers().await.is_empty()).then_some(())).await;
    assert_eq!(readers().await, [json!(bob.id)], "not who came later and moved no marker");
    reads(&eve, &room, &said).await;
    until("Eve has read it", async || (readers().await.len() == 2).then_some(())).await;
}

/// What an inbox holds of a kind, once that is as many.
async fn entries(who: &Person, kind: &str, count: usize) -> Vec<Value> {
    let mut last = Vec::new();
    until(&format!("{count} entries of {kind}"), async || {
        let mut listed = items(&who.get("/v1/notifications").await.ok(200));
        listed.retain(|one| one["kind"] == kind);
        last.clone_from(&listed);
        (listed.len() == count).then_some(listed)
    })
    .await
}

async fn reading_past_a_mention_reads_its_entry_on_every_device(place: Place) {
    let (ada, bob, room) = two(&place).await;
    let mut other = bob.at(0).connect().await;
    let named = says(&ada, &room, &format!("{} look", bob.at_name())).await;
    let told = other.expect("the mention", |frame| frame["data"]["kind"] == "mention").await;
    let before = says(&ada, &room, "and this").await;
    let later = says(&ada, &room, &format!("{} again", bob.at_name())).await;
    entries(&bob, "mention", 2).await;
    reads(&bob, &room, &before).await;
    let read = other.event("notification.read").await;
    assert_eq!((&read["data"]["id"], &read["data"]["read"]), (&told["data"]["id"], &json!(true)));
    assert_eq!(read["data"]["message_id"], json!(named));
    until("one of them is read", async || {
        let unread = items(&bob.get("/v1/notifications?unread=true").await.ok(200));
        let left: Vec<Value> = unread.into_iter().filter(|one| one["kind"] == "mention").collect();
        (left.len() == 1 && left[0]["message_id"] == json!(later)).then_some(())
    })
    .await;
    // An author has read the room up to their post.
    says(&bob, &room, "yes?").await;
    let read = other.event("notification.read").await;
    assert_eq!(read["data"]["message_id"], json!(later));
}

async fn the_entry_of_a_deleted_message_goes(place: Place) {
    let (ada, bob, room) = two(&place).await;
    let direct = ada.direct(&[&bob]).await;
    let mut other = bob.at(0).connect().await;
    let named = says(&ada, &room, &format!("{} look", bob.at_name())).await;
    let written = says(&ada, &direct, "psst").await;
    entries(&bob, "direct_message", 1).await;
    let mention = entries(&bob, "mention", 1).await;
    deletes(&ada, &named).await;
    let gone = other.event("notification.removed").await;
    assert_eq!(gone["data"]["id"], mention[0]["id"]);
    assert_eq!(gone["data"]["message_id"], json!(named));
    // One that was read goes as well.
    reads(&bob, &direct, &written).await;
    other.event("notification.read").await;
    deletes(&ada, &written).await;
    other.event("notification.removed").await;
    entries(&bob, "direct_message", 0).await;
    entries(&bob, "mention", 0).await;
    // One entry stands for several messages: it moves to the next that is left.
    let (one, two) = (says(&ada, &direct, "one").await, says(&ada, &direct, "two").await);
    for (gone, left) in [(&one, Some(&two)), (&two, None)] {
        assert_eq!(entries(&bob, "direct_message", 1).await[0]["message_id"], json!(gone));
        deletes(&ada, gone).await;
        until("it went over", async || {
            let listed = items(&bob.get("/v1/notifications").await.ok(200)).into_iter();
            let mut direct = listed.filter(|one| one["kind"] == "direct_message");
            let about = direct.next().map(|one| one["message_id"].clone());
            (about == left.map(|left| json!(left)) && direct.next().is_none()).then_some(())
        })
        .await;
    }
    let path = format!("/v1/notifications/{}/read", id_of(&mention[0]));
    bob.put_empty(&path).await.problem(404, "not_found");
}

async fn an_edit_tells_whom_it_names_and_takes_back_what_it_told(place: Place) {
    let (ada, bob, room) = two(&place).await;
    let mut other = bob.at(0).connect().await;
    let said = says(&ada, &room, "hello").await;
    reads(&bob, &room, &said).await;
    edits(&ada, &said, &format!("hello {}", bob.at_name())).await;
    let told = other.expect("the mention", |frame| frame["data"]["kind"] == "mention").await;
    assert_eq!(
        (&told["event"], &told["data"]["read"]),
        (&json!("notification.created"), &json!(false))
    );
    assert_eq!(told["data"]["message_id"], json!(said));
    waits(&bob, &room, (0, 0)).await;
    edits(&ada, &said, &format!("hello again {}", bob.at_name())).await;
    let last = says(&ada, &room, &format!("{} too", bob.at_name())).await;
    let told = other.expect("the next", |frame| frame["data"]["kind"] == "mention").await;
    assert_eq!(told["data"]["message_id"], json!(last), "named once, told once");
    edits(&ada, &said, "hello").await;
    let gone = other.event("notification.removed").await;
    assert_eq!(gone["data"]["message_id"], json!(said));
    edits(&ada, &last, "no names").await;
    other.event("notification.removed").await;
    entries(&bob, "mention", 0).await;
    waits(&bob, &room, (1, 0)).await;
}

async fn many_edits_and_deletions_leave_no_entry_behind(place: Place) {
    let (ada, bob, room) = two(&place).await;
    let mut socket = ada.connect().await;
    // Deleted as soon as they are posted: the deletion may be handled before the entry is created.
    for number in 0..20 {
        let text = format!("{} number {number}", bob.at_name());
        let said = socket.post(&room, &text).await["result"]["id"].clone();
        socket.call(json!({"type": "delete", "message_id": said})).await;
    }
    let end = says(&ada, &room, &format!("{} the end", bob.at_name())).await;
    let mentioned = async || {
        let listed = items(&bob.get("/v1/notifications?limit=200").await.ok(200)).into_iter();
        listed.filter(|one| one["kind"] == "mention").collect::<Vec<_>>()
    };
    until("only the last is there", async || {
        let listed = mentioned().await;
        (listed.len() == 1 && listed[0]["message_id"] == json!(end)).then_some(())
    })
    .await;
    waits(&bob, &room, (1, 1)).await;
}
