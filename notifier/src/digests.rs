//! The channel for digests: plans them as entries come into inboxes, and sends them when they are due.
//!
//! What waits for a user is kept in a bucket under their id, changed by compare-and-set: however many notifiers there are,
//! each entry is in one mail. A mail is decided before it is sent (which entries, and so its id) and noted afterwards; a
//! notifier that dies in between leaves it to the next look, which sends the very same one unless the ledger has it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bus::Bus;
use eventlog::{EventLog, GivenUp, SecretError, SecretStore};
use futures_util::{StreamExt, stream};
use parking_lot::Mutex;
use readmodel::{Group, ReadModel};
use schemas::events::UserState;
use schemas::{Lane, NameKey, Sequence, Timestamp, UserId};
use telemetry::{Shutdown, error_chain};
use tracing::{Instrument as _, Span};

use crate::channel::{Cause, Channel, ChannelKind, Done, Failed, Outlook};
use crate::config::{Retry, Site};
use crate::digest::{self, Sending, Verdict, Waiting};
use crate::ledger::{REMEMBERED, failed};
use crate::mail::Mailer;
use crate::policy::Effect;
use crate::watch::Watch;
use crate::{digest_lines, mail_effect, online};

/// The bucket of what waits.
const BUCKET: &str = "digests";
/// What its mails are called in metrics: what the channel counts under its own name is what was planned.
const MAILS: &str = "digest_mails";
/// How often it is looked what is due.
const TICK: Duration = Duration::from_secs(1);
/// How often the bucket is read for what another notifier has left behind.
const LOOK_THROUGH: u64 = 300;
/// Users looked at at the same time.
const TOGETHER: usize = 32;
/// Times what waits for a user is changed again because another has changed it meanwhile.
const ROUNDS: usize = 10;
const TOO_MANY: &str = "too many change what waits for a user";
/// How long the read model is waited for, and how soon it is looked again when it is behind.
const PATIENCE: Duration = Duration::from_secs(5);
const AGAIN_SECONDS: i64 = 5;

/// What the channel works with.
pub(crate) struct Parts {
    pub(crate) log: EventLog,
    pub(crate) bus: Bus,
    pub(crate) read_model: ReadModel,
    pub(crate) names: NameKey,
    pub(crate) mailer: Arc<Mailer>,
    pub(crate) site: Site,
    pub(crate) retry: Retry,
    pub(crate) watch: Watch,
}

/// Plans digests and sends them.
pub(crate) struct Digests {
    parts: Parts,
    store: SecretStore,
    /// When it is to be looked at what waits for whom.
    due: Mutex<HashMap<UserId, Timestamp>>,
}

impl Digests {
    pub(crate) fn new(parts: Parts) -> Self {
        Self { store: parts.log.secrets(BUCKET), due: Mutex::default(), parts }
    }

    /// Sends what is due until asked to stop.
    pub(crate) async fn run(self: Arc<Self>, shutdown: Shutdown) {
        let mut ticks = service::ticks(TICK);
        let mut count: u64 = 0;
        loop {
            tokio::select! {
                biased;
                () = shutdown.wait() => return,
                _ = ticks.tick() => {}
            }
            if count.is_multiple_of(LOOK_THROUGH) {
                self.look_through().await;
            }
            count += 1;
            tokio::select! {
                biased;
                () = shutdown.wait() => return,
                () = self.send_due() => {}
            }
        }
    }

    /// Takes up what this process has not planned itself.
    async fn look_through(&self) {
        match self.store.keys(None).await {
            Ok(keys) => {
                for user in keys.iter().filter_map(|key| UserId::parse(key).ok()) {
                    self.due.lock().entry(user).or_insert_with(Timestamp::now);
                }
            }
            Err(error) => {
                tracing::warn!(error = error_chain(&error), "digests cannot be looked through");
            }
        }
    }

    async fn send_due(&self) {
        let now = Timestamp::now();
        let users: Vec<UserId> = {
            let due = self.due.lock();
            due.iter().filter(|(_, at)| **at <= now).map(|(user, _)| *user).collect()
        };
        stream::iter(users).for_each_concurrent(TOGETHER, |user| self.look_at(user)).await;
    }

    async fn look_at(&self, user: UserId) {
        // Before it is looked: an entry that comes meanwhile puts its user back.
        self.due.lock().remove(&user);
        let again = match self.settle(&user).await {
            Ok(again) => again,
            Err(failed) => {
                tracing::warn!(reason = failed.reason, "a digest is looked at again");
                Some(Timestamp::now().plus_seconds(AGAIN_SECONDS))
            }
        };
        if let Some(again) = again {
            self.due.lock().entry(user).and_modify(|at| *at = again.min(*at)).or_insert(again);
        }
    }

