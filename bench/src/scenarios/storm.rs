//! (h): all sockets reconnect and resume at once.

use std::time::{Duration, Instant};

use futures_util::StreamExt as _;

use super::{Question, Rows, Scale, fanout, send};
use crate::baseline::publish;
use crate::load::{self, Pace};
use crate::report::Goal;
use crate::servers::{self, Outcome, Tidings, unexpected};
use crate::socket;

/// Messages each socket has missed.
const MISSED: usize = 20;

async fn resume(server: &Tidings, token: &str, position: &str) -> Outcome<()> {
    let (mut writer, mut reader) = socket::connect(&server.address, None).await?;
    let hello = serde_json::json!({"type": "hello", "token": token, "resume": position});
    writer.write_text(hello.to_string().as_bytes()).await?;
    let mut messages = 0;
    let mut done = false;
    while !done {
        let read = reader.read_some(|payload| {
            messages +=
                usize::from(payload.starts_with(br#"{"type":"event","event":"message.posted""#));
            done |= payload.starts_with(br#"{"type":"resumed""#)
                || payload.starts_with(br#"{"type":"reset""#);
        });
        tokio::time::timeout(Duration::from_secs(60), read).await.map_err(unexpected)??;
    }
    if messages < MISSED {
        return Err(unexpected(format!("resumed with {messages} messages of {MISSED}")));
    }
    Ok(())
}

/// (h): 2,000 sockets resume at once, 20 messages each, against as many clients fetching 20 stored messages
/// each by raw direct get.
pub(crate) async fn storm(scale: Scale<'_>) -> Rows {
    let sockets = scale.of(2000);
    let server = servers::tidings(scale.build, &["--sync", "2m"]).await?;
    let (posters, open) = fanout::room_with_sockets(&server, "h", sockets).await?;
    drop(open);
    let poster = posters.first().ok_or_else(|| unexpected("no users"))?;
    let crowd = poster.person.get(&format!("/v1/rooms/{}/members?limit=200", poster.room)).await?;
    let members = crowd.pointer("/items").and_then(|v| v.as_array()).map_or(0, Vec::len);
    let http = reqwest::Client::new();
    let mut tokens = Vec::new();
    for i in 0..members {
        let name = crate::people::name_of("h", i);
        tokens.push(crate::people::Person::login(&server, &http, &name).await?.token);
    }
    let nats = servers::nats(false).await?;
    let payload = send::stored_payload()?;
    let mut rounds = Vec::new();
    for round in 0..scale.rounds {
        scale.turn.next(&[&server]).await;
        let position = load::position(&server, &poster.person).await?;
        load::run(
            &server,
            std::slice::from_ref(poster),
            MISSED,
            Pace::Pipelined(8),
            &format!("h{round}"),
        )
        .await?;
        let started = Instant::now();
        let mut resumes = futures_util::stream::iter(0..sockets)
            .map(|i| {
                let (server, position) = (&server, position.as_str());
                let token = tokens.get(i % tokens.len().max(1)).cloned().unwrap_or_default();
                async move { resume(server, &token, position).await }
            })
            .buffer_unordered(200);
        while let Some(resumed) = resumes.next().await {
            resumed?;
        }
        let ours = sockets as f64 / started.elapsed().as_secs_f64();
        rounds.push((ours, publish::direct_gets(&nats.url, &payload, sockets, MISSED).await?));
    }
    let question = Question {
        name: format!("(h) sockets resumed, {MISSED} missed messages each"),
        unit: "sockets/s",
        against: format!("raw direct get of {MISSED} messages each"),
        goal: Goal::AtLeast(0.5),
    };
    Ok(vec![question.answered(rounds)])
}
