//! What is known of the entities decisions are about: the last event of their lanes.
//!
//! A bounded cache, filled by direct get and kept fresh by the live feed. It may be behind the log, never
//! wrong about a sequence: a decision made by it is written under an expectation, and where that fails
//! the decision is made again by what the log says now.

use std::hash::Hash;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use eventlog::EventLog;
use moka::ops::compute::Op;
use moka::sync::Cache;
use schemas::events::{MemberState, RoomState};
use schemas::{Digest, EventData, Lane, NameKey, RoomId, Sequence, UserId};

use crate::decision::Failure;
use crate::domain::person::Person;
use crate::domain::{member, person, room};
use crate::metrics::{ChatMetrics, Looks};

/// Nothing stays longer than this without being read from the log again, whatever the feed missed.
const TIME_TO_LIVE: Duration = Duration::from_secs(300);

/// Whether a decision may be made by the cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Freshness {
    /// By what is known.
    Cached,
    /// By what the log says now.
    Fresh,
}

/// A kind of entity with a small state and a lane of its own.
pub(crate) trait Entity: Send + Sync + 'static {
    type Key: Hash + Eq + Clone + Send + Sync + 'static;
    type State: Send + Sync + 'static;
    /// For metrics.
    const NAME: &'static str;
    fn lane(key: &Self::Key) -> Lane;
    fn evolve(state: &mut Option<Self::State>, event: &EventData);
}

/// What a lane's last event says, and where it is; sequence 0 and no state: the lane has no event.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Snapshot<S> {
    pub(crate) sequence: Sequence,
    pub(crate) state: Option<S>,
}

/// The cache of one kind of entity.
pub(crate) struct Shelf<E: Entity> {
    cache: Cache<E::Key, Arc<Snapshot<E::State>>>,
    /// Counts how often everything was forgotten: what was read before must not be put back after.
    forgotten: AtomicU64,
    looks: Looks,
}

impl<E: Entity> Shelf<E> {
    fn new(capacity: u64, metrics: &ChatMetrics) -> Self {
        let cache = Cache::builder().max_capacity(capacity).time_to_live(TIME_TO_LIVE).build();
        Self { cache, forgotten: AtomicU64::new(0), looks: metrics.cache(E::NAME) }
    }

    /// Puts a state in place of an older one.
    fn offer(&self, key: E::Key, offered: &Arc<Snapshot<E::State>>) {
        self.cache.entry(key).and_compute_with(|known| match known {
            Some(known) if known.value().sequence >= offered.sequence => Op::Nop,
            _ => Op::Put(Arc::clone(offered)),
        });
    }

    fn learn(&self, key: E::Key, sequence: Sequence, event: &EventData) {
        let mut state = None;
        E::evolve(&mut state, event);
        if state.is_some() {
            self.offer(key, &Arc::new(Snapshot { sequence, state }));
        }
    }

    fn forget_all(&self) {
        self.forgotten.fetch_add(1, Ordering::SeqCst);
        self.cache.invalidate_all();
    }

    /// The state of an entity, from the cache if allowed and there, else from the log.
    async fn get(
        &self,
        source: &Lanes,
        key: &E::Key,
        how: Freshness,
    ) -> Result<Arc<Snapshot<E::State>>, Failure> {
        if how == Freshness::Cached {
            if let Some(known) = self.cache.get(key) {
                self.looks.hits.inc();
                return Ok(known);
            }
            self.looks.misses.inc();
        }
        let before = self.forgotten.load(Ordering::SeqCst);
        let loaded = Arc::new(source.load::<E>(key).await?);
        if self.forgotten.load(Ordering::SeqCst) == before {
            self.offer(key.clone(), &loaded);
        }
        // In a cluster a follower may answer that is behind what the feed has brought already.
        match self.cache.get(key) {
            Some(known) if known.sequence > loaded.sequence => Ok(known),
            _ => Ok(loaded),
        }
    }
}

pub(crate) struct Rooms;
impl Entity for Rooms {
    type Key = RoomId;
    type State = RoomState;
    const NAME: &'static str = "room";
    fn lane(key: &RoomId) -> Lane {
        Lane::Room(key.clone())
    }
    fn evolve(state: &mut Option<RoomState>, event: &EventData) {
        room::evolve(state, event);
    }
}

pub(crate) struct Members;
impl Entity for Members {
    type Key = (RoomId, UserId);
    type State = MemberState;
    const NAME: &'static str = "member";
    fn lane((room, user): &(RoomId, UserId)) -> Lane {
        Lane::Member(room.clone(), user.clone())
    }
    fn evolve(state: &mut Option<MemberState>, event: &EventData) {
        member::evolve(state, event);
    }
}

pub(crate) struct People;
impl Entity for People {
    type Key = UserId;
    type State = Person;
    const NAME: &'static str = "user";
    fn lane(key: &UserId) -> Lane {
        Lane::User(key.clone())
    }
    fn evolve(state: &mut Option<Person>, event: &EventData) {
        person::evolve(state, event);
    }
}

/// Who holds a username. A released one is a state without a holder, so that it can be cached too.
pub(crate) struct Handles;
impl Entity for Handles {
    type Key = Digest;
    type State = Option<UserId>;
    const NAME: &'static str = "handle";
    fn lane(key: &Digest) -> Lane {
        Lane::Handle(key.clone())
    }
    fn evolve(state: &mut Option<Option<UserId>>, event: &EventData) {
        if let EventData::Name(event) = event {
            *state = Some(event.owner().and_then(|owner| UserId::parse(owner).ok()));
        }
    }
}

