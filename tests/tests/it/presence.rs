//! Who is online, who is told, and when a user was last seen.

use serde_json::{Value, json};
use tests::kit::installation::Place;
use tests::kit::person::Person;
use tests::kit::separate::Separate;
use tests::kit::socket::Socket;
use tests::kit::until;

everywhere!(
    watchers_are_answered_and_told,
    devices_are_one_person,
    texts_are_bounded_and_kept_until_taken_away,
    a_list_replaces_the_former_one,
    blocks_and_preferences_are_obeyed,
    what_is_no_presence_is_refused,
);

/// Watches; what is answered, in the order of the list.
async fn watch(socket: &mut Socket, users: &[&Person]) -> Vec<Value> {
    let ids: Vec<&str> = users.iter().map(|user| user.id.as_str()).collect();
    watch_ids(socket, &ids).await
}

async fn watch_ids(socket: &mut Socket, ids: &[&str]) -> Vec<Value> {
    let answer = socket.call(json!({"type": "watch_presence", "user_ids": ids})).await;
    assert_eq!(answer["type"], "ok", "{answer}");
    let mut frames = Vec::new();
    for id in ids {
        let frame = socket
            .expect("an answer for each", |frame| {
                frame["type"] == "presence" && frame["user_id"] == *id
            })
            .await;
        frames.push(frame);
    }
    frames
}

fn statuses(frames: &[Value]) -> Vec<&str> {
    frames.iter().map(|frame| frame["status"].as_str().expect("a status")).collect()
}

/// Waits until a watched person appears so.
async fn becomes(socket: &mut Socket, user: &Person, status: &str) -> Value {
    let what = format!("{} is {status}", user.username);
    socket
        .expect(&what, |frame| {
            frame["type"] == "presence" && frame["user_id"] == user.id && frame["status"] == status
        })
        .await
}

async fn set(socket: &mut Socket, frame: Value) -> Value {
    let mut frame = frame;
    frame["type"] = json!("presence");
    socket.call(frame).await
}

async fn is(socket: &mut Socket, status: &str) {
    let answer = set(socket, json!({"status": status})).await;
    assert_eq!(answer["type"], "ok", "{answer}");
}

fn told(frames: &[Value]) -> usize {
    frames.iter().filter(|frame| frame["type"] == "presence").count()
}

async fn watchers_are_answered_and_told(place: Place) {
    let (ada, bob, eve) = (
        Person::register(&place, "ada").await,
        Person::register_at(&place, 1, "bob").await,
        Person::register_at(&place, 1, "eve").await,
    );
    let mut bobs = bob.connect().await;
    let answered = watch(&mut bobs, &[&ada, &bob, &eve]).await;
    assert_eq!(statuses(&answered), ["offline", "online", "offline"]);
    assert!(answered[0].get("last_seen_at").is_none(), "{}", answered[0]);
    let adas = ada.connect().await;
    let online = becomes(&mut bobs, &ada, "online").await;
    assert_eq!(online, json!({"type": "presence", "user_id": ada.id, "status": "online"}));
    // One who has watched no one hears of no one.
    let mut eves = eve.connect().await;
    becomes(&mut bobs, &eve, "online").await;
    // One more socket, and one less, change nothing.
    let again = ada.at(1).connect().await;
    adas.close().await;
    let answered = watch(&mut eves, &[&ada, &bob]).await;
    assert_eq!(statuses(&answered), ["online", "online"]);
    let before = std::time::Instant::now();
    again.close().await;
    // Offline comes ten seconds after the last socket.
    let offline = becomes(&mut bobs, &ada, "offline").await;
    assert!(before.elapsed() >= std::time::Duration::from_secs(9));
    let seen = offline["last_seen_at"].as_str().expect("when they were last seen").to_owned();
    assert_eq!(becomes(&mut eves, &ada, "offline").await["last_seen_at"], seen);
    // It is kept: one who asks later, anywhere, is told the same.
    for gateway in [0, 1] {
        let mut late = eve.at(gateway).connect().await;
        let kept = until("it is kept", async || {
            let answered = watch(&mut late, &[&ada]).await.remove(0);
            watch(&mut late, &[]).await;
            answered.get("last_seen_at").is_some().then_some(answered)
        })
        .await;
        assert_eq!((&kept["status"], &kept["last_seen_at"]), (&json!("offline"), &json!(seen)));
    }
    assert_eq!(told(&bobs.all().await) + told(&eves.all().await), 0);
}

