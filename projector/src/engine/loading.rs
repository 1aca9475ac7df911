//! Loading the documents a batch touches, before it is projected.

use std::collections::BTreeSet;

use readmodel::{Collection, Document, Group, Key, Want};
use schemas::{RoomId, UserId};

use super::Engine;
use crate::error::{Poison, ProjectError, Stop};
use crate::views::{self, Logged, Traces, Wants};

/// Documents asked of a store at once.
const LOAD_CHUNK: usize = 10_000;

impl Engine {
    /// Loads what the events touch. Answers with the group to stop when that cannot be said.
    pub(super) async fn prepare(
        &mut self,
        events: &[Logged],
        traces: &[Traces],
    ) -> Result<Result<(), Stop>, ProjectError> {
        self.load(vec![Want::Key(Key::Site)]).await?;
        let mut everyone = self.set.site().unwrap_or_default().everyone_rooms;
        everyone.extend(events.iter().filter_map(|e| views::everyone_room(&e.event)).copied());
        let mut wants = Wants::of(&self.set, &everyone);
        for event in events {
            views::needs(&event.event, &mut wants);
        }
        for traces in traces {
            traces.needs(&mut wants);
        }
        let (wants, new, everybody) = wants.into_parts();
        for id in new {
            self.set.messages.learn(id, None);
        }
        self.load(wants).await?;
        if !everybody.is_empty() {
            self.load_everybody(&everybody, events).await?;
        }
        let mut further = Wants::of(&self.set, &everyone);
        for event in events.iter().filter(|e| self.applies(Group::Conversations, e.sequence)) {
            if let Err(not_loaded) = views::needs_further(&event.event, &self.set, &mut further) {
                drop(further);
                // `needs` and the views disagree about what an event touches.
                let (sequence, reason) = (event.sequence, not_loaded.to_string());
                let poison = Poison::View { sequence, reason };
                return Ok(Err(self.stopped(Group::Conversations, poison)));
            }
        }
        let (further, new, _) = further.into_parts();
        for id in new {
            self.set.messages.learn(id, None);
        }
        self.load(further).await.map(Ok)
    }

    async fn load(&mut self, mut wants: Vec<Want>) -> Result<(), ProjectError> {
        wants.retain(|want| !self.set.knows(want));
        while !wants.is_empty() {
            let rest = wants.split_off(wants.len().min(LOAD_CHUNK));
            let found = self.store.load(wants.clone()).await?;
            self.set.learn(std::mem::replace(&mut wants, rest), found);
        }
        Ok(())
    }

    /// A batch creates a room of everyone: every registered user belongs to it. This happens once in the life
    /// of an installation, usually before there are users.
    async fn load_everybody(
        &mut self,
        rooms: &[RoomId],
        events: &[Logged],
    ) -> Result<(), ProjectError> {
        // Users who registered in the batch that is being written must be found in the store.
        self.settle().await?;
        let registered_by = self.projected.conversations;
        let behind = self.projected.people < registered_by;
        if behind && self.stop_of(Group::People).is_some() {
            // It is not known which users there are: the conversations stop before the room, too.
            return Ok(());
        }
        // Users whose group is behind and goes on are in this very batch.
        let coming = events.iter().filter(|event| event.sequence <= registered_by);
        let mut everybody: BTreeSet<UserId> =
            coming.filter_map(|event| views::person(&event.event.data)).copied().collect();
        let mut after = None;
        loop {
            let page = self.store.scan(Collection::Users, after.take(), LOAD_CHUNK).await?;
            let Some(last) = page.last() else { break };
            after = Some(last.key());
            for doc in page {
                if let Document::User(user) = doc
                    && user.registered <= registered_by
                    && !user.state.deleted
                {
                    everybody.insert(user.state.id);
                }
            }
        }
        let mut wants = Vec::new();
        for room in rooms {
            let membership = |user: &UserId| Key::Membership(*room, *user);
            wants.extend(everybody.iter().map(membership).map(Want::Key));
        }
        self.load(wants).await?;
        self.set.everybody = Some(everybody);
        Ok(())
    }
}
