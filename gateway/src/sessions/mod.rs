//! Who is asking: access tokens checked against auth-svc's public keys, and against what has become of
//! their sessions since they were made.
//!
//! A token is good for minutes, a session can end at any moment. At a session's first use auth-svc is asked
//! whether it may be used, and the answer is remembered. From then on the live feed tells of every end,
//! suspension and change of role ([`Observer`]). What an event said always wins over what was asked.
//! When the feed was cut off nothing that is remembered is trusted.
//!
//! Owns what is remembered of sessions, and for how long it is trusted. It must not know passwords, refresh tokens or routes.

mod keys;
mod uses;
mod verified;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bus::Bus;
use moka::sync::Cache;
use schemas::commands::{Caller, GetSessionStatus, NoteSessionsUsed};
use schemas::events::{SessionEvent, UserEvent, UserRoleChanged, UserSuspensionChanged};
use schemas::values::Role;
use schemas::{Code, Event, EventData, Namespace, Rejection, SessionId, UserId};
use telemetry::Shutdown;

use crate::live::Observer;
use crate::{commands, sessions::keys::Keys, sessions::uses::Uses};

/// Sessions remembered as good, for at most this long, so that even a lost event has an end.
const ACTIVE_FOR: Duration = Duration::from_secs(600);
const ACTIVE_SESSIONS: u64 = 200_000;
/// Longer than an access token is good for: after that the session is refused for its token's age.
const ENDED_FOR: Duration = Duration::from_secs(3600);
const ENDED_SESSIONS: u64 = 500_000;
/// People whose role or suspension has changed. Must outlive `ACTIVE_FOR`.
const CHANGED_FOR: Duration = Duration::from_secs(3600);
const CHANGED_PEOPLE: u64 = 100_000;

/// How often auth-svc is told which sessions were used.
const TELL_EVERY: Duration = Duration::from_secs(10);

/// What an event said of an account last.
#[derive(Debug, Clone, Copy)]
struct Standing {
    role: Role,
    suspended: bool,
}

/// The sessions of clients, as far as this gateway knows them.
pub(crate) struct Sessions {
    bus: Bus,
    keys: Keys,
    /// With the user they belong to: a session is good for that user only.
    active: Cache<SessionId, (UserId, Role)>,
    ended: Cache<SessionId, ()>,
    changed: Cache<UserId, Standing>,
    /// Counts the times the feed was cut off: an answer asked for before is not remembered after.
    cuts: AtomicU64,
    uses: Uses,
}

impl Sessions {
    /// Starts without any session known.
    #[must_use]
    pub(crate) fn new(bus: Bus, namespace: &Namespace) -> Self {
        Self {
            keys: Keys::new(bus.clone(), namespace),
            bus,
            active: Cache::builder().max_capacity(ACTIVE_SESSIONS).time_to_live(ACTIVE_FOR).build(),
            ended: Cache::builder().max_capacity(ENDED_SESSIONS).time_to_live(ENDED_FOR).build(),
            changed: Cache::builder()
                .max_capacity(CHANGED_PEOPLE)
                .time_to_live(CHANGED_FOR)
                .build(),
            cuts: AtomicU64::new(0),
            uses: Uses::new(),
        }
    }

    /// Checks an access token and its session. The role in the answer is the account's role now.
    ///
    /// # Errors
    /// `token_expired` for a token that was good once, `unauthenticated` for any other token or an ended
    /// session, `unavailable` when auth-svc must be asked and does not answer.
    pub(crate) async fn authenticate(&self, bearer: &str) -> Result<Caller, Rejection> {
        let caller = self.keys.verify(bearer).await?;
        self.check(caller).await
    }

    /// Checks the session of a caller who was authenticated by other means (a ticket).
    ///
    /// # Errors
    /// `unauthenticated` when it has ended, `unavailable` when that cannot be found out.
    pub(crate) async fn check(&self, caller: Caller) -> Result<Caller, Rejection> {
        let role = match self.active.get(&caller.session_id) {
            Some((owner, role)) if owner == caller.user_id => role,
            _ => self.ask(&caller).await?,
        };
        // Looked at last: an event that came while auth-svc was asked must not be overlooked.
        let standing = self.changed.get(&caller.user_id);
        let suspended = standing.is_some_and(|standing| standing.suspended);
        if suspended || self.ended.contains_key(&caller.session_id) {
            return Err(over());
        }
        self.used(&caller.session_id);
        Ok(Caller { role: standing.map_or(role, |standing| standing.role), ..caller })
    }

