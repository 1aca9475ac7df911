//! Files in which nothing may move and of which it is known where they say too much: that is blanked where it stands.

use std::collections::VecDeque;

use crate::stretch::Stretch;

/// Blanks parts of a file.
#[derive(Debug)]
pub struct Blanked {
    /// What is still to be blanked, in order.
    stretches: VecDeque<Stretch>,
    /// The place in the file of what comes next.
    at: u64,
}

impl Blanked {
    /// The stretches in their order, none reaching into another.
    pub(super) fn new(stretches: Vec<Stretch>) -> Self {
        Self { stretches: stretches.into(), at: 0 }
    }

    pub(super) fn push(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut kept = bytes.to_vec();
        let begin = self.at;
        self.at += u64::try_from(bytes.len()).unwrap_or(0);
        while self.stretches.front().is_some_and(|stretch| stretch.to <= begin) {
            self.stretches.pop_front();
        }
        let here = self.stretches.iter().take_while(|stretch| stretch.from < self.at);
        here.for_each(|stretch| stretch.blank(&mut kept, begin));
        kept
    }
}
