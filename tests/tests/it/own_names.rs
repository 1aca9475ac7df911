//! What an account is called: its address, as keyboards send it, and its username.

use serde_json::json;
use tests::kit::installation::Place;
use tests::kit::person::{Person, Stranger};
use tests::kit::unique;

everywhere!(addresses_as_keyboards_send_them);

async fn addresses_as_keyboards_send_them(place: Place) {
    let stranger = Stranger::new(&place);
    let (name, other) = (unique("henri"), unique("henri"));
    let account = |username: &str, email: String| json!({"username": username, "email": email, "password": "correct horse"});
    let body = account(&name, format!(" {name}@Example.org\u{a0}"));
    let user = stranger.post("/v1/users", body).await.ok(201);
    assert_eq!(user["email"], format!("{name}@example.org"));
    let body = account(&other, format!("{name}@example.org\t"));
    let problem = stranger.post("/v1/users", body).await.problem(409, "already_exists");
    assert_eq!(problem["errors"][0]["pointer"], "/email", "{problem}");
    let reset = json!({"email": format!("{name}@example.org ")});
    stranger.post("/v1/password-resets", reset).await.ok(202);

    let ada = Person::register(&place, "ada").await;
    let change = |email: String| json!({"email": email, "password": ada.password});
    let email = format!("\t{}@example.net ", unique("ada"));
    ada.post("/v1/users/me/email", change(email)).await.ok(202);
    let reply = ada.post("/v1/users/me/email", change("ada @example.net".to_owned())).await;
    reply.problem(400, "validation_failed");
}
