//! Every service as a process of its own, two gateways included, beside a nats-server and a read model.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Output;

use serde_json::Value;
use tempfile::TempDir;

use crate::kit::chaos::Proxy;
use crate::kit::cluster::Cluster;
use crate::kit::installation::{Place, RELAXED, command, eprintln_tail};
use crate::kit::nats::NatsServer;
use crate::kit::preload::Variable;
use crate::kit::process::{self, Process};
use crate::kit::{unique, until};

/// The services besides the gateways.
pub const SERVICES: &[&str] = &["auth-svc", "chat-svc", "projector", "notifier"];

/// What an installation of separate processes is made of.
#[derive(Debug, Clone)]
pub struct Setup {
    /// `sqlite` or MongoDB's address.
    pub read_model: String,
    /// How many gateways: `gateway-0`, `gateway-1` and so on.
    pub gateways: usize,
    /// The services that reach the nats-server through the proxy.
    pub proxied: Vec<&'static str>,
    /// Flags of every service about limits: [`RELAXED`].
    pub limits: &'static [&'static str],
    /// Flags of every service besides.
    pub flags: Vec<&'static str>,
    /// Three nats-servers with three copies of everything instead of one.
    pub cluster: bool,
    /// What a service finds in its environment, by its name (`gateway-0`).
    pub environment: Vec<(&'static str, Vec<Variable>)>,
    /// More of nats-server's configuration, as JetStream's own settings: `max_file_store: 8MB`.
    pub jetstream: &'static str,
}

impl Setup {
    /// Two gateways, the second of them behind the proxy.
    #[must_use]
    pub fn on(read_model: &str) -> Self {
        Self {
            read_model: read_model.to_owned(),
            gateways: 2,
            proxied: vec!["gateway-1"],
            limits: RELAXED,
            flags: Vec::new(),
            cluster: false,
            environment: Vec::new(),
            jetstream: "",
        }
    }
}

/// Who keeps the log.
enum Servers {
    One(NatsServer),
    Three(Cluster),
}

/// An installation of separate processes.
pub struct Separate {
    /// Where people connect.
    pub place: Place,
    servers: Servers,
    /// Its namespace.
    pub namespace: String,
    /// What stands between some of the services and the nats-server.
    pub proxy: Proxy,
    /// The services by name; gateways are `gateway-0` and `gateway-1`.
    pub services: BTreeMap<String, Process>,
    addresses: BTreeMap<String, String>,
    /// Where operators look: of a service without clients, the same.
    admins: BTreeMap<String, String>,
    setup: Setup,
    data: PathBuf,
    folder: Option<TempDir>,
}

impl Separate {
    /// Starts everything, with the read model at this address (`sqlite` or MongoDB's).
    #[must_use]
    pub fn start(read_model: &str) -> Self {
        Self::start_with(Setup::on(read_model))
    }

    /// Starts everything as set up.
    #[must_use]
    pub fn start_with(setup: Setup) -> Self {
        let mut separate = Self::servers_only(setup, &unique("ns"));
        separate.start_services();
        separate
    }

    /// Only the servers, for a namespace; services run from [`Separate::start_services`] on.
    #[must_use]
    pub fn servers_only(setup: Setup, namespace: &str) -> Self {
        let folder = TempDir::with_prefix("tidings-test-").unwrap();
        let servers = if setup.cluster {
            Servers::Three(Cluster::start(folder.path()))
        } else {
            Servers::One(NatsServer::start_with(folder.path(), setup.jetstream))
        };
        let mut separate = Self::of(folder.path(), servers, setup, namespace);
        separate.folder = Some(folder);
        separate
    }

    /// The same for as long as the test process runs.
    #[must_use]
    pub fn lasting(read_model: &str) -> Self {
        let folder = TempDir::with_prefix("tidings-test-").unwrap().keep();
        let servers = Servers::One(NatsServer::lasting(&folder));
        let mut separate = Self::of(&folder, servers, Setup::on(read_model), &unique("ns"));
        separate.start_services();
        separate
    }

    fn of(folder: &Path, servers: Servers, setup: Setup, namespace: &str) -> Self {
        let proxy = Proxy::start(match &servers {
            Servers::One(nats) => &nats.address,
            // Nothing goes through it: services know all three servers.
            Servers::Three(_) => "127.0.0.1:0",
        });
        Self {
            place: Place::new(Vec::new(), Vec::new()),
            servers,
            namespace: namespace.to_owned(),
            proxy,
            services: BTreeMap::new(),
            addresses: BTreeMap::new(),
            admins: BTreeMap::new(),
            setup,
            data: folder.join("data"),
            folder: None,
        }
    }

    /// Starts all services.
    pub fn start_services(&mut self) {
        for name in SERVICES {
            self.run(name);
        }
        let urls = (0..self.setup.gateways).map(|number| {
            let name = format!("gateway-{number}");
            self.run(&name);
            self.addresses[&name].clone()
        });
        let urls = urls.collect();
        self.place = Place::new(urls, self.operators());
    }

