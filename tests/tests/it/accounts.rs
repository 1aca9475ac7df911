//! Accounts and sessions.

use std::time::Duration;

use serde_json::{Value, json};
use tests::kit::installation::{Installation, Place};
use tests::kit::person::{Person, Stranger, id_of, items};
use tests::kit::{unique, until};

everywhere!(
    registering_and_logging_in,
    logins_as_keyboards_send_them,
    changing_a_password_needs_the_present_one,
    usernames_and_addresses_are_unique,
    refresh_tokens_rotate,
    a_used_refresh_token_ends_the_session,
    logging_out_closes_the_sockets_of_the_session,
    sessions_are_listed_and_revoked,
    a_profile_is_read_and_changed,
    people_are_looked_up,
    roles_decide_who_administers,
    a_suspension_takes_effect_at_once,
);

/// A socket of an ended session is closed within this time.
const AT_ONCE: Duration = Duration::from_secs(1);

fn registration(name: &str) -> Value {
    json!({"username": name, "email": format!("{name}@example.org"), "password": "correct horse"})
}

async fn registering_and_logging_in(place: Place) {
    let stranger = Stranger::new(&place);
    let name = unique("Ada");
    let mut body = registration(&name);
    body["display_name"] = json!("Ada Lovelace");
    let made = stranger.post("/v1/users", body).await;
    assert!(!made.header("tidings-position").is_empty());
    let user = made.ok(201);
    let folded = name.to_lowercase();
    assert_eq!(user["username"], folded);
    assert_eq!(user["display_name"], "Ada Lovelace");
    assert_eq!(user["role"], "user");
    assert!(user["id"].as_str().unwrap().starts_with("usr_"));
    assert!(user["created_at"].as_str().unwrap().ends_with('Z'));
    assert!(user.get("password").is_none());

    let email = format!("{name}@EXAMPLE.org");
    for login in [name.as_str(), folded.as_str(), email.as_str()] {
        let body = json!({"login": login, "password": "correct horse"});
        let tokens = stranger.post("/v1/sessions", body).await.ok(201);
        assert_eq!(tokens["token_type"], "Bearer");
        assert_eq!(tokens["expires_in"], 900);
        assert_eq!(tokens["user"]["id"], user["id"]);
        assert!(tokens["session_id"].as_str().unwrap().starts_with("ses_"));
        assert!(tokens["refresh_token"].is_string());
    }
    let unknown = unique("absent");
    for (login, password) in [(folded.as_str(), "wrong horse"), (unknown.as_str(), "correct horse")]
    {
        let body = json!({"login": login, "password": password});
        stranger.post("/v1/sessions", body).await.problem(401, "invalid_credentials");
    }
    stranger.get("/v1/users/me").await.problem(401, "unauthenticated");
}

async fn logins_as_keyboards_send_them(place: Place) {
    let stranger = Stranger::new(&place);
    let name = unique("grete");
    let mut body = registration(&name);
    body["password"] = json!("grüße-éà-12");
    stranger.post("/v1/users", body).await.ok(201);
    let decomposed = "gru\u{308}ße-e\u{301}a\u{300}-12";
    let email = format!("\u{a0}{name}@example.org ");
    for (login, password) in [
        (format!("{name} "), "grüße-éà-12"),
        (format!(" {name}\u{3000}"), decomposed),
        (email, decomposed),
    ] {
        let body = json!({"login": login, "password": password});
        stranger.post("/v1/sessions", body).await.ok(201);
    }
    let body = json!({"login": name, "password": "gruße-éà-12"});
    stranger.post("/v1/sessions", body).await.problem(401, "invalid_credentials");
}

async fn changing_a_password_needs_the_present_one(place: Place) {
    let ada = Person::register(&place, "ada").await;
    let other = ada.again().await;
    let change =
        |current: &str, new: &str| json!({"current_password": current, "new_password": new});
    for new in [ada.password.as_str(), "battery staple"] {
        let reply = ada.post("/v1/users/me/password", change("wrong horse", new)).await;
        reply.problem(401, "invalid_credentials");
    }
    other.get("/v1/users/me").await.ok(200);
    let body = change(&ada.password, "battery staplé");
    ada.post("/v1/users/me/password", body).await.ok(204);
    other.ask("GET", "/v1/users/me").once().await.problem(401, "unauthenticated");
    let body = change("battery staple\u{301}", "correct horse");
    ada.post("/v1/users/me/password", body).await.ok(204);
    let body = json!({"login": ada.username, "password": "correct horse"});
    Stranger::new(&place).post("/v1/sessions", body).await.ok(201);
}

