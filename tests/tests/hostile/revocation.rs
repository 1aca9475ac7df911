//! Use of credentials after their end: logout, password change, suspension.

use std::time::Duration;

use serde_json::json;
use tests::kit::installation::Place;
use tests::kit::person::{Person, Stranger};
use tests::kit::socket::Socket;
use tokio::time::Instant;

cases!(logging_out_ends_everything, ending_sessions_of_others);
cases_alone!(a_new_password_ends_other_sessions, a_suspension_ends_everything);

/// A socket of an ended session is closed within this time.
const SOON: Duration = Duration::from_secs(1);

/// Everything a session gave is dead: its tokens, its sockets, new sockets.
async fn is_dead(person: &Person, mut socket: Socket, since: Instant) {
    assert_eq!(socket.wait_closed(Duration::from_secs(10)).await, 4401);
    assert!(since.elapsed() < SOON, "the socket was closed after {:?}", since.elapsed());
    person.ask("GET", "/v1/users/me").once().await.problem(401, "unauthenticated");
    person.ask("GET", "/v1/rooms").once().await.problem(401, "unauthenticated");
    person.post("/v1/ws-tickets", json!({})).await.problem(401, "unauthenticated");
    let refresh = json!({"refresh_token": person.refresh});
    let reply = Stranger::new(&person.place).post("/v1/sessions/refresh", refresh).await;
    reply.problem(401, "unauthenticated");
    let bearer = format!("Bearer {}", person.access);
    let header = [("authorization", bearer.as_str())];
    let opened = tests::kit::socket::handshake(&person.place, 0, "/v1/ws", &header).await;
    assert_eq!(opened.err(), Some(401));
}

async fn logging_out_ends_everything(place: Place) {
    let ada = Person::register(&place, "ada").await;
    let elsewhere = ada.again().await;
    let (socket, mut other) = (ada.connect().await, elsewhere.connect().await);
    let ticket = ada.post("/v1/ws-tickets", json!({})).await.ok(201);
    let since = Instant::now();
    ada.delete("/v1/sessions/current").await.ok(204);
    is_dead(&ada, socket, since).await;
    let path = format!("/v1/ws?ticket={}", ticket["ticket"].as_str().unwrap());
    let opened = tests::kit::socket::handshake(&place, 0, &path, &[]).await;
    assert_eq!(opened.err(), Some(401), "a ticket does not outlive its session");
    elsewhere.get("/v1/users/me").await.ok(200);
    other.all().await;
}

async fn ending_sessions_of_others(place: Place) {
    let (ada, eve) = (Person::register(&place, "ada").await, Person::register(&place, "eve").await);
    eve.delete(&format!("/v1/sessions/{}", ada.session_id)).await.problem(404, "not_found");
    eve.delete("/v1/sessions").await.ok(204);
    ada.get("/v1/users/me").await.ok(200);
    eve.ask("GET", "/v1/users/me").once().await.problem(401, "unauthenticated");
}

async fn a_new_password_ends_other_sessions(place: Place) {
    let ada = Person::register(&place, "ada").await;
    let thief = ada.again().await;
    let (mut own, stolen) = (ada.connect().await, thief.connect().await);
    let path = "/v1/users/me/password";
    let body = json!({"current_password": "no such secret", "new_password": "secret of mine"});
    ada.post(path, body).await.any_problem(400..=403);
    thief.get("/v1/users/me").await.ok(200);
    let since = Instant::now();
    let body = json!({"current_password": ada.password, "new_password": "secret of mine"});
    ada.post(path, body).await.ok(204);
    is_dead(&thief, stolen, since).await;
    ada.get("/v1/users/me").await.ok(200);
    own.all().await;
    let old = json!({"login": ada.username, "password": ada.password});
    let reply = Stranger::new(&place).post("/v1/sessions", old).await;
    reply.problem(401, "invalid_credentials");
    Person::login(&place, &ada.username, "secret of mine").await;
}

async fn a_suspension_ends_everything(place: Place) {
    let (eve, admin) = (Person::register(&place, "eve").await, place.admin().await);
    let socket = eve.connect().await;
    let path = format!("/v1/admin/users/{}", eve.id);
    let since = Instant::now();
    admin.patch(&path, json!({"suspended": true})).await.ok(200);
    is_dead(&eve, socket, since).await;
    let body = json!({"login": eve.username, "password": eve.password});
    let reply = Stranger::new(&place).post("/v1/sessions", body).await;
    let statuses = 401..=403;
    let problem = reply.any_problem(statuses);
    // A caller without the password does not learn of the suspension.
    let body = json!({"login": eve.username, "password": "no such secret"});
    let reply = Stranger::new(&place).post("/v1/sessions", body).await;
    reply.problem(401, "invalid_credentials");
    assert!(problem["code"].is_string());
    admin.patch(&path, json!({"suspended": false})).await.ok(200);
    eve.ask("GET", "/v1/users/me").once().await.problem(401, "unauthenticated");
    Person::login(&place, &eve.username, &eve.password).await;
}
