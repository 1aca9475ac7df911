//! What everybody does to one message at once, while it is deleted: afterwards nothing is told of it, on any path.

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::{Value, json};
use tests::kit::installation::Place;
use tests::kit::person::{Person, id_of};
use tests::kit::socket::Socket;

cases!(nothing_is_told_of_a_message_that_was_deleted_meanwhile);

const THUMB: &str = "/reactions/%F0%9F%91%8D";

/// Everything that can be done to a message, in an order that is another one in each round.
fn deeds(round: usize) -> Vec<(usize, &'static str, &'static str, Value)> {
    let edit = |number: usize| json!({"body": format!("unspeakable {round} {number}")});
    let mut all = vec![
        (0, "PATCH", "", edit(1)),
        (0, "PATCH", "", edit(2)),
        (0, "PATCH", "", edit(3)),
        (1, "PUT", THUMB, Value::Null),
        (1, "DELETE", THUMB, Value::Null),
        (2, "PUT", "/pin", Value::Null),
        (2, "DELETE", "/pin", Value::Null),
        (1, "PUT", "/follow", Value::Null),
        (1 + round % 2 * 2, "DELETE", "", Value::Null),
        (2, "DELETE", "", Value::Null),
    ];
    // A member may not delete what others said, and is refused; the one who made the room may.
    let (shift, step) = (round % all.len(), [1, 3, 7, 9][round / all.len() % 4]);
    let length = all.len();
    let mut order: Vec<usize> = (0..length).map(|at| (shift + at * step) % length).collect();
    order.reverse();
    let mut sorted: Vec<_> = order.into_iter().zip(all.drain(..)).collect();
    sorted.sort_by_key(|(place, _)| *place);
    sorted.into_iter().map(|(_, deed)| deed).collect()
}

fn is_about(frame: &Value, message: &str) -> bool {
    frame["data"]["id"] == message || frame["data"]["message_id"] == message
}

/// The names of the events about a message, up to a frame.
async fn told(socket: &mut Socket, message: &str, until: impl Fn(&Value) -> bool) -> Vec<String> {
    let mut names = Vec::new();
    loop {
        let frame = socket.next(Duration::from_secs(30)).await.expect("a frame");
        if frame["type"] == "event" && is_about(&frame, message) {
            names.push(frame["event"].as_str().unwrap_or_default().to_owned());
        }
        if until(&frame) {
            return names;
        }
    }
}

async fn nothing_is_told_of_a_message_that_was_deleted_meanwhile(place: Place) {
    let (ada, bob) = (Person::register(&place, "ada").await, Person::register(&place, "bob").await);
    let owner = Person::register(&place, "owner").await;
    let cyd = Person::register(&place, "cyd").await;
    let room = owner.group(&[&ada, &bob, &cyd]).await;
    let people = [&ada, &bob, &owner, &cyd];
    let mut listening = bob.connect().await;
    let path = format!("/v1/rooms/{room}/messages");
    for round in 0..if crate::scene::long() { 120 } else { 12 } {
        let before = listening.position.clone();
        let message = id_of(&ada.says(&room, "unspeakable").await);
        let answer = json!({"body": "an answer", "thread_root_id": message});
        if round % 3 == 0 {
            bob.post(&path, answer).await.ok(201);
        }
        let asked = deeds(round).into_iter().map(|(who, method, rest, body)| {
            let ask = people[who].ask(method, &format!("/v1/messages/{message}{rest}"));
            async move {
                let reply =
                    if body.is_null() { ask.once().await } else { ask.json(body).once().await };
                assert!(reply.status < 500, "{}: {}", reply.asked, reply.text);
            }
        });
        join_all(asked).await;
        let last = id_of(&owner.says(&room, "the last word").await);
        let ends = |frame: &Value| frame["data"]["id"] == json!(last);
        let live = told(&mut listening, &message, ends).await;
        assert_eq!(live.last().map(String::as_str), Some("message.deleted"), "{live:?}");
        let deletions = live.iter().filter(|name| *name == "message.deleted").count();
        assert_eq!(deletions, 1, "{live:?}");
        let mut again = bob.resume(&before).await;
        let resumed = told(&mut again, &message, |frame| frame["type"] == "resumed").await;
        assert_eq!(resumed, ["message.deleted"], "in a resume after {live:?}");
        let read = bob.get(&format!("/v1/messages/{message}")).await.ok(200);
        assert_eq!((&read["body"], &read["reactions"]), (&json!(""), &json!([])), "{read}");
        assert_eq!(read["pinned"], false, "{read}");
    }
}