async fn usernames_and_addresses_are_unique(place: Place) {
    let stranger = Stranger::new(&place);
    let name = unique("bob");
    stranger.post("/v1/users", registration(&name)).await.ok(201);
    let mut same_name = registration(&unique("bob"));
    same_name["username"] = json!(name.to_uppercase());
    let problem = stranger.post("/v1/users", same_name).await.problem(409, "already_exists");
    assert_eq!(problem["errors"][0]["pointer"], "/username", "{problem}");
    let mut same_email = registration(&unique("bob"));
    same_email["email"] = json!(format!("{name}@example.org"));
    let problem = stranger.post("/v1/users", same_email).await.problem(409, "already_exists");
    assert_eq!(problem["errors"][0]["pointer"], "/email", "{problem}");

    // Of many concurrent requests for the same name one succeeds.
    let name = unique("eve");
    let asking = (0..8).map(|number| {
        let (stranger, mut body) = (stranger.clone(), registration(&name));
        body["email"] = json!(format!("{name}-{number}@example.org"));
        async move { stranger.post("/v1/users", body).await.status }
    });
    let statuses = futures_util::future::join_all(asking).await;
    assert_eq!(statuses.iter().filter(|status| **status == 201).count(), 1, "{statuses:?}");
    assert!(statuses.iter().all(|status| [201, 409].contains(status)), "{statuses:?}");
}

async fn refreshed(stranger: &Stranger, token: &str) -> tests::kit::http::Reply {
    stranger.post("/v1/sessions/refresh", json!({"refresh_token": token})).await
}

async fn refresh_tokens_rotate(place: Place) {
    let stranger = Stranger::new(&place);
    let ada = Person::register(&place, "ada").await;
    let first = refreshed(&stranger, &ada.refresh).await.ok(200);
    assert_eq!(first["session_id"], ada.session_id);
    assert_ne!(first["refresh_token"], ada.refresh);
    assert_eq!(first["user"]["id"], ada.id);
    // A client that lost the answer asks again at once.
    refreshed(&stranger, &ada.refresh).await.ok(200);
    let access = first["access_token"].as_str().unwrap().to_owned();
    let mut renewed = ada.at(1);
    renewed.access = access;
    renewed.get("/v1/users/me").await.ok(200);
    for bad in ["", "x", "ses_*", &ada.access] {
        let status = refreshed(&stranger, bad).await.status;
        assert!([400, 401].contains(&status), "{bad}: {status}");
    }
}

async fn a_used_refresh_token_ends_the_session(place: Place) {
    let stranger = Stranger::new(&place);
    let ada = Person::register(&place, "ada").await;
    let mut socket = ada.connect().await;
    let other = ada.again().await;
    let second = refreshed(&stranger, &ada.refresh).await.ok(200);
    let second = second["refresh_token"].as_str().unwrap().to_owned();
    let third = refreshed(&stranger, &second).await.ok(200);
    let third = third["refresh_token"].as_str().unwrap().to_owned();
    // The first was used two generations ago: it was stolen, or the successor was.
    let refused = refreshed(&stranger, &ada.refresh).await;
    refused.any_problem(401..=401);
    assert_eq!(socket.wait_closed(AT_ONCE).await, 4401);
    refreshed(&stranger, &third).await.any_problem(401..=401);
    ada.get("/v1/users/me").await.any_problem(401..=401);
    // The stolen token does not affect the other session.
    other.get("/v1/users/me").await.ok(200);
}

async fn logging_out_closes_the_sockets_of_the_session(place: Place) {
    let ada = Person::register(&place, "ada").await;
    let other = ada.again().await.at(1);
    let mut sockets = [ada.connect().await, ada.at(1).connect().await];
    let mut others = other.connect().await;
    assert_eq!(ada.delete("/v1/sessions/current").await.status, 204);
    for socket in &mut sockets {
        assert_eq!(socket.wait_closed(AT_ONCE).await, 4401);
    }
    for gateway in 0..2 {
        ada.at(gateway).get("/v1/users/me").await.any_problem(401..=401);
    }
    let stranger = Stranger::new(&place);
    refreshed(&stranger, &ada.refresh).await.any_problem(401..=401);
    let headers = [("authorization", format!("Bearer {}", ada.access))];
    let headers = headers.each_ref().map(|(name, value)| (*name, value.as_str()));
    let refused = tests::kit::socket::handshake(&place, 0, "/v1/ws", &headers).await;
    assert_eq!(refused.err(), Some(401));
    other.get("/v1/users/me").await.ok(200);
    others.call(json!({"type": "ping"})).await_pong().await;
}

/// `ping` is answered by `pong`, not by `ok`: a flow that only wants to know that a socket lives.
trait AwaitPong {
    async fn await_pong(self);
}

impl<F: Future<Output = Value>> AwaitPong for F {
    async fn await_pong(self) {
        let answer = self.await;
        assert_eq!(answer["type"], "pong", "{answer}");
    }
}

