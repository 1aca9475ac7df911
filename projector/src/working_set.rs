//! The documents a batch of events touches, in memory.
//!
//! Views read and change them here; the engine loads what is missing before a batch and writes what
//! changed after it. Between batches the set stays as a cache (the projector is the only writer), bounded
//! by forgetting what the last batch did not touch. What a batch has changed is shared with the task that
//! writes it, so the next batch can be projected meanwhile.
//!
//! The tables come from [`readmodel::documents!`]: there is one for each collection.

use std::collections::BTreeSet;

use readmodel::documents::{self, Stored};
use readmodel::{Document, Key, MessageDoc, SiteDoc, Want};
use schemas::ids::{MessageId, RoomId, UserId};
use schemas::values::ClientId;

use crate::posts::Posts;
use crate::table::Table;

pub(crate) use crate::table::NotLoaded;

/// Documents of one table kept between batches, unless set otherwise.
pub(crate) const KEPT: usize = 50_000;

/// The parts of a key as one value, as the table of a collection has it.
macro_rules! whole {
    () => { () };
    ($one:ident) => { $one };
    ($($part:ident),+) => { ($($part),+) };
    (&) => { &() };
    (& $one:ident) => { $one };
    (& $($part:ident),+) => { &($(*$part),+) };
}

macro_rules! tables {
    ($(
        $table:ident: $collection:ident of $noun:ident($doc:ident)
        $(, key [$($part:ident: $id:ident = $($field:ident).+),+])?, group $group:ident, cache 1/$share:literal
        $(, reads $reads:ident)?;
    )*) => {
        /// All documents at hand.
        #[derive(Debug, Default)]
        pub(crate) struct WorkingSet {
            $(pub(crate) $table: Table<<documents::$doc as Stored>::Key, documents::$doc>,)*
            posts: Posts,
            /// Documents of one table kept between batches; none: [`KEPT`].
            kept: Option<usize>,
            /// Every registered user; only while a batch creates a room that every user belongs to.
            pub(crate) everybody: Option<BTreeSet<UserId>>,
        }

        impl WorkingSet {
            fn knows_key(&self, key: &Key) -> bool {
                match key {
                    $(Key::$noun $(($($part),+))? => self.$table.knows(whole!(& $($($part),+)?)),)*
                }
            }

            /// Takes note that the store has no document of a key, unless one is here.
            fn learn_absent(&mut self, key: Key) {
                match key {
                    $(Key::$noun $(($($part),+))? => self.$table.learn(whole!($($($part),+)?), None),)*
                }
            }

            fn learn_found(&mut self, doc: Document) {
                match doc {
                    $(Document::$noun(doc) => self.$table.learn(doc.key(), Some(doc)),)*
                }
            }

            /// Every document changed since the last call. They may be written while the next batch is projected.
            pub(crate) fn take_changed(&mut self) -> Vec<Document> {
                let mut changed = Vec::new();
                $(self.$table.take_changed(&mut changed);)*
                changed
            }

            fn turn_tables(&mut self, kept: usize) {
                $(self.$table.turn(kept / $share);)*
            }
        }
    };
}

readmodel::documents!(tables);

impl WorkingSet {
    /// The same, keeping so many documents of a table between batches.
    pub(crate) fn keeping(self, kept: usize) -> Self {
        Self { kept: Some(kept), ..self }
    }

    /// For a generation that is empty, which about so many events will fill.
    pub(crate) fn of_empty_generation(events: u64) -> Self {
        Self { posts: Posts::of_empty_generation(events), ..Self::default() }
    }

    /// Whether a want is answered already.
    pub(crate) fn knows(&self, want: &Want) -> bool {
        match want {
            Want::Key(key) => self.knows_key(key),
            Want::ClientId(room, sender, client_id) => {
                self.posts.has_asked(room, sender, client_id)
            }
        }
    }

    /// Whether there is certainly no message of this id.
    pub(crate) fn is_new_message(&self, id: &MessageId) -> bool {
        !self.messages.knows(id) && self.posts.is_new(id)
    }

    /// Whether it is known, without asking the store, if a sender's client has used a client id.
    pub(crate) fn knows_client_id(
        &self,
        room: &RoomId,
        sender: &UserId,
        client_id: &ClientId,
    ) -> bool {
        self.posts.knows(&self.messages, room, sender, client_id)
    }

    /// Takes what a store answered to wants; what it did not answer does not exist.
    pub(crate) fn learn(&mut self, wants: Vec<Want>, found: Vec<Document>) {
        for doc in found {
            if let Document::Message(message) = &doc {
                self.posts.learn(message);
            }
            self.learn_found(doc);
        }
        for want in wants {
            match want {
                Want::Key(key) => self.learn_absent(key),
                Want::ClientId(room, sender, client_id) => {
                    self.posts.learn_absent(room, sender, client_id);
                }
            }
        }
    }

    /// Puts a message in place that was not there before; from now on its client id is used.
    pub(crate) fn post(&mut self, message: MessageDoc) {
        self.posts.post(&self.messages, &message);
        let id = message.id;
        self.messages.put(&id, message);
    }

    /// Whether a sender's client has given a message of this room this client id before.
    pub(crate) fn client_id_used(
        &self,
        room: &RoomId,
        sender: &UserId,
        client_id: &ClientId,
    ) -> Result<bool, NotLoaded> {
        self.posts.used(&self.messages, room, sender, client_id)
    }

    /// The installation's document.
    pub(crate) fn site(&self) -> Result<SiteDoc, NotLoaded> {
        Ok(self.site.get(&())?.cloned().unwrap_or_default())
    }

    /// A batch is over and its changes were taken: forgets what a cache of bounded size cannot keep.
    pub(crate) fn turn(&mut self) {
        self.everybody = None;
        let kept = self.kept.unwrap_or(KEPT);
        self.turn_tables(kept);
        self.posts.turn(kept);
    }
}
