//! (a), (b) and (d): accepted, persisted and delivered messages, and how long that takes.

use schemas::events::{MessagePosted, MessageState};
use schemas::values::{Body, ClientId, Format};
use schemas::{Actor, Event, EventId, MessageId, RoomId, Timestamp, UserId};
use uuid::Uuid;

use super::{Question, Rows, Scale};
use crate::baseline::publish;
use crate::load::{self, BODY, Pace};
use crate::report::{Goal, percentile};
use crate::servers::{self, Outcome, unexpected};

/// An event as Tidings would store it for one of the benchmark's messages.
pub(crate) fn stored_payload() -> Outcome<Vec<u8>> {
    let id = Uuid::from_u128(0x0193_4000_0000_7000_8000_0000_0000_0000);
    let sender = UserId::from_uuid(id);
    let message = MessageState {
        id: MessageId::from_uuid(id),
        room_id: RoomId::from_uuid(id),
        sender_id: sender,
        client_id: Some(ClientId::parse("bench-12345").map_err(unexpected)?),
        body: Body::parse(BODY).map_err(unexpected)?,
        format: Format::Plain,
        attachments: Vec::new(),
        files: Vec::new(),
        mentions: Vec::new(),
        mentions_room: None,
        thread_root_id: None,
        created_at: Timestamp::from_millis(1_795_255_200_000),
    };
    let event = Event {
        id: EventId::from_uuid(id),
        time: message.created_at,
        actor: Actor::User(sender),
        causation: None,
        traceparent: None,
        data: MessagePosted { message, private: false }.into(),
    };
    event.encode().map_err(unexpected)
}

/// (a): 16 people in 16 rooms, pipelined, against a pipelined raw publish that is republished and received.
pub(crate) async fn throughput(scale: Scale<'_>) -> Rows {
    let payload = stored_payload()?;
    let mut rounds = Vec::new();
    let server = servers::tidings(scale.build, &["--sync", "2m"]).await?;
    let posters = load::posters(&server, "a", 16).await?;
    let nats = servers::nats(false).await?;
    for round in 0..scale.rounds {
        scale.turn.next(&[&server]).await;
        let run =
            load::run(&server, &posters, scale.of(5000), Pace::Pipelined(64), &format!("a{round}"))
                .await?;
        let raw = publish::pipelined(&nats.url, &payload, scale.of(160_000), 256).await?;
        rounds.push((run.rate, raw));
    }
    let question = Question {
        name: "(a) send+store+deliver, sync 2m".into(),
        unit: "messages/s",
        against: "raw publish, 256 in flight, republished".into(),
        goal: Goal::AtLeast(0.30),
    };
    Ok(vec![question.answered(rounds)])
}

/// (b): the same with every write synced to disk, against raw publishes one at a time.
pub(crate) async fn durable(scale: Scale<'_>) -> Rows {
    let payload = stored_payload()?;
    let mut rounds = Vec::new();
    let server = servers::tidings(scale.build, &["--sync", "always"]).await?;
    let posters = load::posters(&server, "b", 16).await?;
    let nats = servers::nats(true).await?;
    for round in 0..scale.rounds {
        scale.turn.next(&[&server]).await;
        let run =
            load::run(&server, &posters, scale.of(2500), Pace::Pipelined(64), &format!("b{round}"))
                .await?;
        let raw = publish::pipelined(&nats.url, &payload, scale.of(5000), 1).await?;
        rounds.push((run.rate, raw));
    }
    let question = Question {
        name: "(b) send+store+deliver, sync always".into(),
        unit: "messages/s",
        against: "raw publish one at a time, sync always".into(),
        goal: Goal::AtLeast(3.0),
    };
    Ok(vec![question.answered(rounds)])
}

/// (d): time from sending to delivery at 30 % of the rate (a) reaches here.
pub(crate) async fn latency(scale: Scale<'_>) -> Rows {
    let payload = stored_payload()?;
    let server = servers::tidings(scale.build, &["--sync", "2m"]).await?;
    let posters = load::posters(&server, "d", 16).await?;
    let nats = servers::nats(false).await?;
    let full = load::run(&server, &posters, scale.of(3000), Pace::Pipelined(64), "warm").await?;
    let rate = scale.turn.agreed(full.rate * 0.30);
    // Work left over from the search for the rate is not part of that rate.
    servers::wait_until_followed(&server).await?;
    let (mut middle, mut tail) = (Vec::new(), Vec::new());
    for round in 0..scale.rounds {
        scale.turn.next(&[&server]).await;
        let each = scale.of(2000);
        let pace = Pace::Every(rate / posters.len() as f64);
        let mut ours =
            load::run(&server, &posters, each, pace, &format!("d{round}")).await?.latencies;
        let mut raw = publish::paced(&nats.url, &payload, each * posters.len(), rate).await?;
        middle.push((percentile(&mut ours, 0.5) * 1e3, percentile(&mut raw, 0.5) * 1e3));
        tail.push((percentile(&mut ours, 0.99) * 1e3, percentile(&mut raw, 0.99) * 1e3));
    }
    let question = |share: &str, goal| Question {
        name: format!("(d) send to delivery, {share} at {rate:.0}/s"),
        unit: "ms",
        against: "raw publish to republished copy, same rate".into(),
        goal,
    };
    Ok(vec![
        question("p50", Goal::None).answered(middle),
        question("p99", Goal::AtMost(2.0)).answered(tail),
    ])
}
