//! A log, a bus and a read model with a notifier in them.

use std::path::PathBuf;
use std::time::Duration;

use bus::Bus;
use eventlog::{Connect, EventLog, Expect, LaneWrite, Topology};
use notifier::{Config, Needs, Notifier, Retry, Site};
use readmodel::{ReadModel, ReadModelUrl};
use schemas::commands::{CallContext, Caller};
use schemas::events::{NotificationCreated, NotificationEvent, UserRegistered, UserState};
use schemas::ids::{EventId, SessionId, UserId};
use schemas::values::{DisplayName, Email, Role, Username};
use schemas::{Actor, CodeKey, Event, EventData, Lane, NameKey, Namespace, Sequence, Timestamp};
use service::{Deps, Service as _};
use telemetry::{Health, Metrics, Shutdown};
use tokio::task::JoinHandle;
use uuid::Uuid;

use crate::server::{Server, until};

pub(crate) struct House {
    pub(crate) server: Server,
    pub(crate) log: EventLog,
    pub(crate) bus: Bus,
    pub(crate) read_model: ReadModel,
    pub(crate) folder: tempfile::TempDir,
}

pub(crate) struct Running {
    pub(crate) shutdown: Shutdown,
    pub(crate) task: JoinHandle<()>,
    pub(crate) metrics: Metrics,
}

impl House {
    pub(crate) async fn new() -> Self {
        let server = Server::start().await;
        let namespace = Namespace::parse("house").unwrap();
        let connect = Connect {
            url: server.url(),
            client_name: "test".to_owned(),
            namespace: namespace.clone(),
        };
        let log = EventLog::connect(connect).await.unwrap();
        log.ensure_topology(&Topology::default()).await.unwrap();
        let bus = Bus::connect(&server.url(), "test", &namespace).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let url = ReadModelUrl::Sqlite(folder.path().join("read"));
        let read_model = ReadModel::open(&url, &namespace).await.unwrap();
        Self { server, log, bus, read_model, folder }
    }

    pub(crate) fn mail_dir(&self) -> PathBuf {
        self.folder.path().join("mail")
    }

    pub(crate) async fn notifier(&self, smtp_url: Option<String>) -> Running {
        let pauses = [20, 40].map(Duration::from_millis).to_vec();
        let retry = Retry { pauses, attempts: 3 };
        let config = Config {
            smtp_url,
            mail_from: "Tidings <tidings@localhost>".to_owned(),
            mail_dir: self.mail_dir(),
            smtp_ca_file: None,
            retry: retry.clone(),
            mail_retry: retry,
        };
        let (metrics, health, shutdown) = (Metrics::new(), Health::new(), Shutdown::new());
        let deps = Deps {
            log: self.log.clone(),
            bus: self.bus.clone(),
            metrics: metrics.clone(),
            health: health.clone(),
        };
        let needs = Needs {
            names: NameKey::new(&[1; NameKey::BYTES]),
            codes: CodeKey::new(&[2; CodeKey::BYTES]),
            read_model: self.read_model.clone(),
            site: Site::default(),
        };
        let notifier = Notifier::build(config, needs, deps).await.unwrap();
        let stopping = shutdown.clone();
        let task = tokio::spawn(async move { notifier.run_until_stopped(stopping).await.unwrap() });
        until("the notifier is ready", async || health.ready().ok()).await;
        Running { shutdown, task, metrics }
    }

    pub(crate) async fn registers(&self, number: u128, name: &str, role: Role) -> (UserId, Event) {
        let user = person(number, name, role);
        let id = user.id;
        let event = event(number, UserRegistered { user });
        let write = LaneWrite::new(Lane::User(id), event.clone(), Expect::Empty);
        self.log.append(vec![write]).await.unwrap();
        (id, event)
    }

    /// Everything in the log from the beginning.
    pub(crate) async fn events(&self) -> Vec<(Sequence, Event)> {
        let head = self.log.head().await.unwrap();
        let mut reader = self.log.read_from(0).await.unwrap();
        let mut events = Vec::new();
        let mut at = 0;
        while at < head {
            let batch = reader.next(1000, Duration::from_secs(1)).await.unwrap();
            for record in batch.records {
                at = record.sequence;
                events.extend(Event::decode(&record.payload).ok().map(|event| (at, event)));
            }
        }
        events
    }

    pub(crate) async fn entries(
        &self,
        user: &UserId,
    ) -> Vec<(Sequence, Event, NotificationCreated)> {
        let events = self.events().await.into_iter();
        events
            .filter_map(|(sequence, event)| match event.data.clone() {
                EventData::Notification(NotificationEvent::Created(entry))
                    if entry.user_id == *user =>
                {
                    Some((sequence, event, entry))
                }
                _ => None,
            })
            .collect()
    }

    pub(crate) async fn mails(&self) -> Vec<String> {
        let mut names = Vec::new();
        let Ok(mut folder) = tokio::fs::read_dir(self.mail_dir()).await else { return names };
        while let Some(file) = folder.next_entry().await.unwrap() {
            if file.file_name().to_string_lossy().ends_with(".eml") {
                names.push(tokio::fs::read_to_string(file.path()).await.unwrap());
            }
        }
        names
    }

    pub(crate) async fn forget_queue(&self, channel: &str) {
        let subject = format!("$JS.API.CONSUMER.DELETE.EVENTS_house.{channel}");
        self.server.publish(&subject, "").await;
    }
}

impl Running {
    pub(crate) async fn stop(self) {
        self.shutdown.trigger();
        self.task.await.unwrap();
    }

    pub(crate) async fn counts(&self, channel: &str, outcome: &str, number: u32) {
        let line = format!(
            "tidings_notifier_effects_total{{channel=\"{channel}\",outcome=\"{outcome}\"}} {number}\n"
        );
        until(&line, async || self.metrics.encode().contains(&line).then_some(())).await;
    }
}

pub(crate) fn person(number: u128, name: &str, role: Role) -> UserState {
    UserState {
        id: UserId::from_uuid(Uuid::from_u128(number)),
        username: Username::parse(name).unwrap(),
        display_name: DisplayName::parse(name).unwrap(),
        email: Email::parse(&format!("{name}@example.org")).unwrap(),
        email_verified: false,
        role,
        suspended: false,
        second_factor: false,
        has_password: true,
        deleted: false,
        bio: None,
        avatar_media_id: None,
        settings: serde_json::Map::new(),
        preferences: schemas::Preferences::default(),
        created_at: Timestamp::from_millis(0),
    }
}

pub(crate) fn event(number: u128, data: impl Into<EventData>) -> Event {
    Event {
        id: EventId::from_uuid(Uuid::from_u128(number)),
        time: Timestamp::now(),
        actor: Actor::System,
        causation: None,
        traceparent: telemetry::new_traceparent().into(),
        data: data.into(),
    }
}

pub(crate) fn asked_by(user: &UserId) -> CallContext {
    let caller = Caller {
        user_id: *user,
        session_id: SessionId::from_uuid(Uuid::from_u128(9)),
        role: Role::Admin,
    };
    CallContext { caller: Some(caller), ..CallContext::default() }
}
