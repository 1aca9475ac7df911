//! Who is present, as far as this gateway has to know: its own people, and those its sockets watch. Pure: time and
//! what others say are handed in, what is to be told comes out.
//!
//! Bounded by sockets: nothing is kept of a person who has no socket here and whom none watches.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use schemas::values::{Patch, PresenceStatus, StatusText};
use schemas::{RoomId, Timestamp, UserId};

use super::person::{self, Choice, Part, Shown};
use super::words::{GatewayId, Word};

mod gateways;
mod turn;
mod watching;

/// How long after their last socket has gone a person is still there: clients reconnect.
const GRACE: Duration = Duration::from_secs(10);
/// How long a gateway that says nothing counts as alive.
const SILENCE: Duration = Duration::from_secs(15);
/// How often watchers are told of one person at most.
const PACE: Duration = Duration::from_secs(1);

/// Names a socket of this gateway.
pub(super) type SocketId = u64;

/// A person with a socket here, or with one a moment ago.
#[derive(Debug, Default)]
struct Here {
    /// The sockets, and whether the device is idle.
    sockets: HashMap<SocketId, bool>,
    /// What it was when there still was a socket.
    away: bool,
    choice: Option<Choice>,
    /// When the last socket went, on both clocks.
    gone: Option<(Instant, Timestamp)>,
    /// Turned their presence off.
    private: bool,
    rooms: Vec<RoomId>,
    /// What other gateways were told.
    told: Option<Part>,
    /// Whether others could see them at the last turn.
    visible: bool,
}

impl Here {
    fn part(&self) -> Option<Part> {
        (!self.private).then(|| Part {
            away: self.away,
            choice: self.choice.clone(),
            rooms: self.rooms.clone(),
        })
    }
}

/// A person who is watched here.
#[derive(Debug)]
struct Watched {
    /// Other gateways have been asked.
    known: bool,
    /// It has been looked up when they were last seen.
    looked_up: bool,
    by: HashSet<SocketId>,
    shown: Shown,
    told: Option<Instant>,
    last_seen: Option<Timestamp>,
}

/// A socket that watches people.
#[derive(Debug)]
struct Watcher {
    /// The number of its question.
    question: u64,
    user: UserId,
    list: Vec<UserId>,
    /// It has been answered: changes are told to it.
    answered: bool,
}

/// A change of a person that sockets are to be told.
#[derive(Debug, PartialEq)]
pub(super) struct News {
    pub(super) user: UserId,
    pub(super) shown: Shown,
    pub(super) last_seen: Option<Timestamp>,
    pub(super) sockets: Vec<SocketId>,
}

/// What is to be done at a turn.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Turn {
    /// For sockets here.
    pub(super) news: Vec<News>,
    /// For other gateways.
    pub(super) words: Vec<Word>,
    /// People who are not to be seen any more, and since when: to be kept.
    pub(super) last_seen: Vec<(UserId, Timestamp)>,
    /// People who are never to be seen: of them nothing is kept.
    pub(super) hidden: Vec<UserId>,
}

/// The table.
#[derive(Debug, Default)]
pub(super) struct Table {
    here: HashMap<UserId, Here>,
    /// What other gateways say of people who matter here.
    there: HashMap<UserId, HashMap<GatewayId, Part>>,
    gateways: HashMap<GatewayId, Instant>,
    watched: HashMap<UserId, Watched>,
    watchers: HashMap<SocketId, Watcher>,
    questions: u64,
    /// People without a socket here whose grace is running.
    leaving: HashSet<UserId>,
    /// Gateways that have left, and until when their people still count as present.
    left: Vec<(Instant, GatewayId)>,
    /// People of whom something may have changed.
    changed: HashSet<UserId>,
    /// People of whom nothing is to be kept any more.
    hidden: Vec<UserId>,
}

impl Table {
    /// A socket of a user has come. True when the user had none here: others are to be asked about them.
    pub(super) fn arrives(
        &mut self,
        user: &UserId,
        socket: SocketId,
        private: bool,
        rooms: Vec<RoomId>,
    ) -> bool {
        let new = !self.here.contains_key(user);
        let here = self.here.entry(*user).or_default();
        here.sockets.insert(socket, false);
        (here.away, here.gone, here.private, here.rooms) = (false, None, private, rooms);
        self.leaving.remove(user);
        self.has_changed(user);
        if new && private {
            self.hide(user);
        }
        new
    }

