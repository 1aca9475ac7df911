//! The entities decisions are about, each by the last event of its lane, and the caches of them.

use std::sync::Arc;

use decider::{Entity, Failure, LaneCache, Loaded, ReadFrom};
use eventlog::EventLog;
use schemas::events::{BlocksState, MediaState, MemberState, ReportState, RoomState};
use schemas::{Digest, EventData, Lane, MediaId, NameKey, ReportId, RoomId, Sequence, UserId};

use crate::domain::person::Person;
use crate::domain::{member, person, room};
use crate::metrics::ChatMetrics;

pub(crate) struct Rooms;
impl Entity for Rooms {
    type Key = RoomId;
    type State = RoomState;
    const NAME: &'static str = "room";
    fn lane(key: &RoomId) -> Lane {
        Lane::Room(*key)
    }
    fn after(event: &EventData) -> Option<RoomState> {
        let mut state = None;
        room::evolve(&mut state, event);
        state
    }
}

pub(crate) struct Members;
impl Entity for Members {
    type Key = (RoomId, UserId);
    type State = MemberState;
    const NAME: &'static str = "member";
    fn lane((room, user): &(RoomId, UserId)) -> Lane {
        Lane::Member(*room, *user)
    }
    fn after(event: &EventData) -> Option<MemberState> {
        let mut state = None;
        member::evolve(&mut state, event);
        state
    }
}

pub(crate) struct People;
impl Entity for People {
    type Key = UserId;
    type State = Person;
    const NAME: &'static str = "user";
    fn lane(key: &UserId) -> Lane {
        Lane::User(*key)
    }
    fn after(event: &EventData) -> Option<Person> {
        let mut state = None;
        person::evolve(&mut state, event);
        state
    }
}

/// Reports. They are not remembered: each is asked for once or twice.
pub(crate) struct Reports;
impl Entity for Reports {
    type Key = ReportId;
    type State = ReportState;
    const NAME: &'static str = "report";
    fn lane(key: &ReportId) -> Lane {
        Lane::Report(*key)
    }
    fn after(event: &EventData) -> Option<ReportState> {
        event.report().cloned()
    }
}

/// Media. They are not remembered: each is asked for a few times.
pub(crate) struct Media;
impl Entity for Media {
    type Key = MediaId;
    type State = MediaState;
    const NAME: &'static str = "media";
    fn lane(key: &MediaId) -> Lane {
        Lane::Media(*key)
    }
    fn after(event: &EventData) -> Option<MediaState> {
        event.medium().cloned()
    }
}

/// The accounts that hold usernames. A released one is a state without a holder, so that it can be cached, too.
pub(crate) struct Handles;
impl Entity for Handles {
    type Key = Digest;
    type State = Option<UserId>;
    const NAME: &'static str = "handle";
    fn lane(key: &Digest) -> Lane {
        Lane::Handle(*key)
    }
    fn after(event: &EventData) -> Option<Option<UserId>> {
        event.holder().map(|owner| owner.and_then(|owner| UserId::parse(owner).ok()))
    }
}

/// Whom people block.
pub(crate) struct Blocks;
impl Entity for Blocks {
    type Key = UserId;
    type State = BlocksState;
    const NAME: &'static str = "blocks";
    fn lane(key: &UserId) -> Lane {
        Lane::Blocks(*key)
    }
    fn after(event: &EventData) -> Option<BlocksState> {
        event.blocks().cloned()
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
    names: NameKey,
    rooms: LaneCache<Rooms>,
    members: LaneCache<Members>,
    people: LaneCache<People>,
    handles: LaneCache<Handles>,
    blocks: LaneCache<Blocks>,
}

impl Lanes {
    pub(crate) fn new(
        log: &EventLog,
        names: NameKey,
        metrics: &ChatMetrics,
        capacities: &Capacities,
    ) -> Self {
        Self {
            names,
            rooms: cache(log, metrics, capacities.rooms),
            members: cache(log, metrics, capacities.members),
            people: cache(log, metrics, capacities.people),
            handles: cache(log, metrics, capacities.people),
            blocks: cache(log, metrics, capacities.people),
        }
    }

    /// A room.
    pub(crate) async fn room(
        &self,
        id: &RoomId,
        from: ReadFrom,
    ) -> Result<Arc<Loaded<Rooms>>, Failure> {
        self.rooms.get(id, from).await
    }

