//! Three servers that keep the log together: the same promises, although the server takes other paths.

use std::process::Child;
use std::time::Duration;

use eventlog::{AppendError, DedupId, EventLog, Expect, LaneWrite, Topology};
use futures_util::future::join_all;
use schemas::{Lane, Sequence};
use tempfile::TempDir;
use testbed::free_port;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};

use crate::kit::{PATIENCE, connect, event, handle, put, room, run, user, write};
use crate::reading::read_to;

/// How long an election or the forming of the cluster may take.
const ELECTION: Duration = Duration::from_secs(40);

struct Cluster {
    members: Vec<(Child, TempDir)>,
    clients: Vec<u16>,
}

impl Cluster {
    fn start() -> Self {
        let [clients, routes] = [(); 2].map(|()| [(); 3].map(|()| free_port()));
        let peers = routes.map(|port| format!("nats://127.0.0.1:{port}")).join(", ");
        let members = (0..3).map(|n| {
            let folder = tempfile::tempdir().expect("a folder");
            let store = folder.path().join("store");
            let config = format!(
                "server_name: n{n}\nlisten: \"127.0.0.1:{}\"\njetstream {{ store_dir: {store:?} }}\n\
                 cluster {{ name: c, listen: \"127.0.0.1:{}\", routes: [{peers}] }}\n",
                clients[n], routes[n]
            );
            (run(folder.path(), &config), folder)
        });
        Self { members: members.collect(), clients: clients.to_vec() }
    }

    fn url(&self) -> String {
        let urls = self.clients.iter().map(|port| format!("nats://127.0.0.1:{port}"));
        urls.collect::<Vec<_>>().join(",")
    }

    async fn log(&self, replicas: u8) -> EventLog {
        let log = connect(self.url()).await;
        let topology = Topology { replicas, ..Topology::default() };
        let deadline = Instant::now() + ELECTION;
        while let Err(error) = log.ensure_topology(&topology).await {
            assert!(Instant::now() < deadline, "no cluster: {error:?}");
            sleep(Duration::from_millis(100)).await;
        }
        log
    }

    async fn client(&self) -> async_nats::Client {
        let addresses: Vec<String> = self.url().split(',').map(str::to_owned).collect();
        async_nats::ConnectOptions::new().connect(addresses).await.expect("connected")
    }

    /// Kills the server that leads the log's stream.
    async fn kill_leader(&mut self) {
        let jetstream = async_nats::jetstream::new(self.client().await);
        let mut stream = jetstream.get_stream("EVENTS_test").await.expect("the stream");
        let cluster = stream.info().await.expect("info").cluster.clone().expect("a cluster");
        let leader: usize = cluster.leader.expect("a leader")[1..].parse().expect("its number");
        self.members[leader].0.kill().expect("killed");
        self.members[leader].0.wait().expect("ended");
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        for (child, _) in &mut self.members {
            drop(child.kill());
            drop(child.wait());
        }
    }
}

async fn expectations(log: &EventLog) {
    let (timeline, member) = (Lane::Timeline(room()), Lane::Member(room(), user()));
    let at = put(log, &member, "joined").await;
    let fence = |at| Expect::Fence { lane: member, at };
    // One person's messages under one fence, faster than the cluster agrees on each.
    let posts = (0..30).map(|n| log.append(vec![write(&timeline, &n.to_string(), fence(at))]));
    for outcome in join_all(posts).await {
        outcome.expect("a fence is no lock");
    }
    let stale = log.append(vec![write(&timeline, "x", fence(at + 1))]).await;
    assert!(matches!(stale, Err(AppendError::Conflict)), "{stale:?}");
    let lane = handle("anna");
    log.append(vec![write(&lane, "1", Expect::Empty)]).await.expect("first");
    let taken = log.append(vec![write(&lane, "2", Expect::Empty)]).await;
    assert!(matches!(taken, Err(AppendError::Conflict)), "{taken:?}");
    let other = Lane::User(user());
    let batch = vec![write(&other, "u", Expect::Empty), write(&lane, "h", Expect::Empty)];
    let refused = log.append(batch).await;
    assert!(matches!(refused, Err(AppendError::Conflict)), "{refused:?}");
}

