use eventlog::{Connect, Topology};
use schemas::{Namespace, UserId};
use uuid::Uuid;

use super::*;
use crate::archive::Archive;
use crate::whole::{read_up_to, read_whole};

async fn store(server: &testbed::Nats) -> Builtin {
    let namespace = Namespace::parse("files").unwrap();
    let connect = Connect { url: server.url(), client_name: "files".to_owned(), namespace };
    let log = EventLog::connect(connect).await.unwrap();
    log.ensure_topology(&Topology::default()).await.unwrap();
    Builtin::of(&log)
}

fn bytes(count: usize) -> Vec<u8> {
    (0..count).map(|at| u8::try_from(at * 7 % 251).unwrap()).collect()
}

async fn put(store: &Builtin, name: &BlobName, bytes: &[u8]) -> Blob {
    let mut upload = store.begin(name.clone()).await.unwrap();
    for some in bytes.chunks(100_000) {
        upload.write(some).await.unwrap();
    }
    upload.finish().await.unwrap()
}

async fn whole(store: &Builtin, name: &BlobName, blob: &Blob, from: u64) -> Vec<u8> {
    read_up_to(store, (name, blob), from, usize::MAX).await.unwrap()
}

#[tokio::test]
async fn a_file_is_read_from_any_place_and_nothing_of_it_stays_once_it_is_removed() {
    let server = testbed::Nats::start().await;
    let store = store(&server).await;
    let name = BlobName::File(MediaId::from_uuid(Uuid::from_u128(1)));
    assert_eq!(store.stat(&name).await.unwrap(), None);
    let content = bytes(MAX_PIECE * 2 + 1234);
    let blob = put(&store, &name, &content).await;
    assert_eq!(store.stat(&name).await.unwrap().as_ref(), Some(&blob));
    for from in [0, 1, MAX_PIECE - 1, MAX_PIECE, MAX_PIECE * 2 + 1233, content.len()] {
        let read = whole(&store, &name, &blob, u64::try_from(from).unwrap()).await;
        assert!(read == content[from..], "from {from}");
    }
    let some = read_up_to(&store, (&name, &blob), 7, MAX_PIECE + 5).await.unwrap();
    assert!(some == content[7..MAX_PIECE + 12]);
    let all = read_whole(&store, (&name, &blob), content.len()).await.unwrap();
    assert!(all.as_deref() == Some(&*content));
    let too_large = read_whole(&store, (&name, &blob), content.len() - 1).await.unwrap();
    assert!(too_large.is_none());
    let other = put(&store, &name, b"another").await;
    let gone = store.read(&name, &blob, 0, 1).await;
    assert!(matches!(gone, Err(BlobError::Gone)), "{gone:?}");
    assert_eq!(whole(&store, &name, &other, 0).await, b"another");
    let BlobName::File(id) = &name else { panic!("a file") };
    assert_eq!(store.media_in(Area::File, None).await.unwrap(), std::slice::from_ref(id));
    assert!(store.media_in(Area::Upload, None).await.unwrap().is_empty());
    assert!(store.media_in(Area::File, Some(id)).await.unwrap().is_empty());
    store.remove(&name).await.unwrap();
    store.remove(&name).await.unwrap();
    assert_eq!(store.pieces.keys(">").await.unwrap(), [""; 0]);
}

