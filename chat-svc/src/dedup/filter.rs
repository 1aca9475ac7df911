//! A set that can say "surely not in it" in a few bytes for each member (a Bloom filter).

use std::sync::atomic::{AtomicU64, Ordering};

use schemas::Digest;

/// Bits set for each member.
const BITS_EACH: u64 = 4;

/// The set. At ten bits a member one in a hundred strangers is taken for a member; a member never for a
/// stranger. Nothing is ever removed. Without a size it takes everybody for a member.
pub(super) struct Filter {
    words: Vec<AtomicU64>,
}

impl Filter {
    /// A set of at most this many bytes.
    pub(super) fn new(bytes: usize) -> Self {
        Self { words: (0..bytes / 8).map(|_| AtomicU64::new(0)).collect() }
    }

    pub(super) fn insert(&self, name: &Digest) {
        for (word, mask) in self.places(name) {
            word.fetch_or(mask, Ordering::Relaxed);
        }
    }

    /// Whether it may be in the set.
    pub(super) fn may_hold(&self, name: &Digest) -> bool {
        self.places(name).all(|(word, mask)| word.load(Ordering::Relaxed) & mask != 0)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    fn places(&self, name: &Digest) -> impl Iterator<Item = (&AtomicU64, u64)> {
        // A digest is 32 hexadecimal digits of a cryptographic hash: its halves are independent.
        let half = |range| {
            let digits = name.as_str().get(range).unwrap_or_default();
            u64::from_str_radix(digits, 16).unwrap_or_default()
        };
        let (first, step) = (half(0..16), half(16..32) | 1);
        let bits = u64::try_from(self.words.len()).unwrap_or(u64::MAX).saturating_mul(64);
        (0..BITS_EACH).filter_map(move |n| {
            let bit = first.wrapping_add(n.wrapping_mul(step)).checked_rem(bits)?;
            let word = self.words.get(usize::try_from(bit / 64).ok()?)?;
            Some((word, 1 << (bit % 64)))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_member_is_never_taken_for_a_stranger(names in prop::collection::vec("[a-z]{1,8}", 0..200)) {
            let filter = Filter::new(256);
            for name in &names {
                filter.insert(&Digest::of([name.as_str()]));
            }
            for name in &names {
                prop_assert!(filter.may_hold(&Digest::of([name.as_str()])));
            }
        }
    }

    #[test]
    fn few_strangers_are_taken_for_members() {
        let filter = Filter::new(1_250);
        for n in 0..1_000 {
            filter.insert(&Digest::of(["member", &n.to_string()]));
        }
        let strangers = (0..10_000).filter(|n| filter.may_hold(&Digest::of(["x", &n.to_string()])));
        let taken = strangers.count();
        assert!((50..300).contains(&taken), "{taken} of 10,000");
    }

    #[test]
    fn without_a_size_everybody_may_be_in_it() {
        assert!(Filter::new(0).may_hold(&Digest::of(["anybody"])));
        assert!(Filter::new(0).is_empty());
    }
}
