//! Claims in the key-value store (tickets, idempotency keys) whose answers are lost with the connection: of all who
//! claim the same thing at the same moment, in the same words, one gets it.

use std::sync::Arc;

use eventlog::{SecretError, SecretStore, Topology};
use futures_util::future::join_all;
use tempfile::TempDir;
use tests::kit::chaos::{Fate, Passing, Proxy};
use tests::kit::nats::NatsServer;
use tests::kit::until;

use eventlog::{Connect, EventLog};
use schemas::Namespace;

const CLAIMANTS: u64 = 10;

/// Whether a message to a client answers a write to a bucket.
fn is_answer(passing: &Passing<'_>) -> bool {
    let has = |text: &[u8]| passing.content.windows(text.len()).any(|part| part == text);
    passing.subject.starts_with("_INBOX.") && (has(b"\"stream\":\"KV_") || has(b"\"error\":"))
}

/// A bucket behind a proxy, made and ready.
async fn bucket(proxy: &Proxy) -> SecretStore {
    let namespace = Namespace::parse("claims").unwrap();
    let connect = Connect { url: proxy.url(), client_name: "claims".to_owned(), namespace };
    let log = EventLog::connect(connect).await.unwrap();
    log.ensure_topology(&Topology::default()).await.unwrap();
    let store = log.secrets("tickets");
    store.create("ready", "yes", None).await.unwrap();
    store
}

/// Lets every client claim at once, loses every answer, and cuts the connection; returns how many believe they won.
async fn claimed<F>(proxy: &Proxy, claim: impl Fn() -> F) -> usize
where
    F: Future<Output = Result<bool, SecretError>> + Send + 'static,
{
    let before = proxy.lost();
    proxy.decide(|passing| if is_answer(passing) { Fate::Lose } else { Fate::Pass });
    let claims: Vec<_> = (0..CLAIMANTS).map(|_| tokio::spawn(claim())).collect();
    let all = before + CLAIMANTS;
    until("every answer is lost", async || (proxy.lost() >= all).then_some(())).await;
    proxy.heal();
    proxy.cut();
    let outcomes = join_all(claims).await.into_iter().map(|outcome| outcome.unwrap().unwrap());
    outcomes.filter(|ours| *ours).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_claim_wins_though_all_answers_are_lost() {
    let folder = TempDir::with_prefix("tidings-test-").unwrap();
    let nats = NatsServer::start(folder.path());
    let proxy = Proxy::start(&nats.address);
    let store = Arc::new(bucket(&proxy).await);
    for round in 0..3 {
        let key = format!("ticket-{round}");
        let create = || {
            let (store, key) = (Arc::clone(&store), key.clone());
            async move {
                match store.create(&key, "the same words", None).await {
                    Ok(_) => Ok(true),
                    Err(SecretError::Conflict) => Ok(false),
                    Err(error) => Err(error),
                }
            }
        };
        assert_eq!(claimed(&proxy, create).await, 1, "creating, round {round}");
        let (_, revision) = store.get(&key).await.unwrap().expect("it is there");
        let take = || {
            let (store, key) = (Arc::clone(&store), key.clone());
            async move { store.take(&key, revision).await }
        };
        assert_eq!(claimed(&proxy, take).await, 1, "taking, round {round}");
        assert_eq!(store.get(&key).await.unwrap(), None);
    }
}
