//! The log of requests: who asked for what and how it was answered, for admins.

use serde_json::{Value, json};
use tests::kit::installation::{Installation, Place};
use tests::kit::person::{Person, Stranger, items};
use tests::kit::until;

everywhere!(requests_are_listed_by_what_is_asked, only_admins_ask_and_only_for_what_there_is);

/// The rows of a question, once there are so many.
async fn rows(admin: &Person, query: &str, count: usize) -> Vec<Value> {
    let path = format!("/v1/admin/request-log?limit=200&{query}");
    let what = format!("{count} rows of {query}");
    until(&what, async || {
        let found = items(&admin.ask("GET", &path).once().await.ok(200));
        (found.len() >= count).then_some(found)
    })
    .await
}

async fn requests_are_listed_by_what_is_asked(place: Place) {
    let admin = place.admin().await;
    let ada = Person::register_at(&place, 1, "ada").await;
    let room = ada.group(&[]).await;
    ada.says(&room, "a secret of ours").await;
    ada.ask("GET", "/v1/users?query=hidden+words").once().await.ok(200);
    let refused = ada.ask("GET", "/v1/rooms/room_00000000000000000000000000").once().await;
    let trace = refused.header("tidings-trace").to_owned();
    refused.problem(404, "not_found");
    ada.ask("GET", "/v1/no/such/path").once().await.problem(404, "not_found");
    let mut socket = ada.connect().await;
    socket.post(&room, "by socket").await;

    let of_ada = format!("user_id={}", ada.id);
    let found = rows(&admin, &of_ada, 5).await;
    let seen: Vec<(&str, &str, u64)> = found
        .iter()
        .map(|row| {
            let text = |name: &str| row[name].as_str().unwrap();
            (text("method"), text("path"), row["status"].as_u64().unwrap())
        })
        .rev()
        .collect();
    let expected = [
        ("POST", "/v1/rooms", 201),
        ("POST", "/v1/rooms/{room_id}/messages", 201),
        ("GET", "/v1/users", 200),
        ("GET", "/v1/rooms/{room_id}", 404),
        ("GET", "/v1/ws", 101),
    ];
    assert_eq!(seen, expected);
    for row in &found {
        assert_eq!((&row["user_id"], &row["ip"]), (&json!(ada.id), &json!("127.0.0.1")), "{row}");
        assert!(row["duration_ms"].as_f64().unwrap() >= 0.0, "{row}");
        assert_eq!(row["trace_id"].as_str().unwrap().len(), 32, "{row}");
    }
    let text = json!(found).to_string();
    assert!(
        !text.contains(&room) && !text.contains("hidden") && !text.contains("secret"),
        "{text}"
    );

    // Each condition by itself, and together.
    let lost = rows(&admin, &format!("{of_ada}&status=404"), 1).await;
    assert_eq!((lost.len(), &lost[0]["trace_id"]), (1, &json!(trace)));
    let posts = rows(&admin, &format!("{of_ada}&method=POST&path=/v1/rooms"), 1).await;
    assert_eq!(posts.len(), 1);
    let (first, last) = (found[4]["time"].as_str().unwrap(), found[0]["time"].as_str().unwrap());
    let since = rows(&admin, &format!("{of_ada}&since={last}"), 1).await;
    assert!(since.contains(&found[0]) && !since.contains(&found[4]), "{since:?}");
    let until = rows(&admin, &format!("{of_ada}&until={last}"), 1).await;
    assert!(until.contains(&found[4]) && !until.contains(&found[0]), "{first} {until:?}");
    let unmatched = rows(&admin, "path=unmatched&status=404", 1).await;
    assert!(unmatched.iter().all(|row| row.get("user_id").is_none()), "{unmatched:?}");

    // Page by page it is the same.
    let (mut paged, mut cursor) = (Vec::new(), String::new());
    loop {
        let path = format!("/v1/admin/request-log?{of_ada}&limit=2{cursor}");
        let page = admin.ask("GET", &path).once().await.ok(200);
        paged.extend(items(&page));
        let Some(next) = page["next_cursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(paged, found);
}

async fn only_admins_ask_and_only_for_what_there_is(place: Place) {
    let (admin, ada) = (place.admin().await, Person::register(&place, "ada").await);
    let path = "/v1/admin/request-log";
    ada.get(path).await.problem(403, "forbidden");
    Stranger::new(&place).get(path).await.problem(401, "unauthenticated");
    let long = format!("path=/{}", "x".repeat(200));
    for bad in [
        "user_id=ada",
        "user_id=",
        "path=v1",
        "path=",
        "path=/v1/%00",
        "path=/v1/ü",
        "method=get",
        "method=",
        "method=BREW",
        "status=99",
        "status=600",
        "status=2xx",
        "status=",
        "status=+200",
        "since=yesterday",
        "since=",
        "until=2026-13-01T00:00:00Z",
        "limit=0",
        "limit=201",
        "cursor=x",
        "status=200&status=200",
        "body=x",
        &long,
    ] {
        admin.get(&format!("{path}?{bad}")).await.problem(400, "validation_failed");
    }
    // A cursor is good for its own list only.
    let page = admin.get(&format!("{path}?limit=1&method=POST")).await.ok(200);
    if let Some(cursor) = page["next_cursor"].as_str() {
        let other = format!("{path}?limit=1&method=GET&cursor={cursor}");
        admin.get(&other).await.problem(400, "validation_failed");
    }
    let none = format!("{path}?user_id={}&status=418", ada.id);
    assert_eq!(admin.get(&none).await.ok(200), json!({"items": [], "next_cursor": null}));
}

#[tokio::test]
async fn rows_outlive_a_restart_and_can_be_turned_off() {
    let mut installation = Installation::relaxed(&[]);
    let admin = installation.place.found().await;
    admin.ask("GET", "/v1/rooms").once().await.ok(200);
    // Stopped at once: what waited to be written is written.
    installation.process.stop();
    installation.start_again();
    let query = format!("user_id={}&path=/v1/rooms", admin.id);
    assert_eq!(rows(&admin, &query, 1).await.len(), 1);
    let metrics = Stranger::new(&installation.place).operates("/metrics").await;
    assert!(metrics.text.contains("tidings_request_log_dropped_total 0"), "{}", metrics.text);

    let off = Installation::relaxed(&["--request-log", "off"]);
    let admin = off.place.found().await;
    admin.ask("GET", "/v1/rooms").once().await.ok(200);
    let page = admin.get("/v1/admin/request-log").await.ok(200);
    assert_eq!(page, json!({"items": [], "next_cursor": null}));
}
