//! What chat-svc asks of the read model: where things are. An index is used, not believed: whatever it
//! says is looked up in the log before anything is decided by it.

use std::collections::HashSet;
use std::time::Duration;

use async_trait::async_trait;
use readmodel::{Anchor, Group, ReadModel, ReportDoc, StoreError, Threads, Waiting};
use schemas::events::{InviteState, MessageState, RoomState};
use schemas::ids::{MediaId, MessageId, ReactionId, ReportId, RoomId, UserId};
use schemas::values::{Body, ClientId, ReportStatus};
use schemas::{Epoch, Sequence, Timestamp};

use crate::addition::Addition;
use crate::domain::media::Taken;
use crate::domain::retention::{Aged, Fate};

use crate::recent::Marker;

/// Reports asked for at once.
const REPORTS: usize = 200;

/// The read model could not answer.
#[derive(Debug, thiserror::Error)]
#[error("the read model could not answer")]
pub struct IndexError(#[from] StoreError);

/// Where a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Indexed {
    /// Where it was posted.
    pub posted: Sequence,
    /// Whether it was deleted, as far as the read model knows.
    pub deleted: bool,
    /// Whether it moved to the archive, as far as the read model knows.
    pub archived: bool,
    /// Whether it was purged, as far as the read model knows.
    pub purged: bool,
}

/// Where a read marker stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Marked {
    /// The last message read.
    pub message: MessageId,
    /// Where it was posted.
    pub posted: Sequence,
    /// Whether it was moved there in the present stay; else it stands where the stay began.
    pub moved: bool,
}

/// What is known of an addition to a message.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct IndexedAddition {
    /// It is there.
    pub there: bool,
    /// What the limit counts: the emoji of the reactions to the message, or the pinned messages of the room.
    pub counted: HashSet<String>,
}

/// What a message says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexedText {
    /// The text.
    pub body: String,
    /// When it was last edited.
    pub edited_at: Option<Timestamp>,
}

/// What a user is to a thread.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Following {
    /// Whether they follow it, in the present stay in the room.
    pub follows: bool,
    /// How far they have read it.
    pub marker: Option<Marker>,
}

