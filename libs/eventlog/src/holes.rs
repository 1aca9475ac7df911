//! Sequences without an event, whatever the reason.

use schemas::Sequence;
use serde::{Deserialize, Serialize};

/// Sequences that no event has any more, as inclusive ranges in order.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Holes(Vec<(Sequence, Sequence)>);

impl Holes {
    /// Adds an inclusive range.
    pub fn insert(&mut self, from: Sequence, to: Sequence) {
        let at = self.0.partition_point(|(_, end)| end.saturating_add(1) < from);
        let (mut from, mut to) = (from, to);
        while let Some(&(first, last)) = self.0.get(at).filter(|(first, _)| *first <= to + 1) {
            (from, to) = (from.min(first), to.max(last));
            self.0.remove(at);
        }
        self.0.insert(at, (from, to));
    }

    /// Whether every sequence of an inclusive range is one of these; an empty range is.
    #[must_use]
    pub fn cover(&self, from: Sequence, to: Sequence) -> bool {
        let at = self.0.partition_point(|(_, last)| *last < from);
        from > to || self.0.get(at).is_some_and(|(first, last)| *first <= from && to <= *last)
    }

    /// Whether any sequence of an inclusive range is one of these.
    #[must_use]
    pub fn meet(&self, from: Sequence, to: Sequence) -> bool {
        let at = self.0.partition_point(|(_, last)| *last < from);
        from <= to && self.0.get(at).is_some_and(|(first, _)| *first <= to)
    }

    /// Those of these up to a sequence.
    #[must_use]
    pub fn through(&self, last: Sequence) -> Self {
        let within = self.0.iter().filter(|(from, _)| *from <= last);
        Self(within.map(|(from, to)| (*from, (*to).min(last))).collect())
    }

    /// Those of these that are none of the others.
    #[must_use]
    pub fn without(&self, others: &Self) -> Self {
        let mut left = Vec::new();
        for &(mut from, to) in &self.0 {
            let at = others.0.partition_point(|(_, last)| *last < from);
            for &(first, last) in others.0.iter().skip(at).take_while(|(first, _)| *first <= to) {
                if from < first {
                    left.push((from, first - 1));
                }
                from = last.saturating_add(1);
            }
            if from <= to {
                left.push((from, to));
            }
        }
        Self(left)
    }

    /// How many sequences they are.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.0.iter().map(|(first, last)| last - first + 1).sum()
    }

    /// The ranges, inclusive.
    #[must_use]
    pub fn ranges(&self) -> &[(Sequence, Sequence)] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::Holes;

    #[test]
    fn holes_grow_together_and_cover_what_they_hold() {
        let mut holes = Holes::default();
        for (from, to) in [(5, 6), (10, 10), (1, 1), (7, 9), (20, 30), (25, 40)] {
            holes.insert(from, to);
        }
        assert_eq!(holes.ranges(), [(1, 1), (5, 10), (20, 40)]);
        assert_eq!(holes.count(), 1 + 6 + 21);
        assert!(holes.cover(5, 10) && holes.cover(21, 21) && holes.cover(4, 3));
        assert!(!holes.cover(4, 5) && !holes.cover(10, 11) && !holes.cover(1, 5));
        assert!(!holes.cover(50, 50));
        assert_eq!(holes.through(25).ranges(), [(1, 1), (5, 10), (20, 25)]);
        assert_eq!(holes.through(19).ranges(), [(1, 1), (5, 10)]);
        let mut others = Holes::default();
        for (from, to) in [(1, 5), (8, 9), (30, 50)] {
            others.insert(from, to);
        }
        assert_eq!(holes.without(&others).ranges(), [(6, 7), (10, 10), (20, 29)]);
        assert_eq!(others.without(&holes).ranges(), [(2, 4), (41, 50)]);
        assert_eq!(holes.without(&Holes::default()), holes);
        assert_eq!(holes.without(&holes).count(), 0);
        assert!(holes.meet(2, 5) && holes.meet(40, 90) && !holes.meet(2, 4) && !holes.meet(41, 50));
    }
}
