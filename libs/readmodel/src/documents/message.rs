//! Messages: a message as it is now, in its place in the room.
//!
//! A message's id, room, number and author never change. A deleted message keeps its place and loses its content. What
//! stands beside a message (its count of answers, reactions, a pin) may change without the message itself changing.

use async_trait::async_trait;
use schemas::events::{MediaFile, MessageEdited, MessageState};
use schemas::ids::{MediaId, MessageId, RoomId, UserId};
use schemas::position::Sequence;
use schemas::time::Timestamp;
use schemas::values::{ClientId, Format, RoomMention};
use serde::{Deserialize, Serialize};

use super::reaction::{FIRST_USERS, ReactionKind};
use super::room::RoomDoc;
use crate::answers::{Answer, Bound, Changes};

/// A message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MessageDoc {
    /// The message's id.
    pub id: MessageId,
    /// The room it was posted in.
    pub room_id: RoomId,
    /// Its place in the room: 1, 2, 3 and so on, in log order, without gaps.
    pub number: u64,
    /// Its place in the main timeline, counted in the same way. For a thread answer: the place of the message of
    /// the main timeline that was the newest then, 0 for none.
    pub main_number: u64,
    /// The user who posted it.
    pub sender_id: UserId,
    /// The name the sender's client gave it, by which a repeated post is recognised.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<ClientId>,
    /// The text; empty when deleted.
    pub body: String,
    /// How clients render the text.
    pub format: Format,
    /// Attached files.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<MediaId>,
    /// The same files as clients are told of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<MediaFile>,
    /// Members named in it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mentions: Vec<UserId>,
    /// Whether it calls the whole room, which counts as a mention of each member, or the members who are online, which
    /// does not.
    #[serde(default, with = "schemas::values::called", skip_serializing_if = "Option::is_none")]
    pub mentions_room: Option<RoomMention>,
    /// The message that began its thread; none for a message of the main timeline.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thread_root_id: Option<MessageId>,
    /// Its place among the answers of its thread, in the same way; none for a message of the main timeline.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thread_number: Option<u64>,
    /// The number of answers, not deleted, in the thread it began.
    #[serde(default)]
    pub reply_count: u64,
    /// The reactions to it by kind, in the order of each kind's first; at most [`MAX_KINDS`](schemas::events::MAX_KINDS).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reactions: Vec<ReactionKind>,
    /// The event that pinned it; 0 when it is not pinned.
    #[serde(default)]
    pub pinned: Sequence,
    /// When the newest of them was posted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_reply_at: Option<Timestamp>,
    /// When it was posted.
    pub created_at: Timestamp,
    /// When it was last edited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edited_at: Option<Timestamp>,
    /// When it was deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deleted_at: Option<Timestamp>,
    /// The event that posted it.
    pub posted: Sequence,
    /// The last event about the message itself (posted, edited, deleted).
    pub changed: Sequence,
    /// The last event that changed what stands beside the message (answers, reactions, its pin); 0 for none.
    #[serde(default)]
    pub beside: Sequence,
    /// The event that moved it to the archive; 0 for a message that is at hand. Stores keep the one apart from the other
    /// and answer from both.
    #[serde(default, skip_serializing_if = "is_none")]
    pub archived: Sequence,
    /// The event by which it was purged; 0 for a message that was not. Of a purged message its id and its place are left: it
    /// is on no list, and stores keep it apart from all others.
    #[serde(default, skip_serializing_if = "is_none")]
    pub purged: Sequence,
    /// The last event that changed anything here, what stands beside it and where it is kept included.
    pub updated: Sequence,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
const fn is_none(event: &Sequence) -> bool {
    *event == 0
}

impl MessageDoc {
    /// A message as it is when it was just posted, by an event at a place of the log, with its places in the room and in
    /// the main timeline. What place an answer has in its thread is not known of it.
    #[must_use]
    pub fn as_posted(message: &MessageState, number: u64, main_number: u64, at: Sequence) -> Self {
        Self {
            id: message.id,
            room_id: message.room_id,
            number,
            main_number,
            sender_id: message.sender_id,
            client_id: message.client_id.clone(),
            body: message.body.as_str().to_owned(),
            format: message.format,
            attachments: message.attachments.clone(),
            files: message.files.clone(),
            mentions: message.mentions.clone(),
            mentions_room: message.mentions_room,
            thread_root_id: message.thread_root_id,
            thread_number: None,
            reply_count: 0,
            reactions: Vec::new(),
            pinned: 0,
            last_reply_at: None,
            created_at: message.created_at,
            edited_at: None,
            deleted_at: None,
            posted: at,
            changed: at,
            beside: 0,
            archived: 0,
            purged: 0,
            updated: at,
        }
    }

