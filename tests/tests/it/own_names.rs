//! What an account is called: its address, as keyboards send it, and its username.

use futures_util::future::join_all;
use serde_json::json;
use tests::kit::installation::Place;
use tests::kit::person::{Person, Stranger};
use tests::kit::unique;

everywhere!(addresses_as_keyboards_send_them, names_changed_at_once);

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

/// Each lost race is lost to a change that was made, and is run again.
async fn names_changed_at_once(place: Place) {
    let ada = Person::register(&place, "ada").await;
    let names: Vec<String> = (0..10).map(|_| unique("ada")).collect();
    let changes = names.iter().enumerate().map(|(number, name)| {
        let gateway = ada.at(number % 2);
        async move { gateway.patch("/v1/users/me", json!({"username": name})).await }
    });
    for (reply, name) in join_all(changes).await.into_iter().zip(&names) {
        assert_eq!(reply.ok(200)["username"], **name);
    }
    let me = ada.get("/v1/users/me").await.ok(200);
    assert!(names.iter().any(|name| me["username"] == **name), "{me}");
    for name in names.iter().filter(|name| me["username"] != ***name) {
        let found = ada.get(&format!("/v1/users?username={name}")).await.ok(200);
        assert_eq!(found["items"], json!([]), "{name} was given up");
    }
}
