//! Three nats-servers that keep the log together, configured by the file that is shipped for it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use nix::sys::signal::Signal;
use serde_json::Value;
use testbed::free_port;

use crate::kit::installation::eprintln_tail;
use crate::kit::process::Process;
use crate::kit::wire::Wire;
use crate::kit::{Patience, root, server, until_within};

const USER: &str = "tidings";
const PASSWORD: &str = "between us";
const NAMES: [&str; 3] = ["a", "b", "c"];

/// An address without a listener. The servers tell each other where they are; told this they have only the ways that
/// were given to them.
const NOWHERE: &str = "127.0.0.1:1";

struct Member {
    process: Process,
    client: u16,
    monitor: u16,
    command: Command,
    folder: PathBuf,
}

/// The three servers, by number.
pub struct Cluster {
    members: Vec<Member>,
    /// The ways from each to the others.
    wires: Vec<(usize, usize, Wire)>,
}

impl Cluster {
    /// Starts three that store below a folder.
    #[must_use]
    pub fn start(folder: &Path) -> Self {
        let [clients, routes, monitors] = [(); 3].map(|()| [(); 3].map(|()| free_port()));
        let pairs = (0..3).flat_map(|from| (0..3).map(move |to| (from, to)));
        let pairs = pairs.filter(|(from, to)| from != to);
        let wires: Vec<_> = pairs.map(|(from, to)| (from, to, Wire::to(routes[to]))).collect();
        let members = (0..3).map(|number| {
            let folder = folder.join(NAMES[number]);
            std::fs::create_dir_all(&folder).expect("a folder");
            let config = folder.join("cluster.conf");
            std::fs::copy(root().join("deploy/nats/cluster.conf"), &config).expect("the file");
            let ways = wires.iter().filter(|(from, ..)| *from == number);
            let ways = ways.map(|(.., wire)| {
                format!("\"nats-route://{USER}:route@127.0.0.1:{}\"", wire.port())
            });
            let ways: Vec<String> = ways.collect();
            let quoted = |text: &str| format!("{text:?}");
            let mut command = Command::new(server("TIDINGS_NATS_SERVER", "nats-server"));
            command.arg("-c").arg(&config).args(["--cluster_advertise", NOWHERE]);
            command.env("NATS_NAME", NAMES[number]);
            command.env("NATS_LISTEN", quoted(&format!("127.0.0.1:{}", clients[number])));
            command.env("NATS_CLUSTER_LISTEN", quoted(&format!("127.0.0.1:{}", routes[number])));
            command.env("NATS_ROUTES", format!("[{}]", ways.join(", ")));
            command.env("NATS_MONITOR", quoted(&format!("127.0.0.1:{}", monitors[number])));
            command.env("NATS_STORE", quoted(&folder.join("store").to_string_lossy()));
            command.env("NATS_USER", quoted(USER)).env("NATS_PASSWORD", quoted(PASSWORD));
            command.env("NATS_CLUSTER_USER", quoted(USER));
            command.env("NATS_CLUSTER_PASSWORD", quoted("route"));
            let process = Process::start(&format!("nats-{number}"), &command, &folder, None);
            let (client, monitor) = (clients[number], monitors[number]);
            Member { process, client, monitor, command, folder }
        });
        let members = members.collect();
        Self { members, wires }
    }

    /// All three, separated by commas.
    #[must_use]
    pub fn url(&self) -> String {
        (0..3).map(|number| self.url_of(number)).collect::<Vec<_>>().join(",")
    }

    /// One of them.
    #[must_use]
    pub fn url_of(&self, number: usize) -> String {
        let password = PASSWORD.replace(' ', "%20");
        format!("nats://{USER}:{password}@127.0.0.1:{}", self.members[number].client)
    }

    /// Ends one as a power cut would.
    pub fn kill(&mut self, number: usize) {
        self.members[number].process.kill();
    }

    /// Starts one again on its store.
    pub fn start_again(&mut self, number: usize) {
        let member = &mut self.members[number];
        assert!(!member.process.runs(), "it still runs");
        let name = format!("nats-{number}");
        member.process = Process::start(&name, &member.command, &member.folder, None);
    }

    /// Stops one where it stands: it keeps its connections and answers nothing.
    pub fn pause(&self, number: usize) {
        self.members[number].process.signal(Signal::SIGSTOP);
    }

