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
use super::remembered::concerns;

pub(crate) use super::remembered::Remembered;

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
        let (room, person) = event.concerns();
        if room.is_none() && person.is_none() {
            return;
        }
        if let Some(room) = room {
            let run = self.rooms.entry(room.clone()).or_default();
            if let Some(former) = run.back() {
                self.lively.remove(&former.sequence);
            }
            self.lively.insert(event.sequence, room.clone());
            run.push_back(Arc::clone(event));
        }
        if let Some(person) = person {
            self.people.entry(person.clone()).or_default().push_back(Arc::clone(event));
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
                (Effect::Member { room, .. }, FrameName::MemberJoined) => Some(room.clone()),
                (Effect::Member { .. } | Effect::Created { .. } | Effect::None, _) => None,
            }
        };
        run.filter(|event| event.sequence > after).filter_map(joined).collect()
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
mod tests {
    use super::super::remembered::OVERHEAD;
    use super::*;
    use crate::live::fixture::{edited, room, sender, user};
    use crate::live::frames::{Known, Place, to_frame};
    use bytes::Bytes;
    use schemas::Epoch;

    fn posted(memory: &mut Memory, sequence: Sequence, lane: Lane) {
        let event = Remembered::new(sequence, None, lane, b"{}");
        memory.push(&Arc::new(event));
    }

    fn since(memory: &Memory, after: Sequence, rooms: &[RoomId], who: &UserId) -> Vec<Sequence> {
        let rooms = rooms.iter().cloned().collect();
        memory.since(after, &rooms, who, 100).iter().map(|event| event.sequence).collect()
    }

    #[test]
    fn a_user_gets_their_rooms_and_their_own_in_the_order_of_the_log() {
        let mut memory = Memory::from(10, Bounds::default());
        posted(&mut memory, 11, Lane::Timeline(room(1)));
        posted(&mut memory, 12, Lane::Timeline(room(2)));
        posted(&mut memory, 13, Lane::Member(room(1), user(1)));
        posted(&mut memory, 14, Lane::Inbox(user(1)));
        posted(&mut memory, 15, Lane::Inbox(user(2)));
        posted(&mut memory, 16, Lane::User(user(2)));
        assert_eq!(since(&memory, 10, &[room(1)], &user(1)), [11, 13, 14, 16]);
        assert_eq!(since(&memory, 13, &[room(1), room(2)], &user(1)), [14, 16]);
        assert_eq!(memory.previous_on(&Lane::Timeline(room(1))), Some(11));
        assert_eq!(memory.previous_on(&Lane::Receipts(room(1))), None);
    }

    #[test]
    fn the_floor_rises_when_the_oldest_go() {
        let mut memory = Memory::from(0, Bounds::default());
        let many = u64::try_from(Bounds::default().events).unwrap() + 10;
        for sequence in 1..=many {
            posted(&mut memory, sequence, Lane::Timeline(room(sequence % 3)));
        }
        assert_eq!(memory.floor(), 10);
        assert_eq!(memory.events(), Bounds::default().events);
        let rooms = HashSet::from([room(0), room(1), room(2)]);
        let found = memory.since(0, &rooms, &user(1), 50);
        assert_eq!((found.len(), found[0].sequence), (51, 11));
    }

    #[test]
    fn an_event_counts_as_what_it_takes() {
        let network = Bytes::from(vec![b'x'; 10_000]);
        let lane = || Lane::Timeline(room(1));
        let wanted = Remembered::new(1, None, lane(), &network[..1_000]);
        assert!(wanted.payload.is_unique() && network.is_unique());
        let event = edited(1, 1, 9, 1);
        let place = Place { epoch: &Epoch::parse("e1").unwrap(), sequence: 1, previous: None };
        let told = to_frame(&event, place, Known { sender: Some(sender(9)), notification: None });
        let told = Arc::new(told.unwrap());
        let frames = told.frame.len();
        wanted.broadcast.set(Some(told)).unwrap();
        let unwanted = Remembered::new(2, None, lane(), &network[..1_000]);
        let nothing = Remembered::new(3, None, lane(), &network[..1_000]);
        nothing.broadcast.set(None).unwrap();
        let mut memory = Memory::from(0, Bounds::default());
        let mut counted = |event| {
            let before = memory.bytes();
            memory.push(&Arc::new(event));
            memory.bytes() - before
        };
        let costs = [wanted, unwanted, nothing].map(&mut counted);
        assert_eq!(costs, [1_000 + frames, 2_000, 1_000].map(|bytes| bytes + OVERHEAD));
        // A frame that is made later does not change what is taken off again.
        memory.all[1].0.broadcast.set(None).unwrap();
        while memory.forget_oldest() {}
        assert_eq!((memory.bytes(), memory.floor()), (0, 3));
    }

    /// Whether the rooms the user is in are fewer than those something happened in, or more.
    #[test]
    fn it_makes_no_difference_which_rooms_are_fewer() {
        let mut memory = Memory::from(0, Bounds::default());
        for sequence in 1..=40 {
            posted(&mut memory, sequence, Lane::Timeline(room(sequence % 20)));
        }
        let few = [room(3), room(99)];
        let many: Vec<RoomId> = (3..90).map(room).collect();
        assert_eq!(since(&memory, 0, &few, &user(1)), [3, 23]);
        assert_eq!(since(&memory, 22, &few, &user(1)), [23]);
        assert_eq!(since(&memory, 23, &few, &user(1)), [0; 0]);
        assert_eq!(since(&memory, 36, &many, &user(1)), [37, 38, 39]);
        assert_eq!(since(&memory, 22, &many, &user(1)), Vec::from_iter(23..=39));
    }

    #[test]
    fn a_room_that_is_forgotten_is_not_lively() {
        let mut memory = Memory::from(0, Bounds::default());
        let many = u64::try_from(Bounds::default().events).unwrap();
        posted(&mut memory, 1, Lane::Timeline(room(1)));
        (2..=many + 1).for_each(|n| posted(&mut memory, n, Lane::Timeline(room(2))));
        assert_eq!((memory.rooms.len(), memory.lively.len()), (1, 1));
        assert_eq!(since(&memory, many, &[room(1), room(2)], &user(1)), [many + 1]);
    }

    #[test]
    fn what_no_client_is_told_is_not_kept() {
        let mut memory = Memory::from(0, Bounds::default());
        posted(&mut memory, 1, Lane::Session(user(1)));
        assert_eq!((memory.events(), memory.floor()), (0, 0));
    }
}
