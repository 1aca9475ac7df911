//! auth-svc on a nats-server of one's own, and people who register and log in.

use auth_svc::{AuthService, Config, Limit, Needs};
use bus::Bus;
use decider::Call;
use eventlog::{Connect, EventLog, Expect, LaneWrite, Topology};
use schemas::commands::{
    CallContext, Caller, Command, CreateUser, GetSessionStatus, Login, Register, Reply,
};
use schemas::values::{Email, IdempotencyKey, NewPassword, Role, Secret, Username};
use schemas::views::{Account, SessionTokens};
use schemas::{
    Code, CodeKey, EventData, Lane, NameKey, Namespace, Registration, Rejection, SessionId,
    Timestamp,
};
use service::{Deps, Service as _};
use telemetry::{Health, Metrics, Shutdown};
use tempfile::TempDir;
use testbed::Nats;

pub(crate) const PASSWORD: &str = "correct horse";

/// The key of the lanes of names.
pub(crate) fn names() -> NameKey {
    NameKey::new(&[1; NameKey::BYTES])
}

/// The key of one-time codes.
pub(crate) fn codes() -> CodeKey {
    CodeKey::new(&[2; CodeKey::BYTES])
}

pub(crate) fn needs() -> Needs {
    Needs { names: names(), codes: codes() }
}

/// A running auth-svc.
pub(crate) struct Kit {
    pub(crate) bus: Bus,
    pub(crate) log: EventLog,
    pub(crate) keys: TempDir,
    pub(crate) nats: Nats,
    shutdown: Shutdown,
    limit: Option<Limit>,
}

impl Drop for Kit {
    fn drop(&mut self) {
        self.shutdown.trigger();
    }
}

impl Kit {
    pub(crate) async fn start() -> Self {
        Self::start_at_cost(4).await
    }

    pub(crate) async fn start_at_cost(cost: u32) -> Self {
        Self::start_with(cost, None).await
    }

    /// With a limit of one-time codes.
    pub(crate) async fn start_with(cost: u32, limit: Option<Limit>) -> Self {
        let nats = Nats::start().await;
        let namespace = Namespace::parse("test").unwrap();
        let log = EventLog::connect(Connect {
            url: nats.url(),
            client_name: "auth-test".into(),
            namespace: namespace.clone(),
        })
        .await
        .unwrap();
        log.ensure_topology(&Topology::default()).await.unwrap();
        let bus = connect(&nats).await;
        let keys = tempfile::tempdir().unwrap();
        let shutdown = Shutdown::new();
        let kit = Self { bus, log, keys, nats, shutdown, limit };
        kit.run(&kit.bus, cost, Registration::Open).await;
        kit
    }

    /// A copy of the service, which serves this process's calls on its own bus.
    pub(crate) async fn copy(&self) -> Bus {
        self.copy_with(4, Registration::Open).await
    }

    /// The same, with a cost of hashing and for those who may register.
    pub(crate) async fn copy_with(&self, cost: u32, registration: Registration) -> Bus {
        let bus = connect(&self.nats).await;
        self.run(&bus, cost, registration).await;
        bus
    }

    /// As another process would be connected: what it asks goes over NATS.
    pub(crate) async fn remote(&self) -> Bus {
        connect(&self.nats).await
    }

    async fn run(&self, bus: &Bus, bcrypt_cost: u32, registration: Registration) {
        let config = Config {
            keys: self.keys.path().into(),
            bcrypt_cost,
            codes: self.limit,
            registration,
            providers: Vec::new(),
        };
        let deps = Deps {
            log: self.log.clone(),
            bus: bus.clone(),
            metrics: Metrics::new(),
            health: Health::new(),
        };
        let service = AuthService::build(config, needs(), deps).await.unwrap();
        tokio::spawn(service.run_until_stopped(self.shutdown.clone()));
    }

    pub(crate) async fn call<C: Command + Clone + Sync>(
        &self,
        context: &CallContext,
        command: C,
    ) -> Result<C::Output, Rejection> {
        ask(&self.bus, context, &command).await
    }

    pub(crate) async fn register(&self, name: &str) -> Result<Account, Rejection> {
        self.call(&CallContext::default(), registration(name)).await
    }

    pub(crate) async fn login(&self, name: &str) -> Result<SessionTokens, Rejection> {
        self.call(&CallContext::default(), login(name, PASSWORD)).await
    }

