//! (q): what the index of messages takes of a processor for each message that is projected, and how much more the whole
//! way of a message costs for it.
//!
//! A block of the index is made when the projection has passed its last sequence. So the same events are projected twice
//! into the same kind of store, one time with sequences that end with a block, the other time with those that end a few
//! before: what differs is the index. The key by which a block finds its messages is kept in both.

use projector::{Engine, Logged};
use readmodel::{ReadModel, ReadModelUrl};
use schemas::events::{RoomCreated, RoomState};
use schemas::values::{RoomKind, Visibility};
use schemas::{Actor, Event, EventId, Namespace, RoomId, Sequence, Timestamp, UserId};
use tempfile::TempDir;
use uuid::Uuid;

use super::growth::wait_until_projected;
use super::search::body;
use super::{Question, Rows, Scale};
use crate::load::{self, Pace};
use crate::machine;
use crate::report::Goal;
use crate::seed;
use crate::servers::{self, Outcome, Tidings, unexpected};

/// Sequences of a block.
const BLOCK: u64 = 1024;
/// Rooms, and messages in all of them; together fewer than a block has sequences.
const ROOMS: u64 = 16;
const MESSAGES: u64 = 1_000;
/// Messages that are projected together.
const BATCH: usize = 20;
/// Stores that are filled in a round, in the full size.
const STORES: usize = 40;
/// Messages that each of 16 users posts in a round, in the full size.
const POSTS: usize = 5_000;

/// The events of a store, the first at a sequence: rooms, then messages in them.
fn events(from: Sequence) -> Outcome<Vec<Logged>> {
    let id =
        |number: u64| Uuid::from_u128((0x0193_4000_0000_7000_8000_u128 << 48) | u128::from(number));
    let now = Timestamp::now();
    let sender = UserId::from_uuid(id(0));
    let room = |number: u64| RoomId::from_uuid(id(number % ROOMS + 1));
    let event = |number: u64| -> Outcome<Event> {
        if number >= ROOMS {
            let text = body(usize::try_from(number).map_err(unexpected)?);
            return seed::event(&room(number), &sender, u128::from(number), &text);
        }
        let state = RoomState::begun(room(number), RoomKind::Channel, now);
        let room = RoomState { visibility: Visibility::Public, ..state };
        let (id, actor) = (EventId::from_uuid(id(number)), Actor::User(sender));
        let data = RoomCreated { room }.into();
        Ok(Event { id, time: now, actor, causation: None, traceparent: None, data })
    };
    let logged = |number: u64| -> Outcome<Logged> {
        Ok(Logged { sequence: from + number, stored_at: now, event: event(number)? })
    };
    (0..ROOMS + MESSAGES).map(logged).collect()
}

/// A store of its own, the projection into it, and the folder that goes with it.
async fn store() -> Outcome<(Engine, ReadModel, TempDir)> {
    let folder = tempfile::tempdir()?;
    let url = ReadModelUrl::Sqlite(folder.path().join("read"));
    let namespace = Namespace::parse("bench").map_err(unexpected)?;
    let model = ReadModel::open(&url, &namespace).await.map_err(unexpected)?;
    let epoch = schemas::Epoch::parse("bench").map_err(unexpected)?;
    let engine = Engine::open(model.writer(), epoch).await.map_err(unexpected)?;
    Ok((engine, model, folder))
}

/// Microseconds of a processor that a message takes which is projected; its events begin at a sequence.
async fn projected(stores: usize, from: Sequence) -> Outcome<f64> {
    let events = events(from)?;
    let mut made = Vec::with_capacity(stores);
    for _ in 0..stores {
        made.push(store().await?);
    }
    let before = machine::usage(std::process::id()).cpu;
    for (engine, _, _) in &mut made {
        for some in events.chunks(BATCH) {
            let through = some.last().map_or(0, |last| last.sequence);
            engine.apply(some, through).await.map_err(unexpected)?;
        }
    }
    let took = machine::usage(std::process::id()).cpu - before;
    Ok(took * 1e6 / (stores as f64 * MESSAGES as f64))
}

/// Microseconds of a processor that `tidings` takes for a message from its post to its delivery and its projection.
async fn sent(
    server: &Tidings,
    posters: &[load::Poster],
    each: usize,
    round: usize,
) -> Outcome<f64> {
    let first = posters.first().ok_or_else(|| unexpected("no users"))?;
    let before = machine::usage(server.running.pid()).cpu;
    load::run(server, posters, each, Pace::Pipelined(64), &format!("q{round}")).await?;
    wait_until_projected(first, ((round + 1) * each) as u64).await?;
    let took = machine::usage(server.running.pid()).cpu - before;
    Ok(took * 1e6 / (each * posters.len()) as f64)
}

/// (q): projecting with the index against without, and the whole way of a message against the same without the index.
pub(crate) async fn indexing(scale: Scale<'_>) -> Rows {
    let stores = scale.of(STORES);
    let server = servers::tidings(scale.build, &["--sync", "2m"]).await?;
    let posters = load::posters(&server, "q", 16).await?;
    let (mut projections, mut ways) = (Vec::new(), Vec::new());
    for round in 0..scale.rounds {
        let without = projected(stores, 1).await?;
        // The last of them is the last of the first block.
        let with = projected(stores, BLOCK - ROOMS - MESSAGES).await?;
        let whole = sent(&server, &posters, scale.of(POSTS), round).await?;
        projections.push((with, without));
        ways.push((whole, whole - (with - without)));
    }
    let projection = Question {
        name: "(q) CPU of projecting a message, SQLite".into(),
        unit: "us/message",
        against: "the same without the index of messages".into(),
        goal: Goal::None,
    };
    let way = Question {
        name: "(q) CPU of a message, post to projection".into(),
        unit: "us/message",
        against: "the same less what the index takes".into(),
        goal: Goal::AtMost(1.15),
    };
    Ok(vec![projection.answered(projections), way.answered(ways)])
}
