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

use super::connected_users::{ConnectedUser, ConnectedUsers, Seat};
use super::outbox::{Outbox, SocketId};

/// How long a user is remembered after their last socket has gone.
const MEMORY_OF_PEOPLE: Duration = Duration::from_secs(600);

/// A room with at least so many people known here has its frames gathered: below that, a socket's write costs
/// too little to wait for company.
const LARGE: usize = 16;
/// Bytes after which frames that follow one another in one room make a new run.
const MAX_RUN: usize = 64 * 1024;
/// Bytes of all runs that may be gathered.
const MAX_GATHERED: usize = 256 * 1024;

/// The tables.
#[derive(Debug, Default)]
pub(crate) struct Routing {
    people: ConnectedUsers,
    gathered: Gathered,
    /// Frames that sockets have taken, until the hub asks.
    given: u64,
}

/// Frames for rooms that go out together. A WebSocket frame ends where it says, so a run of them is given
/// to a socket like one. They stand in the log's order across all rooms: a client takes the last position
/// it saw for everything before it.
#[derive(Debug, Default)]
struct Gathered {
    runs: Vec<Gathering>,
    bytes: usize,
}

#[derive(Debug)]
struct Gathering {
    room: RoomId,
    frames: u64,
    run: BytesMut,
}

impl Gathered {
    fn add(&mut self, room: &RoomId, frame: &Bytes) {
        self.bytes += frame.len();
        match self.runs.last_mut() {
            Some(last) if last.room == *room && last.run.len() < MAX_RUN => {
                last.run.extend_from_slice(frame);
                last.frames += 1;
            }
            _ => {
                let run = BytesMut::from(frame.as_ref());
                self.runs.push(Gathering { room: *room, frames: 1, run });
            }
        }
    }
}

/// The user has as many sockets as they may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Crowded;

impl Routing {
    /// Whether a room has sockets here. Of a room with many people the first few are looked at: it may be taken
    /// for one that has.
    pub(crate) fn wants_room(&self, room: &RoomId) -> bool {
        let here = |person: &ConnectedUser| person.attached().next().is_some();
        self.people.count(room) > LARGE || self.people.within(room).any(here)
    }

    pub(crate) fn wants_person(&self, user: &UserId) -> bool {
        self.people.knows(user)
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
        self.people.admit(user, now);
        let Some(person) = self.people.get_mut(user) else { return Err(Crowded) };
        // One that is being closed has given up its place.
        if person.seats.iter().filter(|seat| seat.outbox.is_open()).count() >= limit {
            return Err(Crowded);
        }
        person.seats.push(Seat { outbox, session, attached: false });
        Ok(())
    }

    /// The cell that is set once the rooms of a person are known; none when they have left again.
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
    pub(crate) fn loaded(&mut self, user: &UserId, mut rooms: HashSet<RoomId>) {
        let Some(person) = self.people.get_mut(user) else { return };
        for (room, present) in std::mem::take(&mut person.noted) {
            if present {
                rooms.insert(room);
            } else {
                rooms.remove(&room);
            }
        }
        self.people.set_rooms(user, rooms);
    }

    /// From now on the socket hears what happens in its user's rooms. False when it has gone.
    pub(crate) fn attach(&mut self, user: &UserId, id: SocketId) -> bool {
        self.flush();
        let seat = self.people.get_mut(user).and_then(|person| person.seat(id));
        seat.is_some_and(|seat| {
            seat.attached = true;
            true
        })
    }

    /// From now on the socket hears nothing until it is attached again; what was gathered for it goes out first.
    pub(crate) fn detach(&mut self, user: &UserId, id: SocketId) {
        self.flush();
        if let Some(seat) = self.people.get_mut(user).and_then(|person| person.seat(id)) {
            seat.attached = false;
        }
    }

    /// A socket has gone.
    pub(crate) fn leave(&mut self, user: &UserId, id: SocketId, now: Instant) {
        let Some(person) = self.people.get_mut(user) else { return };
        person.seats.retain(|seat| seat.outbox.id() != id);
        person.since = now;
        if !person.is_loaded() && person.seats.is_empty() {
            self.people.forget(user);
        }
    }

    /// Forgets people who have been away for long.
    pub(crate) fn forget_absent(&mut self, now: Instant) {
        let absent = |user: &&UserId| {
            self.people.get(user).is_some_and(|person| {
                let away = now.saturating_duration_since(person.since);
                person.seats.is_empty() && away >= MEMORY_OF_PEOPLE
            })
        };
        let absent: Vec<UserId> = self.people.names().filter(absent).cloned().collect();
        for user in absent {
            self.people.forget(&user);
        }
    }

