//! Every socket lost at once (item 8).

use std::time::Duration;

use tests::kit::separate::{Separate, Setup};

use crate::crew::Crew;
use crate::history::History;
use crate::load::{Habits, Load};
use crate::metrics::Metrics;
use crate::schedule::{Schedule, by_length};

/// A client waits a random time, at most this long, before it reconnects.
const JITTER: Duration = Duration::from_secs(2);

/// What reconnecting may cost, over all gateways.
#[derive(Debug, Default, PartialEq)]
struct Cost {
    from_memory: f64,
    otherwise: f64,
    room_loads: f64,
    logins: f64,
}

async fn cost(separate: &Separate) -> Cost {
    let mut cost = Cost::default();
    for number in 0..separate.place.urls.len() {
        let metrics = Metrics::of(&separate.place.operator(number)).await;
        let resumes = metrics.sum("tidings_ws_resumes_total", &[]);
        let memory = metrics.sum("tidings_ws_resumes_total", &[("from", "memory")]);
        cost.from_memory += memory;
        cost.otherwise += resumes - memory;
        cost.room_loads += metrics.sum("tidings_live_room_loads_total", &[]);
    }
    let auth = Metrics::of(separate.address("auth-svc")).await;
    cost.logins = auth.sum("tidings_auth_commands_total", &[("command", "login")]);
    cost
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_sockets_lost_at_once() {
    let schedule = Schedule::of("all_sockets_lost_at_once");
    let sockets = by_length(300, 2000);
    let setup = Setup { gateways: 1, proxied: Vec::new(), ..Setup::on("sqlite") };
    let separate = Separate::start_with(setup);
    // A person has 20 sockets at most.
    let crew = Crew::gather(&separate.place, sockets / 15, 4).await;
    let habits = Habits {
        listeners: sockets,
        socket_writers: 0,
        rest_writers: 1,
        changes: 10,
        churn: 0,
        jitter: JITTER,
        pause: Duration::from_millis(by_length(100, 500)),
        // A marker is told to every socket: were each message read by a part of them, all would be busy with markers.
        reads: sockets,
        ..Habits::default()
    };
    let load = Load::begin(&schedule, &crew, habits).await;
    schedule.say(&format!("{sockets} sockets of {} people are open", crew.people.len()));
    load.goes_on(10).await;
    for round in 1..=by_length(2, 4) {
        let (before, tried) = (cost(&separate).await, load.repeats());
        load.cut();
        let longest = all_back(&load.history, sockets * round).await;
        schedule.say(&format!("round {round}: all back within {longest:?}"));
        let after = cost(&separate).await;
        // One resume a socket; a client that had to wait for long at the entrance has tried again.
        let resumes = after.from_memory - before.from_memory;
        let most = (sockets + load.repeats() - tried) as f64;
        assert!((sockets as f64 - 0.5..most + 0.5).contains(&resumes), "{resumes}, {after:?}");
        assert_eq!(after.otherwise.total_cmp(&before.otherwise), std::cmp::Ordering::Equal);
        assert_eq!(after.room_loads.total_cmp(&before.room_loads), std::cmp::Ordering::Equal);
        assert_eq!(after.logins.total_cmp(&before.logins), std::cmp::Ordering::Equal);
        load.goes_on(5).await;
    }
    load.finish(&separate, &schedule).await;
}

/// Waits until so many absences are over; how long the longest of all was.
async fn all_back(history: &History, wanted: usize) -> Duration {
    tests::kit::until("every client is back", async || {
        let absences = history.absences();
        let over: Vec<Duration> = absences.iter().filter_map(|absence| absence.lasted).collect();
        (over.len() == wanted).then(|| over.into_iter().max().unwrap_or_default())
    })
    .await
}
