//! How much memory a process takes when much is said: bounded by `--memory`, whatever is said.

use std::time::Duration;

use tests::kit::installation::Installation;
use tests::kit::until;
use tokio::time::timeout;

use crate::metrics::Metrics;
use crate::schedule::{Schedule, by_length, long};

const MIB: f64 = 1024.0 * 1024.0;
/// What a `serve` may take beyond what it takes when it has just begun, in all its caches together, as a multiple
/// of `--memory` (docs/OPERATING.md, Memory).
const IN_ALL: f64 = 5.0;
/// What a process takes that has worked, whatever its caches: threads, buffers, what the allocator holds back.
const BESIDES: f64 = 60.0 * MIB;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn memory_stays_within_its_setting() {
    let schedule = Schedule::of("memory_stays_within_its_setting");
    let allowed = by_length(4, 16);
    let flag = format!("{allowed}MiB");
    let allowed = f64::from(allowed) * MIB;
    let installation = Installation::relaxed(&["--memory", &flag]);
    let ada = installation.place.found().await;
    let room = ada.group(&[]).await;
    let url = installation.place.operator(0);
    let resident = "process_resident_memory_bytes";
    let before = Metrics::of(&url).await.sum(resident, &[]);
    let body = "x".repeat(1500);
    let writers = (0..4).map(|_| {
        let (ada, room, body) = (ada.clone(), room.clone(), body.clone());
        tokio::spawn(async move {
            let mut socket = ada.connect().await;
            for _ in 0..by_length(700, 8_000) {
                socket.post(&room, &body).await;
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        timeout(Duration::from_secs(3600), writer).await.unwrap().unwrap();
    }
    let metrics = Metrics::of(&url).await;
    let remembered = metrics.sum("tidings_live_remembered_bytes", &[]);
    assert!(remembered > allowed / 2.0, "it is full: {remembered}");
    assert!(remembered <= allowed, "{remembered} of {allowed} bytes are remembered");
    let now = metrics.sum(resident, &[]);
    schedule.say(&format!(
        "remembered {:.1} of {:.1} MiB; resident {:.1} MiB, {:.1} MiB before",
        remembered / MIB,
        allowed / MIB,
        now / MIB,
        before / MIB
    ));
    if long() {
        let bound = before + BESIDES + IN_ALL * allowed;
        until("the allocator gives back what it need not have", async || {
            (Metrics::of(&url).await.sum(resident, &[]) <= bound).then_some(())
        })
        .await;
    }
    assert_eq!(ada.messages(&room).await.len(), 200);
}
