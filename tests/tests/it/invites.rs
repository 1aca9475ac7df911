//! Invitations: who makes them, whom they let in and when they no longer do.

use futures_util::future::join_all;
use serde_json::{Value, json};
use tests::kit::http::Reply;
use tests::kit::installation::{Installation, Place};
use tests::kit::person::{Person, Stranger, id_of, items};
use tests::kit::until;

/// Runs a flow on SQLite and on MongoDB, with unverified accounts allowed to invite.
macro_rules! both {
    ($($flow:ident),* $(,)?) => {
        mod sqlite {
            $(#[tokio::test]
            async fn $flow() {
                let installation = super::open(&[]);
                Box::pin(super::$flow(&installation.place)).await;
            })*
        }
        mod mongodb {
            $(#[tokio::test]
            async fn $flow() {
                let Some(url) = tests::kit::mongo::url() else { return };
                let namespace = super::namespace();
                let flags = ["--read-model", url.as_str(), "--namespace", namespace.as_str()];
                let installation = super::open(&flags);
                Box::pin(super::$flow(&installation.place)).await;
            })*
        }
    };
}

both!(
    an_invitation_is_shown_and_accepted,
    of_fifty_acceptances_as_many_are_let_in_as_it_says,
    an_invitation_is_judged_when_it_is_accepted,
    invitations_are_the_matter_of_members,
    a_crowd_makes_as_many_invitations_as_there_is_room_for,
);

/// A database of its own.
fn namespace() -> String {
    let name = tests::kit::unique("inv").to_lowercase();
    name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).take(32).collect()
}

fn open(flags: &[&str]) -> Installation {
    let usual = ["--unverified", "everything", "--public-url", "https://chat.example.org/"];
    Installation::relaxed(&[&usual, flags].concat())
}

async fn invite(who: &Person, room: &str, body: Value) -> Value {
    who.post(&format!("/v1/rooms/{room}/invites"), body).await.ok(201)
}

fn code(invite: &Value) -> &str {
    invite["code"].as_str().unwrap()
}

async fn accept(who: &Person, code: &str) -> Reply {
    who.post(&format!("/v1/invites/{code}/accept"), json!({})).await
}

async fn an_invitation_is_shown_and_accepted(place: &Place) {
    let (ada, bob) = (Person::register(place, "ada").await, Person::register(place, "bob").await);
    let room = ada.group(&[]).await;
    let made = invite(&ada, &room, json!({"expires_in": 60, "max_uses": 2})).await;
    let url = format!("https://chat.example.org/v1/invites/{}", code(&made));
    assert_eq!(
        (&made["url"], &made["uses"], &made["max_uses"]),
        (&json!(url), &json!(0), &json!(2))
    );
    assert!(code(&made).len() >= 48, "{made}");
    // All who have the code see what it is to, without an account.
    let shown = Stranger::new(place).get(&format!("/v1/invites/{}", code(&made))).await.ok(200);
    assert_eq!((&shown["room"]["id"], &shown["room"]["member_count"]), (&json!(room), &json!(1)));
    assert_eq!(shown["room"]["kind"], "group");
    let name = ada.get("/v1/users/me").await.ok(200)["display_name"].clone();
    assert_eq!(shown["inviter"]["display_name"], name);

    let mut socket = ada.connect().await;
    let entered = accept(&bob, code(&made)).await.ok(200);
    assert_eq!((&entered["id"], &entered["membership"]["role"]), (&json!(room), &json!("member")));
    socket.event_in(&room, "member.joined").await;
    bob.says(&room, "here by invitation").await;
    // Who is in spends none.
    accept(&bob, code(&made)).await.ok(200);
    accept(&ada, code(&made)).await.ok(200);
    let listed = items(&ada.get(&format!("/v1/rooms/{room}/invites")).await.ok(200));
    assert_eq!((listed.len(), &listed[0]["uses"]), (1, &json!(1)));
    assert_eq!(listed[0]["code"], made["code"]);
    let path = format!("/v1/rooms/{room}/invites/{}", code(&made));
    for _ in 0..2 {
        assert_eq!(ada.delete(&path).await.status, 204);
    }
    let cyd = Person::register(place, "cyd").await;
    accept(&cyd, code(&made)).await.problem(410, "gone");
    // It is over for members, too.
    accept(&bob, code(&made)).await.problem(410, "gone");
    Stranger::new(place).get(&format!("/v1/invites/{}", code(&made))).await.problem(410, "gone");
    assert_eq!(
        items(&ada.get(&format!("/v1/rooms/{room}/invites")).await.ok(200)),
        [Value::Null; 0]
    );
}

