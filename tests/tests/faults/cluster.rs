//! Three nats-servers that keep three copies (item 3): the leader killed, stopped or cut off, a minority stopped
//! or cut off, and one left alone.

use std::time::Duration;

use eventlog::{AppendError, Expect, LaneWrite};
use schemas::{Digest, Event, Lane};
use serde_json::json;
use tests::kit::separate::{Separate, Setup};
use tests::kit::{Patience, last, log, until_within};

use crate::crew::Crew;
use crate::forged;
use crate::history::{Act, History, Operation, Outcome};
use crate::load::{Habits, Load};
use crate::schedule::{Schedule, by_length};

/// An election takes nats-server 4 to 9 s, one that ends in a draw is held again, and a machine that does much
/// else at the time makes all of it longer: the servers may take this many times the patience with other things.
const ELECTIONS: u32 = 4;

/// What happens to the servers.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Fault {
    /// The leader of the log is killed -9 and comes back later.
    LeaderKilled,
    /// It is stopped, and wakes believing that it leads.
    LeaderStopped,
    /// Another than the leader is stopped.
    FollowerStopped,
    /// Nothing passes between the leader and the other two; all three run and answer clients.
    LeaderCutOff,
    /// The same with another than the leader.
    FollowerCutOff,
    /// All but one are stopped.
    MajorityStopped,
}

struct Scene {
    schedule: Schedule,
    separate: Separate,
    stream: String,
    load: Load,
}

impl Scene {
    /// Which server leads the log, once all three agree on it and their copies are up to date.
    async fn leader(&mut self) -> usize {
        let patience = Patience::for_("three copies are up to date").times(ELECTIONS);
        until_within(patience, async || {
            let leader = self.agreed(&[0, 1, 2]).await?;
            let copies = self.separate.cluster().copies(&self.stream, leader).await?;
            (copies == (3, true)).then_some(leader)
        })
        .await
    }

    /// The server that all of these servers, itself among them, take for the leader. One that was stopped goes on believing
    /// for a while that it leads.
    async fn agreed(&mut self, asked: &[usize]) -> Option<usize> {
        let cluster = self.separate.cluster();
        let leader = cluster.leader(&self.stream, *asked.first()?).await?;
        for other in asked {
            (cluster.leader(&self.stream, *other).await? == leader).then_some(())?;
        }
        asked.contains(&leader).then_some(leader)
    }

    /// How long it has taken since a time that these servers agree on a leader.
    async fn election_since(&mut self, since: Duration, among: &[usize]) -> Duration {
        let patience = Patience::for_("there is a leader").times(ELECTIONS);
        until_within(patience, async || self.agreed(among).await).await;
        self.load.history.now().saturating_sub(since)
    }

    /// Waits until writes are acknowledged again, and says for how long none was, from a time on.
    async fn silence_since(&self, since: Duration) -> Duration {
        self.load.goes_on(40).await;
        let mut times = acknowledged_after(&self.load.history, since);
        times.sort_unstable();
        let mut longest = Duration::ZERO;
        let mut last = since;
        for time in times {
            longest = longest.max(time - last);
            last = time;
        }
        longest
    }

    async fn play(&mut self, fault: Fault) {
        let leader = self.leader().await;
        let others: Vec<usize> = (0..3).filter(|one| *one != leader).collect();
        let other = *self.schedule.dice.pick(&others);
        self.schedule.say(&format!("{fault:?}; server {leader} leads"));
        let (silent, election) = match fault {
            Fault::LeaderKilled => self.kill(leader).await,
            Fault::LeaderStopped => self.pause(leader).await,
            Fault::FollowerStopped => self.pause(other).await,
            Fault::LeaderCutOff => self.cut_off(leader).await,
            Fault::FollowerCutOff => self.cut_off(other).await,
            Fault::MajorityStopped => self.leave_alone(other).await,
        };
        self.schedule.say(&format!(
            "{fault:?}: no write was acknowledged for {silent:?} at most; a leader after {election:?}"
        ));
    }

    async fn kill(&mut self, leader: usize) -> (Duration, Duration) {
        let began = self.load.history.now();
        tokio::task::block_in_place(|| self.separate.cluster().kill(leader));
        let election = self.election_since(began, &without(leader)).await;
        let silent = self.silence_since(began).await;
        self.separate.cluster().start_again(leader);
        (silent, election)
    }

