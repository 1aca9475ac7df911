//! How many sockets users have at other gateways, as those say.
//!
//! An estimate: as late as gateways tell each other, a tenth of a second. A gateway says of a user how many sockets they
//! have there when that changes, and of all of its users every five seconds, since words may be lost. What is not said
//! again for fifteen seconds is forgotten, and so is all of a gateway that falls silent.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use schemas::UserId;

/// How often all users are told of.
const ROUND: Duration = Duration::from_secs(5);
/// How long what was said holds.
const SILENCE: Duration = Duration::from_secs(15);

/// Users with the number of their sockets at one gateway.
pub(super) type Held = Vec<(UserId, u32)>;

/// What one gateway said of a user.
struct Said {
    gateway: Arc<str>,
    sockets: u32,
    at: Instant,
}

/// The sockets of users, here and elsewhere.
#[derive(Default)]
pub(super) struct Sockets {
    here: HashMap<UserId, u32>,
    /// Users of whom the others have not been told yet.
    changed: HashSet<UserId>,
    /// When all users were last told of; none: they are to be told of now.
    told: Option<Instant>,
    elsewhere: HashMap<UserId, Vec<Said>>,
    /// The other gateways, and when each was heard last.
    gateways: HashMap<Arc<str>, Instant>,
}

impl Sockets {
    /// A user has one socket more here.
    pub(super) fn came(&mut self, user: &UserId) {
        let sockets = self.here.entry(*user).or_default();
        *sockets = sockets.saturating_add(1);
        self.changed.insert(*user);
    }

    /// A user has one socket less here.
    pub(super) fn went(&mut self, user: &UserId) {
        let Some(sockets) = self.here.get_mut(user) else { return };
        *sockets = sockets.saturating_sub(1);
        if *sockets == 0 {
            self.here.remove(user);
        }
        self.changed.insert(*user);
    }

    /// How many sockets a user has at other gateways.
    pub(super) fn elsewhere(&self, user: &UserId, now: Instant) -> usize {
        let said = self.elsewhere.get(user).into_iter().flatten();
        let sockets: u32 = said.filter(|said| holds(said.at, now)).map(|said| said.sockets).sum();
        usize::try_from(sockets).unwrap_or(usize::MAX)
    }

    /// What the others are to be told now; empty: only that this gateway is there; none when there is nothing to say.
    pub(super) fn take_news(&mut self, now: Instant) -> Option<Held> {
        let changed = std::mem::take(&mut self.changed);
        let here = |user: UserId| {
            let sockets = self.here.get(&user).copied().unwrap_or_default();
            (user, sockets)
        };
        if self.told.is_some_and(|told| now.saturating_duration_since(told) < ROUND) {
            return Some(changed.into_iter().map(here).collect())
                .filter(|held: &Held| !held.is_empty());
        }
        let gone = changed.into_iter().map(here).filter(|(_, sockets)| *sockets == 0);
        let all = self.here.iter().map(|(user, sockets)| (*user, *sockets));
        let held = gone.chain(all).collect();
        self.told = Some(now);
        self.forget_silent(now);
        Some(held)
    }

    /// Another gateway listens from now on: it is told of all users.
    pub(super) fn tell_all(&mut self) {
        self.told = None;
    }

    /// Another gateway has said how many sockets users have there.
    pub(super) fn heard(&mut self, gateway: &str, held: &[(UserId, u32)], at: Instant) {
        let known = self.gateways.get_key_value(gateway).map(|(known, _)| Arc::clone(known));
        let gateway = known.unwrap_or_else(|| {
            // It may have begun to listen after all were told of last.
            self.told = None;
            Arc::from(gateway)
        });
        self.gateways.insert(Arc::clone(&gateway), at);
        for (user, sockets) in held {
            if *sockets == 0 {
                self.forget(user, &gateway);
                continue;
            }
            let said = self.elsewhere.entry(*user).or_default();
            match said.iter_mut().find(|said| said.gateway == gateway) {
                Some(said) => (said.sockets, said.at) = (*sockets, at),
                None => said.push(Said { gateway: Arc::clone(&gateway), sockets: *sockets, at }),
            }
        }
    }

    /// Another gateway has stopped.
    pub(super) fn left(&mut self, gateway: &str) {
        self.gateways.remove(gateway);
        self.elsewhere.retain(|_, said| {
            said.retain(|said| *said.gateway != *gateway);
            !said.is_empty()
        });
    }

    fn forget(&mut self, user: &UserId, gateway: &Arc<str>) {
        let Some(said) = self.elsewhere.get_mut(user) else { return };
        said.retain(|said| said.gateway != *gateway);
        if said.is_empty() {
            self.elsewhere.remove(user);
        }
    }

