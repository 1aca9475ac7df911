//! Blocks: whom people do not want to hear from cannot reach them, and cannot find out but by trying.

use serde_json::{Value, json};
use tests::kit::http::Reply;
use tests::kit::installation::Place;
use tests::kit::person::{Person, id_of, items};
use tests::kit::until;

everywhere!(
    a_list_of_blocks,
    a_block_ends_a_direct_room_of_two,
    who_is_blocked_opens_and_adds_nothing,
    a_block_in_a_larger_room_stops_mentions,
    a_block_in_a_larger_room_stops_mentions_in_threads,
    a_block_stops_entries_of_answers,
    a_block_stops_entries_that_pass_on,
    a_block_while_posting_is_fenced,
    who_is_blocked_is_told_nothing,
);

fn path(of: &Person) -> String {
    format!("/v1/users/me/blocks/{}", of.id)
}

async fn blocks(who: &Person, whom: &Person) {
    assert_eq!(who.put(&path(whom), json!({})).await.status, 204);
}

async fn unblocks(who: &Person, whom: &Person) {
    assert_eq!(who.delete(&path(whom)).await.status, 204);
}

fn ids(page: &Value) -> Vec<String> {
    items(page).iter().map(id_of).collect()
}

async fn listed(who: &Person) -> Vec<String> {
    ids(&who.get("/v1/users/me/blocks").await.ok(200))
}

async fn posts(who: &Person, room: &str, body: &str) -> Reply {
    who.post(&format!("/v1/rooms/{room}/messages"), json!({"body": body})).await
}

#[track_caller]
fn is_blocked(reply: &Reply, pointer: Option<&str>) {
    let problem = reply.clone().problem(403, "blocked");
    let named = problem["errors"].as_array().and_then(|errors| errors.first().cloned());
    assert_eq!(named.map(|error| error["pointer"].clone()), pointer.map(Value::from), "{problem}");
}

async fn three(place: &Place) -> (Person, Person, Person) {
    let ada = Person::register(place, "ada").await;
    let bob = Person::register_at(place, 1, "bob").await;
    (ada, bob, Person::register(place, "cyd").await)
}

async fn a_list_of_blocks(place: Place) {
    let (ada, bob, cyd) = three(&place).await;
    assert_eq!(listed(&ada).await, Vec::<String>::new());
    let first = ada.put(&path(&bob), json!({})).await;
    assert_eq!(first.status, 204);
    assert!(!first.header("tidings-position").is_empty());
    blocks(&ada, &cyd).await;
    blocks(&ada, &bob).await;
    assert_eq!(listed(&ada).await, [bob.id.clone(), cyd.id.clone()]);
    let page = ada.get("/v1/users/me/blocks?limit=1").await.ok(200);
    assert_eq!(ids(&page), std::slice::from_ref(&bob.id));
    let next = page["next_cursor"].as_str().unwrap();
    unblocks(&ada, &bob).await;
    let page = ada.get(&format!("/v1/users/me/blocks?limit=1&cursor={next}")).await.ok(200);
    assert_eq!(ids(&page), std::slice::from_ref(&cyd.id));
    assert_eq!(page["next_cursor"], Value::Null);
    let shown = &items(&page)[0];
    assert!(shown["email"].is_null() && shown["username"].is_string(), "{shown}");
    unblocks(&ada, &bob).await;
    assert_eq!(listed(&bob).await, Vec::<String>::new());
    ada.put(&path(&ada), json!({})).await.problem(400, "validation_failed");
    let no_user = "/v1/users/me/blocks/usr_0000000000000000000000000z";
    let reply = ada.put(no_user, json!({})).await;
    assert!([400, 404].contains(&reply.status), "{}", reply.text);
    ada.put(&path(&bob), json!({"why": "so"})).await.problem(400, "validation_failed");
    assert_eq!(listed(&ada).await, std::slice::from_ref(&cyd.id));
}

