//! How a user joins: authenticated, given a slot, welcomed, resumed.

use std::rc::Rc;
use std::time::Duration;

use readmodel::Group;
use schemas::commands::Caller;
use schemas::frames::{CloseCode, FrameId, ServerFrame};
use schemas::values::Secret;
use schemas::views::UnreadSummary;
use schemas::{Code, Position, Rejection, UserId};
use telemetry::error_chain;

use super::session::{Phase, RATE_LIMITED_MS, Resume, Shared};
use crate::live::{HEARTBEAT, JoinError, Joining};
use crate::{badge, documents};

/// How long a welcome waits for what is unread.
const AT_ONCE: Duration = Duration::from_millis(250);

/// A user in more rooms than this asks for what is unread: counting it would hold up every resume.
const FEW_ROOMS: usize = 100;

/// This build and the web app in it.
const BUILD: &str = concat!(env!("CARGO_PKG_VERSION"), "+", env!("TIDINGS_APP"));

/// Milliseconds after which to come back when a service did not answer.
const SOON_MS: u32 = 1_000;

impl Shared {
    /// The first frame of a socket that the handshake has not authenticated.
    pub(super) async fn hello(
        self: Rc<Self>,
        id: Option<FrameId>,
        token: Secret,
        resume: Option<Resume>,
    ) {
        match self.app.sessions.authenticate(token.expose()).await {
            Ok(caller) => self.enter(id, caller, resume).await,
            Err(rejection) => self.turn_away(id, &rejection),
        }
    }

    fn turn_away(&self, id: Option<FrameId>, rejection: &Rejection) {
        self.refuse(id, rejection);
        if rejection.code.retryable() {
            self.close_for_now();
        } else {
            self.close(CloseCode::SessionEnded);
        }
    }

    fn close_for_now(&self) {
        let code = CloseCode::Draining.code();
        self.outbox.close(code, "temporarily unavailable", Some(SOON_MS));
    }

    /// The user is known: claims a slot for them and joins. The id is the `hello`'s, if that is what made them known.
    pub(super) async fn enter(
        self: Rc<Self>,
        id: Option<FrameId>,
        caller: Caller,
        resume: Option<Resume>,
    ) {
        *self.phase.borrow_mut() = Phase::Busy;
        if !self.outbox.is_open() || !self.claim_slot(&caller) {
            return;
        }
        // Asked again now that the slot is claimed: a session that ended in between has closed no slot.
        let caller = match self.app.sessions.check(caller).await {
            Ok(caller) => caller,
            Err(rejection) => return self.turn_away(id, &rejection),
        };
        match self.join(id.clone(), &caller, resume).await {
            Ok(()) => {
                // Read now: a preference that changes from here on is on the live feed.
                let account = self.app.users.one(&caller.user_id).await.ok().flatten();
                let private = account.is_none_or(|account| !account.preferences.presence);
                self.app.presence.arrives(&caller.user_id, self.outbox.id(), private);
                self.settled(Phase::Present(Rc::new(caller)));
            }
            Err(Refusal::Refused(rejection)) => self.turn_away(id, &rejection),
            Err(Refusal::Join(JoinError::Gone)) => {}
            Err(Refusal::Join(error @ JoinError::Unavailable(_))) => {
                tracing::warn!(error = %error_chain(&error), "a socket cannot join");
                self.close_for_now();
            }
        }
    }

    fn claim_slot(&self, caller: &Caller) -> bool {
        let (app, outbox) = (&self.app, &self.outbox);
        let (user, session) = (&caller.user_id, caller.session_id);
        if !app.limits.enter(user) {
            let code = CloseCode::RateLimited;
            outbox.close(code.code(), code.reason(), Some(RATE_LIMITED_MS));
            return false;
        }
        let elsewhere = app.limits.sockets_elsewhere(user);
        let limit = app.config.sockets_per_user.saturating_sub(elsewhere);
        if app.hub.reserve(user, session, std::sync::Arc::clone(outbox), limit).is_err() {
            self.close(CloseCode::TooManySockets);
            return false;
        }
        app.limits.socket_came(user);
        *self.seated.borrow_mut() = Some(*user);
        *self.stranger.borrow_mut() = None;
        outbox.greeted();
        true
    }

