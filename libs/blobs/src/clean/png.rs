//! PNG: a signature and a row of chunks.

use crate::not_an_image::NotAnImage;

const SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";
/// Bytes of a chunk beside its content: length, type, checksum.
const AROUND: u64 = 12;
/// Chunks beside those every decoder must know that say how the picture is shown.
const KEPT: [&[u8; 4]; 14] = [
    b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"iCCP", b"cICP", b"mDCV", b"cLLI", b"sBIT", b"bKGD",
    b"pHYs", b"acTL", b"fcTL", b"fdAT",
];

/// Cleans a PNG image.
#[derive(Debug, Default)]
pub struct Png {
    /// What is not decided on: the signature, or the head of a chunk.
    waiting: Vec<u8>,
    begun: bool,
    ended: bool,
    /// Bytes of the present chunk that are still to come, and whether they are kept.
    chunk: (u64, bool),
}

impl Png {
    pub(super) fn push(&mut self, bytes: &[u8]) -> Result<Vec<u8>, NotAnImage> {
        let mut kept = Vec::with_capacity(bytes.len() + 8);
        let mut rest = bytes;
        while !rest.is_empty() && (!self.ended || self.chunk.0 > 0) {
            if self.chunk.0 > 0 {
                let now = usize::try_from(self.chunk.0).unwrap_or(usize::MAX).min(rest.len());
                let (some, later) = rest.split_at(now);
                if self.chunk.1 {
                    kept.extend_from_slice(some);
                }
                self.chunk.0 -= u64::try_from(now).unwrap_or(0);
                rest = later;
                continue;
            }
            let room = 8 - self.waiting.len();
            let (some, later) = rest.split_at(room.min(rest.len()));
            self.waiting.extend_from_slice(some);
            rest = later;
            if self.waiting.len() == 8 {
                self.head(&mut kept)?;
            }
        }
        Ok(kept)
    }

    pub(super) fn end(self) -> Result<(), NotAnImage> {
        if self.ended && self.chunk.0 == 0 { Ok(()) } else { Err(NotAnImage) }
    }

    fn head(&mut self, kept: &mut Vec<u8>) -> Result<(), NotAnImage> {
        let head = std::mem::take(&mut self.waiting);
        if !self.begun {
            if head != SIGNATURE {
                return Err(NotAnImage);
            }
            self.begun = true;
            kept.extend_from_slice(&head);
            return Ok(());
        }
        let (length, kind) = head.split_at(4);
        let length: [u8; 4] = length.try_into().map_err(|_| NotAnImage)?;
        let length = u64::from(u32::from_be_bytes(length));
        // Types in capitals first are those every decoder must know.
        let needed = kind.first().is_some_and(u8::is_ascii_uppercase);
        let keeps = needed || KEPT.iter().any(|one| one.as_slice() == kind);
        self.ended = kind == b"IEND";
        self.chunk = (length + AROUND - 8, keeps);
        if keeps {
            kept.extend_from_slice(&head);
        }
        Ok(())
    }
}