    /// The last event that changed what clients are told of it: where it is kept is not among that.
    #[must_use]
    pub const fn told(&self) -> Sequence {
        if self.changed > self.beside { self.changed } else { self.beside }
    }

    /// The message after an edit at a place of the log; answers the text it had.
    pub fn edit(&mut self, edited: &MessageEdited, at: Sequence) -> String {
        let message = &edited.message;
        let body = std::mem::replace(&mut self.body, message.body.as_str().to_owned());
        self.format = message.format;
        self.attachments.clone_from(&message.attachments);
        self.files.clone_from(&message.files);
        self.mentions.clone_from(&message.mentions);
        self.mentions_room = message.mentions_room;
        self.edited_at = Some(edited.edited_at);
        (self.changed, self.updated) = (at, at);
        body
    }

    /// The message after its deletion at a place of the log: its place, and nothing in it or on it.
    pub fn delete(&mut self, deleted_at: Timestamp, at: Sequence) {
        self.body.clear();
        // The store deletes the reactions themselves with the message.
        self.reactions.clear();
        self.pinned = 0;
        self.attachments.clear();
        self.files.clear();
        self.mentions.clear();
        self.mentions_room = None;
        self.deleted_at = Some(deleted_at);
        (self.changed, self.updated) = (at, at);
    }

    /// Whether it stands in the main timeline rather than in a thread.
    #[must_use]
    pub const fn is_main(&self) -> bool {
        self.thread_root_id.is_none()
    }

    /// Its place among the deleted messages of the main timeline; none when it is not one of them.
    pub(crate) fn deleted_place(&self) -> Option<u64> {
        (self.is_main() && self.deleted_at.is_some()).then_some(self.main_number)
    }

    /// The users for whom it counts as a mention: named by another user, in the main timeline.
    pub(crate) fn people_named(&self) -> impl Iterator<Item = &UserId> {
        let named = self.mentions.iter().filter(|user| **user != self.sender_id);
        named.filter(|_| self.is_main())
    }

    /// The users for whom it counts as a mention in its thread: named by another user, in an answer.
    pub(crate) fn people_named_in_thread(&self) -> impl Iterator<Item = &UserId> {
        let named = self.mentions.iter().filter(|user| **user != self.sender_id);
        named.filter(|_| !self.is_main())
    }

    /// Whether it counts as a mention for every follower of its thread.
    pub(crate) fn names_room_in_thread(&self) -> bool {
        self.mentions_room == Some(RoomMention::Room) && !self.is_main()
    }

    /// Its place among the deleted answers of its thread; none when it is not one of them.
    pub(crate) fn deleted_answer(&self) -> Option<u64> {
        self.thread_number.filter(|_| self.deleted_at.is_some())
    }

    /// Whether it counts as a mention for every member of the room.
    pub(crate) fn names_room(&self) -> bool {
        self.mentions_room == Some(RoomMention::Room) && self.is_main()
    }
}

/// The key of the index that finds a message by the name its sender's client gave it. Its upper half is made
/// of room and sender and its lower half of the client id (FNV-1a), so that what is written together lies
/// together: a hash of everything at once would touch another page of the index for every message.
/// Two keys may collide, so a lookup must compare the document.
pub(crate) fn client_hash(room: &RoomId, sender: &UserId, client_id: &ClientId) -> i64 {
    let pair = fnv(fnv(FNV_START, room.as_str()), sender.as_str());
    let name = fnv(FNV_START, client_id.as_str());
    let fold = |hash: u64| (hash >> 32) ^ (hash & 0xffff_ffff);
    ((fold(pair) << 32) | fold(name)).cast_signed()
}

const FNV_START: u64 = 0xcbf2_9ce4_8422_2325;

fn fnv(start: u64, part: &str) -> u64 {
    let bytes = part.bytes().chain([0]);
    bytes.fold(start, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// What a resume must know of a changed message before it reads it: where to tell of its change, and how much
/// there is to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageMark {
    /// The message's id.
    pub id: MessageId,
    /// The room it was posted in.
    pub room_id: RoomId,
    /// As in [`MessageDoc::posted`].
    pub posted: Sequence,
    /// As in [`MessageDoc::changed`].
    pub changed: Sequence,
    /// As in [`MessageDoc::beside`].
    pub beside: Sequence,
    /// Whether it was deleted.
    pub deleted: bool,
    /// The approximate size of the document in bytes.
    pub bytes: usize,
}

impl MessageMark {
    /// The mark of a document.
    #[must_use]
    pub fn of(doc: &MessageDoc) -> Self {
        /// Bytes of a document besides its text and lists.
        const AROUND: usize = 512;
        /// Bytes of an id in a list, and of a kind of reactions besides its users.
        const ID: usize = 40;
        const KIND: usize = 100;
        /// Bytes of a file, with its URLs.
        const FILE: usize = 1024;
        let kind = |kind: &ReactionKind| {
            let shown = usize::try_from(kind.count).unwrap_or(FIRST_USERS).min(FIRST_USERS);
            KIND + ID * shown
        };
        Self {
            id: doc.id,
            room_id: doc.room_id,
            posted: doc.posted,
            changed: doc.changed,
            beside: doc.beside,
            deleted: doc.deleted_at.is_some(),
            bytes: AROUND
                + doc.body.len()
                + ID * doc.mentions.len()
                + FILE * doc.files.len()
                + doc.reactions.iter().map(kind).sum::<usize>(),
        }
    }
}

/// Which part of a timeline or thread to show, by message numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Anchor {
    /// The newest messages.
    Latest,
    /// The messages right before this number.
    Before(u64),
    /// The messages right after this number.
    After(u64),
    /// This number in the middle: half of the limit before it, the rest from it on; more on one side where
    /// the other ends.
    Around(u64),
}

