//! What a log costs the server when nothing happens.

use futures_util::StreamExt as _;
use schemas::Lane;

use crate::kit::{Server, room};
use crate::reading::fill;

/// What a server is asked about streams.
struct Asked {
    client: async_nats::Client,
    subscription: async_nats::Subscriber,
}

impl Asked {
    async fn of(server: &Server) -> Self {
        let client = async_nats::connect(server.url()).await.unwrap();
        let subscription = client.subscribe("$JS.API.>").await.unwrap();
        client.flush().await.unwrap();
        Self { client, subscription }
    }

    /// How often it was asked since the last time: what was answered came here before the answer went out.
    async fn taken(&mut self) -> usize {
        self.client.publish("$JS.API.ENOUGH", "".into()).await.unwrap();
        let mut count = 0;
        while let Some(message) = self.subscription.next().await {
            if message.subject.as_str() == "$JS.API.ENOUGH" {
                break;
            }
            count += 1;
        }
        count
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn those_who_look_together_ask_once_and_hear_what_was_written_a_moment_later() {
    let server = Server::start().await;
    let log = server.log().await;
    let lane = Lane::Timeline(room());
    fill(&log, &lane, 3).await;
    let mut asked = Asked::of(&server).await;
    let looks = (0..20).map(|_| log.recent_head());
    let heads = futures_util::future::join_all(looks).await;
    assert!(heads.iter().all(|head| matches!(head, Ok(3))), "{heads:?}");
    assert_eq!(asked.taken().await, 1);
    fill(&log, &lane, 1).await;
    assert_eq!(log.head().await.unwrap(), 4, "asked for now");
    let heard = async || (log.recent_head().await.unwrap() == 4).then_some(());
    testbed::until("the others hear of it", heard).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mark_that_stands_is_not_looked_at_again() {
    let server = Server::start().await;
    let log = server.log().await;
    let lane = Lane::Timeline(room());
    fill(&log, &lane, 3).await;
    // Written, and read once more.
    log.note_mark().await.unwrap();
    log.note_mark().await.unwrap();
    let mut asked = Asked::of(&server).await;
    log.note_mark().await.unwrap();
    assert_eq!(asked.taken().await, 0);
    fill(&log, &lane, 1).await;
    asked.taken().await;
    log.note_mark().await.unwrap();
    assert!(asked.taken().await > 0, "there is news");
}
