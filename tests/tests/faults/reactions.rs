//! Many people react to one message while the read model is behind, as it is while much is written elsewhere: how many
//! kinds the message has is known from the log, and none of them waits for the others' waiting.

use futures_util::future::join_all;
use nix::sys::signal::Signal;
use serde_json::{Value, json};
use tests::kit::person::{Person, id_of};
use tests::kit::separate::Separate;
use tests::kit::{mongo, until};

/// A crowd, which by half a second each would wait for longer than a request may take.
const PEOPLE: usize = 16;
/// More events than a message may have kinds before each has to be counted.
const ELSEWHERE: usize = 60;

async fn a_crowd_reacts(read_model: &str) {
    let separate = Separate::start(read_model);
    let mut people = Vec::new();
    for number in 0..PEOPLE {
        people.push(Person::register(&separate.place, &format!("p{number}")).await);
    }
    let ada = &people[0];
    let room = ada.group(&people[1..].iter().collect::<Vec<_>>()).await;
    let message = format!("/v1/messages/{}", id_of(&ada.says(&room, "look at this").await));
    let notes = ada.post("/v1/direct", json!({"members": []})).await;
    let notes = id_of(&notes.json);
    // The read model knows everybody and the message.
    for person in &people {
        person.get(&message).await.ok(200);
    }
    separate.services["projector"].signal(Signal::SIGSTOP);
    for number in 0..ELSEWHERE {
        ada.says(&notes, &format!("elsewhere {number}")).await;
    }
    let thumb = format!("{message}/reactions/%F0%9F%91%8D");
    let same = join_all(people.iter().map(|person| person.put_empty(&thumb))).await;
    let animals = people.iter().enumerate().map(|(number, person)| {
        // U+1F400 and those that follow it.
        let path = format!("{message}/reactions/%F0%9F%90%{:X}", 0x80 + number);
        async move { person.put_empty(&path).await }
    });
    let different = join_all(animals).await;
    separate.services["projector"].signal(Signal::SIGCONT);
    for answer in same.into_iter().chain(different) {
        answer.ok(204);
    }
    let counts = until("all of them are counted", async || {
        let shown = ada.get(&message).await.ok(200);
        let kinds: Vec<u64> = shown["reactions"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|kind: &Value| kind["count"].as_u64())
            .collect();
        (kinds.len() == 1 + PEOPLE).then_some(kinds)
    })
    .await;
    let everybody = u64::try_from(PEOPLE).unwrap();
    assert_eq!(counts.iter().filter(|count| **count == everybody).count(), 1, "{counts:?}");
    assert_eq!(counts.iter().filter(|count| **count == 1).count(), PEOPLE, "{counts:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crowd_reacts_while_sqlite_is_behind() {
    Box::pin(a_crowd_reacts("sqlite")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crowd_reacts_while_mongodb_is_behind() {
    if let Some(url) = mongo::url() {
        Box::pin(a_crowd_reacts(&url)).await;
    }
}
