//! Bytes of a file that say too much, in files in which nothing may move: they are blanked where they stand.

use crate::not_an_image::NotAnImage;

/// Stretches of one file that are looked for; one with more is refused.
const MAX_MARKED: usize = 4_096;

/// Bytes of the file that say too much.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stretch {
    /// The place of the first.
    pub(crate) from: u64,
    /// The place behind the last.
    pub(crate) to: u64,
    /// What stands at its beginning instead; behind that come zeros.
    pub(crate) begins: &'static [u8],
}

impl Stretch {
    /// Blanks what of it lies in a piece of the file that begins at a place.
    pub(crate) fn blank(&self, piece: &mut [u8], begin: u64) {
        let end = begin.saturating_add(u64::try_from(piece.len()).unwrap_or(u64::MAX));
        for place in self.from.max(begin)..self.to.min(end) {
            let nth = |from: u64| usize::try_from(place - from).unwrap_or(usize::MAX);
            if let Some(byte) = piece.get_mut(nth(begin)) {
                *byte = self.begins.get(nth(self.from)).copied().unwrap_or(0);
            }
        }
    }
}

/// The stretches of one file that were found.
#[derive(Debug, Default)]
pub(crate) struct Marked(Vec<Stretch>);

impl Marked {
    /// Adds one, where there is anything in it.
    pub(crate) fn add(
        &mut self,
        (from, to): (u64, u64),
        begins: &'static [u8],
    ) -> Result<(), NotAnImage> {
        if self.0.len() >= MAX_MARKED {
            return Err(NotAnImage);
        }
        if from < to {
            self.0.push(Stretch { from, to, begins });
        }
        Ok(())
    }

    /// All of them in their order, none reaching into another: blanking costs what reading costs.
    pub(crate) fn apart(mut self) -> Vec<Stretch> {
        self.0.sort_by_key(|stretch| stretch.from);
        let mut apart: Vec<Stretch> = Vec::with_capacity(self.0.len());
        for stretch in self.0 {
            match apart.last_mut() {
                Some(last) if stretch.from < last.to => last.to = last.to.max(stretch.to),
                _ => apart.push(stretch),
            }
        }
        apart
    }
}
