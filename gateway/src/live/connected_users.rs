//! The users known here, and which of them are in which room.
//!
//! A room lists users and not their sockets: a socket that comes or goes touches its user only, however
//! many rooms the user is in.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Instant;

use schemas::{RoomId, SessionId, UserId};
use tokio::sync::OnceCell;

use super::outbox::{Outbox, SocketId};

/// A socket of a user.
#[derive(Debug, Clone)]
pub(crate) struct Seat {
    pub(crate) outbox: Arc<Outbox>,
    pub(crate) session: SessionId,
    /// Gets what happens. Before, it only counts and can be closed.
    pub(super) attached: bool,
}

/// A user who has a socket here, or had one lately.
#[derive(Debug)]
pub(super) struct ConnectedUser {
    pub(super) seats: Vec<Seat>,
    /// Shared with those that read the memory of events for the user: a resume copies no list of rooms.
    rooms: Arc<HashSet<RoomId>>,
    /// Set once the rooms have been loaded; the first socket loads them, the others wait.
    pub(super) loaded: Arc<OnceCell<()>>,
    /// What happened to memberships while they are being loaded.
    pub(super) noted: Vec<(RoomId, bool)>,
    /// When the last socket has gone, if none is left.
    pub(super) since: Instant,
}

impl ConnectedUser {
    fn new(now: Instant) -> Self {
        Self {
            seats: Vec::new(),
            rooms: Arc::default(),
            loaded: Arc::default(),
            noted: Vec::new(),
            since: now,
        }
    }

    pub(super) const fn rooms(&self) -> &Arc<HashSet<RoomId>> {
        &self.rooms
    }

    pub(super) fn is_loaded(&self) -> bool {
        self.loaded.get().is_some()
    }

    /// The sockets that get what happens.
    pub(super) fn attached(&self) -> impl Iterator<Item = &Arc<Outbox>> {
        self.seats.iter().filter(|seat| seat.attached).map(|seat| &seat.outbox)
    }

    pub(super) fn seat(&mut self, id: SocketId) -> Option<&mut Seat> {
        self.seats.iter_mut().find(|seat| seat.outbox.id() == id)
    }
}

/// Every user known here.
#[derive(Debug, Default)]
pub(super) struct ConnectedUsers {
    places: HashMap<UserId, usize>,
    /// People by their place; an empty place is in `free`.
    kept: Vec<Option<ConnectedUser>>,
    free: Vec<usize>,
    /// The places of the people in each room that has any.
    rooms: HashMap<RoomId, HashSet<usize>>,
}

impl ConnectedUsers {
    pub(super) fn knows(&self, user: &UserId) -> bool {
        self.places.contains_key(user)
    }

    pub(super) fn get(&self, user: &UserId) -> Option<&ConnectedUser> {
        self.kept.get(*self.places.get(user)?)?.as_ref()
    }

    pub(super) fn get_mut(&mut self, user: &UserId) -> Option<&mut ConnectedUser> {
        self.kept.get_mut(*self.places.get(user)?)?.as_mut()
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &UserId> {
        self.places.keys()
    }

    /// Knows a user from now on.
    pub(super) fn admit(&mut self, user: &UserId, now: Instant) {
        if self.knows(user) {
            return;
        }
        let person = Some(ConnectedUser::new(now));
        let place = match self.free.pop() {
            Some(place) => {
                if let Some(kept) = self.kept.get_mut(place) {
                    *kept = person;
                }
                place
            }
            None => {
                self.kept.push(person);
                self.kept.len() - 1
            }
        };
        self.places.insert(*user, place);
    }

    /// Knows a user no more.
    pub(super) fn forget(&mut self, user: &UserId) {
        self.set_rooms(user, HashSet::new());
        let Some(place) = self.places.remove(user) else { return };
        if let Some(kept) = self.kept.get_mut(place) {
            *kept = None;
        }
        self.free.push(place);
    }

    /// Says which rooms a person known here is in.
    pub(super) fn set_rooms(&mut self, user: &UserId, rooms: HashSet<RoomId>) {
        let Some(place) = self.places.get(user).copied() else { return };
        let Some(Some(person)) = self.kept.get_mut(place) else { return };
        let before = std::mem::replace(&mut person.rooms, Arc::new(rooms));
        for room in person.rooms.difference(&before) {
            self.rooms.entry(*room).or_default().insert(place);
        }
        for room in before.difference(&person.rooms) {
            leave(&mut self.rooms, room, place);
        }
    }

    /// A user came into a room or left.
    pub(super) fn set_room(&mut self, user: &UserId, room: &RoomId, present: bool) {
        let Some(place) = self.places.get(user).copied() else { return };
        let Some(Some(person)) = self.kept.get_mut(place) else { return };
        if person.rooms.contains(room) == present {
            return;
        }
        let rooms = Arc::make_mut(&mut person.rooms);
        if present {
            rooms.insert(*room);
            self.rooms.entry(*room).or_default().insert(place);
        } else {
            rooms.remove(room);
            leave(&mut self.rooms, room, place);
        }
    }

    /// How many people known here are in a room.
    pub(super) fn count(&self, room: &RoomId) -> usize {
        self.rooms.get(room).map_or(0, HashSet::len)
    }

    /// The people known here who are in a room.
    pub(super) fn within(&self, room: &RoomId) -> impl Iterator<Item = &ConnectedUser> {
        let places = self.rooms.get(room).into_iter().flatten();
        places.filter_map(|place| self.kept.get(*place)?.as_ref())
    }
}

fn leave(rooms: &mut HashMap<RoomId, HashSet<usize>>, room: &RoomId, place: usize) {
    if let Some(users) = rooms.get_mut(room) {
        users.remove(&place);
        if users.is_empty() {
            rooms.remove(room);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::live::fixture::{room, user};

    #[test]
    fn a_room_lists_those_who_are_in_it_now() {
        let mut users = ConnectedUsers::default();
        let now = Instant::now();
        (1..=3).for_each(|n| users.admit(&user(n), now));
        users.set_rooms(&user(1), HashSet::from([room(1), room(2)]));
        users.set_rooms(&user(2), HashSet::from([room(1)]));
        users.set_room(&user(3), &room(2), true);
        assert_eq!((users.count(&room(1)), users.count(&room(2))), (2, 2));
        users.set_rooms(&user(1), HashSet::from([room(2), room(3)]));
        users.set_room(&user(3), &room(2), false);
        assert_eq!([1, 2, 3].map(|n| users.within(&room(n)).count()), [1, 1, 1]);
        users.forget(&user(1));
        assert_eq!([1, 2, 3].map(|n| users.count(&room(n))), [1, 0, 0]);
        users.admit(&user(4), now);
        assert!(users.get(&user(4)).is_some_and(|person| person.rooms().is_empty()));
        assert!(!users.knows(&user(1)));
    }

    #[test]
    fn a_read_under_way_keeps_the_rooms_it_began_with() {
        let mut users = ConnectedUsers::default();
        users.admit(&user(1), Instant::now());
        users.set_rooms(&user(1), HashSet::from([room(1)]));
        let read = users.get(&user(1)).map(|person| Arc::clone(person.rooms())).unwrap();
        users.set_room(&user(1), &room(2), true);
        assert_eq!(*read, HashSet::from([room(1)]));
        assert!(users.get(&user(1)).unwrap().rooms().contains(&room(2)));
    }
}