/// A message number and how many messages to read from there.
pub type Span = (u64, usize);

impl Anchor {
    /// What to read for a page of `limit`: so many right before a number (backwards), and so many from
    /// a number on. Of both, [`Anchor::cut`] takes as many as the page has.
    pub(crate) fn spans(self, limit: usize) -> (Option<Span>, Option<Span>) {
        match self {
            Self::Latest => (Some((u64::MAX, limit)), None),
            Self::Before(number) => (Some((number, limit)), None),
            Self::After(number) => (None, Some((number.saturating_add(1), limit))),
            Self::Around(number) => (Some((number, limit)), Some((number, limit))),
        }
    }

    /// A page of `limit`, oldest first, out of what was found before (newest first) and from a number on.
    pub(crate) fn cut<T>(limit: usize, mut before: Vec<T>, mut from: Vec<T>) -> Vec<T> {
        let most_before = (limit / 2).max(limit.saturating_sub(from.len()));
        before.truncate(most_before);
        from.truncate(limit.saturating_sub(before.len()));
        before.reverse();
        before.append(&mut from);
        before
    }
}

/// Whether answers in threads are shown among the other messages of a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Threads {
    /// They are shown.
    Shown,
    /// Only the main timeline is shown.
    LeftOut,
}

/// What can be asked about messages.
#[async_trait]
pub trait MessageReads: Send + Sync {
    /// One message.
    async fn message(&self, id: &MessageId) -> Answer<Option<MessageDoc>> {
        Ok(self.messages(std::slice::from_ref(id)).await?.pop())
    }
    /// Several messages: those that exist, in no particular order.
    async fn messages(&self, ids: &[MessageId]) -> Answer<Vec<MessageDoc>>;
    /// The newest message of each of these rooms' main timelines that was not deleted; none for a room without.
    async fn newest(&self, rooms: Vec<RoomId>) -> Answer<Vec<MessageDoc>>;
    /// The same for rooms whose documents were read already, most of which know the message.
    async fn last_messages(&self, rooms: &[&RoomDoc]) -> Answer<Vec<MessageDoc>> {
        let ids = rooms.iter().filter_map(|room| room.last_message_id);
        let mut found = self.messages(&ids.collect::<Vec<_>>()).await?;
        let deleted: Vec<MessageDoc> =
            found.extract_if(.., |message| message.deleted_at.is_some()).collect();
        if !deleted.is_empty() {
            found.extend(self.newest(deleted.into_iter().map(|one| one.room_id).collect()).await?);
        }
        Ok(found)
    }
    /// The message of a room to which its sender's client gave this name.
    async fn message_by_client_id(
        &self,
        room: &RoomId,
        sender: &UserId,
        client_id: &ClientId,
    ) -> Answer<Option<MessageDoc>>;
    /// A part of a room's timeline, oldest first, with or without the answers in threads.
    async fn timeline(
        &self,
        room: &RoomId,
        threads: Threads,
        anchor: Anchor,
        limit: usize,
    ) -> Answer<Vec<MessageDoc>>;
    /// The first messages of a room that are not in the archive and stand after a number, in their order.
    async fn at_hand(&self, room: &RoomId, after: u64, limit: usize) -> Answer<Vec<MessageDoc>>;
    /// A part of a thread (answers only, not the message that began it), oldest first; anchors are
    /// numbers of messages in the room.
    async fn thread(
        &self,
        root: &MessageId,
        anchor: Anchor,
        limit: usize,
    ) -> Answer<Vec<MessageDoc>>;
    /// Messages of these rooms that were posted, edited, deleted or answered at a sequence or after it, as
    /// marks in no particular order; those posted exactly at it are not among them. Incomplete when they
    /// exceed the bound.
    async fn message_marks(
        &self,
        rooms: &[RoomId],
        after: Sequence,
        most: Bound,
    ) -> Answer<Changes<MessageMark>>;
}
