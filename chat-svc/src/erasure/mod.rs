//! Erasing people's data: what goes on after an account was closed, until nothing of its person is left.
//!
//! One worker of all copies of this service does it, by a lease; another takes over when it dies. Each step may be
//! repeated, so that the one that goes on begins anew: the person leaves every room ([`leave`]); auth-svc forgets their
//! secrets, and kept answers and the like are deleted ([`beside`]); the log is read from its beginning ([`round`]), and
//! what is theirs ([`piece`]) is deleted in pieces, each listed in the log before, so that every hole has a reason and a
//! shape; this is repeated from where the last round ended until one finds nothing. What is under a legal hold is passed
//! by, and the erasure goes on when the hold ends.
//!
//! Owns what is a person's and the order in which it goes. It must not know where auth-svc keeps secrets. An event of erasures that
//! was begun by an earlier build is completed by this one.

mod beside;
mod leave;
mod media;
mod piece;
mod round;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use decider::{Call, Fact, Failure, record, unavailable};
use eventlog::{Expect, SecretStore};
use schemas::commands::CallContext;
use schemas::events::{ErasureCompleted, ErasureEvent, Removed, UserEvent};
use schemas::{ErasureId, EventData, Lane, RoomId, Sequence, Timestamp, UserId};
use tokio::time::{Instant, sleep};

use crate::auth::AuthService;
use crate::chat::Chat;
use crate::failure::Reason;
use crate::lease::Lease;
use crate::worker::Worker;

/// The bucket of erasures that are not done, and the lease.
const BUCKET: &str = "erasures";
const PENDING: &str = "pending";
const LEASE: &str = "lease";
/// How long a worker that died keeps its lease.
const LEASE_FOR: Duration = Duration::from_secs(15);
/// Milliseconds after the closing of an account until what was decided before it is in the log.
const SETTLED: i64 = 3_000;
/// Milliseconds after it until the log is looked through a last time: nothing of before is under way any more.
const LATE: i64 = 60_000;
/// When an erasure that is held, or done and to be looked at late, is looked at again.
const LATER: Duration = Duration::from_secs(3);
/// After how long is looked for noted erasures although the log stands still.
const LOOK_AGAIN: Duration = Duration::from_secs(60);
/// Between two rounds.
const PAUSE: Duration = Duration::from_millis(200);
/// How long the read model may take to follow.
const PROJECTED_WITHIN: Duration = Duration::from_secs(10);
/// How long an erasure that was noted may take to begin.
const BEGINS_WITHIN: Duration = Duration::from_secs(300);

/// The worker.
pub(crate) struct Eraser {
    chat: Arc<Chat>,
    auth: AuthService,
    /// The room every user belongs to.
    general: Option<RoomId>,
    bucket: SecretStore,
    lease: Lease,
    /// Rooms whose holds keep an erasure from being done; looked at before the log is read again.
    waiting: HashMap<ErasureId, HashSet<RoomId>>,
    /// How far the log was known to reach when none was noted, and when that was.
    quiet: Option<(Sequence, Instant)>,
    /// Erasures that cannot go on yet, and when they are looked at again.
    later: HashMap<ErasureId, Instant>,
    /// Noted erasures without a beginning, and since when they were seen.
    strays: HashMap<ErasureId, Instant>,
}

/// One erasure under way.
#[derive(Debug, Clone)]
pub(super) struct Work {
    id: ErasureId,
    user: UserId,
    registered_at: Timestamp,
    begun_at: Timestamp,
    /// The last event of its lane.
    at: Sequence,
    removed: Removed,
}

impl Worker for Eraser {
    const WHAT: &'static str = "erasures";

    async fn look(&mut self) -> Result<(), Failure> {
        // An erasure is noted before its first event: while the log stands still there is none.
        let seen = self.chat.log.seen();
        if self.quiet.is_some_and(|(at, since)| at == seen && since.elapsed() < LOOK_AGAIN) {
            return Ok(());
        }
        let pending = self.bucket.keys(Some(PENDING)).await?;
        self.quiet = pending.is_empty().then(|| (seen, Instant::now()));
        if pending.is_empty() || !self.lease.hold().await {
            return Ok(());
        }
        for key in pending {
            let id = key.rsplit('.').next().and_then(|id| ErasureId::parse(id).ok());
            let Some((value, _)) = self.bucket.get(&key).await? else { continue };
            let user = std::str::from_utf8(&value).ok().and_then(|id| UserId::parse(id).ok());
            let Some((id, user)) = id.zip(user) else {
                tracing::error!(key, "a noted erasure cannot be read");
                continue;
            };
            if self.later.get(&id).is_some_and(|later| *later > Instant::now()) {
                continue;
            }
            match self.go_on(&id, &user).await {
                Ok(true) => {
                    self.bucket.delete(&key).await?;
                }
                Ok(false) => {
                    self.later.insert(id, Instant::now() + LATER);
                }
                Err(error) => {
                    let error = Reason(&error);
                    tracing::warn!(erasure.id = %id, %error, "an erasure does not go on");
                }
            }
        }
        Ok(())
    }

    fn lease(&mut self) -> &mut Lease {
        &mut self.lease
    }
}

