//! Passwords that bcrypt or a careless reader would take for others.

use serde_json::json;
use tests::kit::installation::Place;
use tests::kit::person::{Person, Stranger};
use tests::kit::unique;

cases!(what_bcrypt_would_cut_is_refused, huge_passwords_cost_nothing, look_alikes_are_others);

async fn register(place: &Place, password: &str) -> (String, tests::kit::http::Reply) {
    let name = unique("pw");
    let body =
        json!({"username": name, "email": format!("{name}@example.org"), "password": password});
    (name, Stranger::new(place).post("/v1/users", body).await)
}

async fn logs_in(place: &Place, login: &str, password: &str) -> bool {
    let body = json!({"login": login, "password": password});
    let reply = Stranger::new(place).post("/v1/sessions", body).await;
    assert!([201, 401].contains(&reply.status), "{}", reply.text);
    reply.status == 201
}

async fn what_bcrypt_would_cut_is_refused(place: Place) {
    let longest = format!("secret of {}", "x".repeat(62));
    assert_eq!(longest.len(), 72);
    let (name, reply) = register(&place, &longest).await;
    reply.ok(201);
    assert!(logs_in(&place, &name, &longest).await);
    for other in
        [format!("{longest}y"), format!("{longest}{}", "z".repeat(500)), longest[..71].to_owned()]
    {
        assert!(!logs_in(&place, &name, &other).await, "{} bytes", other.len());
    }
    for bad in [
        format!("{longest}y"),
        // 37 characters, 74 bytes.
        "ü".repeat(37),
        "secret of \0 it".to_owned(),
        "\0".repeat(20),
        "1234567".to_owned(),
        String::new(),
    ] {
        let problem = register(&place, &bad).await.1.problem(400, "validation_failed");
        assert_eq!(problem["errors"][0]["pointer"], "/password");
        assert!(bad.is_empty() || !problem.to_string().contains(&bad), "it is not repeated");
    }
    // A NUL does not end a password either.
    let (name, reply) = register(&place, "secret of before").await;
    reply.ok(201);
    assert!(!logs_in(&place, &name, "secret of before\0").await);
    assert!(!logs_in(&place, &name, "secret of before\0after").await);
    let ada = Person::register(&place, "ada").await;
    for bad in [format!("{longest}y"), "secret of \0 it".to_owned()] {
        let body = json!({"current_password": ada.password, "new_password": bad});
        ada.post("/v1/users/me/password", body).await.problem(400, "validation_failed");
    }
}

async fn huge_passwords_cost_nothing(place: Place) {
    let (ada, stranger) = (Person::register(&place, "ada").await, Stranger::new(&place));
    let huge = "x".repeat(1_000_000);
    register(&place, &huge).await.1.problem(413, "payload_too_large");
    let body = json!({"login": ada.username, "password": huge});
    stranger.post("/v1/sessions", body).await.problem(413, "payload_too_large");
    let body = json!({"current_password": huge, "new_password": huge});
    ada.post("/v1/users/me/password", body).await.problem(413, "payload_too_large");
    let big = "x".repeat(100_000);
    register(&place, &big).await.1.problem(400, "validation_failed");
    let body = json!({"login": ada.username, "password": big});
    stranger.post("/v1/sessions", body).await.problem(400, "validation_failed");
}

async fn look_alikes_are_others(place: Place) {
    let (name, reply) = register(&place, "secret of Ångström").await;
    reply.ok(201);
    assert!(logs_in(&place, &name, "secret of Ångström").await);
    // Another case, white space around it, the same letters put together from parts.
    for other in [
        "secret of ångström",
        "SECRET OF ÅNGSTRÖM",
        " secret of Ångström",
        "secret of Ångström ",
        "secret of A\u{30a}ngstro\u{308}m",
        "secret of Ångstrom",
    ] {
        assert!(!logs_in(&place, &name, other).await, "{other}");
    }
    for wrong in [json!({"$ne": ""}), json!(["secret of Ångström"]), json!(true), json!(null)] {
        let body = json!({"login": name, "password": wrong});
        let reply = Stranger::new(&place).post("/v1/sessions", body).await;
        reply.problem(400, "validation_failed");
    }
}
