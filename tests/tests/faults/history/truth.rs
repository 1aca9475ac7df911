//! What the log says, as far as it can be compared with what clients did and saw.

use std::collections::{BTreeMap, HashMap};

use schemas::Sequence;
use schemas::event::{Event, EventData};
use schemas::events::{
    MemberEvent, MemberState, MessageEvent, PinEvent, ReactionEvent, RoomEvent, UserEvent,
};

/// A fact of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fact {
    /// An account was created.
    Registered { user: String },
    /// A room was created; all users belong to it (`everyone`), or those named.
    Created { room: String, everyone: bool, members: Vec<String> },
    /// A user is a member of a room, or no longer.
    Member { room: String, user: String, present: bool },
    /// A message was posted.
    Posted {
        room: String,
        message: String,
        sender: String,
        client_id: Option<String>,
        body: String,
    },
    /// A message was edited.
    Edited { room: String, message: String, body: String },
    /// A message was deleted.
    Deleted { room: String, message: String },
    /// Something beside a message was added or taken back. One that repeats what is so, or comes after the message's
    /// deletion, does not count.
    Beside { room: String, message: String, user: String, what: String, there: bool, counts: bool },
}

/// What stands beside a message when it is pinned; a reaction is its emoji.
pub(crate) const PIN: &str = "pin";

/// What stands beside a message by whom: a pin is the room's, not the user's.
fn beside_by(message: &str, user: &str, what: &str) -> (String, String, String) {
    let by = if what == PIN { "" } else { user };
    (message.to_owned(), by.to_owned(), what.to_owned())
}

/// The facts in the order of the log, and tables to ask them by.
#[derive(Debug, Default)]
pub(crate) struct Truth {
    pub(crate) facts: BTreeMap<Sequence, Fact>,
    /// The changes of each user's membership of each room.
    stays: HashMap<(String, String), BTreeMap<Sequence, bool>>,
    deleted: HashMap<String, Sequence>,
    /// When what came and went beside which message: the emoji of a user, or the pin.
    beside: HashMap<(String, String, String), BTreeMap<Sequence, bool>>,
    everyone: HashMap<String, Sequence>,
    registered: HashMap<String, Sequence>,
}

impl Truth {
    /// The facts of events.
    pub(crate) fn of(events: &[(Sequence, Event)]) -> Self {
        Self::from_facts(events.iter().filter_map(|(at, event)| Some((*at, fact(&event.data)?))))
    }

    pub(crate) fn from_facts(facts: impl IntoIterator<Item = (Sequence, Fact)>) -> Self {
        let mut truth = Self::default();
        for (at, mut fact) in facts {
            match &mut fact {
                Fact::Registered { user } => {
                    truth.registered.insert(user.clone(), at);
                }
                Fact::Created { room, everyone, members } => {
                    if *everyone {
                        truth.everyone.insert(room.clone(), at);
                    }
                    for user in members {
                        truth.stay(room, user, at, true);
                    }
                }
                Fact::Member { room, user, present } => truth.stay(room, user, at, *present),
                Fact::Deleted { message, .. } => {
                    truth.deleted.entry(message.clone()).or_insert(at);
                }
                Fact::Beside { message, user, what, there, counts, .. } => {
                    let alive = !truth.deleted.contains_key(message.as_str());
                    *counts = alive && truth.is_beside(message, user, what, at) != *there;
                    if *counts {
                        let changes = truth.beside.entry(beside_by(message, user, what));
                        changes.or_default().insert(at, *there);
                    }
                }
                Fact::Posted { .. } | Fact::Edited { .. } => {}
            }
            truth.facts.insert(at, fact);
        }
        truth
    }

    fn stay(&mut self, room: &str, user: &str, at: Sequence, present: bool) {
        let stay = self.stays.entry((room.to_owned(), user.to_owned())).or_default();
        stay.insert(at, present);
    }