    /// A session was used, by a request or over a socket.
    pub(crate) fn used(&self, session: &SessionId) {
        self.uses.note(session);
    }

    /// Tells auth-svc of the sessions that were used, until `stop`. What it does not take now is told of later, when
    /// the sessions are used again.
    pub(crate) async fn tell_uses(self: Arc<Self>, stop: Shutdown) {
        let mut next = tokio::time::interval(TELL_EVERY);
        loop {
            tokio::select! {
                () = stop.wait() => return,
                _ = next.tick() => {}
            }
            loop {
                let session_ids = self.uses.take();
                if session_ids.is_empty() {
                    break;
                }
                let context = commands::own_context(None);
                let used = NoteSessionsUsed { session_ids };
                if let Err(rejection) = commands::send(&self.bus, &context, &used).await {
                    tracing::debug!(%rejection, "auth-svc did not note which sessions were used");
                }
            }
        }
    }

    /// The public keys, for `/.well-known/jwks.json`.
    ///
    /// # Errors
    /// `unavailable` when they are not known and auth-svc does not answer.
    pub(crate) async fn jwks(&self) -> Result<serde_json::Value, Rejection> {
        self.keys.document().await
    }

    async fn ask(&self, caller: &Caller) -> Result<Role, Rejection> {
        let cuts = self.cuts.load(Ordering::Acquire);
        let question = GetSessionStatus { user_id: caller.user_id, session_id: caller.session_id };
        let context = commands::own_context(telemetry::current_traceparent());
        let status = commands::send(&self.bus, &context, &question).await?.result;
        if !status.active {
            return Err(over());
        }
        self.active.insert(caller.session_id, (caller.user_id, status.role));
        if self.cuts.load(Ordering::Acquire) != cuts {
            self.active.invalidate(&caller.session_id);
        }
        Ok(status.role)
    }

    /// Forgets everything: what is remembered may be wrong.
    pub(crate) fn forget_all(&self) {
        self.cuts.fetch_add(1, Ordering::AcqRel);
        self.active.invalidate_all();
        self.ended.invalidate_all();
        self.changed.invalidate_all();
    }
}

fn over() -> Rejection {
    Rejection::new(Code::Unauthenticated, "the session has ended; log in again")
}

impl Observer for Sessions {
    fn observe(&self, event: &Event) {
        match &event.data {
            EventData::Session(SessionEvent::Ended(ended)) => {
                for session in &ended.session_ids {
                    self.ended.insert(*session, ());
                    self.active.invalidate(session);
                }
            }
            EventData::User(
                UserEvent::RoleChanged(UserRoleChanged { user, .. })
                | UserEvent::SuspensionChanged(UserSuspensionChanged { user, .. }),
            ) => {
                let standing = Standing { role: user.role, suspended: user.suspended };
                self.changed.insert(user.id, standing);
            }
            EventData::User(UserEvent::Erased(erased)) => {
                let standing = Standing { role: Role::User, suspended: true };
                self.changed.insert(erased.user_id, standing);
            }
            EventData::User(
                UserEvent::Registered(_)
                | UserEvent::ProfileChanged(_)
                | UserEvent::EmailVerified(_)
                | UserEvent::EmailChanged(_)
                | UserEvent::SecondFactorChanged(_)
                | UserEvent::PasswordSet(_),
            )
            | EventData::Session(SessionEvent::Started(_) | SessionEvent::Refreshed(_))
            | EventData::Challenge(_)
            | EventData::Identity(_)
            | EventData::Name(_)
            | EventData::Room(_)
            | EventData::Member(_)
            | EventData::Prefs(_)
            | EventData::Audit(_)
            | EventData::Invite(_)
            | EventData::Erasure(_)
            | EventData::Export(_)
            | EventData::Hold(_)
            | EventData::Retention(_)
            | EventData::Message(_)
            | EventData::Reaction(_)
            | EventData::Pin(_)
            | EventData::Receipt(_)
            | EventData::Thread(_)
            | EventData::Media(_)
            | EventData::Report(_)
            | EventData::Notification(_)
            | EventData::Block(_) => {}
        }
    }

    fn cut_off(&self) {
        self.forget_all();
    }
}
