//! `tidings trace`: what became of a message, as an operator finds out.

use serde_json::Value;
use tests::kit::installation::Installation;
use tests::kit::person::Person;
use tests::kit::until;

fn told(installation: &Installation, message: &str, json: bool) -> (Option<i32>, String) {
    let flags: &[&str] = if json { &["trace", message, "--json"] } else { &["trace", message] };
    let output = installation.operate(flags);
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.code() != Some(2), "{}", text(&output.stderr));
    (output.status.code(), text(&output.stdout))
}

#[tokio::test]
async fn the_story_of_a_message_is_told_from_the_log_and_the_read_store() {
    let installation = Installation::relaxed(&[]);
    let ada = Person::register(&installation.place, "ada").await;
    let bob = Person::register(&installation.place, "bob").await;
    let room = ada.group(&[&bob]).await;
    let body = format!("a secret for @{}", bob.username);
    let message = ada.says(&room, &body).await["id"].as_str().unwrap().to_owned();
    let other = ada.says(&room, "not this one").await["id"].as_str().unwrap().to_owned();
    ada.patch(&format!("/v1/messages/{message}"), serde_json::json!({"body": body + "!"}))
        .await
        .ok(200);
    bob.put_empty(&format!("/v1/messages/{message}/reactions/%F0%9F%91%8D")).await.ok(204);
    until("the mention is in the inbox", async || {
        let inbox = bob.get("/v1/notifications").await.ok(200);
        let items = inbox["items"].as_array().unwrap();
        items.iter().any(|one| one["message_id"] == message.as_str()).then_some(())
    })
    .await;
    let (code, out) = told(&installation, &message, true);
    assert_eq!(code, Some(0), "{out}");
    let story: Value = serde_json::from_str(&out).unwrap();
    let types: Vec<&str> = story["events"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["type"].as_str().unwrap())
        .collect();
    for kind in
        ["message.posted.v1", "message.edited.v1", "reaction.added.v1", "notification.created.v1"]
    {
        assert_eq!(types.iter().filter(|one| **one == kind).count(), 1, "{kind}: {types:?}");
    }
    let posted = &story["events"][0];
    assert_eq!(
        (&posted["type"], &posted["actor"]),
        (&"message.posted.v1".into(), &Value::from(ada.id.as_str()))
    );
    assert!(posted["traceparent"].is_string() && posted["projected"] == true, "{posted}");
    assert_eq!(story["document"]["room_id"], room.as_str());
    assert!(story["document"]["edited_at"].is_string(), "{story}");
    assert!(!out.contains("secret") && !out.contains(&other), "{out}");
    let (code, text) = told(&installation, &message, false);
    assert_eq!(code, Some(0));
    assert!(text.contains("message.edited.v1") && text.contains(" trace "), "{text}");
    let (code, _) = told(&installation, "msg_00000000000000000000000000", true);
    assert_eq!(code, Some(1));
    assert_eq!(installation.operate(&["trace", "nonsense"]).status.code(), Some(2));
}
