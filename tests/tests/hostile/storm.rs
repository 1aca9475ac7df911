//! Far more logins than there are cores for: the queue is bounded, the surplus is told to come back, and
//! chat goes on.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use serde_json::json;
use tests::kit::installation::Place;
use tests::kit::person::Person;
use tests::kit::socket::Socket;
use tokio::time::Instant;

use crate::scene;

/// At once under way: twenty times and more what two cores can hash in a second at cost 10.
const AT_ONCE: usize = 400;
/// Posts whose times are compared.
const POSTS: usize = 60;

#[tokio::test]
async fn a_storm_of_logins_leaves_chat_alone() {
    let flags = [
        "--bcrypt-cost",
        "10",
        "--rate-auth",
        "off",
        "--rate-requests",
        "off",
        "--rate-frames",
        "off",
    ];
    scene::play_elsewhere(&flags, storm).await;
}

async fn storm(place: Place) {
    let ada = Person::register(&place, "ada").await;
    let room = ada.group(&[]).await;
    let mut socket = ada.connect().await;
    let calm = posts(&mut socket, &room).await;

    let stop = Arc::new(AtomicBool::new(false));
    let client =
        reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(40)).build().unwrap();
    let url = format!("{}/v1/sessions", place.url(0));
    let attackers: Vec<_> = (0..AT_ONCE)
        .map(|number| {
            let (client, url, stop) = (client.clone(), url.clone(), Arc::clone(&stop));
            // Half of them know a password, which makes their logins dearer.
            let known = number % 2 == 0;
            let password = if known { ada.password.clone() } else { "secret of nobody".to_owned() };
            let body = json!({"login": ada.username, "password": password});
            tokio::spawn(async move { attack(&client, &url, &body, &stop).await })
        })
        .collect();
    let stormy = posts(&mut socket, &room).await;
    stop.store(true, Ordering::SeqCst);
    let mut statuses: Vec<u16> = Vec::new();
    for one in join_all(attackers).await {
        statuses.extend(one.unwrap());
    }
    let count = |wanted: u16| statuses.iter().filter(|status| **status == wanted).count();
    let (p99_calm, p99_stormy) = (p99(calm), p99(stormy));
    report(p99_calm, p99_stormy, statuses.len(), count(503), count(201));
    assert!(statuses.iter().all(|status| [201, 401, 429, 503].contains(status)), "{statuses:?}");
    assert!(count(503) + count(429) > 0, "the queue has no end: {} answers", statuses.len());
    assert!(count(201) + count(401) > 0, "nobody was served");
    // Twice is the goal, measured by the bench on a quiet machine; here it must not be another world.
    assert!(
        p99_stormy < p99_calm * 2 + Duration::from_secs(2),
        "{p99_calm:?} became {p99_stormy:?}"
    );
    // Afterwards logging in works as before.
    tests::kit::until("the storm is over", async || {
        let body = json!({"login": ada.username, "password": ada.password});
        let reply = tests::kit::person::Stranger::new(&place).post("/v1/sessions", body).await;
        (reply.status == 201).then_some(())
    })
    .await;
}

/// Logs in again and again without waiting as told; the answers.
async fn attack(
    client: &reqwest::Client,
    url: &str,
    body: &serde_json::Value,
    stop: &AtomicBool,
) -> Vec<u16> {
    let mut statuses = Vec::new();
    while !stop.load(Ordering::SeqCst) {
        let Ok(answer) = client.post(url).json(body).send().await else { continue };
        let status = answer.status().as_u16();
        if status == 503 {
            assert!(answer.headers().contains_key("retry-after"), "503 says when to come back");
        }
        statuses.push(status);
    }
    statuses
}

/// How long posts take from the socket to their answer.
async fn posts(socket: &mut Socket, room: &str) -> Vec<Duration> {
    let mut times = Vec::new();
    for number in 0..POSTS {
        let begun = Instant::now();
        socket.post(room, &format!("unspeakable {number}")).await;
        times.push(begun.elapsed());
    }
    times
}

fn p99(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() * 99 / 100]
}

#[expect(clippy::print_stderr, reason = "a measure beside the test's result")]
fn report(calm: Duration, stormy: Duration, answers: usize, refused: usize, served: usize) {
    eprintln!(
        "chat p99 {calm:?} in calm, {stormy:?} in a storm of {answers} logins, {refused} put off, {served} served"
    );
}