/// A process that was started without `--replicas 3` does not take copies away.
async fn copies_stay(cluster: &Cluster) {
    let other = connect(cluster.url()).await;
    other.ensure_topology(&Topology::default()).await.expect("ensured");
    let client = cluster.client().await;
    let mut stream =
        async_nats::jetstream::new(client).get_stream("EVENTS_test").await.expect("it");
    assert_eq!(stream.info().await.expect("info").config.num_replicas, 3);
}

async fn repeats(log: &EventLog) {
    let lane = Lane::Timeline(room());
    let id = DedupId::of(["usr", "post", "1"]);
    let post =
        || log.append(vec![LaneWrite::new(lane, event("p"), Expect::Empty).dedup(id.clone())]);
    let first = post().await.expect("first");
    let repeat = post().await.expect("repeat");
    assert!(repeat.duplicate);
    assert_eq!(first.sequences, repeat.sequences);
    let register = || {
        let id = |n: &str| DedupId::of(["usr", "register", n]);
        let (user, handle) = (handle("u-lane"), handle("h-lane"));
        log.append(vec![
            write(&user, "u", Expect::Empty).dedup(id("0")),
            write(&handle, "h", Expect::Empty).dedup(id("1")),
        ])
    };
    register().await.expect("first");
    let repeat = register().await;
    assert!(matches!(repeat, Err(AppendError::AlreadyCommitted)), "{repeat:?}");
    // Looking for ids finds what is there and nothing else, and leaves the stream well.
    assert_eq!(log.find_written(&lane, &id).await.expect("an answer"), Some(first.sequences[0]));
    for number in 0..3 {
        let never = DedupId::of(["usr", "never", &number.to_string()]);
        assert_eq!(log.find_written(&lane, &never).await.expect("an answer"), None);
        put(log, &handle(&format!("after {number}")), "x").await;
    }
}

/// What was written is read at once, also by a process that has not heard of it.
async fn reads(cluster: &Cluster, log: &EventLog) {
    let other = connect(cluster.url()).await;
    other.attach().await.expect("attached");
    for n in 0..100 {
        let lane = handle(&format!("reader {n}"));
        let sequence = put(log, &lane, "x").await;
        let last = other.last(&lane).await.expect("read").expect("an event");
        assert_eq!(last.sequence, sequence);
        assert_eq!(other.get(sequence).await.expect("read"), Some(last));
    }
    assert!(log.last(&handle("absent")).await.expect("read").is_none());
    assert!(log.get(1_000_000).await.expect("read").is_none());
}

