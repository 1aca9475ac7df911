//! Sockets that watch people.

use std::collections::{HashMap, HashSet};

use schemas::{Timestamp, UserId};

use super::{News, SocketId, Table, Watched, Watcher};

impl Table {
    /// A socket watches these people and no others from now on. Answers the number of its question, and of whom
    /// other gateways are to be asked first.
    pub(in crate::presence) fn watch(
        &mut self,
        socket: SocketId,
        user: &UserId,
        list: Vec<UserId>,
    ) -> (u64, Vec<UserId>) {
        self.unwatch(socket);
        self.questions += 1;
        let mut unknown = Vec::new();
        for target in &list {
            if !self.watched.get(target).is_some_and(|watched| watched.known) {
                unknown.push(*target);
            }
            let shown = self.shown(target);
            let watched = self.watched.entry(*target).or_insert_with(|| Watched {
                known: false,
                looked_up: false,
                by: HashSet::new(),
                shown,
                told: None,
                last_seen: None,
            });
            watched.by.insert(socket);
        }
        let question = self.questions;
        let watcher = Watcher { question, user: *user, list, answered: false };
        self.watchers.insert(socket, watcher);
        (question, unknown)
    }

    /// A socket watches no one any more.
    pub(in crate::presence) fn unwatch(&mut self, socket: SocketId) {
        let Some(watcher) = self.watchers.remove(&socket) else { return };
        for target in watcher.list {
            let Some(watched) = self.watched.get_mut(&target) else { continue };
            watched.by.remove(&socket);
            if watched.by.is_empty() {
                self.watched.remove(&target);
                self.forget_unless_concerned(&target);
            }
        }
    }

    /// The people on a socket's list as they are now; from now on changes are told to it. Nothing when it has asked
    /// something else meanwhile.
    pub(in crate::presence) fn answer(&mut self, socket: SocketId, question: u64) -> Vec<News> {
        match self.watchers.get_mut(&socket) {
            Some(watcher) if watcher.question == question => watcher.answered = true,
            _ => return Vec::new(),
        }
        self.again(socket)
    }

    /// The same once more, for one that was answered.
    pub(in crate::presence) fn again(&mut self, socket: SocketId) -> Vec<News> {
        let Some(watcher) = self.watchers.get(&socket) else { return Vec::new() };
        let list = watcher.list.clone();
        let mut news = Vec::with_capacity(list.len());
        for user in list {
            let shown = self.shown(&user);
            let Some(watched) = self.watched.get_mut(&user) else { continue };
            watched.known = true;
            // What the others have not been told yet they are told now: nothing is told twice.
            let news_to_all = watched.shown != shown;
            watched.shown = shown.clone();
            let all = watched.by.iter().filter(|other| {
                let answered = self.watchers.get(other).is_some_and(|watcher| watcher.answered);
                **other == socket || (news_to_all && answered)
            });
            let (sockets, last_seen) = (all.copied().collect(), watched.last_seen);
            news.push(News { user, shown, last_seen, sockets });
        }
        news
    }

    /// A person as they are now, for the sockets by which a user watches them.
    pub(in crate::presence) fn about(&self, watcher: &UserId, target: &UserId) -> Option<News> {
        let watched = self.watched.get(target)?;
        let own = |socket: &&SocketId| {
            self.watchers.get(*socket).is_some_and(|one| one.answered && one.user == *watcher)
        };
        let sockets: Vec<SocketId> = watched.by.iter().filter(own).copied().collect();
        let (user, shown, last_seen) = (*target, watched.shown.clone(), watched.last_seen);
        (!sockets.is_empty()).then_some(News { user, shown, last_seen, sockets })
    }

    /// Of whom on a socket's list it is to be looked up when they were last seen.
    pub(in crate::presence) fn absent(&self, socket: SocketId) -> Vec<UserId> {
        let list = self.watchers.get(&socket).map(|watcher| watcher.list.as_slice());
        let absent = |user: &&UserId| {
            let looked_up = self.watched.get(*user).is_none_or(|watched| watched.looked_up);
            !looked_up && self.shown(user).is_offline()
        };
        list.unwrap_or_default().iter().filter(absent).cloned().collect()
    }

    /// What was kept of when people were last seen; of the others asked about nothing was.
    pub(in crate::presence) fn looked_up(
        &mut self,
        asked: &[UserId],
        kept: &HashMap<UserId, Timestamp>,
    ) {
        for user in asked {
            let Some(watched) = self.watched.get_mut(user) else { continue };
            watched.looked_up = true;
            watched.last_seen = watched.last_seen.max(kept.get(user).copied());
        }
    }

    /// Those who watch a user, and those whom the user watches.
    pub(in crate::presence) fn related(&self, user: &UserId) -> HashSet<UserId> {
        let by = self.watched.get(user).into_iter().flat_map(|watched| &watched.by);
        let watching = by.filter_map(|socket| self.watcher(*socket));
        let own = self.watchers.values().filter(|watcher| watcher.user == *user);
        watching.chain(own.flat_map(|watcher| &watcher.list)).cloned().collect()
    }

    /// Whose socket it is.
    pub(in crate::presence) fn watcher(&self, socket: SocketId) -> Option<&UserId> {
        self.watchers.get(&socket).map(|watcher| &watcher.user)
    }

    /// The sockets by which a user watches others.
    pub(in crate::presence) fn watching(&self, user: &UserId) -> Vec<SocketId> {
        let own = self.watchers.iter().filter(|(_, watcher)| watcher.user == *user);
        own.filter(|(_, watcher)| watcher.answered).map(|(socket, _)| *socket).collect()
    }
}
