//! The key of the name lanes: the first one stays, and another one is refused.

use eventlog::{NameKeyError, NamesNoted};
use futures_util::future::join_all;
use schemas::{Lane, NameKey};

use crate::kit::{Server, put, room};

fn key(byte: u8) -> NameKey {
    NameKey::new(&[byte; NameKey::BYTES])
}

#[tokio::test(flavor = "multi_thread")]
async fn the_key_a_log_was_begun_with_is_the_only_one() {
    let server = Server::start().await;
    let log = server.log().await;
    assert_eq!(log.names_noted().await.unwrap(), NamesNoted::Free);
    log.note_names(&key(1), &[]).await.unwrap();
    assert_eq!(log.names_noted().await.unwrap(), NamesNoted::Keyed);
    put(&log, &Lane::Room(room()), "an event").await;
    let other = server.connect().await;
    other.attach().await.unwrap();
    other.note_names(&key(1), &[]).await.unwrap();
    let refused = other.note_names(&key(2), &[]).await;
    assert!(matches!(refused, Err(NameKeyError::OtherKey)), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_several_first_keys_one_wins() {
    let server = Server::start().await;
    let mut logs = Vec::new();
    for _ in 0..6 {
        logs.push(server.log().await);
    }
    let keys: Vec<NameKey> = (0..6).map(key).collect();
    let noting = logs.iter().zip(&keys).map(|(log, key)| log.note_names(key, &[]));
    let noted = join_all(noting).await;
    assert_eq!(noted.iter().filter(|noted| noted.is_ok()).count(), 1, "{noted:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_with_events_and_no_key_is_refused() {
    let server = Server::start().await;
    let log = server.log().await;
    put(&log, &Lane::Room(room()), "of an older build").await;
    assert_eq!(log.names_noted().await.unwrap(), NamesNoted::Unknown);
    let refused = log.note_names(&key(1), &[key(1).admins()]).await;
    assert!(matches!(refused, Err(NameKeyError::Unkeyed)), "{refused:?}");
    assert_eq!(log.names_noted().await.unwrap(), NamesNoted::Unknown);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_has_lost_its_ledger_is_known_by_its_lanes() {
    let server = Server::start().await;
    let log = server.log().await;
    put(&log, &key(1).admins(), "an admin").await;
    let refused = log.note_names(&key(2), &[key(2).admins()]).await;
    assert!(matches!(refused, Err(NameKeyError::Unkeyed)), "{refused:?}");
    log.note_names(&key(1), &[key(1).admins()]).await.unwrap();
    let refused = log.note_names(&key(2), &[key(2).admins()]).await;
    assert!(matches!(refused, Err(NameKeyError::OtherKey)), "{refused:?}");
}
