//! A deletion of an account whose answer is lost, or that is asked for more than once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::future::join_all;
use serde_json::json;
use tests::kit::chaos::Fate;
use tests::kit::installation::Installation;
use tests::kit::person::{Ask, Person, Stranger};
use tests::kit::separate::Separate;
use tests::kit::until;

use crate::erasure::done;

/// Loses what answers a deletion; and everything that answers after it, if told so.
fn lose(separate: &Separate, and_all_after: bool) -> Arc<AtomicBool> {
    let lost = Arc::new(AtomicBool::new(false));
    let noted = Arc::clone(&lost);
    separate.proxy.decide(move |passing| {
        let is_answer = passing.subject.starts_with("_INBOX.");
        let names_it = passing.content.windows(4).any(|four| four == b"ers_");
        let loses = names_it || (and_all_after && noted.load(Ordering::SeqCst));
        if is_answer && loses {
            noted.store(true, Ordering::SeqCst);
            Fate::Lose
        } else {
            Fate::Pass
        }
    });
    lost
}

fn deletion(who: &Person) -> Ask {
    who.ask("DELETE", "/v1/users/me").json(json!({"password": who.password}))
}

/// A deletion that was carried out and whose answer was lost is found.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deletion_whose_answer_is_lost_is_found() {
    let separate = Separate::start("sqlite");
    let place = &separate.place;
    place.found().await;
    // The second gateway hears of the others through the proxy.
    let ada = Person::register_at(place, 1, "ada").await;
    let lost = lose(&separate, false);
    let begun = deletion(&ada).once().await.ok(202);
    assert!(lost.load(Ordering::SeqCst), "nothing was lost");
    separate.proxy.heal();
    done(&Stranger::new(place), begun["erasure_id"].as_str().unwrap()).await;
}

/// Where nothing is answered no session is left to repeat it with, and yet its user can follow it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deletion_that_is_in_doubt_can_be_followed() {
    let separate = Separate::start("sqlite");
    let place = &separate.place;
    place.found().await;
    let ada = Person::register_at(place, 1, "ada").await;
    let wrong = ada.ask("DELETE", "/v1/users/me").json(json!({"password": "not the password"}));
    let refused = wrong.send().await.problem(401, "invalid_credentials");
    assert!(refused.get("erasure_id").is_none(), "{refused}");
    lose(&separate, true);
    let reply = deletion(&ada).once().await;
    separate.proxy.heal();
    assert!(!reply.header("retry-after").is_empty());
    assert_eq!(reply.header("content-type"), "application/problem+json");
    let doubtful = reply.problem(503, "unavailable");
    assert!(doubtful["detail"].as_str().unwrap().contains("not found"), "{doubtful}");
    let id = doubtful["erasure_id"].as_str().expect("the id of the erasure");
    let again = until("the gateway hears of the others again", async || {
        let reply = deletion(&ada).once().await;
        (reply.status != 503).then_some(reply)
    });
    again.await.problem(401, "unauthenticated");
    done(&Stranger::new(place), id).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_deletions_at_once_one_begins_and_the_others_have_no_account() {
    let installation = Installation::relaxed(&[]);
    let place = &installation.place;
    place.found().await;
    let ada = Person::register(place, "ada").await;
    let replies = join_all((0..3).map(|_| async { deletion(&ada).once().await })).await;
    let (begun, others): (Vec<_>, Vec<_>) =
        replies.into_iter().partition(|reply| reply.status == 202);
    let ids: Vec<_> = begun.into_iter().map(|reply| reply.ok(202)["erasure_id"].clone()).collect();
    assert_eq!(ids.len(), 1, "{ids:?}");
    for other in others {
        other.any_problem(401..=401);
    }
    deletion(&ada).once().await.problem(401, "unauthenticated");
    done(&Stranger::new(place), ids[0].as_str().unwrap()).await;
}
