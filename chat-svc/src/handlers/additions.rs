//! Reactions and pins: what is decided by what is known of them, and how near a limit is.
//!
//! No lane holds them: a lane per message would cost memory for ever. Within this process commands about one thing wait
//! for each other; what two processes decide at the same time is settled by the log's order, which the projection and
//! every gateway go by: a repeat changes nothing, nor does what is beyond a limit.

use std::collections::HashSet;
use std::time::Duration;

use decider::{DedupId, Fact, Failure, UserCall, unavailable};
use eventlog::Appended;
use schemas::{Position, Sequence};

use super::InRoom;
use crate::addition::{Addition, Additions, Became};
use crate::chat::Chat;
use crate::domain::message::MessageRejection;
use crate::lately::Counted;

/// How long the read model is waited for before a decision relies on it.
const CURRENT_WITHIN: Duration = Duration::from_millis(500);
/// How long it is waited for after one that may be one too many.
const JUDGED_WITHIN: Duration = Duration::from_secs(2);

/// How far from a limit there is no doubt: more decisions than this are never made at the same time.
const MARGIN: usize = 10;

/// How many events a decision reads from the log at most, to make up for a read model that is behind: about half a second.
const READ_AT_MOST: Sequence = 200_000;
/// Events read from the log at a time, and how long they are waited for.
const BATCH: usize = 2_000;
const WAIT: Duration = Duration::from_secs(1);

/// What is known of an addition that is about to be made.
pub(super) struct Room {
    /// How many there are beside it, of those that the limit counts.
    pub(super) others: usize,
    /// Whether decisions of other processes at the same time may make it one too many.
    pub(super) near_limit: bool,
}

impl Chat {
    /// What has become of an addition, by everything that is in the log now: what this process remembers, else what the
    /// read model has, else what the log says since.
    pub(super) async fn became(&self, addition: &Addition) -> Result<Became, Failure> {
        if let Some(known) = self.additions.last(addition) {
            return Ok(known);
        }
        let head = self.log.head().await?;
        let followed = self.has_followed(head, CURRENT_WITHIN).await;
        let since = if followed { self.additions.since(addition).min(head) } else { head };
        let epoch = self.log.epoch();
        let mut projected = self.index.checkpoint(&epoch).await?;
        if projected < since && self.index.wait_for(since, CURRENT_WITHIN).await {
            projected = self.index.checkpoint(&epoch).await?;
        }
        let indexed = self.index.addition(addition).await?.there;
        if projected < since {
            return self.read_on(addition, indexed, projected, head).await;
        }
        // What was learnt or forgotten while the read model was asked counts.
        match self.additions.last(addition) {
            Some(known) => Ok(known),
            None if self.additions.since(addition) <= projected || !followed => {
                Ok(Became { there: indexed, as_of: head })
            }
            None => self.read_on(addition, indexed, projected, head).await,
        }
    }

    /// Where what has become of an addition can be read: it may be newer than anything the caller's gateway has handed on.
    pub(super) fn known_at(&self, became: Became) -> Position {
        self.log.epoch().at(became.as_of)
    }

    /// Reads in the log what became of an addition since a read model that is behind has said so.
    async fn read_on(
        &self,
        addition: &Addition,
        indexed: bool,
        projected: Sequence,
        head: Sequence,
    ) -> Result<Became, Failure> {
        let behind = || unavailable("the read model is too far behind").into();
        if head - projected > READ_AT_MOST {
            return Err(behind());
        }
        let found = Additions::new(1);
        found.begin(projected);
        let mut reader = self.log.read_from(projected).await?;
        while reader.through() < head {
            for record in reader.next(BATCH, WAIT).await?.records {
                if record.sequence <= head && record.lane.as_ref().is_some_and(Addition::is_on) {
                    found.learn_of(addition, record.sequence, &record.event()?.data);
                }
            }
        }
        match found.last(addition) {
            Some(became) => Ok(Became { as_of: head, ..became }),
            // Whether the last one was one too many only the read model knows.
            None if found.since(addition) > projected => Err(behind()),
            None => Ok(Became { there: indexed, as_of: head }),
        }
    }

    /// How many the read model may not have counted yet: what this process has learnt from the log since, and each event
    /// that it has not been told of.
    fn unseen(&self, counted: &Counted, projected: Sequence, head: Sequence) -> usize {
        let events = |after| usize::try_from(head.saturating_sub(after)).unwrap_or(usize::MAX);
        let followed = *self.followed.borrow();
        match self.additions.after(projected, counted) {
            Some(since) => since.added.len().saturating_add(events(followed.max(projected))),
            None => events(projected),
        }
    }

    /// Writes that something was added or removed, decided by what had become of it. Another process that does the same at
    /// the same time writes it once with this one.
    pub(super) async fn commit_addition(
        &self,
        call: &UserCall,
        (addition, before): (&Addition, Became),
        fact: Fact,
        seen: &InRoom,
    ) -> Result<Appended, Failure> {
        let once = DedupId::of(addition.change(!before.there).iter().map(String::as_str));
        let appended = self.commit_fenced(call, fact.clone().dedup(once), seen).await?;
        // The same was done and undone before: this is another time.
        if appended.duplicate && appended.position.sequence <= before.as_of {
            let write = Fact { expect: seen.fence(), ..fact };
            return decider::record(&self.log, call, write).await;
        }
        Ok(appended)
    }

    /// Finds out how many there are of what a limit counts. Commands wait for each other here, so a read model that is
    /// behind, as it is while much is written elsewhere, must not be waited for by each of them: near the limit what it has
    /// not counted is taken from the log.
    pub(super) async fn room_for(
        &self,
        addition: &Addition,
        limit: usize,
    ) -> Result<Room, Failure> {
        let near = limit - MARGIN;
        let (of, name) = addition.counted();
        let head = self.log.head().await?;
        let projected = self.index.checkpoint(&self.log.epoch()).await?;
        let mut counted = self.index.addition(addition).await?.counted;
        let mut current = true;
        let most = counted.len().saturating_add(self.unseen(&of, projected, head));
        if !counted.contains(&name) && most >= near {
            counted = match self.up_to(head, &of, (counted, projected), near).await {
                Some(counted) => counted,
                None => {
                    current = self.index.wait_for(head, CURRENT_WITHIN).await;
                    self.index.addition(addition).await?.counted
                }
            };
        }
        let others = counted.len() - usize::from(counted.contains(&name));
        Ok(Room { others, near_limit: !current || counted.len() >= near })
    }

    /// What a read model that had got to a place of the log has counted, with what came since, up to the log's end. None
    /// where that is not known: not all was told, or something may have gone and there seem to be `enough` or more.
    pub(super) async fn up_to(
        &self,
        head: Sequence,
        of: &Counted,
        (mut counted, projected): (HashSet<String>, Sequence),
        enough: usize,
    ) -> Option<HashSet<String>> {
        if projected >= head {
            return Some(counted);
        }
        let followed = self.has_followed(head, CURRENT_WITHIN).await;
        let since = self.additions.after(projected, of).filter(|_| followed)?;
        counted.extend(since.added);
        Some(counted).filter(|counted| !since.fewer || counted.len() < enough)
    }

    /// Whether something that may have been one too many was; the read model knows, once it is there.
    pub(super) async fn must_have_fit(
        &self,
        addition: &Addition,
        at: Sequence,
        full: MessageRejection,
    ) -> Result<(), Failure> {
        if self.index.wait_for(at, JUDGED_WITHIN).await
            && !self.index.addition(addition).await?.there
        {
            return Err(full.into());
        }
        Ok(())
    }
}
