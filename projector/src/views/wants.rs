//! What a batch needs loaded: every family names it here.

use std::collections::HashSet;

use foldhash::fast::RandomState;
use readmodel::{Key, Want};
use schemas::ids::{MessageId, RoomId, SightingId, UserId};
use schemas::values::ClientId;

use crate::working_set::WorkingSet;

/// What a batch needs loaded, beyond what is at hand.
#[derive(Debug)]
pub(crate) struct Wants<'a> {
    set: &'a WorkingSet,
    /// The rooms of everyone, those created in the same batch included.
    everyone: &'a [RoomId],
    wants: HashSet<Want, RandomState>,
    /// Messages there are certainly none of: nothing is asked for.
    new: Vec<MessageId>,
    /// Rooms of everyone that are created: every registered user must be known.
    everybody: Vec<RoomId>,
}

impl<'a> Wants<'a> {
    /// Nothing yet; `everyone` are the rooms of everyone, those created in the same batch included.
    pub(crate) fn of(set: &'a WorkingSet, everyone: &'a [RoomId]) -> Self {
        Self { set, everyone, wants: HashSet::default(), new: Vec::new(), everybody: Vec::new() }
    }

    /// What to load, the messages that are new, and the rooms every registered user belongs to.
    pub(crate) fn into_parts(self) -> (Vec<Want>, Vec<MessageId>, Vec<RoomId>) {
        (self.wants.into_iter().collect(), self.new, self.everybody)
    }

    /// The rooms every new account joins.
    pub(super) const fn everyone_rooms(&self) -> &'a [RoomId] {
        self.everyone
    }

    pub(crate) fn key(&mut self, key: Key) {
        self.wants.insert(Want::Key(key));
    }

    pub(crate) fn room(&mut self, room: &RoomId) {
        if !self.set.rooms.knows(room) {
            self.key(Key::Room(*room));
        }
    }

    pub(crate) fn message(&mut self, id: &MessageId) {
        if self.set.is_new_message(id) {
            self.new.push(*id);
        } else if !self.set.messages.knows(id) {
            self.key(Key::Message(*id));
        }
    }

    pub(crate) fn client_id(&mut self, room: &RoomId, sender: &UserId, client_id: &ClientId) {
        if !self.set.knows_client_id(room, sender, client_id) {
            let want = Want::ClientId(*room, *sender, client_id.clone());
            self.wants.insert(want);
        }
    }

    pub(crate) fn membership(&mut self, room: &RoomId, user: &UserId) {
        if !self.set.memberships.knows(&(*room, *user)) {
            self.key(Key::Membership(*room, *user));
        }
    }

    pub(crate) fn pins(&mut self, room: &RoomId) {
        if !self.set.pins.knows(room) {
            self.key(Key::Pins(*room));
        }
    }

    pub(crate) fn history(&mut self, message: &MessageId) {
        if !self.set.histories.knows(message) {
            self.key(Key::History(*message));
        }
    }

    pub(crate) fn thread(&mut self, root: &MessageId) {
        if !self.set.threads.knows(root) {
            self.key(Key::Thread(*root));
        }
    }

    pub(crate) fn follower(&mut self, root: &MessageId, user: &UserId) {
        if !self.set.followers.knows(&(*root, *user)) {
            self.key(Key::Follower(*root, *user));
        }
    }

    pub(crate) fn sighting(&mut self, id: &SightingId) {
        if !self.set.sightings.knows(id) {
            self.key(Key::Sighting(*id));
        }
    }

    pub(crate) fn everybody(&mut self, room: &RoomId) {
        self.everybody.push(*room);
    }
}
