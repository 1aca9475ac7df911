//! Given, when, then: a small world with one room, evolved by facts as the log would.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use decider::Fact;
use schemas::commands::{ChangeMember, ChangeRoom, CreateRoom, PostMessage};
use schemas::events::{MemberState, MessageEvent, RoomState};
use schemas::ids::{MessageId, RoomId, UserId};
use schemas::preferences::Reach;
use schemas::values::{Body, Format, Patch, Role, RoomKind, RoomName, RoomRole, Visibility};
use schemas::{EventData, Lane, NameKey, Sequence, Timestamp};
use uuid::Uuid;

use super::Context;
use super::access::{Denied, Standing};
use super::member::{self, MemberRejection, Target};
use super::message::{self, Message};
use super::person::Person;
use super::room::{self, Name, NameChange, NewRoom, RoomRejection};

pub(crate) const ADA: u128 = 1;
pub(crate) const BOB: u128 = 2;
pub(crate) const CYD: u128 = 3;
/// No user is registered under this number.
pub(crate) const STRANGER: u128 = 99;

pub(crate) fn user(n: u128) -> UserId {
    UserId::from_uuid(Uuid::from_u128(n))
}

pub(crate) fn room_id(n: u128) -> RoomId {
    RoomId::from_uuid(Uuid::from_u128(n))
}

pub(crate) fn message_id(n: u128) -> MessageId {
    MessageId::from_uuid(Uuid::from_u128(n))
}

pub(crate) fn name(text: &str) -> RoomName {
    RoomName::parse(text).unwrap()
}

pub(crate) fn body(text: &str) -> Body {
    Body::parse(text).unwrap()
}

pub(crate) fn at(second: i64) -> Timestamp {
    Timestamp::from_millis(1_000 * second)
}

pub(crate) fn cx(actor: u128) -> Context {
    Context { now: at(100), actor: user(actor) }
}

pub(crate) fn names() -> NameKey {
    NameKey::new(&[1; NameKey::BYTES])
}

/// A user who lets everyone reach them.
pub(crate) fn person(n: u128) -> Person {
    Person {
        id: user(n),
        role: Role::User,
        verified: true,
        suspended: false,
        registered_at: at(1),
        direct_messages: Reach::Everyone,
        added_to_rooms: Reach::Everyone,
        read_receipts: true,
        avatar: None,
    }
}

/// The room of these tests, about to be made.
pub(crate) fn new_room() -> NewRoom<'static> {
    static NEW: LazyLock<(RoomId, NameKey)> = LazyLock::new(|| (room_id(1), names()));
    NewRoom { id: &NEW.0, names: &NEW.1 }
}

pub(crate) fn create_room(kind: RoomKind, called: &str) -> CreateRoom {
    CreateRoom { kind, name: name(called), topic: None, visibility: None, members: Vec::new() }
}

pub(crate) fn rename(to: &str) -> ChangeRoom {
    ChangeRoom { name: Some(name(to)), ..no_change() }
}

pub(crate) fn no_change() -> ChangeRoom {
    ChangeRoom {
        room_id: room_id(1),
        name: None,
        topic: Patch::Keep,
        visibility: None,
        retention_days: Patch::Keep,
        posting: None,
        slow_mode_seconds: None,
        archived: None,
    }
}

pub(crate) fn set_role(target: u128, role: RoomRole) -> ChangeMember {
    ChangeMember {
        room_id: room_id(1),
        user_id: user(target),
        role: Some(role),
        muted_until: Patch::Keep,
    }
}

pub(crate) fn mute(target: u128, until: Patch<Timestamp>) -> ChangeMember {
    ChangeMember { room_id: room_id(1), user_id: user(target), role: None, muted_until: until }
}

pub(crate) fn say(text: &str) -> PostMessage {
    PostMessage {
        room_id: room_id(1),
        client_id: None,
        body: body(text),
        format: Format::Plain,
        attachments: Vec::new(),
        thread_root_id: None,
    }
}

/// What the log says of one room and everything around it.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct World {
    pub(crate) room: Option<RoomState>,
    pub(crate) members: BTreeMap<UserId, MemberState>,
    pub(crate) names: BTreeMap<String, String>,
    pub(crate) messages: BTreeMap<MessageId, Message>,
    pub(crate) people: BTreeMap<UserId, Person>,
    pub(crate) log: Vec<Fact>,
}

impl World {
    /// Ada, Bob, Cyd and a few more are registered; there is no room.
    pub(crate) fn new() -> Self {
        let mut world = Self::default();
        for n in 1..=9 {
            world.person(n, |_| {});
        }
        world
    }

    /// A room Ada has made.
    pub(crate) fn with_room(kind: RoomKind, visibility: Visibility) -> Self {
        let mut world = Self::new();
        let command = CreateRoom { visibility: Some(visibility), ..create_room(kind, "lobby") };
        let facts =
            room::create(new_room(), &command, world.people.get(&user(ADA)), &None, &[], &cx(ADA));
        world.apply(facts.unwrap());
        world
    }

    /// A room every user belongs to; Ada is the installation's admin.
    pub(crate) fn with_everyone() -> Self {
        let mut world = Self::new();
        world.person(ADA, |person| person.role = Role::Admin);
        world.apply(
            room::create_everyone(&room_id(1), &name("lobby"), &None, at(1), &names()).unwrap(),
        );
        world
    }

