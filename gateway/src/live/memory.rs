//! The newest events, as they lie in the log, so that a client that was away for a moment is served
//! without the read model.
//!
//! One memory for everything and not one per room: then "is it complete since this position" is one
//! number for messages, memberships, read markers, rooms and notifications alike. Beside the whole run
//! of events there is a list per room and per person, so that a resume looks only at what concerns it, and
//! the rooms in the order of their last events: a resume passes over those in which nothing has happened,
//! whichever are fewer, the rooms something happened in or the rooms the user is in.
//! Events are kept as bytes; the frame made of one is kept with it once it was wanted.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::ops::Bound;
use std::sync::Arc;

use schemas::{Lane, RoomId, Sequence, UserId};

use super::frames::room::ONE_BATCH;
use super::frames::{Effect, FrameName};
use super::remembered::{changes_any_room, concerns};

pub(crate) use super::remembered::{Passed, Remembered};

/// How much is remembered at most. Bytes are counted as what they take in memory: an event as it came, the frames
/// made of it (or room for one), and what it costs to keep them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Bounds {
    events: usize,
    bytes: usize,
}

impl Bounds {
    /// So many bytes, and no more events than messages of a hundred characters would fit into them.
    pub(crate) const fn of_bytes(bytes: usize) -> Self {
        Self { events: bytes / 2048, bytes }
    }
}

impl Default for Bounds {
    fn default() -> Self {
        Self::of_bytes(128 * 1024 * 1024)
    }
}

type Run = VecDeque<Arc<Remembered>>;

/// The newest events.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    /// With what each was counted as.
    all: VecDeque<(Arc<Remembered>, usize)>,
    rooms: HashMap<RoomId, Run>,
    /// The rooms by their last event.
    lively: BTreeMap<Sequence, RoomId>,
    people: HashMap<UserId, Run>,
    /// Changes of accounts, which concern more people than the one they happened to.
    accounts: Run,
    bytes: usize,
    bounds: Bounds,
    floor: Sequence,
    /// The last event that may have changed messages of any room.
    unsettled: Sequence,
}

impl Memory {
    /// An empty memory that is complete from `floor` on.
    pub(crate) fn from(floor: Sequence, bounds: Bounds) -> Self {
        Self { floor, bounds, ..Self::default() }
    }

    /// Everything after this sequence is remembered.
    pub(crate) const fn floor(&self) -> Sequence {
        self.floor
    }

    pub(crate) fn events(&self) -> usize {
        self.all.len()
    }

    pub(crate) const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Takes the next event in; the oldest ones go when there is no room.
    pub(crate) fn push(&mut self, event: &Arc<Remembered>) {
        if changes_any_room(&event.lane) {
            self.unsettled = event.sequence;
        }
        // Who was away since before then is told out of the read model, which keeps what the log has lost.
        self.floor = self.floor.max(event.erases_through().unwrap_or_default());
        let (room, person) = event.concerns();
        if room.is_none() && person.is_none() {
            return;
        }
        if let Some(room) = room {
            let run = self.rooms.entry(*room).or_default();
            if let Some(former) = run.back() {
                self.lively.remove(&former.sequence);
            }
            self.lively.insert(event.sequence, *room);
            run.push_back(Arc::clone(event));
        }
        if let Some(person) = person {
            self.people.entry(*person).or_default().push_back(Arc::clone(event));
        }
        if matches!(event.lane, Lane::User(_)) {
            self.accounts.push_back(Arc::clone(event));
        }
        let cost = event.cost();
        self.bytes += cost;
        self.all.push_back((Arc::clone(event), cost));
        while self.all.len() > self.bounds.events || self.bytes > self.bounds.bytes {
            if !self.forget_oldest() {
                break;
            }
        }
    }

    fn forget_oldest(&mut self) -> bool {
        let Some((event, cost)) = self.all.pop_front() else { return false };
        self.bytes = self.bytes.saturating_sub(cost);
        self.floor = self.floor.max(event.sequence);
        let (room, person) = event.concerns();
        if let Some(room) = room {
            forget_in(&mut self.rooms, room);
            self.lively.remove(&event.sequence);
        }
        if let Some(person) = person {
            forget_in(&mut self.people, person);
        }
        if matches!(event.lane, Lane::User(_)) {
            self.accounts.pop_front();
        }
        true
    }

