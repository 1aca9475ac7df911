//! The documents a batch of events touches, in memory.
//!
//! Views read and change them here; the engine loads what is missing before a batch and writes what
//! changed after it. Between batches the set stays as a cache (the projector is the only writer), bounded
//! by forgetting what the last batch did not touch. What a batch has changed is shared with the task that
//! writes it, so the next batch can be projected meanwhile.

use std::collections::{BTreeSet, HashMap};
use std::hash::{BuildHasher, Hash};
use std::sync::Arc;

use foldhash::fast::RandomState;
use readmodel::{
    Doc, InboxDoc, Key, MembershipDoc, MessageDoc, NotificationDoc, RoomDoc, SiteDoc, UserDoc, Want,
};
use schemas::ids::{MessageId, NotificationId, RoomId, UserId};
use schemas::values::ClientId;

use crate::seen::Seen;

/// Documents of one table kept between batches, unless set otherwise.
pub(crate) const KEPT: usize = 50_000;

/// A view touched a document its `needs` did not name. A bug; the event is not applied.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a view touched {0}, which was not loaded")]
pub(crate) struct NotLoaded(pub(crate) String);

/// Documents of one kind: loaded, known to be missing, or changed.
#[derive(Debug)]
pub(crate) struct Table<K, T> {
    slots: HashMap<K, Slot<T>, RandomState>,
    changed: Vec<K>,
    turn: u64,
}

#[derive(Debug)]
struct Slot<T> {
    doc: Option<Arc<T>>,
    changed: bool,
    /// The last batch that loaded or changed it.
    turn: u64,
}

impl<K, T> Default for Table<K, T> {
    fn default() -> Self {
        Self { slots: HashMap::default(), changed: Vec::new(), turn: 0 }
    }
}

impl<K: Hash + Eq + Clone + std::fmt::Debug, T: Clone> Table<K, T> {
    /// Whether the document, or its absence, is known.
    pub(crate) fn knows(&self, key: &K) -> bool {
        self.slots.contains_key(key)
    }

    /// What the store holds under a key, unless more is known here.
    pub(crate) fn learn(&mut self, key: K, doc: Option<Arc<T>>) {
        let turn = self.turn;
        self.slots.entry(key).or_insert(Slot { doc, changed: false, turn });
    }

    /// A document to read; none when there is none.
    pub(crate) fn get(&self, key: &K) -> Result<Option<&T>, NotLoaded> {
        match self.slots.get(key) {
            Some(slot) => Ok(slot.doc.as_deref()),
            None => Err(NotLoaded(format!("{key:?}"))),
        }
    }

    /// A document to change; none when there is none.
    pub(crate) fn change(&mut self, key: &K) -> Result<Option<&mut T>, NotLoaded> {
        let Some(slot) = self.slots.get_mut(key) else {
            return Err(NotLoaded(format!("{key:?}")));
        };
        if slot.doc.is_some() && !slot.changed {
            slot.changed = true;
            slot.turn = self.turn;
            self.changed.push(key.clone());
        }
        Ok(slot.doc.as_mut().map(Arc::make_mut))
    }

    /// Puts a document in place.
    pub(crate) fn put(&mut self, key: &K, doc: T) {
        let doc = Some(Arc::new(doc));
        let turn = self.turn;
        match self.slots.get_mut(key) {
            Some(slot) => {
                slot.doc = doc;
                slot.turn = turn;
                if std::mem::replace(&mut slot.changed, true) {
                    return;
                }
            }
            None => {
                self.slots.insert(key.clone(), Slot { doc, changed: true, turn });
            }
        }
        self.changed.push(key.clone());
    }

    /// The changed documents, which count as unchanged from now on.
    fn take_changed(&mut self, into: &mut Vec<Doc>, wrap: fn(Arc<T>) -> Doc) {
        into.reserve(self.changed.len());
        for key in self.changed.drain(..) {
            if let Some(slot) = self.slots.get_mut(&key) {
                slot.changed = false;
                into.extend(slot.doc.clone().map(wrap));
            }
        }
    }

    /// A batch is over: when there are too many, those it did not touch are forgotten. What it has changed
    /// may not be in the store yet.
    fn turn(&mut self, kept: usize) {
        if self.slots.len() > kept {
            let turn = self.turn;
            self.slots.retain(|_, slot| slot.turn == turn);
        }
        self.turn += 1;
    }
}

/// What a message's sender called it: room, sender, client id.
type ClientKey = (RoomId, UserId, ClientId);

/// Names that senders' clients have given to messages.
#[derive(Debug, Default)]
struct ClientIds {
    /// Messages posted by the last batches, by the hash of their name.
    posted: HashMap<u64, (MessageId, u64), RandomState>,
    /// What the store said: whether a name is used.
    known: HashMap<ClientKey, (bool, u64), RandomState>,
}

