//! (n): the newest page of a room, out of the gateway's memory and out of the read model.

use std::time::Instant;

use futures_util::StreamExt as _;

use super::{Question, Rows, Scale};
use crate::load::{self, Pace, Poster};
use crate::people::Person;
use crate::report::Goal;
use crate::servers::{self, Outcome, unexpected};

/// Messages of a page.
const PAGE: usize = 50;
/// Requests under way at a time.
const AT_ONCE: usize = 16;

/// Pages a second.
async fn rate(person: &Person, path: &str, count: usize) -> Outcome<f64> {
    let started = Instant::now();
    let mut pages =
        futures_util::stream::iter(0..count).map(|_| person.get(path)).buffer_unordered(AT_ONCE);
    while let Some(page) = pages.next().await {
        let items = page?.pointer("/items").and_then(|items| items.as_array()).map_or(0, Vec::len);
        if items != PAGE {
            return Err(unexpected(format!("a page of {items} messages")));
        }
    }
    Ok(count as f64 / started.elapsed().as_secs_f64())
}

/// (n): the newest 50 messages of a room, against the same 50 by an anchor, which only the read model knows.
pub(crate) async fn recent(scale: Scale<'_>) -> Rows {
    let server = servers::tidings(scale.build, &["--sync", "2m"]).await?;
    let posters = load::posters(&server, "n", 1).await?;
    let Poster { person, room } = posters.first().ok_or_else(|| unexpected("no users"))?;
    load::run(&server, &posters, PAGE + 1, Pace::Pipelined(8), "n").await?;
    servers::wait_until_followed(&server).await?;
    let newest = format!("/v1/rooms/{room}/messages?limit={PAGE}");
    let all = person.get(&format!("/v1/rooms/{room}/messages?limit=200")).await?;
    let first = all.pointer("/items/0/id").and_then(|id| id.as_str());
    let first = first.ok_or_else(|| unexpected("no messages"))?;
    let stored = format!("{newest}&after={first}");
    let mut rounds = Vec::new();
    for _ in 0..scale.rounds {
        scale.turn.next(&[&server]).await;
        let count = scale.of(4_000);
        rounds.push((rate(person, &newest, count).await?, rate(person, &stored, count).await?));
    }
    let question = Question {
        name: format!("(n) newest pages of {PAGE} messages"),
        unit: "pages/s",
        against: "the same messages out of the read model".into(),
        goal: Goal::AtLeast(1.2),
    };
    Ok(vec![question.answered(rounds)])
}
