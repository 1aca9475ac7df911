use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::*;

/// A bucket of a server that gives these answers, each over a connection of its own which it closes then.
async fn bucket(answers: &[&'static str]) -> Bucket {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = listener.local_addr().unwrap();
    let answers = answers.to_vec();
    tokio::spawn(async move {
        for answer in answers {
            let (mut stream, _) = listener.accept().await.unwrap();
            read(&mut stream).await;
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    let place = S3Place::parse(&format!("s3://files?endpoint=http://{endpoint}")).unwrap();
    let credentials = Credentials { access_key: "a".to_owned(), secret_key: "b".to_owned() };
    Bucket::new(place, credentials, None).unwrap()
}

async fn read(stream: &mut TcpStream) {
    let mut request = Vec::new();
    loop {
        assert_ne!(stream.read_buf(&mut request).await.unwrap(), 0, "a whole request");
        let text = String::from_utf8_lossy(&request).to_ascii_lowercase();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head
            .split_once("content-length: ")
            .map_or(0, |(_, rest)| rest.lines().next().unwrap().parse().unwrap());
        if body.len() >= length {
            return;
        }
    }
}

const GONE: &str = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n";
const NO_KEY: &str =
    "HTTP/1.1 404 Not Found\r\nContent-Length: 37\r\n\r\n<Error><Code>NoSuchKey</Code></Error>";
const NO_BUCKET: &str =
    "HTTP/1.1 404 Not Found\r\nContent-Length: 40\r\n\r\n<Error><Code>NoSuchBucket</Code></Error>";
const BUSY: &str = "HTTP/1.1 503 Slow Down\r\nContent-Length: 0\r\n\r\n";
const FOUND: &str = "HTTP/1.1 200 OK\r\nContent-Length: 7\r\nETag: \"e\"\r\n\r\n";

#[tokio::test]
async fn an_object_that_is_not_there_is_told_from_a_bucket_that_is_not() {
    assert!(bucket(&[GONE, NO_KEY]).await.head("k").await.unwrap().is_none());
    let error = bucket(&[GONE, NO_BUCKET]).await.head("k").await.unwrap_err();
    assert_eq!(error.code(), Some("NoSuchBucket"));
    bucket(&[NO_KEY]).await.delete("k").await.unwrap();
    bucket(&[NO_BUCKET]).await.delete("k").await.unwrap_err();
    let object = bucket(&[FOUND]).await.head("k").await.unwrap().unwrap();
    assert_eq!((object.etag.as_str(), object.size), ("\"e\"", 7));
}

#[tokio::test]
async fn what_fails_for_a_moment_is_asked_again_and_not_for_ever() {
    assert!(bucket(&[BUSY, BUSY, FOUND]).await.head("k").await.unwrap().is_some());
    let error = bucket(&[BUSY, BUSY, BUSY, FOUND]).await.head("k").await.unwrap_err();
    assert!(matches!(error, S3Error::Refused { status: 503, .. }), "{error:?}");
    // Over the connection that the server has closed nothing is asked.
    let several = bucket(&[FOUND, FOUND, FOUND]).await;
    for _ in 0..3 {
        assert!(several.head("k").await.unwrap().is_some());
    }
}

#[tokio::test]
async fn a_range_is_of_the_version_that_was_asked_for() {
    const PART: &str = "HTTP/1.1 206 Partial Content\r\nContent-Length: 2\r\nETag: \"e\"\r\n\r\ncd";
    const SAYS_200: &str =
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Range: bytes 2-3/7\r\n\r\ncd";
    const WHOLE: &str = "HTTP/1.1 200 OK\r\nContent-Length: 7\r\nETag: \"e\"\r\n\r\nabcdefg";
    const CHANGED: &str = "HTTP/1.1 412 Precondition Failed\r\nContent-Length: 0\r\n\r\n";
    for (answer, etag, from, expected) in [
        (PART, "\"e\"", 2, Some("cd")),
        (SAYS_200, "\"e\"", 2, Some("cd")),
        (WHOLE, "\"e\"", 0, Some("ab")),
        (PART, "\"other\"", 2, None),
        (CHANGED, "\"e\"", 2, None),
        (NO_KEY, "\"e\"", 2, None),
    ] {
        let read = bucket(&[answer]).await.range("k", etag, from, 2).await.unwrap();
        assert_eq!(read.as_deref(), expected.map(str::as_bytes), "{answer}");
    }
    let error = bucket(&[WHOLE]).await.range("k", "\"e\"", 2, 2).await.unwrap_err();
    assert!(matches!(error, S3Error::Incomplete(_)), "{error:?}");
}

#[tokio::test]
async fn a_success_with_an_error_in_it_is_none_and_a_list_ends() {
    const FAILED: &str =
        "HTTP/1.1 200 OK\r\nContent-Length: 41\r\n\r\n<Error><Code>InternalError</Code></Error>";
    let parts = ["\"e\"".to_owned()];
    let error = bucket(&[FAILED]).await.end(("k", "u"), &parts).await.unwrap_err();
    assert_eq!(error.code(), Some("InternalError"));
    const LIST: &str = "HTTP/1.1 200 OK\r\nContent-Length: 109\r\n\r\n<R><IsTruncated>true</IsTruncated>\
         <Contents><Key>a</Key></Contents><Contents><Key>b&amp;</Key></Contents></R>";
    let (keys, more) = bucket(&[LIST]).await.list("", None).await.unwrap();
    assert_eq!((keys, more), (vec!["a".to_owned(), "b&".to_owned()], true));
    // A store that begins at the start each time.
    let (keys, more) = bucket(&[LIST]).await.list("", Some("b&")).await.unwrap();
    assert_eq!((keys.len(), more), (0, false));
}

#[tokio::test]
async fn what_goes_up_in_parts_is_told_from_what_does_not_any_more() {
    const PARTS: &str = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    const NO_UPLOAD: &str = "HTTP/1.1 404 Not Found\r\nContent-Length: 40\r\n\r\n<Error><Code>NoSuchUpload</Code></Error>";
    const MAY_NOT_ASK: &str = "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n";
    for (answer, is_begun) in [(PARTS, true), (NO_UPLOAD, false), (MAY_NOT_ASK, true)] {
        assert_eq!(bucket(&[answer]).await.is_begun("k", "u").await.unwrap(), is_begun);
    }
    bucket(&[BUSY, BUSY, BUSY]).await.is_begun("k", "u").await.unwrap_err();
}
