//! Bans: who is put out, who is kept out, and for how long.

use serde_json::{Value, json};
use tests::kit::installation::Place;
use tests::kit::person::{Person, id_of, items};
use tests::kit::until;

everywhere!(
    a_banned_user_is_out_and_stays_out,
    a_ban_of_a_stranger_tells_them_nothing,
    members_hear_of_a_ban_only_when_it_puts_a_member_out,
    bans_are_the_matter_of_those_above,
    a_ban_ends_by_itself,
    who_is_banned_from_general_comes_back,
    of_fifty_joins_and_a_ban_the_ban_wins,
);

fn ban_of(room: &str, who: &Person) -> String {
    format!("/v1/rooms/{room}/bans/{}", who.id)
}

/// A time so many milliseconds from now.
fn soon(millis: i64) -> String {
    let now = schemas::Timestamp::now().millis();
    schemas::Timestamp::from_millis(now + millis).to_string()
}

async fn a_banned_user_is_out_and_stays_out(place: Place) {
    let (ada, bob) = (Person::register(&place, "ada").await, Person::register(&place, "bob").await);
    let (room, _) = ada.channel().await;
    let me = format!("/v1/rooms/{room}/members/me");
    bob.put_empty(&me).await.ok(200);
    let (mut adas, mut bobs) = (ada.connect().await, bob.connect().await);
    let before = adas.position.clone();
    let ban = json!({"reason": "spam"});
    for _ in 0..2 {
        assert_eq!(ada.put(&ban_of(&room, &bob), ban.clone()).await.status, 204);
    }
    for socket in [&mut adas, &mut bobs] {
        let told = socket.event_in(&room, "member.left").await;
        assert_eq!(told["data"]["user_id"], json!(bob.id));
    }
    bob.post(&format!("/v1/rooms/{room}/messages"), json!({"body": "x"}))
        .await
        .problem(403, "forbidden");
    bob.put_empty(&me).await.problem(403, "forbidden");
    ada.post(&format!("/v1/rooms/{room}/members"), json!({"user": bob.id}))
        .await
        .problem(403, "forbidden");
    bob.get(&format!("/v1/rooms/{room}/messages")).await.problem(404, "not_found");
    let bans = items(&ada.get(&format!("/v1/rooms/{room}/bans")).await.ok(200));
    assert_eq!(bans.len(), 1);
    let ban = &bans[0];
    assert_eq!((&ban["user"]["id"], &ban["by"]), (&json!(bob.id), &json!(ada.id)));
    assert_eq!((&ban["reason"], ban.get("until")), (&json!("spam"), None));
    bob.get(&format!("/v1/rooms/{room}/bans")).await.problem(403, "forbidden");
    for gateway in 0..2 {
        let mut back = ada.at(gateway).resume(&before).await;
        back.event_in(&room, "member.left").await;
    }
    for _ in 0..2 {
        assert_eq!(ada.delete(&ban_of(&room, &bob)).await.status, 204);
    }
    assert_eq!(items(&ada.get(&format!("/v1/rooms/{room}/bans")).await.ok(200)), [Value::Null; 0]);
    bob.put_empty(&me).await.ok(200);
    bob.says(&room, "back").await;
}

async fn a_ban_of_a_stranger_tells_them_nothing(place: Place) {
    let (ada, eve) = (Person::register(&place, "ada").await, Person::register(&place, "eve").await);
    let (room, common) = (ada.group(&[]).await, ada.group(&[&eve]).await);
    let mut socket = eve.connect().await;
    let before = socket.position.clone();
    assert_eq!(ada.put(&ban_of(&room, &eve), json!({})).await.status, 204);
    ada.says(&common, "after").await;
    socket.event_in(&common, "message.posted").await;
    let nothing = |frames: &[Value]| frames.iter().all(|frame| frame["room_id"] != json!(room));
    assert!(nothing(&socket.all().await));
    for gateway in 0..2 {
        let mut back = eve.at(gateway).resume(&before).await;
        back.event_in(&common, "message.posted").await;
        assert!(nothing(&back.all().await));
    }
    ada.post(&format!("/v1/rooms/{room}/members"), json!({"user": eve.id}))
        .await
        .problem(403, "forbidden");
    eve.get(&format!("/v1/rooms/{room}")).await.problem(404, "not_found");
    assert_eq!(ada.delete(&ban_of(&room, &eve)).await.status, 204);
    ada.post(&format!("/v1/rooms/{room}/members"), json!({"user": eve.id})).await.ok(201);
}

