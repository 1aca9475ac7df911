//! A nats-server of one's own, chat-svc on it, registered people, and an index that can be stopped.

use std::path::{Path, PathBuf};
use std::process::{Child, Command as Program, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bus::Bus;
use chat_svc::{ChatService, Config, MessageIndex, Needs};
use eventlog::{Connect, EventLog, Expect, LaneWrite, Topology};
use schemas::commands::{
    Accepted, CallContext, Caller, Command, CreateRoom, MessageOutcome, PostMessage, Reply,
};
use schemas::events::{
    NameClaimed, RoomState, UserEvent, UserRegistered, UserState, UserSuspensionChanged,
};
use schemas::ids::{RoomId, SessionId, UserId};
use schemas::values::{
    Body, ClientId, DisplayName, Email, Format, IdempotencyKey, Role, RoomKind, RoomName, UserRef,
    Username,
};
use schemas::{
    Actor, Event, EventData, EventId, Lane, NameKey, Namespace, Rejection, Sequence, Timestamp,
};
use service::{Deps, Service as _};
use telemetry::{Health, Metrics, Shutdown};
use tempfile::TempDir;
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use crate::log_index::LogIndex;

/// How long any condition may take to come true.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A nats-server with JetStream on a free port, ended when dropped.
struct Server {
    child: Child,
    folder: TempDir,
}

fn binary() -> PathBuf {
    let installed =
        PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../.tools/bin/nats-server"));
    match std::env::var_os("NATS_SERVER") {
        Some(path) => path.into(),
        None if installed.exists() => installed,
        None => "nats-server".into(),
    }
}

impl Server {
    fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path();
        let config = format!(
            "listen: \"127.0.0.1:-1\"\nports_file_dir: {path:?}\njetstream {{ store_dir: {:?} }}\n",
            path.join("store")
        );
        let file = path.join("nats.conf");
        std::fs::write(&file, config).expect("configuration");
        let child = Program::new(binary())
            .arg("-c")
            .arg(file)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("nats-server starts");
        Self { child, folder }
    }

    async fn url(&self) -> String {
        let file = self.folder.path().join(format!("nats-server_{}.ports", self.child.id()));
        let port = until("nats-server is up", async || read_port(&file)).await;
        format!("nats://127.0.0.1:{port}")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn read_port(file: &Path) -> Option<u16> {
    let text = std::fs::read_to_string(file).ok()?;
    let tail = text.split("nats://127.0.0.1:").nth(1)?;
    tail.split('"').next()?.parse().ok()
}

/// Waits for something to come true.
pub(crate) async fn until<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(Instant::now() < deadline, "waited too long until {what}");
        sleep(Duration::from_millis(10)).await;
    }
}

static COUNTER: AtomicU64 = AtomicU64::new(1);

pub(crate) fn fresh() -> Uuid {
    Uuid::from_u128(COUNTER.fetch_add(1, Ordering::Relaxed).into())
}

/// The key of the lanes of names.
pub(crate) fn names() -> NameKey {
    NameKey::new(&[1; NameKey::BYTES])
}

/// One process's worth of chat-svc.
pub(crate) struct Instance {
    pub(crate) bus: Bus,
    pub(crate) general: Option<RoomId>,
    shutdown: Shutdown,
}

impl Drop for Instance {
    fn drop(&mut self) {
        self.shutdown.trigger();
    }
}

/// A log, the people in it, and one chat-svc.
pub(crate) struct World {
    pub(crate) first: Instance,
    pub(crate) index: Arc<LogIndex>,
    pub(crate) log: EventLog,
    pub(crate) config: Config,
    url: String,
    _server: Server,
}

impl World {
    pub(crate) async fn start() -> Self {
        Self::start_with(Topology::default(), Config::default()).await
    }