/// All documents at hand.
#[derive(Debug, Default)]
pub(crate) struct WorkingSet {
    pub(crate) users: Table<UserId, UserDoc>,
    pub(crate) rooms: Table<RoomId, RoomDoc>,
    pub(crate) memberships: Table<(RoomId, UserId), MembershipDoc>,
    pub(crate) messages: Table<MessageId, MessageDoc>,
    pub(crate) notifications: Table<NotificationId, NotificationDoc>,
    pub(crate) inboxes: Table<UserId, InboxDoc>,
    pub(crate) site: Table<(), SiteDoc>,
    client_ids: ClientIds,
    /// Every message and client id there is, when this set has seen the generation from its beginning.
    seen: Option<Seen>,
    state: RandomState,
    turn: u64,
    /// Documents of one table kept between batches; none: [`KEPT`].
    kept: Option<usize>,
    /// Everybody who is registered; only while a batch makes a room of everyone.
    pub(crate) everybody: Option<BTreeSet<UserId>>,
}

impl WorkingSet {
    /// The same, keeping so many documents of a table between batches.
    pub(crate) fn keeping(self, kept: usize) -> Self {
        Self { kept: Some(kept), ..self }
    }

    /// For a generation that is empty, which about so many events will fill.
    pub(crate) fn of_empty_generation(events: u64) -> Self {
        // A message has an id and usually a client id.
        Self { seen: Some(Seen::with_room_for(events.saturating_mul(2))), ..Self::default() }
    }

    /// Whether a want is answered already.
    pub(crate) fn knows(&self, want: &Want) -> bool {
        match want {
            Want::Key(Key::User(id)) => self.users.knows(id),
            Want::Key(Key::Room(id)) => self.rooms.knows(id),
            Want::Key(Key::Membership(room, user)) => {
                self.memberships.knows(&(room.clone(), user.clone()))
            }
            Want::Key(Key::Message(id)) => self.messages.knows(id),
            Want::Key(Key::Notification(id)) => self.notifications.knows(id),
            Want::Key(Key::Inbox(user)) => self.inboxes.knows(user),
            Want::Key(Key::Site) => self.site.knows(&()),
            Want::ClientId(room, sender, client_id) => {
                let key = (room.clone(), sender.clone(), client_id.clone());
                self.client_ids.known.contains_key(&key)
            }
        }
    }

    /// Whether there is certainly no message of this id.
    pub(crate) fn is_new_message(&self, id: &MessageId) -> bool {
        let seen = |seen: &Seen| seen.may_contain(self.state.hash_one(id.as_str()));
        !self.messages.knows(id) && self.seen.as_ref().is_some_and(|all| !seen(all))
    }

    /// Whether it is known, without asking the store, if a sender's client has used a name.
    pub(crate) fn knows_client_id(
        &self,
        room: &RoomId,
        sender: &UserId,
        client_id: &ClientId,
    ) -> bool {
        let hash = self.client_hash(room, sender, client_id);
        self.seen.as_ref().is_some_and(|all| !all.may_contain(hash))
            || self.posted_lately(hash, room, sender, client_id)
    }

    fn client_hash(&self, room: &RoomId, sender: &UserId, client_id: &ClientId) -> u64 {
        self.state.hash_one((room.as_str(), sender.as_str(), client_id.as_str()))
    }

    fn posted_lately(
        &self,
        hash: u64,
        room: &RoomId,
        sender: &UserId,
        client_id: &ClientId,
    ) -> bool {
        let posted = self.client_ids.posted.get(&hash);
        let message = posted.and_then(|(id, _)| self.messages.get(id).ok().flatten());
        message.is_some_and(|message| {
            message.room_id == *room
                && message.sender_id == *sender
                && message.client_id.as_ref() == Some(client_id)
        })
    }

    /// Takes what a store answered to wants; what it did not answer does not exist.
    pub(crate) fn learn(&mut self, wants: Vec<Want>, found: Vec<Doc>) {
        for doc in found {
            self.learn_doc(doc);
        }
        for want in wants {
            match want {
                Want::Key(Key::User(id)) => self.users.learn(id, None),
                Want::Key(Key::Room(id)) => self.rooms.learn(id, None),
                Want::Key(Key::Membership(room, user)) => {
                    self.memberships.learn((room, user), None);
                }
                Want::Key(Key::Message(id)) => self.messages.learn(id, None),
                Want::Key(Key::Notification(id)) => self.notifications.learn(id, None),
                Want::Key(Key::Inbox(user)) => self.inboxes.learn(user, None),
                Want::Key(Key::Site) => self.site.learn((), None),
                Want::ClientId(room, sender, client_id) => {
                    let key = (room, sender, client_id);
                    self.client_ids.known.entry(key).or_insert((false, self.turn));
                }
            }
        }
    }

