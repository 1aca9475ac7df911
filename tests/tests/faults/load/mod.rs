//! People at work while things break: clients that come back, writers that try again, an owner who puts
//! people out and brings them in. All of it recorded.

mod client;
mod rest;
mod steward;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};

use crate::crew::Crew;
use crate::history::{History, Truth};
use crate::schedule::{Dice, Schedule};
use crate::world::{World, events};

/// A load that makes no progress for so long is stuck.
const STUCK: Duration = Duration::from_secs(60);
/// What the owner says in the plaza when all is over.
const LAST_WORD: &str = "the-last-word";

/// Who does what.
#[derive(Debug, Clone)]
pub(crate) struct Habits {
    /// Sockets that only listen.
    pub(crate) listeners: usize,
    /// Sockets that listen and post, one message at a time.
    pub(crate) socket_writers: usize,
    /// Writers over REST, one message at a time.
    pub(crate) rest_writers: usize,
    /// After every so many posts a REST writer changes one of his own, or takes one back; 0 for never.
    pub(crate) changes: usize,
    /// After every so many acknowledged posts of all the owner puts somebody out of a room or brings him
    /// back; 0 for never.
    pub(crate) churn: usize,
    /// A client waits at most this long before it comes back.
    pub(crate) jitter: Duration,
    /// A writer waits so long after each message.
    pub(crate) pause: Duration,
}

impl Default for Habits {
    fn default() -> Self {
        Self {
            listeners: 4,
            socket_writers: 3,
            rest_writers: 3,
            changes: 5,
            churn: 25,
            jitter: Duration::from_millis(300),
            pause: Duration::from_millis(4),
        }
    }
}

/// What everybody at work shares.
#[derive(Clone)]
struct Shared {
    crew: Crew,
    history: History,
    habits: Habits,
    stop: Arc<AtomicBool>,
}

impl Shared {
    fn stopped(&self) -> bool {
        self.stop.load(Ordering::SeqCst)
    }

    /// A moment before a next try, different for everybody.
    async fn breathe(&self, dice: &mut Dice) {
        sleep(Duration::from_millis(20 + dice.below(100) as u64)).await;
    }
}

/// A load under way.
pub(crate) struct Load {
    pub(crate) history: History,
    shared: Shared,
    clients: Vec<JoinHandle<()>>,
    writers: Vec<JoinHandle<()>>,
}

impl Load {
    /// Connects the clients and sets everybody to work.
    pub(crate) async fn begin(schedule: &Schedule, crew: &Crew, habits: Habits) -> Self {
        let history = History::new();
        let stop = Arc::new(AtomicBool::new(false));
        let (crew, habits) = (crew.clone(), habits);
        let shared = Shared { crew, history: history.clone(), habits, stop };
        let mut load =
            Self { history, clients: Vec::new(), writers: Vec::new(), shared: shared.clone() };
        for number in 0..shared.habits.listeners + shared.habits.socket_writers {
            let name = format!("client-{number}");
            let person = &shared.crew.people[number % shared.crew.people.len()];
            let writes = number >= shared.habits.listeners;
            let dice = schedule.dice_of(&name);
            let client = client::Client::open(&shared, person.at(number), name, writes, dice).await;
            load.clients.push(tokio::spawn(client.run()));
        }
        for number in 0..shared.habits.rest_writers {
            let name = format!("writer-{number}");
            let person = shared.crew.people[number % shared.crew.people.len()].clone();
            let writer = rest::Writer::new(&shared, &person, schedule.dice_of(&name), name);
            load.writers.push(tokio::spawn(writer.run()));
        }
        if shared.habits.churn > 0 {
            let dice = schedule.dice_of("steward");
            load.writers.push(tokio::spawn(steward::run(shared.clone(), dice)));
        }
        load
    }

    /// Waits until so many posts are acknowledged in all.
    ///
    /// # Panics
    /// When none is for a minute.
    pub(crate) async fn reaches(&self, acknowledged: usize) {
        let (mut last, mut since) = (self.history.acknowledged(), Instant::now());
        while last < acknowledged {
            sleep(Duration::from_millis(5)).await;
            let now = self.history.acknowledged();
            if now > last {
                (last, since) = (now, Instant::now());
            }
            assert!(since.elapsed() < STUCK, "the load is stuck at {last} of {acknowledged}");
        }
    }

    /// Waits until so many more posts are acknowledged.
    pub(crate) async fn goes_on(&self, more: usize) {
        self.reaches(self.history.acknowledged() + more).await;
    }

    /// Ends the load, waits until every client has heard the last word, and judges: what was recorded
    /// against the log, and the read model against a cold rebuild.
    pub(crate) async fn finish(self, world: &impl World, schedule: &Schedule) -> History {
        let history = self.end().await;
        let (ok, fail, unknown) = history.tally();
        let away = history.absences().len();
        schedule
            .say(&format!("{ok} ok, {fail} refused, {unknown} unknown; {away} resumes; judging"));
        history.must_agree_with(&Truth::of(&events(world).await));
        tokio::task::block_in_place(|| world.verify());
        history
    }

    /// Ends the load and waits until every client has heard the last word.
    pub(crate) async fn end(self) -> History {
        self.shared.stop.store(true, Ordering::SeqCst);
        for writer in self.writers {
            timeout(STUCK, writer).await.expect("a writer ends").unwrap();
        }
        let plaza = self.shared.crew.plaza.clone();
        rest::say(&self.shared, &self.shared.crew.owner, &plaza, LAST_WORD, &mut Dice::of(1)).await;
        let deadline = Instant::now() + STUCK;
        for client in self.clients {
            let abort = client.abort_handle();
            match tokio::time::timeout_at(deadline, client).await {
                Ok(ended) => ended.unwrap(),
                // It shows in its trace, which has no end.
                Err(_) => abort.abort(),
            }
        }
        self.history
    }
}
