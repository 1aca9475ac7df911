//! Whether an address belongs to an account must not be told: neither by an answer nor by the time it takes.
//!
//! Both sides are asked in turn, and neither is always first. In the long suite each gives 1,000 samples, whose medians
//! lie within a tenth of one another; otherwise a few, whose times count for nothing.

use std::future::Future;
use std::time::{Duration, Instant};

use futures_util::{StreamExt as _, stream};
use serde_json::{Value, json};
use tests::kit::http::Reply;
use tests::kit::installation::Place;
use tests::kit::person::{Person, Stranger};
use tests::kit::unique;

use crate::scene;

/// What two answers may differ by, whatever was asked.
const OF_EACH_ANSWER: [&str; 4] = ["trace_id", "reset_id", "verification_id", "expires_at"];
/// How far the medians may lie apart.
const APART: f64 = 0.1;

/// Samples of a side.
fn samples() -> usize {
    if scene::long() { 1_000 } else { 4 }
}

/// An answer without what differs in any case: status, names of headers, body.
fn seen(reply: &Reply) -> (u16, Vec<String>, Value) {
    let mut headers: Vec<String> = reply.headers.keys().map(ToString::to_string).collect();
    headers.sort_unstable();
    let mut body = reply.json.clone();
    for field in OF_EACH_ANSWER {
        if let Some(value) = body.get_mut(field) {
            *value = value.is_string().into();
        }
    }
    (reply.status, headers, body)
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

/// Asks about a known address and about another, as often as there are to be samples, `at_once` at the same time. What is
/// asked is given the number of the pair and whether the address is known.
async fn compare<F: Future<Output = Reply>>(at_once: usize, ask: impl Fn(usize, bool) -> F) {
    let ask = &ask;
    let turns = (0..samples()).flat_map(|pair| {
        let first = pair % 2 == 0;
        [(pair, first), (pair, !first)]
    });
    let mut replies = stream::iter(turns)
        .map(|(pair, known)| async move {
            let begun = Instant::now();
            let reply = ask(pair, known).await;
            (known, begun.elapsed(), seen(&reply))
        })
        .buffer_unordered(at_once);
    let (mut known_times, mut unknown_times) = (Vec::new(), Vec::new());
    let mut first = None;
    while let Some((known, took, answer)) = replies.next().await {
        let first = first.get_or_insert_with(|| answer.clone());
        assert_eq!(*first, answer, "known: {known}");
        if known { known_times.push(took) } else { unknown_times.push(took) }
    }
    assert_eq!((known_times.len(), unknown_times.len()), (samples(), samples()));
    let (known, unknown) = (median(known_times), median(unknown_times));
    if scene::long() {
        let ratio = known.as_secs_f64() / unknown.as_secs_f64();
        let alike = (ratio - 1.0).abs() <= APART;
        assert!(alike, "{known:?} for known addresses, {unknown:?} for others");
    }
}

/// Flags without any limit, at a cost that makes a hash the greatest part of the time, as in production.
fn flags(cost: &str) -> Vec<&str> {
    let mut flags = scene::without_limits_at_cost(cost).to_vec();
    flags.extend(["--rate-codes", "off"]);
    flags
}

async fn crowd(place: &Place, count: usize) -> Vec<Person> {
    let register = |number| async move { Person::register(place, &format!("known{number}")).await };
    stream::iter(0..count).map(register).buffered(4).collect().await
}

fn absent() -> String {
    format!("{}@example.org", unique("absent"))
}

#[tokio::test]
async fn logins_answer_alike() {
    scene::play_elsewhere(&flags("9"), logins).await;
}

async fn logins(place: Place) {
    // Logged in from here, so that any number of wrong passwords is taken from here.
    let (ada, stranger) = (Person::register(&place, "ada").await, Stranger::new(&place));
    let (ada, stranger) = (&ada, &stranger);
    compare(2, |_, known| async move {
        // Of a name that no account has ten wrong passwords are taken: each has one of its own.
        let login = if known { ada.email.clone() } else { absent() };
        let body = json!({"login": login, "password": "no such secret"});
        let reply = stranger.post("/v1/sessions", body).await;
        assert_eq!(reply.status, 401, "{}", reply.text);
        reply
    })
    .await;
}

#[tokio::test]
async fn password_resets_answer_alike() {
    scene::play_elsewhere(&flags("4"), password_resets).await;
}

async fn password_resets(place: Place) {
    // Five resets of an account may live; for more there is no mail, which would be less to do.
    let (people, stranger) = (crowd(&place, samples().div_ceil(5)).await, Stranger::new(&place));
    let (people, stranger) = (&people, &stranger);
    compare(10, |pair, known| async move {
        let email = if known { people[pair % people.len()].email.clone() } else { absent() };
        let reply = stranger.post("/v1/password-resets", json!({"email": email})).await;
        assert_eq!(reply.status, 202, "{}", reply.text);
        reply
    })
    .await;
}

#[tokio::test]
async fn verifications_of_an_address_answer_alike() {
    scene::play_elsewhere(&flags("9"), verifications).await;
}

/// The code for an address that another account has is never sent: its holder is told instead.
async fn verifications(place: Place) {
    let (askers, holders) = (crowd(&place, 8).await, crowd(&place, 8).await);
    let free: Vec<String> = askers.iter().map(|_| absent()).collect();
    let (askers, holders, free) = (&askers, &holders, &free);
    compare(2, |pair, known| async move {
        // The two of a pair are asked by different people, each of whom has one password checked at a time.
        let number = pair % askers.len();
        let asker = &askers[if known { number } else { (number + 4) % askers.len() }];
        let email = if known { &holders[number].email } else { &free[number] };
        let body = json!({"email": email, "password": asker.password});
        let reply = asker.post("/v1/users/me/email", body).await;
        assert_eq!(reply.status, 202, "{}", reply.text);
        reply
    })
    .await;
}
