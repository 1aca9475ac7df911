//! (k): speed with a long history and with many rooms.

use std::time::{Duration, Instant};

use super::{Question, Rows, Scale};
use crate::load::{self, Pace, Poster};
use crate::people::Person;
use crate::report::{Goal, percentile};
use crate::seed;
use crate::servers::{self, Outcome, Tidings, unexpected};
use crate::socket;

/// Messages per seeding step: fewer than the 65,536 the gateway and chat-svc buffer unread.
pub(super) const SEEDED_AT_ONCE: usize = 40_000;

/// Three measurements of a running server, in every round.
#[derive(Default)]
struct Figures {
    sends: Vec<f64>,
    page_ms: Vec<f64>,
    resume_ms: Vec<f64>,
}

pub(super) async fn wait_until_projected(poster: &Poster, wanted: u64) -> Outcome<()> {
    let deadline = Instant::now() + Duration::from_secs(300);
    while Instant::now() < deadline {
        let room = poster.person.get(&format!("/v1/rooms/{}", poster.room)).await?;
        if room.pointer("/message_count").and_then(serde_json::Value::as_u64) >= Some(wanted) {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Err(unexpected("the projection does not catch up"))
}

/// Seeds no faster than the gateway and chat-svc follow: the benchmark asks how fast they are with many messages
/// stored, not how fast they work off a backlog.
async fn seed_and_follow(
    server: &Tidings,
    posters: &[Poster],
    messages: std::ops::Range<usize>,
) -> Outcome<()> {
    for first in messages.clone().step_by(SEEDED_AT_ONCE) {
        let count = SEEDED_AT_ONCE.min(messages.end - first);
        seed::messages(server, posters, first, count).await?;
        servers::wait_until_followed(server).await?;
    }
    let each = (messages.end / posters.len()) as u64;
    let first = posters.first().ok_or_else(|| unexpected("no users"))?;
    wait_until_projected(first, each).await
}

async fn page_ms(poster: &Poster, rounds: usize) -> Outcome<f64> {
    let newest = poster.person.get(&format!("/v1/rooms/{}/messages?limit=50", poster.room)).await?;
    let anchor =
        newest.pointer("/items/0/id").and_then(|v| v.as_str()).unwrap_or_default().to_owned();
    let mut took = Vec::new();
    for _ in 0..rounds {
        let started = Instant::now();
        poster
            .person
            .get(&format!("/v1/rooms/{}/messages?limit=50&before={anchor}", poster.room))
            .await?;
        took.push(started.elapsed().as_secs_f64() * 1e3);
    }
    Ok(percentile(&mut took, 0.5))
}

async fn resume_ms(server: &Tidings, poster: &Poster, rounds: usize, tag: &str) -> Outcome<f64> {
    let position = load::position(server, &poster.person).await?;
    load::run(
        server,
        std::slice::from_ref(poster),
        20,
        Pace::Pipelined(4),
        &format!("{tag}-missed"),
    )
    .await?;
    let mut took = Vec::new();
    for _ in 0..rounds {
        let started = Instant::now();
        let (mut writer, mut reader) = socket::connect(&server.address, None).await?;
        let hello =
            serde_json::json!({"type": "hello", "token": poster.person.token, "resume": position});
        writer.write_text(hello.to_string().as_bytes()).await?;
        reader.read_until(|p| p.starts_with(br#"{"type":"resumed""#)).await?;
        took.push(started.elapsed().as_secs_f64() * 1e3);
    }
    Ok(percentile(&mut took, 0.5))
}

async fn figures(
    server: &Tidings,
    posters: &[Poster],
    scale: Scale<'_>,
    tag: &str,
) -> Outcome<Figures> {
    let first = posters.first().ok_or_else(|| unexpected("no users"))?;
    let mut figures = Figures::default();
    for round in 0..scale.rounds {
        scale.turn.next(&[server]).await;
        let (each, tag) = (scale.of(2000), format!("{tag}{round}"));
        let run = load::run(server, posters, each, Pace::Pipelined(64), &tag).await?;
        servers::wait_until_followed(server).await?;
        figures.sends.push(run.rate);
        figures.page_ms.push(page_ms(first, 100).await?);
        figures.resume_ms.push(resume_ms(server, first, 100, &tag).await?);
    }
    // What is stored next is not another build's round.
    scale.turn.next(&[server]).await;
    Ok(figures)
}

fn rows(what: &str, large: &Figures, small: &Figures) -> Vec<crate::report::Row> {
    let question = |name: &str, unit, goal| Question {
        name: format!("(k) {name}, {what}"),
        unit,
        against: "the small one".into(),
        goal,
    };
    let rounds = |of: fn(&Figures) -> &Vec<f64>| {
        of(large).iter().copied().zip(of(small).iter().copied()).collect()
    };
    vec![
        question("sends", "messages/s", Goal::AtLeast(0.8)).answered(rounds(|f| &f.sends)),
        question("history page p50", "ms", Goal::AtMost(1.25)).answered(rounds(|f| &f.page_ms)),
        question("resume p50", "ms", Goal::AtMost(1.25)).answered(rounds(|f| &f.resume_ms)),
    ]
}

/// From 10,000 to 1,000,000 stored messages.
pub(crate) async fn messages(scale: Scale<'_>) -> Rows {
    let (few, many) = (scale.of(10_000), scale.of(1_000_000));
    let server = servers::tidings(scale.build, &["--sync", "2m"]).await?;
    let posters = load::posters(&server, "k", 16).await?;
    seed_and_follow(&server, &posters, 0..few).await?;
    let small = figures(&server, &posters, scale, "ks").await?;
    seed_and_follow(&server, &posters, few..many).await?;
    let large = figures(&server, &posters, scale, "kl").await?;
    Ok(rows(&format!("{many} messages to {few}"), &large, &small))
}

/// From 10 to 10,000 rooms.
pub(crate) async fn rooms(scale: Scale<'_>) -> Rows {
    use futures_util::{StreamExt as _, TryStreamExt as _};
    let (few, many) = (10, scale.of(10_000));
    let server = servers::tidings(scale.build, &["--sync", "2m"]).await?;
    let posters = load::posters(&server, "r", few).await?;
    let small = figures(&server, &posters, scale, "rs").await?;
    let makers: Vec<Person> = posters.iter().map(|p| p.person.clone()).collect();
    futures_util::stream::iter(few..many)
        .map(|i| {
            let maker = makers.get(i % makers.len()).cloned();
            async move {
                let maker = maker.ok_or_else(|| unexpected("no users"))?;
                maker.make_room(&format!("room number {i}"), &[]).await
            }
        })
        .buffer_unordered(32)
        .try_collect::<Vec<_>>()
        .await?;
    servers::wait_until_followed(&server).await?;
    let large = figures(&server, &posters, scale, "rl").await?;
    Ok(rows(&format!("{many} rooms to {few}"), &large, &small))
}