    fn forget_silent(&mut self, now: Instant) {
        self.gateways.retain(|_, heard| holds(*heard, now));
        self.elsewhere.retain(|_, said| {
            said.retain(|said| holds(said.at, now));
            !said.is_empty()
        });
    }
}

fn holds(said: Instant, now: Instant) -> bool {
    now.saturating_duration_since(said) < SILENCE
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::live::fixture::user;

    /// Gateways that hear each other at once, but for those that are cut off, and a clock.
    struct World {
        gateways: Vec<Sockets>,
        now: Instant,
    }

    impl World {
        fn of(count: usize) -> Self {
            let gateways = (0..count).map(|_| Sockets::default()).collect();
            Self { gateways, now: Instant::now() }
        }

        /// So many tenths of a second, in which these gateways are heard.
        fn pass(&mut self, tenths: u32, heard: &[usize]) {
            for _ in 0..tenths {
                self.now += Duration::from_millis(100);
                for from in heard {
                    let Some(held) = self.gateways[*from].take_news(self.now) else { continue };
                    for to in heard.iter().filter(|to| *to != from) {
                        self.gateways[*to].heard(&from.to_string(), &held, self.now);
                    }
                }
            }
        }

        fn elsewhere(&self, at: usize, who: u64) -> usize {
            self.gateways[at].elsewhere(&user(who), self.now)
        }
    }

    #[test]
    fn what_users_have_elsewhere_is_known_a_moment_later() {
        let mut world = World::of(3);
        (0..7).for_each(|_| world.gateways[0].came(&user(1)));
        (0..4).for_each(|_| world.gateways[1].came(&user(1)));
        world.gateways[1].came(&user(2));
        world.pass(1, &[0, 1, 2]);
        assert_eq!([0, 1, 2].map(|at| world.elsewhere(at, 1)), [4, 7, 11]);
        assert_eq!([0, 1, 2].map(|at| world.elsewhere(at, 2)), [1, 0, 1]);
        world.gateways[0].went(&user(1));
        world.gateways[1].went(&user(2));
        world.pass(1, &[0, 1, 2]);
        assert_eq!((world.elsewhere(2, 1), world.elsewhere(2, 2)), (10, 0));
        // It stays so as long as gateways say so.
        world.pass(600, &[0, 1, 2]);
        assert_eq!((world.elsewhere(2, 1), world.elsewhere(2, 2)), (10, 0));
        assert!(!world.gateways[2].elsewhere.contains_key(&user(2)), "nothing is kept of none");
    }

    #[test]
    fn a_gateway_that_comes_later_is_told_of_all() {
        let mut world = World::of(3);
        world.gateways[0].came(&user(1));
        world.pass(20, &[0, 1]);
        assert_eq!(world.elsewhere(2, 1), 0);
        world.pass(2, &[0, 1, 2]);
        assert_eq!(world.elsewhere(2, 1), 1);
        // One that has listened all the time and says that it does from now on is told again.
        world.gateways[2] = Sockets::default();
        world.gateways[0].tell_all();
        world.pass(1, &[0, 1, 2]);
        assert_eq!(world.elsewhere(2, 1), 1);
    }

    #[test]
    fn a_gateway_that_falls_silent_or_leaves_has_its_sockets_forgotten() {
        let mut world = World::of(3);
        world.gateways[0].came(&user(1));
        world.gateways[1].came(&user(1));
        world.pass(10, &[0, 1, 2]);
        assert_eq!(world.elsewhere(2, 1), 2);
        world.pass(90, &[1, 2]);
        assert_eq!(world.elsewhere(2, 1), 2, "it may come back");
        world.pass(70, &[1, 2]);
        assert_eq!(world.elsewhere(2, 1), 1);
        world.gateways[2].left("1");
        assert_eq!(world.elsewhere(2, 1), 0);
        world.pass(60, &[2]);
        assert!(world.gateways[2].elsewhere.is_empty(), "a round later nothing is kept");
        // Both are back, and so are their sockets.
        world.pass(2, &[0, 1, 2]);
        assert_eq!(world.elsewhere(2, 1), 2);
    }

    #[test]
    fn a_word_that_is_lost_is_said_again() {
        let mut world = World::of(2);
        world.gateways[0].came(&user(1));
        world.pass(1, &[0]);
        assert_eq!(world.elsewhere(1, 1), 0);
        world.pass(60, &[0, 1]);
        assert_eq!(world.elsewhere(1, 1), 1);
        // So is that there is none any more, by saying nothing.
        world.gateways[0].went(&user(1));
        world.pass(1, &[0]);
        world.pass(160, &[0, 1]);
        assert_eq!(world.elsewhere(1, 1), 0);
    }
}
