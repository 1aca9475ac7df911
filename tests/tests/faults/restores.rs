//! A restore killed in the middle: nothing starts on what it leaves, and another one into an empty folder brings back
//! everything.

use std::path::Path;

use nix::sys::signal::Signal;
use tests::kit::files::{fetch, posts, upload};
use tests::kit::installation::{Installation, command};
use tests::kit::person::bodies;
use tests::kit::process::{Process, pause};
use tests::kit::until;

use crate::damage::{done, refused};
use crate::schedule::{Dice, by_length, say};

/// How many streams a data folder has.
fn brought(data: &Path) -> usize {
    let streams = data.join("nats/store/jetstream/$G/streams");
    std::fs::read_dir(streams).into_iter().flatten().flatten().count()
}

/// Restores, and kills that when so many streams are there; whether it came in time.
fn killed(installation: &Installation, folders: &[&str], streams: usize) -> bool {
    let data = &installation.data;
    let mut restore = command(&[&["restore"][..], folders].concat());
    restore.arg("--data").arg(data);
    let mut process = Process::start("restore", &restore, data.parent().unwrap(), None);
    while process.runs() && brought(data) < streams {
        pause();
    }
    process.signal(Signal::SIGKILL);
    process.wait() != 0
}

/// Everything that would use a log says that this one is not whole.
fn nothing_starts(installation: &Installation, backup: &str) {
    let said = refused(&installation.data);
    assert!(said.contains("cut short"), "{said}");
    for command in [&["verify"][..], &["backup", "/nowhere"], &["restore", backup]] {
        let output = installation.operate(command);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success(), "{command:?}");
        assert!(said.contains("cut short"), "{command:?}: {said}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kill_a_restore() {
    let mut installation = Installation::relaxed(&[]);
    let place = installation.place.clone();
    let ada = place.found().await;
    let room = ada.group(&[]).await;
    let mut dice = Dice::of(7);
    // Of a kind that a copy does not make smaller.
    let content: Vec<u8> = (0..500_000).flat_map(|_| dice.next().to_le_bytes()).collect();
    let media = upload(&ada, "large.bin", "application/octet-stream", &content).await;
    posts(&ada, &room, "whole", &[&media]).await;
    let folder = |name: &str| installation.data.with_extension(name).to_str().unwrap().to_owned();
    let (full, more) = (folder("full"), folder("more"));
    done(&installation.operate(&["backup", &full, "--json"]));
    ada.says(&room, "added").await;
    done(&installation.operate(&["backup", &more, "--since", &full, "--json"]));
    installation.process.stop();
    std::fs::rename(&installation.data, installation.data.with_extension("former")).unwrap();

    let mut in_time = 0;
    for folders in [&[full.as_str()][..], &[&full, &more]] {
        for streams in 2..2 + by_length(2, 8) {
            tokio::task::block_in_place(|| {
                let was_killed = killed(&installation, folders, streams);
                let there = brought(&installation.data);
                let what = format!("killed: {was_killed}, with {there} streams of {folders:?}");
                say("kill_a_restore", &what);
                if was_killed {
                    in_time += 1;
                    nothing_starts(&installation, &full);
                }
            });
            std::fs::remove_dir_all(&installation.data).unwrap();
        }
    }
    assert!(in_time > 0, "every restore got through");

    done(&installation.operate(&["restore", &full, &more, "--json"]));
    installation.start_again();
    *place.newest.lock().unwrap() = (0, String::new());
    let ada = ada.again().await;
    until("what was said is there", async || {
        let page = ada.get(&format!("/v1/rooms/{room}/messages")).await;
        let found = || Some(bodies(page.json["items"].as_array()?) == ["whole", "added"]);
        (page.status == 200 && found()?).then_some(())
    })
    .await;
    let about = ada.get(&format!("/v1/media/{}", media["id"].as_str().unwrap())).await.ok(200);
    let got = fetch(&place, about["url"].as_str().unwrap(), &[]).await;
    assert!(got.bytes == content, "{} bytes", got.bytes.len());
    tokio::task::block_in_place(|| installation.verify());
}
