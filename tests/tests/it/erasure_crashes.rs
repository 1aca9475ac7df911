//! Erasures whose processes die: they are completed by the next that run.

use serde_json::json;
use tests::kit::installation::Installation;
use tests::kit::person::{Person, Stranger, bodies};
use tests::kit::separate::Separate;
use tests::kit::{Patience, log, mongo, unique, until, until_within};

use crate::erasure::{TIMES, deleted, done, holding};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_erasure_goes_on_after_a_crash() {
    let mut installation = Installation::relaxed(&[]);
    let ada = installation.place.found().await;
    let bob = Person::register(&installation.place, "bob").await;
    let word = unique("zzcrash");
    let room = ada.group(&[&bob]).await;
    let path = format!("/v1/rooms/{room}/messages");
    for number in 0..600 {
        bob.post(&path, json!({"body": format!("{word} {number}")})).await.ok(201);
    }
    let erasure = deleted(&bob).await;
    let stranger = Stranger::new(&installation.place);
    let status = format!("/v1/erasures/{erasure}");
    for least in [0, 1, 300] {
        until_within(Patience::for_("some is removed").times(TIMES), async || {
            let found = stranger.get(&status).await.ok(200);
            let far = found["removed"]["messages"].as_u64() >= Some(least);
            (far || found["status"] == "done").then_some(())
        })
        .await;
        installation.crash();
        installation.start_again();
    }
    done(&stranger, &erasure).await;
    let texts = ada.messages(&room).await;
    assert!(bodies(&texts).iter().all(|body| body.is_empty()), "{texts:#?}");
    installation.verify();
    let log = tests::kit::log::everything(&installation.nats(), "tidings").await;
    let has = |payload: &[u8]| payload.windows(word.len()).any(|part| part == word.as_bytes());
    assert!(!log.iter().any(|(_, _, payload)| has(payload)));
    assert_eq!(installation.process.stop(), 0);
    // A nats-server that is killed while it deletes an event leaves that one's bytes in its file.
    let left = holding(&installation.data, &[word.as_str()]);
    assert!(
        left.iter().all(|(path, _)| path.extension().is_some_and(|kind| kind == "blk")),
        "{left:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_is_killed_leaves_nothing_behind() {
    let Some(url) = mongo::url() else { return };
    let mut separate = Separate::start(&url);
    let ada = separate.place.found().await;
    let bob = Person::register(&separate.place, "bob").await;
    let word = unique("zzkilled");
    let room = ada.group(&[&bob]).await;
    let path = format!("/v1/rooms/{room}/messages");
    for number in 0..700 {
        bob.post(&path, json!({"body": format!("{word} {number}")})).await.ok(201);
    }
    let erasure = deleted(&bob).await;
    let stranger = Stranger::new(&separate.place);
    let status = format!("/v1/erasures/{erasure}");
    for least in [1, 400] {
        until_within(Patience::for_("some is removed").times(TIMES), async || {
            let found = stranger.get(&status).await.ok(200);
            let far = found["removed"]["messages"].as_u64() >= Some(least);
            (far || found["status"] == "done").then_some(())
        })
        .await;
        separate.kill("chat-svc");
        separate.run("chat-svc");
    }
    done(&stranger, &erasure).await;
    separate.verify();
    // The nats-server was not killed: no byte is left in its files.
    let all = separate.data().parent().unwrap();
    assert_eq!(holding(all, &[word.as_str(), bob.email.as_str()]), Vec::new());
}

/// What is kept of a person in the buckets that only auth-svc reaches, by the names of their keys.
async fn secrets_of(separate: &Separate, person: &Person) -> Vec<String> {
    let log = log::open(&separate.nats_url(), &separate.namespace).await;
    let mut found = Vec::new();
    for bucket in ["credentials", "user_sessions", "devices"] {
        let keys = log.secrets(bucket).keys(None).await.unwrap();
        found.extend(keys.into_iter().filter(|key| key.contains(&person.id)));
    }
    found
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_erasure_waits_for_auth_svc() {
    let mut separate = Separate::start("sqlite");
    let ada = separate.place.found().await;
    let bob = Person::register(&separate.place, "bob").await;
    let room = ada.group(&[&bob]).await;
    bob.says(&room, "still there").await;
    tokio::task::block_in_place(|| separate.kill("chat-svc"));
    let erasure = deleted(&bob).await;
    // The erasure begins while no auth-svc answers, as it does beside one that does not know the command.
    tokio::task::block_in_place(|| {
        separate.kill("auth-svc");
        separate.run("chat-svc");
    });
    until("the erasure has asked in vain", async || {
        let said = separate.services["chat-svc"].stderr();
        let mut lines = said.lines().filter(|line| line.contains("an erasure does not go on"));
        lines.any(|line| line.contains("auth-svc gives no answer")).then_some(())
    })
    .await;
    assert_eq!(secrets_of(&separate, &bob).await.len(), 3);
    let posted = log::posted(&separate.nats_url(), &separate.namespace, &room).await;
    assert_eq!(posted.len(), 1, "it goes no further: {posted:?}");
    tokio::task::block_in_place(|| separate.run("auth-svc"));
    let removed = done(&Stranger::new(&separate.place), &erasure).await["removed"].clone();
    assert_eq!(removed["messages"], 1, "{removed}");
    assert_eq!(secrets_of(&separate, &bob).await, Vec::<String>::new());
    assert!(bodies(&ada.messages(&room).await).iter().all(|body| body.is_empty()));
    separate.verify();
}
