//! The service, rebuild and verify on a real log.

use std::sync::Mutex;

use projector::{
    DifferenceKind, Phase, Progress, ProjectError, RebuildOptions, Until, rebuild, verify,
};
use readmodel::{Anchor, Document, Key, ReadModel, SightingDoc, Term, Threads, Want};
use schemas::Timestamp;

use crate::kit::*;
use crate::log::{Log, reached, until};
use crate::server::mongo;

cases!(
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    events_become_readable,
    the_end_is_followed_past_what_is_no_event,
    of_two_projectors_one_works,
    a_rebuild_is_not_noticed,
    a_rebuild_without_a_projector,
    a_snapshot_of_the_past,
    verify_finds_what_is_wrong,
    verify_while_the_projector_runs,
    another_log_makes_another_read_model,
    a_log_that_lost_its_end_stops_the_projection,
    a_rebuild_that_died_is_forgotten,
);

pub(crate) fn silent(_: Progress) {}

/// Two people in a room in which the first says `posts` things.
pub(crate) fn talk(posts: u64) -> History {
    let mut history = History::default();
    history.register(1, "ada");
    history.register(2, "bob");
    history.create_room(1, "Talk");
    history.join(1, 1);
    history.join(1, 2);
    more_talk(&mut history, 1, posts);
    history
}

pub(crate) fn more_talk(history: &mut History, from: u64, to: u64) {
    for id in from..=to {
        history.post(1, id, 1);
    }
}

pub(crate) async fn last_number(model: &ReadModel) -> u64 {
    model.current().room(&room(1)).await.unwrap().map_or(0, |found| found.last_number)
}

async fn events_become_readable(place: &Place) {
    let log = Log::start(&place.namespace).await;
    let mut feed = log.bus().await.checkpoints().await.unwrap();
    let mut history = talk(3);
    let last = log.append(&history, 0).await;
    let running = log.projector(&place.model).await;
    reached(place, last).await;
    assert_eq!(last_number(&place.model).await, 3);
    let told = loop {
        let told = feed.next().await.unwrap();
        if told.position.sequence == last {
            break told;
        }
    };
    assert_eq!((told.position.epoch, told.generation), (log.log.epoch(), place.model.generation()));
    let from = history.events.len();
    more_talk(&mut history, 4, 50);
    let last = log.append(&history, from).await;
    reached(place, last).await;
    assert_eq!(last_number(&place.model).await, 50);
    assert!(running.health.ready().is_ok());
    let metrics = running.metrics.encode();
    assert!(metrics.contains(&format!("\ntidings_projector_checkpoint {last}")), "{metrics}");
    running.stop().await;
    let verified = verify(&log.log, &place.model, &silent).await.unwrap();
    assert!(verified.clean(), "{verified:?}");
    assert_eq!(verified.position.sequence, last);
}

async fn the_end_is_followed_past_what_is_no_event(place: &Place) {
    let log = Log::start(&place.namespace).await;
    let mut history = talk(1);
    let last = log.append(&history, 0).await;
    let running = log.projector(&place.model).await;
    reached(place, last).await;
    for id in 2..=6 {
        log.append_junk_to(&format!("session.{}", user(1))).await;
        let from = history.events.len();
        more_talk(&mut history, id, id);
        reached(place, log.append(&history, from).await).await;
        assert_eq!(last_number(&place.model).await, id);
    }
    running.stop().await;
}

async fn of_two_projectors_one_works(place: &Place) {
    let log = Log::start(&place.namespace).await;
    let mut history = talk(1);
    let first = log.projector(&place.model).await;
    let other = ReadModel::open(&place.url, &place.namespace).await.unwrap();
    let second = log.projector(&other).await;
    log.append(&history, 0).await;
    let from = history.events.len();
    more_talk(&mut history, 2, 200);
    let last = log.append(&history, from).await;
    reached(place, last).await;
    // Exactly one of them is active, whichever was faster; it is ended as by kill -9.
    let active = |running: &crate::log::Running| {
        running.metrics.encode().contains("\ntidings_projector_active 1")
    };
    until("one is active", async || active(&first) != active(&second)).await;
    let survivor = if active(&first) {
        first.kill().await;
        second
    } else {
        second.kill().await;
        first
    };
    let from = history.events.len();
    more_talk(&mut history, 201, 300);
    let last = log.append(&history, from).await;
    reached(place, last).await;
    other.wait_for(last, crate::log::PATIENCE).await.unwrap();
    assert_eq!((last_number(&place.model).await, last_number(&other).await), (300, 300));
    survivor.stop().await;
    let verified = verify(&log.log, &place.model, &silent).await.unwrap();
    assert!(verified.clean(), "{verified:?}");
}

