//! What the service does about events that cannot be read.

use projector::{ProjectError, RebuildOptions, rebuild, verify};
use readmodel::{Checkpoints, Group};

use crate::kit::*;
use crate::log::{Log, reached, until};
use crate::service::{last_number, more_talk, silent, talk};

cases!(
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    an_unreadable_event_stops_the_projection,
    an_unreadable_inbox_stops_nothing_else,
    what_nobody_projects_stops_nothing,
    what_a_newer_build_says_on_a_lane_of_its_own_is_not_passed_over,
);

/// On an unknown lane, which could have meant anything.
async fn an_unreadable_event_stops_the_projection(place: &Place) {
    let log = Log::start(&place.namespace).await;
    let mut history = talk(5);
    let last = log.append(&history, 0).await;
    log.append_junk().await;
    let from = history.events.len();
    more_talk(&mut history, 6, 9);
    log.append(&history, from).await;
    let running = log.projector(&place.model).await;
    reached(place, last).await;
    until("unready", async || running.health.ready().is_err()).await;
    until("stopped", async || running.metrics.encode().contains("\ntidings_projector_stopped 1"))
        .await;
    let reasons = running.health.ready().unwrap_err();
    assert!(reasons[0].reason.contains(&(last + 1).to_string()), "{reasons:?}");
    assert_eq!(place.model.current().checkpoint().await.unwrap().sequence, last);
    assert_eq!(last_number(&place.model).await, 5);
    let verified = verify(&log.log, &place.model, &silent).await.unwrap();
    let stand: Vec<Group> = verified.unverified.iter().map(|one| one.group).collect();
    assert_eq!(stand, Group::ALL, "{verified:?}");
    assert!(verified.matching() && !verified.clean(), "{verified:?}");
    let refused = rebuild(&log.log, &place.model, &RebuildOptions::default(), &silent).await;
    assert!(matches!(refused, Err(ProjectError::Poison(_))), "{refused:?}");
    assert_eq!(place.model.generations().await.unwrap().len(), 1);
    running.stop().await;
    assert_eq!(log.log.unreadable(), 1);
}

const ALL_BUT_INBOX: [Group; 2] = [Group::Conversations, Group::People];

async fn an_unreadable_inbox_stops_nothing_else(place: &Place) {
    let log = Log::start(&place.namespace).await;
    let mut history = talk(5);
    let before = log.append(&history, 0).await;
    let running = log.projector(&place.model).await;
    reached(place, before).await;
    log.append_junk_to(&format!("inbox.{}", user(1))).await;
    let from = history.events.len();
    more_talk(&mut history, 6, 9);
    let last = log.append(&history, from).await;
    let others = place.model.wait_for_groups(&ALL_BUT_INBOX, last, crate::log::PATIENCE).await;
    others.unwrap();
    assert_eq!(last_number(&place.model).await, 9);
    until("unready", async || running.health.ready().is_err()).await;
    let reasons = running.health.ready().unwrap_err();
    let reason = &reasons[0].reason;
    let named = reason.contains("inbox") && reason.contains(&(before + 1).to_string());
    assert!(named, "{reasons:?}");
    let metrics = running.metrics.encode();
    assert!(metrics.contains("projector_group_stopped{group=\"inbox\"} 1"), "{metrics}");
    assert!(metrics.contains("projector_group_stopped{group=\"people\"} 0"), "{metrics}");
    let checkpoint = place.model.current().checkpoint().await.unwrap();
    let expected = Checkpoints { conversations: last, people: last, inbox: before };
    assert_eq!((checkpoint.sequence, checkpoint.groups), (before, expected));
    // What is there is right, in the groups that go on and in the one that does not.
    let verified = verify(&log.log, &place.model, &silent).await.unwrap();
    assert!(verified.matching() && !verified.clean(), "{verified:?}");
    let [unverified] = verified.unverified.as_slice() else { panic!("{verified:?}") };
    assert_eq!((unverified.group, unverified.through), (Group::Inbox, before));
    assert!(unverified.reason.contains(&(before + 1).to_string()), "{verified:?}");
    // Who waits for it is told at once that it goes no further; who waits for the others is not kept.
    let waited = place.model.wait_for_groups(&[Group::Inbox], last, crate::log::PATIENCE);
    let waited = tokio::time::timeout(crate::log::PATIENCE / 2, waited).await;
    assert!(matches!(waited, Ok(Err(lagging)) if lagging.at == before), "{waited:?}");
    running.stop().await;

    // The same build once more: it looks again, stops again, and the others go on from where they were.
    let running = log.projector(&place.model).await;
    let from = history.events.len();
    more_talk(&mut history, 10, 12);
    let last = log.append(&history, from).await;
    let others = place.model.wait_for_groups(&ALL_BUT_INBOX, last, crate::log::PATIENCE).await;
    others.unwrap();
    assert_eq!(last_number(&place.model).await, 12);
    until("unready again", async || running.health.ready().is_err()).await;
    assert_eq!(place.model.current().checkpoint().await.unwrap().groups.inbox, before);
    running.stop().await;
    assert_eq!(log.log.unreadable(), 1, "it was met twice");
}

async fn what_nobody_projects_stops_nothing(place: &Place) {
    let log = Log::start(&place.namespace).await;
    let mut history = talk(2);
    log.append(&history, 0).await;
    log.append_junk_to(&format!("session.{}", user(1))).await;
    let from = history.events.len();
    more_talk(&mut history, 3, 4);
    let last = log.append(&history, from).await;
    let running = log.projector(&place.model).await;
    reached(place, last).await;
    assert_eq!(last_number(&place.model).await, 4);
    until("well", async || running.health.ready().is_ok()).await;
    let metrics = running.metrics.encode();
    assert!(metrics.contains("projector_passed_over_total 1"), "{metrics}");
    assert_eq!(log.log.unreadable(), 1);
    running.stop().await;
}

/// This build knows no lane of polls: whatever is said there is a newer build's, and could be projected by it.
async fn what_a_newer_build_says_on_a_lane_of_its_own_is_not_passed_over(place: &Place) {
    let log = Log::start(&place.namespace).await;
    let history = talk(2);
    let last = log.append(&history, 0).await;
    log.append_junk_to("poll.1").await;
    let running = log.projector(&place.model).await;
    until("stopped", async || running.metrics.encode().contains("\ntidings_projector_stopped 1"))
        .await;
    assert_eq!(place.model.current().checkpoint().await.unwrap().groups, Checkpoints::all(last));
    running.stop().await;
}
