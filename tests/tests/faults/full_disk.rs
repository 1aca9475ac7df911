//! The disk of the data folder full: a real small one, with everything of an installation on it. Writes are taken
//! again without a person once there is room.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::json;
use tempfile::TempDir;
use tests::kit::installation::{Installation, RELAXED};
use tests::kit::person::Person;
use tests::kit::{last, until};

use crate::crew::Crew;
use crate::load::{Habits, Load};
use crate::schedule::{Schedule, by_length, say};

/// How long after there is room a write may take to be taken.
const HEALS_WITHIN: Duration = Duration::from_secs(30);

/// A disk in memory with room for so many megabytes, until this is dropped.
struct SmallDisk(TempDir);

impl SmallDisk {
    /// None, said loudly, where a test may not mount.
    fn of(case: &str, megabytes: usize) -> Option<Self> {
        if !nix::unistd::geteuid().is_root() {
            say(
                case,
                "SKIPPED: NOT ROOT, SO NO DISK CAN BE MOUNTED: FULL DISKS ARE NOT TESTED HERE",
            );
            return None;
        }
        let folder = TempDir::with_prefix("tidings-disk-").unwrap();
        let size = format!("size={megabytes}m");
        let mut mount = Command::new("mount");
        let mounted = mount.args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(folder.path()).status();
        if !mounted.is_ok_and(|status| status.success()) {
            say(case, "SKIPPED: mount IS NOT ALLOWED HERE: FULL DISKS ARE NOT TESTED");
            return None;
        }
        Some(Self(folder))
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn ballast(&self) -> PathBuf {
        self.path().join("ballast")
    }

    /// Fills it to the last byte.
    fn fill(&self) {
        let mut file =
            std::fs::OpenOptions::new().create(true).append(true).open(self.ballast()).unwrap();
        for size in [1 << 20, 1 << 12, 1] {
            while file.write_all(&vec![0x42; size]).is_ok() {}
        }
    }

    fn free(&self) {
        std::fs::remove_file(self.ballast()).unwrap();
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.path()).status();
    }
}

async fn ready(who: &Person, wanted: u16) {
    until(&format!("/readyz says {wanted}"), async || {
        (who.ask("GET", "/readyz").once().await.status == wanted).then_some(())
    })
    .await;
}

/// Writes until a write is refused, retryably; how many were taken before.
async fn refused_write(who: &Person, room: &str, round: usize) -> usize {
    for count in 0..1000 {
        let body = json!({"body": "x".repeat(2000), "client_id": format!("fill-{round}-{count}")});
        let answer = who.post(&format!("/v1/rooms/{room}/messages"), body).await;
        if answer.status != 201 {
            let problem = answer.any_problem(503..=503);
            assert_eq!(problem["retryable"], true, "{problem}");
            return count;
        }
    }
    unreachable!("a full disk takes a thousand writes")
}

