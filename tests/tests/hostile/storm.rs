//! Far more logins than the cores can hash: the queue is bounded, the surplus is told to retry, and
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

/// Attackers, and how often each begins to log in: together some 700 times a second, which is twenty times
/// what two cores can hash at cost 10.
const ATTACKERS: usize = 400;
const EVERY: Duration = Duration::from_millis(570);
/// Posts whose times are compared.
const POSTS: usize = 100;

#[tokio::test]
async fn a_storm_of_logins_leaves_chat_alone() {
    scene::play_elsewhere(&scene::without_limits_at_cost("10"), storm).await;
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
    let attackers: Vec<_> = (0..ATTACKERS)
        .map(|number| {
            let (client, url, stop) = (client.clone(), url.clone(), Arc::clone(&stop));
            // Half of them know a password, which makes their logins dearer.
            let known = number % 2 == 0;
            let password = if known { ada.password.clone() } else { "no such secret".to_owned() };
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
    let (calm, stormy) = (sorted(calm), sorted(stormy));
    let p50_stormy = stormy[POSTS / 2];
    report(&calm, &stormy, &[statuses.len(), count(503), count(201) + count(401)]);
    assert!(statuses.iter().all(|status| [201, 401, 429, 503].contains(status)), "{statuses:?}");
    assert!(count(503) + count(429) > 0, "the queue has no end: {} answers", statuses.len());
    assert!(count(201) + count(401) > 0, "no login was served");
    // Twice is the goal of the bench, on a machine that does nothing else. Here it is that chat goes on.
    assert!(p50_stormy < Duration::from_secs(3), "{calm:?} became {stormy:?}");
    // Afterwards logging in works as before.
    tests::kit::until("the storm is over", async || {
        let body = json!({"login": ada.username, "password": ada.password});
        let reply = tests::kit::person::Stranger::new(&place).post("/v1/sessions", body).await;
        (reply.status == 201).then_some(())
    })
    .await;
}

/// Logs in again and again, waiting less than it is told to; returns the answers.
async fn attack(
    client: &reqwest::Client,
    url: &str,
    body: &serde_json::Value,
    stop: &AtomicBool,
) -> Vec<u16> {
    let mut statuses = Vec::new();
    let mut pace = tokio::time::interval(EVERY);
    pace.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    while !stop.load(Ordering::SeqCst) {
        pace.tick().await;
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

fn sorted(mut times: Vec<Duration>) -> Vec<Duration> {
    times.sort();
    times
}

#[expect(clippy::print_stderr, reason = "a measure beside the test's result")]
fn report(calm: &[Duration], stormy: &[Duration], counts: &[usize; 3]) {
    let (p50, p99) = (POSTS / 2, POSTS * 99 / 100);
    let [all, refused, served] = counts;
    eprintln!(
        "posting takes {:?} (p99 {:?}) in calm, {:?} (p99 {:?}) in a storm of {all} logins, of which {refused} \
         were put off and {served} judged",
        calm[p50], calm[p99], stormy[p50], stormy[p99]
    );
}