async fn devices_are_one_person(place: Place) {
    let (ada, bob) =
        (Person::register(&place, "ada").await, Person::register_at(&place, 1, "bob").await);
    let (mut phone, mut desk) = (ada.connect().await, ada.at(1).connect().await);
    let mut bobs = bob.connect().await;
    assert_eq!(statuses(&watch(&mut bobs, &[&ada]).await), ["online"]);
    is(&mut phone, "away").await;
    is(&mut desk, "away").await;
    becomes(&mut bobs, &ada, "away").await;
    is(&mut desk, "online").await;
    becomes(&mut bobs, &ada, "online").await;
    // What is chosen on one device holds for all.
    is(&mut desk, "dnd").await;
    becomes(&mut bobs, &ada, "dnd").await;
    is(&mut phone, "online").await;
    is(&mut desk, "invisible").await;
    let hidden = becomes(&mut bobs, &ada, "offline").await;
    assert!(hidden.get("text").is_none() && hidden.get("last_seen_at").is_some(), "{hidden}");
    is(&mut desk, "online").await;
    becomes(&mut bobs, &ada, "online").await;
    // One who does not exist is offline like any other.
    let missing = format!("{}{}", &ada.id[..ada.id.len() - 26], "0".repeat(26));
    let answered = watch_ids(&mut bobs, &[&missing]).await;
    assert_eq!(answered[0], json!({"type": "presence", "user_id": missing, "status": "offline"}));
}

async fn texts_are_bounded_and_kept_until_taken_away(place: Place) {
    let (ada, bob) =
        (Person::register(&place, "ada").await, Person::register_at(&place, 1, "bob").await);
    let (mut adas, mut bobs) = (ada.connect().await, bob.connect().await);
    watch(&mut bobs, &[&ada]).await;
    let text = |frame: &Value| frame["text"].as_str().unwrap_or("none").to_owned();
    set(&mut adas, json!({"status": "dnd", "text": "  in a meeting "})).await;
    assert_eq!(text(&becomes(&mut bobs, &ada, "dnd").await), "in a meeting");
    is(&mut adas, "away").await;
    is(&mut adas, "online").await;
    set(&mut adas, json!({"status": "online"})).await;
    assert_eq!(text(&becomes(&mut bobs, &ada, "online").await), "in a meeting");
    set(&mut adas, json!({"status": "away", "text": null})).await;
    assert_eq!(text(&becomes(&mut bobs, &ada, "away").await), "none");
    for wrong in ["", "   ", "\u{202e}x", "a\nb", "\u{200b}", &"x".repeat(101)] {
        let answer = set(&mut adas, json!({"status": "dnd", "text": wrong})).await;
        assert_eq!(answer["error"]["errors"][0]["pointer"], "/text", "{answer}");
    }
    let long = "\u{1f600}".repeat(100);
    set(&mut adas, json!({"status": "online", "text": long})).await;
    set(&mut adas, json!({"status": "dnd", "text": long})).await;
    assert_eq!(text(&becomes(&mut bobs, &ada, "dnd").await), long);
}

async fn a_list_replaces_the_former_one(place: Place) {
    let (ada, bob, eve) = (
        Person::register(&place, "ada").await,
        Person::register_at(&place, 1, "bob").await,
        Person::register(&place, "eve").await,
    );
    let (mut adas, mut eves) = (ada.connect().await, eve.connect().await);
    let mut bobs = bob.connect().await;
    watch(&mut bobs, &[&ada]).await;
    // Named twice is named once.
    let frame = json!({"type": "watch_presence", "user_ids": [eve.id, eve.id]});
    bobs.call(frame).await;
    assert_eq!(told(&bobs.all().await), 1);
    is(&mut adas, "dnd").await;
    is(&mut eves, "dnd").await;
    becomes(&mut bobs, &eve, "dnd").await;
    assert_eq!(told(&bobs.all().await), 0);
    // A socket that has gone has to watch anew.
    let position = bobs.position.clone();
    bobs.close().await;
    let mut back = bob.resume(&position).await;
    is(&mut eves, "online").await;
    let asked = watch(&mut back, &[&eve, &ada]).await;
    assert_eq!(statuses(&asked), ["online", "dnd"]);
}

