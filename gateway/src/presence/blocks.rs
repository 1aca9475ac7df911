//! Whom the people this gateway has to do with block: those who watch and those who are watched. Pure.

use std::collections::{HashMap, HashSet};

use schemas::UserId;

/// Whom people block. Of a person who is not in here it is not known.
#[derive(Debug, Default)]
pub(super) struct Blocks {
    of: HashMap<UserId, HashSet<UserId>>,
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

    /// Those of these people of whom it was known and has changed, and the number of the change.
    pub(super) fn changed(&mut self, users: HashSet<UserId>) -> (Vec<UserId>, u64) {
        self.changes += 1;
        let known = users.into_iter().filter(|user| self.of.contains_key(user));
        (known.collect(), self.changes)
    }

    /// How many changes there were.
    pub(super) const fn changes(&self) -> u64 {
        self.changes
    }

    /// Whom a user blocked until now; it is not known any more.
    pub(super) fn forget(&mut self, user: &UserId) -> HashSet<UserId> {
        self.of.remove(user).unwrap_or_default()
    }

    /// Forgets people of whom nothing has to be known.
    pub(super) fn retain(&mut self, concerned: &HashSet<UserId>) {
        self.of.retain(|user, _| concerned.contains(user));
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
    fn what_was_read_before_a_change_is_read_again() {
        let mut blocks = Blocks { changes: 1, ..Blocks::default() };
        assert!(!blocks.learn(of(&[(1, &[])]), 0));
        assert_eq!(blocks.unknown([user(1)].iter()), [user(1)]);
    }
}