    /// A user came into a room or left.
    pub(crate) fn member(&mut self, room: &RoomId, user: &UserId, present: bool) {
        self.flush();
        let Some(person) = self.people.get_mut(user) else { return };
        if !person.is_loaded() {
            person.noted.push((*room, present));
        }
        self.people.set_room(user, room, present);
    }

    /// A room to which every user belongs was created.
    pub(crate) fn everyone(&mut self, room: &RoomId) {
        let users: Vec<UserId> = self.people.names().cloned().collect();
        for user in users {
            self.member(room, &user, true);
        }
    }

    /// The rooms a person known here is in; none when they are not known or not loaded yet.
    pub(crate) fn rooms_of(&self, user: &UserId) -> Option<&Arc<HashSet<RoomId>>> {
        self.people.get(user).filter(|person| person.is_loaded()).map(ConnectedUser::rooms)
    }

    /// Frames that sockets have taken since the last call; those of a run count one by one.
    pub(crate) const fn take_given(&mut self) -> u64 {
        std::mem::replace(&mut self.given, 0)
    }

    /// Gives a frame to every socket in a room, or gathers it for them: see [`Routing::flush`]. Answers for how
    /// many sockets; for how many people at most, when it is gathered.
    pub(crate) fn give_room(&mut self, room: &RoomId, frame: &Bytes) -> usize {
        let people = self.people.count(room);
        if people == 0 {
            return 0;
        }
        if people < LARGE && !self.gathers() {
            let sockets = self.people.within(room).flat_map(ConnectedUser::attached);
            let count = sockets.filter(|outbox| outbox.push(frame.clone())).count();
            self.given += u64::try_from(count).unwrap_or(0);
            return count;
        }
        self.gathered.add(room, frame);
        if self.gathered.bytes > MAX_GATHERED {
            self.flush();
        }
        people
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
        for Gathering { room, frames, run } in std::mem::take(&mut self.gathered).runs {
            let run = run.freeze();
            let sockets = self.people.within(&room).flat_map(ConnectedUser::attached);
            let count = sockets.filter(|outbox| outbox.push(run.clone())).count();
            self.given += u64::try_from(count).unwrap_or(0) * frames;
            writes += count;
        }
        writes
    }

    /// Gives a frame to every socket of a person. Answers how many took it.
    pub(crate) fn give_person(&mut self, user: &UserId, frame: &Bytes) -> usize {
        self.flush();
        let Some(person) = self.people.get(user) else { return 0 };
        let count = person.attached().filter(|outbox| outbox.push(frame.clone())).count();
        self.given += u64::try_from(count).unwrap_or(0);
        count
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
        let people = rooms.iter().flat_map(|room| self.people.within(room));
        for outbox in people.flat_map(ConnectedUser::attached) {
            if !own.contains(&outbox.id()) && told.insert(outbox.id()) {
                outbox.push(frame.clone());
            }
        }
        self.given += u64::try_from(told.len()).unwrap_or(0);
        told.len()
    }

    /// Gives frames to every socket in a room, each but to the sockets of the user it is about, and not to those that
    /// have much to read already. They have no place in the log's order, so nothing gathered goes out for them.
    pub(crate) fn give_aside(&mut self, room: &RoomId, frames: &[(UserId, Bytes)]) {
        let own: HashMap<SocketId, &UserId> = frames
            .iter()
            .flat_map(|(user, _)| self.seats(user).map(move |seat| (seat.outbox.id(), user)))
            .collect();
        let mut run = BytesMut::new();
        frames.iter().for_each(|(_, frame)| run.extend_from_slice(frame));
        let run = run.freeze();
        let mut given = 0;
        for outbox in self.people.within(room).flat_map(ConnectedUser::attached) {
            match own.get(&outbox.id()) {
                None if outbox.offer(run.clone()) => given += frames.len(),
                None => {}
                Some(user) => {
                    let others = frames.iter().filter(|(about, _)| about != *user);
                    given += others.filter(|(_, frame)| outbox.offer(frame.clone())).count();
                }
            }
        }
        self.given += u64::try_from(given).unwrap_or(0);
    }

    /// The sockets of a person.
    pub(crate) fn seats(&self, user: &UserId) -> impl Iterator<Item = &Seat> {
        self.people.get(user).into_iter().flat_map(|person| &person.seats)
    }

    /// Whether a person's socket gets a room's events.
    pub(crate) fn is_in(&self, room: &RoomId, user: &UserId) -> bool {
        self.people.get(user).is_some_and(|person| person.rooms().contains(room))
    }
}

#[cfg(test)]
mod tests;
