//! Who asks too often is told so, and when to come back.

use std::num::NonZeroU32;
use std::time::Duration;

use gateway::Rate;
use reqwest::Method;
use serde_json::json;

use crate::kit::{Kit, problem};

fn rate(count: u32) -> Option<Rate> {
    Some(Rate { count: NonZeroU32::new(count).unwrap(), per: Duration::from_secs(60) })
}

#[tokio::test]
async fn each_person_has_an_allowance_of_his_own() {
    let kit = Kit::start_with(|config| config.rate_requests = rate(3)).await;
    for left in [2, 1, 0] {
        let answer = kit.get("/v1/rooms", 1).await;
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.headers()["ratelimit-policy"], "\"default\";q=3;w=60");
        let limit = answer.headers()["ratelimit"].to_str().unwrap().to_owned();
        assert!(limit.starts_with(&format!("\"default\";r={left};t=")), "{limit}");
    }
    let refused = kit.get("/v1/rooms", 1).await;
    let wait: u32 = refused.headers()["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=20).contains(&wait), "{wait}");
    let (status, code, body) = problem(refused).await;
    assert_eq!((status, code.as_str(), &body["retryable"]), (429, "rate_limited", &json!(true)));
    assert_eq!(kit.get("/v1/rooms", 2).await.status(), 200);
}

#[tokio::test]
async fn attempts_are_counted_by_address_whatever_the_client_says_of_itself() {
    let kit = Kit::start_with(|config| config.rate_auth = rate(2)).await;
    let mut statuses = Vec::new();
    for number in 0..4 {
        let request = kit.request(Method::POST, "/v1/sessions");
        let request = request.header("x-forwarded-for", format!("10.0.0.{number}"));
        let answer = request.json(&json!({"login": 7})).send().await.unwrap();
        assert!(answer.headers().contains_key("ratelimit"));
        statuses.push(problem(answer).await.0);
    }
    assert_eq!(statuses, [400, 400, 429, 429]);
    assert_eq!(kit.get("/v1/rooms", 1).await.status(), 200);
}