/// What a resume at a gateway tells.
async fn caught_up(who: &Person, gateway: usize, from: &str) -> Vec<Value> {
    let mut back = who.at(gateway).resume(from).await;
    back.expect("the end of the resume", |frame| frame["type"] == "resumed").await;
    back.all().await
}

/// What is told of members of a room but that they came.
fn of_members(frames: &[Value], room: &str) -> Vec<(Value, Value)> {
    let about = frames.iter().filter(|frame| {
        let event = frame["event"].as_str().unwrap_or_default();
        frame["room_id"] == json!(room) && ["member.left", "member.changed"].contains(&event)
    });
    about.map(|frame| (frame["event"].clone(), frame["data"]["user_id"].clone())).collect()
}

async fn members_hear_of_a_ban_only_when_it_puts_a_member_out(place: Place) {
    let (ada, bob) = (Person::register(&place, "ada").await, Person::register(&place, "bob").await);
    let (cyd, eve) = (Person::register(&place, "cyd").await, Person::register(&place, "eve").await);
    let room = ada.group(&[&bob, &cyd]).await;
    let mut watching = cyd.at(1).connect().await;
    let before = watching.position.clone();
    // Once a member, who leaves by themselves; then banned, otherwise banned, and free again.
    assert_eq!(bob.delete(&format!("/v1/rooms/{room}/members/me")).await.status, 204);
    let left = id_of(&ada.says(&room, "bob has left").await);
    for whom in [&bob, &eve] {
        for ban in [json!({"reason": "noise"}), json!({"until": soon(600_000)})] {
            assert_eq!(ada.put(&ban_of(&room, whom), ban).await.status, 204);
        }
    }
    assert_eq!(items(&ada.get(&format!("/v1/rooms/{room}/bans")).await.ok(200)).len(), 2);
    for whom in [&bob, &eve] {
        assert_eq!(ada.delete(&ban_of(&room, whom)).await.status, 204);
    }
    ada.says(&room, "the last").await;
    let gone = vec![(json!("member.left"), json!(bob.id))];
    let last = |frame: &Value| frame["data"]["body"] == "the last";
    watching.expect("the last message", last).await;
    assert_eq!(of_members(&watching.all().await, &room), gone, "live");
    for gateway in 0..2 {
        let back = caught_up(&cyd, gateway, &before).await;
        assert_eq!(of_members(&back, &room), gone, "in a resume");
    }
    // Who knows of the leaving hears nothing more of it.
    let since = ada.get(&format!("/v1/messages/{left}")).await.ok(200);
    let since = since["position"].as_str().unwrap();
    for gateway in 0..2 {
        let back = caught_up(&cyd, gateway, since).await;
        assert!(of_members(&back, &room).is_empty(), "after the leaving: {back:?}");
    }
    // A member who is put out is one who left.
    let member = json!({"user": bob.id});
    ada.post(&format!("/v1/rooms/{room}/members"), member).await.ok(201);
    watching.event_in(&room, "member.joined").await;
    assert_eq!(ada.put(&ban_of(&room, &bob), json!({})).await.status, 204);
    let told = watching.event_in(&room, "member.left").await;
    assert_eq!(told["data"]["user_id"], json!(bob.id));
}