    /// Registered and logged in.
    pub(crate) async fn person(&self, name: &str) -> (SessionTokens, CallContext) {
        self.register(name).await.unwrap();
        let tokens = self.login(name).await.unwrap();
        let context = as_caller(&tokens);
        (tokens, context)
    }

    /// The last event on a lane.
    pub(crate) async fn last(&self, lane: Lane) -> Option<EventData> {
        Some(self.log.last(&lane).await.unwrap()?.event().unwrap().data)
    }

    /// Writes an event as another service, or an older build, would have.
    pub(crate) async fn write(&self, lane: Lane, data: EventData) {
        let event = Call::new("test", CallContext::default()).event(data);
        let write = LaneWrite::new(lane, event, Expect::Any);
        self.log.append(vec![write]).await.unwrap();
    }

    /// Makes a session this old, in seconds.
    pub(crate) async fn age(&self, id: &SessionId, seconds: i64) {
        let store = self.log.secrets("sessions");
        let (value, revision) = store.get(id.as_str()).await.unwrap().unwrap();
        let mut record: serde_json::Value = serde_json::from_slice(&value).unwrap();
        let then = serde_json::to_value(Timestamp::now().plus_seconds(-seconds)).unwrap();
        for field in ["created_at", "last_used_at", "rotated_at", "told_at"] {
            record[field] = then.clone();
        }
        store.update(id.as_str(), record.to_string(), revision, None).await.unwrap();
    }

    /// Everything in the log, as it lies there.
    pub(crate) async fn everything(&self) -> Vec<String> {
        let head = self.log.head().await.unwrap();
        let mut all = Vec::new();
        for sequence in 1..=head {
            let stored = self.log.get(sequence).await.unwrap().unwrap();
            all.push(String::from_utf8(stored.payload.to_vec()).unwrap());
        }
        all
    }

    pub(crate) async fn is_active(&self, tokens: &SessionTokens) -> bool {
        let status =
            GetSessionStatus { user_id: tokens.user.user.id, session_id: tokens.session_id };
        self.call(&CallContext::default(), status).await.unwrap().active
    }
}

async fn connect(nats: &Nats) -> Bus {
    let namespace = Namespace::parse("test").unwrap();
    Bus::connect(&nats.url(), "auth-test", &namespace).await.unwrap()
}

/// Asks on a bus of one's own choice.
pub(crate) async fn ask<C: Command + Clone + Sync>(
    bus: &Bus,
    context: &CallContext,
    command: &C,
) -> Result<C::Output, Rejection> {
    match bus.call(context, command).await.unwrap() {
        Reply::Accepted(accepted) => Ok(accepted.result),
        Reply::Rejected(rejection) => Err(rejection),
    }
}

pub(crate) fn registration(name: &str) -> Register {
    Register {
        username: Username::parse(name).unwrap(),
        email: Email::parse(&format!("{name}@example.org")).unwrap(),
        password: NewPassword::parse(PASSWORD).unwrap(),
        display_name: None,
        loopback: true,
        invite: None,
        invite_over: false,
    }
}

/// An account that an admin makes.
pub(crate) fn creation(name: &str, password: Option<&str>, role: Option<Role>) -> CreateUser {
    CreateUser {
        username: Username::parse(name).unwrap(),
        email: Email::parse(&format!("{name}@example.org")).unwrap(),
        password: password.map(|password| NewPassword::parse(password).unwrap()),
        display_name: None,
        role,
    }
}

pub(crate) fn login(login: &str, password: &str) -> Login {
    Login { login: login.into(), password: Secret::new(password), code: None }
}

pub(crate) fn as_caller(tokens: &SessionTokens) -> CallContext {
    CallContext {
        caller: Some(Caller {
            user_id: tokens.user.user.id,
            session_id: tokens.session_id,
            role: tokens.user.user.role,
        }),
        ..CallContext::default()
    }
}

pub(crate) fn keyed(mut context: CallContext, key: &str) -> CallContext {
    context.idempotency_key = Some(IdempotencyKey::parse(key).unwrap());
    context
}

#[track_caller]
pub(crate) fn refused<T>(answer: Result<T, Rejection>) -> Code {
    match answer {
        Ok(_) => panic!("was accepted"),
        Err(rejection) => rejection.code,
    }
}