async fn a_rebuild_is_not_noticed(place: &Place) {
    let log = Log::start(&place.namespace).await;
    let mut history = talk(100);
    let running = log.projector(&place.model).await;
    let last = log.append(&history, 0).await;
    reached(place, last).await;
    let before = contents(&place.model.writer()).await;
    let old = place.model.generation();
    // From another process, as an operator would, while people go on talking.
    let operator = ReadModel::open(&place.url, &place.namespace).await.unwrap();
    let heard = Mutex::new(Vec::new());
    let options = RebuildOptions::default();
    let from = history.events.len();
    more_talk(&mut history, 101, 400);
    let on_progress = |progress| heard.lock().unwrap().push(progress);
    let rebuilding = rebuild(&log.log, &operator, &options, &on_progress);
    let (rebuilt, last) = tokio::join!(rebuilding, log.append(&history, from));
    let rebuilt = rebuilt.unwrap();
    assert!(rebuilt.switched && rebuilt.generation != old, "{rebuilt:?}");
    reached(place, last).await;
    until("the switch is noticed", async || place.model.generation() == rebuilt.generation).await;
    reached(place, last).await;
    assert_eq!(last_number(&place.model).await, 400);
    assert_eq!(place.model.generations().await.unwrap(), [rebuilt.generation]);
    assert!(heard.lock().unwrap().iter().any(|progress| progress.phase == Phase::Build));
    running.stop().await;
    let after = contents(&place.model.writer()).await;
    assert!(before.keys().all(|key| after.contains_key(key)));
    let verified = verify(&log.log, &place.model, &silent).await.unwrap();
    assert!(verified.clean(), "{verified:?}");
}

async fn a_rebuild_without_a_projector(place: &Place) {
    let log = Log::start(&place.namespace).await;
    let last = log.append(&talk(20), 0).await;
    let options = RebuildOptions::default();
    let rebuilt = rebuild(&log.log, &place.model, &options, &silent).await.unwrap();
    assert_eq!((rebuilt.position.sequence, rebuilt.switched), (last, true));
    assert_eq!(place.model.known_checkpoint(), last);
    assert_eq!(last_number(&place.model).await, 20);
}

async fn a_snapshot_of_the_past(place: &Place) {
    let log = Log::start(&place.namespace).await;
    let mut history = talk(10);
    let then = log.append(&history, 0).await;
    let moment = log.log.get(then).await.unwrap().unwrap().stored_at;
    // The server's clock must have moved on before the rest is written.
    until("a later moment", async || Timestamp::now() > moment).await;
    let from = history.events.len();
    more_talk(&mut history, 11, 15);
    log.append(&history, from).await;
    let live = place.model.generation();
    for until in [Until::Position(log.log.epoch().at(then)), Until::Time(moment)] {
        let options = RebuildOptions { until: Some(until) };
        let built = rebuild(&log.log, &place.model, &options, &silent).await.unwrap();
        assert_eq!((built.position.sequence, built.switched), (then, false));
        let store = place.model.open_generation(&built.generation).await.unwrap().unwrap();
        let messages = store.timeline(&room(1), Threads::Shown, Anchor::Latest, 100).await.unwrap();
        assert_eq!(messages.len(), 10);
        // Once more: it takes the place of the first.
        rebuild(&log.log, &place.model, &options, &silent).await.unwrap();
    }
    assert_eq!(place.model.generation(), live);
    let far = Until::Position(log.log.epoch().at(1_000_000));
    let refused =
        rebuild(&log.log, &place.model, &RebuildOptions { until: Some(far) }, &silent).await;
    assert!(matches!(refused, Err(ProjectError::Refused(_))), "{refused:?}");
    assert!(Until::parse("yesterday").is_err());
    assert!(matches!(Until::parse("e1:7"), Ok(Until::Position(_))));
    assert!(matches!(Until::parse("2026-11-21T10:00:00Z"), Ok(Until::Time(_))));
}

async fn verify_finds_what_is_wrong(place: &Place) {
    let log = Log::start(&place.namespace).await;
    let history = talk(30);
    let last = log.append(&history, 0).await;
    let options = RebuildOptions::default();
    rebuild(&log.log, &place.model, &options, &silent).await.unwrap();
    let store = place.model.writer();
    let wants = vec![Want::Key(Key::Message(message(3))), Want::Key(Key::Room(room(1)))];
    let mut wrong = Vec::new();
    for doc in store.load(wants).await.unwrap() {
        match doc {
            Document::Message(message) => {
                let mut message = message.as_ref().clone();
                message.body = "never said".to_owned();
                wrong.push(Document::Message(message.clone().into()));
                message.id = crate::kit::message(900);
                message.number = 900;
                wrong.push(Document::Message(message.into()));
            }
            Document::Room(mut room) => {
                std::sync::Arc::make_mut(&mut room).last_number = 31;
                wrong.push(Document::Room(room));
            }
            _ => {}
        }
    }
    store.commit(last, log.log.epoch().at(last), wrong).await.unwrap();
    // One more that the live generation claims to have and has not.
    let mut later = history.clone();
    later.register(9, "zoe");
    let last = log.append(&later, history.events.len()).await;
    store.commit(last - 1, log.log.epoch().at(last), vec![]).await.unwrap();
    let verified = verify(&log.log, &place.model, &silent).await.unwrap();
    let mut found: Vec<(String, DifferenceKind)> = verified
        .differences
        .iter()
        .map(|difference| (difference.key.clone(), difference.kind.clone()))
        .collect();
    found.sort_by(|a, b| a.0.cmp(&b.0));
    let changed = |field: &str| DifferenceKind::Changed(vec![field.to_owned()]);
    // It is found in the audit trail by whom it happened to; the rest of it occurred before.
    let seen = SightingDoc::new(Term::subject(user(9).as_str()), Timestamp::from_millis(1), last);
    let expected = [
        (message(3).to_string(), changed("body")),
        (message(900).to_string(), DifferenceKind::Unexpected),
        (room(1).to_string(), changed("last_number")),
        (seen.id.to_string(), DifferenceKind::Missing),
        (user(9).to_string(), DifferenceKind::Missing),
    ];
    assert_eq!(found, expected);
    assert!(!verified.clean());
    assert_eq!(place.model.generations().await.unwrap().len(), 1);
}

