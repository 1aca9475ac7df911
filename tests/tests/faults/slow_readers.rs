//! Readers that do not read (item 7).

use std::time::{Duration, Instant};

use serde_json::Value;
use tests::kit::installation::Installation;
use tests::kit::person::{Person, Stranger, id_of};
use tests::kit::separate::{Separate, Setup};

use crate::crew::Crew;
use crate::load::{Habits, Load};
use crate::metrics::Metrics;
use crate::schedule::{Schedule, by_length, long};

/// A reader that does not read is disconnected, resumably, without affecting the others.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_reader_is_disconnected() {
    let installation = Installation::relaxed(&[]);
    let place = installation.place.clone();
    let ada = place.found().await;
    let bob = Person::register(&place, "bob").await;
    let room = ada.group(&[&bob]).await;
    let mut slow = bob.connect().await;
    let mut quick = bob.again().await.connect().await;
    let mut adas = ada.connect().await;
    let body = "x".repeat(7900);
    let mut said = 0;
    let closed = async || {
        let metrics = Stranger::new(&place).operates("/metrics").await.text;
        let line = metrics.lines().find(|line| {
            line.starts_with("tidings_") && line.contains("4508")
                || line.contains("slow") && !line.starts_with('#')
        });
        line.is_some_and(|line| !line.ends_with(" 0"))
    };
    while said < 8000 && !(said % 250 == 0 && closed().await) {
        adas.post(&room, &body).await;
        adas.event_in(&room, "message.posted").await;
        let event = quick.event_in(&room, "message.posted").await;
        assert_eq!(event["data"]["body"], body);
        said += 1;
    }
    assert!(said < 8000, "{said} messages of 8 kB were kept for a client that does not read");
    let code = slow.drain().await;
    assert!(code.is_none_or(|code| code == 4508), "{code:?}");
    // What the slow one had got by then, and the rest by resuming, is everything.
    let mut got: Vec<Value> = slow.unread().iter().cloned().collect();
    let mut again = bob.resume(&slow.position).await;
    again.expect("resumed", |frame| frame["type"] == "resumed").await;
    got.extend(again.all().await);
    let ids: Vec<String> = got
        .iter()
        .filter(|frame| frame["event"] == "message.posted")
        .map(|frame| id_of(&frame["data"]))
        .collect();
    let mut unique = ids.clone();
    unique.dedup();
    assert_eq!((ids.len(), unique.len()), (said, said));
}

/// The 99th of a hundred, in order of time.
fn p99(mut delays: Vec<Duration>) -> Duration {
    assert!(delays.len() > 200, "{} deliveries are too few to judge", delays.len());
    delays.sort_unstable();
    delays[delays.len() * 99 / 100]
}

struct Memory {
    /// What the process takes: told by the system, and with it what the allocator has not given back.
    resident: f64,
    /// Recent events, which a gateway keeps on purpose, up to a bound.
    remembered: f64,
    /// Frames that wait for sockets.
    queued: f64,
}

async fn memory(gateway: &str) -> Memory {
    let metrics = Metrics::of(gateway).await;
    Memory {
        resident: metrics.sum("process_resident_memory_bytes", &[]),
        remembered: metrics.sum("tidings_live_remembered_bytes", &[]),
        queued: metrics.sum("tidings_ws_queued", &[]),
    }
}

/// Frames that may wait for a socket whose reader reads: what is posted between two of its reads.
const QUEUED_EACH: f64 = 20.0;
/// Bytes of recent events a gateway keeps at most, as it counts them.
const REMEMBERED_AT_MOST: f64 = 128.0 * 1024.0 * 1024.0;
/// What the process may have grown by that is neither: the allocator's own, tables that have doubled, and what
/// else runs on the machine that makes it wait.
const MARGIN: f64 = 1.25;

/// What waited for the slow ones is let go: what a gateway counts itself is not a matter of chance.
async fn lets_go(load: &Load, gateway: &str, listeners: usize) {
    let most = f64::from(u32::try_from(listeners).unwrap()) * QUEUED_EACH;
    let mut after = memory(gateway).await;
    let freed_by = Instant::now() + Duration::from_secs(30);
    while after.queued > most && Instant::now() < freed_by {
        load.goes_on(20).await;
        after = memory(gateway).await;
    }
    assert!(after.queued <= most, "{} frames still wait", after.queued);
    assert!(after.remembered <= REMEMBERED_AT_MOST, "{} bytes are remembered", after.remembered);
}

