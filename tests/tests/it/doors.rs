//! The two ports: what clients may know, and what operators may.

use std::time::{Duration, Instant};

use serde_json::json;
use tests::kit::installation::{Installation, Place};
use tests::kit::person::{Person, Stranger};

everywhere!(the_public_readyz_gives_no_reasons);
mod only_here {
    use super::public_routes_do_not_wait_for_a_position;
    here!(public_routes_do_not_wait_for_a_position);
}

async fn the_public_readyz_gives_no_reasons(place: Place) {
    let stranger = Stranger::new(&place);
    let ada = Person::register(&place, "ada").await;
    for path in ["/livez", "/readyz"] {
        let said = stranger.ask("GET", path).once().await;
        assert_eq!((said.status, said.json), (200, json!({"status": "ok"})), "{path}");
    }
    for path in ["/metrics", "/metrics/", "/Metrics"] {
        stranger.ask("GET", path).once().await.problem(404, "not_found");
        ada.ask("GET", path).once().await.problem(404, "not_found");
    }
    let figures = stranger.operates("/metrics").await;
    assert_eq!(figures.status, 200);
    assert!(figures.text.contains("tidings_http_requests_total"), "{}", figures.text);
    assert_eq!(stranger.operates("/readyz").await.status, 200);
    let page = stranger.operates("/").await;
    assert_eq!(page.status, 200);
    assert!(page.text.contains("page.js"), "{}", page.text);
    // The admin port serves nothing that is for clients.
    assert_eq!(stranger.operates("/v1/users/me").await.status, 404);
}

#[tokio::test]
async fn readyz_gives_its_reasons_on_the_admin_port() {
    let installation = Installation::relaxed(&[]);
    let stranger = Stranger::new(&installation.place);
    let run = installation.run_json();
    assert_eq!(run["admin"], installation.place.operator(0));
    nix::sys::signal::kill(installation.nats_pid(), nix::sys::signal::Signal::SIGSTOP).unwrap();
    let reason = tests::kit::until("it is not ready", async || {
        let said = stranger.operates("/readyz").await;
        (said.status == 503).then_some(said.json)
    })
    .await;
    assert!(reason["reasons"][0]["component"].is_string(), "{reason}");
    let said = stranger.ask("GET", "/readyz").once().await;
    assert_eq!((said.status, said.json), (503, json!({"status": "unavailable"})));
    assert_eq!(stranger.ask("GET", "/livez").once().await.status, 200);
    nix::sys::signal::kill(installation.nats_pid(), nix::sys::signal::Signal::SIGCONT).unwrap();
    tests::kit::until("it is ready again", async || {
        (stranger.ask("GET", "/readyz").once().await.status == 200).then_some(())
    })
    .await;
}

async fn public_routes_do_not_wait_for_a_position(place: Place) {
    let ada = Person::register(&place, "ada").await;
    let stranger = Stranger::new(&place);
    ada.group(&[]).await;
    let position = place.newest.lock().unwrap().1.clone();
    let beyond = format!("{}:99999999", position.split(':').next().unwrap());
    for path in ["/docs", "/openapi.json", "/", "/livez", "/readyz", "/.well-known/jwks.json"] {
        for minimum in [beyond.as_str(), "nonsense"] {
            let begun = Instant::now();
            let asked = stranger.ask("GET", path).header("tidings-min-position", minimum);
            assert_eq!(asked.once().await.status, 200, "{path}");
            assert!(
                begun.elapsed() < Duration::from_millis(1_500),
                "{path}: {:?}",
                begun.elapsed()
            );
        }
    }
    // A caller with a session may wait, and is refused what cannot be reached.
    let asked = ada.ask("GET", "/v1/users/me").header("tidings-min-position", &beyond);
    asked.once().await.problem(503, "projection_lagging");
    let asked = ada.ask("GET", "/v1/users/me").header("tidings-min-position", "nonsense");
    asked.once().await.problem(400, "validation_failed");
}
