//! Who may know whether another is online.
//!
//! A member of a room of everybody may watch every person; where there is no such room, people who share a room. The
//! others hear `offline`, as do people one of whom blocks the other (`blocks`).

use std::collections::{HashMap, HashSet};

use schemas::{RoomId, UserId};

use crate::live::Hub;

/// The rule, for some watchers, as of now.
pub(super) enum Rule {
    /// There is a room of everybody, and these are in it.
    Everybody(HashSet<UserId>),
    /// There is none; the rooms of the watchers.
    Sharing { hub: Hub, rooms: HashMap<UserId, HashSet<RoomId>> },
}

impl Rule {
    pub(super) fn of<'a>(hub: &Hub, watchers: impl Iterator<Item = &'a UserId>) -> Self {
        let watchers: HashSet<&UserId> = watchers.collect();
        match hub.in_everyone(&watchers) {
            Some(inside) => Self::Everybody(inside),
            None => {
                let rooms = watchers.into_iter().map(|user| (*user, hub.rooms_of(user)));
                Self::Sharing { hub: hub.clone(), rooms: rooms.collect() }
            }
        }
    }

    /// Whether a watcher may know of a person, whose rooms other gateways may have named.
    pub(super) fn allows<I: Iterator<Item = RoomId>>(
        &self,
        watcher: &UserId,
        target: &UserId,
        elsewhere: impl FnOnce() -> I,
    ) -> bool {
        match self {
            Self::Everybody(inside) => inside.contains(watcher),
            Self::Sharing { hub, rooms } => {
                let Some(own) = rooms.get(watcher) else { return false };
                watcher == target
                    || elsewhere().any(|room| own.contains(&room))
                    || hub.rooms_of(target).iter().any(|room| own.contains(room))
            }
        }
    }
}