    /// A direct room of Ada and Bob.
    pub(crate) fn with_direct() -> Self {
        let mut world = Self::new();
        let facts = room::open_direct(
            &room_id(1),
            world.people.get(&user(ADA)),
            &[user(BOB)],
            &cx(ADA),
            &names(),
        );
        world.apply(facts.unwrap());
        world
    }

    pub(crate) fn person(&mut self, n: u128, change: impl FnOnce(&mut Person)) {
        let mut person = person(n);
        change(&mut person);
        self.people.insert(user(n), person);
    }

    /// The same with another member in the room.
    pub(crate) fn having(mut self, n: u128, role: RoomRole) -> Self {
        let standing = self.standing(ADA).unwrap();
        let target = self.target(n).unwrap();
        let facts = member::add(&standing, &target, Some(role), &cx(ADA)).unwrap();
        self.apply(facts);
        self
    }

    pub(crate) fn standing(&self, n: u128) -> Result<Standing<'_>, Denied> {
        let id = user(n);
        Standing::of(self.room.as_ref(), self.people.get(&id), self.members.get(&id))
    }

    pub(crate) fn target(&self, n: u128) -> Result<Target<'_>, MemberRejection> {
        let id = user(n);
        Target::of(self.people.get(&id), self.members.get(&id))
    }

    pub(crate) fn change_room(
        &self,
        actor: u128,
        command: &ChangeRoom,
    ) -> Result<Vec<Fact>, RoomRejection> {
        let standing = self.standing(actor)?;
        let claimed = NameChange::of(standing.room, command, &names()).claimed;
        let holder: Name = claimed.and_then(|to| self.holder(&names().room_name(to.as_str())));
        room::change(&standing, command, &holder, &cx(actor), &names())
    }

    pub(crate) fn archive(&self, actor: u128) -> Result<Vec<Fact>, RoomRejection> {
        self.change_room(actor, &room::archiving(&room_id(1)))
    }

    pub(crate) fn restore(&self, actor: u128) -> Result<Vec<Fact>, RoomRejection> {
        self.change_room(actor, &ChangeRoom { archived: Some(false), ..no_change() })
    }

    pub(crate) fn holder(&self, lane: &Lane) -> Name {
        self.names.get(&format!("{lane:?}")).cloned()
    }

    /// Evolves by what was decided, as if it had been written.
    pub(crate) fn apply(&mut self, facts: Vec<Fact>) {
        for fact in facts {
            let sequence = Sequence::try_from(self.log.len() + 1).unwrap();
            self.evolve(sequence, &fact);
            self.log.push(fact);
        }
    }

    fn evolve(&mut self, sequence: Sequence, fact: &Fact) {
        match &fact.lane {
            Lane::Room(_) => room::evolve(&mut self.room, &fact.data),
            Lane::Member(_, user) => {
                let mut member = self.members.remove(user);
                member::evolve(&mut member, &fact.data);
                self.members.extend(member.map(|member| (*user, member)));
            }
            Lane::Timeline(_) => {
                let EventData::Message(event) = &fact.data else { return };
                let id = match event {
                    MessageEvent::Posted(e) => e.message.id,
                    MessageEvent::Edited(e) => e.message.id,
                    MessageEvent::Deleted(e) => e.message_id,
                };
                let mut message = self.messages.remove(&id);
                message::evolve(&mut message, sequence, &fact.data);
                self.messages.extend(message.map(|message| (id, message)));
            }
            lane @ (Lane::Handle(_) | Lane::Email(_) | Lane::RoomName(_) | Lane::Direct(_)) => {
                let mut holder = self.holder(lane);
                room::evolve_name(&mut holder, &fact.data);
                self.names.remove(&format!("{lane:?}"));
                self.names.extend(holder.map(|holder| (format!("{lane:?}"), holder)));
            }
            Lane::User(_)
            | Lane::Session(_)
            | Lane::Challenges(_)
            | Lane::Identity(_)
            | Lane::Identities(_)
            | Lane::Receipts(_)
            | Lane::Inbox(_)
            | Lane::Media(_)
            | Lane::Threads(_)
            | Lane::Report(_)
            | Lane::Blocks(_)
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

    /// The world as a reader of the log alone would have it.
    pub(crate) fn replayed(&self) -> Self {
        let mut world = Self { people: self.people.clone(), ..Self::default() };
        world.apply(self.log.clone());
        world
    }
}

/// The types of decided events, in order; hands the events on.
#[track_caller]
pub(crate) fn then<E: std::fmt::Debug>(
    decided: Result<Vec<Fact>, E>,
    expected: &[&str],
) -> Vec<Fact> {
    let facts = decided.expect("the command should be carried out");
    let types: Vec<&str> = facts.iter().map(|fact| fact.data.type_name()).collect();
    assert_eq!(types, expected);
    facts
}

/// The reason of a refusal.
#[track_caller]
pub(crate) fn refused<T, E: PartialEq + std::fmt::Debug>(decided: Result<T, E>, expected: E) {
    assert_eq!(decided.err(), Some(expected));
}
