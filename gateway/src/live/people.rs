//! Who is known here, and who of them is in which room.
//!
//! A room lists people and not their sockets: a socket that comes or goes touches its person only, however
//! many rooms he is in.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Instant;

use schemas::{RoomId, SessionId, UserId};
use tokio::sync::OnceCell;

use super::outbox::{Outbox, SocketId};

/// A socket of somebody.
#[derive(Debug, Clone)]
pub(crate) struct Seat {
    pub(crate) outbox: Arc<Outbox>,
    pub(crate) session: SessionId,
    /// Gets what happens. Before, it only counts and can be closed.
    pub(super) attached: bool,
}

/// Somebody who has a socket here, or had one lately.
#[derive(Debug)]
pub(super) struct Person {
    pub(super) seats: Vec<Seat>,
    /// Shared with whoever reads the memory of events for him: a resume copies no list of rooms.
    rooms: Arc<HashSet<RoomId>>,
    /// Set once the rooms have been loaded; whoever is first loads them, the others wait.
    pub(super) loaded: Arc<OnceCell<()>>,
    /// What happened to memberships while they are being loaded.
    pub(super) noted: Vec<(RoomId, bool)>,
    /// When his last socket has gone, if none is left.
    pub(super) since: Instant,
}

impl Person {
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

    /// His sockets that get what happens.
    pub(super) fn attached(&self) -> impl Iterator<Item = &Arc<Outbox>> {
        self.seats.iter().filter(|seat| seat.attached).map(|seat| &seat.outbox)
    }

    pub(super) fn seat(&mut self, id: SocketId) -> Option<&mut Seat> {
        self.seats.iter_mut().find(|seat| seat.outbox.id() == id)
    }
}

/// Everybody known here.
#[derive(Debug, Default)]
pub(super) struct People {
    places: HashMap<UserId, usize>,
    /// People by their place; an empty place is in `free`.
    kept: Vec<Option<Person>>,
    free: Vec<usize>,
    /// The places of the people in each room that has any.
    rooms: HashMap<RoomId, HashSet<usize>>,
}

impl People {
    pub(super) fn knows(&self, user: &UserId) -> bool {
        self.places.contains_key(user)
    }

    pub(super) fn get(&self, user: &UserId) -> Option<&Person> {
        self.kept.get(*self.places.get(user)?)?.as_ref()
    }

    pub(super) fn get_mut(&mut self, user: &UserId) -> Option<&mut Person> {
        self.kept.get_mut(*self.places.get(user)?)?.as_mut()
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &UserId> {
        self.places.keys()
    }

    /// Knows somebody from now on.
    pub(super) fn admit(&mut self, user: &UserId, now: Instant) {
        if self.knows(user) {
            return;
        }
        let person = Some(Person::new(now));
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
        self.places.insert(user.clone(), place);
    }

    /// Knows somebody no more.
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
            self.rooms.entry(room.clone()).or_default().insert(place);
        }
        for room in before.difference(&person.rooms) {
            leave(&mut self.rooms, room, place);
        }
    }

    /// Somebody came into a room or went.
    pub(super) fn set_room(&mut self, user: &UserId, room: &RoomId, present: bool) {
        let Some(place) = self.places.get(user).copied() else { return };
        let Some(Some(person)) = self.kept.get_mut(place) else { return };
        if person.rooms.contains(room) == present {
            return;
        }
        let rooms = Arc::make_mut(&mut person.rooms);
        if present {
            rooms.insert(room.clone());
            self.rooms.entry(room.clone()).or_default().insert(place);
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
    pub(super) fn within(&self, room: &RoomId) -> impl Iterator<Item = &Person> {
        let places = self.rooms.get(room).into_iter().flatten();
        places.filter_map(|place| self.kept.get(*place)?.as_ref())
    }
}

fn leave(rooms: &mut HashMap<RoomId, HashSet<usize>>, room: &RoomId, place: usize) {
    if let Some(people) = rooms.get_mut(room) {
        people.remove(&place);
        if people.is_empty() {
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
        let mut people = People::default();
        let now = Instant::now();
        (1..=3).for_each(|n| people.admit(&user(n), now));
        people.set_rooms(&user(1), HashSet::from([room(1), room(2)]));
        people.set_rooms(&user(2), HashSet::from([room(1)]));
        people.set_room(&user(3), &room(2), true);
        assert_eq!((people.count(&room(1)), people.count(&room(2))), (2, 2));
        people.set_rooms(&user(1), HashSet::from([room(2), room(3)]));
        people.set_room(&user(3), &room(2), false);
        assert_eq!([1, 2, 3].map(|n| people.within(&room(n)).count()), [1, 1, 1]);
        people.forget(&user(1));
        assert_eq!([1, 2, 3].map(|n| people.count(&room(n))), [1, 0, 0]);
        people.admit(&user(4), now);
        assert!(people.get(&user(4)).is_some_and(|person| person.rooms().is_empty()));
        assert!(!people.knows(&user(1)));
    }

    #[test]
    fn who_reads_for_somebody_keeps_the_rooms_he_began_with() {
        let mut people = People::default();
        people.admit(&user(1), Instant::now());
        people.set_rooms(&user(1), HashSet::from([room(1)]));
        let read = people.get(&user(1)).map(|person| Arc::clone(person.rooms())).unwrap();
        people.set_room(&user(1), &room(2), true);
        assert_eq!(*read, HashSet::from([room(1)]));
        assert!(people.get(&user(1)).unwrap().rooms().contains(&room(2)));
    }
}
