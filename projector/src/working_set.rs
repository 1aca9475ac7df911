//! The documents a batch of events touches, in memory.
//!
//! Views read and change them here; the engine loads what is missing before a batch and writes what
//! changed after it. Between batches the set stays as a cache (the projector is the only writer), bounded
//! by forgetting a whole table when it has grown too large.

use std::collections::{BTreeSet, HashMap};
use std::hash::Hash;

use readmodel::{
    Doc, InboxDoc, Key, MembershipDoc, MessageDoc, NotificationDoc, RoomDoc, SiteDoc, UserDoc, Want,
};
use schemas::ids::{MessageId, NotificationId, RoomId, UserId};
use schemas::values::ClientId;

/// Documents of one table kept between batches.
const KEPT: usize = 50_000;

/// A view touched a document its `needs` did not name. A bug; the event is not applied.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a view touched {0}, which was not loaded")]
pub(crate) struct NotLoaded(pub(crate) String);

/// Documents of one kind: loaded, known to be missing, or changed.
#[derive(Debug)]
pub(crate) struct Table<K, T> {
    slots: HashMap<K, Slot<T>>,
    changed: Vec<K>,
}

#[derive(Debug)]
struct Slot<T> {
    doc: Option<T>,
    changed: bool,
}

impl<K, T> Default for Table<K, T> {
    fn default() -> Self {
        Self { slots: HashMap::new(), changed: Vec::new() }
    }
}

impl<K: Hash + Eq + Clone + std::fmt::Debug, T: Clone> Table<K, T> {
    /// Whether the document, or its absence, is known.
    pub(crate) fn knows(&self, key: &K) -> bool {
        self.slots.contains_key(key)
    }

    /// What the store holds under a key, unless more is known here.
    pub(crate) fn learn(&mut self, key: K, doc: Option<T>) {
        self.slots.entry(key).or_insert(Slot { doc, changed: false });
    }

    /// A document to read; none when there is none.
    pub(crate) fn get(&self, key: &K) -> Result<Option<&T>, NotLoaded> {
        match self.slots.get(key) {
            Some(slot) => Ok(slot.doc.as_ref()),
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
            self.changed.push(key.clone());
        }
        Ok(slot.doc.as_mut())
    }

    /// Puts a document in place.
    pub(crate) fn put(&mut self, key: &K, doc: T) {
        let slot = self.slots.entry(key.clone()).or_insert(Slot { doc: None, changed: false });
        slot.doc = Some(doc);
        if !slot.changed {
            slot.changed = true;
            self.changed.push(key.clone());
        }
    }

    /// The changed documents, which count as unchanged from now on.
    fn take_changed(&mut self, into: &mut Vec<Doc>, wrap: fn(Box<T>) -> Doc) {
        for key in self.changed.drain(..) {
            if let Some(slot) = self.slots.get_mut(&key) {
                slot.changed = false;
                into.extend(slot.doc.clone().map(|doc| wrap(Box::new(doc))));
            }
        }
    }

    fn trim(&mut self, kept: usize) {
        if self.slots.len() > kept {
            self.slots.clear();
        }
    }
}

/// What a message's sender called it: room, sender, client id.
type ClientKey = (RoomId, UserId, ClientId);

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
    /// Whether a sender's client has used a name already.
    client_ids: HashMap<ClientKey, bool>,
    /// Everybody who is registered; only while a batch makes a room of everyone.
    pub(crate) everybody: Option<BTreeSet<UserId>>,
}

impl WorkingSet {
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
                self.client_ids.contains_key(&key)
            }
        }
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
                    self.client_ids.entry((room, sender, client_id)).or_insert(false);
                }
            }
        }
    }

    fn learn_doc(&mut self, doc: Doc) {
        match doc {
            Doc::User(doc) => self.users.learn(doc.state.id.clone(), Some(*doc)),
            Doc::Room(doc) => self.rooms.learn(doc.state.id.clone(), Some(*doc)),
            Doc::Membership(doc) => {
                let key = (doc.room_id.clone(), doc.user_id.clone());
                self.memberships.learn(key, Some(*doc));
            }
            Doc::Message(doc) => {
                self.note_client_id(&doc);
                self.messages.learn(doc.id.clone(), Some(*doc));
            }
            Doc::Notification(doc) => self.notifications.learn(doc.id.clone(), Some(*doc)),
            Doc::Inbox(doc) => self.inboxes.learn(doc.user_id.clone(), Some(*doc)),
            Doc::Site(doc) => self.site.learn((), Some(*doc)),
        }
    }

    /// From now on this message's client id is used.
    pub(crate) fn note_client_id(&mut self, message: &MessageDoc) {
        if let Some(client_id) = &message.client_id {
            let key = (message.room_id.clone(), message.sender_id.clone(), client_id.clone());
            self.client_ids.insert(key, true);
        }
    }

    /// Whether a sender's client has called a message in this room so before.
    pub(crate) fn client_id_used(
        &self,
        room: &RoomId,
        sender: &UserId,
        client_id: &ClientId,
    ) -> Result<bool, NotLoaded> {
        let key = (room.clone(), sender.clone(), client_id.clone());
        self.client_ids.get(&key).copied().ok_or_else(|| NotLoaded(format!("{key:?}")))
    }

    /// The installation's document.
    pub(crate) fn site(&self) -> Result<SiteDoc, NotLoaded> {
        Ok(self.site.get(&())?.cloned().unwrap_or_default())
    }

    /// Every document changed since the last call.
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

    /// Forgets what a cache of bounded size cannot keep. Only when nothing is changed and uncommitted.
    pub(crate) fn trim(&mut self) {
        self.everybody = None;
        self.users.trim(KEPT);
        self.rooms.trim(KEPT);
        self.memberships.trim(KEPT);
        self.messages.trim(KEPT / 2);
        self.notifications.trim(KEPT / 10);
        self.inboxes.trim(KEPT);
        if self.client_ids.len() > KEPT {
            self.client_ids.clear();
        }
    }
}
