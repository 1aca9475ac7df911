//! HEIF, that is HEIC and AVIF: a row of boxes, of which `meta` says where in the file everything else is. Nothing may
//! move, so what says too much is blanked where it stands.

use super::items::telling;
use crate::not_an_image::NotAnImage;
use crate::stretch::Stretch;

/// Bytes of `meta`, which is looked at as a whole.
const MAX_META: u64 = 4 * 1024 * 1024;
/// The size that says that the true one follows.
const LONG: &[u8] = &[0, 0, 0, 1];

/// Cleans a HEIF image.
#[derive(Debug, Default)]
pub struct Heif {
    /// What is not decided on: the head of a box, or `meta`.
    waiting: Vec<u8>,
    /// The place in the file of what is given next.
    at: u64,
    /// Bytes of the present box that are still to come.
    left: u64,
    /// What becomes of them.
    how: How,
    is_described: bool,
    telling: Vec<Stretch>,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum How {
    #[default]
    Keep,
    Blank,
    /// They are looked at together.
    Gather,
}

impl Heif {
    pub(super) fn push(&mut self, bytes: &[u8]) -> Result<Vec<u8>, NotAnImage> {
        let mut kept = Vec::with_capacity(bytes.len() + 16);
        let mut rest = bytes;
        while !rest.is_empty() {
            let (some, later) = match self.left {
                0 => rest.split_at((self.head_size() - self.waiting.len()).min(rest.len())),
                left => rest.split_at(usize::try_from(left).unwrap_or(usize::MAX).min(rest.len())),
            };
            rest = later;
            if self.left > 0 {
                self.content(some, &mut kept)?;
                continue;
            }
            self.waiting.extend_from_slice(some);
            if self.waiting.len() == self.head_size() {
                self.head(&mut kept)?;
            }
        }
        Ok(kept)
    }

    /// The last box may say that it reaches to the end of the file.
    pub(super) fn end(self) -> Result<(), NotAnImage> {
        let is_whole = self.left == 0 || self.left > u64::MAX / 2;
        if self.is_described && is_whole { Ok(()) } else { Err(NotAnImage) }
    }

    fn head_size(&self) -> usize {
        if self.waiting.starts_with(LONG) && self.waiting.len() >= 8 { 16 } else { 8 }
    }

    fn head(&mut self, kept: &mut Vec<u8>) -> Result<(), NotAnImage> {
        let head = std::mem::take(&mut self.waiting);
        let (short, rest) = head.split_at(4);
        let (kind, long) = rest.split_at(4);
        let number = |bytes: &[u8]| bytes.iter().fold(0, |sum, byte| (sum << 8) | u64::from(*byte));
        self.left = match number(short) {
            0 => u64::MAX,
            1 => number(long).checked_sub(16).ok_or(NotAnImage)?,
            size => size.checked_sub(8).ok_or(NotAnImage)?,
        };
        self.how = match kind {
            // What it says of what stands before it would come too late.
            b"mdat" if !self.is_described => return Err(NotAnImage),
            b"meta" if self.left > MAX_META => return Err(NotAnImage),
            b"meta" => How::Gather,
            _ if self.at == 0 && kind != b"ftyp" => return Err(NotAnImage),
            b"ftyp" | b"mdat" | b"moov" | b"moof" => How::Keep,
            // Notes of programs, and films behind photographs.
            _ => How::Blank,
        };
        self.give(&head, kept);
        Ok(())
    }

    fn content(&mut self, some: &[u8], kept: &mut Vec<u8>) -> Result<(), NotAnImage> {
        self.left -= u64::try_from(some.len()).unwrap_or(0);
        match self.how {
            How::Keep => self.give(some, kept),
            How::Blank => self.give(&vec![0; some.len()], kept),
            How::Gather => {
                self.waiting.extend_from_slice(some);
                if self.left == 0 {
                    let meta = std::mem::take(&mut self.waiting);
                    self.telling.extend(telling(&meta, self.at)?);
                    self.is_described = true;
                    self.give(&meta, kept);
                }
            }
        }
        Ok(())
    }

    /// Gives bytes, but what says too much.
    fn give(&mut self, some: &[u8], kept: &mut Vec<u8>) {
        let (begin, first) = (self.at, kept.len());
        kept.extend_from_slice(some);
        self.at += u64::try_from(some.len()).unwrap_or(0);
        let given = kept.get_mut(first..).unwrap_or_default();
        self.telling.iter().for_each(|stretch| stretch.blank(given, begin));
    }
}
