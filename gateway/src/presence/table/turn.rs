//! What has become of everything a moment later: whom to tell, and what is to be kept.

use std::collections::HashSet;
use std::time::Instant;

use schemas::{Timestamp, UserId};

use super::{GRACE, Here, News, PACE, SILENCE, SocketId, Table, Turn, later};
use crate::presence::words::{GatewayId, Word};

impl Table {
    /// What has become of everything since the last turn.
    pub(in crate::presence) fn turn(&mut self, now: Instant, wall: Timestamp) -> Turn {
        let mut turn = Turn { hidden: std::mem::take(&mut self.hidden), ..Turn::default() };
        self.lose_silent_gateways(now, wall, &mut turn);
        for (_, gateway) in self.left.extract_if(.., |(until, _)| *until <= now).collect::<Vec<_>>()
        {
            self.take_people_of(&gateway);
        }
        let over = |gone: Instant| now.saturating_duration_since(gone) >= GRACE;
        let gone = |user: &&UserId| {
            self.here.get(*user).and_then(|here| here.gone).is_none_or(|(gone, _)| over(gone))
        };
        for user in self.leaving.iter().filter(gone).cloned().collect::<Vec<_>>() {
            self.goes(&user, &mut turn);
        }
        let mut later = HashSet::new();
        for user in std::mem::take(&mut self.changed) {
            self.tell_others(&user, wall, &mut turn);
            if self.is_too_soon(&user, now) {
                later.insert(user);
            } else {
                self.tell_watchers(user, now, &mut turn);
            }
        }
        self.changed = later;
        turn
    }

    /// A gateway that says nothing has died, and its people with it.
    fn lose_silent_gateways(&mut self, now: Instant, wall: Timestamp, turn: &mut Turn) {
        let silent = |seen: &Instant| now.saturating_duration_since(*seen) > SILENCE;
        let dead: Vec<(GatewayId, Instant)> =
            self.gateways.extract_if(|_, seen| silent(seen)).collect();
        for (gateway, seen) in dead {
            let silence = now.saturating_duration_since(seen).as_millis();
            let since = later(wall, -i64::try_from(silence).unwrap_or(0));
            for user in self.take_people_of(&gateway) {
                if !self.shown(&user).is_offline() {
                    continue;
                }
                if let Some(watched) = self.watched.get_mut(&user)
                    && !watched.shown.is_offline()
                {
                    watched.last_seen = watched.last_seen.max(Some(since));
                    turn.last_seen.push((user, since));
                }
            }
        }
    }

    /// The grace of a person without a socket here is over.
    fn goes(&mut self, user: &UserId, turn: &mut Turn) {
        self.leaving.remove(user);
        let Some(here) = self.here.remove(user) else { return };
        let last_seen = here.gone.map(|(_, wall)| wall).filter(|_| here.visible);
        if here.told.is_some() {
            turn.words.push(Word::of(user, None, last_seen));
        }
        if let (Some(at), false) = (last_seen, self.there.contains_key(user)) {
            self.was_last_seen(user, at, turn);
        }
        self.has_changed(user);
        self.forget_unless_concerned(user);
    }

    fn was_last_seen(&mut self, user: &UserId, at: Timestamp, turn: &mut Turn) {
        turn.last_seen.push((*user, at));
        if let Some(watched) = self.watched.get_mut(user) {
            watched.last_seen = watched.last_seen.max(Some(at));
        }
    }

    /// Other gateways are told what this one says of a person, when it is something else than before.
    fn tell_others(&mut self, user: &UserId, wall: Timestamp, turn: &mut Turn) {
        let shown = self.shown(user);
        let newest = self.choice_of(user);
        let Some(here) = self.here.get_mut(user) else { return };
        let part = here.part();
        let vanished = std::mem::replace(&mut here.visible, !shown.is_offline()) && !here.visible;
        // Who chose here to be invisible is last seen now.
        let chosen = vanished && !here.private && here.choice.is_some() && here.choice == newest;
        if here.told != part {
            let last_seen = chosen.then_some(wall);
            turn.words.push(Word::of(user, part.as_ref(), last_seen));
            here.told = part;
        }
        if chosen {
            self.was_last_seen(user, wall, turn);
        }
    }

    fn is_too_soon(&self, user: &UserId, now: Instant) -> bool {
        self.watched.get(user).is_some_and(|watched| {
            watched.told.is_some_and(|told| now.saturating_duration_since(told) < PACE)
        })
    }

    fn tell_watchers(&mut self, user: UserId, now: Instant, turn: &mut Turn) {
        let shown = self.shown(&user);
        let Some(watched) = self.watched.get_mut(&user) else { return };
        if watched.shown == shown {
            return;
        }
        (watched.shown, watched.told) = (shown.clone(), Some(now));
        let answered =
            |socket: &&SocketId| self.watchers.get(*socket).is_some_and(|watcher| watcher.answered);
        let sockets = watched.by.iter().filter(answered).copied().collect();
        turn.news.push(News { user, shown, last_seen: watched.last_seen, sockets });
    }

    /// Everybody who is seen here and nowhere else, with the moment from which on they are not: the gateway stops.
    pub(in crate::presence) fn farewell(&self, wall: Timestamp) -> Vec<(UserId, Timestamp)> {
        let only_here =
            self.here.iter().filter(|(user, here)| here.visible && !self.there.contains_key(*user));
        let when = |here: &Here| here.gone.map_or(wall, |(_, gone)| gone);
        only_here.map(|(user, here)| (*user, when(here))).collect()
    }
}
