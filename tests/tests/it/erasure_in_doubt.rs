//! A deletion of an account whose answer is lost.

use serde_json::json;
use tests::kit::chaos::Fate;
use tests::kit::person::{Person, Stranger};
use tests::kit::separate::Separate;

use crate::erasure::done;

/// A deletion that was carried out and whose answer was lost: no session is left to repeat it with, and yet its user can
/// follow it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deletion_whose_answer_is_lost_can_be_followed() {
    let separate = Separate::start("sqlite");
    let place = &separate.place;
    place.found().await;
    // The second gateway hears of the others through the proxy.
    let ada = Person::register_at(place, 1, "ada").await;
    let wrong = ada.ask("DELETE", "/v1/users/me").json(json!({"password": "not the password"}));
    let refused = wrong.send().await.problem(401, "invalid_credentials");
    assert!(refused.get("erasure_id").is_none(), "{refused}");
    separate.proxy.decide(|passing| {
        let is_answer = passing.subject.starts_with("_INBOX.");
        let names_it = passing.content.windows(4).any(|four| four == b"ers_");
        if is_answer && names_it { Fate::Lose } else { Fate::Pass }
    });
    let deletion = ada.ask("DELETE", "/v1/users/me").json(json!({"password": ada.password}));
    let reply = deletion.send().await;
    assert!(!reply.header("retry-after").is_empty());
    assert_eq!(reply.header("content-type"), "application/problem+json");
    let doubtful = reply.problem(503, "unavailable");
    separate.proxy.heal();
    let id = doubtful["erasure_id"].as_str().expect("the id of the erasure");
    ada.ask("DELETE", "/v1/users/me")
        .json(json!({"password": ada.password}))
        .once()
        .await
        .any_problem(401..=401);
    done(&Stranger::new(place), id).await;
}
