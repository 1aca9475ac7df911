//! Where a socket that comes back begins: in the memory of recent events, in the read model, or anew.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use readmodel::{Changes, MembershipDoc, ReadStore, StoreError};
use schemas::views::Sender;
use schemas::{Position, RoomId, Sequence, Timestamp, UserId};

use super::changes::{Changed, Span, senders_of};
use super::join::{JoinError, Joining, MAX_CHANGES, Start};

/// How long a position that the log has and this gateway has not handed on yet is waited for.
const PATIENCE: Duration = Duration::from_secs(2);

impl Joining {
    /// Finds out where a resume begins.
    pub(crate) async fn resume_from(&self, position: Position) -> Result<Start, JoinError> {
        let inner = &self.hub.inner;
        if position.epoch != inner.epoch {
            return self.fresh(Some("unknown_epoch")).await;
        }
        let after = position.sequence;
        if !self.is_known(after).await? {
            return self.fresh(Some("unknown_position")).await;
        }
        let (remembered, much) = {
            let state = inner.state.lock();
            let rooms = state.routing.rooms_of(&self.user).ok_or(JoinError::Gone)?;
            let remembered = after >= state.memory.floor();
            let events = || state.memory.since(after, rooms, &self.user, MAX_CHANGES).len();
            (remembered, remembered && events() > MAX_CHANGES)
        };
        if much {
            return self.fresh(Some("too_far_behind")).await;
        }
        if remembered {
            inner.metrics.resume("memory");
            let frames = Vec::new();
            return Ok(Start { from: after, frames, reset: None, welcome: after, resuming: true });
        }
        self.out_of_read_model(after).await
    }

    /// Whether the log reaches that far; a number from a client is never taken for the log's word.
    async fn is_known(&self, sequence: Sequence) -> Result<bool, JoinError> {
        let inner = &self.hub.inner;
        if inner.state.lock().head >= sequence {
            return Ok(true);
        }
        let head = inner.log.head().await.map_err(|error| JoinError::Unavailable(error.into()))?;
        Ok(head >= sequence && self.hub.reaches(sequence, PATIENCE).await)
    }

    async fn out_of_read_model(&self, after: Sequence) -> Result<Start, JoinError> {
        let inner = &self.hub.inner;
        let (rooms, floor) = {
            let state = inner.state.lock();
            let rooms = Arc::clone(state.routing.rooms_of(&self.user).ok_or(JoinError::Gone)?);
            (rooms, state.memory.floor())
        };
        if inner.read.wait_for(floor, PATIENCE).await.is_err() {
            return self.fresh(Some("too_far_behind")).await;
        }
        let store = inner.read.current();
        let through = store.checkpoint().await?.sequence;
        let Some(changed) = self.gather(store.as_ref(), &rooms, after).await? else {
            return self.fresh(Some("too_far_behind")).await;
        };
        if through < inner.state.lock().memory.floor() {
            // The memory moved on while the documents were read: there would be a hole between them.
            return self.fresh(Some("too_far_behind")).await;
        }
        let stored = inner.log.get(after).await;
        let after_time = stored.ok().flatten().map_or_else(Timestamp::default, |s| s.stored_at);
        let span = Span {
            epoch: &inner.epoch,
            user: &self.user,
            after,
            after_time,
            through,
            senders: &self.senders(&changed).await,
        };
        inner.metrics.resume("read_model");
        let frames = changed.frames(&span);
        let from = through.max(after);
        Ok(Start { from, frames, reset: None, welcome: after, resuming: true })
    }

    async fn senders(&self, changed: &Changed) -> HashMap<UserId, Sender> {
        let mut senders = HashMap::new();
        for id in senders_of(&changed.messages) {
            senders.insert(id.clone(), self.hub.inner.names.sender(id).await);
        }
        senders
    }

    /// The documents that changed; none when there are more than a resume may send.
    async fn gather(
        &self,
        store: &dyn ReadStore,
        rooms: &HashSet<RoomId>,
        after: Sequence,
    ) -> Result<Option<Changed>, JoinError> {
        let rooms: Vec<RoomId> = rooms.iter().cloned().collect();
        let (user, max) = (&self.user, MAX_CHANGES);
        let (messages, own, members, markers, room_docs, notifications, users, inbox) = futures_util::try_join!(
            store.message_changes(&rooms, after, max),
            store.membership_changes(user, after, max),
            store.member_changes(&rooms, after, max),
            store.marker_changes(&rooms, after, max),
            store.room_changes(&rooms, after, max),
            store.notification_changes(user, after, max),
            store.user_changes(after, max),
            store.inbox(user),
        )?;
        let (Some(messages), Some(own), Some(members), Some(markers)) =
            (all(messages), all(own), all(members), all(markers))
        else {
            return Ok(None);
        };
        let (Some(room_docs), Some(notifications), Some(users)) =
            (all(room_docs), all(notifications), all(users))
        else {
            return Ok(None);
        };
        // Belonging to a room of everybody is no event: who registered is not told of as a newcomer there.
        let registered: HashMap<&UserId, Sequence> =
            users.iter().map(|doc| (&doc.state.id, doc.registered)).collect();
        let came = |doc: &MembershipDoc| registered.get(&doc.user_id) == Some(&doc.changed);
        let members = members.into_iter().filter(|doc| !came(doc)).collect();
        let mut changed = Changed {
            messages,
            own,
            members,
            markers,
            rooms: room_docs,
            notifications,
            inbox: Some(inbox),
            users: Vec::new(),
        };
        for doc in users.into_iter().filter(|doc| doc.registered <= after) {
            if doc.state.id == *user || self.knows(&doc.state.id, &rooms).await? {
                changed.users.push(doc);
            }
        }
        Ok((changed.count() <= MAX_CHANGES).then_some(changed))
    }

    /// Whether the user shares a room with somebody.
    async fn knows(&self, other: &UserId, rooms: &[RoomId]) -> Result<bool, StoreError> {
        let theirs = self.hub.inner.load_rooms(other).await?;
        Ok(rooms.iter().any(|room| theirs.contains(room)))
    }
}

fn all<T>(changes: Changes<T>) -> Option<Vec<T>> {
    changes.complete.then_some(changes.items)
}
