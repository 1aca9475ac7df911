//! The stored events that this process has met and cannot read, each counted once, whichever of its parts meet it.
//!
//! What a reader does about such an event is its own affair: a group of views stops, a worker parks it, a gateway passes
//! it over. That it is there is of interest to operators in any case.

use std::collections::BTreeSet;

use parking_lot::Mutex;
use schemas::{DecodeError, Sequence};

/// So many are told apart, the latest in the log. Of more than these, each meeting counts.
const TOLD_APART: usize = 4_096;

#[derive(Debug, Default)]
pub(crate) struct Unreadable(Mutex<Met>);

#[derive(Debug, Default)]
struct Met {
    count: u64,
    told_apart: BTreeSet<Sequence>,
}

impl Unreadable {
    /// Notes an event of this sequence. One of a type that this build does not know is no defect: a newer build writes
    /// already.
    pub(crate) fn note_of(&self, sequence: Sequence, error: &DecodeError) {
        match error {
            DecodeError::UnknownType(_) => {}
            DecodeError::Malformed(_) | DecodeError::Corrupt => self.note(sequence),
        }
    }

    /// How many were met.
    pub(crate) fn count(&self) -> u64 {
        self.0.lock().count
    }

    fn note(&self, sequence: Sequence) {
        let mut met = self.0.lock();
        if met.told_apart.insert(sequence) {
            met.count += 1;
        }
        if met.told_apart.len() > TOLD_APART {
            met.told_apart.pop_first();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_counts_once_however_often_it_is_met() {
        let unreadable = Unreadable::default();
        for sequence in [7, 9, 7, 7, 9] {
            unreadable.note(sequence);
        }
        assert_eq!(unreadable.count(), 2);
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let unreadable = Unreadable::default();
        let many = 3 * Sequence::try_from(TOLD_APART).unwrap();
        for sequence in 1..=many {
            unreadable.note(sequence);
            unreadable.note(sequence);
        }
        let met = unreadable.0.lock();
        assert_eq!((met.count, met.told_apart.len()), (many, TOLD_APART));
    }
}