    /// The former event on a lane, for an event that did not bring it along. Looks back a little way only.
    pub(crate) fn previous_on(&self, lane: &Lane) -> Option<Sequence> {
        const LOOK_BACK: usize = 64;
        let run = match concerns(lane) {
            (Some(room), _) => self.rooms.get(room),
            (None, Some(person)) => self.people.get(person),
            (None, None) => None,
        }?;
        run.iter().rev().take(LOOK_BACK).find(|event| event.lane == *lane).map(|e| e.sequence)
    }

    /// The creation of a room, when it happened in the moment before `sequence`: in the same batch of
    /// events or right before it.
    pub(crate) fn creation_before(
        &self,
        room: &RoomId,
        sequence: Sequence,
    ) -> Option<&Arc<Remembered>> {
        self.rooms.get(room)?.iter().rev().find(|event| {
            event.sequence < sequence
                && sequence - event.sequence <= ONE_BATCH
                && event.created_a_room()
        })
    }

    /// The rooms a user came into after a sequence.
    pub(crate) fn rooms_joined(&self, user: &UserId, after: Sequence) -> HashSet<RoomId> {
        let run = self.people.get(user).into_iter().flatten();
        let joined = |event: &Arc<Remembered>| {
            let broadcast = event.broadcast.get()?.as_ref()?;
            match (&broadcast.effect, broadcast.name) {
                (Effect::Member { room, .. }, FrameName::MemberJoined) => Some(*room),
                (Effect::Member { .. } | Effect::Created { .. } | Effect::None, _) => None,
            }
        };
        run.filter(|event| event.sequence > after).filter_map(joined).collect()
    }

    /// What happened in a room after one place of the log up to another, at most so many events; none when these are more,
    /// not all of them are remembered, or something happened that may have changed any room.
    pub(crate) fn passed_in(
        &self,
        room: &RoomId,
        after: Sequence,
        through: Sequence,
        most: usize,
    ) -> Option<Vec<Passed>> {
        if after < self.floor.max(self.unsettled) {
            return None;
        }
        let Some(run) = self.rooms.get(room) else { return Some(Vec::new()) };
        let begin = run.partition_point(|event| event.sequence <= after);
        let end = run.partition_point(|event| event.sequence <= through);
        let run = (end.saturating_sub(begin) <= most).then(|| run.range(begin..end))?;
        Some(run.map(|event| Passed::of(event)).collect())
    }

    /// The event at a sequence, if it is remembered.
    pub(crate) fn at(&self, sequence: Sequence) -> Option<&Arc<Remembered>> {
        let place = self.all.partition_point(|(event, _)| event.sequence < sequence);
        self.all.get(place).map(|(event, _)| event).filter(|event| event.sequence == sequence)
    }

    /// What happened after a sequence in these rooms, to this person, and to accounts; in the log's
    /// order. One more than `max` when there is more: the asker must give up then.
    pub(crate) fn since(
        &self,
        after: Sequence,
        rooms: &HashSet<RoomId>,
        person: &UserId,
        max: usize,
    ) -> Vec<Arc<Remembered>> {
        let mut found: Vec<Arc<Remembered>> = Vec::new();
        let mut take = |run: &Run| {
            let begin = run.partition_point(|event| event.sequence <= after);
            found.extend(run.range(begin..).take(max + 1).cloned());
        };
        let lively = || self.lively.range((Bound::Excluded(after), Bound::Unbounded));
        if lively().nth(rooms.len()).is_none() {
            let among = lively().map(|(_, room)| room).filter(|room| rooms.contains(*room));
            among.filter_map(|room| self.rooms.get(room)).for_each(&mut take);
        } else {
            rooms.iter().filter_map(|room| self.rooms.get(room)).for_each(&mut take);
        }
        self.people.get(person).into_iter().for_each(&mut take);
        take(&self.accounts);
        found.sort_unstable_by_key(|event| event.sequence);
        found.dedup_by_key(|event| event.sequence);
        found.truncate(max + 1);
        found
    }
}

fn forget_in<K: std::hash::Hash + Eq>(runs: &mut HashMap<K, Run>, key: &K) {
    if let Some(run) = runs.get_mut(key) {
        run.pop_front();
        if run.is_empty() {
            runs.remove(key);
        }
    }
}

#[cfg(test)]
mod tests;
