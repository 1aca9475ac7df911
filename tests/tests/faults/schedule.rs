//! What happens when: chosen by a seed, so that a failure can be played again.
//!
//! A moment is a number of acknowledged sends, not a time: a slow machine meets the same faults at the same
//! places of the load as a fast one.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::Write;
use std::ops::Range;

/// Small numbers from a seed (`SplitMix64`): the same seed gives the same numbers for ever, whatever libraries
/// do.
#[derive(Debug, Clone)]
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) const fn of(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `limit`; 0 when that is 0.
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % (limit.max(1) as u64)).unwrap()
    }

    /// A number of a range.
    pub(crate) fn within(&mut self, range: Range<usize>) -> usize {
        range.start + self.below(range.len())
    }

    /// True once in `n` times.
    pub(crate) fn once_in(&mut self, n: usize) -> bool {
        n > 0 && self.below(n) == 0
    }

    /// One of these.
    pub(crate) fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }

    /// These in another order.
    pub(crate) fn shuffled<T: Clone>(&mut self, from: &[T]) -> Vec<T> {
        let mut left = from.to_vec();
        let mut out = Vec::with_capacity(left.len());
        while !left.is_empty() {
            out.push(left.swap_remove(self.below(left.len())));
        }
        out
    }
}

/// The choices of one case.
pub(crate) struct Schedule {
    case: &'static str,
    seed: u64,
    pub(crate) dice: Dice,
}

impl Schedule {
    /// The choices of a case, from `TIDINGS_SEED` or a random seed; prints which.
    pub(crate) fn of(case: &'static str) -> Self {
        let seed = std::env::var("TIDINGS_SEED").ok().map_or_else(
            || RandomState::new().build_hasher().finish() % 1_000_000_000,
            |text| text.parse().expect("TIDINGS_SEED is a number"),
        );
        let schedule = Self { case, seed, dice: Dice::of(mixed(seed, case)) };
        schedule.say(&format!("begins; TIDINGS_SEED={seed} plays it again"));
        schedule
    }

    /// Choices of one client: they stay the same whatever others do in the meantime.
    pub(crate) fn dice_of(&self, who: &str) -> Dice {
        Dice::of(mixed(self.seed, &format!("{}/{who}", self.case)))
    }

    /// `n` moments, in order, each in an equal part of the range.
    pub(crate) fn moments(&mut self, n: usize, range: Range<usize>) -> Vec<usize> {
        let part = range.len() / n.max(1);
        let starts = (0..n).map(|number| range.start + number * part);
        starts.map(|start| self.dice.within(start..start + part.max(1))).collect()
    }

    /// Tells how far the case is. Past the test runner's capture: who waits wants to see it now.
    pub(crate) fn say(&self, what: &str) {
        say(self.case, what);
    }
}

impl Drop for Schedule {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.say(&format!("FAILED; TIDINGS_SEED={} plays it again", self.seed));
        }
    }
}

/// One line of progress.
pub(crate) fn say(case: &str, what: &str) {
    let line = format!("faults: {case}: {what}\n");
    let _ = std::io::stderr().write_all(line.as_bytes());
}

/// Whether the long variants run.
pub(crate) fn long() -> bool {
    std::env::var_os("TIDINGS_LONG_TESTS").is_some()
}

/// The first in the run of every change, the second in `make test-faults`.
pub(crate) fn by_length<T>(short: T, in_full: T) -> T {
    if long() { in_full } else { short }
}

/// A seed for each name (FNV-1a).
fn mixed(seed: u64, name: &str) -> u64 {
    let begin = 0xcbf2_9ce4_8422_2325 ^ seed;
    name.bytes().fold(begin, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

#[test]
fn the_same_seed_gives_the_same_choices() {
    let mut first = Dice::of(mixed(7, "case"));
    let mut again = Dice::of(mixed(7, "case"));
    let mut other = Dice::of(mixed(7, "other case"));
    let take = |dice: &mut Dice| (0..20).map(|_| dice.below(1000)).collect::<Vec<_>>();
    let chosen = take(&mut first);
    assert_eq!(chosen, take(&mut again));
    assert_ne!(chosen, take(&mut other));
    assert_eq!(Dice::of(1).next(), 0x910a_2dec_8902_5cc1, "the numbers of SplitMix64");
}
