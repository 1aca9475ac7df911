//! What other gateways say, and what they are told.

use std::collections::{HashMap, HashSet};
use std::time::Instant;

use schemas::{RoomId, UserId};

use super::{GRACE, Table};
use crate::presence::words::{GatewayId, Word};

impl Table {
    /// Everybody who has a socket here.
    pub(in crate::presence) fn people_here(&self) -> impl Iterator<Item = &UserId> {
        self.here.keys()
    }

    /// The rooms that other gateways say a person is in.
    pub(in crate::presence) fn rooms_there(&self, user: &UserId) -> impl Iterator<Item = &RoomId> {
        let parts = self.there.get(user).into_iter().flat_map(HashMap::values);
        parts.flat_map(|part| &part.rooms)
    }

    /// Everybody of whom this gateway wants to hear.
    pub(in crate::presence) fn concerned(&self) -> Vec<UserId> {
        let mut all: HashSet<&UserId> = self.watched.keys().collect();
        all.extend(self.here.keys());
        all.into_iter().cloned().collect()
    }

    /// The people who watch and those who are watched.
    pub(in crate::presence) fn watching_or_watched(&self) -> HashSet<UserId> {
        let watchers = self.watchers.values().map(|watcher| &watcher.user);
        watchers.chain(self.watched.keys()).cloned().collect()
    }

    /// Those of these people who are here.
    pub(in crate::presence) fn present(&self, users: &[UserId]) -> Vec<Word> {
        let word = |user: &UserId| Some(Word::of(user, Some(&self.here.get(user)?.part()?), None));
        users.iter().filter_map(word).collect()
    }

    /// The other gateways that are alive.
    pub(in crate::presence) fn others(&self) -> impl Iterator<Item = &GatewayId> {
        self.gateways.keys()
    }

    /// Another gateway is alive. True when it was not known: it is to be asked about everybody.
    pub(in crate::presence) fn alive(&mut self, gateway: &GatewayId, now: Instant) -> bool {
        self.gateways.insert(gateway.clone(), now).is_none()
    }

    /// Another gateway stops. Its people count as present for as long as they need to come back elsewhere.
    pub(in crate::presence) fn goodbye(&mut self, gateway: &GatewayId, now: Instant) {
        if self.gateways.remove(gateway).is_some() {
            self.left.push((now + GRACE, gateway.clone()));
        }
    }

    /// Another gateway has said something of people.
    pub(in crate::presence) fn heard(&mut self, gateway: &GatewayId, words: Vec<Word>) {
        for Word { user, part, last_seen } in words {
            if !self.concerns(&user) {
                continue;
            }
            if let Some(watched) = self.watched.get_mut(&user) {
                watched.last_seen = match &part {
                    // One who is to be seen no more was never seen.
                    None if last_seen.is_none() => None,
                    _ => watched.last_seen.max(last_seen),
                };
            }
            match part {
                Some(part) => {
                    self.there.entry(user).or_default().insert(gateway.clone(), part);
                    self.changed.insert(user);
                }
                None => self.is_not_at(gateway, user),
            }
        }
    }

    /// A person has no socket at a gateway (any more).
    pub(super) fn is_not_at(&mut self, gateway: &GatewayId, user: UserId) {
        if let Some(parts) = self.there.get_mut(&user)
            && parts.remove(gateway).is_some()
        {
            if parts.is_empty() {
                self.there.remove(&user);
            }
            self.changed.insert(user);
        }
    }

    /// Those of whom a gateway has said something, no more.
    pub(super) fn take_people_of(&mut self, gateway: &GatewayId) -> Vec<UserId> {
        let theirs = self.there.iter().filter(|(_, parts)| parts.contains_key(gateway));
        let theirs: Vec<UserId> = theirs.map(|(user, _)| *user).collect();
        theirs.iter().for_each(|user| self.is_not_at(gateway, *user));
        theirs
    }

    /// Another gateway has answered who of these people is there.
    pub(in crate::presence) fn answered(
        &mut self,
        gateway: &GatewayId,
        asked: &[UserId],
        words: Vec<Word>,
    ) {
        let there: HashSet<&UserId> = words.iter().map(|word| &word.user).collect();
        let gone = asked.iter().filter(|user| !there.contains(user));
        let gone: Vec<UserId> = gone.cloned().collect();
        gone.into_iter().for_each(|user| self.is_not_at(gateway, user));
        self.heard(gateway, words);
    }
}
