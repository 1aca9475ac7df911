//! The process killed while files come and while uploads are completed: what was stored is whole, what was not can be
//! done again.

use std::io::Write;
use std::net::TcpStream;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use serde_json::json;
use tests::kit::files::{bytes, client, fetch, posts, put, request, whole};
use tests::kit::installation::{Installation, Place};
use tests::kit::person::Person;
use tests::kit::until;

use crate::schedule::{Schedule, by_length};

const KIND: &str = "application/octet-stream";

/// Sends the head of an upload and half of the bytes it says.
fn half_an_upload(place: &Place, url: &str, content: &[u8]) -> TcpStream {
    let (server, url) = (place.url(0), whole(place, url));
    let path = url.strip_prefix(server).unwrap();
    let mut stream = TcpStream::connect(server.trim_start_matches("http://")).unwrap();
    let head =
        format!("PUT {path} HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n", content.len());
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(&content[..content.len() / 2]).unwrap();
    stream
}

/// Asks for a completion once, whatever becomes of it.
async fn ask_to_complete(who: &Person, id: &str) -> bool {
    let url = format!("{}/v1/media/{id}/complete", who.place.url(0));
    let asked = client().post(url).bearer_auth(&who.access);
    let answer = asked.header("content-type", "application/json").body("{}").send().await;
    answer.is_ok_and(|answer| answer.status().is_success())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kill_serve_while_files_come_and_are_completed() {
    let mut schedule = Schedule::of("kill_serve_while_files_come_and_are_completed");
    let mut installation = Installation::relaxed(&[]);
    let ada = installation.place.found().await;
    let room = ada.group(&[]).await;
    let content = bytes(1_500_000);
    for round in 0..by_length(2, 10) {
        let place = &installation.place;
        let (cut, cut_url) = request(&ada, "cut.bin", KIND, content.len()).await;
        let half = half_an_upload(place, &cut_url, &content);
        let mut ids = vec![cut];
        for _ in 0..4 {
            let (id, url) = request(&ada, "whole.bin", KIND, content.len()).await;
            assert_eq!(put(place, &url, &content).await, 204);
            ids.push(id);
        }
        let mut answers: FuturesUnordered<_> =
            ids[1..].iter().map(|id| ask_to_complete(&ada, id)).collect();
        let after = schedule.dice.within(1..4);
        for _ in 0..after {
            assert_eq!(answers.next().await, Some(true));
        }
        schedule.say(&format!("round {round}: kills serve after {after} completions"));
        tokio::task::block_in_place(|| {
            installation.process.kill();
            installation.start_again();
        });
        drop((answers, half));
        let place = &installation.place;
        until("the file is taken", async || {
            (put(place, &cut_url, &content).await == 204).then_some(())
        })
        .await;
        for id in &ids {
            let media = ada.post(&format!("/v1/media/{id}/complete"), json!({})).await.ok(200);
            let got = fetch(place, media["url"].as_str().unwrap(), &[]).await;
            assert!(got.bytes == content, "{id}: {} bytes", got.bytes.len());
            let said = posts(&ada, &room, "", &[&media]).await;
            assert_eq!(said["attachments"][0]["id"], json!(id));
        }
    }
    installation.verify();
}
