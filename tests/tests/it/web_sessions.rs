//! Sessions of web pages, whose refresh token is in a cookie.

use serde_json::{Value, json};
use tests::kit::installation::{Installation, Place};
use tests::kit::person::{Person, Stranger};

everywhere!(a_web_page_keeps_its_refresh_token_in_a_cookie);

/// A request for tokens as a web page makes it, with some headers.
async fn as_page(
    place: &Place,
    path: &str,
    body: Value,
    headers: &[(&str, &str)],
) -> tests::kit::http::Reply {
    let mut ask = Stranger::new(place).ask("POST", path).json(body);
    for (name, value) in headers {
        ask = ask.header(name, value);
    }
    ask.once().await
}

async fn a_web_page_keeps_its_refresh_token_in_a_cookie(place: Place) {
    const REFRESH: &str = "/v1/sessions/refresh";
    let ada = Person::register(&place, "ada").await;
    let (own, foreign) = (("origin", place.url(0)), ("origin", "https://evil.example"));
    let client = ("tidings-client", "1");
    let by_cookie = json!({"login": ada.username, "password": ada.password, "refresh": "cookie"});
    let answer = as_page(&place, "/v1/sessions", by_cookie, &[own]).await;
    let set = answer.header("set-cookie").to_owned();
    for part in ["HttpOnly", "SameSite=Strict", "Path=/v1/sessions"] {
        assert!(set.contains(part), "{set}");
    }
    // The page is not on HTTPS.
    assert!(!set.contains("Secure"), "{set}");
    let session = answer.ok(201);
    assert_eq!(session["refresh_token"], Value::Null);
    let document = Stranger::new(&place).get("/openapi.json").await.ok(200);
    let described = &document["components"]["schemas"]["SessionTokens"];
    let described_token = &described["properties"]["refresh_token"];
    assert!(described["required"].as_array().unwrap().contains(&json!("refresh_token")));
    assert!(described_token.to_string().contains(r#""null""#), "{described_token}");
    let cookie = ("cookie", set.split(';').next().unwrap());
    for headers in [&[own, cookie][..], &[cookie, client], &[foreign, cookie, client]] {
        as_page(&place, REFRESH, json!({}), headers).await.problem(403, "forbidden");
    }
    as_page(&place, REFRESH, json!({}), &[own, client]).await.problem(401, "unauthenticated");
    let refreshed = as_page(&place, REFRESH, json!({}), &[own, cookie, client]).await;
    assert!(refreshed.header("set-cookie").starts_with("tidings_refresh=ses_"));
    let refreshed = refreshed.ok(200);
    assert_eq!(refreshed["session_id"], session["session_id"]);
    assert_eq!(refreshed["refresh_token"], Value::Null);
    let token = format!("Bearer {}", refreshed["access_token"].as_str().unwrap());
    let leave = Stranger::new(&place).ask("DELETE", "/v1/sessions/current");
    let left = leave.header("authorization", &token).header("cookie", cookie.1).once().await;
    assert_eq!(left.status, 204);
    assert!(left.header("set-cookie").contains("Max-Age=0"));
}

#[tokio::test]
async fn a_cookie_is_secure_where_people_reach_the_server_over_https() {
    const REFRESH: &str = "/v1/sessions/refresh";
    let installation = Installation::relaxed(&["--public-url", "https://chat.example"]);
    let place = &installation.place;
    let ada = Person::register(place, "ada").await;
    let by_cookie = json!({"login": ada.username, "password": ada.password, "refresh": "cookie"});
    let answer = as_page(place, "/v1/sessions", by_cookie, &[]).await;
    let set = answer.header("set-cookie").to_owned();
    for part in ["HttpOnly", "SameSite=Strict", "Path=/v1/sessions", "Secure"] {
        assert!(set.split("; ").any(|one| one == part), "{part} in {set}");
    }
    let session = answer.ok(201);
    // The proxy in front of it calls the server by another name than its pages have.
    let cookie = ("cookie", set.split(';').next().unwrap());
    let (own, client) = (("origin", "https://chat.example"), ("tidings-client", "1"));
    let foreign = ("origin", "https://chat.example.evil");
    as_page(place, REFRESH, json!({}), &[foreign, cookie, client]).await.problem(403, "forbidden");
    let refreshed = as_page(place, REFRESH, json!({}), &[own, cookie, client]).await;
    assert!(refreshed.header("set-cookie").contains("; Secure"));
    assert_eq!(refreshed.json["session_id"], session["session_id"]);
    // A browser that keeps the cookie from this connection is told to forget it all the same.
    let token = format!("Bearer {}", refreshed.ok(200)["access_token"].as_str().unwrap());
    let leave = Stranger::new(place).ask("DELETE", "/v1/sessions/current");
    let left = leave.header("authorization", &token).once().await;
    assert_eq!(left.status, 204);
    assert!(left.header("set-cookie").starts_with("tidings_refresh=; "));
}
