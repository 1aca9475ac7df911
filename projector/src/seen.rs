//! Which names a projection has met, when it has met all of them.
//!
//! Whoever fills an empty generation knows everything that is in it. Remembering every message id and client
//! id would take memory without bound; a Bloom filter takes two bytes each and says "certainly new" of
//! nearly everything new, which spares asking the store about every single message. "Perhaps not new" only
//! means that the store is asked.

/// Bits per entry: with six of them set, about one in a thousand new names is looked up in vain.
const BITS_PER_ENTRY: u64 = 16;
const BITS_SET: u32 = 6;
/// Words of a block: all bits of an entry lie in one line of the processor's cache.
const BLOCK: usize = 8;
/// Blocks at least (64 KiB) and at most (64 MiB); beyond, more names are looked up in vain.
const MIN_BLOCKS: u64 = 1 << 10;
const MAX_BLOCKS: u64 = 1 << 20;

/// A set that may claim too much, never too little.
#[derive(Debug)]
pub(crate) struct Seen {
    blocks: Vec<[u64; BLOCK]>,
}

impl Seen {
    /// For about so many entries.
    pub(crate) fn with_room_for(entries: u64) -> Self {
        let blocks = entries.saturating_mul(BITS_PER_ENTRY).div_ceil(512);
        let blocks = usize::try_from(blocks.clamp(MIN_BLOCKS, MAX_BLOCKS)).unwrap_or(1);
        Self { blocks: vec![[0; BLOCK]; blocks] }
    }

    /// Remembers a hash.
    pub(crate) fn insert(&mut self, hash: u64) {
        let at = self.place(hash);
        if let Some(block) = self.blocks.get_mut(at) {
            for (word, bit) in bits(hash) {
                if let Some(word) = block.get_mut(word) {
                    *word |= bit;
                }
            }
        }
    }

    /// Whether a hash may have been remembered; false is certain.
    pub(crate) fn may_contain(&self, hash: u64) -> bool {
        let Some(block) = self.blocks.get(self.place(hash)) else { return true };
        bits(hash).all(|(word, bit)| block.get(word).is_none_or(|word| word & bit != 0))
    }

    fn place(&self, hash: u64) -> usize {
        let blocks = u64::try_from(self.blocks.len()).unwrap_or(1);
        usize::try_from(((hash >> 32) * blocks) >> 32).unwrap_or_default()
    }
}

/// The bits of an entry in its block: nine bits of a stirred hash each.
fn bits(hash: u64) -> impl Iterator<Item = (usize, u64)> {
    let stirred = hash.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (0..BITS_SET).map(move |n| {
        let nine = (stirred >> (n * 9)) & 0x1ff;
        (usize::try_from(nine >> 6).unwrap_or_default(), 1 << (nine & 63))
    })
}

#[cfg(test)]
mod tests {
    use std::hash::BuildHasher as _;

    use super::*;

    #[test]
    fn everything_met_is_known_and_little_else() {
        let state = foldhash::fast::FixedState::with_seed(7);
        let mut seen = Seen::with_room_for(100_000);
        for number in 0..100_000_u64 {
            seen.insert(state.hash_one(number));
        }
        assert!((0..100_000_u64).all(|number| seen.may_contain(state.hash_one(number))));
        let wrong = (100_000..200_000_u64).filter(|n| seen.may_contain(state.hash_one(*n))).count();
        assert!(wrong < 1000, "{wrong} of 100,000 new ones are taken for known");
    }
}
