//! What a socket that comes back is sent: out of the memory of recent events, out of the read model, or
//! nothing (it begins anew).

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use readmodel::{Bound, Changes, MembershipDoc, NotificationDoc, ReadStore, StoreError};
use schemas::views::Notification;
use schemas::{NotificationId, Position, RoomId, Sequence, UserId};

use super::changes::Changed;
use super::frames::{Audience, Span};
use super::hub::Inner;
use super::join::{JoinError, Joining, MAX_BYTES, MAX_CHANGES, Start};
use super::memory::Remembered;
use super::plan::Plan;
use super::replay::{Listener, Placed, replay};
use crate::inbox;

/// How long a position that the log has and this gateway has not handed on yet is waited for.
const PATIENCE: Duration = Duration::from_secs(2);
/// Events looked at before others get their turn.
const AT_ONCE: usize = 256;

/// What is remembered after a place.
struct Recent {
    /// The event at the very place.
    last: Option<Arc<Remembered>>,
    events: Vec<Arc<Remembered>>,
    rooms: Arc<HashSet<RoomId>>,
    through: Sequence,
}

impl Joining {
    /// Finds out what a resume is to send.
    pub(crate) async fn resume_from(&self, position: Position) -> Result<Start, JoinError> {
        let inner = &self.hub.inner;
        if position.epoch != inner.epoch {
            return Ok(Start::Reset("unknown_epoch"));
        }
        if !self.is_known(position.sequence).await? {
            return Ok(Start::Reset("unknown_position"));
        }
        let plan = self.plan(position.sequence, true).await?;
        Ok(plan.map_or(Start::Reset("too_far_behind"), Start::Resume))
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

    /// What is to be sent after a place, with `begin` to a client that says it has everything up to there; none
    /// when it is too much, or not known any more.
    pub(crate) async fn plan(
        &self,
        after: Sequence,
        begin: bool,
    ) -> Result<Option<Plan>, JoinError> {
        let inner = &self.hub.inner;
        let busy = || JoinError::Unavailable("too many resumes at once".into());
        let _turn = inner.budget.planner().await.ok_or_else(busy)?;
        let plan = match self.recent(after, begin)? {
            Some(recent) => {
                self.count(begin, "memory");
                Some(self.plan_of_memory(after, recent).await?)
            }
            None => {
                let plan = self.plan_of_read_model(after).await?;
                if plan.is_some() {
                    self.count(begin, "read_model");
                }
                plan
            }
        };
        let fits = |plan: &Plan| plan.steps.len() <= MAX_CHANGES && plan.bytes() <= MAX_BYTES;
        let Some(plan) = plan.filter(fits) else { return Ok(None) };
        let taken = inner.budget.plan(plan.held()).await.ok_or_else(busy)?;
        Ok(Some(Plan { taken: Some(taken), ..plan }))
    }

    fn count(&self, begin: bool, from: &'static str) {
        if begin {
            self.hub.inner.metrics.resume(from);
        }
    }

    /// What is remembered after a place; none when the memory does not reach back that far, or it is so much
    /// that the documents after it are fewer.
    fn recent(&self, after: Sequence, begin: bool) -> Result<Option<Recent>, JoinError> {
        let state = self.hub.inner.state.lock();
        let rooms = Arc::clone(state.routing.rooms_of(&self.user).ok_or(JoinError::Gone)?);
        if after < state.memory.floor() {
            return Ok(None);
        }
        let events = state.memory.since(after, &rooms, &self.user, MAX_CHANGES);
        if events.len() > MAX_CHANGES {
            return Ok(None);
        }
        let last = state.memory.at(after).filter(|_| begin).cloned();
        if begin && after > 0 && after == state.memory.floor() && after < state.head {
            // The event at that very place is not remembered any more.
            return Ok(None);
        }
        Ok(Some(Recent { last, events, rooms, through: state.head }))
    }

    async fn plan_of_memory(&self, after: Sequence, recent: Recent) -> Result<Plan, JoinError> {
        let inner = &self.hub.inner;
        let Recent { last, events, rooms, through } = recent;
        let last = placed(inner, last.as_slice()).await.pop();
        let events = placed(inner, &events).await;
        let others = self.shares_room_with(&events, &rooms).await?;
        let listener = Listener { user: &self.user, rooms: &rooms, shares_room_with: &others };
        Ok(Plan::new(after, through, replay(last.as_ref(), &events, &listener)))
    }

    /// Of the users whose accounts changed, those the user shares a room with.
    async fn shares_room_with(
        &self,
        events: &[Placed],
        rooms: &HashSet<RoomId>,
    ) -> Result<HashSet<UserId>, JoinError> {
        let mut others = HashSet::new();
        for (_, told) in events {
            let Audience::SharesRoomWith(other) = &told.audience else { continue };
            if other == &self.user || others.contains(other) {
                continue;
            }
            let known = self.hub.inner.state.lock().routing.rooms_of(other).cloned();
            let theirs = match known {
                Some(theirs) => theirs,
                None => Arc::new(self.hub.inner.load_rooms(other).await?),
            };
            if !theirs.is_disjoint(rooms) {
                others.insert(*other);
            }
        }
        Ok(others)
    }

    async fn plan_of_read_model(&self, after: Sequence) -> Result<Option<Plan>, JoinError> {
        let inner = &self.hub.inner;
        let (rooms, floor) = {
            let state = inner.state.lock();
            let rooms = Arc::clone(state.routing.rooms_of(&self.user).ok_or(JoinError::Gone)?);
            (rooms, state.memory.floor().max(after))
        };
        if inner.read.wait_for(floor, PATIENCE).await.is_err() {
            return Ok(None);
        }
        let store = inner.read.current();
        // Read before the documents: they hold everything up to there, and perhaps more.
        let through = store.checkpoint().await?.sequence.max(after);
        let mut rooms = HashSet::clone(&rooms);
        // Rooms the documents do not know the user to be in were joined later: a `reload` follows.
        let known = inner.load_rooms(&self.user).await?;
        // So it does in those they have left and come into again since: the client may lack what the documents count on.
        let joined = inner.state.lock().memory.rooms_joined(&self.user, through);
        rooms.retain(|room| known.contains(room) && !joined.contains(room));
        let Some(changed) = self.gather(store.as_ref(), &rooms, after).await? else {
            return Ok(None);
        };
        let (epoch, user, links) = (&inner.epoch, &self.user, &inner.links);
        let span = Span { epoch, user, links, after, through };
        Ok(Some(Plan::new(after, through, changed.steps(&span))))
    }

    /// Notifications in words.
    async fn entries(
        &self,
        store: &dyn ReadStore,
        changed: &[NotificationDoc],
    ) -> Result<HashMap<NotificationId, Notification>, StoreError> {
        let names = self.hub.inner.names.as_ref();
        let shown = inbox::views(names, store, &self.user, changed).await?;
        Ok(shown.into_iter().map(|entry| (entry.id, entry)).collect())
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
        let most = Bound { items: max, bytes: MAX_BYTES };
        // A membership that began right there is looked at too.
        let (before, inbox) = (after.saturating_sub(1), store.inbox(user).await?);
        let (Some(messages), Some(own)) = (
            all(store.message_marks(&rooms, after, most).await?),
            all(store.membership_changes(user, before, max).await?),
        ) else {
            return Ok(None);
        };
        let (Some(members), Some(markers)) = (
            all(store.member_changes(&rooms, after, max).await?),
            all(store.marker_changes(&rooms, after, max).await?),
        ) else {
            return Ok(None);
        };
        let (Some(mut followers), Some(room_docs), Some(prefs)) = (
            all(store.follower_changes(user, after, max).await?),
            all(store.room_changes(&rooms, after, max).await?),
            all(store.prefs_changes(user, after, max).await?),
        ) else {
            return Ok(None);
        };
        let (Some(notifications), Some(users)) = (
            all(store.notification_changes(user, after, max).await?),
            all(store.user_changes(after, max).await?),
        ) else {
            return Ok(None);
        };
        let Some(media) = all(store.media_changes(user, after, max).await?) else {
            return Ok(None);
        };
        followers.retain(|doc| rooms.contains(&doc.room_id));
        // Belonging to a room of everyone is no event: a user who registered is not told of as a newcomer there.
        let registered: HashMap<&UserId, Sequence> =
            users.iter().map(|doc| (&doc.state.id, doc.registered)).collect();
        let came = |doc: &MembershipDoc| registered.get(&doc.user_id) == Some(&doc.changed);
        let members = members.into_iter().filter(|doc| !came(doc)).collect();
        let mut changed = Changed {
            messages,
            own,
            members,
            markers,
            prefs,
            followers,
            rooms: room_docs,
            entries: self.entries(store, &notifications).await?,
            notifications,
            inbox: Some(inbox),
            users: Vec::new(),
            media,
        };
        for doc in users.into_iter().filter(|doc| doc.registered <= after) {
            // Who was erased is in no room any more, and what a client holds of them must go.
            let told = doc.state.id == *user || doc.state.deleted;
            if told || self.knows(&doc.state.id, &rooms).await? {
                changed.users.push(doc);
            }
        }
        Ok((changed.count() <= MAX_CHANGES).then_some(changed))
    }

    /// Whether the user shares a room with another.
    async fn knows(&self, other: &UserId, rooms: &[RoomId]) -> Result<bool, StoreError> {
        let theirs = self.hub.inner.load_rooms(other).await?;
        Ok(rooms.iter().any(|room| theirs.contains(room)))
    }
}

fn all<T>(changes: Changes<T>) -> Option<Vec<T>> {
    changes.complete.then_some(changes.items)
}

/// What events are to clients, of those they are told of.
async fn placed(inner: &Inner, events: &[Arc<Remembered>]) -> Vec<Placed> {
    let mut placed = Vec::with_capacity(events.len());
    for (count, event) in events.iter().enumerate() {
        if count % AT_ONCE == AT_ONCE - 1 {
            tokio::task::yield_now().await;
        }
        if let Some(told) = inner.broadcast_remembered(event).await {
            placed.push((Arc::clone(event), told));
        }
    }
    placed
}

#[cfg(test)]
mod client;
#[cfg(test)]
mod docs;
#[cfg(test)]
mod model;
#[cfg(test)]
mod tests;
