//! Raw consumption of a stream with JSON decoding, and raw inserts into MongoDB.

use std::time::Instant;

use async_nats::jetstream::consumer;
use futures_util::StreamExt as _;
use mongodb::bson::{Document, doc};

use crate::servers::{Outcome, jetstream_of, unexpected};

/// Reads every event of a stream in order, decoding each as JSON; gives messages per second.
pub(crate) async fn ordered(url: &str, stream: &str) -> Outcome<f64> {
    let context = jetstream_of(url).await?;
    let mut stream = context.get_stream(stream).await.map_err(unexpected)?;
    let total = stream.info().await.map_err(unexpected)?.state.messages;
    let config = consumer::pull::OrderedConfig::default();
    let consumer = stream.create_consumer(config).await.map_err(unexpected)?;
    let started = Instant::now();
    let mut messages = consumer.messages().await.map_err(unexpected)?;
    let mut seen = 0;
    while seen < total {
        let Some(message) = messages.next().await else { break };
        let message = message.map_err(unexpected)?;
        let value: serde_json::Value =
            serde_json::from_slice(&message.payload).map_err(unexpected)?;
        std::hint::black_box(&value);
        seen += 1;
    }
    Ok(total as f64 / started.elapsed().as_secs_f64())
}

/// Inserts `count` documents the size of a message, 1,000 at a time; gives documents per second.
pub(crate) async fn insert_many(url: &str, count: usize) -> Outcome<f64> {
    let client = mongodb::Client::with_uri_str(url).await.map_err(unexpected)?;
    let messages = client.database("raw").collection::<Document>("messages");
    messages.drop().await.map_err(unexpected)?;
    let body = "x".repeat(120);
    let started = Instant::now();
    for batch in 0..count.div_ceil(1000) {
        let documents = (0..1000).map(|i| {
            let number = i64::try_from(batch * 1000 + i).unwrap_or(i64::MAX);
            doc! {"_id": format!("msg_{number:026}"), "room_id": "room_0", "number": number,
            "sender_id": "usr_0", "body": &body, "updated": number}
        });
        messages.insert_many(documents).await.map_err(unexpected)?;
    }
    Ok((count.div_ceil(1000) * 1000) as f64 / started.elapsed().as_secs_f64())
}
