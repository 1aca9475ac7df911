//! What a message said before it was edited.

use serde_json::{Value, json};
use tests::kit::installation::Place;
use tests::kit::person::{Person, bodies, id_of, items};

everywhere!(
    every_text_is_kept_in_order,
    an_edit_that_changes_nothing_writes_and_tells_nothing,
    a_deleted_message_has_no_history,
    the_newest_texts_are_kept,
);

async fn texts(person: &Person, message: &str) -> Vec<Value> {
    items(&person.get(&format!("/v1/messages/{message}/history?limit=200")).await.ok(200))
}

async fn every_text_is_kept_in_order(place: Place) {
    let ada = Person::register(&place, "ada").await;
    let bob = Person::register_at(&place, 1, "bob").await;
    let room = ada.group(&[&bob]).await;
    let posted = ada.says(&room, "one").await;
    let message = id_of(&posted);
    let path = format!("/v1/messages/{message}");
    let only = texts(&bob, &message).await;
    assert_eq!(only, [json!({"body": "one", "edited_at": posted["created_at"]})]);
    let second = ada.patch(&path, json!({"body": "two"})).await.ok(200);
    let third = ada.patch(&path, json!({"body": "one"})).await.ok(200);
    let all = texts(&bob, &message).await;
    assert_eq!(bodies(&all), ["one", "two", "one"]);
    let times: Vec<&Value> = all.iter().map(|text| &text["edited_at"]).collect();
    assert_eq!(times, [&posted["created_at"], &second["edited_at"], &third["edited_at"]]);
    let page = bob.get(&format!("{path}/history?limit=2")).await.ok(200);
    assert_eq!(bodies(&items(&page)), ["one", "two"]);
    let cursor = page["next_cursor"].as_str().unwrap();
    let page = bob.get(&format!("{path}/history?limit=2&cursor={cursor}")).await.ok(200);
    assert_eq!((bodies(&items(&page)), &page["next_cursor"]), (vec!["one"], &json!(null)));
    let eve = Person::register(&place, "eve").await;
    eve.get(&format!("{path}/history")).await.problem(404, "not_found");
    ada.get(&format!("{path}/history?before=1")).await.problem(400, "validation_failed");
}

async fn an_edit_that_changes_nothing_writes_and_tells_nothing(place: Place) {
    let ada = Person::register(&place, "ada").await;
    let bob = Person::register_at(&place, 1, "bob").await;
    let room = ada.group(&[&bob]).await;
    let message = id_of(&ada.says(&room, "same").await);
    let path = format!("/v1/messages/{message}");
    let mut socket = bob.connect().await;
    let unchanged = ada.patch(&path, json!({"body": "same"})).await.ok(200);
    assert_eq!((&unchanged["body"], unchanged.get("edited_at")), (&json!("same"), None));
    let edited = ada.patch(&path, json!({"body": "other"})).await.ok(200);
    let mut adas = ada.at(1).connect().await;
    for _ in 0..2 {
        let frame = json!({"type": "edit", "message_id": message, "body": "other"});
        let answer = adas.call(frame).await;
        assert_eq!(answer["result"]["edited_at"], edited["edited_at"], "{answer}");
        assert_eq!(answer["result"]["number"], 1, "the message as it is");
    }
    // Who may not edit learns nothing of whether the text is the same.
    bob.patch(&path, json!({"body": "other"})).await.problem(403, "forbidden");
    let mark = id_of(&ada.says(&room, "that is all").await);
    socket.expect("the mark", |frame| frame["data"]["id"] == mark.as_str()).await;
    let told = socket.all().await;
    let edits = told.iter().filter(|frame| frame["event"] == "message.edited").count();
    assert_eq!(edits, 1, "{told:#?}");
    assert_eq!(bodies(&texts(&bob, &message).await), ["same", "other"]);
}

async fn a_deleted_message_has_no_history(place: Place) {
    let ada = Person::register(&place, "ada").await;
    let room = ada.group(&[]).await;
    let message = id_of(&ada.says(&room, "secret").await);
    let path = format!("/v1/messages/{message}");
    ada.patch(&path, json!({"body": "harmless"})).await.ok(200);
    assert_eq!(ada.delete(&path).await.status, 204);
    ada.get(&format!("{path}/history")).await.problem(404, "not_found");
}

async fn the_newest_texts_are_kept(place: Place) {
    let ada = Person::register(&place, "ada").await;
    let room = ada.group(&[]).await;
    let message = id_of(&ada.says(&room, "t0").await);
    let mut socket = ada.connect().await;
    for number in 1..=105 {
        let frame = json!({"type": "edit", "message_id": message, "body": format!("t{number}")});
        let answer = socket.call(frame).await;
        place.wrote(answer["position"].as_str().unwrap());
    }
    let all = texts(&ada, &message).await;
    assert_eq!(
        (all.len(), &all[0]["body"], &all[100]["body"]),
        (101, &json!("t5"), &json!("t105"))
    );
}