async fn of_fifty_acceptances_as_many_are_let_in_as_it_says(place: &Place) {
    let ada = Person::register(place, "ada").await;
    let room = ada.group(&[]).await;
    let made = invite(&ada, &room, json!({"max_uses": 7})).await;
    let people = join_all((0..50).map(|_| Person::register(place, "eve"))).await;
    let replies = join_all(people.iter().map(|who| async {
        // One that met too many others may try again.
        until("an answer", async || {
            let reply = accept(who, code(&made)).await;
            (reply.status != 503).then_some(reply)
        })
        .await
    }))
    .await;
    let entered = replies.iter().filter(|reply| reply.status == 200).count();
    assert_eq!(entered, 7);
    for (who, reply) in people.iter().zip(replies) {
        // Who is in gets the room again, who had the last use, too.
        let again = accept(who, code(&made)).await;
        if reply.status == 200 {
            assert_eq!(again.ok(200)["id"], room);
        } else {
            reply.problem(410, "gone");
            again.problem(410, "gone");
        }
    }
    let members = items(&ada.get(&format!("/v1/rooms/{room}/members?limit=200")).await.ok(200));
    assert_eq!(members.len(), 8);
}

async fn an_invitation_is_judged_when_it_is_accepted(place: &Place) {
    let (ada, bob) = (Person::register(place, "ada").await, Person::register(place, "bob").await);
    let eve = Person::register(place, "eve").await;
    // The inviter has left.
    let room = ada.group(&[&bob]).await;
    let made = invite(&bob, &room, json!({})).await;
    assert_eq!(bob.delete(&format!("/v1/rooms/{room}/members/me")).await.status, 204);
    accept(&eve, code(&made)).await.problem(410, "gone");
    // The inviter may not invite any more.
    let private = json!({"kind": "channel", "name": tests::kit::unique("inner"), "visibility": "private",
        "members": [bob.id]});
    let channel = id_of(&ada.post("/v1/rooms", private).await.ok(201));
    let member = format!("/v1/rooms/{channel}/members/{}", bob.id);
    ada.patch(&member, json!({"role": "admin"})).await.ok(200);
    let made = invite(&bob, &channel, json!({})).await;
    ada.patch(&member, json!({"role": "member"})).await.ok(200);
    accept(&eve, code(&made)).await.problem(410, "gone");
    ada.patch(&member, json!({"role": "admin"})).await.ok(200);
    // The guest is banned.
    let ban = format!("/v1/rooms/{channel}/bans/{}", eve.id);
    assert_eq!(ada.put(&ban, json!({})).await.status, 204);
    accept(&eve, code(&made)).await.problem(403, "forbidden");
    assert_eq!(ada.delete(&ban).await.status, 204);
    // The room is archived, and comes back.
    assert_eq!(ada.delete(&format!("/v1/rooms/{channel}")).await.status, 204);
    accept(&eve, code(&made)).await.problem(410, "gone");
    ada.post(&format!("/v1/rooms/{channel}/invites"), json!({})).await.problem(409, "conflict");
    ada.patch(&format!("/v1/rooms/{channel}"), json!({"archived": false})).await.ok(200);
    accept(&eve, code(&made)).await.ok(200);
    // It has run out.
    let short = invite(&ada, &channel, json!({"expires_in": 1})).await;
    let cyd = Person::register(place, "cyd").await;
    until("it has run out", async || {
        let shown = cyd.get(&format!("/v1/invites/{}", code(&short))).await;
        (shown.status == 410).then_some(())
    })
    .await;
    accept(&cyd, code(&short)).await.problem(410, "gone");
}

