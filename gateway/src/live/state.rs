//! What the hub knows under its one lock, and how an event changes it: tables, memory, sockets.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use schemas::events::{SessionEvent, UserEvent};
use schemas::frames::CloseCode;
use schemas::{Epoch, Event, EventData, Lane, RoomId, Sequence, UserId};
use tracing::Span;

use super::frames::{self, About, Audience, Broadcast, Effect, Place};
use super::memory::{Memory, Remembered};
use super::routing::Routing;
use super::typing::Typists;
use super::unprojected::Unprojected;

pub(crate) struct State {
    pub(crate) epoch: Epoch,
    pub(crate) head: Sequence,
    pub(crate) memory: Memory,
    pub(crate) routing: Routing,
    pub(crate) unprojected: Unprojected,
    pub(crate) typists: Typists,
    /// The rooms every user belongs to.
    pub(crate) everyone: HashSet<RoomId>,
    /// Users known here for whom it may have changed whom they may watch.
    pub(crate) watchers_changed: HashSet<UserId>,
    /// Users who have changed whom they block.
    pub(crate) blocks_changed: HashSet<UserId>,
    /// Users whose account has changed, and whether they have turned their presence off.
    pub(crate) presence_preferences: HashMap<UserId, bool>,
}

/// An event made ready to be handed on: what needed waiting or work outside the lock.
#[derive(Default)]
pub(crate) struct Ready {
    pub(crate) event: Option<Event>,
    /// The span of its delivery, if that is traced.
    pub(crate) span: Option<Span>,
    /// The rooms of the user whose account changed.
    pub(crate) rooms: Arc<HashSet<RoomId>>,
}

/// What a user who comes into a room is told besides, before it and after it.
#[derive(Default)]
struct Newcomer {
    before: Option<bytes::Bytes>,
    after: Option<bytes::Bytes>,
}

impl State {
    /// Whether anybody here is to be told of a lane's events.
    pub(crate) fn wants(&self, lane: &Lane) -> bool {
        match lane {
            Lane::Timeline(room) | Lane::Receipts(room) => self.routing.wants_room(room),
            // Rooms and members move the tables, and say who may come in while the read model is behind; a
            // room's creation is told to who comes in next.
            Lane::Room(_) | Lane::Member(..) => true,
            Lane::Inbox(user) | Lane::Threads(user) | Lane::Prefs(_, user) => {
                self.routing.wants_person(user)
            }
            // There are few of them, and their lanes do not say whose they are.
            Lane::Media(_) | Lane::User(_) | Lane::Session(_) => true,
            Lane::Challenges(_)
            | Lane::Identity(_)
            | Lane::Identities(_)
            | Lane::Handle(_)
            | Lane::Email(_)
            | Lane::RoomName(_)
            | Lane::Direct(_)
            | Lane::Report(_)
            | Lane::Blocks(_)
            | Lane::Audit(_)
            | Lane::Invite(_)
            | Lane::Erasure(_)
            | Lane::RoomHold(_)
            | Lane::Exports(_)
            | Lane::UserHold(_)
            | Lane::Retention(_) => false,
        }
    }

    /// Hands an event on: tables, memory, sockets. Answers how many frames that made.
    pub(crate) fn hand_on(&mut self, event: &Arc<Remembered>, ready: &Ready) -> usize {
        let broadcast = event.broadcast.get().and_then(Option::as_ref);
        let newcomer = broadcast.map(|told| self.newcomer(event, told)).unwrap_or_default();
        self.memory.push(event);
        self.head = event.sequence;
        if matches!(event.lane, Lane::Room(_) | Lane::Member(..)) {
            self.unprojected.note(event.sequence, &event.lane, ready.event.as_ref());
        }
        if let Some(event) = &ready.event {
            self.revoke(event);
            if let EventData::User(event) = &event.data
                && let Some(user) = event.after()
            {
                self.presence_preferences.insert(user.id, !user.preferences.presence);
            }
        }
        self.note_beside(&event.lane, broadcast.map(Arc::as_ref));
        let Some(broadcast) = broadcast else { return 0 };
        if let Effect::Created { room, members, everyone } = &broadcast.effect {
            members.iter().for_each(|member| self.routing.member(room, member, true));
            if *everyone {
                self.everyone.insert(*room);
                self.routing.everyone(room);
            }
        }
        match &broadcast.audience {
            Audience::Room(room) => self.routing.give_room(room, &broadcast.frame),
            Audience::RoomAnd(room, user) => self.member(room, user, broadcast, newcomer),
            Audience::Person(user) => self.routing.give_person(user, &broadcast.frame),
            Audience::PersonIn(room, user) if self.routing.is_in(room, user) => {
                self.routing.give_person(user, &broadcast.frame)
            }
            Audience::PersonIn(..) => 0,
            Audience::SharesRoomWith(user) | Audience::Erased(user) => {
                let own = broadcast.self_frame.as_ref().unwrap_or(&broadcast.frame);
                let rooms = Arc::clone(self.routing.rooms_of(user).unwrap_or(&ready.rooms));
                self.routing.give_rooms_but(&rooms, user, &broadcast.frame)
                    + self.routing.give_person(user, own)
            }
        }
    }