/// The long variant has traffic enough for the process's own memory to tell something.
async fn takes_no_more(
    load: &Load,
    gateway: &str,
    schedule: &Schedule,
    before: &Memory,
    each: f64,
) {
    let bound = |after: &Memory| {
        let kept = (after.remembered - before.remembered).max(0.0);
        before.resident.mul_add(MARGIN, each.max(1.0) * kept)
    };
    let mut after = memory(gateway).await;
    // An allocator gives back what was freed as it goes on working.
    let freed_by = Instant::now() + Duration::from_secs(30);
    while after.resident >= bound(&after) && Instant::now() < freed_by {
        load.goes_on(20).await;
        after = memory(gateway).await;
    }
    schedule.say(&format!(
        "resident {:.1} MB, before {:.1} MB; recent events {:.1} MB, before {:.1} MB, {each:.2} for one: {:.1} MB allowed",
        after.resident / 1e6,
        before.resident / 1e6,
        after.remembered / 1e6,
        before.remembered / 1e6,
        bound(&after) / 1e6
    ));
    assert!(after.resident < bound(&after), "{} of {} bytes", after.resident, bound(&after));
}

/// How long a gateway waits for a reader to read why it was put out.
const FAREWELL: Duration = Duration::from_secs(55);

/// One in ten stops reading, one in a hundred reads a byte a second.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_slow_readers_are_disconnected_without_affecting_others() {
    let schedule = Schedule::of("many_slow_readers_are_disconnected_without_affecting_others");
    let setup = Setup { gateways: 1, proxied: Vec::new(), ..Setup::on("sqlite") };
    let separate = Separate::start_with(setup);
    let gateway = separate.place.operator(0);
    let crew = Crew::gather(&separate.place, by_length(6, 20), 1).await;
    let (stopping, dripping) = by_length((5, 1), (20, 2));
    let listeners = by_length(44, 178);
    let habits = Habits {
        listeners,
        stopping,
        dripping,
        socket_writers: 0,
        rest_writers: by_length(4, 2),
        changes: 0,
        churn: 0,
        pause: Duration::from_millis(by_length(20, 100)),
        body: 7_000,
        ..Habits::default()
    };
    let load = Load::begin(&schedule, &crew, habits).await;
    load.goes_on(by_length(100, 600)).await;
    drop(load.delays());
    let first = memory(&gateway).await;
    load.goes_on(by_length(600, 1000)).await;
    let undisturbed = p99(load.delays());
    let before = memory(&gateway).await;
    // What a gateway keeps of recent events costs more than their bytes: frames made of them, tables.
    let each = (before.resident - first.resident) / (before.remembered - first.remembered);
    schedule.say(&format!("undisturbed p99 {undisturbed:?}; now {stopping} stop, {dripping} drip"));
    load.slow(true);
    let (begun, slow) = (Instant::now(), f64::from(u32::try_from(stopping + dripping).unwrap()));
    let put_out = async || {
        Metrics::of(&gateway).await.sum("tidings_ws_closed_total", &[("code", "4508")]) >= slow
    };
    // A resume is of 8 MiB at most: what is said meanwhile must be less.
    let at_least = Duration::from_secs(by_length(0, 40));
    while begun.elapsed() < at_least || !put_out().await {
        assert!(begun.elapsed() < Duration::from_secs(180), "slow readers are never put out");
        load.goes_on(20).await;
    }
    let disturbed = p99(load.delays());
    schedule.say(&format!("all put out; p99 meanwhile {disturbed:?}"));
    if long() {
        assert!(disturbed < undisturbed.mul_f64(1.5), "{disturbed:?} for {undisturbed:?}");
    }
    lets_go(&load, &gateway, listeners).await;
    if long() {
        takes_no_more(&load, &gateway, &schedule, &before, each).await;
    }
    let unread = begun.elapsed();
    load.slow(false);
    load.goes_on(20).await;
    let history = load.finish(&separate, &schedule).await;
    let absences = history.absences();
    assert_eq!(absences.len(), stopping + dripping, "only the slow ones were put out");
    for absence in absences {
        // Who does not read for a minute more does not read the reason either; the metrics gave it above.
        let told = absence.code == Some(4508) || (unread > FAREWELL && absence.code.is_none());
        assert!(told, "{absence:?}");
    }
}
