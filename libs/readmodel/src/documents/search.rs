//! Finding messages by their words: what is asked, and what the index of messages and the messages themselves can be
//! asked for it. How a search is put together from that is in `search.rs`.

use std::collections::HashSet;
use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use schemas::ids::{RoomId, UserId};
use schemas::position::Sequence;
use schemas::time::Timestamp;
use schemas::values::MessageHas;

use super::membership::MembershipReads;
use super::message::MessageDoc;
use crate::answers::Answer;
use crate::terms::Words;
use crate::terms::block::{Entry, FoundBy, has_link};

/// Which messages to find.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MessageSearch {
    /// The words, all of which are in the text. None find nothing.
    pub words: Words,
    /// Only in this room.
    pub room: Option<RoomId>,
    /// Only by this user.
    pub from: Option<UserId>,
    /// Only those posted later than this.
    pub after: Option<Timestamp>,
    /// Only those posted earlier than this.
    pub before: Option<Timestamp>,
    /// Only those that have it.
    pub has: Option<MessageHas>,
    /// Only those whose event is earlier in the log than this: where a page goes on.
    pub below: Option<Sequence>,
}

impl MessageSearch {
    /// Whether a message is one of those, wherever it is.
    pub(crate) fn finds(&self, message: &Entry<'_>) -> bool {
        let Some(FoundBy { sender, body, files, .. }) = message.found_by else { return false };
        let has = match self.has {
            None => true,
            Some(MessageHas::File) => files,
            Some(MessageHas::Link) => has_link(body),
        };
        has && self.from.as_ref().is_none_or(|from| from.as_str() == sender)
            && self.after.is_none_or(|after| message.created > after.millis())
            && self.before.is_none_or(|before| message.created < before.millis())
            && self.below.is_none_or(|below| message.posted < below)
            && self.words.are_in(body)
    }
}

/// Messages that were found, newest first.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct FoundMessages {
    /// The messages.
    pub items: Vec<MessageDoc>,
    /// Where the search goes on ([`MessageSearch::below`]); none at its end. It may go on after fewer messages than
    /// were asked for, or none.
    pub onward: Option<Sequence>,
}

/// A search: whose it is, what for, and in which rooms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    /// What is searched.
    pub search: Arc<MessageSearch>,
    /// The user, who finds messages of rooms they are in.
    pub user: UserId,
    /// Those of their rooms that are searched: one, or all. Shared, as one search asks many times.
    pub rooms: Arc<HashSet<RoomId>>,
}

impl MessageDoc {
    /// Whether something it is found by may have changed after an event: its text, or what an erasure took out of a
    /// deleted message.
    pub(crate) fn is_found_otherwise(&self, since: Sequence) -> bool {
        self.changed > since || (self.deleted_at.is_some() && self.updated > since)
    }

    /// The message as it is indexed.
    pub(crate) fn entry(&self) -> Entry<'_> {
        let found_by = FoundBy {
            room: self.room_id.as_str(),
            sender: self.sender_id.as_str(),
            body: &self.body,
            files: !self.attachments.is_empty(),
        };
        Entry {
            posted: self.posted,
            created: self.created_at.millis(),
            found_by: self.deleted_at.is_none().then_some(found_by),
        }
    }
}

/// What was found of messages that were read.
#[derive(Debug, Default)]
pub struct Judged {
    /// Those that were found, newest first.
    pub found: Vec<MessageDoc>,
    /// How many were judged.
    pub judged: usize,
}

/// What a search asks the store. Stores judge messages as they read them: of those that are not found nothing is made.
#[async_trait]
pub trait SearchReads: MembershipReads + Send + Sync {
    /// One part of the index of messages, of every block of a range that has it, by block.
    async fn index_part(&self, part: u32, blocks: Range<u64>) -> Answer<Vec<(u64, Vec<u8>)>>;
    /// The messages that are found among those of a scope whose events are in a range of the log, newest first, until there
    /// are so many.
    async fn find_between(
        &self,
        scope: &Scope,
        posted: Range<Sequence>,
        most: usize,
    ) -> Answer<Judged>;
    /// The messages that are found among those of a scope that these events posted, newest first, until there are so many. The
    /// events are in that order.
    async fn find_posted(
        &self,
        scope: &Scope,
        posted: Vec<Sequence>,
        most: usize,
    ) -> Answer<Judged>;
}