/// Fills the disk under load, again and again.
async fn the_disk_is_full(case: &'static str, sync: &str) {
    let mut schedule = Schedule::of(case);
    let Some(disk) = SmallDisk::of(case, 96) else { return };
    let data = disk.path().join("data");
    let flags = [RELAXED, &["--sync", sync]].concat();
    let installation = Installation::start_on(&data, &flags);
    let crew = Crew::gather(&installation.place, 3, 2).await;
    // What is written there is no part of the load.
    let aside = crew.owner.group(&[]).await;
    let load =
        Load::begin(&schedule, &crew, Habits { changes: 0, churn: 0, ..Habits::default() }).await;
    let serve = installation.process.pid();
    for round in 0..by_length(1, 5) {
        load.goes_on(schedule.dice.within(20..60)).await;
        disk.fill();
        let refused = refused_write(&crew.owner, &aside, round).await;
        ready(&crew.owner, 503).await;
        last(Duration::from_millis(schedule.dice.within(100..3000) as u64)).await;
        schedule.say(&format!(
            "round {round}: the disk is full after {refused} writes, and it says so"
        ));
        assert_eq!(
            crew.owner.ask("GET", "/readyz").once().await.status,
            503,
            "red until it is taken"
        );
        disk.free();
        let freed = Instant::now();
        load.goes_on(1).await;
        let healed = freed.elapsed();
        schedule.say(&format!("round {round}: writes are taken {healed:?} after there is room"));
        assert!(healed < HEALS_WITHIN, "{healed:?}");
        ready(&crew.owner, 200).await;
    }
    assert_eq!(installation.process.pid(), serve);
    assert!(installation.process.runs(), "no restart of `serve`");
    // Where the disk was seen to be full before nats-server met that, there is nothing to heal.
    if installation.process.stderr().to_ascii_lowercase().contains("critical write error") {
        until("a failed write is healed by a restart", async || {
            let said = installation.process.stderr();
            said.contains("starting the nats-server again").then_some(())
        })
        .await;
        ready(&crew.owner, 200).await;
    }
    let history = load.finish(&installation, &schedule).await;
    assert!(history.acknowledged() > 20);
    let mail = std::fs::read_dir(data.join("mail")).unwrap().count();
    assert!(mail > 0, "people are welcomed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_heals() {
    Box::pin(the_disk_is_full("a_full_disk_heals", "always")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_heals_with_an_interval() {
    Box::pin(the_disk_is_full("a_full_disk_heals_with_an_interval", "1s")).await;
}

/// Started on a full disk it waits for room, also where nats-server would keep to what was free then.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_on_a_full_disk_waits_for_room() {
    let case = "a_start_on_a_full_disk_waits_for_room";
    let Some(disk) = SmallDisk::of(case, 64) else { return };
    let data = disk.path().join("data");
    let mut installation = Installation::start_on(&data, RELAXED);
    let ada = installation.place.found().await;
    let room = ada.group(&[]).await;
    ada.says(&room, "before").await;
    installation.process.stop();
    disk.fill();
    let starting = tokio::task::spawn_blocking(move || {
        installation.start_again();
        installation
    });
    last(Duration::from_secs(2)).await;
    assert!(!starting.is_finished(), "it does not start, and does not end, while there is no room");
    disk.free();
    let installation = starting.await.unwrap();
    let body = json!({"body": "after"});
    ada.post(&format!("/v1/rooms/{room}/messages"), body).await.ok(201);
    assert_eq!(ada.messages(&room).await.len(), 2);
    tokio::task::block_in_place(|| installation.verify());
}

/// The mail folder alone is full: mails wait, and arrive once there is room. Not one becomes a dead letter.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mails_wait_for_room() {
    let case = "mails_wait_for_room";
    let Some(disk) = SmallDisk::of(case, 1) else { return };
    let folder = TempDir::with_prefix("tidings-test-").unwrap();
    let data = folder.path().join("data");
    std::fs::create_dir(&data).unwrap();
    std::os::unix::fs::symlink(disk.path(), data.join("mail")).unwrap();
    disk.fill();
    let installation = Installation::start_on(&data, RELAXED);
    let ada = installation.place.found().await;
    ready(&ada, 503).await;
    let dead = || {
        let output = installation.operate(&["dead-letters", "list", "--json"]);
        serde_json::from_slice::<serde_json::Value>(&output.stdout).unwrap()["items"].clone()
    };
    last(Duration::from_secs(by_length(3, 30))).await;
    assert_eq!(tokio::task::block_in_place(dead), json!([]));
    disk.free();
    let mail = until("the mail is there", async || {
        let mails = std::fs::read_dir(disk.path()).unwrap();
        let mut mails = mails.map(|entry| entry.unwrap().path());
        mails.find(|path| path.extension().is_some_and(|kind| kind == "eml"))
    })
    .await;
    assert!(std::fs::read_to_string(mail).unwrap().contains(&ada.email));
    ready(&ada, 200).await;
    assert_eq!(tokio::task::block_in_place(dead), json!([]));
}
