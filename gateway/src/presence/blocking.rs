//! Whom people block, read from the log when a person is first watched, and again when the live feed says that it has
//! changed.

use std::collections::{HashMap, HashSet};

use eventlog::LogError;
use schemas::{Code, EventData, Lane, Rejection, UserId};
use telemetry::error_chain;

use super::{Presence, State};
use crate::failure;

/// How often a change in the middle of reading is made up for.
const TRIES: usize = 5;

impl Presence {
    /// Makes sure that it is known whom these people block.
    ///
    /// # Errors
    /// `unavailable` when the log does not say.
    pub(super) async fn learn_blocks(
        &self,
        users: impl Iterator<Item = &UserId> + Clone,
    ) -> Result<(), Rejection> {
        for _ in 0..TRIES {
            let (unknown, changes) = {
                let state = self.state.lock();
                (state.blocks.unknown(users.clone()), state.blocks.changes())
            };
            if unknown.is_empty() {
                return Ok(());
            }
            let read = self.read_blocks(&unknown).await.map_err(failure::log)?;
            if self.state.lock().blocks.learn(read, changes) {
                return Ok(());
            }
        }
        Err(Rejection::new(Code::Unavailable, "try again in a moment").retry_after(1))
    }

    async fn read_blocks(
        &self,
        users: &[UserId],
    ) -> Result<HashMap<UserId, HashSet<UserId>>, LogError> {
        let lanes: Vec<Lane> = users.iter().cloned().map(Lane::Blocks).collect();
        let stored = self.log.last_many(&lanes).await?;
        let mut read = HashMap::new();
        for (user, stored) in users.iter().zip(stored) {
            let Some(stored) = stored else {
                read.insert(*user, HashSet::new());
                continue;
            };
            match stored.event() {
                Ok(event) => {
                    let EventData::Block(event) = event.data else { continue };
                    read.insert(*user, event.after().blocked.iter().cloned().collect());
                }
                // Not known: they are seen by no one.
                Err(error) => self.log.note_unreadable(stored.sequence, &error),
            }
        }
        Ok(read)
    }

    /// People have changed whom they block: those whom it concerns are told what they may know now.
    pub(super) async fn blocks_changed(&self) {
        let changed = self.hub.take_blocks_changed();
        let (known, changes) = self.state.lock().blocks.changed(changed);
        if known.is_empty() {
            return;
        }
        let users: Vec<UserId> = known.iter().cloned().collect();
        let read = match self.read_blocks(&users).await {
            Ok(read) => read,
            Err(error) => {
                tracing::warn!(error = %error_chain(&error), "whom people block is read again");
                return self.state.lock().blocks.could_not_read(known);
            }
        };
        let mut state = self.state.lock();
        let mut pairs = Vec::new();
        for user in known {
            let (before, was_unread) = state.blocks.forget(&user);
            if was_unread {
                // Those who watched meanwhile were told nothing.
                let others = state.table.related(&user).into_iter();
                pairs.extend(others.map(|other| (user, other)));
            }
            let after = read.get(&user);
            let others = after.into_iter().flatten().chain(&before);
            let differ = |other: &&UserId| {
                before.contains(*other) != after.is_some_and(|after| after.contains(*other))
            };
            pairs.extend(others.filter(differ).map(|other| (user, *other)));
        }
        state.blocks.learn(read, changes);
        for (one, other) in pairs {
            self.tell_again(&mut state, &one, &other);
            self.tell_again(&mut state, &other, &one);
        }
    }

    /// Tells a watcher of a person once more.
    fn tell_again(&self, state: &mut State, watcher: &UserId, target: &UserId) {
        let news = state.table.about(watcher, target);
        self.deliver(state, news.into_iter().collect(), |_| true);
    }
}
