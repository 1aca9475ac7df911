//! Who may register: open, by invitation, by domain, or no one; and who still gets in.

use std::process::Output;

use futures_util::future::join_all;
use serde_json::{Value, json};
use tests::kit::http::Reply;
use tests::kit::installation::{Installation, Place};
use tests::kit::person::{Person, Stranger, items};
use tests::kit::unique;

/// Runs a flow on SQLite and on MongoDB in a mode of registration, with an admin whom the operator has made.
macro_rules! both {
    ($($mode:literal: $flow:ident),* $(,)?) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $flow() {
                let installation = super::open($mode, &[]);
                let admin = super::admin_of(&installation).await;
                Box::pin(super::$flow(&installation.place, &admin)).await;
            })*
        }
        mod mongodb {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $flow() {
                let Some(url) = tests::kit::mongo::url() else { return };
                let namespace = super::namespace();
                let flags = ["--read-model", url.as_str(), "--namespace", namespace.as_str()];
                let installation = super::open($mode, &flags);
                let admin = super::admin_of(&installation).await;
                Box::pin(super::$flow(&installation.place, &admin)).await;
            })*
        }
    };
}
both!(
    "closed": no_one_registers_where_it_is_closed,
    "domains:example.org,Example.NET": addresses_of_the_domains_register,
    "domains:example.org,Example.NET": an_address_is_changed_within_the_domains,
    "invite": an_invitation_lets_in_and_into_its_room,
    "invite": of_twenty_who_come_by_three_places_three_get_in,
    "invite": an_invitation_that_is_over_registers_no_one,
    "open": an_invitation_leads_into_its_room_where_all_may_register,
);

/// A database of its own.
fn namespace() -> String {
    let name = unique("reg").to_lowercase();
    name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).take(32).collect()
}

fn open(mode: &str, flags: &[&str]) -> Installation {
    let usual = ["--unverified", "everything", "--registration", mode];
    Installation::relaxed(&[&usual, flags].concat())
}