async fn blocks_and_preferences_are_obeyed(place: Place) {
    let (ada, bob) =
        (Person::register(&place, "ada").await, Person::register_at(&place, 1, "bob").await);
    let room = ada.direct(&[&bob]).await;
    let (mut adas, mut bobs) = (ada.connect().await, bob.connect().await);
    assert_eq!(statuses(&watch(&mut bobs, &[&ada]).await), ["online"]);
    assert_eq!(statuses(&watch(&mut adas, &[&bob]).await), ["online"]);
    // A block hides both from each other, and they may not type to each other.
    let block = format!("/v1/users/me/blocks/{}", bob.id);
    ada.put_empty(&block).await.ok(204);
    let hidden = becomes(&mut bobs, &ada, "offline").await;
    assert_eq!(hidden, json!({"type": "presence", "user_id": ada.id, "status": "offline"}));
    becomes(&mut adas, &bob, "offline").await;
    assert_eq!(statuses(&watch(&mut bobs, &[&ada, &bob]).await), ["offline", "online"]);
    for socket in [&mut adas, &mut bobs] {
        let answer = socket.call(json!({"type": "typing", "room_id": room, "active": true})).await;
        assert_eq!(answer["error"]["code"], "blocked", "{answer}");
    }
    is(&mut adas, "dnd").await;
    ada.delete(&block).await.ok(204);
    becomes(&mut bobs, &ada, "dnd").await;
    // The status before it may have been told first: a status is passed on a moment after it is set.
    bobs.all().await;
    becomes(&mut adas, &bob, "online").await;
    assert_eq!(told(&adas.all().await), 0);
    // The preference hides from everyone, and from now on.
    let prefer = async |presence: bool| {
        let body = json!({"preferences": {"presence": presence}});
        ada.patch("/v1/users/me", body).await.ok(200);
    };
    prefer(false).await;
    let hidden = becomes(&mut bobs, &ada, "offline").await;
    assert!(hidden.get("last_seen_at").is_none(), "{hidden}");
    assert_eq!(statuses(&watch(&mut bobs, &[&ada]).await), ["offline"]);
    prefer(true).await;
    becomes(&mut bobs, &ada, "dnd").await;
}

async fn what_is_no_presence_is_refused(place: Place) {
    let ada = Person::register(&place, "ada").await;
    let mut socket = ada.connect().await;
    for (frame, pointer) in [
        (json!({"type": "presence"}), "/status"),
        (json!({"type": "presence", "status": "offline"}), "/status"),
        (json!({"type": "presence", "status": 1}), "/status"),
        (json!({"type": "presence", "status": "dnd", "text": 1}), "/text"),
        (json!({"type": "presence", "status": "dnd", "user_id": ada.id}), "/user_id"),
        (json!({"type": "watch_presence"}), "/user_ids"),
        (json!({"type": "watch_presence", "user_ids": ada.id}), "/user_ids"),
        (json!({"type": "watch_presence", "user_ids": [ada.id, "x"]}), "/user_ids/1"),
        (json!({"type": "watch_presence", "user_ids": vec![&ada.id; 201]}), "/user_ids"),
    ] {
        let answer = socket.call(frame).await;
        assert_eq!(answer["error"]["errors"][0]["pointer"], pointer, "{answer}");
    }
    assert_eq!(watch_ids(&mut socket, &[&ada.id]).await.len(), 1);
}

/// The people of a gateway that was killed are offline at most 25 s later; who comes back elsewhere before that was
/// never away.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn people_of_a_gateway_that_died_are_offline_soon() {
    let mut separate = Separate::start("sqlite");
    let place = separate.place.clone();
    let (ada, eve, bob) = (
        Person::register_at(&place, 1, "ada").await,
        Person::register_at(&place, 1, "eve").await,
        Person::register(&place, "bob").await,
    );
    let (_adas, _eves) = (ada.connect().await, eve.connect().await);
    let mut bobs = bob.connect().await;
    let both = until("the gateways know each other", async || {
        let answered = watch(&mut bobs, &[&ada, &eve]).await;
        (statuses(&answered) == ["online", "online"]).then_some(answered)
    });
    both.await;
    bobs.all().await;
    separate.kill("gateway-1");
    let killed = std::time::Instant::now();
    let mut back = eve.at(0).connect().await;
    let offline = becomes(&mut bobs, &ada, "offline").await;
    assert!(killed.elapsed() <= std::time::Duration::from_secs(25), "{:?}", killed.elapsed());
    assert!(offline.get("last_seen_at").is_some(), "{offline}");
    assert_eq!(told(&bobs.all().await), 0, "eve was never away");
    is(&mut back, "dnd").await;
    becomes(&mut bobs, &eve, "dnd").await;
    // A gateway that stops as it should says so, and its people have ten seconds.
    separate.run("gateway-1");
    let mut adas = ada.connect().await;
    becomes(&mut bobs, &ada, "online").await;
    is(&mut adas, "away").await;
    becomes(&mut bobs, &ada, "away").await;
    separate.services.get_mut("gateway-1").expect("a gateway").stop();
    becomes(&mut bobs, &ada, "offline").await;
    separate.run("gateway-1");
}
