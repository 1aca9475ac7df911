//! Refresh tokens: used twice, used by many at once, forged.

use futures_util::future::join_all;
use serde_json::{Value, json};
use tests::kit::http::Reply;
use tests::kit::installation::Place;
use tests::kit::person::{Person, Stranger};

cases!(
    an_old_refresh_token_ends_the_session,
    twenty_concurrent_refreshes_make_one_rotation,
    forged_refresh_tokens
);

async fn refresh(place: &Place, token: &Value) -> Reply {
    Stranger::new(place).post("/v1/sessions/refresh", json!({"refresh_token": token})).await
}

async fn an_old_refresh_token_ends_the_session(place: Place) {
    let ada = Person::register(&place, "ada").await;
    let elsewhere = ada.again().await;
    let mut socket = ada.connect().await;
    let first = json!(ada.refresh);
    let second = refresh(&place, &first).await.ok(200)["refresh_token"].clone();
    assert_ne!(first, second, "it rotates");
    let third = refresh(&place, &second).await.ok(200);
    // Two generations old: it was stolen, or its successor was.
    refresh(&place, &first).await.problem(401, "unauthenticated");
    assert_eq!(socket.wait_closed(std::time::Duration::from_secs(5)).await, 4401);
    refresh(&place, &third["refresh_token"]).await.problem(401, "unauthenticated");
    ada.ask("GET", "/v1/users/me").once().await.problem(401, "unauthenticated");
    let newest = format!("Bearer {}", third["access_token"].as_str().unwrap());
    let asked = Stranger::new(&place).ask("GET", "/v1/users/me").header("authorization", &newest);
    asked.once().await.problem(401, "unauthenticated");
    // Only that session.
    elsewhere.get("/v1/users/me").await.ok(200);
}

async fn twenty_concurrent_refreshes_make_one_rotation(place: Place) {
    let ada = Person::register(&place, "ada").await;
    let token = json!(ada.refresh);
    let answers = join_all((0..20).map(|_| refresh(&place, &token))).await;
    let mut next: Vec<String> = Vec::new();
    for answer in answers {
        // At once, they are a client that retries: each gets the same new token, never a second family.
        let token = answer.ok(200)["refresh_token"].as_str().unwrap().to_owned();
        if !next.contains(&token) {
            next.push(token);
        }
    }
    assert_eq!(next.len(), 1, "one rotation");
    let after = refresh(&place, &json!(next[0])).await.ok(200);
    refresh(&place, &after["refresh_token"]).await.ok(200);
}

async fn forged_refresh_tokens(place: Place) {
    let (ada, eve) = (Person::register(&place, "ada").await, Person::register(&place, "eve").await);
    let parts: Vec<&str> = ada.refresh.split('.').collect();
    let of_eve: Vec<&str> = eve.refresh.split('.').collect();
    let (session, mac) = (parts[0], parts[2]);
    for bad in [
        String::new(),
        "x".to_owned(),
        "..".to_owned(),
        session.to_owned(),
        format!("{session}.1.{mac}"),
        format!("{session}.0."),
        format!("{session}.0.{}", of_eve[2]),
        format!("{}.0.{mac}", of_eve[0]),
        format!("{session}.-1.{mac}"),
        format!("{session}.18446744073709551616.{mac}"),
        format!("{session}.18446744073709551615.{mac}"),
        format!("{session}.0.{mac}.x"),
        format!("*.0.{mac}"),
        format!("ses_>.0.{mac}"),
        format!("{session}\r\n.0.{mac}"),
        ada.access.clone(),
        "A".repeat(4_000),
    ] {
        refresh(&place, &json!(bad)).await.problem(401, "unauthenticated");
    }
    // None: the cookie of a page is asked for, and this is no page of an allowed origin.
    refresh(&place, &json!(null)).await.problem(403, "forbidden");
    for wrong in [json!("A".repeat(5_000)), json!(7), json!({"$ne": ""}), json!([])] {
        refresh(&place, &wrong).await.problem(400, "validation_failed");
    }
    // Forging has ended no session.
    ada.get("/v1/users/me").await.ok(200);
    eve.get("/v1/users/me").await.ok(200);
    refresh(&place, &json!(ada.refresh)).await.ok(200);
}
