//! Puts many messages into a log quickly, by appending events as chat-svc would.

use eventlog::{Connect, EventLog, Expect, LaneWrite};
use futures_util::StreamExt as _;
use indicatif::{ProgressBar, ProgressStyle};
use schemas::events::{MessagePosted, MessageState};
use schemas::values::{Body, ClientId, Format};
use schemas::{
    Actor, Event, EventId, Lane, MessageId, Namespace, RoomId, Timestamp, TraceParent, UserId,
};
use uuid::Uuid;

use crate::load::{BODY, Poster};
use crate::servers::{Outcome, Tidings, unexpected};

/// The event of a message as chat-svc would write it.
pub(crate) fn event(room: &RoomId, sender: &UserId, number: u128, body: &str) -> Outcome<Event> {
    // Ids in order of time, distinct from those a server draws (their time is now).
    let id = Uuid::from_u128((0x0100_0000_0000_7000_8000_u128 << 48) | number);
    let created_at = Timestamp::now();
    let message = MessageState {
        id: MessageId::from_uuid(id),
        room_id: *room,
        sender_id: *sender,
        client_id: Some(ClientId::parse(&format!("seed-{number}")).map_err(unexpected)?),
        body: Body::parse(body).map_err(unexpected)?,
        format: Format::Plain,
        attachments: Vec::new(),
        files: Vec::new(),
        mentions: Vec::new(),
        mentions_room: None,
        thread_root_id: None,
        created_at,
    };
    Ok(Event {
        id: EventId::from_uuid(id),
        time: created_at,
        actor: Actor::User(*sender),
        causation: None,
        // As every message has that comes through a gateway.
        traceparent: TraceParent::parse(&format!("00-{:032x}-{:016x}-01", number + 1, number + 1))
            .ok(),
        data: MessagePosted { message, private: false }.into(),
    })
}

fn message(room: &RoomId, sender: &UserId, number: u128, body: &str) -> Outcome<LaneWrite> {
    let event = event(room, sender, number, body)?;
    Ok(LaneWrite { lane: Lane::Timeline(*room), event, expect: Expect::Any, dedup: None })
}

/// Appends `count` messages, spread over the posters' rooms; `first` numbers them on from an earlier call.
pub(crate) async fn messages(
    server: &Tidings,
    posters: &[Poster],
    first: usize,
    count: usize,
) -> Outcome<()> {
    saying(server, posters, first..first + count, |_| BODY.to_owned()).await
}

/// The same, where a message's number says what is in it.
pub(crate) async fn saying(
    server: &Tidings,
    posters: &[Poster],
    numbers: std::ops::Range<usize>,
    body: impl Fn(usize) -> String,
) -> Outcome<()> {
    let log = EventLog::connect(Connect {
        url: server.nats_url()?,
        client_name: "bench".into(),
        namespace: Namespace::parse("tidings").map_err(unexpected)?,
    })
    .await
    .map_err(unexpected)?;
    log.attach().await.map_err(unexpected)?;
    let mut lanes = Vec::with_capacity(posters.len());
    for poster in posters {
        lanes.push((
            RoomId::parse(&poster.room).map_err(unexpected)?,
            UserId::parse(&poster.person.id).map_err(unexpected)?,
        ));
    }
    let style = ProgressStyle::with_template("seeding {bar:30} {human_pos}/{human_len} {eta}");
    let bar = ProgressBar::new(numbers.len() as u64).with_style(style.map_err(unexpected)?);
    let mut appends = futures_util::stream::iter(numbers)
        .map(|number| {
            let (log, lane) = (&log, lanes.get(number % lanes.len().max(1)));
            let body = body(number);
            async move {
                let (room, sender) = lane.ok_or_else(|| unexpected("no room"))?;
                log.append(vec![message(room, sender, number as u128, &body)?])
                    .await
                    .map_err(unexpected)
            }
        })
        .buffer_unordered(512);
    while let Some(appended) = appends.next().await {
        appended?;
        bar.inc(1);
    }
    bar.finish_and_clear();
    Ok(())
}