async fn a_block_ends_a_direct_room_of_two(place: Place) {
    let (ada, bob, cyd) = three(&place).await;
    let room = ada.direct(&[&bob]).await;
    let message = id_of(&bob.says(&room, "hello").await);
    let own = id_of(&ada.says(&room, "go away").await);
    let other = ada.direct(&[&cyd]).await;
    blocks(&ada, &bob).await;
    is_blocked(&posts(&bob, &room, "hello?").await, None);
    is_blocked(&posts(&ada, &room, "you again").await, None);
    let edit = json!({"body": "hello, hello"});
    is_blocked(&bob.patch(&format!("/v1/messages/{message}"), edit.clone()).await, None);
    is_blocked(&ada.patch(&format!("/v1/messages/{own}"), edit).await, None);
    let answer = json!({"body": "hm", "thread_root_id": own});
    is_blocked(&bob.post(&format!("/v1/rooms/{room}/messages"), answer).await, None);
    for what in ["pin", "reactions/%F0%9F%91%8D"] {
        is_blocked(&bob.put_empty(&format!("/v1/messages/{own}/{what}")).await, None);
    }
    let mut socket = bob.connect().await;
    let frame = json!({"type": "post", "id": 1, "room_id": room, "body": "by socket"});
    let answer = socket.call(frame).await;
    assert_eq!((&answer["type"], &answer["error"]["code"]), (&json!("error"), &json!("blocked")));
    assert_eq!(ada.messages(&room).await.len(), 2);
    // What takes away stays allowed, and other rooms are as they were.
    assert_eq!(bob.delete(&format!("/v1/messages/{message}")).await.status, 204);
    cyd.says(&other, "still here").await;
    // The other blocks, too: both have to lift it.
    blocks(&bob, &ada).await;
    unblocks(&ada, &bob).await;
    is_blocked(&posts(&ada, &room, "once more").await, None);
    unblocks(&bob, &ada).await;
    ada.says(&room, "once more").await;
    bob.says(&room, "fine").await;
}

async fn who_is_blocked_opens_and_adds_nothing(place: Place) {
    let (ada, bob, cyd) = three(&place).await;
    blocks(&ada, &bob).await;
    until("the block is known everywhere", async || {
        let body = json!({"kind": "group", "name": "Us", "members": [cyd.id, ada.id]});
        let reply = bob.post("/v1/rooms", body).await;
        (reply.status == 403).then(|| is_blocked(&reply, Some("/members/1")))
    })
    .await;
    let two = |other: &Person| json!({"members": [other.id]});
    is_blocked(&bob.post("/v1/direct", two(&ada)).await, Some("/members/0"));
    is_blocked(&ada.post("/v1/direct", two(&bob)).await, Some("/members/0"));
    let more = json!({"members": [cyd.id, ada.id]});
    is_blocked(&bob.post("/v1/direct", more).await, Some("/members/1"));
    let room = bob.group(&[&cyd]).await;
    let add = bob.post(&format!("/v1/rooms/{room}/members"), json!({"user": ada.id})).await;
    is_blocked(&add, Some("/user"));
    let rooms = items(&ada.get("/v1/rooms").await.ok(200));
    assert!(rooms.iter().all(|room| room["kind"] == "channel"), "nothing was made: {rooms:?}");
    // Others may still bring both together.
    cyd.group(&[&ada, &bob]).await;
    unblocks(&ada, &bob).await;
    bob.post("/v1/direct", two(&ada)).await.ok(201);
    ada.post("/v1/direct", two(&bob)).await.ok(200);
}

async fn mentions(who: &Person, room: &str) -> (u64, u64) {
    let own = who.room(room).await["membership"].clone();
    (own["unread_count"].as_u64().unwrap(), own["mention_count"].as_u64().unwrap())
}