    /// Does what is due for a user; when it is to be looked again.
    async fn settle(&self, user: &UserId) -> Result<Option<Timestamp>, Failed> {
        let now = Timestamp::now();
        let (waiting, _) = self.load(user).await?;
        if !waiting.is_open() {
            return Ok(None);
        }
        let account = self.account(user).await?;
        if waiting.sending.is_none() {
            match waiting.judge(account.as_ref(), now) {
                Verdict::Later(at) => return Ok(Some(at)),
                Verdict::PassOver => return self.note(user, waiting.last).await,
                Verdict::Due if online::is_online(&self.parts.bus, user).await => {
                    return self.note(user, waiting.last).await;
                }
                Verdict::Due => {}
            }
        }
        let Some((waiting, sending)) = self.decide(user, now).await? else { return Ok(None) };
        let mailing = self.send(user, account.as_ref(), &waiting, &sending);
        match mailing.instrument(span(&waiting, &sending)).await {
            Ok(true) => self.note(user, sending.through).await,
            Ok(false) => Ok(Some(now.plus_seconds(AGAIN_SECONDS))),
            Err(failed) => self.not_sent(user, &sending, &failed).await,
        }
    }

    /// Decides the mail that is due, if none is on its way already: with what waits by now, for entries may come faster
    /// than it is found out whether their user is there.
    async fn decide(
        &self,
        user: &UserId,
        now: Timestamp,
    ) -> Result<Option<(Waiting, Sending)>, Failed> {
        for _ in 0..ROUNDS {
            let (waiting, revision) = self.load(user).await?;
            if !waiting.is_open() {
                return Ok(None);
            }
            if let Some(sending) = waiting.sending {
                return Ok(Some((waiting, sending)));
            }
            let (decided, sending) = waiting.sending(now);
            match self.write(user, &decided, revision).await {
                Ok(()) => return Ok(Some((decided, sending))),
                Err(SecretError::Conflict) => {}
                Err(error) => return Err(failed(&error)),
            }
        }
        Err(Failed::for_now(TOO_MANY))
    }

    /// Sends the mail, unless nothing is left to tell; false: the read model is not as far yet.
    async fn send(
        &self,
        user: &UserId,
        account: Option<&UserState>,
        waiting: &Waiting,
        sending: &Sending,
    ) -> Result<bool, Failed> {
        let Some(account) = account else { return Ok(true) };
        let groups = &[Group::Inbox, Group::Conversations];
        let read_model = &self.parts.read_model;
        if read_model.wait_for_groups(groups, sending.through, PATIENCE).await.is_err() {
            return Ok(false);
        }
        let store = read_model.current();
        let stretch = (sending.first.unwrap_or(waiting.first), sending.through);
        let lines = digest_lines::lines(store.as_ref(), account, stretch).await?;
        if lines.is_empty() {
            return Ok(true);
        }
        let token = self.parts.names.unsubscribe_token(user, account.email.as_str());
        let decided_at = Timestamp::from_millis(sending.decided_ms);
        let site = self.parts.site.url();
        let mail = mail_effect::digest(
            account,
            sending.through,
            decided_at,
            lines,
            (site.as_str(), token.as_str()),
        );
        let outcome = match self.parts.mailer.send(&mail).await? {
            Done::Now => "done",
            Done::Before => "done_before",
        };
        self.parts.watch.effect(MAILS, outcome);
        Ok(true)
    }

    /// A mail was not sent: when it is tried again.
    async fn not_sent(
        &self,
        user: &UserId,
        sending: &Sending,
        failed: &Failed,
    ) -> Result<Option<Timestamp>, Failed> {
        let (tries, reason) = (sending.tries + 1, failed.reason.as_str());
        self.parts.watch.effect(MAILS, "failed");
        let hopeless = failed.outlook == Outlook::Hopeless || tries >= self.parts.retry.attempts;
        if hopeless && failed.outlook != Outlook::NoRoom {
            return self.give_up(user, sending, reason).await;
        }
        let pause = failed.pause(&self.parts.retry, tries);
        tracing::warn!(tries, reason, "a digest was not sent and is tried again");
        let (waiting, revision) = self.load(user).await?;
        let counted = Sending { tries, ..*sending };
        // If another has changed it meanwhile this try is not counted.
        let counted = Waiting { sending: Some(counted), ..waiting };
        let _ = self.write(user, &counted, revision).await;
        let seconds = i64::try_from(pause.as_secs()).unwrap_or(i64::MAX).max(1);
        Ok(Some(Timestamp::now().plus_seconds(seconds)))
    }

    /// Gives a mail up: a letter of the event of its last entry says so, by which it is sent after all. When it is to be
    /// looked again.
    async fn give_up(
        &self,
        user: &UserId,
        sending: &Sending,
        reason: &str,
    ) -> Result<Option<Timestamp>, Failed> {
        let unwritten = |error: &dyn std::error::Error| Failed::for_now(error_chain(error));
        let letters = self.parts.log.dead_letters().await.map_err(|error| unwritten(&error))?;
        let (event, attempts) = (sending.through, sending.tries + 1);
        let about = u64::try_from(sending.decided_ms).unwrap_or_default();
        let letter = GivenUp { consumer: self.name(), event, reason, attempts, about };
        letters.give_up(&letter).await.map_err(|error| unwritten(&error))?;
        tracing::error!(event.seq = event, attempts, reason, "a digest is a dead letter");
        self.parts.watch.dead_letter(MAILS, "refused");
        self.change(user, |waiting, now| waiting.given_up(sending, now)).await
    }

