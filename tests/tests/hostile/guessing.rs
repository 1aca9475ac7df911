//! Guessing who has an account.

use std::time::Duration;

use serde_json::{Value, json};
use tests::kit::installation::Place;
use tests::kit::person::{Person, Stranger};
use tests::kit::unique;
use tokio::time::Instant;

use crate::scene;

cases!(a_failed_login_does_not_say_why, a_registration_tells_only_that_it_is_taken);

/// Whether everything but the trace's id is the same.
fn alike(mut one: Value, mut other: Value) -> bool {
    (one["trace_id"], other["trace_id"]) = (Value::Null, Value::Null);
    one == other
}

async fn a_failed_login_does_not_say_why(place: Place) {
    let (ada, stranger) = (Person::register(&place, "ada").await, Stranger::new(&place));
    let mut first = None;
    for login in [
        ada.username.clone(),
        ada.username.to_uppercase(),
        ada.email.clone(),
        unique("absent"),
        "absent@example.org".to_owned(),
        "not a username!".to_owned(),
        "*".to_owned(),
        "x".repeat(254),
        ada.id.clone(),
    ] {
        let body = json!({"login": login, "password": "no such secret"});
        let reply = stranger.post("/v1/sessions", body).await;
        let names: Vec<String> = reply.headers.keys().map(ToString::to_string).collect();
        let problem = reply.problem(401, "invalid_credentials");
        let first = first.get_or_insert((problem.clone(), names.clone()));
        assert!(alike(problem, first.0.clone()), "{login}");
        assert_eq!(names, first.1, "{login}");
    }
}

async fn a_registration_tells_only_that_it_is_taken(place: Place) {
    let (ada, stranger) = (Person::register(&place, "ada").await, Stranger::new(&place));
    let body = |username: &str, email: &str| json!({"username": username, "email": email, "password": "secret of eve"});
    let (free, free_email) = (unique("free"), format!("{}@example.org", unique("free")));
    // The contract says that a taken name is 409 with a pointer; nothing about whose it is.
    for (taken, pointer) in [
        (body(&ada.username, &free_email), "/username"),
        (body(&ada.username.to_uppercase(), &free_email), "/username"),
        (body(&free, &ada.email), "/email"),
        (body(&free, &ada.email.to_uppercase()), "/email"),
    ] {
        let problem = stranger.post("/v1/users", taken).await.problem(409, "already_exists");
        assert_eq!(problem["errors"][0]["pointer"], pointer);
        assert!(!problem.to_string().contains(&ada.id), "{problem}");
        assert!(!problem.to_string().contains(&ada.email), "{problem}");
    }
    // A reset answers the same for every address.
    let known = stranger.post("/v1/password-resets", json!({"email": ada.email})).await;
    let unknown = stranger.post("/v1/password-resets", json!({"email": free_email})).await;
    assert_eq!(known.status, unknown.status);
    let fields = |reply: &Value| -> Vec<String> {
        reply.as_object().into_iter().flatten().map(|(name, _)| name.clone()).collect()
    };
    assert_eq!(fields(&known.json), fields(&unknown.json));
}

/// The middle one of the times several logins take, in alternation with others.
fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

#[tokio::test]
async fn a_login_takes_as_long_for_an_unknown_name() {
    // Cost 9 makes a hash the greatest part of the time, as in production.
    scene::play_elsewhere(&scene::without_limits_at_cost("9"), times_are_alike).await;
}

async fn times_are_alike(place: Place) {
    let (ada, stranger) = (Person::register(&place, "ada").await, Stranger::new(&place));
    let long = "x".repeat(3_000);
    let tries = [
        (ada.username.clone(), "no such secret".to_owned()),
        (ada.email.clone(), "no such secret".to_owned()),
        // Of a name that no account has ten wrong passwords are taken from anywhere: each round has names of its own.
        ("absent".to_owned(), "no such secret".to_owned()),
        ("@example.org".to_owned(), "no such secret".to_owned()),
        ("not a username ".to_owned(), "no such secret".to_owned()),
        (ada.username.clone(), "nul \0 inside it".to_owned()),
        (ada.username.clone(), long),
    ];
    let rounds = if scene::long() { 31 } else { 11 };
    let mut times: Vec<Vec<Duration>> = vec![Vec::new(); tries.len()];
    for _ in 0..rounds {
        for (which, (login, password)) in tries.iter().enumerate() {
            let login = match login.as_str() {
                "absent" | "not a username " => format!("{login}{}", unique("x")),
                "@example.org" => format!("{}{login}", unique("absent")),
                known => known.to_owned(),
            };
            let begun = Instant::now();
            let body = json!({"login": login, "password": password});
            stranger.post("/v1/sessions", body).await.problem(401, "invalid_credentials");
            times[which].push(begun.elapsed());
        }
    }
    let medians: Vec<Duration> = times.into_iter().map(median).collect();
    let (least, most) = (medians.iter().min().unwrap(), medians.iter().max().unwrap());
    // Without the hash it would be a tenth; half and ten milliseconds are what a busy machine does. In the suite of every change
    // other cases run beside this one, and times decide nothing.
    assert!(!scene::long() || *most < *least * 2 + Duration::from_millis(10), "{medians:?}");
}