async fn bans_are_the_matter_of_those_above(place: Place) {
    let (ada, bob) = (Person::register(&place, "ada").await, Person::register(&place, "bob").await);
    let (cyd, eve) = (Person::register(&place, "cyd").await, Person::register(&place, "eve").await);
    let room = ada.group(&[&bob, &cyd]).await;
    let members = format!("/v1/rooms/{room}/members");
    for who in [&bob, &cyd] {
        ada.patch(&format!("{members}/{}", who.id), json!({"role": "admin"})).await.ok(200);
    }
    for (who, whom) in [(&bob, &cyd), (&bob, &ada), (&bob, &bob), (&ada, &ada)] {
        who.put(&ban_of(&room, whom), json!({})).await.problem(403, "forbidden");
    }
    eve.put(&ban_of(&room, &bob), json!({})).await.problem(404, "not_found");
    eve.get(&format!("/v1/rooms/{room}/bans")).await.problem(404, "not_found");
    ada.put(&format!("/v1/rooms/{room}/bans/usr_{}", "0".repeat(26)), json!({}))
        .await
        .problem(404, "not_found");
    for wrong in [
        json!({"reason": "x".repeat(501)}),
        json!({"reason": 1}),
        json!({"until": "tomorrow"}),
        json!({"until": "2020-01-01T00:00:00Z"}),
        json!({"for": "ever"}),
    ] {
        ada.put(&ban_of(&room, &eve), wrong).await.problem(400, "validation_failed");
    }
    let direct = ada.direct(&[&bob]).await;
    ada.put(&ban_of(&direct, &bob), json!({})).await.problem(409, "conflict");
    ada.delete(&ban_of(&direct, &bob)).await.problem(409, "conflict");
    ada.get(&format!("/v1/rooms/{direct}/bans")).await.problem(409, "conflict");
    ada.patch(&format!("{members}/{}", bob.id), json!({"muted_until": soon(600_000)}))
        .await
        .ok(200);
    bob.put(&ban_of(&room, &eve), json!({})).await.problem(403, "forbidden");
    assert_eq!(ada.delete(&format!("/v1/rooms/{room}")).await.status, 204);
    ada.put(&ban_of(&room, &eve), json!({})).await.problem(409, "conflict");
}

async fn a_ban_ends_by_itself(place: Place) {
    let (ada, bob) = (Person::register(&place, "ada").await, Person::register(&place, "bob").await);
    let (room, _) = ada.channel().await;
    let me = format!("/v1/rooms/{room}/members/me");
    assert_eq!(ada.put(&ban_of(&room, &bob), json!({"until": soon(3_000)})).await.status, 204);
    bob.put_empty(&me).await.problem(403, "forbidden");
    until("the ban is over", async || (bob.put_empty(&me).await.status == 200).then_some(())).await;
    assert_eq!(items(&ada.get(&format!("/v1/rooms/{room}/bans")).await.ok(200)), [Value::Null; 0]);
    bob.says(&room, "here").await;
}

async fn who_is_banned_from_general_comes_back(place: Place) {
    let admin = place.admin().await;
    let bob = Person::register(&place, "bob").await;
    let room = id_of(&items(&admin.get("/v1/rooms?name=general").await.ok(200))[0]);
    assert_eq!(admin.room(&room).await["membership"]["role"], "admin");
    assert_eq!(bob.room(&room).await["membership"]["role"], "member");
    let post = format!("/v1/rooms/{room}/messages");
    bob.put(&ban_of(&room, &admin), json!({})).await.problem(403, "forbidden");
    assert_eq!(admin.put(&ban_of(&room, &bob), json!({})).await.status, 204);
    bob.post(&post, json!({"body": "x"})).await.problem(403, "forbidden");
    bob.get(&post).await.problem(404, "not_found");
    bob.put_empty(&format!("/v1/rooms/{room}/members/me")).await.problem(403, "forbidden");
    assert_eq!(admin.delete(&ban_of(&room, &bob)).await.status, 204);
    bob.says(&room, "lifted").await;
    // The same when the ban ends by itself.
    let mut socket = bob.connect().await;
    let ban = json!({"until": soon(2_000)});
    assert_eq!(admin.put(&ban_of(&room, &bob), ban).await.status, 204);
    bob.post(&post, json!({"body": "x"})).await.problem(403, "forbidden");
    socket
        .expect("being back", |frame| {
            frame["event"] == "member.joined" && frame["data"]["user_id"] == json!(bob.id)
        })
        .await;
    bob.says(&room, "back").await;
}

async fn of_fifty_joins_and_a_ban_the_ban_wins(place: Place) {
    let (ada, bob) = (Person::register(&place, "ada").await, Person::register(&place, "bob").await);
    let (room, _) = ada.channel().await;
    let me = format!("/v1/rooms/{room}/members/me");
    let path = ban_of(&room, &bob);
    let joins = (0..50).map(|_| bob.put_empty(&me));
    let (_, banned) = tokio::join!(futures_util::future::join_all(joins), async {
        // A burst on one membership may keep a change out for a moment.
        until("the ban is written", async || {
            (ada.put(&path, json!({})).await.status == 204).then_some(())
        })
        .await;
    });
    let () = banned;
    bob.put_empty(&me).await.problem(403, "forbidden");
    let members = items(&ada.get(&format!("/v1/rooms/{room}/members")).await.ok(200));
    assert_eq!(members.len(), 1, "{members:?}");
}