    pub(crate) async fn start_with(topology: Topology, config: Config) -> Self {
        let server = Server::start();
        let url = server.url().await;
        let log = connect(&url).await;
        log.ensure_topology(&topology).await.expect("topology");
        let index = Arc::new(LogIndex::new(log.clone()));
        let first = instance(&url, &config, &index).await;
        Self { first, index, log, config, url, _server: server }
    }

    /// Where its nats-server is.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Another chat-svc beside the first, as another process would be.
    pub(crate) async fn another(&self) -> Instance {
        instance(&self.url, &self.config, &self.index).await
    }

    /// Another chat-svc with an index of its own.
    pub(crate) async fn with_index(&self, index: Arc<dyn MessageIndex>) -> Instance {
        instance_with(&self.url, &self.config, index).await
    }

    /// Another chat-svc with a store of files of its own making.
    pub(crate) async fn with_files(&self, files: Arc<dyn blobs::BlobStore>) -> Instance {
        let index: Arc<dyn MessageIndex> = Arc::clone(&self.index) as Arc<dyn MessageIndex>;
        instance_of(&self.url, &self.config, index, Some(files)).await
    }

    /// A user registers, as auth-svc would write it.
    pub(crate) async fn register(&self, username: &str) -> UserId {
        self.register_as(username, Role::User).await
    }

    pub(crate) async fn register_as(&self, username: &str, role: Role) -> UserId {
        let user = user_state(username, role);
        let id = user.id;
        let claim = NameClaimed { owner: id.to_string() };
        let writes = vec![
            LaneWrite::new(Lane::User(id), event(UserRegistered { user }), Expect::Empty),
            LaneWrite::new(names().handle(username), event(claim), Expect::Empty),
        ];
        self.log.append(writes).await.expect("registered");
        id
    }

    /// An admin suspends a user, as auth-svc would write it.
    pub(crate) async fn suspend(&self, id: &UserId) {
        let lane = Lane::User(*id);
        let stored = self.log.last(&lane).await.expect("read").expect("registered");
        let EventData::User(UserEvent::Registered(registered)) =
            stored.event().expect("event").data
        else {
            panic!("not just registered")
        };
        let user = UserState { suspended: true, ..registered.user };
        let changed = UserSuspensionChanged { user, reason: None };
        let write = LaneWrite::new(lane, event(changed), Expect::Any);
        self.log.append(vec![write]).await.expect("suspended");
    }

    pub(crate) async fn call<C: Command + Clone + Sync>(
        &self,
        who: &UserId,
        command: &C,
    ) -> Result<Accepted<C::Output>, Rejection> {
        call(&self.first.bus, &context(who), command).await
    }

    pub(crate) async fn create(
        &self,
        who: &UserId,
        kind: RoomKind,
        name: &str,
        members: &[&UserId],
    ) -> RoomState {
        let members = members.iter().map(|id| UserRef::Id(*(*id))).collect();
        let command = CreateRoom { members, ..create_room(kind, name) };
        self.call(who, &command).await.expect("a room").result.room
    }

    pub(crate) async fn say(&self, who: &UserId, room: &RoomId, text: &str) -> MessageOutcome {
        self.call(who, &say(room, text)).await.expect("posted").result
    }

    /// Every event of the log, in order.
    pub(crate) async fn events(&self) -> Vec<(Sequence, Lane, EventData)> {
        let head = self.log.head().await.expect("head");
        let mut reader = self.log.read_from(0).await.expect("a reader");
        let mut events = Vec::new();
        while reader.through() < head {
            for record in reader.next(1000, PATIENCE).await.expect("a batch").records {
                let data = record.event().expect("an event").data;
                events.push((record.sequence, record.lane.expect("a lane"), data));
            }
        }
        events
    }

    /// The types of a lane's events, in order.
    pub(crate) async fn types_on(&self, lane: &Lane) -> Vec<&'static str> {
        let events = self.events().await.into_iter();
        events.filter(|(_, on, _)| on == lane).map(|(_, _, data)| data.type_name()).collect()
    }
}

