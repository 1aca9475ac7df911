//! A log to project, on a nats-server of one's own.

use std::time::Duration;

use bus::Bus;
use eventlog::{Connect, EventLog, Expect, LaneWrite, Topology};
use projector::{Config, ProjectError, Projector};
use readmodel::ReadModel;
use schemas::{Namespace, Sequence};
use service::{Deps, Service as _};
use telemetry::{Health, Metrics, Shutdown};
use testbed::Nats;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::task::JoinHandle;

use crate::kit::{History, Place, lane};

pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// A log with its server, which ends with it.
pub(crate) struct Log {
    server: Nats,
    pub(crate) log: EventLog,
}

impl Log {
    pub(crate) async fn start(namespace: &Namespace) -> Self {
        let server = Nats::start().await;
        let connect = Connect {
            url: server.url(),
            client_name: "projector-test".to_owned(),
            namespace: namespace.clone(),
        };
        let log = EventLog::connect(connect).await.unwrap();
        log.ensure_topology(&Topology::default()).await.unwrap();
        Self { server, log }
    }

    /// Appends a history from its n-th event on; answers with the last sequence.
    pub(crate) async fn append(&self, history: &History, from: usize) -> Sequence {
        let mut last = 0;
        for logged in &history.events[from..] {
            let event = logged.event.clone();
            let write = LaneWrite::new(lane(&event), event, Expect::Any);
            last = self.log.append(vec![write]).await.unwrap().position.sequence;
        }
        last
    }

    /// Stores something that is no event on an unknown lane, as a foreign writer would.
    pub(crate) async fn append_junk(&self) {
        self.append_junk_to("junk").await;
    }

    /// Stores something that is no event, as a broken writer would.
    pub(crate) async fn append_junk_to(&self, lane: &str) {
        let url = self.server.url();
        let address = url.trim_start_matches("nats://");
        let mut socket = tokio::net::TcpStream::connect(address).await.unwrap();
        let subject = format!("{}.evt.{lane}", self.log.namespace());
        let text = format!("CONNECT {{\"verbose\":false}}\r\nPUB {subject} 4\r\njunk\r\nPING\r\n");
        socket.write_all(text.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        while !answer.ends_with(b"PONG\r\n") {
            let mut some = [0; 1024];
            let read = socket.read(&mut some).await.unwrap();
            answer.extend_from_slice(&some[..read]);
        }
    }

    pub(crate) async fn bus(&self) -> Bus {
        Bus::connect(&self.server.url(), "projector-test", self.log.namespace()).await.unwrap()
    }

    /// Runs a projector.
    pub(crate) async fn projector(&self, model: &ReadModel) -> Running {
        let (metrics, health) = (Metrics::new(), Health::new());
        let deps = Deps {
            log: self.log.clone(),
            bus: self.bus().await,
            metrics: metrics.clone(),
            health: health.clone(),
        };
        let config = Config { take_over_after: Duration::from_millis(600), ..Config::default() };
        let service = Projector::build(config, model.clone(), deps).await.unwrap();
        let shutdown = Shutdown::new();
        let task = tokio::spawn(service.run_until_stopped(shutdown.clone()));
        Running { metrics, health, shutdown, task }
    }
}

/// A projector at work.
pub(crate) struct Running {
    pub(crate) metrics: Metrics,
    pub(crate) health: Health,
    shutdown: Shutdown,
    task: JoinHandle<Result<(), ProjectError>>,
}

impl Running {
    pub(crate) async fn stop(self) {
        self.shutdown.trigger();
        tokio::time::timeout(PATIENCE, self.task).await.unwrap().unwrap().unwrap();
    }

    /// As a process that is killed: no last commit, no good-bye.
    pub(crate) async fn kill(self) {
        self.task.abort();
        assert!(self.task.await.is_err());
    }
}

/// Waits for a condition, with a deadline.
pub(crate) async fn until(what: &str, condition: impl AsyncFn() -> bool) {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while !condition().await {
        assert!(tokio::time::Instant::now() < deadline, "never came true: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Waits until a read model has got to a sequence.
pub(crate) async fn reached(place: &Place, sequence: Sequence) {
    place.model.wait_for(sequence, PATIENCE).await.unwrap();
}
