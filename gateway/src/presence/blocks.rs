//! Whom the people this gateway has to do with block: those who watch and those who are watched. Pure.

use std::collections::{HashMap, HashSet};

use schemas::UserId;

/// Whom people block. Of a person who is not in here it is not known.
#[derive(Debug, Default)]
pub(super) struct Blocks {
    of: HashMap<UserId, HashSet<UserId>>,
    /// Whom those blocked of whom it has changed and could not be read. They are seen by no one until it is.
    unread: HashMap<UserId, HashSet<UserId>>,
    /// Counts changes, so that what was read before one is not taken for what is.
    changes: u64,
}

impl Blocks {
    /// Whether neither of two people blocks the other, for all that is known.
    pub(super) fn allow(&self, one: &UserId, other: &UserId) -> bool {
        let allows = |one, other| self.of.get(one).is_some_and(|blocked| !blocked.contains(other));
        one == other || (allows(one, other) && allows(other, one))
    }

    /// Those of whom it is not known.
    pub(super) fn unknown<'a>(&self, users: impl Iterator<Item = &'a UserId>) -> Vec<UserId> {
        users.filter(|user| !self.of.contains_key(*user)).cloned().collect()
    }

    /// Keeps what was read, unless something has changed since.
    pub(super) fn learn(&mut self, read: HashMap<UserId, HashSet<UserId>>, changes: u64) -> bool {
        let fresh = self.changes == changes;
        if fresh {
            self.of.extend(read);
        }
        fresh
    }

    /// Those of these people of whom it was known and has changed, and those of whom it could not be read before; and the
    /// number of the change.
    pub(super) fn changed(&mut self, users: HashSet<UserId>) -> (HashSet<UserId>, u64) {
        if users.is_empty() && self.unread.is_empty() {
            return (HashSet::new(), self.changes);
        }
        self.changes += 1;
        let known = users.into_iter().filter(|user| self.of.contains_key(user));
        (known.chain(self.unread.keys().cloned()).collect(), self.changes)
    }

    /// What has changed of these people could not be read: it is to be read again.
    pub(super) fn could_not_read(&mut self, users: HashSet<UserId>) {
        for user in users {
            if let Some(before) = self.of.remove(&user) {
                self.unread.entry(user).or_default().extend(before);
            }
        }
    }

    /// How many changes there were.
    pub(super) const fn changes(&self) -> u64 {
        self.changes
    }

    /// Whom a user blocked until now, and whether that could not be read for a while; it is not known any more.
    pub(super) fn forget(&mut self, user: &UserId) -> (HashSet<UserId>, bool) {
        let (before, unread) = (self.of.remove(user), self.unread.remove(user));
        let was_unread = unread.is_some();
        (before.into_iter().chain(unread).flatten().collect(), was_unread)
    }

    /// Forgets people of whom nothing has to be known.
    pub(super) fn retain(&mut self, concerned: &HashSet<UserId>) {
        self.of.retain(|user, _| concerned.contains(user));
        self.unread.retain(|user, _| concerned.contains(user));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::live::fixture::user;

    fn of(blocked: &[(u64, &[u64])]) -> HashMap<UserId, HashSet<UserId>> {
        let others = |others: &[u64]| others.iter().map(|number| user(*number)).collect();
        blocked.iter().map(|(who, whom)| (user(*who), others(whom))).collect()
    }

    #[test]
    fn a_block_counts_both_ways_and_what_is_not_known_counts_as_one() {
        let mut blocks = Blocks::default();
        assert!(blocks.learn(of(&[(1, &[2]), (2, &[]), (3, &[])]), 0));
        assert!(blocks.allow(&user(1), &user(3)) && blocks.allow(&user(3), &user(2)));
        assert!(!blocks.allow(&user(1), &user(2)) && !blocks.allow(&user(2), &user(1)));
        assert!(!blocks.allow(&user(1), &user(4)) && blocks.allow(&user(4), &user(4)));
        blocks.retain(&HashSet::from([user(1)]));
        assert_eq!(blocks.unknown([user(1), user(2)].iter()), [user(2)]);
    }

    #[test]
    fn what_could_not_be_read_counts_as_a_block_until_it_is() {
        let mut blocks = Blocks::default();
        assert!(blocks.learn(of(&[(1, &[2]), (3, &[])]), 0));
        let (changed, change) = blocks.changed(HashSet::from([user(1), user(4)]));
        assert_eq!((&changed, change), (&HashSet::from([user(1)]), 1));
        blocks.could_not_read(changed);
        assert!(!blocks.allow(&user(1), &user(3)));
        // Without another change it is read again.
        let (again, change) = blocks.changed(HashSet::new());
        assert_eq!((again, change), (HashSet::from([user(1)]), 2));
        assert_eq!(blocks.forget(&user(1)), (HashSet::from([user(2)]), true));
        assert!(blocks.learn(of(&[(1, &[])]), 2));
        assert!(blocks.allow(&user(1), &user(3)));
        assert_eq!(blocks.changed(HashSet::new()), (HashSet::new(), 2));
        assert_eq!(blocks.forget(&user(3)), (HashSet::new(), false));
    }

    #[test]
    fn what_was_read_before_a_change_is_read_again() {
        let mut blocks = Blocks { changes: 1, ..Blocks::default() };
        assert!(!blocks.learn(of(&[(1, &[])]), 0));
        assert_eq!(blocks.unknown([user(1)].iter()), [user(1)]);
    }
}
