//! Retention at work: a pass over the rooms moves to the archive what is as old as each keeps messages at hand, or purges it.
//!
//! One pass at a time of all copies of this service and of operators, by a lease. Each event moves at most
//! [`MAX_ARCHIVED`] messages, and the next is written when the read model has followed: whatever there is to move, the
//! projection is one such event behind at most. A pass that dies is begun again by the next: what has moved is not at hand
//! any more, so it is not found again.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use decider::{Call, Failure, load, record, unavailable};
use eventlog::EventLog;
use schemas::commands::CallContext;
use schemas::events::{Held, MAX_ARCHIVED, MAX_PURGED, RoomState};
use schemas::{EventData, Lane, Rejection, RoomId, Sequence, Timestamp, UserId};
use telemetry::Shutdown;
use telemetry::prometheus_client::metrics::counter::Counter;

use crate::chat::Chat;
use crate::domain::retention::{Aged, Fate, Rule, apply, purged};
use crate::index::MessageIndex;
use crate::lanes::Rooms;
use crate::lease::Lease;
use crate::purge::Purger;

/// What the lease is called.
const LEASE: &str = "retention";
/// How long the lease of a pass that died keeps others from going on. It is kept before every event.
const LEASE_FOR: Duration = Duration::from_secs(15);
/// Rooms looked at in one go.
const ROOMS: usize = 200;
/// How long the read model may take to follow.
const PROJECTED_WITHIN: Duration = Duration::from_secs(10);

/// What an operator may choose about retention.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetentionConfig {
    /// How long messages stay at hand.
    pub rule: Rule,
    /// How often is looked for what is to move.
    pub every: Duration,
    /// How long after its deletion the text of a message leaves the log; none: it stays.
    pub deleted_bodies: Option<Duration>,
}

impl Default for RetentionConfig {
    fn default() -> Self {
        let day = Duration::from_secs(24 * 60 * 60);
        let every = Duration::from_secs(60 * 60);
        let rule = Rule { fate: Fate::Archive, days: None, day };
        Self { rule, every, deleted_bodies: None }
    }
}

/// What a pass found in a room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Aging {
    /// The room.
    pub room_id: RoomId,
    /// After how many days its messages move.
    pub days: u32,
    /// Those that were posted before this moment are as old as that.
    pub before: Timestamp,
    /// How many messages moved, or would.
    pub messages: u64,
    /// How many are as old and stay, because their authors or the room are under a legal hold.
    pub held: u64,
}

/// A pass that writes: others keep off, and it ends when asked to.
struct Writer<'a> {
    lease: &'a mut Lease,
    stop: &'a Shutdown,
    moved: &'a Counter,
}

/// Moves messages to the archive, or purges them.
pub struct Retention {
    log: EventLog,
    index: Arc<dyn MessageIndex>,
    rule: Rule,
    /// What purges; only the service has it.
    purger: Option<Purger>,
}

impl Retention {
    /// `index` is the read model of the log.
    #[must_use]
    pub fn new(log: EventLog, index: Arc<dyn MessageIndex>, rule: Rule) -> Self {
        Self { log, index, rule, purger: None }
    }

    /// That of the service.
    pub(crate) fn of(chat: &Arc<Chat>, rule: Rule) -> Self {
        let purger = (rule.fate == Fate::Purge).then(|| Purger::new(chat));
        let (log, index) = (chat.log.clone(), Arc::clone(&chat.index));
        Self { log, index, rule, purger }
    }