/// The questions; [`ReadModel`] answers them, tests may.
#[async_trait]
pub trait MessageIndex: Send + Sync {
    /// Everything in the log of this epoch up to here is in the index; 0 when it is of another log.
    async fn checkpoint(&self, epoch: &Epoch) -> Result<Sequence, IndexError>;
    /// Waits until the index has got to a place of the log; whether it did in time.
    async fn wait_for(&self, sequence: Sequence, patience: Duration) -> bool;
    /// Where a message is.
    async fn message(&self, id: &MessageId) -> Result<Option<Indexed>, IndexError>;
    /// Where the message is that a sender's client called so in a room.
    async fn by_client_id(
        &self,
        room: &RoomId,
        sender: &UserId,
        client_id: &ClientId,
    ) -> Result<Option<Sequence>, IndexError>;
    /// How many members a room has; none when the index does not know the room.
    async fn member_count(&self, room: &RoomId) -> Result<Option<u64>, IndexError>;
    /// Whether an addition to a message is there, and how many like it.
    async fn addition(&self, addition: &Addition) -> Result<IndexedAddition, IndexError>;
    /// What a message says; none when the index does not know it.
    async fn text(&self, id: &MessageId) -> Result<Option<IndexedText>, IndexError>;
    /// A message whose event is gone, without its text; none when the index does not know it.
    async fn erased_message(&self, id: &MessageId) -> Result<Option<MessageState>, IndexError>;
    /// How far a member has read a room.
    async fn marker(&self, room: &RoomId, user: &UserId) -> Result<Option<Marked>, IndexError>;
    /// Whether a user has ever written in a room.
    async fn has_written(&self, room: &RoomId, user: &UserId) -> Result<bool, IndexError>;
    /// Whether two users are in one room that neither every user belongs to nor only the two.
    async fn share_room(&self, one: &UserId, other: &UserId) -> Result<bool, IndexError>;
    /// The invitations to a room that are open at a time; at most `limit`.
    async fn open_invites(
        &self,
        room: &RoomId,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<InviteState>, IndexError>;
    /// Who was banned from a room by bans that have run out and were not lifted; at most `limit`.
    async fn lapsed_bans(
        &self,
        room: &RoomId,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<UserId>, IndexError>;
    /// What a user is to a thread; none when they have neither followed nor read it.
    async fn following(
        &self,
        root: &MessageId,
        user: &UserId,
    ) -> Result<Option<Following>, IndexError>;
    /// How many open reports a user has made.
    async fn open_reports(&self, user: &UserId) -> Result<u64, IndexError>;
    /// The open reports of a user's messages, each of which keeps a copy of one.
    async fn reports_about(&self, author: &UserId) -> Result<Vec<ReportId>, IndexError>;
    /// Forgets what is kept of a person beside what is projected.
    async fn forget_person(&self, user: &UserId) -> Result<(), IndexError>;
    /// How many reports of a message are open.
    async fn open_reports_of(&self, message: &MessageId) -> Result<u64, IndexError>;
    /// All rooms, in the order of their ids, after one; at most `limit`.
    async fn rooms(
        &self,
        after: Option<&RoomId>,
        limit: usize,
    ) -> Result<Vec<RoomState>, IndexError>;
    /// The first messages of a room after a number, in the archive or not, as far as they were posted before a time one
    /// after the other; at most `limit`. Of those that are only to be archived, the ones that are not.
    async fn aged(
        &self,
        (room, after): (&RoomId, u64),
        fate: Fate,
        before: Timestamp,
        limit: usize,
    ) -> Result<Vec<Aged>, IndexError>;
    /// How much the media take of a user, and of all users.
    async fn media_taken(&self, user: &UserId) -> Result<Taken, IndexError>;
    /// The media of a user of which something is left, in the order of their ids, after one; at most `limit`.
    async fn media_of(
        &self,
        user: &UserId,
        after: Option<&MediaId>,
        limit: usize,
    ) -> Result<Vec<MediaId>, IndexError>;
    /// The media that wait for something since before a time, the longest first; at most `limit`.
    async fn media_waiting(
        &self,
        waiting: Waiting,
        before: Timestamp,
        limit: usize,
    ) -> Result<Vec<MediaId>, IndexError>;
    /// The read model itself, whose documents are copied for the person they are of; none for an index that is of another
    /// kind.
    fn read_model(&self) -> Option<&ReadModel> {
        None
    }
}

#[async_trait]
impl MessageIndex for ReadModel {
    async fn checkpoint(&self, epoch: &Epoch) -> Result<Sequence, IndexError> {
        let checkpoint = self.current().checkpoint().await?;
        let ours = checkpoint.epoch.as_ref() == Some(epoch);
        Ok(if ours { checkpoint.groups.conversations } else { 0 })
    }

    async fn wait_for(&self, sequence: Sequence, patience: Duration) -> bool {
        self.wait_for_groups(&[Group::Conversations], sequence, patience).await.is_ok()
    }

    async fn message(&self, id: &MessageId) -> Result<Option<Indexed>, IndexError> {
        let found = self.current().message(id).await?;
        Ok(found.map(|doc| Indexed {
            posted: doc.posted,
            deleted: doc.deleted_at.is_some(),
            archived: doc.archived > 0,
            purged: doc.purged > 0,
        }))
    }

    async fn by_client_id(
        &self,
        room: &RoomId,
        sender: &UserId,
        client_id: &ClientId,
    ) -> Result<Option<Sequence>, IndexError> {
        let found = self.current().message_by_client_id(room, sender, client_id).await?;
        Ok(found.map(|doc| doc.posted))
    }

    async fn member_count(&self, room: &RoomId) -> Result<Option<u64>, IndexError> {
        Ok(self.current().room(room).await?.filter(|doc| doc.created).map(|doc| doc.member_count))
    }

    async fn addition(&self, addition: &Addition) -> Result<IndexedAddition, IndexError> {
        let store = self.current();
        Ok(match addition {
            Addition::Reaction(message, user, emoji) => {
                let key = (*message, ReactionId::of(user, emoji));
                let there = !store.reactions(std::slice::from_ref(&key)).await?.is_empty();
                let kinds = store.message(message).await?.map(|doc| doc.reactions);
                let kinds = kinds.unwrap_or_default();
                let counted = kinds.iter().map(|kind| kind.emoji.to_string()).collect();
                IndexedAddition { there, counted }
            }
            Addition::Pin(room, message) => {
                let pins = store.pins(room).await?;
                let there = pins.iter().any(|pin| pin.message_id == *message);
                let counted = pins.iter().map(|pin| pin.message_id.to_string()).collect();
                IndexedAddition { there, counted }
            }
        })
    }

    async fn text(&self, id: &MessageId) -> Result<Option<IndexedText>, IndexError> {
        let found = self.current().message(id).await?;
        Ok(found.map(|doc| IndexedText { body: doc.body, edited_at: doc.edited_at }))
    }

    async fn open_invites(
        &self,
        room: &RoomId,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<InviteState>, IndexError> {
        let found = self.current().open_invites(room, now, limit).await?;
        Ok(found.into_iter().map(|doc| doc.state).collect())
    }

    async fn lapsed_bans(
        &self,
        room: &RoomId,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<UserId>, IndexError> {
        let found = self.current().lapsed_bans(room, now, limit).await?;
        Ok(found.into_iter().map(|member| member.user_id).collect())
    }

    async fn erased_message(&self, id: &MessageId) -> Result<Option<MessageState>, IndexError> {
        let found = self.current().message(id).await?;
        Ok(found.map(|doc| MessageState {
            id: doc.id,
            room_id: doc.room_id,
            sender_id: doc.sender_id,
            client_id: None,
            body: Body::erased(),
            format: doc.format,
            attachments: Vec::new(),
            files: Vec::new(),
            mentions: doc.mentions,
            mentions_room: doc.mentions_room,
            thread_root_id: doc.thread_root_id,
            created_at: doc.created_at,
        }))
    }

    async fn marker(&self, room: &RoomId, user: &UserId) -> Result<Option<Marked>, IndexError> {
        let store = self.current();
        let Some(membership) = store.membership(room, user).await? else { return Ok(None) };
        let moved = membership.marker_moved;
        let Some(id) = membership.marker_message_id else { return Ok(None) };
        let found = store.message(&id).await?;
        Ok(found.map(|doc| Marked { message: doc.id, posted: doc.posted, moved }))
    }

    async fn has_written(&self, room: &RoomId, user: &UserId) -> Result<bool, IndexError> {
        let found = self.current().membership(room, user).await?;
        Ok(found.is_some_and(|membership| membership.wrote))
    }

    async fn share_room(&self, one: &UserId, other: &UserId) -> Result<bool, IndexError> {
        Ok(self.current().share_room(one, other).await?)
    }

    async fn following(
        &self,
        root: &MessageId,
        user: &UserId,
    ) -> Result<Option<Following>, IndexError> {
        let store = self.current();
        let found = store.following(user, std::slice::from_ref(root)).await?.pop();
        let Some(doc) = found else { return Ok(None) };
        let own = store.membership(&doc.room_id, user).await?;
        // Of an earlier stay only the marker holds: markers never go back.
        let (known, follows) = (doc.is_of(own.as_ref()), doc.follows(own.as_ref()));
        let posted = doc.marker_posted;
        let marker = doc.marker_message_id.map(|message| Marker { message, posted });
        Ok((known || marker.is_some()).then_some(Following { follows, marker }))
    }

    async fn open_reports(&self, user: &UserId) -> Result<u64, IndexError> {
        Ok(self.current().open_reports(user).await?)
    }

    async fn reports_about(&self, author: &UserId) -> Result<Vec<ReportId>, IndexError> {
        let (store, mut before, mut found) = (self.current(), None, Vec::new());
        loop {
            let open = Some(ReportStatus::Open);
            let page = store.reports(open, before, REPORTS).await?;
            let about = |doc: &&ReportDoc| {
                doc.message.as_ref().is_some_and(|message| message.sender_id == *author)
            };
            found.extend(page.items.iter().filter(about).map(|doc| doc.state.id));
            before = page.items.last().map(|doc| doc.created);
            if !page.more || before.is_none() {
                return Ok(found);
            }
        }
    }

    async fn forget_person(&self, user: &UserId) -> Result<(), IndexError> {
        let side = self.side().await?;
        side.keep_last_seen(vec![(*user, None)]).await?;
        Ok(side.request_log().forget_requests_of(user).await?)
    }

    async fn open_reports_of(&self, message: &MessageId) -> Result<u64, IndexError> {
        Ok(self.current().open_reports_of(message).await?)
    }

    async fn rooms(
        &self,
        after: Option<&RoomId>,
        limit: usize,
    ) -> Result<Vec<RoomState>, IndexError> {
        let found = self.current().all_rooms(after, limit).await?;
        Ok(found.items.into_iter().map(|doc| doc.state).collect())
    }

    async fn aged(
        &self,
        (room, after): (&RoomId, u64),
        fate: Fate,
        before: Timestamp,
        limit: usize,
    ) -> Result<Vec<Aged>, IndexError> {
        let store = self.current();
        let found = match fate {
            Fate::Archive => store.at_hand(room, after, limit).await?,
            Fate::Purge => {
                store.timeline(room, Threads::Shown, Anchor::After(after), limit).await?
            }
        };
        let aged = found.into_iter().take_while(|doc| doc.created_at < before);
        let aged = aged.map(|doc| {
            let deleted = doc.deleted_at.map(|at| (doc.changed, at));
            Aged { id: doc.id, number: doc.number, sender_id: doc.sender_id, deleted }
        });
        Ok(aged.collect())
    }

    async fn media_taken(&self, user: &UserId) -> Result<Taken, IndexError> {
        let store = self.current();
        let person = store.media_usage(user).await?.map_or(0, |usage| usage.bytes);
        Ok(Taken { person, installation: store.media_bytes().await? })
    }

    async fn media_of(
        &self,
        user: &UserId,
        after: Option<&MediaId>,
        limit: usize,
    ) -> Result<Vec<MediaId>, IndexError> {
        let found = self.current().media_of(user, after, limit).await?;
        Ok(found.items.into_iter().map(|doc| doc.state.file.id).collect())
    }

    async fn media_waiting(
        &self,
        waiting: Waiting,
        before: Timestamp,
        limit: usize,
    ) -> Result<Vec<MediaId>, IndexError> {
        let found = self.current().media_waiting(waiting, before, limit).await?;
        Ok(found.into_iter().map(|doc| doc.state.file.id).collect())
    }

    fn read_model(&self) -> Option<&ReadModel> {
        Some(self)
    }
}