    /// Takes one from the other two: it runs and answers clients, and nothing passes between it and them.
    pub fn cut_off(&self, number: usize) {
        self.cut(number, true);
    }

    /// Brings one back to the other two.
    pub fn rejoin(&self, number: usize) {
        self.cut(number, false);
    }

    fn cut(&self, number: usize, cut: bool) {
        let its = self.wires.iter().filter(|(from, to, _)| [*from, *to].contains(&number));
        its.for_each(|(.., wire)| wire.cut(cut));
    }

    /// Lets one go on that was stopped.
    pub fn wake(&self, number: usize) {
        self.members[number].process.signal(Signal::SIGCONT);
    }

    /// Ends all three.
    pub fn stop(&mut self) {
        for member in &mut self.members {
            if std::thread::panicking() {
                eprintln_tail(&member.process);
            }
            member.process.signal(Signal::SIGCONT);
            if member.process.runs() {
                member.process.stop();
            }
        }
    }

    /// Waits until each of them knows which leads them all: before that none makes a stream.
    pub async fn formed(&self) {
        let patience = Patience::for_("the three servers have found each other").times(4);
        until_within(patience, async || {
            for asked in 0..3 {
                let known = self.jetstream(asked).await?;
                known["meta_cluster"]["leader"].as_str().filter(|leader| !leader.is_empty())?;
            }
            Some(())
        })
        .await;
    }

    /// How many copies of each stream are up to date, as its leader says; 0 of one without a leader.
    pub async fn copies_of_all(&self) -> BTreeMap<String, usize> {
        let mut copies = BTreeMap::new();
        for (asked, server) in NAMES.iter().enumerate() {
            for stream in self.streams(asked).await.unwrap_or_default() {
                let name = stream["name"].as_str().expect("a name").to_owned();
                let known = copies.entry(name).or_insert(0);
                if stream["cluster"]["leader"] == *server {
                    let others = stream["cluster"]["replicas"].as_array();
                    let others = others.into_iter().flatten();
                    *known = 1 + others.filter(|other| other["current"] == true).count();
                }
            }
        }
        copies
    }

    /// Which of them leads a stream, in the words of another; none when that one does not know.
    pub async fn leader(&self, stream: &str, asked: usize) -> Option<usize> {
        let detail = self.stream(stream, asked).await?;
        let leader = detail["cluster"]["leader"].as_str()?;
        NAMES.iter().position(|name| *name == leader)
    }

    /// How many copies a stream has, and whether all of them are up to date.
    pub async fn copies(&self, stream: &str, asked: usize) -> Option<(usize, bool)> {
        let detail = self.stream(stream, asked).await?;
        let others = detail["cluster"]["replicas"].as_array()?;
        Some((1 + others.len(), others.iter().all(|other| other["current"] == true)))
    }

    /// Whether one of them knows a leader of every stream there is, which are the buckets, too. Before that a
    /// write may be refused because its stream's servers still elect their leader.
    pub async fn settled(&self, asked: usize) -> bool {
        let streams = self.streams(asked).await.unwrap_or_default();
        let led = |stream: &Value| {
            stream["cluster"]["leader"].as_str().is_some_and(|one| !one.is_empty())
        };
        !streams.is_empty() && streams.iter().all(led)
    }

    async fn stream(&self, stream: &str, asked: usize) -> Option<Value> {
        self.streams(asked).await?.into_iter().find(|one| one["name"] == stream)
    }

    async fn streams(&self, asked: usize) -> Option<Vec<Value>> {
        let known = self.jetstream(asked).await?;
        let accounts = known["account_details"].as_array()?.iter();
        let streams = accounts.filter_map(|account| account["stream_detail"].as_array());
        Some(streams.flatten().cloned().collect())
    }

    /// What one of them says of JetStream.
    async fn jetstream(&self, asked: usize) -> Option<Value> {
        let monitor = self.members[asked].monitor;
        let url = format!("http://127.0.0.1:{monitor}/jsz?accounts=true&streams=true&config=true");
        let client = reqwest::Client::builder().no_proxy().build().ok()?;
        let text = client.get(url).send().await.ok()?.text().await.ok()?;
        serde_json::from_str(&text).ok()
    }
}
