//! Inboxes of those who follow threads.

use serde_json::{Value, json};
use tests::kit::installation::Place;
use tests::kit::person::{Person, items};
use tests::kit::until;

use crate::threads::{Three, answers, deletes, reads, says, three};

everywhere!(one_unread_entry_speaks_for_a_thread);

/// What an inbox holds of thread answers, once it is as many.
async fn entries(who: &Person, count: usize) -> Vec<Value> {
    until(&format!("{count} entries of thread answers"), async || {
        let mut listed = items(&who.get("/v1/notifications").await.ok(200));
        listed.retain(|one| one["kind"] == "thread_reply");
        (listed.len() == count).then_some(listed)
    })
    .await
}

async fn one_unread_entry_speaks_for_a_thread(place: Place) {
    let Three { ada, bob, cyd, room } = three(&place).await;
    let root = says(&ada, &room, "root").await;
    let first = answers(&bob, &room, &root, "one").await;
    let told = entries(&ada, 1).await;
    assert_eq!(told[0]["message_id"], json!(first));
    assert_eq!(told[0]["actor"]["id"], json!(bob.id));
    assert_eq!(told[0]["read"], false);
    let second = answers(&cyd, &room, &root, "two").await;
    // Bob follows by an answer. The first entry of Bob: a second one of Ada's would have come before.
    assert_eq!(entries(&bob, 1).await[0]["message_id"], json!(second));
    entries(&ada, 1).await;
    // The entry goes with its answer, and the next unread one gets one.
    deletes(&bob, &first).await;
    until("the next answer has the entry", async || {
        let listed = items(&ada.get("/v1/notifications").await.ok(200));
        let about: Vec<&Value> = listed
            .iter()
            .filter(|one| one["kind"] == "thread_reply")
            .map(|one| &one["message_id"])
            .collect();
        (about == [&json!(second)]).then_some(())
    })
    .await;
    let mut device = ada.connect().await;
    reads(&ada, &root, &second).await;
    device.event("notification.read").await;
    // Another gateway may answer a moment later.
    until("the entry is read", async || (entries(&ada, 1).await[0]["read"] == true).then_some(()))
        .await;
    // Read: the next answer has one of its own. A mention is one as well, and no second beside it.
    let named = answers(&bob, &room, &root, &format!("{} see", ada.at_name())).await;
    let mention = device.expect("the mention", |frame| frame["data"]["kind"] == "mention").await;
    assert_eq!(mention["data"]["message_id"], json!(named));
    let third = answers(&bob, &room, &root, "three").await;
    reads(&ada, &root, &third).await;
    device.event("notification.read").await;
    answers(&cyd, &room, &root, "four").await;
    entries(&ada, 2).await;
}
