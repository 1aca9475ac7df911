//! How fast the log is projected: fills a log with messages and rebuilds the read model from it.
//!
//! `cargo run --release -p projector --example replay -- nats://127.0.0.1:4222 200000 [mongodb://...]`
//! (a nats-server with JetStream; SQLite in a temporary folder unless a MongoDB is named).

#![expect(clippy::print_stdout, reason = "the figures are what it is for")]

use std::time::Instant;

use eventlog::{Connect, EventLog, Expect, LaneWrite, Topology};
use futures_util::stream::{self, StreamExt, TryStreamExt};
use projector::{RebuildOptions, rebuild};
use readmodel::{ReadModel, ReadModelUrl};
use schemas::events::{MemberJoined, MemberState, MessagePosted, MessageState};
use schemas::ids::{EventId, MessageId, RoomId, UserId};
use schemas::values::{Body, ClientId, Format, RoomRole};
use schemas::{Actor, Event, EventData, Lane, Namespace, Timestamp};
use uuid::Uuid;

const ROOMS: u64 = 100;
const USERS: u64 = 200;

fn id(kind: u64, number: u64) -> Uuid {
    Uuid::from_u128((u128::from(number) << 64) | u128::from(kind))
}

fn event(number: u64, data: EventData) -> Event {
    Event {
        id: EventId::from_uuid(id(1, number)),
        time: Timestamp::now(),
        actor: Actor::System,
        causation: None,
        traceparent: None,
        data,
    }
}

fn post(number: u64) -> Result<LaneWrite, Box<dyn std::error::Error>> {
    let room = RoomId::from_uuid(id(2, number % ROOMS));
    let message = MessageState {
        id: MessageId::from_uuid(id(3, number)),
        room_id: room,
        sender_id: UserId::from_uuid(id(4, number % USERS)),
        client_id: Some(ClientId::parse(&format!("client-{number}"))?),
        body: Body::parse(&format!(
            "This is message number {number} of many, long enough to be one."
        ))?,
        format: Format::Plain,
        attachments: Vec::new(),
        files: Vec::new(),
        mentions: Vec::new(),
        mentions_room: None,
        thread_root_id: None,
        created_at: Timestamp::now(),
    };
    let event = event(number, MessagePosted { message, private: false }.into());
    Ok(LaneWrite::new(Lane::Timeline(room), event, Expect::Any))
}

fn join(room: u64, user: u64) -> LaneWrite {
    let (room, user) = (RoomId::from_uuid(id(2, room)), UserId::from_uuid(id(4, user)));
    let member = MemberState {
        room_id: room,
        user_id: user,
        role: RoomRole::Member,
        present: true,
        muted_until: None,
        banned: false,
        ban: None,
        joined_at: Timestamp::now(),
        blocks: false,
        blocked: false,
    };
    let event = event(0, MemberJoined { member }.into());
    LaneWrite::new(Lane::Member(room, user), event, Expect::Any)
}

/// A mongod that was started with `--replSet rs0`, made ready for transactions.
async fn ready(url: String) -> Result<String, Box<dyn std::error::Error>> {
    let address = url.trim_start_matches("mongodb://").split('/').next().unwrap_or_default();
    let (host, port) = address.split_once(':').ok_or("no port")?;
    let (host, port) = (host.to_owned(), port.parse()?);
    while readmodel::initiate_replica_set(&host, port).await.is_err() {
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    Ok(url)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let url = arguments.next().unwrap_or_else(|| "nats://127.0.0.1:4222".to_owned());
    let messages: u64 = arguments.next().unwrap_or_else(|| "200000".to_owned()).parse()?;
    let namespace = Namespace::parse(&format!("replay{}", Timestamp::now().millis()))?;
    let connect = Connect { url, client_name: "replay".into(), namespace: namespace.clone() };
    let log = EventLog::connect(connect).await?;
    log.ensure_topology(&Topology::default()).await?;
    let mut writes = Vec::new();
    for user in 0..USERS {
        writes.push(join(user % ROOMS, user));
    }
    for number in 0..messages {
        writes.push(post(number)?);
    }
    let started = Instant::now();
    let log_ref = &log;
    stream::iter(writes)
        .map(|write| async move { log_ref.append(vec![write]).await })
        .buffer_unordered(256)
        .try_for_each(|_| async { Ok(()) })
        .await?;
    println!("filled in {:?}", started.elapsed());
    let folder = tempfile::tempdir()?;
    let url = match arguments.next() {
        Some(mongo) => ReadModelUrl::Mongo(ready(mongo).await?),
        None => ReadModelUrl::Sqlite(folder.path().to_owned()),
    };
    let model = ReadModel::open(&url, &namespace).await?;
    let built = rebuild(&log, &model, &RebuildOptions::default(), &|_| {}).await?;
    let seconds = built.took.as_secs_f64();
    let events = u32::try_from(messages + USERS)?;
    println!("{events} events in {seconds:.2} s: {:.0}/s", f64::from(events) / seconds);
    Ok(())
}
