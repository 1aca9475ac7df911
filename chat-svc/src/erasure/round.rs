//! One round over the log: what is the person's is collected and goes, piece after piece.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use decider::{Expect, Fact, Failure, record, unavailable};
use eventlog::Record;
use schemas::events::MessageDeleted;
use schemas::{EventData, Lane, RoomId, Sequence, Timestamp};
use tokio::time::sleep;

use super::piece::{Found, Piece, room_of};
use super::{Eraser, Work, call};
use crate::addition::Addition;

/// Events read at once, and how long they are waited for.
const BATCH: usize = 4096;
const WAIT: Duration = Duration::from_secs(1);
/// After each piece: clients are told of what is deleted, and others want to write.
const PACE: Duration = Duration::from_millis(20);

/// What a round has seen.
#[derive(Debug, Default)]
pub(super) struct Round {
    /// How far the log was read.
    pub(super) through: Sequence,
    /// How many events of the person it found and dealt with.
    pub(super) found: usize,
    /// Rooms whose legal holds keep something.
    pub(super) held: HashSet<RoomId>,
}

impl Eraser {
    /// Goes through the log after a sequence to its present end.
    pub(super) async fn round(
        &mut self,
        work: &mut Work,
        after: Sequence,
    ) -> Result<Round, Failure> {
        let head = self.chat.log.head().await?;
        let mut round = Round { through: after, ..Round::default() };
        let mut holds = HashMap::new();
        let mut piece = Piece::reporting(self.reported(work).await?);
        let mut reader = self.chat.log.read_from(after.min(head)).await?;
        while reader.through() < head {
            let batch = reader.next(BATCH, WAIT).await?;
            for stored in &batch.records {
                self.consider(work, stored, &mut piece, (&mut holds, &mut round)).await?;
                if piece.is_full() {
                    let full = std::mem::take(&mut piece);
                    round.found += self.remove(work, full, stored.sequence).await?;
                    holds.clear();
                }
            }
            self.lease.keep().await?;
            round.through = batch.through;
        }
        let through = round.through;
        round.found += self.remove(work, piece, through).await?;
        Ok(round)
    }

    /// The open reports of the person's messages: each keeps a copy.
    async fn reported(&self, work: &Work) -> Result<Vec<schemas::ReportId>, Failure> {
        Ok(self.chat.index.reports_about(&work.user).await?)
    }

    async fn consider(
        &self,
        work: &Work,
        stored: &Record,
        piece: &mut Piece,
        (holds, round): (&mut HashMap<RoomId, bool>, &mut Round),
    ) -> Result<(), Failure> {
        // Every event of a person names them: what does not is passed by without being read.
        let text = std::str::from_utf8(&stored.payload).unwrap_or_default();
        if !text.contains(work.user.as_str()) {
            return Ok(());
        }
        let event = stored.event()?;
        let mut own = Piece::default();
        let found = Found { sequence: stored.sequence, stored_at: stored.stored_at, event: &event };
        own.take(&work.user, found, &self.chat.names);
        if own.is_empty() {
            return Ok(());
        }
        // The last event of a medium says whether its bytes are gone: before, all are needed.
        if let EventData::Media(event) = &event.data
            && !self.is_purged(&event.after().file.id).await?
        {
            return Ok(());
        }
        if let Some(room) = room_of(&event.data) {
            let held = match holds.get(room) {
                Some(held) => *held,
                None => self.is_held(&Lane::RoomHold(*room)).await?,
            };
            holds.insert(*room, held);
            if held {
                round.held.insert(*room);
                return Ok(());
            }
        }
        piece.take(&work.user, found, &self.chat.names);
        Ok(())
    }

    /// Removes a piece; how many events that were.
    async fn remove(
        &mut self,
        work: &mut Work,
        mut piece: Piece,
        through: Sequence,
    ) -> Result<usize, Failure> {
        if piece.is_empty() {
            return Ok(0);
        }
        self.lease.keep().await?;
        if self.is_held(&Lane::UserHold(work.user)).await? {
            return Err(unavailable("the user is under a legal hold").into());
        }
        let now = Timestamp::now();
        let deletions = std::mem::take(&mut piece.deletions);
        let (reactions, taken_back) = self.taken_back(&mut piece).await?;
        let mut facts = self.deleted(deletions, now).await?;
        facts.extend(reactions);
        if !facts.is_empty() {
            let call = call();
            let writes = facts.into_iter().map(|fact| fact.into_write(&call)).collect();
            self.chat.log.append(writes).await?;
        }
        let events = piece.len();
        let count = events + usize::try_from(taken_back).unwrap_or_default();
        if events == 0 && piece.reported.is_empty() {
            return Ok(count);
        }
        let removed = piece.adds_to(work.removed, taken_back);
        let ids = (work.id, work.user);
        let listed = piece.listed(ids, now, through, removed);
        let sequences = listed.sequences();
        let lane = Lane::Erasure(work.id);
        let fact = Fact::expecting(Expect::At(work.at), lane, listed);
        let appended = record(&self.chat.log, &call(), fact).await?;
        work.at = appended.sequences.last().copied().unwrap_or(work.at);
        work.removed = removed;
        self.chat.log.note_erased(work.at, &sequences).await?;
        self.chat.log.erase(&sequences).await?;
        sleep(PACE).await;
        Ok(count)
    }

    /// The deletions of messages that are not deleted yet, as far as the read model knows: one more changes nothing.
    async fn deleted(
        &self,
        deletions: Vec<MessageDeleted>,
        now: Timestamp,
    ) -> Result<Vec<Fact>, Failure> {
        let mut facts = Vec::with_capacity(deletions.len());
        for deletion in deletions {
            let known = self.chat.index.message(&deletion.message_id).await?;
            if known.is_none_or(|known| !known.deleted) {
                let lane = Lane::Timeline(deletion.room_id);
                let deletion = MessageDeleted { deleted_at: now, ..deletion };
                facts.push(Fact::expecting(Expect::Any, lane, deletion));
            }
        }
        Ok(facts)
    }

    /// The reactions that are still there, as taken back, and how many they are.
    async fn taken_back(&self, piece: &mut Piece) -> Result<(Vec<Fact>, u64), Failure> {
        let mut facts = Vec::new();
        for reaction in std::mem::take(&mut piece.reactions) {
            let id = &reaction.message_id;
            let addition = Addition::reaction(id, &reaction.user_id, &reaction.emoji);
            if self.chat.index.addition(&addition).await?.there {
                let lane = Lane::Timeline(reaction.room_id);
                facts.push(Fact::expecting(Expect::Any, lane, reaction));
            }
        }
        let count = u64::try_from(facts.len()).unwrap_or(u64::MAX);
        Ok((facts, count))
    }
}
