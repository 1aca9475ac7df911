//! Readers that do not read (item 7).

use serde_json::Value;
use tests::kit::installation::Installation;
use tests::kit::person::{Person, id_of};

/// A reader that does not read is put out, resumably, and nobody else notices.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_reader_is_put_out() {
    let installation = Installation::relaxed(&[]);
    let place = installation.place.clone();
    let ada = place.found().await;
    let bob = Person::register(&place, "bob").await;
    let room = ada.group(&[&bob]).await;
    let mut slow = bob.connect().await;
    let mut quick = bob.again().await.connect().await;
    let mut adas = ada.connect().await;
    let body = "x".repeat(7900);
    let mut said = 0;
    let closed = async || {
        let metrics = ada.ask("GET", "/metrics").once().await.text;
        let line = metrics.lines().find(|line| {
            line.starts_with("tidings_") && line.contains("4508")
                || line.contains("slow") && !line.starts_with('#')
        });
        line.is_some_and(|line| !line.ends_with(" 0"))
    };
    while said < 8000 && !(said % 250 == 0 && closed().await) {
        adas.post(&room, &body).await;
        adas.event_in(&room, "message.posted").await;
        let event = quick.event_in(&room, "message.posted").await;
        assert_eq!(event["data"]["body"], body);
        said += 1;
    }
    assert!(said < 8000, "{said} messages of 8 kB were kept for somebody who does not read");
    let code = slow.drain().await;
    assert!(code.is_none_or(|code| code == 4508), "{code:?}");
    // What the slow one had got by then, and the rest by resuming, is everything.
    let mut got: Vec<Value> = slow.unread().iter().cloned().collect();
    let mut again = bob.resume(&slow.position).await;
    again.expect("resumed", |frame| frame["type"] == "resumed").await;
    got.extend(again.all().await);
    let ids: Vec<String> = got
        .iter()
        .filter(|frame| frame["event"] == "message.posted")
        .map(|frame| id_of(&frame["data"]))
        .collect();
    let mut unique = ids.clone();
    unique.dedup();
    assert_eq!((ids.len(), unique.len()), (said, said));
}
