//! (m): finding messages among many, by one client that asks one search after another.
//!
//! Messages have 2 to 22 words of a vocabulary of 50,000, of which the nth is said about once where the first is said n
//! times, as in natural texts. The mix of searches is [`mix`]; its figures are those of all of them together.

use std::time::Instant;

use super::growth::{SEEDED_AT_ONCE, wait_until_projected};
use super::{Question, Rows, Scale};
use crate::load::{self, Poster};
use crate::people::Person;
use crate::report::{Goal, percentile};
use crate::seed;
use crate::servers::{self, Outcome, unexpected};

/// Words of the vocabulary.
const VOCABULARY: f64 = 50_000.0;
/// Rooms, all of which the client is in.
const ROOMS: usize = 16;
/// The 99th percentile that is wanted of each read store, in milliseconds.
const WANTED_OF_SQLITE: f64 = 50.0;
const WANTED_OF_MONGO: f64 = 250.0;

/// Numbers that look random and are the same in every run.
struct Numbers(u64);

impl Numbers {
    /// From 0 to 1.
    fn share(&mut self) -> f64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 40) as f64 / (1_u64 << 24) as f64
    }

    fn below(&mut self, end: f64) -> usize {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a positive number far below 2^52"
        )]
        let number = (self.share() * end) as usize;
        number
    }

    /// A word of the vocabulary, by how often words are said.
    fn word(&mut self) -> String {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a positive number far below 2^52"
        )]
        let rank = VOCABULARY.powf(self.share()) as usize;
        word(rank)
    }
}

/// The word of a rank, 1 being the commonest: of two syllables or more.
fn word(rank: usize) -> String {
    let (mut text, mut rest) = (String::new(), rank);
    for _ in 0..2 + usize::from(rank > 400) + usize::from(rank > 8_000) {
        let syllable = (rest * 37 + 11) % 80;
        text.push(char::from(b"bcdfghklmnprstvw"[syllable / 5]));
        text.push(char::from(b"aeiou"[syllable % 5]));
        rest /= 80;
    }
    format!("{text}{}", char::from(b"lmnrstxz"[rank % 8]))
}

/// What a message says.
pub(super) fn body(number: usize) -> String {
    let mut numbers = Numbers(number as u64 + 1);
    let count = 2 + numbers.below(21.0);
    let mut words: Vec<String> = (0..count).map(|_| numbers.word()).collect();
    if number.is_multiple_of(20) {
        words.push(format!("https://example.org/{number}"));
    }
    words.join(" ")
}

/// The searches, each asked as often as the others: what they ask for and what besides words.
fn mix(round: usize, poster: &Poster) -> Vec<String> {
    let mut numbers = Numbers(round as u64 + 99);
    let (common, other) = (word(1 + numbers.below(3.0)), word(4 + numbers.below(5.0)));
    let (middle, next) = (word(200 + numbers.below(50.0)), word(300 + numbers.below(50.0)));
    let rare = word(20_000 + numbers.below(9_000.0));
    let begun = middle.get(..3).unwrap_or_default();
    let letter = middle.get(..1).unwrap_or_default();
    let (room, person) = (&poster.room, &poster.person.id);
    vec![
        format!("q={common}"),
        format!("q={middle}"),
        format!("q={rare}"),
        format!("q={middle}+{next}"),
        format!("q={common}+{other}"),
        format!("q={common}+{rare}"),
        format!("q=%22{common}+{other}%22"),
        format!("q=%22{middle}+{next}%22"),
        format!("q={begun}*"),
        format!("q={letter}*+{middle}"),
        format!("q={middle}&room={room}"),
        format!("q={common}&from={person}"),
        format!("q={common}&has=link"),
        format!("q={common}&before=2020-01-01T00:00:00Z"),
        format!("q=nothing+{common}"),
    ]
}

/// Milliseconds of every search of the mix.
async fn asked(client: &Person, posters: &[Poster], rounds: usize) -> Outcome<Vec<f64>> {
    let mut took = Vec::new();
    for round in 0..rounds {
        let poster = posters.get(round % posters.len()).ok_or_else(|| unexpected("no users"))?;
        for query in mix(round, poster) {
            let started = Instant::now();
            client.get(&format!("/v1/search/messages?{query}")).await?;
            took.push(started.elapsed().as_secs_f64() * 1e3);
        }
    }
    Ok(took)
}

/// The 50th and 99th percentile of the mix, over so many messages, in a read store.
async fn percentiles(
    scale: Scale<'_>,
    count: usize,
    flags: &[&str],
    tag: &str,
) -> Outcome<Vec<(f64, f64)>> {
    let server = servers::tidings(scale.build, &[&["--sync", "2m"][..], flags].concat()).await?;
    let posters = load::posters(&server, tag, ROOMS).await?;
    let first = posters.first().ok_or_else(|| unexpected("no users"))?;
    for poster in posters.iter().skip(1) {
        let added = serde_json::json!({"user": first.person.id});
        poster.person.post(&format!("/v1/rooms/{}/members", poster.room), &added).await?;
    }
    for start in (0..count).step_by(SEEDED_AT_ONCE) {
        let end = count.min(start + SEEDED_AT_ONCE);
        seed::saying(&server, &posters, start..end, body).await?;
        servers::wait_until_followed(&server).await?;
    }
    wait_until_projected(first, (count / ROOMS) as u64).await?;
    let mut rounds = Vec::new();
    for _ in 0..scale.rounds {
        scale.turn.next(&[&server]).await;
        let mut took = asked(&first.person, &posters, scale.of(60)).await?;
        rounds.push((percentile(&mut took, 0.5), percentile(&mut took, 0.99)));
    }
    Ok(rounds)
}

/// The mix over 1,000,000 messages in SQLite and in MongoDB.
pub(crate) async fn search(scale: Scale<'_>) -> Rows {
    let count = scale.of(1_000_000);
    let mongo = servers::mongo().await?;
    let in_sqlite = percentiles(scale, count, &[], "m").await?;
    let in_mongo = percentiles(scale, count, &["--read-model", &mongo.url], "mm").await?;
    let mut rows = Vec::new();
    for (store, rounds, wanted) in
        [("SQLite", in_sqlite, WANTED_OF_SQLITE), ("MongoDB", in_mongo, WANTED_OF_MONGO)]
    {
        let question = |of: &str, goal| Question {
            name: format!("(m) search {of} of {count} messages, {store}"),
            unit: "ms",
            against: format!("{wanted} ms"),
            goal,
        };
        let (half, most): (Vec<_>, Vec<_>) =
            rounds.into_iter().map(|(half, most)| ((half, wanted), (most, wanted))).unzip();
        rows.push(question("p50", Goal::None).answered(half));
        rows.push(question("p99", Goal::AtMost(1.0)).answered(most));
    }
    Ok(rows)
}
