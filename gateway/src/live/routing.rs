//! Who hears what: the people connected here, the rooms they are in, the sockets they hold.
//!
//! Changed by the hub's one task in the order of the log, and by sockets that come and go. Knows no
//! events and no I/O. People stay known for a while after their last socket has gone, so that a crowd that
//! comes back costs no reads.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use schemas::{RoomId, SessionId, UserId};
use tokio::sync::OnceCell;

use crate::socket::Outbox;

/// Names a socket of this gateway.
pub(crate) type SocketId = u64;

/// How long a person is remembered after his last socket has gone.
const MEMORY_OF_PEOPLE: Duration = Duration::from_secs(600);

/// A socket of somebody.
#[derive(Debug, Clone)]
pub(crate) struct Seat {
    pub(crate) outbox: Arc<Outbox>,
    pub(crate) session: SessionId,
    /// Gets what happens. Before, it only counts and can be closed.
    attached: bool,
}

#[derive(Debug)]
struct Person {
    seats: Vec<Seat>,
    rooms: HashSet<RoomId>,
    /// Set once the rooms have been loaded; whoever is first loads them, the others wait.
    loaded: Arc<OnceCell<()>>,
    /// What happened to memberships while they are being loaded.
    noted: Vec<(RoomId, bool)>,
    since: Instant,
}

/// A room with at least so many sockets here has its frames gathered: below that, a socket's write costs too
/// little to wait for company.
const LARGE: usize = 16;
/// Bytes after which frames that follow one another in one room make a new run.
const MAX_RUN: usize = 64 * 1024;
/// Bytes of all runs that may be gathered.
const MAX_GATHERED: usize = 256 * 1024;

/// The tables.
#[derive(Debug, Default)]
pub(crate) struct Routing {
    people: HashMap<UserId, Person>,
    rooms: HashMap<RoomId, HashMap<SocketId, Arc<Outbox>>>,
    gathered: Gathered,
}

/// Frames for rooms that go out together. A WebSocket frame ends where it says, so a run of them is given
/// to a socket like one. They stand in the log's order across all rooms: a client takes the last position
/// it saw for everything before it.
#[derive(Debug, Default)]
struct Gathered {
    runs: Vec<(RoomId, BytesMut)>,
    bytes: usize,
}

impl Gathered {
    fn add(&mut self, room: &RoomId, frame: &Bytes) {
        self.bytes += frame.len();
        match self.runs.last_mut() {
            Some((last, run)) if last == room && run.len() < MAX_RUN => {
                run.extend_from_slice(frame)
            }
            _ => self.runs.push((room.clone(), BytesMut::from(frame.as_ref()))),
        }
    }
}

/// The user has as many sockets as he may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Crowded;

impl Routing {
    pub(crate) fn wants_room(&self, room: &RoomId) -> bool {
        self.rooms.contains_key(room)
    }

    pub(crate) fn wants_person(&self, user: &UserId) -> bool {
        self.people.contains_key(user)
    }

    /// Gives a socket its place with its user, who may have at most `limit`. It hears nothing yet.
    pub(crate) fn reserve(
        &mut self,
        user: &UserId,
        session: SessionId,
        outbox: Arc<Outbox>,
        limit: usize,
        now: Instant,
    ) -> Result<(), Crowded> {
        let person = self.people.entry(user.clone()).or_insert_with(|| Person {
            seats: Vec::new(),
            rooms: HashSet::new(),
            loaded: Arc::default(),
            noted: Vec::new(),
            since: now,
        });
        // One that is being closed has given up its place.
        if person.seats.iter().filter(|seat| seat.outbox.is_open()).count() >= limit {
            return Err(Crowded);
        }
        person.seats.push(Seat { outbox, session, attached: false });
        Ok(())
    }

    /// The cell that is set once the rooms of a person are known; none when he has left again.
    pub(crate) fn loading(&self, user: &UserId) -> Option<Arc<OnceCell<()>>> {
        self.people.get(user).map(|person| Arc::clone(&person.loaded))
    }

    /// The rooms a person is in are about to be loaded: what changes from now on is noted.
    pub(crate) fn begin_loading(&mut self, user: &UserId) {
        if let Some(person) = self.people.get_mut(user) {
            person.noted.clear();
        }
    }

    /// The rooms a person was in at some time after `begin_loading`; what was noted since comes on top.
    pub(crate) fn loaded(&mut self, user: &UserId, rooms: HashSet<RoomId>) {
        let Some(person) = self.people.get_mut(user) else { return };
        person.rooms = rooms;
        for (room, present) in std::mem::take(&mut person.noted) {
            if present {
                person.rooms.insert(room);
            } else {
                person.rooms.remove(&room);
            }
        }
    }

    /// From now on the socket hears what happens in its user's rooms. False when it has gone.
    pub(crate) fn attach(&mut self, user: &UserId, id: SocketId) -> bool {
        self.flush();
        let Some(person) = self.people.get_mut(user) else { return false };
        let Some(seat) = person.seats.iter_mut().find(|seat| seat.outbox.id() == id) else {
            return false;
        };
        seat.attached = true;
        for room in &person.rooms {
            self.rooms.entry(room.clone()).or_default().insert(id, Arc::clone(&seat.outbox));
        }
        true
    }