    /// Makes a pass every so often, until asked to stop. Failures are logged, and the next pass goes on.
    pub(crate) async fn keep(self, every: Duration, moved: Counter, stop: Shutdown) {
        let mut look = tokio::time::interval(every);
        look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                () = stop.wait() => break,
                _ = look.tick() => if let Err(failure) = self.make_pass(&stop, &moved).await {
                    let error = refusal(failure).detail;
                    tracing::warn!(%error, "retention does not go on");
                },
            }
        }
    }

    /// Makes one pass now; none when another is under way. Which rooms it has moved messages of, or passed by.
    ///
    /// # Errors
    /// The log or the read model cannot be asked, or the read model does not follow.
    pub async fn apply(&self, stop: &Shutdown) -> Result<Option<Vec<Aging>>, Rejection> {
        if self.rule.fate == Fate::Purge && self.purger.is_none() {
            return Err(unavailable("only the running service purges messages"));
        }
        self.make_pass(stop, &Counter::default()).await.map_err(refusal)
    }

    async fn make_pass(
        &self,
        stop: &Shutdown,
        moved: &Counter,
    ) -> Result<Option<Vec<Aging>>, Failure> {
        let mut lease = Lease::of(self.log.secrets("leases"), LEASE, LEASE_FOR);
        if !lease.hold().await {
            return Ok(None);
        }
        let done = self.go_through(Some(Writer { lease: &mut lease, stop, moved })).await;
        lease.release().await;
        done.map(Some)
    }

    /// What a pass would move now. Nothing is written.
    ///
    /// # Errors
    /// The log or the read model cannot be asked.
    pub async fn preview(&self) -> Result<Vec<Aging>, Rejection> {
        self.go_through(None).await.map_err(refusal)
    }

    async fn go_through(&self, mut writer: Option<Writer<'_>>) -> Result<Vec<Aging>, Failure> {
        let now = Timestamp::now();
        let (mut found, mut after) = (Vec::new(), None);
        loop {
            let rooms = self.index.rooms(after.as_ref(), ROOMS).await?;
            let Some(last) = rooms.last() else { return Ok(found) };
            after = Some(last.id);
            for room in &rooms {
                if writer.as_ref().is_some_and(|writer| writer.stop.is_triggered()) {
                    return Ok(found);
                }
                let looked = match self.look_at(room, now, writer.as_mut()).await {
                    // Texts of the room's deleted messages were removed meanwhile, which is on the same lane.
                    Err(Failure::Conflict) => self.look_at(room, now, writer.as_mut()).await?,
                    looked => looked?,
                };
                found.extend(looked);
            }
        }
    }

    /// Moves what is old enough in a room; none when there is nothing as old.
    async fn look_at(
        &self,
        room: &RoomState,
        now: Timestamp,
        writer: Option<&mut Writer<'_>>,
    ) -> Result<Option<Aging>, Failure> {
        let Some(days) = self.rule.days_of(room) else { return Ok(None) };
        let before = self.rule.before(days, now);
        let fate = self.rule.fate;
        if self.index.aged((&room.id, 0), fate, before, 1).await?.is_empty() {
            return Ok(None);
        }
        // An index is used, not believed: what the room says is in the log, and what moved last must have moved there.
        let found = load::<Rooms>(&self.log, &room.id).await?;
        let Some(room) = &found.state else { return Ok(None) };
        let Some(days) = self.rule.days_of(room) else { return Ok(None) };
        let before = self.rule.before(days, now);
        let last = self.log.last(&Lane::Retention(room.id)).await?;
        let at = last.map_or(0, |stored| stored.sequence);
        self.follows(at).await?;
        let aging = Aging { room_id: room.id, days, before, messages: 0, held: 0 };
        self.go_on_in(room, aging, at, writer).await.map(Some)
    }

    async fn go_on_in(
        &self,
        room: &RoomState,
        mut aging: Aging,
        mut at: Sequence,
        mut writer: Option<&mut Writer<'_>>,
    ) -> Result<Aging, Failure> {
        let mut after = 0;
        loop {
            let most = match self.rule.fate {
                Fate::Archive => MAX_ARCHIVED,
                Fate::Purge => MAX_PURGED,
            };
            let from = (&room.id, after);
            let aged = self.index.aged(from, self.rule.fate, aging.before, most).await?;
            let Some(last) = aged.last() else { return Ok(aging) };
            after = last.number;
            let held = self.held(room, &aged).await?;
            let stay = aged.iter().filter(|message| held.contains(&message.sender_id)).count();
            let number = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
            aging.held += number(stay);
            let Some(writer) = &mut writer else {
                aging.messages += number(aged.len() - stay);
                continue;
            };
            writer.lease.keep().await?;
            let cut = (aging.days, aging.before);
            let moved;
            (at, moved) = match &self.purger {
                Some(purger) => self.purge(purger, (room, cut), &aged, &held).await?,
                None => self.archive((room, cut), &aged, &held, at).await?,
            };
            writer.moved.inc_by(number(moved));
            aging.messages += number(moved);
            tokio::select! {
                biased;
                () = writer.stop.wait() => return Ok(aging),
                followed = self.follows(at) => followed?,
            }
        }
    }

    /// Moves messages to the archive; the last event of the room's lane, and how many moved.
    async fn archive(
        &self,
        (room, cut): (&RoomState, (u32, Timestamp)),
        aged: &[Aged],
        held: &BTreeSet<UserId>,
        at: Sequence,
    ) -> Result<(Sequence, usize), Failure> {
        let Some(fact) = apply(room, cut, aged, held, at) else { return Ok((at, 0)) };
        let call = Call::new("apply_retention", CallContext::default());
        let at = record(&self.log, &call, fact).await?.position.sequence;
        let stay = aged.iter().filter(|message| held.contains(&message.sender_id)).count();
        Ok((at, aged.len() - stay))
    }

    /// Removes messages for good; the last event of the room's lane, and how many are gone.
    async fn purge(
        &self,
        purger: &Purger,
        (room, cut): (&RoomState, (u32, Timestamp)),
        aged: &[Aged],
        held: &BTreeSet<UserId>,
    ) -> Result<(Sequence, usize), Failure> {
        let going: Vec<&Aged> =
            aged.iter().filter(|message| !held.contains(&message.sender_id)).collect();
        let gone = purger.purge(room, &going, cut.1).await?;
        let number = gone.len();
        // The removal of their texts is on the same lane.
        let last = self.log.last(&Lane::Retention(room.id)).await?;
        let at = last.map_or(0, |stored| stored.sequence);
        if gone.is_empty() {
            return Ok((at, 0));
        }
        let call = Call::new("apply_retention", CallContext::default());
        let written = record(&self.log, &call, purged(room, cut, gone, at)).await?;
        Ok((written.position.sequence, number))
    }

    /// Waits until the read model has got to an event.
    async fn follows(&self, at: Sequence) -> Result<(), Failure> {
        if self.index.wait_for(at, PROJECTED_WITHIN).await {
            return Ok(());
        }
        Err(unavailable("the read model is behind").into())
    }

    /// Authors of messages that stay: those who are under a legal hold, or all when the room is.
    async fn held(&self, room: &RoomState, aged: &[Aged]) -> Result<BTreeSet<UserId>, Failure> {
        let authors: BTreeSet<UserId> = aged.iter().map(|message| message.sender_id).collect();
        let lanes: Vec<Lane> = std::iter::once(Lane::RoomHold(room.id))
            .chain(authors.iter().cloned().map(Lane::UserHold))
            .collect();
        let mut held = BTreeSet::new();
        for stored in self.log.last_many(&lanes).await?.into_iter().flatten() {
            let EventData::Hold(event) = stored.event()?.data else { continue };
            match event.in_force().map(|hold| &hold.held) {
                Some(Held::Room(_)) => return Ok(authors),
                Some(Held::User(user)) => {
                    held.insert(*user);
                }
                None => {}
            }
        }
        Ok(held)
    }
}

/// Why a pass has ended early.
fn refusal(failure: Failure) -> Rejection {
    match failure {
        Failure::Conflict => unavailable("another retention was applied meanwhile"),
        Failure::Denied(rejection) | Failure::Rejected(rejection) => rejection,
    }
}