pub(crate) async fn connect(url: &str) -> EventLog {
    let namespace = Namespace::parse("test").expect("a namespace");
    let connect = Connect { url: url.to_owned(), client_name: "chat-test".to_owned(), namespace };
    EventLog::connect(connect).await.expect("connected")
}

async fn instance(url: &str, config: &Config, index: &Arc<LogIndex>) -> Instance {
    let index: Arc<dyn MessageIndex> = Arc::clone(index) as Arc<dyn MessageIndex>;
    instance_with(url, config, index).await
}

async fn instance_with(url: &str, config: &Config, index: Arc<dyn MessageIndex>) -> Instance {
    instance_of(url, config, index, None).await
}

async fn instance_of(
    url: &str,
    config: &Config,
    index: Arc<dyn MessageIndex>,
    files: Option<Arc<dyn blobs::BlobStore>>,
) -> Instance {
    let log = connect(url).await;
    log.attach().await.expect("attached");
    let bus = Bus::connect(url, "chat-test", log.namespace()).await.expect("a bus");
    let (metrics, health) = (Metrics::new(), Health::new());
    let blobs = files.unwrap_or_else(|| Arc::new(blobs::Builtin::of(&log)));
    let deps = Deps { log, bus: bus.clone(), metrics, health };
    let needs = Needs { names: names(), index, blobs };
    let service = ChatService::build(config.clone(), needs, deps).await.expect("built");
    let general = service.general().cloned();
    let shutdown = Shutdown::new();
    tokio::spawn(service.run_until_stopped(shutdown.clone()));
    Instance { bus, general, shutdown }
}

pub(crate) async fn call<C: Command + Clone + Sync>(
    bus: &Bus,
    context: &CallContext,
    command: &C,
) -> Result<Accepted<C::Output>, Rejection> {
    match bus.call(context, command).await.expect("an answer") {
        Reply::Accepted(accepted) => Ok(accepted),
        Reply::Rejected(rejection) => Err(rejection),
    }
}

pub(crate) fn context(who: &UserId) -> CallContext {
    let session_id = SessionId::from_uuid(Uuid::from_u128(1));
    let caller = Caller { user_id: *who, session_id, role: Role::User };
    CallContext { caller: Some(caller), ..CallContext::default() }
}

pub(crate) fn keyed(who: &UserId, key: &str) -> CallContext {
    let idempotency_key = Some(IdempotencyKey::parse(key).expect("a key"));
    CallContext { idempotency_key, ..context(who) }
}

fn user_state(username: &str, role: Role) -> UserState {
    UserState {
        id: UserId::from_uuid(fresh()),
        username: Username::parse(username).expect("a username"),
        display_name: DisplayName::parse(username).expect("a name"),
        email: Email::parse(&format!("{username}@example.org")).expect("an address"),
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
        created_at: Timestamp::now(),
    }
}

pub(crate) fn event(data: impl Into<EventData>) -> Event {
    Event {
        id: EventId::from_uuid(fresh()),
        time: Timestamp::now(),
        actor: Actor::System,
        causation: None,
        traceparent: None,
        data: data.into(),
    }
}

pub(crate) fn create_room(kind: RoomKind, name: &str) -> CreateRoom {
    let name = RoomName::parse(name).expect("a name");
    CreateRoom { kind, name, topic: None, visibility: None, members: Vec::new() }
}

pub(crate) fn say(room: &RoomId, text: &str) -> PostMessage {
    PostMessage {
        room_id: *room,
        client_id: None,
        body: Body::parse(text).expect("a body"),
        format: Format::Plain,
        attachments: Vec::new(),
        thread_root_id: None,
    }
}

pub(crate) fn say_as(room: &RoomId, client_id: &str, text: &str) -> PostMessage {
    let client_id = Some(ClientId::parse(client_id).expect("a client id"));
    PostMessage { client_id, ..say(room, text) }
}