#[tokio::test]
async fn a_file_is_resumed_and_an_upload_that_does_not_know_does_no_harm() {
    let server = testbed::Nats::start().await;
    let store = store(&server).await;
    let name = BlobName::Export(UserId::from_uuid(Uuid::from_u128(1)));
    let content = bytes(MAX_PIECE * 3 + 1234);
    let (begin, rest) = content.split_at(MAX_PIECE + 99);
    let mut first = store.begin(name.clone()).await.unwrap();
    first.write(begin).await.unwrap();
    let paused = first.pause();
    first.write(&vec![1; MAX_PIECE * 2]).await.unwrap();
    let kept = serde_json::to_vec(&paused).unwrap();
    let paused: Paused = serde_json::from_slice(&kept).unwrap();
    // One that is interrupted before its first piece is resumed, too.
    let again = store.resume(name.clone(), &paused).await.unwrap().pause();
    let mut second = store.resume(name.clone(), &again).await.unwrap();
    second.write(rest).await.unwrap();
    let blob = second.finish().await.unwrap();
    assert_eq!((blob.size, &blob.sha256), (u64::try_from(content.len()).unwrap(), &None));
    for from in [0, MAX_PIECE, MAX_PIECE + 98, MAX_PIECE * 2, MAX_PIECE * 3 + 1233] {
        let read = whole(&store, &name, &blob, u64::try_from(from).unwrap()).await;
        assert!(read == content[from..], "from {from}");
    }
    // The first one ends as well: what is stored is whole, and the other's.
    let other = first.finish().await.unwrap();
    let read = whole(&store, &name, &other, 0).await;
    assert!(read[..begin.len()] == *begin && read[begin.len()..].iter().all(|byte| *byte == 1));
    store.remove(&name).await.unwrap();
    store.discard(&name, &paused).await.unwrap();
    let left = store.pieces.keys(">").await.unwrap();
    assert_eq!(left, [""; 0]);
    let gone = store.resume(name, &paused).await.err();
    assert!(matches!(gone, Some(BlobError::Gone)), "{gone:?}");
}

#[tokio::test]
async fn what_is_half_written_stays_until_it_is_discarded() {
    let server = testbed::Nats::start().await;
    let store = store(&server).await;
    let name = BlobName::Export(UserId::from_uuid(Uuid::from_u128(1)));
    let mut upload = store.begin(name.clone()).await.unwrap();
    upload.write(&bytes(MAX_PIECE + 1)).await.unwrap();
    let paused = upload.pause();
    drop(upload);
    let mut upload = store.resume(name.clone(), &paused).await.unwrap();
    upload.write(&bytes(MAX_PIECE)).await.unwrap();
    let paused = upload.pause();
    drop(upload);
    assert_eq!(store.stat(&name).await.unwrap(), None);
    assert_eq!(store.pieces.keys(">").await.unwrap().len(), 2);
    assert_eq!(store.sweep().await.unwrap(), 0);
    store.discard(&name, &paused).await.unwrap();
    assert_eq!(store.pieces.keys(">").await.unwrap(), [""; 0]);
}

#[tokio::test]
async fn what_was_aborted_leaves_nothing_and_what_is_being_written_is_not_swept() {
    let server = testbed::Nats::start().await;
    let store = store(&server).await;
    let name = BlobName::Upload(MediaId::from_uuid(Uuid::from_u128(1)));
    let mut upload = store.begin(name.clone()).await.unwrap();
    upload.write(&bytes(MAX_PIECE + 1)).await.unwrap();
    assert_eq!(store.pieces.keys(">").await.unwrap().len(), 1);
    assert_eq!(store.sweep().await.unwrap(), 0);
    upload.abort().await;
    assert_eq!(store.pieces.keys(">").await.unwrap(), [""; 0]);
    assert_eq!(store.stat(&name).await.unwrap(), None);
}

#[tokio::test]
async fn an_archive_that_is_resumed_is_the_same() {
    let server = testbed::Nats::start().await;
    let store = store(&server).await;
    let made = Timestamp::from_millis(1_795_255_200_007);
    let [name, other] = [1, 2].map(|n| BlobName::Export(UserId::from_uuid(Uuid::from_u128(n))));
    let mut unbroken = Archive::new(store.begin(other.clone()).await.unwrap(), made);
    unbroken.add("a".to_owned(), bytes(300_000)).await.unwrap();
    unbroken.add("b".to_owned(), bytes(20)).await.unwrap();
    let expected = unbroken.finish().await.unwrap();
    let mut broken = Archive::new(store.begin(name.clone()).await.unwrap(), made);
    broken.add("a".to_owned(), bytes(300_000)).await.unwrap();
    let paused = serde_json::to_string(&broken.pause()).unwrap();
    broken.add("lost".to_owned(), bytes(700_000)).await.unwrap();
    drop(broken);
    let paused = serde_json::from_str(&paused).unwrap();
    let mut resumed = Archive::resume(&store, name.clone(), paused).await.unwrap();
    resumed.add("b".to_owned(), bytes(20)).await.unwrap();
    let blob = resumed.finish().await.unwrap();
    assert_eq!(blob.size, expected.size);
    let expected = whole(&store, &other, &expected, 0).await;
    assert!(whole(&store, &name, &blob, 0).await == expected);
}