/// How many entities are remembered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Capacities {
    /// Rooms (about 500 bytes each).
    pub rooms: u64,
    /// Memberships (about 400 bytes each).
    pub members: u64,
    /// Accounts (about 200 bytes each), and as many usernames.
    pub people: u64,
    /// Recent messages (about 250 bytes each), and as many read markers and client ids.
    pub messages: u64,
}

impl Capacities {
    /// So many parts in a thousand of the usual, and of each at least 1,000.
    #[must_use]
    pub fn in_thousandths(parts: u64) -> Self {
        let usual = Self::default();
        let part = |of: u64| (of * parts / 1000).max(1000);
        Self {
            rooms: part(usual.rooms),
            members: part(usual.members),
            people: part(usual.people),
            messages: part(usual.messages),
        }
    }
}

impl Default for Capacities {
    fn default() -> Self {
        Self { rooms: 20_000, members: 200_000, people: 100_000, messages: 100_000 }
    }
}

/// The lanes decisions are made by.
pub(crate) struct Lanes {
    log: EventLog,
    names: NameKey,
    rooms: Shelf<Rooms>,
    members: Shelf<Members>,
    people: Shelf<People>,
    handles: Shelf<Handles>,
}

impl Lanes {
    pub(crate) fn new(
        log: EventLog,
        names: NameKey,
        metrics: &ChatMetrics,
        capacities: &Capacities,
    ) -> Self {
        Self {
            log,
            names,
            rooms: Shelf::new(capacities.rooms, metrics),
            members: Shelf::new(capacities.members, metrics),
            people: Shelf::new(capacities.people, metrics),
            handles: Shelf::new(capacities.people, metrics),
        }
    }

    async fn load<E: Entity>(&self, key: &E::Key) -> Result<Snapshot<E::State>, Failure> {
        let Some(stored) = self.log.last(&E::lane(key)).await? else {
            return Ok(Snapshot { sequence: 0, state: None });
        };
        let mut state = None;
        E::evolve(&mut state, &stored.event()?.data);
        Ok(Snapshot { sequence: stored.sequence, state })
    }

    /// A room's lane.
    pub(crate) async fn room(
        &self,
        id: &RoomId,
        how: Freshness,
    ) -> Result<Arc<Snapshot<RoomState>>, Failure> {
        self.rooms.get(self, id, how).await
    }

    /// The lane of a person's membership of a room.
    pub(crate) async fn member(
        &self,
        room: &RoomId,
        user: &UserId,
        how: Freshness,
    ) -> Result<Arc<Snapshot<MemberState>>, Failure> {
        self.members.get(self, &(room.clone(), user.clone()), how).await
    }

    /// A person's lane.
    pub(crate) async fn person(
        &self,
        id: &UserId,
        how: Freshness,
    ) -> Result<Arc<Snapshot<Person>>, Failure> {
        self.people.get(self, id, how).await
    }

    /// Who is called so.
    pub(crate) async fn holder(
        &self,
        username: &str,
        how: Freshness,
    ) -> Result<Option<UserId>, Failure> {
        let Lane::Handle(digest) = self.names.handle(username) else { return Ok(None) };
        let found = self.handles.get(self, &digest, how).await?;
        Ok(found.state.clone().flatten())
    }

    /// Takes note of an event at a place of the log.
    pub(crate) fn learn(&self, lane: &Lane, sequence: Sequence, event: &EventData) {
        match lane {
            Lane::Room(id) => self.rooms.learn(id.clone(), sequence, event),
            Lane::Member(room, user) => {
                self.members.learn((room.clone(), user.clone()), sequence, event);
            }
            Lane::User(id) => self.people.learn(id.clone(), sequence, event),
            Lane::Handle(digest) => self.handles.learn(digest.clone(), sequence, event),
            _ => {}
        }
    }

    /// Forgets everything: the feed has missed something.
    pub(crate) fn forget_all(&self) {
        self.rooms.forget_all();
        self.members.forget_all();
        self.people.forget_all();
        self.handles.forget_all();
    }
}

#[cfg(test)]
mod tests {
    use schemas::Event;

    use super::*;

    /// Every event type there is, as it lies in logs.
    fn golden() -> Vec<EventData> {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../schemas/golden");
        let files =
            std::fs::read_dir(folder).unwrap().map(|file| std::fs::read(file.unwrap().path()));
        let event = |bytes: Vec<u8>| Event::decode(bytes.trim_ascii_end()).unwrap().data;
        files.map(|bytes| event(bytes.unwrap())).collect()
    }

    fn known<E: Entity>(event: &EventData) -> bool {
        let mut state = None;
        E::evolve(&mut state, event);
        state.is_some()
    }

    /// A lane is loaded by its last event alone: one that is forgotten here would make its entity vanish, and with
    /// it a ban.
    #[test]
    fn every_event_of_a_lane_leaves_its_entity_known() {
        for event in golden() {
            let name = event.type_name();
            assert_eq!(known::<Rooms>(&event), name.starts_with("room."), "{name}");
            assert_eq!(known::<Members>(&event), name.starts_with("member."), "{name}");
            assert_eq!(known::<People>(&event), name.starts_with("user."), "{name}");
            assert_eq!(known::<Handles>(&event), name.starts_with("name."), "{name}");
        }
    }
}
