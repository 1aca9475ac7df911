//! The read store killed, or full (item 4): checkpoint and documents agree, nothing is lost, and it goes on
//! by itself when it can.

use nix::sys::signal::Signal;
use tests::kit::mongo::{self, OwnMongo};
use tests::kit::preload::Disk;
use tests::kit::process::pause;
use tests::kit::separate::{Separate, Setup};
use tests::kit::{Patience, last, until};

use std::time::Duration;

use crate::crew::Crew;
use crate::load::{Habits, Load};
use crate::schedule::{Schedule, by_length};

/// Posts without a pause, so that batches are large.
fn busy() -> Habits {
    Habits { pause: Duration::ZERO, churn: 50, ..Habits::default() }
}

/// The process that writes the store is killed -9 in the middle of batches: it is stopped until there is
/// a batch's worth to do, and killed a moment after it goes on.
async fn the_writer_dies(case: &'static str, read_model: &str) {
    let mut schedule = Schedule::of(case);
    let mut separate = Separate::start(read_model);
    let crew = Crew::gather(&separate.place, 4, 3).await;
    let load = Load::begin(&schedule, &crew, busy()).await;
    load.goes_on(20).await;
    let mut undone = 0;
    for round in 0..by_length(4, 25) {
        let behind = schedule.dice.within(50..200);
        separate.services["projector"].signal(Signal::SIGSTOP);
        load.goes_on(behind).await;
        let grace = Duration::from_micros(schedule.dice.below(25_000) as u64);
        separate.services["projector"].signal(Signal::SIGCONT);
        last(grace).await;
        tokio::task::block_in_place(|| {
            separate.kill("projector");
            separate.run("projector");
        });
        let lag = separate.metric("projector", "tidings_projector_lag_events").await;
        undone += usize::from(lag > 0.0);
        schedule.say(&format!("round {round}: killed {grace:?} into {behind} posts; lag {lag}"));
        load.goes_on(10).await;
    }
    load.finish(&separate, &schedule).await;
    schedule.say(&format!("{undone} rounds began with something undone"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_writer_of_sqlite_dies_in_the_middle_of_batches() {
    let case = "the_writer_of_sqlite_dies_in_the_middle_of_batches";
    Box::pin(the_writer_dies(case, "sqlite")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_writer_of_mongodb_dies_in_the_middle_of_batches() {
    let case = "the_writer_of_mongodb_dies_in_the_middle_of_batches";
    if let Some(url) = mongo::url() {
        Box::pin(the_writer_dies(case, &url)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mongodb_dies_in_the_middle_of_batches() {
    let Some(mut mongo) = OwnMongo::start() else { return };
    let mut schedule = Schedule::of("mongodb_dies_in_the_middle_of_batches");
    let separate = Separate::start(&mongo.url());
    let crew = Crew::gather(&separate.place, 4, 3).await;
    let load = Load::begin(&schedule, &crew, busy()).await;
    for moment in schedule.moments(by_length(2, 10), 60..by_length(400, 4000)) {
        load.reaches(moment).await;
        schedule.say(&format!("kills mongod after {moment} posts"));
        tokio::task::block_in_place(|| mongo.crash_and_return());
        // Writing does not need it. The projector connects anew and catches up by itself.
        load.goes_on(20).await;
        catches_up(&separate).await;
    }
    load.finish(&separate, &schedule).await;
}

/// The projector recovers and continues, without a restart.
async fn catches_up(separate: &Separate) {
    let checkpoint = "tidings_projector_checkpoint";
    let before = separate.metric("projector", checkpoint).await;
    until("the projector goes on by itself", async || {
        let (status, _) = separate.tells("projector", "/readyz").await;
        let now = separate.metric("projector", checkpoint).await;
        (status == 200 && now > before).then_some(())
    })
    .await;
}

/// What a full store may cost: reads of newer positions are told to retry; everything else
/// continues; the projector says why it has stopped.
async fn a_full_store(separate: Separate, case: &'static str, fill: impl Fn(bool)) {
    let mut schedule = Schedule::of(case);
    let crew = Crew::gather(&separate.place, 4, 3).await;
    let load = Load::begin(&schedule, &crew, Habits { changes: 0, ..busy() }).await;
    for moment in schedule.moments(by_length(1, 5), 60..by_length(200, 2000)) {
        load.reaches(moment).await;
        schedule.say(&format!("the store is full after {moment} posts"));
        fill(true);
        let reason = until("the projector says so", async || {
            let (status, text) = separate.tells("projector", "/readyz").await;
            (status == 503).then_some(text)
        })
        .await;
        assert!(reason.contains("projector") && reason.contains("read model"), "{reason}");
        let stands = separate.metric("projector", "tidings_projector_checkpoint").await;
        load.goes_on(50).await;
        assert_eq!(
            separate.metric("projector", "tidings_projector_checkpoint").await,
            stands,
            "a checkpoint does not move without its documents"
        );
        let newest = separate.place.newest.lock().unwrap().1.clone();
        let owner = &crew.owner;
        let reading = owner.ask("GET", &format!("/v1/rooms/{}", crew.plaza));
        let reply = reading.header("tidings-min-position", &newest).once().await;
        reply.problem(503, "projection_lagging");
        assert_eq!(owner.ask("GET", "/v1/rooms").once().await.status, 200, "reading goes on");
        fill(false);
        catches_up(&separate).await;
    }
    load.finish(&separate, &schedule).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_disk_of_sqlite_is_full() {
    let disk = Disk::below("/data/read/");
    let mut setup = Setup::on("sqlite");
    setup.environment.push(("projector", disk.environment()));
    let separate = Separate::start_with(setup);
    let fill = |full| if full { disk.fill() } else { disk.clear() };
    Box::pin(a_full_store(separate, "the_disk_of_sqlite_is_full", fill)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_disk_of_mongodb_is_full() {
    let Some(mongo) = OwnMongo::start() else { return };
    let separate = Separate::start(&mongo.url());
    let fill = |full| mongo.disk_is_full(full);
    Box::pin(a_full_store(separate, "the_disk_of_mongodb_is_full", fill)).await;
}

/// A projector that is started while its store is away waits for it and says so.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_projector_started_without_room_says_so() {
    let disk = Disk::below("/data/read/");
    let mut setup = Setup::on("sqlite");
    setup.environment.push(("projector", disk.environment()));
    let mut separate = Separate::start_with(setup);
    let crew = Crew::gather(&separate.place, 2, 1).await;
    tokio::task::block_in_place(|| separate.kill("projector"));
    for number in 0..20 {
        crew.owner.says(&crew.plaza, &format!("while it is away {number}")).await;
    }
    disk.fill();
    // It starts, or ends with a reason; it never claims to be ready.
    tokio::task::block_in_place(|| separate.run("projector"));
    let mut patience = Patience::for_("it says that it cannot write");
    loop {
        let (status, text) = separate.tells("projector", "/readyz").await;
        if status == 503 && text.contains("read model") {
            break;
        }
        patience.pause().await;
    }
    disk.clear();
    catches_up(&separate).await;
    pause();
    tokio::task::block_in_place(|| separate.verify());
}