async fn sessions_are_listed_and_revoked(place: Place) {
    let ada = Person::register(&place, "ada").await;
    let (phone, laptop) = (ada.again().await, ada.again().await);
    let listed = items(&ada.get("/v1/sessions").await.ok(200));
    assert_eq!(listed.len(), 3);
    let current: Vec<&Value> = listed.iter().filter(|one| one["current"] == true).collect();
    assert_eq!(current.len(), 1);
    assert_eq!(current[0]["session_id"], ada.session_id);
    assert_eq!(current[0]["user_agent"], "tidings-tests");
    assert!(current[0]["ip"].is_string() && current[0]["created_at"].is_string());

    let mut socket = phone.connect().await;
    let path = format!("/v1/sessions/{}", phone.session_id);
    let eve = Person::register(&place, "eve").await;
    eve.delete(&path).await.problem(404, "not_found");
    assert_eq!(ada.delete(&path).await.status, 204);
    assert_eq!(socket.wait_closed(AT_ONCE).await, 4401);
    phone.get("/v1/users/me").await.any_problem(401..=401);
    assert_eq!(items(&ada.get("/v1/sessions").await.ok(200)).len(), 2);

    let mut sockets = [ada.connect().await, laptop.at(1).connect().await];
    assert_eq!(ada.delete("/v1/sessions").await.status, 204);
    for socket in &mut sockets {
        assert_eq!(socket.wait_closed(AT_ONCE).await, 4401);
    }
    laptop.get("/v1/users/me").await.any_problem(401..=401);
}

async fn a_profile_is_read_and_changed(place: Place) {
    let (ada, bob) =
        (Person::register(&place, "ada").await, Person::register_at(&place, 1, "bob").await);
    let me = ada.get("/v1/users/me").await.ok(200);
    assert_eq!(me["email"], ada.email.to_lowercase());
    assert_eq!(me["email_verified"], false);
    assert!(me["settings"].is_object());
    let public = bob.get(&format!("/v1/users/{}", ada.id)).await.ok(200);
    assert_eq!(public["username"], ada.username);
    for private in ["email", "settings", "email_verified"] {
        assert!(public.get(private).is_none(), "{public}");
    }
    let mut socket = ada.connect().await;
    let changed = ada
        .patch(
            "/v1/users/me",
            json!({"display_name": "Ada L.", "bio": "Engines.", "settings": {"theme": "dark"}}),
        )
        .await
        .ok(200);
    assert_eq!(changed["display_name"], "Ada L.");
    assert_eq!(changed["settings"]["theme"], "dark");
    let news = |frame: &Value| {
        frame["event"] == "user.changed" && frame["data"]["display_name"] == "Ada L."
    };
    socket.expect("the change", news).await;
    let public = bob.get(&format!("/v1/users/{}", ada.id)).await.ok(200);
    assert_eq!((&public["display_name"], &public["bio"]), (&json!("Ada L."), &json!("Engines.")));
    let cleared = ada.patch("/v1/users/me", json!({"bio": null})).await.ok(200);
    assert!(cleared.get("bio").is_none_or(Value::is_null), "{cleared}");

    let new_name = unique("countess");
    ada.patch("/v1/users/me", json!({"username": new_name})).await.ok(200);
    ada.patch("/v1/users/me", json!({"username": bob.username}))
        .await
        .problem(409, "already_exists");
    let found = items(&bob.get(&format!("/v1/users?username={new_name}")).await.ok(200));
    assert_eq!(found[0]["id"], ada.id);
    // The old name is held back from others, and its owner may take it back.
    Stranger::new(&place)
        .post("/v1/users", registration(&ada.username))
        .await
        .problem(409, "already_exists");
    let mut body = registration(&unique("new"));
    body["username"] = json!(ada.username);
    Stranger::new(&place).post("/v1/users", body).await.problem(409, "already_exists");
    let taken = json!({"username": ada.username});
    bob.patch("/v1/users/me", taken.clone()).await.problem(409, "already_exists");
    ada.patch("/v1/users/me", taken).await.ok(200);

    for (field, value) in
        [("role", json!("admin")), ("id", json!("usr_x")), ("created_at", json!("x"))]
    {
        ada.patch("/v1/users/me", json!({field: value})).await.problem(400, "validation_failed");
    }
}

async fn people_are_looked_up(place: Place) {
    let stem = unique("zed");
    let ada = Person::register(&place, &format!("{stem}a")).await;
    let bob = Person::register(&place, &format!("{stem}b")).await;
    let found = items(
        &ada.get(&format!("/v1/users?username={}", bob.at_name().trim_start_matches('@')))
            .await
            .ok(200),
    );
    assert_eq!(found.len(), 1);
    assert_eq!(id_of(&found[0]), bob.id);
    let found = items(&ada.get(&format!("/v1/users?query={stem}")).await.ok(200));
    let mut ids: Vec<String> = found.iter().map(id_of).collect();
    ids.sort();
    let mut wanted = vec![ada.id.clone(), bob.id.clone()];
    wanted.sort();
    assert_eq!(ids, wanted);
    assert_eq!(
        items(&ada.get(&format!("/v1/users?username={}", unique("none"))).await.ok(200)),
        [] as [Value; 0]
    );
    let unknown = ada.id.replace(&ada.id[ada.id.len() - 6..], "000000");
    ada.get(&format!("/v1/users/{unknown}")).await.problem(404, "not_found");
}