impl Eraser {
    pub(crate) fn new(chat: &Arc<Chat>, auth: AuthService, general: Option<RoomId>) -> Self {
        Self {
            chat: Arc::clone(chat),
            auth,
            general,
            bucket: chat.log.secrets(BUCKET),
            lease: Lease::of(chat.log.secrets(BUCKET), LEASE, LEASE_FOR),
            waiting: HashMap::new(),
            quiet: None,
            later: HashMap::new(),
            strays: HashMap::new(),
        }
    }

    /// Goes on with an erasure; whether there is nothing left to do, ever.
    async fn go_on(&mut self, id: &ErasureId, user: &UserId) -> Result<bool, Failure> {
        let Some(stored) = self.chat.log.last(&Lane::Erasure(*id)).await? else {
            return Ok(self.is_stray(id));
        };
        let EventData::Erasure(event) = stored.event()?.data else { return Ok(false) };
        let (registered_at, begun_at) = self.closed(user).await?;
        let mut work = Work {
            id: *id,
            user: *user,
            registered_at,
            begun_at,
            at: stored.sequence,
            removed: Removed::default(),
        };
        match event {
            ErasureEvent::Begun(_) => self.erase(&mut work).await,
            ErasureEvent::Listed(listed) => {
                // The worker that listed them may have died before they were deleted.
                let sequences = listed.sequences();
                self.chat.log.note_erased(work.at, &sequences).await?;
                self.chat.log.erase(&sequences).await?;
                work.removed = listed.removed;
                self.erase(&mut work).await
            }
            ErasureEvent::Completed(completed) => {
                work.removed = completed.removed;
                self.look_late(&mut work).await
            }
        }
    }

    /// Whether an erasure was noted that never began.
    fn is_stray(&mut self, id: &ErasureId) -> bool {
        self.strays.entry(*id).or_insert_with(Instant::now).elapsed() > BEGINS_WITHIN
    }

    /// When the account was registered, and closed.
    async fn closed(&self, user: &UserId) -> Result<(Timestamp, Timestamp), Failure> {
        let not_closed = || unavailable("the account is not closed");
        let stored = self.chat.log.last(&Lane::User(*user)).await?;
        let event = stored.ok_or_else(not_closed)?.event()?;
        let EventData::User(UserEvent::Erased(erased)) = event.data else {
            return Err(not_closed().into());
        };
        Ok((erased.created_at, erased.erased_at))
    }

    /// Erases; false while a hold keeps something, or the read model has not followed.
    async fn erase(&mut self, work: &mut Work) -> Result<bool, Failure> {
        self.leave_all(work).await?;
        self.forget_beside(&work.user).await?;
        if self.waits(work).await? {
            return Ok(false);
        }
        let mut kept = self.erase_media(work).await?;
        let mut from = 0;
        loop {
            let mut round = self.round(work, from).await?;
            round.held.extend(kept.drain());
            if !round.held.is_empty() {
                self.waiting.insert(work.id, round.held);
                return Ok(false);
            }
            let age = Timestamp::now().millis() - work.begun_at.millis();
            if round.found == 0 && age >= SETTLED {
                break;
            }
            from = round.through;
            sleep(PAUSE).await;
            self.lease.keep().await?;
            self.leave_all(work).await?;
        }
        if !self.chat.index.wait_for(work.at, PROJECTED_WITHIN).await {
            return Ok(false);
        }
        // One that was being made when the account was closed notices that by now, or its lane refuses it.
        self.chat.remove_export(&work.user).await?;
        self.complete(work).await?;
        tracing::info!(erasure.id = %work.id, events = work.removed.events, "an erasure is done");
        Ok(false)
    }

    /// Once more, when nothing from before the closing can come any more.
    async fn look_late(&mut self, work: &mut Work) -> Result<bool, Failure> {
        if Timestamp::now().millis() - work.begun_at.millis() < LATE {
            return Ok(false);
        }
        self.leave_all(work).await?;
        self.forget_beside(&work.user).await?;
        let before = work.at;
        let round = self.round(work, before).await?;
        if work.at != before {
            self.complete(work).await?;
        }
        Ok(round.held.is_empty())
    }

    /// Whether something that keeps this erasure is still held.
    async fn waits(&mut self, work: &Work) -> Result<bool, Failure> {
        if self.is_held(&Lane::UserHold(work.user)).await? {
            return Ok(true);
        }
        let rooms = self.waiting.get(&work.id).cloned().unwrap_or_default();
        for room in rooms {
            if self.is_held(&Lane::RoomHold(room)).await? {
                return Ok(true);
            }
        }
        self.waiting.remove(&work.id);
        Ok(false)
    }

    /// Whether a lane of holds says that one is in force.
    async fn is_held(&self, lane: &Lane) -> Result<bool, Failure> {
        let Some(stored) = self.chat.log.last(lane).await? else { return Ok(false) };
        let EventData::Hold(event) = stored.event()?.data else { return Ok(false) };
        Ok(event.in_force().is_some())
    }

    async fn complete(&self, work: &mut Work) -> Result<(), Failure> {
        let completed = ErasureCompleted {
            erasure_id: work.id,
            user_id: work.user,
            removed: work.removed,
            completed_at: Timestamp::now(),
        };
        let fact = Fact::expecting(Expect::At(work.at), Lane::Erasure(work.id), completed);
        let appended = record(&self.chat.log, &call(), fact).await?;
        work.at = appended.sequences.last().copied().unwrap_or(work.at);
        Ok(())
    }
}

/// A call of the worker's own, attributed to the system.
fn call() -> Call {
    Call::new("erase", CallContext::default())
}
