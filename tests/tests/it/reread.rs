//! Entries about messages that were read before they were due: mentions that an edit added.

use serde_json::{Value, json};
use tests::kit::installation::Place;
use tests::kit::person::{Person, id_of, items};
use tests::kit::socket::Socket;
use tests::kit::until;

use crate::threads::{answers, reads, says};

everywhere!(reading_a_room_again_reads_mentions_of_edits, reading_a_thread_again_reads_them_too);

async fn mentions(who: &Person) -> Vec<String> {
    let listed = items(&who.get("/v1/notifications?unread=true").await.ok(200));
    let named = listed.iter().filter(|one| one["kind"] == "mention");
    named.map(|one| one["message_id"].as_str().unwrap().to_owned()).collect()
}

/// Names a user in messages by editing them, and waits for their entries.
async fn names(author: &Person, who: &Person, messages: &[&String]) {
    for message in messages {
        let body = json!({"body": format!("{} look", who.at_name())});
        author.patch(&format!("/v1/messages/{message}"), body).await.ok(200);
    }
    until("the entries of the edits", async || {
        let found = mentions(who).await;
        messages.iter().all(|message| found.contains(message)).then_some(())
    })
    .await;
}

/// Waits until there are no unread entries but these, and the device was told so often that one was read.
async fn left(who: &Person, device: &mut Socket, read: usize, messages: &[&String]) {
    for _ in 0..read {
        device.event("notification.read").await;
    }
    until("what is left", async || {
        (mentions(who).await.iter().collect::<Vec<_>>() == messages).then_some(())
    })
    .await;
}

/// Nothing was told since but what another says now.
async fn silent(author: &Person, room: &str, device: &mut Socket) {
    let mark = id_of(&author.says(room, "that is all").await);
    device.expect("the mark", |frame| frame["data"]["id"] == mark.as_str()).await;
    let told: Vec<Value> = device.all().await;
    assert!(told.iter().all(|frame| frame["event"] != "notification.read"), "{told:#?}");
}

async fn reading_a_room_again_reads_mentions_of_edits(place: Place) {
    let ada = Person::register(&place, "ada").await;
    let bob = Person::register_at(&place, 1, "bob").await;
    let room = ada.group(&[&bob]).await;
    let path = format!("/v1/rooms/{room}/read");
    let one = says(&ada, &room, "one").await;
    let two = says(&ada, &room, "two").await;
    let root = says(&ada, &room, "root").await;
    let answer = answers(&ada, &room, &root, "an answer").await;
    bob.put(&path, json!({"message_id": root})).await.ok(200);
    let mut device = bob.connect().await;
    names(&ada, &bob, &[&one, &answer]).await;
    // An earlier message: the marker stands where it was, and so do the answers in threads.
    let marker = bob.put(&path, json!({"message_id": one})).await.ok(200);
    assert_eq!(marker["message_id"], json!(root));
    left(&bob, &mut device, 1, &[&answer]).await;
    bob.put(&path, json!({"message_id": root})).await.ok(200);
    silent(&ada, &room, &mut device).await;
    names(&ada, &bob, &[&two]).await;
    let read = json!({"type": "read", "room_id": room, "message_id": root});
    assert_eq!(device.call(read.clone()).await["type"], "ok");
    left(&bob, &mut device, 1, &[&answer]).await;
    assert_eq!(device.call(read).await["type"], "ok");
    silent(&ada, &room, &mut device).await;
}

async fn reading_a_thread_again_reads_them_too(place: Place) {
    let ada = Person::register(&place, "ada").await;
    let bob = Person::register_at(&place, 1, "bob").await;
    let room = ada.group(&[&bob]).await;
    let root = says(&ada, &room, "root").await;
    let one = answers(&ada, &room, &root, "one").await;
    let two = answers(&ada, &room, &root, "two").await;
    let outside = says(&ada, &room, "outside").await;
    bob.put(&format!("/v1/rooms/{room}/read"), json!({"message_id": outside})).await.ok(200);
    reads(&bob, &root, &two).await;
    let mut device = bob.connect().await;
    names(&ada, &bob, &[&outside, &one]).await;
    reads(&bob, &root, &two).await;
    left(&bob, &mut device, 1, &[&outside]).await;
    names(&ada, &bob, &[&two]).await;
    let read = json!({"type": "read", "room_id": room, "message_id": two, "thread_root_id": root});
    assert_eq!(device.call(read.clone()).await["type"], "ok");
    left(&bob, &mut device, 1, &[&outside]).await;
    assert_eq!(device.call(read).await["type"], "ok");
    silent(&ada, &room, &mut device).await;
}
