//! A gateway on a nats-server of its own, with services played here.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use blobs::Builtin;
use bus::Bus;
use data_encoding::BASE64URL_NOPAD;
use eventlog::{Connect, EventLog, Expect, LaneWrite, Topology};
use gateway::{Config, Gateway, Needs};
use jsonwebtoken::{Algorithm, Header};
use readmodel::{ReadModel, ReadModelUrl};
use reqwest::{Client, Method, RequestBuilder, Response};
use schemas::commands::{
    AUTH, Accepted, CHAT, CreateRoom, GetJwks, GetSessionStatus, NoteSessionsUsed, PostMessage,
    RoomOutcome, SessionStatus,
};
use schemas::events::{
    RoomState, SessionEnd, SessionsEnded, UserRoleChanged, UserState, UserSuspensionChanged,
};
use schemas::values::{DisplayName, Email, Role, Username};
use schemas::{
    Actor, Code, Event, EventData, EventId, Lane, Namespace, Rejection, RoomId, SessionId,
    Timestamp, UserId,
};
use serde_json::{Value, json};
use service::{Deps, Service as _};
use signing::SigningKey;
use telemetry::{Health, Metrics, Shutdown};
use tempfile::TempDir;
use testbed::Nats;
use uuid::Uuid;

pub(crate) const KEY_ID: &str = "test-key";

/// What the played services have seen, and what they are to say.
#[derive(Default)]
pub(crate) struct Script {
    next: AtomicU64,
    pub(crate) rooms_made: AtomicU64,
    pub(crate) ended: Mutex<HashSet<SessionId>>,
    pub(crate) keys_asked: AtomicU64,
    /// The sessions that were said to be used, once for each time.
    pub(crate) used: Mutex<Vec<SessionId>>,
    pub(crate) refuse_rooms: std::sync::atomic::AtomicBool,
    /// Holds rooms back until it is opened.
    pub(crate) gate: tokio::sync::Mutex<()>,
}

pub(crate) struct Kit {
    pub(crate) http: Client,
    pub(crate) url: String,
    pub(crate) log: EventLog,
    pub(crate) script: Arc<Script>,
    pub(crate) metrics: Metrics,
    key: SigningKey,
    shutdown: Shutdown,
    _folder: TempDir,
    _nats: Nats,
}

impl Drop for Kit {
    fn drop(&mut self) {
        self.shutdown.trigger();
    }
}

impl Kit {
    pub(crate) async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    pub(crate) async fn start_with(change: impl FnOnce(&mut Config)) -> Self {
        let nats = Nats::start().await;
        let namespace = Namespace::parse("test").unwrap();
        let (url, client_name) = (nats.url(), "gateway-test".to_owned());
        let connect = Connect { url, client_name, namespace: namespace.clone() };
        let log = EventLog::connect(connect).await.unwrap();
        log.ensure_topology(&Topology::default()).await.unwrap();
        let bus = Bus::connect(&nats.url(), "gateway-test", &namespace).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let url = ReadModelUrl::Sqlite(folder.path().to_owned());
        let read_model = ReadModel::open(&url, &namespace).await.unwrap();
        let key = SigningKey::generate().unwrap();
        let script = Arc::new(Script::default());
        play(&bus, &log, &script, &key).await;
        let mut config = Config::at(([127, 0, 0, 1], 0).into());
        change(&mut config);
        let (metrics, health, shutdown) = (Metrics::new(), Health::new(), Shutdown::new());
        let told = metrics.clone();
        let needs = Needs { read_model, blobs: Arc::new(Builtin::of(&log)) };
        let deps = Deps { bus, log: log.clone(), metrics: told, health };
        let gateway = Gateway::build(config, needs, deps).await.unwrap();
        let url = format!("http://{}", gateway.address());
        tokio::spawn(gateway.run_until_stopped(shutdown.clone()));
        let http = Client::new();
        Self { http, url, log, script, metrics, key, shutdown, _folder: folder, _nats: nats }
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.url))
    }

    /// Claims that are fine, for a person and session of this number.
    pub(crate) fn claims(number: u128) -> Value {
        let now = Timestamp::now().millis() / 1000;
        json!({"iss": "tidings", "aud": "tidings:test", "sub": user(number), "sid": session(number),
            "role": "user", "iat": now, "nbf": now, "exp": now + 900})
    }

    pub(crate) fn header() -> Header {
        let mut header = Header::new(Algorithm::EdDSA);
        header.typ = Some("at+jwt".into());
        header.kid = Some(KEY_ID.into());
        header
    }

    pub(crate) fn sign(&self, header: &Header, claims: &Value) -> String {
        jsonwebtoken::encode(header, claims, &self.key.encoding_key()).unwrap()
    }

    pub(crate) fn token(&self, number: u128) -> String {
        self.sign(&Self::header(), &Self::claims(number))
    }

    pub(crate) async fn get(&self, path: &str, number: u128) -> Response {
        let request = self.request(Method::GET, path).bearer_auth(self.token(number));
        request.send().await.unwrap()
    }

    pub(crate) async fn post(&self, path: &str, number: u128, body: &Value) -> Response {
        let request = self.request(Method::POST, path).bearer_auth(self.token(number));
        request.json(body).send().await.unwrap()
    }

    /// Writes the end of a session into the log.
    pub(crate) async fn end_session(&self, number: u128) {
        let ended = SessionsEnded {
            user_id: user(number),
            session_ids: vec![session(number)],
            reason: SessionEnd::Logout,
            note: None,
        };
        self.write(Lane::Session(user(number)), EventData::from(ended)).await;
    }

    /// Writes a new role of an account into the log.
    pub(crate) async fn change_role(&self, number: u128, role: Role) {
        let changed = UserRoleChanged { user: UserState { role, ..account(number) }, reason: None };
        self.write(Lane::User(user(number)), EventData::from(changed)).await;
    }

    /// Writes the suspension of an account into the log.
    pub(crate) async fn suspend(&self, number: u128) {
        let account = UserState { suspended: true, ..account(number) };
        let changed = UserSuspensionChanged { user: account, reason: None };
        self.write(Lane::User(user(number)), EventData::from(changed)).await;
    }

    async fn write(&self, lane: Lane, data: EventData) {
        let event = Event {
            id: EventId::from_uuid(Uuid::from_u128(
                self.script.next.fetch_add(1, Ordering::Relaxed).into(),
            )),
            time: Timestamp::now(),
            actor: Actor::System,
            causation: None,
            traceparent: None,
            data,
        };
        let write = LaneWrite { lane, event, expect: Expect::Any, dedup: None };
        self.log.append(vec![write]).await.unwrap();
    }
}