async fn roles_decide_who_administers(place: Place) {
    let (admin, ada) = (place.admin().await, Person::register(&place, "ada").await);
    let listed = items(&admin.get("/v1/admin/users?limit=200").await.ok(200));
    assert!(listed.iter().any(|user| user["email"].is_string()));
    let path = format!("/v1/admin/users/{}", ada.id);
    ada.get("/v1/admin/users").await.problem(403, "forbidden");
    ada.patch(&path, json!({"role": "admin"})).await.problem(403, "forbidden");
    Stranger::new(&place).get("/v1/admin/users").await.problem(401, "unauthenticated");
    // No user can make themselves admin.
    let mut body = registration(&unique("eve"));
    body["role"] = json!("admin");
    Stranger::new(&place).post("/v1/users", body).await.any_problem(400..=403);

    let changed = admin.patch(&path, json!({"role": "moderator"})).await.ok(200);
    assert_eq!(changed["role"], "moderator");
    ada.get("/v1/admin/users").await.problem(403, "forbidden");
    admin.patch(&path, json!({"role": "admin"})).await.ok(200);
    let ada = ada.again().await;
    ada.get("/v1/admin/users").await.ok(200);
    admin.patch(&path, json!({"role": "user"})).await.ok(200);
    // What counts is the role now, not the one in the token.
    until("the role is taken away", async || {
        (ada.ask("GET", "/v1/admin/users").once().await.status == 403).then_some(())
    })
    .await;
    admin.patch(&path, json!({"role": "emperor"})).await.problem(400, "validation_failed");
}

async fn a_suspension_takes_effect_at_once(place: Place) {
    let (admin, ada) = (place.admin().await, Person::register(&place, "ada").await);
    let mut sockets = [ada.connect().await, ada.at(1).connect().await];
    let path = format!("/v1/admin/users/{}", ada.id);
    let state = admin.patch(&path, json!({"suspended": true})).await.ok(200);
    assert_eq!(state["suspended"], true);
    for socket in &mut sockets {
        assert_eq!(socket.wait_closed(AT_ONCE).await, 4401);
    }
    for gateway in 0..2 {
        ada.at(gateway).get("/v1/users/me").await.any_problem(401..=403);
    }
    let stranger = Stranger::new(&place);
    let login = json!({"login": ada.username, "password": ada.password});
    stranger.post("/v1/sessions", login.clone()).await.any_problem(401..=403);
    refreshed(&stranger, &ada.refresh).await.any_problem(401..=403);
    admin.patch(&path, json!({"suspended": false})).await.ok(200);
    stranger.post("/v1/sessions", login).await.ok(201);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn guesses_at_the_present_password_are_counted_like_logins() {
    let flags = ["--bcrypt-cost", "4", "--rate-auth", "5/min", "--trusted-proxies", "127.0.0.1"];
    let installation = Installation::start(&flags);
    let place = &installation.place;
    let ada = Person::register(place, "ada").await;
    let guess = |from: String| {
        let body = json!({"current_password": "wrong horse", "new_password": ada.password});
        let path = "/v1/users/me/password";
        ada.ask("POST", path).header("x-forwarded-for", &from).json(body)
    };
    // Wherever they come from, they concern one account.
    for number in 1..=5 {
        let from = format!("198.51.100.{number}");
        guess(from).once().await.problem(401, "invalid_credentials");
    }
    let refused = guess("198.51.100.6".to_owned()).once().await;
    assert!(!refused.header("retry-after").is_empty());
    refused.problem(429, "rate_limited");
    // Whichever account they are about, they come from one address.
    let login = |login: &str| {
        let body = json!({"login": login, "password": "wrong horse"});
        let stranger = Stranger::new(place);
        stranger.ask("POST", "/v1/sessions").header("x-forwarded-for", "203.0.113.9").json(body)
    };
    for number in 0..4 {
        login(&format!("absent{number}")).once().await.problem(401, "invalid_credentials");
    }
    let bob = Person::register(place, "bob").await;
    let body = json!({"current_password": "wrong horse", "new_password": bob.password});
    let path = "/v1/users/me/password";
    let from = || bob.ask("POST", path).header("x-forwarded-for", "203.0.113.9").json(body.clone());
    from().once().await.problem(401, "invalid_credentials");
    from().once().await.problem(429, "rate_limited");
}