async fn a_block_in_a_larger_room_stops_mentions(place: Place) {
    let (ada, bob, cyd) = three(&place).await;
    let room = cyd.group(&[&ada, &bob]).await;
    bob.says(&room, &format!("{} @room", ada.at_name())).await;
    cyd.says(&room, &ada.at_name()).await;
    assert_eq!(mentions(&ada, &room).await, (2, 2));
    blocks(&ada, &bob).await;
    let unheard = id_of(&bob.says(&room, &format!("{} listen", ada.at_name())).await);
    bob.says(&room, "@room listen").await;
    cyd.says(&room, &format!("{} @room", ada.at_name())).await;
    assert_eq!(mentions(&ada, &room).await, (5, 2), "judged when it is read");
    let own = |entry: &Value| entry["room_id"] == room.as_str() && entry["kind"] == "mention";
    until("the last mention has its entry", async || {
        let inbox = items(&ada.get("/v1/notifications").await.ok(200));
        assert!(!inbox.iter().any(|entry| entry["message_id"] == unheard.as_str()), "{inbox:?}");
        let by_cyd = |entry: &&Value| own(entry) && entry["actor"]["id"] == cyd.id.as_str();
        (inbox.iter().filter(by_cyd).count() == 2).then_some(())
    })
    .await;
    let listed = items(&ada.get("/v1/rooms").await.ok(200));
    let listed = listed.iter().find(|one| one["id"] == room.as_str()).unwrap();
    assert_eq!(listed["membership"]["mention_count"], 2);
    unblocks(&ada, &bob).await;
    assert_eq!(mentions(&ada, &room).await, (5, 5));
}

async fn a_block_in_a_larger_room_stops_mentions_in_threads(place: Place) {
    let (ada, bob, cyd) = three(&place).await;
    let room = cyd.group(&[&ada, &bob]).await;
    let root = id_of(&ada.says(&room, "what do you say?").await);
    for (who, body) in [
        (&bob, format!("{} listen", ada.at_name())),
        (&bob, "@room listen".to_owned()),
        (&cyd, format!("{} @room listen", ada.at_name())),
    ] {
        let body = json!({"body": body, "thread_root_id": root});
        who.post(&format!("/v1/rooms/{room}/messages"), body).await.ok(201);
    }
    let named = async || {
        let threads = items(&ada.get(&format!("/v1/rooms/{room}/threads")).await.ok(200));
        let counts = |name: &str| threads[0][name].as_u64().unwrap();
        (counts("unread_count"), counts("mention_count"))
    };
    assert_eq!(named().await, (3, 3));
    blocks(&ada, &bob).await;
    assert_eq!(named().await, (3, 1), "judged when it is read");
    unblocks(&ada, &bob).await;
    assert_eq!(named().await, (3, 3));
}

async fn a_block_stops_entries_of_answers(place: Place) {
    let (ada, bob, cyd) = three(&place).await;
    let room = cyd.group(&[&ada, &bob]).await;
    let root = id_of(&ada.says(&room, "what do you say?").await);
    let other = id_of(&ada.says(&room, "and you?").await);
    let answers = async |who: &Person, root: &str| {
        let body = json!({"body": "this", "thread_root_id": root});
        id_of(&who.post(&format!("/v1/rooms/{room}/messages"), body).await.ok(201))
    };
    let told_of = async |wanted: &[&str]| {
        until("the entries of answers", async || {
            let mut inbox = items(&ada.get("/v1/notifications").await.ok(200));
            inbox.retain(|entry| entry["kind"] == "thread_reply");
            let about: Vec<&Value> = inbox.iter().map(|entry| &entry["message_id"]).collect();
            assert!(
                !inbox.iter().any(|entry| entry["actor"]["id"] == bob.id.as_str()),
                "{about:?}"
            );
            (about == wanted).then_some(())
        })
        .await;
    };
    blocks(&ada, &bob).await;
    answers(&bob, &root).await;
    let by_cyd = answers(&cyd, &root).await;
    told_of(&[&by_cyd]).await;
    // The entry goes with its answer: it passes to the next answer by others than those who are blocked.
    answers(&bob, &root).await;
    let next = answers(&cyd, &root).await;
    assert_eq!(cyd.delete(&format!("/v1/messages/{by_cyd}")).await.status, 204);
    told_of(&[&next]).await;
    answers(&bob, &other).await;
    let last = answers(&cyd, &other).await;
    told_of(&[&last, &next]).await;
}

