//! A Bloom filter that grows: which names a projection has met, when it has met all of them.
//!
//! A projector that fills an empty generation knows everything that is in it. Remembering every message id and client
//! id would take memory without bound; a Bloom filter takes two bytes each and says "certainly new" of
//! nearly everything new, which spares asking the store about every single message. "Perhaps not new" only
//! means that the store is asked. It grows with the log, as a process may run for any length of time.

/// Bits per entry: with six of them set, about one in a thousand new names is looked up in vain.
const BITS_PER_ENTRY: u64 = 16;
const BITS_SET: u32 = 6;
/// Words of a block: all bits of an entry lie in one line of the processor's cache.
const BLOCK: usize = 8;
const BITS_PER_BLOCK: u64 = 512;
/// Blocks of a layer at least (64 KiB) and of all layers at most (64 MiB, 32 million names); beyond, more names
/// are looked up in vain.
const MIN_BLOCKS: u64 = 1 << 10;
const MAX_BLOCKS: u64 = 1 << 20;

/// A set that may claim too much, never too little.
#[derive(Debug)]
pub(crate) struct Bloom {
    /// Each has room for twice as much as the one before; the last one takes what is new.
    layers: Vec<Layer>,
}

#[derive(Debug)]
struct Layer {
    blocks: Vec<[u64; BLOCK]>,
    /// How many entries it was given.
    entries: u64,
}

impl Bloom {
    /// A filter for about so many entries, which grows when there are more.
    pub(crate) fn with_room_for(entries: u64) -> Self {
        let blocks = entries.saturating_mul(BITS_PER_ENTRY).div_ceil(BITS_PER_BLOCK);
        Self { layers: vec![Layer::of(blocks.clamp(MIN_BLOCKS, MAX_BLOCKS))] }
    }

    /// Remembers a hash.
    pub(crate) fn insert(&mut self, hash: u64) {
        if self.layers.last().is_none_or(Layer::is_full) {
            let taken: u64 = self.layers.iter().map(Layer::size).sum();
            let next =
                taken.saturating_add(1).next_power_of_two().min(MAX_BLOCKS.saturating_sub(taken));
            if next >= MIN_BLOCKS {
                self.layers.push(Layer::of(next));
            }
        }
        if let Some(layer) = self.layers.last_mut() {
            layer.insert(hash);
        }
    }

    /// Whether a hash may have been remembered; false is certain.
    pub(crate) fn may_contain(&self, hash: u64) -> bool {
        self.layers.iter().any(|layer| layer.may_contain(hash))
    }
}

impl Layer {
    fn of(blocks: u64) -> Self {
        Self { blocks: vec![[0; BLOCK]; usize::try_from(blocks).unwrap_or(1)], entries: 0 }
    }

    fn size(&self) -> u64 {
        u64::try_from(self.blocks.len()).unwrap_or(1)
    }

    fn is_full(&self) -> bool {
        self.entries * BITS_PER_ENTRY >= self.size() * BITS_PER_BLOCK
    }

    fn insert(&mut self, hash: u64) {
        self.entries += 1;
        let at = self.place(hash);
        if let Some(block) = self.blocks.get_mut(at) {
            for (word, bit) in bits(hash) {
                if let Some(word) = block.get_mut(word) {
                    *word |= bit;
                }
            }
        }
    }

    fn may_contain(&self, hash: u64) -> bool {
        let Some(block) = self.blocks.get(self.place(hash)) else { return true };
        bits(hash).all(|(word, bit)| block.get(word).is_none_or(|word| word & bit != 0))
    }

    fn place(&self, hash: u64) -> usize {
        usize::try_from(((hash >> 32) * self.size()) >> 32).unwrap_or_default()
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

    /// Inserts so many entries into a filter for `expected`: how many of as many others it takes for known.
    fn taken_for_known(expected: u64, entries: u64) -> usize {
        let state = foldhash::fast::FixedState::with_seed(7);
        let mut bloom = Bloom::with_room_for(expected);
        (0..entries).for_each(|number| bloom.insert(state.hash_one(number)));
        assert!((0..entries).all(|number| bloom.may_contain(state.hash_one(number))));
        (entries..2 * entries).filter(|n| bloom.may_contain(state.hash_one(*n))).count()
    }

    #[test]
    fn everything_met_is_known_and_little_else() {
        let wrong = taken_for_known(100_000, 100_000);
        assert!(wrong < 1_000, "{wrong} of 100,000 new ones are taken for known");
    }

    #[test]
    fn it_grows_with_what_it_meets() {
        let wrong = taken_for_known(0, 1_000_000);
        assert!(wrong < 20_000, "{wrong} of 1,000,000 new ones are taken for known");
    }

    #[test]
    fn it_does_not_grow_without_bound() {
        let mut bloom = Bloom { layers: vec![Layer::of(MAX_BLOCKS - MIN_BLOCKS)] };
        for _ in 0..3 {
            if let Some(layer) = bloom.layers.last_mut() {
                layer.entries = u64::MAX / BITS_PER_ENTRY;
            }
            bloom.insert(1);
        }
        let blocks: u64 = bloom.layers.iter().map(Layer::size).sum();
        assert_eq!((bloom.layers.len(), blocks), (2, MAX_BLOCKS));
    }
}
