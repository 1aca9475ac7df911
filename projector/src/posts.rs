//! Which messages have been posted, as far as it is known without asking the store.
//!
//! A message's sender may have sent it twice: then its client id is used already and the repeat changes nothing. So
//! every post asks whether its message id and client id are new. Nearly all are, and asking the store each time would
//! be half of the projector's work.

use std::collections::HashMap;
use std::hash::BuildHasher;

use foldhash::fast::RandomState;
use readmodel::MessageDoc;
use schemas::ids::{MessageId, RoomId, UserId};
use schemas::values::ClientId;

use crate::bloom::Bloom;
use crate::table::{NotLoaded, Table};

/// The name a message's sender gave it: room, sender, client id.
type ClientKey = (RoomId, UserId, ClientId);

/// The messages at hand.
type Messages = Table<MessageId, MessageDoc>;

fn client_key(message: &MessageDoc, client_id: &ClientId) -> ClientKey {
    (message.room_id, message.sender_id, client_id.clone())
}

/// Message ids and client ids that are known to be used, or to be new.
#[derive(Debug, Default)]
pub(crate) struct Posts {
    /// Messages posted by the last batches, by the hash of their client id.
    posted: HashMap<u64, (MessageId, u64), RandomState>,
    /// What the store said: whether a client id is used.
    known: HashMap<ClientKey, (bool, u64), RandomState>,
    /// Every message id and client id there is; only when the generation has been filled from its beginning.
    all: Option<Bloom>,
    state: RandomState,
    turn: u64,
}

impl Posts {
    /// For a generation that is empty, which about so many events will fill.
    pub(crate) fn of_empty_generation(events: u64) -> Self {
        // A message has an id and usually a client id.
        Self { all: Some(Bloom::with_room_for(events.saturating_mul(2))), ..Self::default() }
    }

    fn hash(&self, room: &RoomId, sender: &UserId, client_id: &ClientId) -> u64 {
        self.state.hash_one((room, sender, client_id))
    }

    /// Whether there is certainly no message of this id, apart from those at hand.
    pub(crate) fn is_new(&self, id: &MessageId) -> bool {
        self.all.as_ref().is_some_and(|all| !all.may_contain(self.state.hash_one(id)))
    }

    /// Whether the store has been asked about a client id.
    pub(crate) fn has_asked(&self, room: &RoomId, sender: &UserId, client_id: &ClientId) -> bool {
        let key = (*room, *sender, client_id.clone());
        self.known.contains_key(&key)
    }

    /// Whether it is known, without asking the store, if a client id is used.
    pub(crate) fn knows(
        &self,
        messages: &Messages,
        room: &RoomId,
        sender: &UserId,
        client_id: &ClientId,
    ) -> bool {
        let hash = self.hash(room, sender, client_id);
        self.all.as_ref().is_some_and(|all| !all.may_contain(hash))
            || self.posted_lately(messages, hash, room, sender, client_id)
    }

    fn posted_lately(
        &self,
        messages: &Messages,
        hash: u64,
        room: &RoomId,
        sender: &UserId,
        client_id: &ClientId,
    ) -> bool {
        let posted = self.posted.get(&hash);
        let message = posted.and_then(|(id, _)| messages.get(id).ok().flatten());
        message.is_some_and(|message| {
            message.room_id == *room
                && message.sender_id == *sender
                && message.client_id.as_ref() == Some(client_id)
        })
    }

    /// Whether a client id is used.
    pub(crate) fn used(
        &self,
        messages: &Messages,
        room: &RoomId,
        sender: &UserId,
        client_id: &ClientId,
    ) -> Result<bool, NotLoaded> {
        let hash = self.hash(room, sender, client_id);
        if self.posted_lately(messages, hash, room, sender, client_id) {
            return Ok(true);
        }
        if self.known.is_empty() && self.all.is_some() {
            return Ok(false);
        }
        let key = (*room, *sender, client_id.clone());
        match self.known.get(&key) {
            Some((used, _)) => Ok(*used),
            // The engine has asked for every client id that was not certainly new.
            None if self.all.is_some() => Ok(false),
            None => Err(NotLoaded(format!("{key:?}"))),
        }
    }

    /// Takes a message the store has answered with.
    pub(crate) fn learn(&mut self, message: &MessageDoc) {
        if let Some(client_id) = &message.client_id {
            self.known.insert(client_key(message, client_id), (true, self.turn));
        }
    }

    /// Takes a client id the store has not found, unless more is known here.
    pub(crate) fn learn_absent(&mut self, room: RoomId, sender: UserId, client_id: ClientId) {
        self.known.entry((room, sender, client_id)).or_insert((false, self.turn));
    }

    /// Takes a message that is about to be put among those at hand.
    pub(crate) fn post(&mut self, messages: &Messages, message: &MessageDoc) {
        if let Some(all) = &mut self.all {
            all.insert(self.state.hash_one(message.id));
        }
        let Some(client_id) = &message.client_id else { return };
        let hash = self.hash(&message.room_id, &message.sender_id, client_id);
        if let Some(all) = &mut self.all {
            all.insert(hash);
        }
        let posted = self.posted.insert(hash, (message.id, self.turn));
        if let Some((other, _)) = posted
            && let Ok(Some(other)) = messages.get(&other)
            && let Some(client_id) = &other.client_id
        {
            // Another client id of the same hash has lost its place.
            self.known.insert(client_key(other, client_id), (true, self.turn));
        }
        if !self.known.is_empty()
            && let Some(known) = self.known.get_mut(&client_key(message, client_id))
        {
            *known = (true, self.turn);
        }
    }

    /// Ends a batch: forgets what it did not touch, of what there is too much.
    pub(crate) fn turn(&mut self, kept: usize) {
        let turn = self.turn;
        if self.posted.len() > kept / 2 {
            self.posted.retain(|_, (_, touched)| *touched == turn);
        }
        if self.known.len() > kept {
            self.known.retain(|_, (_, touched)| *touched == turn);
        }
        self.turn += 1;
    }
}
