//! Raw JetStream: publishing, publishing and receiving the republished message, direct get.

use std::time::{Duration, Instant};

use async_nats::jetstream::{self, stream};
use futures_util::StreamExt as _;

use crate::servers::{Outcome, unexpected};

/// Makes a stream like ours: file storage, direct get, republishing.
pub(crate) async fn make_stream(url: &str) -> Outcome<(async_nats::Client, jetstream::Context)> {
    let client = async_nats::connect(url).await.map_err(unexpected)?;
    let context = jetstream::new(client.clone());
    let config = stream::Config {
        name: "RAW".into(),
        subjects: vec!["raw.evt.>".into()],
        storage: stream::StorageType::File,
        discard: stream::DiscardPolicy::New,
        allow_direct: true,
        duplicate_window: Duration::from_secs(30),
        republish: Some(stream::Republish {
            source: "raw.evt.>".into(),
            destination: "raw.live.>".into(),
            headers_only: false,
        }),
        ..Default::default()
    };
    context.create_stream(config).await.map_err(unexpected)?;
    Ok((client, context))
}

/// Publishes `count` payloads with up to `in_flight` acks outstanding; gives messages per second.
#[expect(clippy::disallowed_methods, reason = "the baseline is a raw publish")]
pub(crate) async fn pipelined(
    url: &str,
    payload: &[u8],
    count: usize,
    in_flight: usize,
) -> Outcome<f64> {
    let (client, context) = make_stream(url).await?;
    let mut live = client.subscribe("raw.live.>").await.map_err(unexpected)?;
    let payload = bytes::Bytes::copy_from_slice(payload);
    let started = Instant::now();
    let receive = tokio::spawn(async move {
        let mut seen = 0;
        while seen < count && live.next().await.is_some() {
            seen += 1;
        }
    });
    let publishes = futures_util::stream::iter(0..count).map(|i| {
        let (context, payload) = (context.clone(), payload.clone());
        async move {
            let ack = context.publish(format!("raw.evt.room{}", i % 16), payload).await;
            ack.map_err(unexpected)?.await.map_err(unexpected)
        }
    });
    let mut acks = publishes.buffer_unordered(in_flight);
    while let Some(ack) = acks.next().await {
        ack?;
    }
    receive.await.map_err(unexpected)?;
    let rate = count as f64 / started.elapsed().as_secs_f64();
    context.delete_stream("RAW").await.map_err(unexpected)?;
    Ok(rate)
}

/// Publishes at `rate` messages a second and gives, for each, the seconds until both its ack and its
/// republished copy are there.
#[expect(clippy::disallowed_methods, reason = "the baseline is a raw publish")]
pub(crate) async fn paced(url: &str, payload: &[u8], count: usize, rate: f64) -> Outcome<Vec<f64>> {
    let (client, context) = make_stream(url).await?;
    let mut live = client.subscribe("raw.live.>").await.map_err(unexpected)?;
    let payload = bytes::Bytes::copy_from_slice(payload);
    let (sent, mut sent_times) = tokio::sync::mpsc::unbounded_channel();
    let receive = tokio::spawn(async move {
        let mut seconds = Vec::with_capacity(count);
        while seconds.len() < count {
            let (Some(_), Some(at)) = (live.next().await, sent_times.recv().await) else { break };
            let at: Instant = at;
            seconds.push(at.elapsed().as_secs_f64());
        }
        seconds
    });
    let mut tick = tokio::time::interval(Duration::from_secs_f64(1.0 / rate));
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Burst);
    let mut acks = Vec::with_capacity(count);
    for _ in 0..count {
        tick.tick().await;
        let _ = sent.send(Instant::now());
        let ack = context.publish("raw.evt.room", payload.clone()).await.map_err(unexpected)?;
        acks.push(tokio::spawn(async move { ack.await.map(|_| ()) }));
    }
    for ack in acks {
        ack.await.map_err(unexpected)?.map_err(unexpected)?;
    }
    let seconds = receive.await.map_err(unexpected)?;
    context.delete_stream("RAW").await.map_err(unexpected)?;
    Ok(seconds)
}

/// Fetches `per_client` stored messages for each of `clients` clients by direct get, as many clients at
/// once as there are; gives clients per second.
#[expect(clippy::disallowed_methods, reason = "the baseline is a raw publish")]
pub(crate) async fn direct_gets(
    url: &str,
    payload: &[u8],
    clients: usize,
    per_client: usize,
) -> Outcome<f64> {
    let (_, context) = make_stream(url).await?;
    for _ in 0..per_client {
        let ack =
            context.publish("raw.evt.room", payload.to_vec().into()).await.map_err(unexpected)?;
        ack.await.map_err(unexpected)?;
    }
    let stream = context.get_stream("RAW").await.map_err(unexpected)?;
    let started = Instant::now();
    let mut gets = futures_util::stream::iter(0..clients)
        .map(|_| {
            let stream = &stream;
            async move {
                for sequence in 1..=per_client as u64 {
                    stream.direct_get(sequence).await.map_err(unexpected)?;
                }
                Outcome::Ok(())
            }
        })
        .buffer_unordered(64);
    while let Some(got) = gets.next().await {
        got?;
    }
    let rate = clients as f64 / started.elapsed().as_secs_f64();
    context.delete_stream("RAW").await.map_err(unexpected)?;
    Ok(rate)
}
