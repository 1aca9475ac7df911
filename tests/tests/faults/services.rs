//! Processes of Tidings killed -9 under load (item 1, and every other process of it).

use tests::kit::installation::Installation;
use tests::kit::mongo;
use tests::kit::separate::Separate;

use crate::crew::Crew;
use crate::load::{Habits, Load};
use crate::schedule::{Schedule, by_length};

async fn kill_each_service(case: &'static str, read_model: &str) {
    let mut schedule = Schedule::of(case);
    let mut separate = Separate::start(read_model);
    let crew = Crew::gather(&separate.place, 4, 3).await;
    let load = Load::begin(&schedule, &crew, Habits::default()).await;
    load.goes_on(20).await;
    let names = ["chat-svc", "projector", "gateway-0", "auth-svc", "notifier", "gateway-1"];
    for round in 0..by_length(1, 5) {
        for name in schedule.dice.shuffled(&names) {
            schedule.say(&format!("round {round}: kills {name}"));
            tokio::task::block_in_place(|| {
                separate.kill(name);
                separate.run(name);
            });
            load.goes_on(schedule.dice.within(10..30)).await;
        }
        schedule.say(&format!("round {round}: kills nats-server"));
        tokio::task::block_in_place(|| separate.nats().crash_and_return());
        load.goes_on(20).await;
    }
    let history = load.finish(&separate, &schedule).await;
    assert!(!history.absences().is_empty(), "gateways were killed");
    // None of this ends a session, and a new login works.
    crew.people[0].again().await.get("/v1/users/me").await.ok(200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kill_each_service_on_mongodb() {
    if let Some(url) = mongo::url() {
        Box::pin(kill_each_service("kill_each_service_on_mongodb", &url)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kill_each_service_on_sqlite() {
    Box::pin(kill_each_service("kill_each_service_on_sqlite", "sqlite")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kill_serve_under_load() {
    let mut schedule = Schedule::of("kill_serve_under_load");
    let mut installation = Installation::relaxed(&[]);
    let crew = Crew::gather(&installation.place, 3, 2).await;
    let load = Load::begin(&schedule, &crew, Habits::default()).await;
    for moment in schedule.moments(by_length(2, 10), 20..by_length(120, 2000)) {
        load.reaches(moment).await;
        schedule.say(&format!("kills serve after {moment} posts"));
        tokio::task::block_in_place(|| {
            installation.process.kill();
            installation.start_again();
        });
    }
    load.goes_on(30).await;
    load.finish(&installation, &schedule).await;
}