    /// Notes that everything up to a place was told or is not to be; when it is to be looked again.
    async fn note(&self, user: &UserId, through: Sequence) -> Result<Option<Timestamp>, Failed> {
        self.change(user, |waiting, now| waiting.settled(through, now)).await
    }

    /// Changes what is kept of a user; when it is to be looked again.
    async fn change(
        &self,
        user: &UserId,
        change: impl Fn(&Waiting, Timestamp) -> Waiting + Sync,
    ) -> Result<Option<Timestamp>, Failed> {
        for _ in 0..ROUNDS {
            let (waiting, revision) = self.load(user).await?;
            let now = Timestamp::now();
            let after = change(&waiting, now);
            match self.write(user, &after, revision).await {
                Ok(()) => return Ok(after.is_open().then_some(now)),
                Err(SecretError::Conflict) => {}
                Err(error) => return Err(failed(&error)),
            }
        }
        Err(Failed::for_now(TOO_MANY))
    }

    /// The mail that was given up is to be sent after all; none when its user wants no mails now, or it is on its way.
    async fn once_more(
        &self,
        user: &UserId,
        waiting: &Waiting,
        through: Sequence,
    ) -> Result<Option<Waiting>, Failed> {
        let now = Timestamp::now();
        if waiting.sending.as_ref().is_some_and(|sending| sending.through == through)
            || waiting.judge(self.account(user).await?.as_ref(), now) == Verdict::PassOver
        {
            return Ok(None);
        }
        let busy = || Failed::for_now("another mail to the user is on its way");
        waiting.once_more(through, now).map(Some).ok_or_else(busy)
    }

    /// What waits for a user, and the revision of that; 0: nothing was ever noted.
    async fn load(&self, user: &UserId) -> Result<(Waiting, u64), Failed> {
        let found = self.store.get(user.as_str()).await.map_err(|error| failed(&error))?;
        let Some((bytes, revision)) = found else { return Ok((Waiting::default(), 0)) };
        // What another build has written otherwise is begun anew.
        Ok((serde_json::from_slice(&bytes).unwrap_or_default(), revision))
    }

    async fn write(
        &self,
        user: &UserId,
        waiting: &Waiting,
        revision: u64,
    ) -> Result<(), SecretError> {
        // Plain numbers: this cannot fail.
        let bytes = serde_json::to_vec(waiting).unwrap_or_default();
        // What is settled is remembered as long as an entry may come again.
        let ttl = (!waiting.is_open()).then_some(REMEMBERED);
        let key = user.as_str();
        match revision {
            0 => self.store.create(key, bytes, ttl).await.map(drop),
            _ => self.store.update(key, bytes, revision, ttl).await.map(drop),
        }
    }

    /// The account as the log has it.
    async fn account(&self, user: &UserId) -> Result<Option<UserState>, Failed> {
        let found = self.parts.log.last(&Lane::User(*user)).await;
        let Some(stored) = found.map_err(|error| Failed::for_now(error_chain(&error)))? else {
            return Ok(None);
        };
        let event = stored.event().map_err(|error| Failed::for_now(error_chain(&error)))?;
        Ok(event.data.account().cloned())
    }
}

/// The span of a try to send a mail. It links to the traces of what the mail tells of, which may be hours old.
fn span(waiting: &Waiting, sending: &Sending) -> Span {
    let span = tracing::info_span!(
        "digest",
        otel.kind = "consumer",
        trace.origin = tracing::field::Empty,
        event.seq = sending.through,
        attempt = sending.tries + 1,
    );
    telemetry::follow(span, waiting.traces_of(sending.through))
}

#[async_trait]
impl Channel for Digests {
    fn kind(&self) -> ChannelKind {
        ChannelKind::Digests
    }

    fn answer_within(&self) -> Duration {
        Duration::from_secs(15)
    }

    /// Plans: that an entry waits is kept before its delivery is answered.
    async fn perform(&self, effect: &Effect, cause: &Cause) -> Result<Done, Failed> {
        let Effect::Missed(missed) = effect else { return Ok(Done::Before) };
        if !cause.redriven && digest::is_too_old(missed.created_at, Timestamp::now()) {
            return Ok(Done::Before);
        }
        let user = &missed.user_id;
        for _ in 0..ROUNDS {
            let (waiting, revision) = self.load(user).await?;
            let after = match waiting.with(cause.sequence, missed.created_at) {
                Some(after) => Some(after),
                None if cause.redriven => self.once_more(user, &waiting, cause.sequence).await?,
                None => None,
            };
            let Some(after) = after else { return Ok(Done::Before) };
            let after = after.traced(cause.sequence, cause.trace.as_ref());
            match self.write(user, &after, revision).await {
                Ok(()) => {
                    self.due.lock().entry(*user).or_insert_with(Timestamp::now);
                    return Ok(Done::Now);
                }
                Err(SecretError::Conflict) => {}
                Err(error) => return Err(failed(&error)),
            }
        }
        Err(Failed::for_now(TOO_MANY))
    }
}