    /// A user who has posted does not type any more; what one may do in a room, and whom they may watch, may have
    /// changed.
    fn note_beside(&mut self, lane: &Lane, broadcast: Option<&Broadcast>) {
        if let Lane::Room(room) = lane {
            self.typists.room_changed(room);
        } else if let Lane::Member(room, user) = lane {
            self.typists.member_changed(room, user);
            let decides = self.everyone.is_empty() || self.everyone.contains(room);
            if decides && self.routing.wants_person(user) {
                self.watchers_changed.insert(*user);
            }
        } else if let Lane::Blocks(user) = lane {
            self.blocks_changed.insert(*user);
        } else if let Lane::Timeline(room) = lane
            && let Some(About::Posted { thread, by, .. }) = broadcast.map(|told| &told.about)
        {
            self.typists.ends(by, room, thread.as_ref());
        }
    }

    fn member(
        &mut self,
        room: &RoomId,
        user: &UserId,
        broadcast: &Broadcast,
        newcomer: Newcomer,
    ) -> usize {
        let Effect::Member { present, .. } = broadcast.effect else { return 0 };
        if present {
            self.routing.member(room, user, true);
            let mut given =
                newcomer.before.map_or(0, |frame| self.routing.give_person(user, &frame));
            given += self.routing.give_room(room, &broadcast.frame);
            return given
                + newcomer.after.map_or(0, |frame| self.routing.give_person(user, &frame));
        }
        let was_in = self.routing.is_in(room, user);
        let mut count = self.routing.give_room(room, &broadcast.frame);
        if !was_in {
            count += self.routing.give_person(user, &broadcast.frame);
        }
        self.routing.member(room, user, false);
        count
    }

    /// A user who comes into a room that was created a moment ago (in the same batch of events) is told of the room
    /// first: when it was created it had no members. One who is in a room again is told to load it again.
    fn newcomer(&self, event: &Remembered, broadcast: &Broadcast) -> Newcomer {
        let Effect::Member { room, user, present: true } = &broadcast.effect else {
            return Newcomer::default();
        };
        if self.routing.is_in(room, user) || !self.routing.wants_person(user) {
            return Newcomer::default();
        }
        let created = self.memory.creation_before(room, event.sequence);
        let before = created.and_then(|created| created.broadcast.get()?.as_ref());
        let place = Place { epoch: &self.epoch, sequence: event.sequence, previous: None };
        let reload = || frames::reload(place, room);
        Newcomer {
            before: before.map(|created| created.frame.clone()),
            after: (event.previous != Some(0)).then(reload),
        }
    }

    /// Closes the sockets of what ended.
    fn revoke(&self, event: &Event) {
        let (user, sessions) = match &event.data {
            EventData::Session(SessionEvent::Ended(ended)) => {
                (&ended.user_id, Some(&ended.session_ids))
            }
            EventData::User(UserEvent::SuspensionChanged(changed)) if changed.user.suspended => {
                (&changed.user.id, None)
            }
            EventData::User(UserEvent::Erased(erased)) => (&erased.user_id, None),
            EventData::User(_)
            | EventData::Session(_)
            | EventData::Challenge(_)
            | EventData::Identity(_)
            | EventData::Name(_)
            | EventData::Room(_)
            | EventData::Member(_)
            | EventData::Prefs(_)
            | EventData::Audit(_)
            | EventData::Invite(_)
            | EventData::Erasure(_)
            | EventData::Export(_)
            | EventData::Hold(_)
            | EventData::Retention(_)
            | EventData::Message(_)
            | EventData::Reaction(_)
            | EventData::Pin(_)
            | EventData::Receipt(_)
            | EventData::Thread(_)
            | EventData::Media(_)
            | EventData::Report(_)
            | EventData::Notification(_)
            | EventData::Block(_) => return,
        };
        for seat in self.routing.seats(user) {
            if sessions.is_none_or(|ended| ended.contains(&seat.session)) {
                seat.outbox.close_now(CloseCode::SessionEnded);
            }
        }
    }
}