    /// A socket of a user has gone.
    pub(super) fn leaves(
        &mut self,
        user: &UserId,
        socket: SocketId,
        now: Instant,
        wall: Timestamp,
    ) {
        self.unwatch(socket);
        let Some(here) = self.here.get_mut(user) else { return };
        if here.sockets.remove(&socket).is_none() {
            return;
        }
        if here.sockets.is_empty() {
            here.gone = Some((now, wall));
            self.leaving.insert(*user);
        } else {
            here.away = here.sockets.values().all(|away| *away);
        }
        self.has_changed(user);
    }

    /// A user says what they are. `away` is said of the device, and `online` takes that back; else it is a choice for
    /// all of their devices.
    pub(super) fn sets(
        &mut self,
        user: &UserId,
        socket: SocketId,
        status: PresenceStatus,
        text: Patch<StatusText>,
        wall: Timestamp,
    ) {
        let newest = self.choice_of(user);
        let Some(here) = self.here.get_mut(user) else { return };
        let Some(idle) = here.sockets.get_mut(&socket) else { return };
        let was_idle = std::mem::replace(idle, status == PresenceStatus::Away);
        here.away = here.sockets.values().all(|away| *away);
        let former = newest.as_ref().map_or(PresenceStatus::Online, |choice| choice.status);
        let status = match status {
            PresenceStatus::Away => former,
            PresenceStatus::Online if was_idle => former,
            PresenceStatus::Online | PresenceStatus::Dnd | PresenceStatus::Invisible => status,
        };
        let former_text = newest.as_ref().and_then(|choice| choice.text.as_ref());
        let text = match text {
            Patch::Keep => former_text.cloned(),
            Patch::Clear => None,
            Patch::Set(text) => Some(text),
        };
        if (status, text.as_ref()) != (former, former_text) {
            // Two choices in one moment: the later one counts.
            let at = newest.map_or(wall, |choice| wall.max(later(choice.at, 1)));
            here.choice = Some(Choice { status, text, at });
        }
        self.has_changed(user);
    }

    /// A user has turned their presence on or off.
    pub(super) fn set_private(&mut self, user: &UserId, private: bool) {
        if let Some(here) = self.here.get_mut(user)
            && here.private != private
        {
            here.private = private;
            self.has_changed(user);
        }
        if private {
            self.hide(user);
        }
    }

    fn has_changed(&mut self, user: &UserId) {
        self.changed.insert(*user);
    }

    /// Nothing is to be known or kept of when a user was last seen.
    fn hide(&mut self, user: &UserId) {
        self.hidden.push(*user);
        if let Some(watched) = self.watched.get_mut(user) {
            watched.last_seen = None;
        }
    }

    /// The newest choice of a person with a socket here.
    fn choice_of(&self, user: &UserId) -> Option<Choice> {
        let own = self.here.get(user).and_then(|here| here.choice.as_ref());
        let parts = self.there.get(user).into_iter().flat_map(HashMap::values);
        let others = person::choice(parts);
        own.into_iter().chain(others).max_by_key(|choice| choice.at).cloned()
    }

    fn forget_unless_concerned(&mut self, user: &UserId) {
        if !self.concerns(user) {
            self.there.remove(user);
        }
    }

    fn concerns(&self, user: &UserId) -> bool {
        self.here.contains_key(user) || self.watched.contains_key(user)
    }

    fn shown(&self, user: &UserId) -> Shown {
        let here = self.here.get(user);
        if here.is_some_and(|here| here.private) {
            return Shown::OFFLINE;
        }
        let own = here.and_then(Here::part);
        let others = self.there.get(user).into_iter().flat_map(HashMap::values);
        let parts: Vec<&Part> = own.iter().chain(others).collect();
        person::merged(&parts)
    }
}

fn later(time: Timestamp, millis: i64) -> Timestamp {
    Timestamp::from_millis(time.millis().saturating_add(millis))
}

#[cfg(test)]
mod tests;