    /// Whether a message was deleted before a place.
    pub(crate) fn deleted_before(&self, message: &str, at: Sequence) -> bool {
        self.deleted.get(message).is_some_and(|deleted| *deleted < at)
    }

    /// Whether something stands beside a message once everything up to a place has happened.
    pub(crate) fn is_beside(&self, message: &str, user: &str, what: &str, at: Sequence) -> bool {
        let changes = self.beside.get(&beside_by(message, user, what));
        changes
            .and_then(|changes| changes.range(..=at).next_back())
            .is_some_and(|(_, there)| *there)
    }

    /// Whether a user is a member of a room once everything up to a place has happened.
    pub(crate) fn is_member(&self, room: &str, user: &str, at: Sequence) -> bool {
        let stays = self.stays.get(&(room.to_owned(), user.to_owned()));
        let last = stays.and_then(|stays| stays.range(..=at).next_back());
        if let Some((_, present)) = last {
            return *present;
        }
        self.everyone.get(room).is_some_and(|made| *made <= at)
            && self.registered.get(user).is_some_and(|made| *made <= at)
    }

    /// Whether a user's stay in a room ended after one place and at the latest at another.
    pub(crate) fn left_between(
        &self,
        room: &str,
        user: &str,
        after: Sequence,
        to: Sequence,
    ) -> bool {
        let stays = self.stays.get(&(room.to_owned(), user.to_owned()));
        after < to
            && stays.is_some_and(|stays| stays.range(after + 1..=to).any(|(_, present)| !present))
    }

    /// Whether a user joined a room at a place or at most so many events later.
    pub(crate) fn came_in(&self, room: &str, user: &str, at: Sequence, within: Sequence) -> bool {
        let stays = self.stays.get(&(room.to_owned(), user.to_owned()));
        stays.is_some_and(|stays| stays.range(at..=at + within).any(|(_, present)| *present))
    }

    /// Where the stay of a user at a place began; 0 when there is no event of it.
    pub(crate) fn joined(&self, room: &str, user: &str, at: Sequence) -> Sequence {
        let Some(stays) = self.stays.get(&(room.to_owned(), user.to_owned())) else { return 0 };
        let mut joined = 0;
        let mut inside = false;
        for (place, present) in stays.range(..=at) {
            if *present && !inside {
                joined = *place;
            }
            inside = *present;
        }
        joined
    }
}

fn member(state: &MemberState) -> Fact {
    Fact::Member {
        room: state.room_id.to_string(),
        user: state.user_id.to_string(),
        present: state.present && !state.banned,
    }
}

/// The fact an event says; none where nothing of it can be held against what clients saw.
fn fact(data: &EventData) -> Option<Fact> {
    match data {
        EventData::User(event) => of_user(event),
        EventData::Room(event) => of_room(event),
        // Banned without being in the room, or not any more: no member comes or goes, and no client is told.
        EventData::Member(MemberEvent::Changed(it)) if !it.member.present => None,
        EventData::Member(event) => Some(member(event.after())),
        EventData::Message(event) => Some(of_message(event)),
        EventData::Reaction(event) => Some(of_reaction(event)),
        EventData::Pin(event) => Some(of_pin(event)),
        EventData::Session(_)
        | EventData::Challenge(_)
        | EventData::Identity(_)
        | EventData::Name(_)
        | EventData::Prefs(_)
        | EventData::Audit(_)
        | EventData::Invite(_)
        | EventData::Erasure(_)
        | EventData::Export(_)
        | EventData::Hold(_)
        | EventData::Retention(_)
        | EventData::Receipt(_)
        | EventData::Thread(_)
        | EventData::Media(_)
        | EventData::Report(_)
        | EventData::Notification(_)
        | EventData::Block(_) => None,
    }
}

