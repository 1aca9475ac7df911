//! Two projectors, one of them stopped past its turn and woken again (item 11): nothing is applied twice.

use std::time::Duration;

use nix::sys::signal::Signal;
use tests::kit::separate::Separate;
use tests::kit::{last, mongo};
use tokio::time::Instant;

use crate::crew::Crew;
use crate::load::{Habits, Load};
use crate::schedule::{Schedule, by_length};

const NAMES: [&str; 2] = ["projector", "projector-1"];
/// A standby takes over 3 s after the checkpoint has stopped.
const TURN: Duration = Duration::from_secs(20);

async fn active(separate: &Separate, name: &str) -> bool {
    separate.metric(name, "tidings_projector_active").await > 0.0
}

/// The projector that writes; none while that is being decided.
async fn writer(separate: &Separate) -> Option<usize> {
    let both = [active(separate, NAMES[0]).await, active(separate, NAMES[1]).await];
    match both {
        [true, false] => Some(0),
        [false, true] => Some(1),
        _ => None,
    }
}

async fn two_projectors(case: &'static str, read_model: &str) {
    let mut schedule = Schedule::of(case);
    let mut separate = Separate::start(read_model);
    let crew = Crew::gather(&separate.place, 4, 3).await;
    tokio::task::block_in_place(|| separate.run(NAMES[1]));
    let load = Load::begin(&schedule, &crew, Habits::default()).await;
    let mut taken_over = 0;
    for round in 0..by_length(3, 12) {
        let asleep = tests::kit::until("one of them writes", async || {
            load.goes_on(5).await;
            writer(&separate).await
        })
        .await;
        load.goes_on(schedule.dice.within(10..60)).await;
        separate.services[NAMES[asleep]].signal(Signal::SIGSTOP);
        // A process stopped in the middle of a transaction may keep SQLite's lock: then no other process writes until
        // it wakes, which is as good.
        let other = NAMES[1 - asleep];
        let applied = separate.metric(other, "tidings_projector_events_total").await;
        let since = Instant::now();
        let mut took_over = false;
        while !took_over && since.elapsed() < TURN {
            load.goes_on(5).await;
            // A takeover counts only once it has written.
            took_over = separate.metric(other, "tidings_projector_events_total").await > applied;
        }
        taken_over += usize::from(took_over);
        load.goes_on(50).await;
        let fenced = separate.metric(other, "tidings_projector_fenced_total").await;
        separate.services[NAMES[asleep]].signal(Signal::SIGCONT);
        schedule.say(&format!(
            "round {round}: {} slept {:?}; {other} took over: {took_over}",
            NAMES[asleep],
            since.elapsed()
        ));
        load.goes_on(30).await;
        last(Duration::from_millis(schedule.dice.below(500) as u64)).await;
        if took_over {
            let why = format!("{} finds that it is not its turn", NAMES[asleep]);
            tests::kit::until(&why, async || {
                load.goes_on(5).await;
                let woken = separate.metric(NAMES[asleep], "tidings_projector_fenced_total").await;
                let now = separate.metric(other, "tidings_projector_fenced_total").await;
                (woken > 0.0 || now > fenced).then_some(())
            })
            .await;
        }
    }
    assert!(taken_over > 0, "the other projector never took over");
    load.finish(&separate, &schedule).await;
    for name in NAMES {
        assert_eq!(separate.tells(name, "/readyz").await.0, 200, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_projector_sleeps_past_its_turn_on_sqlite() {
    Box::pin(two_projectors("a_projector_sleeps_past_its_turn_on_sqlite", "sqlite")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_projector_sleeps_past_its_turn_on_mongodb() {
    if let Some(url) = mongo::url() {
        Box::pin(two_projectors("a_projector_sleeps_past_its_turn_on_mongodb", &url)).await;
    }
}