    /// A socket has gone.
    pub(crate) fn leave(&mut self, user: &UserId, id: SocketId, now: Instant) {
        let Some(person) = self.people.get_mut(user) else { return };
        person.seats.retain(|seat| seat.outbox.id() != id);
        person.since = now;
        for room in &person.rooms {
            unseat(&mut self.rooms, room, id);
        }
        if person.loaded.get().is_none() && person.seats.is_empty() {
            self.people.remove(user);
        }
    }

    /// Forgets people who have been away for long.
    pub(crate) fn forget_absent(&mut self, now: Instant) {
        self.people.retain(|_, person| {
            !person.seats.is_empty()
                || now.saturating_duration_since(person.since) < MEMORY_OF_PEOPLE
        });
    }

    /// Somebody came into a room or went.
    pub(crate) fn member(&mut self, room: &RoomId, user: &UserId, present: bool) {
        self.flush();
        let Some(person) = self.people.get_mut(user) else { return };
        if person.loaded.get().is_none() {
            person.noted.push((room.clone(), present));
        }
        if present {
            person.rooms.insert(room.clone());
            for seat in person.seats.iter().filter(|seat| seat.attached) {
                let sockets = self.rooms.entry(room.clone()).or_default();
                sockets.insert(seat.outbox.id(), Arc::clone(&seat.outbox));
            }
        } else {
            person.rooms.remove(room);
            for seat in &person.seats {
                unseat(&mut self.rooms, room, seat.outbox.id());
            }
        }
    }

    /// A room to which everybody belongs came to be.
    pub(crate) fn everyone(&mut self, room: &RoomId) {
        let everybody: Vec<UserId> = self.people.keys().cloned().collect();
        for user in everybody {
            self.member(room, &user, true);
        }
    }

    /// The rooms a person known here is in; none when he is not known or not loaded yet.
    pub(crate) fn rooms_of(&self, user: &UserId) -> Option<&HashSet<RoomId>> {
        self.people
            .get(user)
            .filter(|person| person.loaded.get().is_some())
            .map(|person| &person.rooms)
    }

    /// Gives a frame to every socket in a room, or gathers it for them: see [`Routing::flush`]. Answers for how
    /// many sockets.
    pub(crate) fn give_room(&mut self, room: &RoomId, frame: &Bytes) -> usize {
        let Some(sockets) = self.rooms.get(room) else { return 0 };
        if sockets.len() < LARGE && !self.gathers() {
            return sockets.values().filter(|outbox| outbox.push(frame.clone())).count();
        }
        let count = sockets.len();
        self.gathered.add(room, frame);
        if self.gathered.bytes > MAX_GATHERED {
            self.flush();
        }
        count
    }

    /// Whether frames wait for [`Routing::flush`].
    pub(crate) const fn gathers(&self) -> bool {
        !self.gathered.runs.is_empty()
    }

    /// Gives what was gathered to the sockets that are in the rooms now. Everything that changes who they are,
    /// or gives a socket something else, does this first. Answers how many queues were written to.
    pub(crate) fn flush(&mut self) -> usize {
        if !self.gathers() {
            return 0;
        }
        let mut writes = 0;
        for (room, run) in std::mem::take(&mut self.gathered).runs {
            let Some(sockets) = self.rooms.get(&room) else { continue };
            let run = run.freeze();
            writes += sockets.values().filter(|outbox| outbox.push(run.clone())).count();
        }
        writes
    }

    /// Gives a frame to every socket of a person. Answers how many took it.
    pub(crate) fn give_person(&mut self, user: &UserId, frame: &Bytes) -> usize {
        self.flush();
        let Some(person) = self.people.get(user) else { return 0 };
        let attached = person.seats.iter().filter(|seat| seat.attached);
        attached.filter(|seat| seat.outbox.push(frame.clone())).count()
    }

    /// Gives a frame to every socket in any of these rooms, once each, but not to one person's.
    pub(crate) fn give_rooms_but(
        &mut self,
        rooms: &HashSet<RoomId>,
        but: &UserId,
        frame: &Bytes,
    ) -> usize {
        self.flush();
        let own: HashSet<SocketId> = self.seats(but).map(|seat| seat.outbox.id()).collect();
        let mut told: HashSet<SocketId> = HashSet::new();
        for sockets in rooms.iter().filter_map(|room| self.rooms.get(room)) {
            for (id, outbox) in sockets {
                if !own.contains(id) && told.insert(*id) {
                    outbox.push(frame.clone());
                }
            }
        }
        told.len()
    }

    /// The sockets of a person.
    pub(crate) fn seats(&self, user: &UserId) -> impl Iterator<Item = &Seat> {
        self.people.get(user).into_iter().flat_map(|person| &person.seats)
    }

    /// Whether a person's socket gets a room's events.
    pub(crate) fn is_in(&self, room: &RoomId, user: &UserId) -> bool {
        self.people.get(user).is_some_and(|person| person.rooms.contains(room))
    }
}

fn unseat(
    rooms: &mut HashMap<RoomId, HashMap<SocketId, Arc<Outbox>>>,
    room: &RoomId,
    id: SocketId,
) {
    if let Some(sockets) = rooms.get_mut(room) {
        sockets.remove(&id);
        if sockets.is_empty() {
            rooms.remove(room);
        }
    }
}

#[cfg(test)]
mod tests;
