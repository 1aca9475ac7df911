//! Secrets: compare-and-set, lifetimes, single use.

use std::time::Duration;

use eventlog::SecretError;
use tokio::time::{Instant, sleep};

use crate::kit::{PATIENCE, Server};

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_is_created_once_and_changed_only_from_the_revision_read() {
    let server = Server::start().await;
    let log = server.log().await;
    let store = log.secrets("credentials");
    assert_eq!(store.get("usr_1").await.unwrap(), None);
    let first = store.create("usr_1", "hash-1", None).await.unwrap();
    let again = store.create("usr_1", "hash-2", None).await;
    assert!(matches!(again, Err(SecretError::Conflict)), "{again:?}");
    let second = store.update("usr_1", "hash-2", first, None).await.unwrap();
    assert!(matches!(store.update("usr_1", "x", first, None).await, Err(SecretError::Conflict)));
    assert!(matches!(store.update("usr_1", "x", 0, None).await, Err(SecretError::Conflict)));
    let (value, revision) = store.get("usr_1").await.unwrap().unwrap();
    assert_eq!((&value[..], revision), (&b"hash-2"[..], second));
    assert!(store.delete("usr_1").await.unwrap());
    assert!(!store.delete("usr_1").await.unwrap());
    assert_eq!(store.get("usr_1").await.unwrap(), None);
    assert!(matches!(store.update("usr_1", "x", second, None).await, Err(SecretError::Conflict)));
    store.create("usr_1", "hash-3", None).await.unwrap();
    // Another handle, another process, the same bucket.
    let other = server.log().await.secrets("credentials");
    assert_eq!(&other.get("usr_1").await.unwrap().unwrap().0[..], b"hash-3");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lifetime_ends_also_after_delete_and_update() {
    let server = Server::start().await;
    let store = server.log().await.secrets("tickets");
    let second = Some(Duration::from_millis(900));
    store.create("a", "1", None).await.unwrap();
    store.delete("a").await.unwrap();
    // Over a deletion the lifetime must count as well.
    store.create("a", "2", second).await.unwrap();
    let kept = store.create("b", "1", second).await.unwrap();
    store.update("b", "2", kept, None).await.unwrap();
    let deadline = Instant::now() + PATIENCE;
    while store.get("a").await.unwrap().is_some() {
        assert!(Instant::now() < deadline, "it did not expire");
        sleep(Duration::from_millis(50)).await;
    }
    assert!(store.get("b").await.unwrap().is_some());
    store.create("a", "3", None).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_callers_that_take_one_secret_one_succeeds() {
    let server = Server::start().await;
    let store = server.log().await.secrets("tickets");
    let revision = store.create("ticket", "for-anna", None).await.unwrap();
    let takers = (0..20).map(|_| store.take("ticket", revision));
    let outcomes = futures_util::future::join_all(takers).await;
    assert_eq!(outcomes.into_iter().filter(|taken| *taken.as_ref().unwrap()).count(), 1);
    assert_eq!(store.get("ticket").await.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_listed_and_bad_ones_refused() {
    let server = Server::start().await;
    let store = server.log().await.secrets("sessions");
    for key in ["usr_1.ses_1", "usr_1.ses_2", "usr_2.ses_3"] {
        store.create(key, "x", None).await.unwrap();
    }
    assert_eq!(store.keys(Some("usr_1")).await.unwrap(), ["usr_1.ses_1", "usr_1.ses_2"]);
    assert_eq!(store.keys(None).await.unwrap().len(), 3);
    assert!(store.keys(Some("usr_9")).await.unwrap().is_empty());
    for bad in ["", "*", "a.>", "a b", ".a", "a.", "a..b", "a\r\nb", &"x".repeat(129)] {
        assert!(matches!(store.get(bad).await, Err(SecretError::BadKey)), "{bad:?}");
        assert!(matches!(store.create(bad, "x", None).await, Err(SecretError::BadKey)));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_marker_left_by_the_nats_tool_is_no_value() {
    let server = Server::start().await;
    let store = server.log().await.secrets("otp");
    store.create("k", "1", None).await.unwrap();
    let client = async_nats::connect(server.url()).await.unwrap();
    let bucket = async_nats::jetstream::new(client).get_key_value("test_otp").await.unwrap();
    bucket.delete("k").await.unwrap();
    assert_eq!(store.get("k").await.unwrap(), None);
    store.create("k", "2", Some(Duration::from_secs(60))).await.unwrap();
    assert_eq!(bucket.get("k").await.unwrap().unwrap(), "2");
}