#[track_caller]
fn answer(output: &Output) -> Value {
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{said}");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The first account, which the operator makes whatever the mode is.
async fn admin_of(installation: &Installation) -> Person {
    let create =
        ["admin", "create", "--username", "chief", "--email", "chief@other.example", "--json"];
    let made = tokio::task::block_in_place(|| answer(&installation.operate(&create)));
    Person::login(&installation.place, "chief", made["password"].as_str().unwrap()).await
}

fn account(name: &str) -> (String, Value) {
    let username = unique(name);
    let email = format!("{username}@example.org");
    (username.clone(), json!({"username": username, "email": email, "password": "correct horse"}))
}

async fn register(place: &Place, body: Value) -> Reply {
    Stranger::new(place).post("/v1/users", body).await
}

fn with(mut body: Value, name: &str, value: &str) -> Value {
    body[name] = json!(value);
    body
}

async fn no_one_registers_where_it_is_closed(place: &Place, admin: &Person) {
    let (_, body) = account("ada");
    register(place, body.clone()).await.problem(403, "forbidden");
    let room = admin.group(&[]).await;
    let code = invite(admin, &room, json!({})).await;
    register(place, with(body.clone(), "invite", &code)).await.problem(403, "forbidden");
    // Admins make accounts all the same.
    let made = admin.post("/v1/admin/users", body.clone()).await.ok(201);
    let ada = Person::login(place, made["username"].as_str().unwrap(), "correct horse").await;
    assert_eq!(ada.get("/v1/users/me").await.ok(200)["role"], "user");
    // What cannot be read is that, whatever the mode is.
    let bad = register(place, with(body, "email", "no address")).await;
    bad.problem(400, "validation_failed");
}

async fn addresses_of_the_domains_register(place: &Place, _: &Person) {
    let (name, body) = account("ada");
    for foreign in ["x.example.org", "example.com", "example.org.evil.example", "other.example"] {
        let body = with(body.clone(), "email", &format!("{name}@{foreign}"));
        let refused = register(place, body).await.problem(403, "forbidden");
        assert_eq!(refused["errors"][0]["pointer"], "/email", "{refused}");
    }
    register(place, body).await.ok(201);
    let (name, body) = account("bob");
    register(place, with(body, "email", &format!("{name}@EXAMPLE.net"))).await.ok(201);
}

async fn an_address_is_changed_within_the_domains(place: &Place, admin: &Person) {
    let ada = Person::register(place, "ada").await;
    let change = |who: &Person, email: String| {
        let ask = who.ask("POST", "/v1/users/me/email");
        ask.json(json!({"email": email, "password": who.password}))
    };
    let name = unique("new");
    for foreign in ["x.example.org", "example.com", "example.org.evil.example"] {
        let refused = change(&ada, format!("{name}@{foreign}")).send().await;
        let refused = refused.problem(403, "forbidden");
        assert_eq!(refused["errors"][0]["pointer"], "/email", "{refused}");
        assert_eq!(refused["errors"][0]["code"], "domain_not_allowed", "{refused}");
    }
    change(&ada, format!("{name}@EXAMPLE.net")).send().await.ok(202);
    // The admin has a foreign address, which the operator gave them: they keep it, and change it like the others.
    change(admin, format!("{name}@other.example")).send().await.problem(403, "forbidden");
    change(admin, format!("{name}@example.org")).send().await.ok(202);
    assert_eq!(admin.get("/v1/users/me").await.ok(200)["email"], admin.email);
}

async fn invite(who: &Person, room: &str, body: Value) -> String {
    let made = who.post(&format!("/v1/rooms/{room}/invites"), body).await.ok(201);
    made["code"].as_str().unwrap().to_owned()
}

async fn an_invitation_lets_in_and_into_its_room(place: &Place, admin: &Person) {
    let room = admin.group(&[]).await;
    admin.says(&room, "welcome").await;
    let code = invite(admin, &room, json!({"max_uses": 1})).await;
    let (name, body) = account("ada");
    let refused = register(place, body.clone()).await.problem(403, "forbidden");
    assert_eq!(refused["errors"][0]["pointer"], "/invite", "{refused}");
    for bad in ["", "nonsense", &code[1..], &format!("{code}0")] {
        let refused = register(place, with(body.clone(), "invite", bad)).await;
        assert!([400, 403].contains(&refused.status), "{bad}: {}", refused.text);
    }
    let mut socket = admin.connect().await;
    let by = with(body, "invite", &code);
    let ask = Stranger::new(place).ask("POST", "/v1/users").header("idempotency-key", &name);
    let ask = ask.json(by.clone());
    let made = ask.once().await.ok(201);
    assert_eq!(made["username"], name);
    assert_eq!(ask.once().await.ok(201)["id"], made["id"], "a repeat finds it");
    let joined = socket.event_in(&room, "member.joined").await;
    assert_eq!(joined["data"]["user_id"], made["id"]);
    let ada = Person::login(place, &name, "correct horse").await;
    let rooms = items(&ada.get("/v1/rooms").await.ok(200));
    assert!(rooms.iter().any(|one| one["id"] == room.as_str()), "{rooms:?}");
    assert_eq!(ada.messages(&room).await.len(), 1, "who comes in sees the history");
    let (_, body) = account("bob");
    register(place, with(body, "invite", &code)).await.problem(410, "gone");
    let left = admin.get(&format!("/v1/rooms/{room}/invites")).await.ok(200);
    assert_eq!(items(&left).len(), 0, "it is used up");
}

async fn of_twenty_who_come_by_three_places_three_get_in(place: &Place, admin: &Person) {
    let room = admin.group(&[]).await;
    let code = invite(admin, &room, json!({"max_uses": 3})).await;
    let people: Vec<(String, Value)> = (0..20).map(|_| account("crowd")).collect();
    let come = people.iter().map(|(_, body)| register(place, with(body.clone(), "invite", &code)));
    let answers = join_all(come).await;
    let made: Vec<&Reply> = answers.iter().filter(|answer| answer.status == 201).collect();
    assert_eq!(made.len(), 3);
    for refused in answers.iter().filter(|answer| answer.status != 201) {
        assert!([410, 503].contains(&refused.status), "{}", refused.text);
    }
    let members = items(&admin.get(&format!("/v1/rooms/{room}/members")).await.ok(200));
    assert_eq!(members.len(), 4, "they are in the room, and no other is");
    let accounts = items(&admin.get("/v1/admin/users?query=crowd").await.ok(200));
    assert_eq!(accounts.len(), 3, "no account was made of those who were refused");
}

async fn an_invitation_that_is_over_registers_no_one(place: &Place, admin: &Person) {
    let room = admin.group(&[]).await;
    let code = invite(admin, &room, json!({})).await;
    admin.delete(&format!("/v1/rooms/{room}/invites/{code}")).await.ok(204);
    let (_, body) = account("ada");
    register(place, with(body.clone(), "invite", &code)).await.problem(410, "gone");
    // Nor does one whose maker has left, whether the request can be a repeat or not.
    let (name, bob) = account("bob");
    admin.post("/v1/admin/users", bob).await.ok(201);
    let bob = Person::login(place, &name, "correct horse").await;
    let added = json!({"user": bob.id});
    admin.post(&format!("/v1/rooms/{room}/members"), added).await.ok(201);
    let code = invite(&bob, &room, json!({})).await;
    bob.delete(&format!("/v1/rooms/{room}/members/me")).await.ok(204);
    let by = with(body.clone(), "invite", &code);
    register(place, by.clone()).await.problem(410, "gone");
    let keyed = Stranger::new(place).ask("POST", "/v1/users").header("idempotency-key", "k1");
    keyed.json(by).send().await.problem(410, "gone");
    let archived = admin.group(&[]).await;
    let code = invite(admin, &archived, json!({})).await;
    admin.delete(&format!("/v1/rooms/{archived}")).await;
    register(place, with(body, "invite", &code)).await.problem(410, "gone");
    let accounts = items(&admin.get("/v1/admin/users?query=ada").await.ok(200));
    assert!(accounts.is_empty(), "{accounts:?}");
}

async fn an_invitation_leads_into_its_room_where_all_may_register(place: &Place, admin: &Person) {
    let room = admin.group(&[]).await;
    let code = invite(admin, &room, json!({})).await;
    let (name, body) = account("ada");
    register(place, with(body, "invite", &code)).await.ok(201);
    let ada = Person::login(place, &name, "correct horse").await;
    ada.says(&room, "hello").await;
    let (_, body) = account("bob");
    register(place, body).await.ok(201);
    let (_, body) = account("eve");
    register(place, with(body, "invite", "nonsense")).await.problem(403, "forbidden");
    let listed = items(&admin.get(&format!("/v1/rooms/{room}/invites")).await.ok(200));
    assert_eq!(listed[0]["uses"], 1, "{listed:?}");
}

#[test]
fn a_mode_that_is_none_is_a_wrong_call() {
    // A command that ends by itself: 1 as there are no keys yet, 2 when it is called wrongly.
    let code = |mode: &str| {
        let rotate = ["keys", "rotate", "--registration", mode];
        let folder = tempfile::tempdir().unwrap();
        let mut command = tests::kit::installation::command(&rotate);
        command.arg("--data").arg(folder.path().join("data")).output().unwrap().status.code()
    };
    for mode in ["Open", "domains:", "domains:a@b.org", "invited"] {
        assert_eq!(code(mode), Some(2), "{mode}");
    }
    for mode in ["", "open", "domains:a.org, B.org"] {
        assert_eq!(code(mode), Some(1), "{mode}");
    }
}