fn account(number: u128) -> UserState {
    UserState {
        id: user(number),
        username: Username::parse(&format!("user{number}")).unwrap(),
        display_name: DisplayName::parse("User").unwrap(),
        email: Email::parse(&format!("user{number}@example.org")).unwrap(),
        email_verified: false,
        role: Role::User,
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

pub(crate) fn user(number: u128) -> UserId {
    UserId::from_uuid(Uuid::from_u128(number))
}

pub(crate) fn session(number: u128) -> SessionId {
    SessionId::from_uuid(Uuid::from_u128(number))
}

/// A problem: its status, code and whole body, after checking that it is one.
pub(crate) async fn problem(response: Response) -> (u16, String, Value) {
    let status = response.status().as_u16();
    let header = |name: &str| {
        let value = response.headers().get(name);
        value.and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
    };
    let (kind, trace) = (header("content-type"), header("tidings-trace"));
    let body: Value = response.json().await.unwrap_or_default();
    assert_eq!(kind, "application/problem+json", "{status} {body}");
    assert_eq!(body["status"], status, "{body}");
    assert_eq!(body["trace_id"], trace, "{body}");
    assert_eq!(trace.len(), 32, "{body}");
    let code = body["code"].as_str().unwrap_or_default().to_owned();
    assert_eq!(body["type"], format!("/problems/{code}"), "{body}");
    (status, code, body)
}

async fn play(bus: &Bus, log: &EventLog, script: &Arc<Script>, key: &SigningKey) {
    let x = BASE64URL_NOPAD.encode(&key.public());
    let jwks = json!({"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": KEY_ID, "x": x}]});
    let (asked, ended, noted) = (Arc::clone(script), Arc::clone(script), Arc::clone(script));
    bus.service(AUTH, "0.0.1", "played")
        .endpoint::<GetJwks, _, _>(move |_, _| {
            asked.keys_asked.fetch_add(1, Ordering::Relaxed);
            let result = jwks.clone();
            async move { Ok(Accepted { position: None, result }) }
        })
        .endpoint::<GetSessionStatus, _, _>(move |_, question| {
            let active = !ended.ended.lock().unwrap().contains(&question.session_id);
            let result = SessionStatus { active, role: Role::User };
            async move { Ok(Accepted { position: None, result }) }
        })
        .endpoint::<NoteSessionsUsed, _, _>(move |_, told| {
            noted.used.lock().unwrap().extend(told.session_ids);
            async move { Ok(Accepted { position: None, result: () }) }
        })
        .start()
        .await
        .unwrap();
    let (script, log) = (Arc::clone(script), log.clone());
    bus.service(CHAT, "0.0.1", "played")
        .endpoint::<CreateRoom, _, _>(move |_, command| {
            let (script, log) = (Arc::clone(&script), log.clone());
            async move { create_room(&script, &log, command).await }
        })
        .endpoint::<PostMessage, _, _>(|_, _| async { Err(Rejection::not_found()) })
        .start()
        .await
        .unwrap();
}

async fn create_room(
    script: &Script,
    log: &EventLog,
    command: CreateRoom,
) -> Result<Accepted<RoomOutcome>, Rejection> {
    drop(script.gate.lock().await);
    if script.refuse_rooms.load(Ordering::Relaxed) {
        return Err(Rejection::field(Code::AlreadyExists, "/name", "taken", "the name is taken"));
    }
    script.rooms_made.fetch_add(1, Ordering::Relaxed);
    let number = script.next.fetch_add(1, Ordering::Relaxed);
    let id = RoomId::from_uuid(Uuid::from_u128(number.into()));
    let room = RoomState {
        name: Some(command.name),
        topic: command.topic,
        visibility: schemas::values::Visibility::Public,
        ..RoomState::begun(id, command.kind, Timestamp::now())
    };
    Ok(Accepted {
        // Nothing is written: what the gateway waits for is there already.
        position: Some(log.epoch().at(0)),
        result: RoomOutcome { room, created: true },
    })
}
