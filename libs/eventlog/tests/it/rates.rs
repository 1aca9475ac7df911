//! Not tests of correctness but rates, for a quiet machine:
//! `cargo test -p eventlog --release -- --ignored --nocapture rate`.
//!
//! Beside the rate each line gives the processor time of one append in this process and in the server:
//! on a machine that is not quiet those two can still be compared.

use std::time::Instant;

use eventlog::{EventLog, Expect, LaneWrite, Topology};
use futures_util::future::join_all;
use schemas::events::{MessagePosted, MessageState};
use schemas::values::{Body, Format};
use schemas::{Lane, MessageId, RoomId, Timestamp, UserId};

use crate::kit::{Server, event, fresh, room, user};

/// Seconds of processor time a process has used.
fn cpu_seconds(pid: u32) -> f64 {
    const TICKS_PER_SECOND: f64 = 100.0;
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let fields = stat.rsplit(')').next().unwrap().split_whitespace();
    let ticks: f64 = fields.skip(11).take(2).map(|field| field.parse::<f64>().unwrap()).sum();
    ticks / TICKS_PER_SECOND
}

/// Appends in flight, and how.
#[derive(Clone, Copy)]
struct Load {
    always: bool,
    group: bool,
    /// Independent writers.
    writers: usize,
    /// Posts one writer sends without waiting in between.
    run: usize,
    /// Posts of all writers.
    posts: usize,
}

fn post(room: &RoomId, sender: &UserId) -> LaneWrite {
    let message = MessageState {
        id: MessageId::from_uuid(fresh()),
        room_id: *room,
        sender_id: *sender,
        client_id: None,
        body: Body::parse(&"a message of a usual length, as people write them. ".repeat(2))
            .unwrap(),
        format: Format::Plain,
        attachments: Vec::new(),
        files: Vec::new(),
        mentions: Vec::new(),
        mentions_room: None,
        thread_root_id: None,
        created_at: Timestamp::from_millis(1_795_255_200_000),
    };
    let mut event = event("");
    event.data = MessagePosted { message, private: false }.into();
    let fence = Expect::Fence { lane: Lane::Member(*room, *sender), at: 0 };
    LaneWrite::new(Lane::Timeline(*room), event, fence)
}

async fn posting(log: EventLog, load: Load) {
    let (room, sender) = (room(), user());
    for _ in 0..load.posts / load.writers / load.run {
        if load.run == 1 {
            log.append(vec![post(&room, &sender)]).await.unwrap();
        } else {
            let run = (0..load.run).map(|_| post(&room, &sender)).collect();
            for outcome in log.append_run(run).await {
                outcome.unwrap();
            }
        }
    }
}

#[expect(clippy::print_stdout, reason = "what it is for")]
async fn measure(load: Load) {
    let server = match load.always {
        true => Server::start_sync_always().await,
        false => Server::start().await,
    };
    let log = server.connect().await;
    let topology = Topology { group_commit: load.group, ..Topology::default() };
    log.ensure_topology(&topology).await.unwrap();
    let pids = [std::process::id(), server.pid()];
    let before = pids.map(cpu_seconds);
    let begun = Instant::now();
    let writers = (0..load.writers).map(|_| tokio::spawn(posting(log.clone(), load)));
    for writer in join_all(writers).await {
        writer.unwrap();
    }
    let seconds = begun.elapsed().as_secs_f64();
    let posts = log.head().await.unwrap() as f64;
    let [ours, servers] = [0, 1].map(|i| (cpu_seconds(pids[i]) - before[i]) * 1e6 / posts);
    println!(
        "always {:5} group {:5} writers {:4} run {:3}: {:7.0} posts/s, {ours:5.1} us here, {servers:5.1} us server",
        load.always,
        load.group,
        load.writers,
        load.run,
        posts / seconds,
    );
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "prints rates; for a quiet machine"]
async fn rate_of_appends() {
    for (always, group) in [(false, false), (false, true), (true, true), (true, false)] {
        for (writers, run) in
            [(1, 1), (16, 1), (256, 1), (1024, 1), (1, 16), (16, 8), (16, 32), (16, 60)]
        {
            let slow = always && !group || run * writers < 16;
            let posts = if slow { 8_000 } else { 80_000 };
            measure(Load { always, group, writers, run, posts }).await;
        }
    }
}
