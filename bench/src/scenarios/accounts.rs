//! (g): logins per second, and how a storm of them slows down chat.

use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use serde_json::json;

use super::{Question, Rows, Scale};
use crate::baseline;
use crate::load::{self, Pace};
use crate::people::{Person, json_of, name_of};
use crate::report::{Goal, percentile};
use crate::servers::{self, Outcome, Tidings, unexpected};

/// A storm of logins, and the chat that goes on meanwhile.
struct Storm {
    /// The bcrypt cost of every password.
    cost: u32,
    /// Logins of one storm. Users reach 100 sessions with 3,200 logins; from there on each also ends an older session.
    logins: usize,
    /// Posts of each of the four who chat, 100 in a second; a storm is to last longer.
    posts: usize,
    /// The least part of what hashing allows.
    least: Goal,
    /// The most by which chat's 99th percentile may grow.
    most: Goal,
}

/// A server as it is shipped, and one whose hashes take a quarter of the time: all else about a login weighs four times as
/// much there, which is for those who work on it.
const STORMS: [Storm; 2] = [
    Storm {
        cost: 12,
        logins: 100,
        posts: 1_200,
        least: Goal::AtLeast(0.95),
        most: Goal::AtMost(2.0),
    },
    Storm { cost: 10, logins: 150, posts: 400, least: Goal::None, most: Goal::None },
];

/// How chat goes on meanwhile.
const EVENLY: Pace = Pace::Every(100.0);

/// Logins that are under way at the same time.
const AT_ONCE: usize = 8;

async fn log_in(http: &reqwest::Client, base: &str, name: &str) -> Outcome<()> {
    let login = json!({"login": name, "password": "correct horse"});
    json_of(http.post(format!("{base}/v1/sessions")).json(&login)).await.map(drop)
}

async fn storm(server: &Tidings, names: &[String], count: usize) -> Outcome<f64> {
    let http = reqwest::Client::new();
    let started = Instant::now();
    let mut logins = futures_util::stream::iter(0..count)
        .map(|i| {
            let name = names.get(i % names.len()).cloned().unwrap_or_default();
            let (http, base) = (http.clone(), server.http.clone());
            async move { log_in(&http, &base, &name).await }
        })
        .buffer_unordered(AT_ONCE);
    while let Some(login) = logins.next().await {
        login?;
    }
    Ok(count as f64 / started.elapsed().as_secs_f64())
}

/// (g): logins/s against hashes/s of all cores that do nothing else, and chat p99 during a storm against before it.
pub(crate) async fn logins(scale: Scale<'_>) -> Rows {
    let mut rows = Vec::new();
    for about in STORMS {
        rows.extend(logins_at(scale, about).await?);
    }
    Ok(rows)
}

async fn logins_at(scale: Scale<'_>, about: Storm) -> Rows {
    let Storm { cost, logins, posts, least, most } = about;
    let flags = ["--sync", "2m", "--bcrypt-cost", &cost.to_string()];
    let server = servers::tidings(scale.build, &flags).await?;
    let crowd = Person::crowd(&server, "g", 32).await?;
    let names: Vec<String> = (0..crowd.len()).map(|i| name_of("g", i)).collect();
    let posters = load::posters(&server, "gchat", 4).await?;
    let (logins, posts) = (scale.of(logins), scale.of(posts));
    let (mut rates, mut tails) = (Vec::new(), Vec::new());
    for round in 0..scale.rounds {
        scale.turn.next(&[&server]).await;
        let hashes = baseline::hashing::checks(cost, logins).await?;
        rates.push((storm(&server, &names, logins).await?, hashes));
        let chat = async |tag: String| load::run(&server, &posters, posts, EVENLY, &tag).await;
        let calm = chat(format!("gc{round}")).await?;
        let both =
            async { tokio::try_join!(storm(&server, &names, logins), chat(format!("gs{round}"))) };
        let (_, chat) =
            tokio::time::timeout(Duration::from_secs(300), both).await.map_err(unexpected)??;
        let (mut during, mut before) = (chat.latencies, calm.latencies);
        tails.push((percentile(&mut during, 0.99) * 1e3, percentile(&mut before, 0.99) * 1e3));
    }
    let rate = Question {
        name: format!("(g) logins, bcrypt cost {cost}"),
        unit: "logins/s",
        against: "passwords checked on all cores".into(),
        goal: least,
    };
    let tail = Question {
        name: format!("(g) chat p99 during logins, cost {cost}"),
        unit: "ms",
        against: "chat p99 without them".into(),
        goal: most,
    };
    Ok(vec![rate.answered(rates), tail.answered(tails)])
}