    /// Starts a service, on the address it had before if it ran before.
    pub fn run(&mut self, name: &str) {
        let service = name.trim_end_matches(|end: char| end.is_ascii_digit() || end == '-');
        let former = self.addresses.get(name).map(|url| url.trim_start_matches("http://"));
        let listen = former.unwrap_or("127.0.0.1:0").to_owned();
        let proxied = self.setup.proxied.contains(&name);
        let nats = if proxied { self.proxy.url() } else { self.nats_url() };
        let mut command = command(&[service, "--log", "info", "--listen", &listen]);
        command.args(["--nats-url", &nats, "--namespace", &self.namespace]);
        command.args(["--read-model", &self.setup.read_model]).args(self.setup.limits);
        command.args(&self.setup.flags);
        if self.setup.cluster {
            command.args(["--replicas", "3"]);
        }
        command.arg("--data").arg(&self.data);
        let own = self.setup.environment.iter().filter(|(whose, _)| *whose == name);
        for (variable, value) in own.flat_map(|(_, variables)| variables) {
            command.env(variable, value);
        }
        let logs = self.data.parent().expect("a folder around the data");
        let process = Process::start(name, &command, logs, None);
        let line = process.line();
        let ready: Value = serde_json::from_str(&line).expect("the ready line is JSON");
        assert_eq!(ready["ready"], true, "{line}");
        let address = |which: &str| ready[which].as_str().expect("an address").to_owned();
        self.addresses.insert(name.to_owned(), address("http"));
        self.admins.insert(name.to_owned(), address("admin"));
        *self.place.operators.lock().unwrap() = self.operators();
        self.services.insert(name.to_owned(), process);
    }

    fn operators(&self) -> Vec<String> {
        let names = (0..self.setup.gateways).map(|number| format!("gateway-{number}"));
        names.filter_map(|name| self.admins.get(&name).cloned()).collect()
    }

    /// From its next start on a service finds something else in its environment.
    pub fn set_up(&mut self, name: &'static str, variables: Vec<Variable>) {
        self.setup.environment.retain(|(whose, _)| *whose != name);
        self.setup.environment.push((name, variables));
    }

    /// Stops a service, as an operator does, and starts it again.
    pub fn restart(&mut self, name: &str) {
        self.services.get_mut(name).expect("a service").stop();
        self.run(name);
    }

    /// What a service says at `/metrics` or `/readyz`, as (status, text).
    ///
    /// # Panics
    /// When it does not answer.
    pub async fn tells(&self, name: &str, path: &str) -> (u16, String) {
        let client = reqwest::Client::builder().no_proxy().build().expect("a client");
        let url = format!("{}{path}", self.admins[name]);
        let answer = client.get(&url).send().await.expect("an answer");
        (answer.status().as_u16(), answer.text().await.unwrap_or_default())
    }

    /// Waits until every service says that it is ready.
    pub async fn all_ready(&self) {
        for name in self.services.keys() {
            until(&format!("{name} is ready"), async || {
                (self.tells(name, "/readyz").await.0 == 200).then_some(())
            })
            .await;
        }
    }

    /// The value of a metric of a service; 0 when it has none of that name.
    pub async fn metric(&self, name: &str, metric: &str) -> f64 {
        let (_, text) = self.tells(name, "/metrics").await;
        let line = text.lines().find_map(|line| line.strip_prefix(metric)?.strip_prefix(' '));
        line.and_then(|value| value.trim().parse().ok()).unwrap_or(0.0)
    }

    /// Where operators and tests reach its log: past the proxy.
    #[must_use]
    pub fn nats_url(&self) -> String {
        match &self.servers {
            Servers::One(nats) => nats.url(),
            Servers::Three(cluster) => cluster.url(),
        }
    }

    /// Its nats-server.
    ///
    /// # Panics
    /// When it has three.
    pub fn nats(&mut self) -> &mut NatsServer {
        let Servers::One(nats) = &mut self.servers else { panic!("it has three") };
        nats
    }

    /// Its nats-servers.
    ///
    /// # Panics
    /// When it has one.
    pub fn cluster(&mut self) -> &mut Cluster {
        let Servers::Three(cluster) = &mut self.servers else { panic!("it has one") };
        cluster
    }

    /// Where a service listens.
    #[must_use]
    pub fn address(&self, name: &str) -> &str {
        &self.addresses[name]
    }

    /// Ends a service as a power cut would.
    pub fn kill(&mut self, name: &str) {
        self.services.get_mut(name).expect("a service").kill();
    }

    /// Runs an operator command on it.
    #[must_use]
    pub fn operate(&self, arguments: &[&str]) -> Output {
        let mut command = command(arguments);
        command.args(["--nats-url", &self.nats_url(), "--namespace", &self.namespace]);
        command.args(["--read-model", &self.setup.read_model]).arg("--data").arg(&self.data);
        command.output().expect("the command runs")
    }

    /// Its data folder.
    #[must_use]
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// Checks that the read model is what the log says.
    pub fn verify(&self) {
        let output = self.operate(&["verify", "--json"]);
        assert!(
            output.status.success(),
            "{}\n{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
    }

    /// The mails that were written.
    #[must_use]
    pub fn mail_dir(&self) -> PathBuf {
        self.data.join("mail")
    }
}

impl Drop for Separate {
    fn drop(&mut self) {
        // Gateways first: they wait for answers of the others.
        let (gateways, others): (Vec<_>, Vec<_>) =
            self.services.iter_mut().partition(|(name, _)| name.starts_with("gateway"));
        for (_, process) in gateways.into_iter().chain(others) {
            if std::thread::panicking() {
                eprintln_tail(process);
            }
            if process.runs() {
                process.stop();
            }
        }
        if let Some(folder) = &self.folder {
            match &mut self.servers {
                Servers::One(nats) => drop(nats.process.stop()),
                Servers::Three(cluster) => cluster.stop(),
            }
            let left = process::sweep(folder.path());
            assert!(left == 0 || std::thread::panicking(), "processes were left over");
        }
    }
}
