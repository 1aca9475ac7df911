//! One trace from a request to everything it leads to.

use schemas::event::{Event, EventData};
use schemas::events::MessageEvent;
use serde_json::json;
use tests::kit::person::Person;
use tests::kit::{lasting, log, until};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

async fn events() -> Vec<Event> {
    let installation = lasting::one_process_installation().await;
    let all = log::events(&installation.nats(), "tidings").await;
    all.into_iter().map(|(_, event)| event).collect()
}

#[tokio::test]
async fn a_trace_runs_from_the_request_to_the_notification() {
    let place = lasting::one_process().await;
    let (ada, bob) = (Person::register(&place, "ada").await, Person::register(&place, "bob").await);
    let room = ada.direct(&[&bob]).await;
    let reply = ada
        .ask("POST", &format!("/v1/rooms/{room}/messages"))
        .header("traceparent", &format!("00-{TRACE}-00f067aa0ba902b7-01"))
        .json(json!({"body": "where is my message?"}))
        .send()
        .await;
    let id = reply.ok(201)["id"].as_str().unwrap().to_owned();
    let caused = until("the notification is in the log", async || {
        let all = events().await;
        let posted = all.iter().find(|event| match &event.data {
            EventData::Message(MessageEvent::Posted(posted)) => posted.message.id.as_str() == id,
            _ => false,
        })?;
        let caused = all.iter().find(|event| event.causation.as_ref() == Some(&posted.id))?;
        Some([posted.clone(), caused.clone()])
    })
    .await;
    for event in caused {
        let trace = event.traceparent.expect("a trace");
        assert_eq!(trace.trace_id(), TRACE, "{}", event.data.type_name());
    }
}

#[tokio::test]
async fn a_problem_names_its_trace() {
    let place = lasting::one_process().await;
    let ada = Person::register(&place, "ada").await;
    let problem = ada
        .ask("GET", "/v1/rooms/x")
        .header("traceparent", &format!("00-{TRACE}-00f067aa0ba902b7-01"))
        .once()
        .await
        .any_problem(400..=404);
    assert_eq!(problem["trace_id"], TRACE);
    // What is no traceparent is not believed.
    for bad in ["x", "00-0-0-0", "00-00000000000000000000000000000000-00f067aa0ba902b7-01"] {
        let problem = ada
            .ask("GET", "/v1/rooms/x")
            .header("traceparent", bad)
            .once()
            .await
            .any_problem(400..=404);
        assert_eq!(problem["trace_id"].as_str().unwrap().len(), 32);
    }
}

#[tokio::test]
async fn a_frame_has_a_trace_too() {
    let place = lasting::one_process().await;
    let ada = Person::register(&place, "ada").await;
    let room = ada.group(&[]).await;
    let mut socket = ada.connect().await;
    let id = socket.post(&room, "traced").await["result"]["id"].as_str().unwrap().to_owned();
    let all = events().await;
    let posted = all.iter().find(|event| event.data.subject() == id).expect("it is in the log");
    assert!(posted.traceparent.is_some());
}