    async fn join(
        &self,
        id: Option<FrameId>,
        caller: &Caller,
        resume: Option<Resume>,
    ) -> Result<(), Refusal> {
        let account = self.app.users.one(&caller.user_id).await.map_err(Refusal::Refused)?;
        let Some(account) = account else {
            return Err(Refusal::Refused(Rejection::new(Code::Unauthenticated, "no such account")));
        };
        let joining = self.joining(caller);
        let session_id = caller.session_id;
        let welcome = async |position: Position, resumed: bool| {
            let unread = self.unread(&caller.user_id, &position).await;
            ServerFrame::Welcome {
                id: id.clone(),
                session_id,
                user: Box::new(documents::account(&account)),
                position,
                heartbeat_ms: u32::from(HEARTBEAT) * 1_000,
                resumed,
                unread,
                build: BUILD.to_owned(),
            }
        };
        joining
            .join(resume.map(|resume| self.position(resume)), welcome)
            .await
            .map_err(Refusal::Join)
    }

    /// What waits for a user as of a position or a moment later; none when that takes long, for a user in many rooms, or
    /// when many ask at once, as all do who come back together.
    async fn unread(&self, user: &UserId, position: &Position) -> Option<UnreadSummary> {
        if self.app.hub.count_rooms_of(user) > FEW_ROOMS {
            return None;
        }
        let _permit = self.app.badges.try_acquire().ok()?;
        let read = &self.app.read_model;
        let counted = async {
            let groups = &[Group::Conversations, Group::Inbox];
            read.wait_for_groups(groups, position.sequence, AT_ONCE).await.ok()?;
            badge::of(read.current().as_ref(), user).await.ok()
        };
        tokio::time::timeout(AT_ONCE, counted).await.ok().flatten()
    }

    fn joining(&self, caller: &Caller) -> Joining {
        Joining {
            hub: self.app.hub.clone(),
            user: caller.user_id,
            outbox: std::sync::Arc::clone(&self.outbox),
        }
    }

    /// A text that is no position is one that no log ever had.
    fn position(&self, resume: Resume) -> Position {
        match resume {
            Resume::At(position) => position,
            Resume::Unreadable => self.app.log.epoch().at(u64::MAX),
        }
    }

    /// A user who has joined wants to resume, or says hello once more.
    pub(super) fn begin_resume(
        self: &Rc<Self>,
        id: Option<FrameId>,
        token: Option<Secret>,
        resume: Option<Resume>,
        caller: &Rc<Caller>,
    ) {
        *self.phase.borrow_mut() = Phase::Busy;
        let (shared, caller) = (Rc::clone(self), Rc::clone(caller));
        actix_web::rt::spawn(async move {
            if let Some(token) = token
                && let Err(rejection) = shared.same_user(&token, &caller).await
            {
                return shared.turn_away(id, &rejection);
            }
            match resume {
                Some(resume) => shared.resume(id, resume, &caller).await,
                None => shared.heard(id),
            }
            shared.settled(Phase::Present(caller));
        });
    }

    async fn same_user(&self, token: &Secret, caller: &Caller) -> Result<(), Rejection> {
        let other = self.app.sessions.authenticate(token.expose()).await?;
        if other.user_id == caller.user_id && other.session_id == caller.session_id {
            return Ok(());
        }
        Err(Rejection::new(Code::Unauthenticated, "the socket belongs to another session"))
    }

    async fn resume(&self, id: Option<FrameId>, resume: Resume, caller: &Caller) {
        let position = self.position(resume);
        match self.joining(caller).resume_attached(position).await {
            Ok(()) => self.heard(id),
            Err(JoinError::Gone) => {}
            Err(error @ JoinError::Unavailable(_)) => {
                tracing::warn!(error = %error_chain(&error), "a socket cannot resume");
                let rejection = Rejection::new(Code::Unavailable, "resume again in a moment");
                self.refuse(id, &rejection.retry_after(1));
            }
        }
    }
}

/// Why a user could not join.
enum Refusal {
    Refused(Rejection),
    Join(JoinError),
}
