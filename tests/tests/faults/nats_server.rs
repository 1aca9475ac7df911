//! nats-server killed and stopped for a while, in both sync modes (item 2).

use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use tests::kit::installation::Installation;
use tests::kit::process::alive;
use tests::kit::{last, until};

use crate::crew::Crew;
use crate::load::{Habits, Load};
use crate::schedule::{Schedule, by_length};

/// What happens to the server.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Fault {
    Kill,
    Pause,
}

async fn faults(case: &'static str, sync: &str) {
    let mut schedule = Schedule::of(case);
    let installation = Installation::relaxed(&["--sync", sync]);
    let crew = Crew::gather(&installation.place, 4, 3).await;
    let load = Load::begin(&schedule, &crew, Habits::default()).await;
    let mut order = schedule.dice.shuffled(&[Fault::Kill, Fault::Kill, Fault::Pause]);
    if by_length(false, true) {
        order.extend([Fault::Kill, Fault::Pause, Fault::Kill, Fault::Kill, Fault::Pause]);
    }
    let moments = schedule.moments(order.len(), 30..by_length(200, 2000));
    for (fault, moment) in order.into_iter().zip(moments) {
        load.reaches(moment).await;
        let pid = installation.nats_pid();
        schedule.say(&format!("{fault:?} of nats-server after {moment} posts"));
        if fault == Fault::Kill {
            kill(pid, Signal::SIGKILL).unwrap();
            // serve starts another one, and the load goes on by itself.
            until("it is dead", async || (!alive(pid)).then_some(())).await;
        } else {
            kill(pid, Signal::SIGSTOP).unwrap();
            last(Duration::from_secs(by_length(3, 10))).await;
            kill(pid, Signal::SIGCONT).unwrap();
        }
        load.goes_on(20).await;
    }
    let history = load.finish(&installation, &schedule).await;
    assert_eq!(history.absences(), [], "serve keeps its clients' sockets");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nats_server_dies_and_stalls_syncing_always() {
    Box::pin(faults("nats_server_dies_and_stalls_syncing_always", "always")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nats_server_dies_and_stalls_syncing_now_and_then() {
    Box::pin(faults("nats_server_dies_and_stalls_syncing_now_and_then", "2m")).await;
}