async fn a_block_stops_entries_that_pass_on(place: Place) {
    let (ada, bob, cyd) = three(&place).await;
    let room = cyd.direct(&[&ada, &bob]).await;
    let told_of = async |wanted: &str| {
        until("one entry of the room", async || {
            let mut inbox = items(&ada.get("/v1/notifications?unread=true").await.ok(200));
            inbox.retain(|entry| entry["room_id"] == room);
            assert!(
                !inbox.iter().any(|entry| entry["actor"]["id"] == bob.id.as_str()),
                "{inbox:?}"
            );
            (inbox.len() == 1 && inbox[0]["message_id"] == wanted).then_some(())
        })
        .await;
    };
    blocks(&ada, &bob).await;
    let first = id_of(&cyd.says(&room, "first").await);
    told_of(&first).await;
    bob.says(&room, "second").await;
    let third = id_of(&cyd.says(&room, "third").await);
    // The entry goes with its message: it passes to the next by others than those who are blocked.
    assert_eq!(cyd.delete(&format!("/v1/messages/{first}")).await.status, 204);
    told_of(&third).await;
}

async fn a_block_while_posting_is_fenced(place: Place) {
    let (ada, bob, _) = three(&place).await;
    let room = ada.direct(&[&bob]).await;
    let body = format!("/v1/rooms/{room}/messages");
    let post = async |n: u32| {
        let reply = bob.post(&body, json!({"body": format!("{n}")})).await;
        assert!([201, 403].contains(&reply.status), "{}", reply.text);
        let at = reply.json["position"].as_str().map(str::to_owned);
        at.map(|at| at.split(':').next_back().unwrap().parse::<u64>().unwrap())
    };
    let block = async || {
        let reply = ada.put(&path(&bob), json!({})).await;
        assert_eq!(reply.status, 204);
        let at = reply.header("tidings-position").to_owned();
        at.split(':').next_back().unwrap().parse::<u64>().unwrap()
    };
    let posts = async { futures_util::future::join_all((0..20).map(post)).await };
    let (posted, blocked_at) = tokio::join!(posts, block());
    for at in posted.into_iter().flatten() {
        assert!(at < blocked_at, "posted at {at}, blocked at {blocked_at}");
    }
    is_blocked(&bob.post(&body, json!({"body": "after"})).await, None);
}

async fn who_is_blocked_is_told_nothing(place: Place) {
    let (ada, bob, _) = three(&place).await;
    let room = ada.direct(&[&bob]).await;
    let common = ada.group(&[&bob]).await;
    let mut socket = bob.connect().await;
    let before = bob.room(&room).await;
    blocks(&ada, &bob).await;
    ada.says(&common, "the end").await;
    let said = socket.expect("the message after the block", |frame| {
        frame["event"] == "message.posted" && frame["room_id"] == common.as_str()
    });
    said.await;
    socket.all_so_far();
    let told: Vec<&Value> = socket.unread().iter().collect();
    assert!(!told.iter().any(|frame| frame["room_id"] == room.as_str()), "{told:?}");
    let members = |room: &str| format!("/v1/rooms/{room}/members");
    assert_eq!(bob.room(&room).await, before);
    let listed = items(&bob.get(&members(&room)).await.ok(200));
    assert!(listed.iter().all(|member| member.get("blocks").is_none()), "{listed:?}");
    let ada_seen = bob.get(&format!("/v1/users/{}", ada.id)).await.ok(200);
    assert_eq!(ada_seen["username"], ada.username.as_str());
}
