//! A restore killed in the middle: nothing starts on what it leaves, and another one into an empty folder brings back
//! everything. One that is held up for longer than a server waits gets through, and what one has brought back is on the
//! disk when it says so.

use std::path::Path;
use std::time::Duration;

use nix::sys::signal::Signal;
use serde_json::Value;
use tests::kit::files::{fetch, posts, upload};
use tests::kit::installation::{Installation, command};
use tests::kit::person::{Person, bodies, id_of};
use tests::kit::process::{Process, pause};
use tests::kit::{last, until};

use crate::damage::{done, refused};
use crate::power::Power;
use crate::schedule::{Dice, Schedule, by_length, say};

/// How many streams a data folder has.
fn brought(data: &Path) -> usize {
    let streams = data.join("nats/store/jetstream/$G/streams");
    std::fs::read_dir(streams).into_iter().flatten().flatten().count()
}

/// Begins to restore.
fn begun(installation: &Installation, folders: &[&str]) -> Process {
    let data = &installation.data;
    let mut restore = command(&[&["restore"][..], folders].concat());
    restore.arg("--data").arg(data);
    Process::start("restore", &restore, data.parent().unwrap(), None)
}

/// Restores, and kills that when so many streams are there; whether it came in time.
fn killed(installation: &Installation, folders: &[&str], streams: usize) -> bool {
    let mut process = begun(installation, folders);
    while process.runs() && brought(&installation.data) < streams {
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

/// What was backed up, in a whole backup and an increment.
struct BackedUp {
    installation: Installation,
    ada: Person,
    room: String,
    media: Value,
    content: Vec<u8>,
    full: String,
    more: String,
    /// How many streams there are.
    streams: usize,
}

/// Backs an installation up that has a file of so many times eight bytes, and puts it away.
async fn backed_up(eights: usize) -> BackedUp {
    let mut installation = Installation::relaxed(&["--rate-media", "off"]);
    let ada = installation.place.found().await;
    let room = ada.group(&[]).await;
    let mut dice = Dice::of(7);
    // Of a kind that a copy does not make smaller.
    let content: Vec<u8> = (0..eights).flat_map(|_| dice.next().to_le_bytes()).collect();
    let media = upload(&ada, "large.bin", "application/octet-stream", &content).await;
    posts(&ada, &room, "whole", &[&media]).await;
    let folder = |name: &str| installation.data.with_extension(name).to_str().unwrap().to_owned();
    let (full, more) = (folder("full"), folder("more"));
    done(&installation.operate(&["backup", &full, "--json"]));
    ada.says(&room, "added").await;
    let made = done(&installation.operate(&["backup", &more, "--since", &full, "--json"]));
    let streams = made["manifest"]["streams"].as_array().unwrap().len();
    installation.process.stop();
    std::fs::rename(&installation.data, installation.data.with_extension("former")).unwrap();
    BackedUp { installation, ada, room, media, content, full, more, streams }
}

impl BackedUp {
    /// Everything is there again.
    async fn comes_back(mut self) {
        let place = self.installation.place.clone();
        tokio::task::block_in_place(|| self.installation.start_again());
        *place.newest.lock().unwrap() = (0, String::new());
        let ada = self.ada.again().await;
        until("what was said is there", async || {
            let page = ada.get(&format!("/v1/rooms/{}/messages", self.room)).await;
            let found = || Some(bodies(page.json["items"].as_array()?) == ["whole", "added"]);
            (page.status == 200 && found()?).then_some(())
        })
        .await;
        let about = ada.get(&format!("/v1/media/{}", id_of(&self.media))).await.ok(200);
        let got = fetch(&place, about["url"].as_str().unwrap(), &[]).await;
        assert!(got.bytes == self.content, "{} bytes", got.bytes.len());
        tokio::task::block_in_place(|| self.installation.verify());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kill_a_restore() {
    let made = backed_up(500_000).await;
    let BackedUp { installation, full, more, .. } = &made;
    let mut in_time = 0;
    for folders in [&[full.as_str()][..], &[full.as_str(), more.as_str()]] {
        for streams in 2..2 + by_length(2, 8) {
            tokio::task::block_in_place(|| {
                let was_killed = killed(installation, folders, streams);
                let there = brought(&installation.data);
                let what = format!("killed: {was_killed}, with {there} streams of {folders:?}");
                say("kill_a_restore", &what);
                if was_killed {
                    in_time += 1;
                    nothing_starts(installation, full);
                }
            });
            std::fs::remove_dir_all(&installation.data).unwrap();
        }
    }
    assert!(in_time > 0, "every restore got through");
    done(&installation.operate(&["restore", full, more, "--json"]));
    made.comes_back().await;
}

/// A server gives up on a copy of which nothing comes for five seconds.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restore_that_is_held_up_begins_again() {
    let made = backed_up(6_000_000).await;
    let mut process = begun(&made.installation, &[&made.full, &made.more]);
    // Files come last.
    while process.runs() && brought(&made.installation.data) + 1 < made.streams {
        pause();
    }
    process.signal(Signal::SIGSTOP);
    last(Duration::from_secs(8)).await;
    process.signal(Signal::SIGCONT);
    let code = tokio::task::block_in_place(|| process.wait());
    assert_eq!(code, 0, "{}", process.stderr_tail());
    made.comes_back().await;
}

/// The server does not sync event by event while it is restored to; when the command ends, everything is on the disk.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_power_loss_after_a_restore_costs_nothing() {
    let case = "a_power_loss_after_a_restore_costs_nothing";
    let Some(mut power) = Power::on(case) else { return };
    let mut schedule = Schedule::of(case);
    let mut made = backed_up(500_000).await;
    made.installation.data = power.path().join("data");
    let (full, more) = (made.full.clone(), made.more.clone());
    for folders in [&[full.as_str()][..], &[full.as_str(), more.as_str()]] {
        let _ = std::fs::remove_dir_all(&made.installation.data);
        let (restore, again) =
            ([&["restore"][..], folders, &["--json"]].concat(), format!("{more}-again"));
        tokio::task::block_in_place(|| {
            let brought = done(&made.installation.operate(&restore));
            power.fails(&mut schedule.dice);
            power.returns();
            // A backup reads the whole log and checks every event.
            let there = done(&made.installation.operate(&["backup", &again, "--json"]));
            assert_eq!(brought["messages"], there["messages"]);
        });
        std::fs::remove_dir_all(&again).unwrap();
    }
    made.comes_back().await;
}
