//! What sockets are told beside the log: by the tables of who is in which room, at once and never again.

use std::collections::{HashMap, HashSet};
use std::time::Instant;

use bytes::Bytes;
use schemas::frames::ServerFrame;
use schemas::{RoomId, UserId};

use super::hub::Hub;
use super::typing::{Origin, Telling, TypingPlace};
use super::wire;

/// Rooms of one user that other gateways are told of.
const MAX_DECIDING: usize = 1_000;

impl Hub {
    /// Whether a user with a socket here is in a room.
    pub(crate) fn is_in(&self, room: &RoomId, user: &UserId) -> bool {
        self.inner.state.lock().routing.is_in(room, user)
    }

    /// The rooms a user known here is in.
    pub(crate) fn rooms_of(&self, user: &UserId) -> HashSet<RoomId> {
        let state = self.inner.state.lock();
        state.routing.rooms_of(user).map(|rooms| HashSet::clone(rooms)).unwrap_or_default()
    }

    /// How many rooms a user known here is in.
    pub(crate) fn count_rooms_of(&self, user: &UserId) -> usize {
        self.inner.state.lock().routing.rooms_of(user).map_or(0, |rooms| rooms.len())
    }

    /// Who of these is in a room of everybody; none when there is no such room.
    pub(crate) fn in_everyone(&self, users: &HashSet<&UserId>) -> Option<HashSet<UserId>> {
        let state = self.inner.state.lock();
        if state.everyone.is_empty() {
            return None;
        }
        let inside =
            |user: &&UserId| state.everyone.iter().any(|room| state.routing.is_in(room, user));
        Some(users.iter().copied().filter(inside).cloned().collect())
    }

    /// The rooms of a user, where people who share one may know more of each other: where no room is everybody's.
    pub(crate) fn rooms_that_decide(&self, user: &UserId) -> Vec<RoomId> {
        if self.inner.state.lock().everyone.is_empty() {
            self.rooms_of(user).into_iter().take(MAX_DECIDING).collect()
        } else {
            Vec::new()
        }
    }

    /// The users known here for whom it has changed since the last call whom they may watch.
    pub(crate) fn take_watchers_changed(&self) -> HashSet<UserId> {
        std::mem::take(&mut self.inner.state.lock().watchers_changed)
    }

    /// The users who have changed whom they block since the last call.
    pub(crate) fn take_blocks_changed(&self) -> HashSet<UserId> {
        std::mem::take(&mut self.inner.state.lock().blocks_changed)
    }

    /// The users whose account has changed since the last call, and whether they have turned their presence off.
    pub(crate) fn take_presence_preferences(&self) -> HashMap<UserId, bool> {
        std::mem::take(&mut self.inner.state.lock().presence_preferences)
    }

    /// A user goes on typing; false when their right to must be looked up (again).
    pub(crate) fn goes_on_typing(&self, user: &UserId, place: &TypingPlace) -> bool {
        self.inner.state.lock().typists.goes_on(user, place, Instant::now())
    }

    /// A user who may is typing. At another gateway it concerns this one when the room has people here.
    pub(crate) fn begins_typing(&self, user: &UserId, place: &TypingPlace, origin: Origin) {
        let mut state = self.inner.state.lock();
        let concerned = match origin {
            Origin::Here => state.routing.is_in(&place.room, user),
            Origin::Elsewhere => state.routing.wants_room(&place.room),
        };
        if concerned {
            state.typists.begins(user, place, origin, Instant::now());
        }
    }

    /// A user has stopped.
    pub(crate) fn ends_typing(&self, user: &UserId, place: &TypingPlace) {
        self.inner.state.lock().typists.ends(user, &place.room, place.thread.as_ref());
    }

    /// Tells rooms who is typing, as far as it is time to. Answers what other gateways are to be told, too.
    pub(crate) fn tell_typing(&self) -> Vec<Telling> {
        let mut state = self.inner.state.lock();
        let mut tellings = state.typists.turn(Instant::now());
        let mut rooms: HashMap<&RoomId, Vec<(UserId, Bytes)>> = HashMap::new();
        for telling in &tellings {
            let frame = wire::frame(&ServerFrame::Typing {
                room_id: telling.place.room,
                thread_root_id: telling.place.thread,
                user_id: telling.user,
                active: telling.active,
            });
            rooms.entry(&telling.place.room).or_default().push((telling.user, frame));
        }
        for (room, frames) in rooms {
            state.routing.give_aside(room, &frames);
        }
        drop(state);
        tellings.retain(|telling| telling.origin == Origin::Here);
        tellings
    }
}