    async fn pause(&mut self, stopped: usize) -> (Duration, Duration) {
        let began = self.load.history.now();
        self.separate.cluster().pause(stopped);
        let election = self.election_since(began, &without(stopped)).await;
        last(pause()).await;
        let silent = self.silence_since(began).await;
        self.separate.cluster().wake(stopped);
        (silent, election)
    }

    /// Cuts one off from the other two: it acknowledges nothing, even to clients that know no other.
    async fn cut_off(&mut self, away: usize) -> (Duration, Duration) {
        let namespace = self.separate.namespace.clone();
        let url = self.separate.cluster().url_of(away);
        let its_own = log::open(&url, &namespace).await;
        let began = self.load.history.now();
        self.separate.cluster().cut_off(away);
        let data = json!({"owner": "absent"});
        let claim = forged::event("name.claimed.v1", "absent", "system", &data);
        let claim = Event::decode(claim.as_bytes()).expect("an event");
        let lane =
            Lane::Handle(Digest::of([format!("cut-off-{away}-{}", began.as_millis()).as_str()]));
        let write = vec![LaneWrite::new(lane, claim, Expect::Any)];
        let among = without(away);
        let (refused, election) =
            tokio::join!(its_own.append(write), self.election_since(began, &among));
        assert!(
            matches!(refused, Err(AppendError::Unknown | AppendError::Unavailable)),
            "a minority says {refused:?}"
        );
        let silent = self.silence_since(began).await;
        self.separate.cluster().rejoin(away);
        (silent, election)
    }

    /// Stops all but one for a while: the one that is left acknowledges nothing.
    async fn leave_alone(&mut self, left: usize) -> (Duration, Duration) {
        let stopped = without(left);
        stopped.iter().for_each(|one| self.separate.cluster().pause(*one));
        let stood = self.load.history.now();
        last(pause()).await;
        let history = &self.load.history;
        assert_eq!(begun_and_acknowledged_after(history, stood), 0, "by a minority");
        stopped.iter().for_each(|one| self.separate.cluster().wake(*one));
        let woken = self.load.history.now();
        let election = self.election_since(woken, &[0, 1, 2]).await;
        (self.silence_since(woken).await, election)
    }
}

/// The other two.
fn without(one: usize) -> Vec<usize> {
    (0..3).filter(|other| *other != one).collect()
}

/// How long a server stays away.
fn pause() -> Duration {
    Duration::from_secs(by_length(4, 15))
}

/// When posts were acknowledged, of those after a time.
fn acknowledged_after(history: &History, since: Duration) -> Vec<Duration> {
    let operations = history.operations().into_iter().filter(acknowledged);
    operations.filter_map(|one| one.ended).filter(|ended| *ended > since).collect()
}

/// How many posts were begun after a time and are acknowledged.
fn begun_and_acknowledged_after(history: &History, since: Duration) -> usize {
    let operations = history.operations().into_iter().filter(acknowledged);
    operations.filter(|one| one.begun > since).count()
}

fn acknowledged(operation: &Operation) -> bool {
    matches!((operation.outcome, &operation.act), (Outcome::Ok(_), Act::Post { .. }))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_servers_lose_one_and_a_minority_refuses() {
    let mut schedule = Schedule::of("three_servers_lose_one_and_a_minority_refuses");
    let setup = Setup { cluster: true, proxied: Vec::new(), ..Setup::on("sqlite") };
    let mut separate = Separate::start_with(setup);
    let patience = Patience::for_("the servers have elected their leaders").times(ELECTIONS);
    until_within(patience, async || {
        let cluster = separate.cluster();
        (cluster.settled(0).await && cluster.settled(1).await && cluster.settled(2).await)
            .then_some(())
    })
    .await;
    let crew = Crew::gather(&separate.place, 4, 3).await;
    let stream = format!("EVENTS_{}", separate.namespace);
    let habits = Habits { pause: Duration::from_millis(10), ..Habits::default() };
    let load = Load::begin(&schedule, &crew, habits).await;
    load.goes_on(20).await;
    let all = [
        Fault::LeaderKilled,
        Fault::LeaderStopped,
        Fault::FollowerStopped,
        Fault::LeaderCutOff,
        Fault::FollowerCutOff,
        Fault::MajorityStopped,
    ];
    let faults: Vec<Fault> =
        (0..by_length(1, 4)).flat_map(|_| schedule.dice.shuffled(&all)).collect();
    let mut scene = Scene { schedule, separate, stream, load };
    for fault in faults {
        scene.play(fault).await;
        scene.load.goes_on(20).await;
    }
    scene.leader().await;
    let Scene { schedule, separate, load, .. } = scene;
    load.finish(&separate, &schedule).await;
}
