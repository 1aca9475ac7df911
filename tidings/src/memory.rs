//! How much memory caches may take: one number for recent events, and the others in proportion to it.

/// A size in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Memory(u64);

const MIB: u64 = 1 << 20;
/// What all bounds are made for.
const USUAL: u64 = 128 * MIB;
/// Below this nothing could be remembered that is worth it.
const LEAST: u64 = 4 * MIB;
const UNITS: &[(&str, u64)] = &[("KiB", 1 << 10), ("MiB", MIB), ("GiB", 1 << 30)];

impl Memory {
    /// Reads `128MiB`.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let not_a_size = || format!("`{text}` is not a size such as 128MiB");
        let (unit, factor) =
            UNITS.iter().find(|(unit, _)| text.ends_with(unit)).ok_or_else(not_a_size)?;
        let number: u64 =
            text.trim_end_matches(unit).trim_end().parse().map_err(|_| not_a_size())?;
        let bytes = number.checked_mul(*factor).ok_or_else(not_a_size)?;
        if bytes < LEAST { Err("at least 4MiB".to_owned()) } else { Ok(Self(bytes)) }
    }

    /// Bytes for recent events, and as many for pages of SQLite.
    pub(crate) const fn bytes(self) -> u64 {
        self.0
    }

    /// The same as a size in memory.
    pub(crate) fn in_memory(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }

    /// In thousandths of the usual.
    pub(crate) const fn thousandths(self) -> u64 {
        self.0.saturating_mul(1000) / USUAL
    }

    /// So much of what is usual.
    pub(crate) fn part_of(self, usual: usize) -> usize {
        let part = u64::try_from(usual).unwrap_or(u64::MAX).saturating_mul(self.thousandths());
        usize::try_from(part / 1000).unwrap_or(usize::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read() {
        assert_eq!(Memory::parse("128MiB"), Ok(Memory(USUAL)));
        assert_eq!(Memory::parse("1 GiB"), Ok(Memory(1 << 30)));
        assert_eq!(Memory::parse("8192KiB"), Ok(Memory(8 * MIB)));
        for wrong in ["", "MiB", "128", "128MB", "-1MiB", "1KiB", "99999999999999GiB", "1.5MiB"] {
            assert!(Memory::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_small_machine_keeps_less_of_everything() {
        let small = Memory::parse("16MiB").unwrap();
        assert_eq!((small.thousandths(), small.part_of(50_000)), (125, 6250));
        assert_eq!(Memory::parse("128MiB").unwrap().part_of(50_000), 50_000);
    }
}