/// As by a server that has not heard yet of a bucket that was made a moment ago.
#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_that_a_server_does_not_know_yet_is_asked_for_again() {
    let cluster = Cluster::start();
    let log = cluster.log(3).await;
    let secrets = log.secrets("credentials");
    secrets.prepare().await.expect("made");
    let jetstream = async_nats::jetstream::new(cluster.client().await);
    jetstream.delete_stream("KV_test_credentials").await.expect("deleted");
    let made_again = async {
        sleep(Duration::from_millis(300)).await;
        log.secrets("credentials").prepare().await.expect("made again");
    };
    let (value, keys, ()) = tokio::join!(secrets.get("usr_1"), secrets.keys(None), made_again);
    assert!(value.expect("an answer").is_none());
    assert!(keys.expect("an answer").is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_keeps_the_promises_and_survives_its_leader() {
    let mut cluster = Cluster::start();
    let log = cluster.log(3).await;
    expectations(&log).await;
    repeats(&log).await;
    copies_stay(&cluster).await;
    reads(&cluster, &log).await;
    let secrets = log.secrets("credentials");
    for n in 0..50 {
        // What was written is read, whichever server answers.
        let key = format!("usr_{n}");
        secrets.create(&key, "hash", None).await.expect("created");
        assert!(secrets.get(&key).await.expect("read").is_some(), "{key}");
        assert!(secrets.delete(&key).await.expect("deleted"));
        assert!(secrets.get(&key).await.expect("read").is_none(), "{key}");
    }
    let lane = Lane::Timeline(room());
    let before = log.head().await.expect("head");
    let writers: Vec<_> = (0..4)
        .map(|writer| {
            let (log, lane) = (log.clone(), lane);
            tokio::spawn(async move {
                let mut acknowledged = Vec::new();
                for n in 0..100 {
                    // Unknown or unavailable is allowed here: then the same write is made again.
                    let one = write(&lane, &format!("{writer}-{n}"), Expect::Any);
                    loop {
                        match log.append(vec![one.clone()]).await {
                            Ok(appended) => break acknowledged.push(appended.sequences[0]),
                            Err(AppendError::Unknown | AppendError::Unavailable) => {}
                            Err(error) => panic!("{error:?}"),
                        }
                    }
                }
                acknowledged
            })
        })
        .collect();
    cluster.kill_leader().await;
    let mut acknowledged = Vec::new();
    for writer in writers {
        acknowledged.extend(timeout(ELECTION, writer).await.expect("in time").expect("written"));
    }
    acknowledged.sort_unstable();
    acknowledged.dedup();
    assert_eq!(acknowledged.len(), 400);
    let mut reader = log.read_from(before).await.expect("a reader");
    let records = timeout(PATIENCE, read_to(&mut reader, before + 400)).await.expect("in time");
    let stored: Vec<_> = records.iter().map(|record| record.sequence).collect();
    assert_eq!(stored, acknowledged);
}

/// Goes on writing and reading until it is told that it is enough; the sequences of what was acknowledged.
async fn write_and_read(
    log: EventLog,
    begun: watch::Sender<u64>,
    enough: watch::Receiver<bool>,
) -> Vec<Sequence> {
    let secrets = log.secrets("credentials");
    let mut acknowledged = Vec::new();
    for number in 0_u64.. {
        let lane = handle(&format!("writer {number}"));
        match log.append(vec![write(&lane, "x", Expect::Empty)]).await {
            Ok(appended) => {
                acknowledged.push(appended.sequences[0]);
                // What was written is read at once, whichever servers have it by now.
                let last = log.last(&lane).await.expect("read").expect("an event");
                assert_eq!(last.sequence, appended.sequences[0]);
            }
            Err(AppendError::Unknown | AppendError::Unavailable) => {}
            Err(error) => panic!("{error:?}"),
        }
        let key = format!("key_{number}");
        if secrets.create(&key, "hash", None).await.is_ok() {
            assert!(secrets.get(&key).await.expect("read").is_some(), "{key}");
        }
        begun.send_replace(number);
        if *enough.borrow() {
            break;
        }
    }
    acknowledged
}

/// What one of the servers kept gets copies while it is written to, by a process that does not know of them.
#[tokio::test(flavor = "multi_thread")]
async fn streams_get_copies_while_they_are_written_to() {
    let cluster = Cluster::start();
    let log = cluster.log(1).await;
    log.secrets("credentials").create("first", "hash", None).await.expect("created");
    log.pieces("media").put("first", "bytes".into()).await.expect("put");
    log.dead_letters().await.expect("the dead letters");
    let ((begun, mut goes_on), (enough, told_enough)) = (watch::channel(0), watch::channel(false));
    let writing = tokio::spawn(write_and_read(log.clone(), begun, told_enough));
    let more = goes_on.wait_for(|number| *number > 20);
    timeout(PATIENCE, more).await.expect("in time").expect("it goes on");

    let raising = cluster.log(3).await;
    let mut told = Vec::new();
    let raised = raising.raise_copies(3, |one| told.push(one.clone())).await.expect("raised");
    assert_eq!(raised, told);
    assert!(raised.iter().all(|one| (one.from, one.to) == (1, 3)), "{raised:?}");
    for bucket in ["DEAD_LETTERS_test", "KV_test_credentials", "OBJ_test_media"] {
        assert!(raised.iter().any(|one| one.stream == bucket), "{bucket}: {raised:?}");
    }
    let jetstream = async_nats::jetstream::new(cluster.client().await);
    for name in raising.streams().await.expect("the streams") {
        let mut stream = jetstream.get_stream(&name).await.expect("a stream");
        assert_eq!(stream.info().await.expect("info").config.num_replicas, 3, "{name}");
    }
    assert_eq!(raising.raise_copies(3, |_| {}).await.expect("looked at"), []);

    let now = *goes_on.borrow_and_update();
    let more = goes_on.wait_for(|number| *number > now + 20);
    timeout(PATIENCE, more).await.expect("in time").expect("it goes on");
    enough.send_replace(true);
    for sequence in timeout(PATIENCE, writing).await.expect("in time").expect("written") {
        assert!(log.get(sequence).await.expect("read").is_some(), "{sequence}");
    }
    assert_eq!(log.pieces("media").get("first").await.expect("read").expect("it").bytes, "bytes");
}
