//! The same request with the same `Idempotency-Key` happens once.

use std::collections::HashSet;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::future::{join, join_all, select};
use reqwest::{Method, Response};
use serde_json::{Value, json};
use testbed::until;

use crate::kit::{Kit, problem};

async fn make(kit: &Kit, number: u128, key: &str, name: &str) -> Response {
    let request = kit.request(Method::POST, "/v1/rooms").bearer_auth(kit.token(number));
    let body = json!({"kind": "channel", "name": name});
    request.header("idempotency-key", key).json(&body).send().await.unwrap()
}

#[tokio::test]
async fn a_repeat_is_answered_with_the_first_answer() {
    let kit = Kit::start().await;
    let first = make(&kit, 1, "k1", "tea").await;
    let position = first.headers()["tidings-position"].clone();
    assert_eq!(first.status(), 201);
    let first: Value = first.json().await.unwrap();
    let second = make(&kit, 1, "k1", "tea").await;
    assert_eq!((second.status().as_u16(), &second.headers()["tidings-position"]), (201, &position));
    assert_eq!(second.headers()["idempotent-replayed"], "true");
    assert_eq!(second.json::<Value>().await.unwrap(), first);
    assert_eq!(kit.script.rooms_made.load(Ordering::Relaxed), 1);
    // Another user's key of the same name is another key.
    assert_eq!(make(&kit, 2, "k1", "coffee").await.status(), 201);
}

#[tokio::test]
async fn a_key_is_for_one_request() {
    let kit = Kit::start().await;
    assert_eq!(make(&kit, 1, "k1", "tea").await.status(), 201);
    let other = problem(make(&kit, 1, "k1", "coffee").await).await;
    assert_eq!((other.0, other.1.as_str()), (422, "idempotency_mismatch"));
    for bad in ["", "a b", &"x".repeat(129), "é"] {
        assert_eq!(problem(make(&kit, 1, bad, "tea").await).await.0, 400, "{bad}");
    }
}

#[tokio::test]
async fn a_refusal_leaves_the_key_free() {
    let kit = Kit::start().await;
    kit.script.refuse_rooms.store(true, Ordering::Relaxed);
    assert_eq!(problem(make(&kit, 1, "k1", "tea").await).await.1, "already_exists");
    kit.script.refuse_rooms.store(false, Ordering::Relaxed);
    assert_eq!(make(&kit, 1, "k1", "coffee").await.status(), 201);
}

#[tokio::test]
async fn a_repeat_while_the_first_is_under_way_is_told_to_wait() {
    let kit = Kit::start().await;
    let held = kit.script.gate.lock().await;
    // Whichever comes first is carried out and held at the gate; the other one must not wait as long.
    let (one, other) = (make(&kit, 1, "k1", "tea"), make(&kit, 1, "k1", "tea"));
    let (refused, first) = select(Box::pin(one), Box::pin(other)).await.factor_first();
    assert_eq!(refused.headers()["retry-after"], "1");
    let (_, code, body) = problem(refused).await;
    assert_eq!((code.as_str(), &body["retryable"]), ("conflict", &json!(true)));
    drop(held);
    assert_eq!(first.await.status(), 201);
    assert_eq!(make(&kit, 1, "k1", "tea").await.status(), 201);
    assert_eq!(kit.script.rooms_made.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn equal_requests_at_once_have_one_answer() {
    let kit = Kit::start().await;
    let held = kit.script.gate.lock().await;
    let all = join_all((0..30).map(|_| make(&kit, 1, "k1", "tea")));
    let open_when_all_wait = async {
        until("thirty requests wait", async || {
            kit.metrics.encode().contains("http_requests_in_flight 30\n").then_some(())
        })
        .await;
        drop(held);
    };
    let (answers, ()) = join(all, open_when_all_wait).await;
    let mut rooms = HashSet::new();
    for answer in answers {
        assert_eq!(answer.status(), 201);
        rooms.insert(answer.text().await.unwrap());
    }
    assert_eq!(rooms.len(), 1, "{rooms:?}");
    assert_eq!(kit.script.rooms_made.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn who_gives_up_waiting_finds_the_answer_later() {
    let kit = Kit::start().await;
    let held = kit.script.gate.lock().await;
    let request = kit.request(Method::POST, "/v1/rooms").bearer_auth(kit.token(1));
    let body = json!({"kind": "channel", "name": "tea"});
    let request = request.header("idempotency-key", "k1").json(&body);
    assert!(request.timeout(Duration::from_millis(300)).send().await.is_err());
    drop(held);
    let answer = until("the first has been carried out", async || {
        let answer = make(&kit, 1, "k1", "tea").await;
        (answer.status() == 201).then_some(answer)
    });
    assert_eq!(answer.await.headers()["idempotent-replayed"], "true");
    assert_eq!(kit.script.rooms_made.load(Ordering::Relaxed), 1);
}