async fn invitations_are_the_matter_of_members(place: &Place) {
    let (ada, bob) = (Person::register(place, "ada").await, Person::register(place, "bob").await);
    let eve = Person::register(place, "eve").await;
    let room = ada.group(&[&bob]).await;
    let path = format!("/v1/rooms/{room}/invites");
    let by_ada = invite(&ada, &room, json!({})).await;
    let by_bob = invite(&bob, &room, json!({})).await;
    let codes = async |who: &Person| -> Vec<Value> {
        let listed = items(&who.get(&path).await.ok(200));
        listed.into_iter().map(|one| one["code"].clone()).collect()
    };
    assert_eq!(codes(&bob).await, [by_bob["code"].clone()]);
    assert_eq!(codes(&ada).await.len(), 2);
    let one = format!("{path}/{}", code(&by_ada));
    bob.delete(&one).await.problem(404, "not_found");
    eve.delete(&one).await.problem(404, "not_found");
    eve.get(&path).await.problem(404, "not_found");
    eve.post(&path, json!({})).await.problem(404, "not_found");
    for wrong in [
        json!({"expires_in": 0}),
        json!({"expires_in": 31_536_001}),
        json!({"max_uses": 0}),
        json!({"max_uses": 1_001}),
        json!({"max_uses": "many"}),
        json!({"uses": 1}),
    ] {
        ada.post(&path, wrong).await.problem(400, "validation_failed");
    }
    let direct = ada.direct(&[&bob]).await;
    ada.post(&format!("/v1/rooms/{direct}/invites"), json!({})).await.problem(409, "conflict");
    // A code of another key, one digit off, half of one, and none at all.
    let good = code(&by_bob);
    let last = if good.ends_with('0') { "1" } else { "0" };
    let off = format!("{}{last}", &good[..good.len() - 1]);
    for guessed in [off.as_str(), &good[..26], "x", &"0".repeat(58), &"a".repeat(400)] {
        eve.get(&format!("/v1/invites/{guessed}")).await.any_problem(404..=414);
        accept(&eve, guessed).await.any_problem(404..=414);
    }
    // The hundred-and-first.
    let mut written = 0;
    for _ in 0..9 {
        let made = join_all((0..11).map(|_| ada.post(&path, json!({})))).await;
        written += made.iter().filter(|reply| reply.status == 201).count();
    }
    assert_eq!(written, 98, "two are open already");
    ada.post(&path, json!({})).await.problem(409, "conflict");
    assert_eq!(ada.delete(&one).await.status, 204);
    invite(&ada, &room, json!({})).await;
    let mut pages = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = ada.get(&format!("{path}?limit=30{cursor}")).await.ok(200);
        pages.extend(items(&page).into_iter().map(|one| one["code"].to_string()));
        let Some(next) = page["next_cursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(pages.len(), 100);
    pages.dedup();
    assert_eq!(pages.len(), 100);
}

async fn a_crowd_makes_as_many_invitations_as_there_is_room_for(place: &Place) {
    let ada = Person::register(place, "ada").await;
    let people = join_all((0..10).map(|_| Person::register(place, "eve"))).await;
    let room = ada.group(&people.iter().collect::<Vec<_>>()).await;
    let path = format!("/v1/rooms/{room}/invites");
    let crowd = async |count: usize| {
        let asked = (0..count).map(|number| people[number % people.len()].post(&path, json!({})));
        let replies = join_all(asked).await;
        let of = |status: u16| replies.iter().filter(|reply| reply.status == status).count();
        (of(201), of(409))
    };
    for _ in 0..5 {
        assert_eq!(crowd(19).await, (19, 0));
    }
    assert_eq!(crowd(50).await, (5, 45));
    assert_eq!(crowd(50).await, (0, 50));
    // One that is revoked makes room for one more.
    let listed = items(&ada.get(&path).await.ok(200));
    ada.delete(&format!("{path}/{}", code(&listed[0]))).await.ok(204);
    assert_eq!(crowd(50).await, (1, 49));
}
