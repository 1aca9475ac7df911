//! Users at work while things break: clients that reconnect, writers that retry, an owner who removes
//! members and adds them again. All of it is recorded.

mod client;
mod drip;
mod readings;
mod rest;
mod steward;

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};

use crate::crew::Crew;
use crate::history::{History, Truth};
use crate::schedule::{Dice, Schedule};
use crate::world::{World, events};

/// A load that makes no progress for this long is stuck.
const STUCK: Duration = Duration::from_secs(120);
/// What the owner posts in the plaza at the end.
const LAST_WORD: &str = "the-last-word";

/// How many clients do what.
#[derive(Debug, Clone)]
pub(crate) struct Habits {
    /// Sockets that only listen.
    pub(crate) listeners: usize,
    /// Sockets that only listen, and stop reading while they are told to.
    pub(crate) stopping: usize,
    /// The same, that read a byte a second meanwhile.
    pub(crate) dripping: usize,
    /// Sockets that listen and post, one message at a time.
    pub(crate) socket_writers: usize,
    /// Writers over REST, one message at a time.
    pub(crate) rest_writers: usize,
    /// After every so many posts a REST writer edits or deletes one of their own; 0 for never.
    pub(crate) changes: usize,
    /// A client marks about one in so many messages it is told of as read; 0 for never.
    pub(crate) reads: usize,
    /// After every so many acknowledged posts of all the owner removes a member from a room or adds them
    /// back; 0 for never.
    pub(crate) churn: usize,
    /// A client waits at most this long before it reconnects.
    pub(crate) jitter: Duration,
    /// A writer waits this long after each message.
    pub(crate) pause: Duration,
    /// The least size of a message in bytes.
    pub(crate) body: usize,
}

impl Default for Habits {
    fn default() -> Self {
        Self {
            listeners: 4,
            stopping: 0,
            dripping: 0,
            socket_writers: 3,
            rest_writers: 3,
            changes: 5,
            reads: 20,
            churn: 25,
            jitter: Duration::from_millis(300),
            pause: Duration::from_millis(4),
            body: 0,
        }
    }
}

/// What a client does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Manner {
    Listens,
    Writes,
    /// Does not read while readers are to be slow.
    Stops,
    /// Reads a byte a second while readers are to be slow.
    Drips,
}

impl Habits {
    /// What each client does.
    fn manners(&self) -> Vec<Manner> {
        let of = |manner, count| std::iter::repeat_n(manner, count);
        of(Manner::Listens, self.listeners)
            .chain(of(Manner::Writes, self.socket_writers))
            .chain(of(Manner::Stops, self.stopping))
            .chain(of(Manner::Drips, self.dripping))
            .collect()
    }
}

/// What all tasks of the load share.
#[derive(Clone)]
struct Shared {
    crew: Crew,
    history: History,
    habits: Habits,
    stop: Arc<AtomicBool>,
    /// Counts up when every client is to lose its socket.
    cuts: watch::Sender<usize>,
    /// Whether slow readers are slow now.
    slow: watch::Sender<bool>,
    /// From a post's first try to its arrival at a client that reads.
    delays: Arc<Mutex<Vec<Duration>>>,
    /// How often a client that came back was not let in, or not in time.
    repeats: Arc<AtomicUsize>,
}

impl Shared {
    /// A message that says when it was made, as long as it is to be.
    fn body(&self, client_id: &str) -> String {
        if self.habits.body == 0 {
            return client_id.to_owned();
        }
        let now = self.history.now().as_micros();
        format!("{now}:{client_id}:{}", "x".repeat(self.habits.body))
    }

    fn stopped(&self) -> bool {
        self.stop.load(Ordering::SeqCst)
    }

    /// A pause before the next try, different for each client.
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
    /// How often clients that came back had to try again so far.
    pub(crate) fn repeats(&self) -> usize {
        self.shared.repeats.load(Ordering::SeqCst)
    }

    /// Connects the clients and starts all tasks.
    pub(crate) async fn begin(schedule: &Schedule, crew: &Crew, habits: Habits) -> Self {
        let history = History::new();
        let stop = Arc::new(AtomicBool::new(false));
        let (crew, habits) = (crew.clone(), habits);
        let shared = Shared {
            crew,
            history: history.clone(),
            habits,
            stop,
            cuts: watch::Sender::new(0),
            slow: watch::Sender::new(false),
            delays: Arc::default(),
            repeats: Arc::default(),
        };
        let mut load =
            Self { history, clients: Vec::new(), writers: Vec::new(), shared: shared.clone() };
        for (number, manner) in shared.habits.manners().into_iter().enumerate() {
            let name = format!("client-{number}");
            let person = &shared.crew.people[number % shared.crew.people.len()];
            let dice = schedule.dice_of(&name);
            let client = client::Client::open(&shared, person.at(number), name, manner, dice).await;
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
    /// When none is for two minutes.
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

    /// Takes every client's socket away at once, without a word.
    pub(crate) fn cut(&self) {
        self.shared.cuts.send_modify(|cuts| *cuts += 1);
    }

    /// Makes slow readers slow, or quick again.
    pub(crate) fn slow(&self, slow: bool) {
        self.shared.slow.send_replace(slow);
    }

    /// How long posts took to reach the clients that read, since this was asked last.
    pub(crate) fn delays(&self) -> Vec<Duration> {
        std::mem::take(&mut *self.shared.delays.lock().unwrap())
    }

    /// Ends the load, waits until every client has heard the last word, and judges: what was recorded
    /// against the log, and the read model against a cold rebuild.
    pub(crate) async fn finish(self, world: &impl World, schedule: &Schedule) -> History {
        let crew = self.shared.crew.clone();
        let history = self.end().await;
        let (ok, fail, unknown) = history.tally();
        let away = history.absences().len();
        schedule
            .say(&format!("{ok} ok, {fail} refused, {unknown} unknown; {away} resumes; judging"));
        history.must_agree_with(&Truth::of(&events(world).await));
        history.must_equal(&self::readings::of(&crew).await);
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
