//! auth-svc on a nats-server of one's own, and people who register and log in.

use auth_svc::{Config, Deps};
use bus::Bus;
use eventlog::{Connect, EventLog, Topology};
use schemas::commands::{CallContext, Caller, Command, Login, Register, Reply};
use schemas::values::{Email, IdempotencyKey, NewPassword, Secret, Username};
use schemas::views::{Account, SessionTokens};
use schemas::{Code, EventData, Lane, Namespace, Rejection};
use telemetry::{Health, Metrics, Shutdown};
use tempfile::TempDir;
use testbed::Nats;

pub(crate) const PASSWORD: &str = "correct horse";

/// A running auth-svc.
pub(crate) struct Kit {
    pub(crate) bus: Bus,
    pub(crate) log: EventLog,
    pub(crate) keys: TempDir,
    shutdown: Shutdown,
    _nats: Nats,
}

impl Drop for Kit {
    fn drop(&mut self) {
        self.shutdown.trigger();
    }
}

impl Kit {
    pub(crate) async fn start() -> Self {
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
        let bus = Bus::connect(&nats.url(), "auth-test", &namespace).await.unwrap();
        let keys = tempfile::tempdir().unwrap();
        let shutdown = Shutdown::new();
        let kit = Self { bus, log, keys, shutdown, _nats: nats };
        kit.run().await;
        kit
    }

    async fn run(&self) {
        let config = Config { keys: self.keys.path().into(), bcrypt_cost: 4 };
        let deps = Deps {
            log: self.log.clone(),
            bus: self.bus.clone(),
            metrics: Metrics::new(),
            health: Health::new(),
        };
        let service = auth_svc::build(config, deps).await.unwrap();
        tokio::spawn(service.run_until_stopped(self.shutdown.clone()));
    }

    pub(crate) async fn call<C: Command + Clone + Sync>(
        &self,
        context: &CallContext,
        command: C,
    ) -> Result<C::Output, Rejection> {
        match self.bus.call(context, &command).await.unwrap() {
            Reply::Accepted(accepted) => Ok(accepted.result),
            Reply::Rejected(rejection) => Err(rejection),
        }
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

    /// The type of the last event on a lane.
    pub(crate) async fn last(&self, lane: Lane) -> Option<EventData> {
        Some(self.log.last(&lane).await.unwrap()?.event().unwrap().data)
    }
}

pub(crate) fn registration(name: &str) -> Register {
    Register {
        username: Username::parse(name).unwrap(),
        email: Email::parse(&format!("{name}@example.org")).unwrap(),
        password: NewPassword::parse(PASSWORD).unwrap(),
        display_name: None,
        role: None,
    }
}

pub(crate) fn login(login: &str, password: &str) -> Login {
    Login { login: login.into(), password: Secret::new(password) }
}

pub(crate) fn as_caller(tokens: &SessionTokens) -> CallContext {
    CallContext {
        caller: Some(Caller {
            user_id: tokens.user.user.id.clone(),
            session_id: tokens.session_id.clone(),
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