fn of_user(event: &UserEvent) -> Option<Fact> {
    match event {
        UserEvent::Registered(it) => Some(Fact::Registered { user: it.user.id.to_string() }),
        UserEvent::ProfileChanged(_)
        | UserEvent::RoleChanged(_)
        | UserEvent::SuspensionChanged(_)
        | UserEvent::EmailVerified(_)
        | UserEvent::EmailChanged(_)
        | UserEvent::SecondFactorChanged(_)
        | UserEvent::PasswordSet(_)
        | UserEvent::Erased(_) => None,
    }
}

fn of_room(event: &RoomEvent) -> Option<Fact> {
    match event {
        RoomEvent::Created(it) => Some(Fact::Created {
            room: it.room.id.to_string(),
            everyone: it.room.everyone,
            members: it.room.direct_members.iter().map(ToString::to_string).collect(),
        }),
        RoomEvent::Changed(_) | RoomEvent::Archived(_) | RoomEvent::Restored(_) => None,
    }
}

fn of_message(event: &MessageEvent) -> Fact {
    match event {
        MessageEvent::Posted(it) => Fact::Posted {
            room: it.message.room_id.to_string(),
            message: it.message.id.to_string(),
            sender: it.message.sender_id.to_string(),
            client_id: it.message.client_id.as_ref().map(ToString::to_string),
            body: it.message.body.to_string(),
        },
        MessageEvent::Edited(it) => Fact::Edited {
            room: it.message.room_id.to_string(),
            message: it.message.id.to_string(),
            body: it.message.body.to_string(),
        },
        MessageEvent::Deleted(it) => {
            Fact::Deleted { room: it.room_id.to_string(), message: it.message_id.to_string() }
        }
    }
}

fn of_reaction(event: &ReactionEvent) -> Fact {
    let (room, message, user, emoji, there) = match event {
        ReactionEvent::Added(it) => (&it.room_id, &it.message_id, &it.user_id, &it.emoji, true),
        ReactionEvent::Removed(it) => (&it.room_id, &it.message_id, &it.user_id, &it.emoji, false),
    };
    Fact::Beside {
        room: room.to_string(),
        message: message.to_string(),
        user: user.to_string(),
        what: emoji.to_string(),
        there,
        counts: true,
    }
}

fn of_pin(event: &PinEvent) -> Fact {
    let (room, message, user, there) = match event {
        PinEvent::Pinned(it) => (&it.room_id, &it.message_id, &it.user_id, true),
        PinEvent::Unpinned(it) => (&it.room_id, &it.message_id, &it.user_id, false),
    };
    Fact::Beside {
        room: room.to_string(),
        message: message.to_string(),
        user: user.to_string(),
        what: PIN.to_owned(),
        there,
        counts: true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn beside(user: &str, what: &str, there: bool) -> Fact {
        let (room, message) = ("room_a".to_owned(), "msg_1".to_owned());
        let (user, what) = (user.to_owned(), what.to_owned());
        Fact::Beside { room, message, user, what, there, counts: true }
    }

    #[test]
    fn only_what_changes_something_counts() {
        let deleted = Fact::Deleted { room: "room_a".to_owned(), message: "msg_1".to_owned() };
        let facts = [
            beside("usr_ada", "x", true),
            beside("usr_ada", "x", true),
            beside("usr_bob", "x", true),
            beside("usr_ada", "x", false),
            beside("usr_ada", "x", false),
            beside("usr_ada", PIN, true),
            beside("usr_bob", PIN, true),
            beside("usr_bob", PIN, false),
            deleted,
            beside("usr_ada", "y", true),
        ];
        let truth = Truth::from_facts((1..).zip(facts));
        let counts = |(at, fact): (&Sequence, &Fact)| {
            matches!(fact, Fact::Beside { counts: true, .. }).then_some(*at)
        };
        let counting: Vec<Sequence> = truth.facts.iter().filter_map(counts).collect();
        assert_eq!(counting, [1, 3, 4, 6, 8]);
    }
}
