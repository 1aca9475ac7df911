//! Power lost under load, on a disk that forgets what was not synced (items 43 and 44 of the faults).

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::json;
use tests::kit::installation::{Installation, RELAXED};
use tests::kit::person::Person;
use tests::kit::{Patience, last, log};
use tokio::task::JoinHandle;

use crate::power::Power;
use crate::schedule::{Schedule, by_length};

/// A write without an answer after this time will get none.
const PATIENCE: Duration = Duration::from_secs(5);
/// How late a busy machine may be when something is due: nats-server's timer, the sync itself.
const LATE: Duration = Duration::from_secs(3);

/// The acknowledged posts: client id, and when.
type Acknowledged = Arc<Mutex<Vec<(String, Instant)>>>;

/// Writers that post until they are stopped, whether their posts are answered or not.
struct Writers {
    acknowledged: Acknowledged,
    stop: Arc<AtomicBool>,
    running: Vec<JoinHandle<()>>,
}

impl Writers {
    fn begin(who: &Person, room: &str, name: &str) -> Self {
        let acknowledged = Acknowledged::default();
        let stop = Arc::<AtomicBool>::default();
        let running = (0..4).map(|number| {
            let (who, acknowledged, stop) =
                (who.clone(), Arc::clone(&acknowledged), Arc::clone(&stop));
            let (url, name) = (
                format!("{}/v1/rooms/{room}/messages", who.place.url(0)),
                format!("{name}-{number}"),
            );
            tokio::spawn(async move {
                let client =
                    reqwest::Client::builder().no_proxy().timeout(PATIENCE).build().unwrap();
                for count in 0.. {
                    if stop.load(Ordering::SeqCst) {
                        return;
                    }
                    let client_id = format!("{name}-{count}");
                    let body = json!({"body": client_id, "client_id": client_id});
                    let request = client.post(&url).bearer_auth(&who.access).json(&body);
                    let Ok(answer) = request.send().await else { continue };
                    if answer.status().as_u16() == 201 {
                        acknowledged.lock().unwrap().push((client_id, Instant::now()));
                    }
                }
            })
        });
        let running = running.collect();
        Self { acknowledged, stop, running }
    }

    async fn reach(&self, count: usize) {
        let mut patience = Patience::for_("writes are acknowledged");
        while self.acknowledged.lock().unwrap().len() < count {
            patience.pause().await;
        }
    }

    /// Stops the writers; returns what was acknowledged.
    async fn end(self) -> Vec<(String, Instant)> {
        self.stop.store(true, Ordering::SeqCst);
        for writer in self.running {
            writer.await.unwrap();
        }
        std::mem::take(&mut *self.acknowledged.lock().unwrap())
    }
}

/// Loses the power and brings it back; returns the moment it was lost.
fn lose_power(
    power: &mut Power,
    installation: &mut Installation,
    schedule: &mut Schedule,
) -> Instant {
    power.fails(&mut schedule.dice);
    let lost = Instant::now();
    installation.crash();
    power.returns();
    lost
}

/// Under `always` nothing that was acknowledged is lost, whenever the power goes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_power_loss_loses_nothing_that_was_synced() {
    let case = "a_power_loss_loses_nothing_that_was_synced";
    let Some(mut power) = Power::on(case) else { return };
    let mut schedule = Schedule::of(case);
    let data = power.path().join("data");
    let mut installation =
        Installation::start_on(&data, &[RELAXED, &["--sync", "always"]].concat());
    let ada = installation.place.found().await;
    let room = ada.group(&[]).await;
    let mut kept: Vec<String> = Vec::new();
    for round in 0..by_length(3, 50) {
        let writers = Writers::begin(&ada, &room, &format!("r{round}"));
        // The first loss hits a log that is moments old.
        let moment = if round == 0 { 3 } else { schedule.dice.within(1..120) };
        writers.reach(moment).await;
        last(Duration::from_millis(schedule.dice.below(300) as u64)).await;
        let lost = tokio::task::block_in_place(|| {
            lose_power(&mut power, &mut installation, &mut schedule)
        });
        let acknowledged = writers.end().await;
        kept.extend(acknowledged.into_iter().filter(|(_, at)| *at <= lost).map(|(id, _)| id));
        tokio::task::block_in_place(|| installation.start_again());
        schedule.say(&format!("round {round}: lost after {moment}; {} must be there", kept.len()));
        let there = log::posted(&installation.nats(), "tidings", &room).await;
        let gone: Vec<&String> = kept.iter().filter(|id| !there.contains(id)).collect();
        assert!(gone.is_empty(), "acknowledged and gone: {gone:?}");
        // Keys and sessions have survived.
        assert_eq!(ada.ask("GET", "/v1/users/me").once().await.status, 200);
        if round % 10 == 0 || round == 2 {
            tokio::task::block_in_place(|| installation.verify());
        }
    }
    tokio::task::block_in_place(|| installation.verify());
}

/// With an interval at most that interval is lost, of a log that is some moments old, too.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_power_loss_costs_an_interval_at_most() {
    let case = "a_power_loss_costs_an_interval_at_most";
    let interval = Duration::from_secs(1);
    let Some(mut power) = Power::on(case) else { return };
    let mut schedule = Schedule::of(case);
    for round in 0..by_length(3, 50) {
        let data = power.path().join(format!("data-{round}"));
        let flags = [RELAXED, &["--sync", "1s"]].concat();
        let mut installation = Installation::start_on(&data, &flags);
        let ada = installation.place.found().await;
        let room = ada.group(&[]).await;
        let writers = Writers::begin(&ada, &room, "w");
        writers.reach(1).await;
        // From right away to some intervals later.
        last(Duration::from_millis(schedule.dice.below(4000) as u64)).await;
        let lost = tokio::task::block_in_place(|| {
            lose_power(&mut power, &mut installation, &mut schedule)
        });
        let acknowledged = writers.end().await;
        let bound = interval + LATE;
        let kept = |at: &Instant| lost.saturating_duration_since(*at) > bound;
        let kept: Vec<String> =
            acknowledged.iter().filter(|(_, at)| kept(at)).map(|(id, _)| id.clone()).collect();
        let refused = tokio::task::block_in_place(|| {
            let refused = installation.try_to_start().err();
            if refused.is_some() {
                let accepted = installation.operate(&["accept-loss", "--json"]);
                let said = String::from_utf8_lossy(&accepted.stderr).into_owned();
                assert!(accepted.status.success(), "{said}\nafter {refused:?}");
                installation.start_again();
            }
            refused.is_some()
        });
        let there = log::posted(&installation.nats(), "tidings", &room).await;
        let gone = acknowledged.iter().filter(|(id, _)| !there.contains(id));
        let oldest = gone.map(|(_, at)| lost.saturating_duration_since(*at)).max();
        schedule.say(&format!(
            "round {round}: {} of {} must be there; refused: {refused}; gone at most {oldest:?} old",
            kept.len(),
            acknowledged.len()
        ));
        let gone: Vec<&String> = kept.iter().filter(|id| !there.contains(id)).collect();
        assert!(gone.is_empty(), "acknowledged long before and gone: {gone:?}");
        // It continues.
        *installation.place.newest.lock().unwrap() = (0, String::new());
        let bob = Person::register(&installation.place, "bob").await;
        let other = bob.group(&[]).await;
        bob.says(&other, "on").await;
        tokio::task::block_in_place(|| installation.verify());
    }
}