    fn learn_doc(&mut self, doc: Doc) {
        match doc {
            Doc::User(doc) => self.users.learn(doc.state.id.clone(), Some(doc)),
            Doc::Room(doc) => self.rooms.learn(doc.state.id.clone(), Some(doc)),
            Doc::Membership(doc) => {
                let key = (doc.room_id.clone(), doc.user_id.clone());
                self.memberships.learn(key, Some(doc));
            }
            Doc::Message(doc) => {
                if let Some(client_id) = &doc.client_id {
                    let key = (doc.room_id.clone(), doc.sender_id.clone(), client_id.clone());
                    self.client_ids.known.insert(key, (true, self.turn));
                }
                self.messages.learn(doc.id.clone(), Some(doc));
            }
            Doc::Notification(doc) => self.notifications.learn(doc.id.clone(), Some(doc)),
            Doc::Inbox(doc) => self.inboxes.learn(doc.user_id.clone(), Some(doc)),
            Doc::Site(doc) => self.site.learn((), Some(doc)),
        }
    }

    /// Puts a message in place that was not there before; from now on its client id is used.
    pub(crate) fn post(&mut self, message: MessageDoc) {
        let id = message.id.clone();
        if let Some(seen) = &mut self.seen {
            seen.insert(self.state.hash_one(id.as_str()));
        }
        if let Some(client_id) = &message.client_id {
            let hash = self.client_hash(&message.room_id, &message.sender_id, client_id);
            if let Some(seen) = &mut self.seen {
                seen.insert(hash);
            }
            let posted = self.client_ids.posted.insert(hash, (id.clone(), self.turn));
            if let Some(other) = posted
                && let Ok(Some(other)) = self.messages.get(&other.0)
                && let Some(client_id) = &other.client_id
            {
                // Another name of the same hash has lost its place.
                let key = (other.room_id.clone(), other.sender_id.clone(), client_id.clone());
                self.client_ids.known.insert(key, (true, self.turn));
            }
            if !self.client_ids.known.is_empty() {
                let key = (message.room_id.clone(), message.sender_id.clone(), client_id.clone());
                if let Some(known) = self.client_ids.known.get_mut(&key) {
                    *known = (true, self.turn);
                }
            }
        }
        self.messages.put(&id, message);
    }

    /// Whether a sender's client has called a message in this room so before.
    pub(crate) fn client_id_used(
        &self,
        room: &RoomId,
        sender: &UserId,
        client_id: &ClientId,
    ) -> Result<bool, NotLoaded> {
        let hash = self.client_hash(room, sender, client_id);
        if self.posted_lately(hash, room, sender, client_id) {
            return Ok(true);
        }
        if self.client_ids.known.is_empty() && self.seen.is_some() {
            return Ok(false);
        }
        let key = (room.clone(), sender.clone(), client_id.clone());
        match self.client_ids.known.get(&key) {
            Some((used, _)) => Ok(*used),
            // The engine has asked for every name that was not certainly new.
            None if self.seen.is_some() => Ok(false),
            None => Err(NotLoaded(format!("{key:?}"))),
        }
    }

    /// The installation's document.
    pub(crate) fn site(&self) -> Result<SiteDoc, NotLoaded> {
        Ok(self.site.get(&())?.cloned().unwrap_or_default())
    }

    /// Every document changed since the last call. They may be written while the next batch is projected.
    pub(crate) fn take_changed(&mut self) -> Vec<Doc> {
        let mut changed = Vec::new();
        self.rooms.take_changed(&mut changed, Doc::Room);
        self.users.take_changed(&mut changed, Doc::User);
        self.memberships.take_changed(&mut changed, Doc::Membership);
        self.messages.take_changed(&mut changed, Doc::Message);
        self.notifications.take_changed(&mut changed, Doc::Notification);
        self.inboxes.take_changed(&mut changed, Doc::Inbox);
        self.site.take_changed(&mut changed, Doc::Site);
        changed
    }

    /// A batch is over and its changes were taken: forgets what a cache of bounded size cannot keep.
    pub(crate) fn turn(&mut self) {
        self.everybody = None;
        let kept = self.kept.unwrap_or(KEPT);
        self.users.turn(kept);
        self.rooms.turn(kept);
        self.memberships.turn(kept);
        self.messages.turn(kept / 2);
        self.notifications.turn(kept / 10);
        self.inboxes.turn(kept);
        self.site.turn(kept);
        let turn = self.turn;
        if self.client_ids.posted.len() > kept / 2 {
            self.client_ids.posted.retain(|_, (_, touched)| *touched == turn);
        }
        if self.client_ids.known.len() > kept {
            self.client_ids.known.retain(|_, (_, touched)| *touched == turn);
        }
        self.turn += 1;
    }
}
