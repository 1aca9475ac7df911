//! What the service does while the read model cannot be read: it says so, tries on, and is well again by itself.

use std::path::{Path, PathBuf};

use readmodel::ReadModelUrl;

use crate::kit::*;
use crate::log::{Log, Running, reached, until};
use crate::server::mongo;
use crate::service::{last_number, more_talk, talk};

/// Whether the projector says that it is not well, and why.
fn says(running: &Running, why: &str) -> bool {
    let reasons = running.health.ready().err().unwrap_or_default();
    reasons.iter().any(|one| one.component == "projector" && one.reason.contains(why))
}

/// Makes a generation the live one whose file is none of a database, as a rebuild that was damaged would be.
fn damage(folder: &Path, live: &str) -> (PathBuf, Vec<u8>) {
    std::fs::write(folder.join("gen-99.db"), "damaged ".repeat(1000)).unwrap();
    let pointer = folder.join("current.json");
    let before = std::fs::read(&pointer).unwrap();
    let damaged = String::from_utf8(before.clone()).unwrap().replace(live, "gen-99");
    assert!(damaged.contains("gen-99"), "{damaged}");
    std::fs::write(&pointer, damaged).unwrap();
    (pointer, before)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_switch_to_a_generation_that_cannot_be_read() {
    let place = Place::sqlite().await;
    let ReadModelUrl::Sqlite(folder) = &place.url else { panic!("{:?}", place.url) };
    let log = Log::start(&place.namespace).await;
    let mut history = talk(3);
    let running = log.projector(&place.model).await;
    reached(&place, log.append(&history, 0).await).await;
    until("it is well", async || running.health.ready().is_ok()).await;
    let old = place.model.writer();
    let (pointer, before) = damage(folder, old.generation());
    old.set_retired(true).await.unwrap();
    let from = history.events.len();
    more_talk(&mut history, 4, 5);
    let last = log.append(&history, from).await;
    until("it says so", async || says(&running, "unreadable")).await;
    assert_eq!(last_number(&place.model).await, 3, "what there is can be read");
    std::fs::write(&pointer, before).unwrap();
    old.set_retired(false).await.unwrap();
    reached(&place, last).await;
    until("it is well again", async || running.health.ready().is_ok()).await;
    assert_eq!(last_number(&place.model).await, 5);
    running.stop().await;
}

/// A projector that has nothing to write notices all the same.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_goes_away_while_nothing_happens() {
    let Some(mut server) = mongo().await else { return };
    let place = Place::mongo(&server.url()).await;
    let log = Log::start(&place.namespace).await;
    let running = log.projector(&place.model).await;
    reached(&place, log.append(&talk(3), 0).await).await;
    until("it is well", async || running.health.ready().is_ok()).await;
    server.kill();
    until("it says so", async || says(&running, "read model")).await;
    server.revive();
    until("it is well again", async || running.health.ready().is_ok()).await;
    running.stop().await;
}