    /// A person's membership of a room.
    pub(crate) async fn member(
        &self,
        room: &RoomId,
        user: &UserId,
        from: ReadFrom,
    ) -> Result<Arc<Loaded<Members>>, Failure> {
        self.members.get(&(*room, *user), from).await
    }

    /// A person.
    pub(crate) async fn person(
        &self,
        id: &UserId,
        from: ReadFrom,
    ) -> Result<Arc<Loaded<People>>, Failure> {
        self.people.get(id, from).await
    }

    /// Whom a person blocks.
    pub(crate) async fn blocks(
        &self,
        id: &UserId,
        from: ReadFrom,
    ) -> Result<Arc<Loaded<Blocks>>, Failure> {
        self.blocks.get(id, from).await
    }

    /// The account with a username.
    pub(crate) async fn holder(
        &self,
        username: &str,
        from: ReadFrom,
    ) -> Result<Option<UserId>, Failure> {
        let Lane::Handle(digest) = self.names.handle(username) else { return Ok(None) };
        let found = self.handles.get(&digest, from).await?;
        Ok(found.state.flatten())
    }

    /// Takes note of an event at a place of the log.
    pub(crate) fn learn(&self, lane: &Lane, sequence: Sequence, event: &EventData) {
        match lane {
            Lane::Room(id) => self.rooms.learn(id, sequence, event),
            Lane::Member(room, user) => {
                self.members.learn(&(*room, *user), sequence, event);
            }
            Lane::User(id) => self.people.learn(id, sequence, event),
            Lane::Blocks(id) => self.blocks.learn(id, sequence, event),
            Lane::Handle(digest) => self.handles.learn(digest, sequence, event),
            Lane::Session(_)
            | Lane::Challenges(_)
            | Lane::Identity(_)
            | Lane::Identities(_)
            | Lane::Email(_)
            | Lane::RoomName(_)
            | Lane::Direct(_)
            | Lane::Timeline(_)
            | Lane::Receipts(_)
            | Lane::Inbox(_)
            | Lane::Media(_)
            | Lane::Threads(_)
            | Lane::Report(_)
            | Lane::Prefs(..)
            | Lane::Audit(_)
            | Lane::Invite(_)
            | Lane::Erasure(_)
            | Lane::RoomHold(_)
            | Lane::Exports(_)
            | Lane::UserHold(_)
            | Lane::Retention(_) => {}
        }
    }

    /// Forgets everything: the feed has missed something.
    pub(crate) fn forget_all(&self) {
        self.rooms.forget_all();
        self.members.forget_all();
        self.people.forget_all();
        self.handles.forget_all();
        self.blocks.forget_all();
    }
}

fn cache<E: Entity>(log: &EventLog, metrics: &ChatMetrics, capacity: u64) -> LaneCache<E> {
    LaneCache::new(log.clone(), capacity, metrics.cache(E::NAME))
}

#[cfg(test)]
mod tests {
    use schemas::subjects::LaneKind;

    use super::*;
    use crate::domain::message;

    fn known<E: Entity>(event: &EventData) -> bool {
        E::after(event).is_some()
    }

    /// A lane is loaded by its last event alone: one that is forgotten here would make its entity vanish, and with
    /// it a ban.
    #[test]
    fn every_event_of_a_lane_leaves_its_entity_known() {
        for event in testbed::every_event() {
            let on = |lane| event.family().lanes().contains(&lane);
            let name = event.type_name();
            assert_eq!(known::<Rooms>(&event), on(LaneKind::Room), "{name}");
            assert_eq!(known::<Members>(&event), on(LaneKind::Member), "{name}");
            let closes = name == "user.erased.v1";
            assert_eq!(known::<People>(&event), on(LaneKind::User) && !closes, "{name}");
            assert_eq!(known::<Media>(&event), on(LaneKind::Media), "{name}");
            assert_eq!(known::<Reports>(&event), on(LaneKind::Report), "{name}");
            assert_eq!(known::<Handles>(&event), on(LaneKind::Handle), "{name}");
        }
    }

    #[test]
    fn only_a_post_begins_a_message() {
        for event in testbed::every_event() {
            let mut found = None;
            message::evolve(&mut found, 1, &event);
            assert_eq!(found.is_some(), event.type_name() == "message.posted.v1");
        }
    }
}
