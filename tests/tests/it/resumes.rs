//! What a resume sends, in which order, and that nothing outdated is sent.

use serde_json::{Value, json};
use tests::kit::installation::Place;
use tests::kit::person::{Person, id_of};
use tests::kit::separate::Separate;
use tests::kit::socket::{Socket, handshake};
use tests::kit::{log, mongo, until};

use super::resumed_threads::Counted;

everywhere!(
    a_resume_tells_everything_once_and_in_its_place,
    nothing_is_told_of_a_message_after_its_deletion,
    a_resume_of_too_many_bytes_is_reset,
    a_long_resume_is_read_slowly_and_whole,
);

/// Frames of a resume without what is told of inboxes, up to `resumed`, which counts them.
async fn caught_up(socket: &mut Socket) -> Vec<Value> {
    let end = socket
        .expect("resumed", |frame| frame["type"] == "resumed" || frame["type"] == "reset")
        .await;
    assert_eq!(end["type"], "resumed", "{end}");
    let frames: Vec<Value> = socket.all().await;
    let sent = frames.iter().filter(|frame| frame["type"] == "event" || frame["type"] == "reload");
    assert!(sent.count() as u64 >= end["count"].as_u64().unwrap(), "{end}: {frames:#?}");
    frames
}

fn sequence(position: &Value) -> u64 {
    position.as_str().unwrap().rsplit(':').next().unwrap().parse().unwrap()
}

/// What happened while a client was away, and what it must be told: kind, room and text in order.
struct Story {
    bob: Person,
    position: String,
    expected: Vec<(&'static str, String, String)>,
}

impl Story {
    async fn happens(place: &Place) -> Self {
        let ada = Person::register(place, "ada").await;
        let bob = Person::register_at(place, 1, "bob").await;
        let (room, other) = (ada.group(&[&bob]).await, ada.group(&[&bob]).await);
        let edited = id_of(&ada.says(&room, "edited").await);
        let root = id_of(&ada.says(&room, "root").await);
        let gone = id_of(&ada.says(&room, "gone").await);
        let mut socket = bob.connect().await;
        ada.says(&room, "heard").await;
        socket.event_in(&room, "message.posted").await;
        let position = socket.position.clone();
        drop(socket);

        let first = id_of(&ada.says(&room, "first").await);
        ada.patch(&format!("/v1/messages/{edited}"), json!({"body": "edited, once"})).await.ok(200);
        ada.patch(&format!("/v1/messages/{edited}"), json!({"body": "edited, twice"}))
            .await
            .ok(200);
        let answer = json!({"body": "answer", "thread_root_id": root});
        ada.post(&format!("/v1/rooms/{room}/messages"), answer).await.ok(201);
        ada.says(&room, "second").await;
        ada.patch(&format!("/v1/messages/{first}"), json!({"body": "first, edited"})).await.ok(200);
        assert_eq!(ada.delete(&format!("/v1/messages/{gone}")).await.status, 204);
        let unseen = id_of(&ada.says(&room, "unseen").await);
        assert_eq!(ada.delete(&format!("/v1/messages/{unseen}")).await.status, 204);
        // Removed from the other room and added again.
        ada.says(&other, "while still in").await;
        let member = format!("/v1/rooms/{other}/members");
        assert_eq!(ada.delete(&format!("{member}/{}", bob.id)).await.status, 204);
        ada.says(&other, "while out").await;
        ada.post(&member, json!({"user": bob.id})).await.ok(201);
        ada.says(&other, "back").await;

        let of =
            |kind: &'static str, room: &str, body: &str| (kind, room.to_owned(), body.to_owned());
        let expected = vec![
            of("message.posted", &room, "first, edited"),
            of("message.edited", &room, "edited, twice"),
            of("message.posted", &room, "answer"),
            of("message.changed", &room, "root"),
            of("message.posted", &room, "second"),
            of("message.deleted", &room, ""),
            of("message.deleted", &room, ""),
            of("member.joined", &other, ""),
            of("reload", &other, ""),
            of("message.posted", &other, "back"),
        ];
        Self { bob, position, expected }
    }

