//! WebP: a RIFF file, whose head says how long it is. So what says too much is not left out but blanked: its chunk is
//! renamed to one that no decoder knows, and filled with zeros.

use crate::not_an_image::NotAnImage;

/// Bits of the flags of `VP8X` that say that there is Exif and XMP.
const SAYS_MORE: u8 = 0b0000_1100;

/// Cleans a WebP image.
#[derive(Debug, Default)]
pub struct WebP {
    /// What is not decided on: the head of the file or of a chunk.
    waiting: Vec<u8>,
    begun: bool,
    /// Bytes of the file that are still to come.
    left: u64,
    /// Bytes of the present chunk that are still to come.
    chunk: u64,
    /// What becomes of them.
    how: How,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum How {
    #[default]
    Keep,
    Blank,
    /// The first byte holds flags.
    Flags,
}

impl WebP {
    pub(super) fn push(&mut self, bytes: &[u8]) -> Result<Vec<u8>, NotAnImage> {
        let mut kept = Vec::with_capacity(bytes.len() + 12);
        let mut rest = bytes;
        while !rest.is_empty() && (!self.begun || self.left > 0) {
            if self.chunk > 0 {
                let most = self.chunk.min(self.left);
                let now = usize::try_from(most).unwrap_or(usize::MAX).min(rest.len());
                let (some, later) = rest.split_at(now);
                self.content(some, &mut kept);
                rest = later;
                continue;
            }
            let whole = if self.begun { 8 } else { 12 };
            let room = whole - self.waiting.len();
            let (some, later) = rest.split_at(room.min(rest.len()));
            self.waiting.extend_from_slice(some);
            rest = later;
            if self.waiting.len() == whole {
                self.head(&mut kept)?;
            }
        }
        Ok(kept)
    }

    pub(super) fn end(self) -> Result<(), NotAnImage> {
        if self.begun && self.left == 0 { Ok(()) } else { Err(NotAnImage) }
    }

    fn content(&mut self, some: &[u8], kept: &mut Vec<u8>) {
        let from = kept.len();
        kept.extend_from_slice(some);
        match self.how {
            How::Keep => {}
            How::Blank => kept.iter_mut().skip(from).for_each(|byte| *byte = 0),
            How::Flags => {
                if let Some(flags) = kept.get_mut(from) {
                    *flags &= !SAYS_MORE;
                }
                self.how = How::Keep;
            }
        }
        let now = u64::try_from(some.len()).unwrap_or(0);
        self.chunk -= now;
        self.left -= now;
    }

    fn head(&mut self, kept: &mut Vec<u8>) -> Result<(), NotAnImage> {
        let mut head = std::mem::take(&mut self.waiting);
        let length: Option<[u8; 4]> = head.get(4..8).and_then(|four| four.try_into().ok());
        let length = u64::from(u32::from_le_bytes(length.ok_or(NotAnImage)?));
        if !self.begun {
            let is_webp = head.starts_with(b"RIFF") && head.ends_with(b"WEBP");
            if !is_webp || length < 4 || length % 2 != 0 {
                return Err(NotAnImage);
            }
            self.begun = true;
            // Its own name is part of the length.
            self.left = length - 4;
            kept.extend_from_slice(&head);
            return Ok(());
        }
        self.left = self.left.checked_sub(8).ok_or(NotAnImage)?;
        // Chunks are filled up to an even length.
        self.chunk = length + length % 2;
        if self.chunk > self.left {
            return Err(NotAnImage);
        }
        self.how = match head.get(..4) {
            Some(b"VP8X") => How::Flags,
            Some(b"VP8 " | b"VP8L" | b"ALPH" | b"ANIM" | b"ANMF" | b"ICCP") => How::Keep,
            _ => {
                head.splice(..4, *b"JUNK");
                How::Blank
            }
        };
        kept.extend_from_slice(&head);
        Ok(())
    }
}