async fn verify_while_the_projector_runs(place: &Place) {
    let log = Log::start(&place.namespace).await;
    let mut history = talk(50);
    let running = log.projector(&place.model).await;
    let last = log.append(&history, 0).await;
    reached(place, last).await;
    let from = history.events.len();
    more_talk(&mut history, 51, 800);
    let talking = log.append(&history, from);
    let verifying = async {
        let mut verified = Vec::new();
        for _ in 0..3 {
            verified.push(verify(&log.log, &place.model, &silent).await.unwrap());
        }
        verified
    };
    let (verified, last) = tokio::join!(verifying, talking);
    for one in verified {
        assert!(one.clean(), "{one:?}");
    }
    reached(place, last).await;
    running.stop().await;
}

async fn another_log_makes_another_read_model(place: &Place) {
    let old = Log::start(&place.namespace).await;
    let last = old.append(&talk(30), 0).await;
    let running = old.projector(&place.model).await;
    reached(place, last).await;
    running.stop().await;
    let new = Log::start(&place.namespace).await;
    let last = new.append(&talk(2), 0).await;
    let running = new.projector(&place.model).await;
    until("built anew", async || {
        let checkpoint = place.model.current().checkpoint().await.unwrap();
        checkpoint.position() == Some(new.log.epoch().at(last))
    })
    .await;
    assert_eq!(last_number(&place.model).await, 2);
    running.stop().await;
}

async fn a_log_that_lost_its_end_stops_the_projection(place: &Place) {
    let log = Log::start(&place.namespace).await;
    let last = log.append(&talk(3), 0).await;
    // What the read model has projected and the log does not have any more.
    let mut lost = talk(3);
    lost.register(7, "lost");
    let store = place.model.writer();
    let mut engine = projector::Engine::open(store, log.log.epoch()).await.unwrap();
    engine.apply(&lost.events, last + 1).await.unwrap();
    let generation = place.model.generation();
    let running = log.projector(&place.model).await;
    until("it says so", async || {
        let reasons = running.health.ready().err().unwrap_or_default();
        reasons.iter().any(|one| one.reason.contains(&format!("ends at {last}")))
    })
    .await;
    // Nothing is built anew from less than there was.
    assert_eq!(place.model.generation(), generation);
    assert_eq!(place.model.current().checkpoint().await.unwrap().sequence, last + 1);
    running.stop().await;
}

async fn a_rebuild_that_died_is_forgotten(place: &Place) {
    let log = Log::start(&place.namespace).await;
    let left = place.model.create_generation().await.unwrap();
    let last = log.append(&talk(3), 0).await;
    let options = RebuildOptions::default();
    let rebuilt = rebuild(&log.log, &place.model, &options, &silent).await.unwrap();
    assert_eq!(rebuilt.position.sequence, last);
    assert_ne!(rebuilt.generation, left.generation());
    assert_eq!(place.model.generations().await.unwrap(), [rebuilt.generation]);
}

/// kill -9 of the database in the middle of batches: whatever was committed is there with its checkpoint,
/// whatever was not is projected again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mongodb_killed_at_work() {
    let Some(mut server) = mongo().await else { return };
    let place = Place::mongo(&server.url()).await;
    let log = Log::start(&place.namespace).await;
    let mut history = talk(300);
    let running = log.projector(&place.model).await;
    log.append(&history, 0).await;
    for round in 1..=2 {
        let from = history.events.len();
        let said = last_posted(&history);
        more_talk(&mut history, said + 1, said + 300);
        let kill = async {
            // Somewhere in the middle of what is being written.
            let middle = u64::try_from(from).unwrap() + 100 * round;
            assert!(place.model.wait_for(middle, crate::log::PATIENCE).await.is_ok());
            server.kill();
            server.revive();
        };
        let (last, ()) = tokio::join!(log.append(&history, from), kill);
        until("projected after the database came back", async || {
            place.model.wait_for(last, std::time::Duration::from_millis(100)).await.is_ok()
        })
        .await;
    }
    running.stop().await;
    assert_eq!(last_number(&place.model).await, 900);
    let verified = verify(&log.log, &place.model, &silent).await.unwrap();
    assert!(verified.clean(), "{verified:?}");
}

fn last_posted(history: &History) -> u64 {
    // Everything after the first five events is a post.
    u64::try_from(history.events.len()).unwrap() - 5
}
