//! (g): logins per second, and how a storm of them slows down chat.

use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use serde_json::json;

use super::{Question, Rows, Scale};
use crate::load::{self, Pace};
use crate::people::{Person, json_of, name_of};
use crate::report::{Goal, percentile};
use crate::servers::{self, Outcome, Tidings, unexpected};

/// The bcrypt cost under test; production's 12 would take four times as long for the same ratio.
const COST: &str = "10";

async fn one_login(http: &reqwest::Client, base: &str, name: &str) -> Outcome<f64> {
    let started = Instant::now();
    let login = json!({"login": name, "password": "correct horse"});
    json_of(http.post(format!("{base}/v1/sessions")).json(&login)).await?;
    Ok(started.elapsed().as_secs_f64())
}

async fn storm(server: &Tidings, names: &[String], count: usize, at_once: usize) -> Outcome<f64> {
    let http = reqwest::Client::new();
    let started = Instant::now();
    let mut logins = futures_util::stream::iter(0..count)
        .map(|i| {
            let name = names.get(i % names.len()).cloned().unwrap_or_default();
            let (http, base) = (http.clone(), server.http.clone());
            async move { one_login(&http, &base, &name).await }
        })
        .buffer_unordered(at_once);
    while let Some(login) = logins.next().await {
        login?;
    }
    Ok(count as f64 / started.elapsed().as_secs_f64())
}

/// (g): logins/s against cores divided by the time one hash takes, and chat p99 during a storm against before it.
pub(crate) async fn logins(scale: Scale<'_>) -> Rows {
    let server = servers::tidings(scale.build, &["--sync", "2m", "--bcrypt-cost", COST]).await?;
    // Enough users that none reaches 100 sessions: from there on each login also ends an older session.
    let crowd = Person::crowd(&server, "g", 32).await?;
    let names: Vec<String> = (0..crowd.len()).map(|i| name_of("g", i)).collect();
    let posters = load::posters(&server, "gchat", 4).await?;
    let cores = std::thread::available_parallelism().map_or(1, usize::from) as f64;
    let (mut rates, mut tails) = (Vec::new(), Vec::new());
    for round in 0..scale.rounds {
        scale.turn.next(&[&server]).await;
        let http = reqwest::Client::new();
        let mut alone = Vec::new();
        for _ in 0..5 {
            alone.push(one_login(&http, &server.http, &name_of("g", 0)).await?);
        }
        let hash = percentile(&mut alone, 0.0);
        let rate = storm(&server, &names, scale.of(150), 8).await?;
        rates.push((rate, cores / hash));
        let calm =
            load::run(&server, &posters, scale.of(400), Pace::Every(100.0), &format!("gc{round}"))
                .await?;
        let tag = format!("gs{round}");
        let busy = storm(&server, &names, scale.of(150), 8);
        let chat = load::run(&server, &posters, scale.of(400), Pace::Every(100.0), &tag);
        let (busy, chat) =
            tokio::time::timeout(Duration::from_secs(300), async { tokio::join!(busy, chat) })
                .await
                .map_err(unexpected)?;
        busy?;
        let (mut during, mut before) = (chat?.latencies, calm.latencies);
        tails.push((percentile(&mut during, 0.99) * 1e3, percentile(&mut before, 0.99) * 1e3));
    }
    let rate = Question {
        name: format!("(g) logins, bcrypt cost {COST}"),
        unit: "logins/s",
        against: "cores / time of one login alone".into(),
        goal: Goal::AtLeast(0.95),
    };
    let tail = Question {
        name: "(g) chat p99 during a login storm".into(),
        unit: "ms",
        against: "chat p99 without it".into(),
        goal: Goal::AtMost(2.0),
    };
    Ok(vec![rate.answered(rates), tail.answered(tails)])
}