    /// Resumes, and once more from every place at which the client may have been cut.
    async fn is_told(&self, gateway: usize) {
        let bob = self.bob.at(gateway);
        let mut socket = bob.resume(&self.position).await;
        assert_eq!(socket.welcome["resumed"], true);
        let frames = caught_up(&mut socket).await;
        let kind = |frame: &Value| {
            let name = if frame["type"] == "reload" { &frame["type"] } else { &frame["event"] };
            name.as_str().unwrap_or_default().to_owned()
        };
        let told: Vec<&Value> = frames
            .iter()
            .filter(|frame| {
                let kind = kind(frame);
                let own = kind.starts_with("member.") && frame["data"]["user_id"] == self.bob.id;
                kind.starts_with("message.") || kind == "reload" || (own && kind != "member.left")
            })
            .collect();
        let found: Vec<(String, String, String)> = told
            .iter()
            .map(|frame| {
                let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
                (kind(frame), text(&frame["room_id"]), text(&frame["data"]["body"]))
            })
            .collect();
        let found: Vec<(&str, String, String)> = found
            .iter()
            .map(|(kind, room, body)| (kind.as_str(), room.clone(), body.clone()))
            .collect();
        assert_eq!(found, self.expected, "{frames:#?}");
        let places: Vec<u64> = told.iter().map(|frame| sequence(&frame["position"])).collect();
        assert!(places.is_sorted(), "{places:?}");
        assert!(told.iter().all(|frame| frame["previous"].is_null()), "{told:#?}");
        let root = told.iter().find(|frame| frame["event"] == "message.changed").unwrap();
        assert_eq!((&root["data"]["reply_count"], &root["data"]["number"]), (&json!(1), &json!(2)));
        assert_eq!(told[0]["position"], told[0]["data"]["position"], "a post at its own place");
        assert!(told[0]["data"]["edited_at"].is_string());
        drop(socket);
        // Cut after any of these frames, the highest position received is a safe point.
        for cut in 0..told.len() {
            let position = told[cut]["position"].as_str().unwrap();
            let mut socket = bob.resume(position).await;
            let frames = caught_up(&mut socket).await;
            for (missed, (kind_of, room, body)) in told.iter().zip(&self.expected).skip(cut + 1) {
                let again = frames.iter().any(|frame| {
                    kind(frame) == *kind_of
                        && frame["room_id"] == *room
                        && (body.is_empty() || frame["data"]["body"] == *body)
                });
                assert!(again, "cut after {cut}, not told again: {missed:#}\n{frames:#?}");
            }
        }
    }
}

async fn a_resume_tells_everything_once_and_in_its_place(place: Place) {
    let story = Story::happens(&place).await;
    story.is_told(0).await;
    story.is_told(1).await;
}

/// A gateway that was started later than everything it is asked for, and remembers 8,192 events of another kind.
async fn out_of_the_read_model(read_model: &str) {
    use eventlog::{Expect, LaneWrite};
    use schemas::events::SessionRefreshed;
    use schemas::{Actor, Event, EventId, Lane, SessionId, Timestamp, UserId};
    let mut separate = Separate::start(read_model);
    let story = Story::happens(&separate.place).await;
    let counted = Counted::happens(&separate.place).await;
    let log = log::open(&separate.nats_url(), &separate.namespace).await;
    for batch in 0..9_u128 {
        let writes = (0..1_000_u128).map(|n| {
            let data = SessionRefreshed {
                session_id: SessionId::from_uuid(uuid::Uuid::from_u128(1)),
                user_id: UserId::from_uuid(uuid::Uuid::from_u128(1)),
            };
            let event = Event {
                id: EventId::from_uuid(uuid::Uuid::from_u128(batch * 1_000 + n)),
                time: Timestamp::from_millis(1),
                actor: Actor::System,
                causation: None,
                traceparent: None,
                data: data.clone().into(),
            };
            LaneWrite::new(Lane::Session(data.user_id), event, Expect::Any)
        });
        log.append(writes.collect()).await.unwrap();
    }
    separate.restart("gateway-0");
    story.is_told(0).await;
    counted.is_told(0).await;
    let from = separate.metric("gateway-0", "tidings_ws_resumes_total{from=\"read_model\"}").await;
    assert!(from > 1.0, "resumed out of the read model {from} times");
}

#[tokio::test]
async fn out_of_the_read_model_on_sqlite() {
    Box::pin(out_of_the_read_model("sqlite")).await;
}

#[tokio::test]
async fn out_of_the_read_model_on_mongodb() {
    if let Some(url) = mongo::url() {
        Box::pin(out_of_the_read_model(&url)).await;
    }
}

/// Messages that a member edits in a loop over several sockets, and that a listener, the room's owner, deletes
/// meanwhile.
async fn deleted_while_edited(bob: &Person, room: &str, owner: &mut Socket) -> Vec<String> {
    let mut editors = Vec::new();
    for n in 0..4 {
        editors.push(bob.at(n % 2).connect().await);
    }
    let mut messages = Vec::new();
    for round in 0..8 {
        let id = id_of(&bob.says(room, "first").await);
        for n in 0..12 {
            for (who, editor) in editors.iter_mut().enumerate() {
                let body = format!("{round}: {n} by {who}");
                editor.send(json!({"type": "edit", "message_id": id, "body": body})).await;
            }
            if n == round {
                let deleted = json!({"type": "delete", "id": id, "message_id": id});
                owner.send(deleted).await;
            }
        }
        messages.push(id);
    }
    for id in &messages {
        let ok = |frame: &Value| frame["type"] == "ok" && frame["id"] == **id;
        owner.expect("the deletion is acknowledged", ok).await;
    }
    messages
}

/// What one socket was told up to a message, which others may have come before and after.
async fn told_until(listener: &mut Socket, last: &str) -> Vec<Value> {
    let last = listener
        .expect("the last message", |frame| {
            frame["event"] == "message.posted" && frame["data"]["id"] == last
        })
        .await;
    let mut frames = listener.all().await;
    // Edits that were under way may have come after it: it goes back to its place.
    let later = |frame: &Value| {
        frame["type"] == "event" && sequence(&frame["position"]) > sequence(&last["position"])
    };
    frames.insert(frames.iter().position(later).unwrap_or(frames.len()), last);
    frames
}

/// Every event of the room's timeline names the one before it; no other event does.
fn holds_of_chains(frames: &[Value], room: &str) {
    let timeline = |frame: &&Value| {
        frame["room_id"] == room
            && frame["event"].as_str().is_some_and(|name| name.starts_with("message."))
    };
    let timeline: Vec<&Value> = frames.iter().filter(timeline).collect();
    for pair in timeline.windows(2) {
        assert_eq!(pair[1]["previous"], pair[0]["position"], "{pair:#?}");
    }
    let others = frames.iter().filter(|frame| frame["type"] == "event");
    let mut others = others.filter(|frame| !timeline.contains(frame));
    assert!(others.all(|frame| frame["previous"].is_null()));
}

/// Fault 3: a member edits in a loop over several sockets while the owner deletes.
async fn nothing_is_told_of_a_message_after_its_deletion(place: Place) {
    let ada = Person::register(&place, "ada").await;
    let bob = Person::register_at(&place, 1, "bob").await;
    let room = ada.group(&[&bob]).await;
    let mut listeners = [ada.at(0).connect().await, ada.at(1).connect().await];
    let begin = listeners[0].position.clone();
    let messages = deleted_while_edited(&bob, &room, &mut listeners[0]).await;
    let last = id_of(&ada.says(&room, "last").await);
    for listener in &mut listeners {
        let frames = told_until(listener, &last).await;
        holds_of_deleted(&frames, &messages);
        holds_of_chains(&frames, &room);
    }
    drop(listeners);
    for gateway in 0..2 {
        let mut socket = ada.at(gateway).resume(&begin).await;
        let frames = caught_up(&mut socket).await;
        holds_of_deleted(&frames, &messages);
        let of = |frame: &&Value| messages.iter().any(|id| frame["data"]["id"] == **id);
        assert!(frames.iter().filter(of).all(|frame| frame["event"] == "message.deleted"));
    }
}

/// Every one of these messages was deleted, and nothing was told of it after that.
fn holds_of_deleted(frames: &[Value], messages: &[String]) {
    for id in messages {
        let of: Vec<&Value> = frames.iter().filter(|frame| frame["data"]["id"] == **id).collect();
        let deleted = of.iter().filter(|frame| frame["event"] == "message.deleted").count();
        assert_eq!(deleted, 1, "{of:#?}");
        assert_eq!(of.last().unwrap()["event"], "message.deleted", "{of:#?}");
    }
}

/// Eight thousand characters of four bytes each.
fn large(n: usize) -> String {
    format!("{n} {}", "🦀".repeat(7_990))
}

/// Fault 4: past a bound in bytes a resume is reset and not begun.
async fn a_resume_of_too_many_bytes_is_reset(place: Place) {
    let ada = Person::register(&place, "ada").await;
    let room = ada.group(&[]).await;
    let position = ada.connect().await.position.clone();
    for n in 0..300 {
        ada.says(&room, &large(n)).await;
    }
    let mut socket = ada.resume(&position).await;
    assert_eq!(socket.welcome["resumed"], false);
    let reset = socket.expect("reset", |frame| frame["type"] == "reset").await;
    assert_eq!(reset["reason"], "too_far_behind");
    // The socket is open all the same, and a resume on an open socket does the same.
    socket.post(&room, "still here").await;
    socket.send(json!({"type": "resume", "position": position})).await;
    socket.expect("reset", |frame| frame["type"] == "reset").await;
    socket.post(&room, "and now").await;
    // A gateway that lags behind hands on what was posted before, too.
    for text in ["still here", "and now"] {
        socket
            .expect(text, |frame| {
                frame["event"] == "message.posted" && frame["data"]["body"] == text
            })
            .await;
    }
}

/// A resume goes out in pieces as the client reads; what happens meanwhile follows in order.
async fn a_long_resume_is_read_slowly_and_whole(place: Place) {
    let (ada, bob) =
        (Person::register(&place, "ada").await, Person::register_at(&place, 1, "bob").await);
    let room = ada.group(&[&bob]).await;
    let position = bob.connect().await.position.clone();
    const BEFORE: usize = 150;
    for n in 0..BEFORE {
        ada.says(&room, &large(n)).await;
    }
    let mut socket = bob.resume(&position).await;
    // Nothing is read while others go on.
    for n in BEFORE..BEFORE + 20 {
        ada.says(&room, &large(n)).await;
    }
    let mut places = Vec::new();
    for n in 0..BEFORE + 20 {
        let event = socket.event_in(&room, "message.posted").await;
        assert!(event["data"]["body"].as_str().unwrap().starts_with(&format!("{n} ")));
        places.push(sequence(&event["position"]));
    }
    assert!(places.is_sorted());
    socket.post(&room, "here").await;
    assert_eq!(socket.event_in(&room, "message.posted").await["data"]["body"], "here");
}

/// Fault 4: sockets that do not read what they asked for hold a piece of it each, by the gateway's own count.
#[tokio::test]
async fn readers_that_do_not_read_hold_little() {
    let separate = Separate::start("sqlite");
    let ada = Person::register(&separate.place, "ada").await;
    let room = ada.group(&[]).await;
    let position = ada.connect().await.position.clone();
    for n in 0..200 {
        ada.says(&room, &large(n)).await;
    }
    let mut sockets = Vec::new();
    for _ in 0..6 {
        let bare = handshake(&separate.place, 0, "/v1/ws", &[]).await.unwrap();
        let mut socket = Socket::over(bare);
        socket.send(json!({"type": "hello", "token": ada.access, "resume": position})).await;
        sockets.push(socket);
    }
    let gateway = "gateway-0";
    let (resumes, held) = ("tidings_ws_resumes_total{from=\"memory\"}", "tidings_ws_resume_bytes");
    until("all of them resume", async || {
        let resumed = separate.metric(gateway, resumes).await >= 6.0;
        (resumed && separate.metric(gateway, held).await > 0.0).then_some(())
    })
    .await;
    // 39 MB are on their way: a piece for each of them waits, and what the kernel holds is not the gateway's.
    let bytes = separate.metric(gateway, held).await
        + separate.metric(gateway, "tidings_ws_queued_bytes").await;
    assert!(bytes < 2_000_000.0, "{bytes} bytes are held");
    // Clients that read are served meanwhile.
    let mut reader = ada.resume(&position).await;
    for n in 0..200 {
        let event = reader.event_in(&room, "message.posted").await;
        assert!(event["data"]["body"].as_str().unwrap().starts_with(&format!("{n} ")));
    }
}
