//! PNG: a signature and a row of chunks.
//!
//! A colour profile is kept only if it is no larger than profiles are: a decoder unpacks it whole, and few bytes may be
//! packed from very many.

use std::io::Read as _;

use flate2::read::ZlibDecoder;

use crate::not_an_image::NotAnImage;

const SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";
/// Bytes of a chunk beside its content: length, type, checksum.
const AROUND: u64 = 12;
/// Chunks beside those every decoder must know that say how the picture is shown.
const KEPT: [&[u8; 4]; 14] = [
    b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"iCCP", b"cICP", b"mDCV", b"cLLI", b"sBIT", b"bKGD",
    b"pHYs", b"acTL", b"fcTL", b"fdAT",
];

/// Bytes of a colour profile, unpacked; of one with more the image is shown without.
const MAX_PROFILE: u64 = 4 * 1024 * 1024;

/// What becomes of the present chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Fate {
    #[default]
    Dropped,
    Kept,
    /// It is gathered, and decided on when it is whole.
    Gathered,
}

/// Cleans a PNG image.
#[derive(Debug, Default)]
pub struct Png {
    /// What is not decided on: the signature, or the head of a chunk.
    waiting: Vec<u8>,
    begun: bool,
    ended: bool,
    /// Bytes of the present chunk that are still to come, and what becomes of them.
    chunk: (u64, Fate),
    /// The colour profile's chunk, as far as it has come; none before there is one, as only the first counts.
    profile: Option<Vec<u8>>,
}

impl Png {
    pub(super) fn push(&mut self, bytes: &[u8]) -> Result<Vec<u8>, NotAnImage> {
        let mut kept = Vec::with_capacity(bytes.len() + 8);
        let mut rest = bytes;
        while !rest.is_empty() && (!self.ended || self.chunk.0 > 0) {
            if self.chunk.0 > 0 {
                let now = usize::try_from(self.chunk.0).unwrap_or(usize::MAX).min(rest.len());
                let (some, later) = rest.split_at(now);
                self.chunk.0 -= u64::try_from(now).unwrap_or(0);
                self.content(some, &mut kept);
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

    /// Takes some of the present chunk.
    fn content(&mut self, some: &[u8], kept: &mut Vec<u8>) {
        let (left, fate) = self.chunk;
        match (fate, &mut self.profile) {
            (Fate::Kept, _) => kept.extend_from_slice(some),
            (Fate::Gathered, Some(profile)) => {
                profile.extend_from_slice(some);
                if left == 0 {
                    let chunk = std::mem::take(profile);
                    if is_small(&chunk) {
                        kept.extend_from_slice(&chunk);
                    }
                }
            }
            (Fate::Gathered, None) | (Fate::Dropped, _) => {}
        }
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
        let fate = match (keeps, kind == b"iCCP") {
            (true, false) => Fate::Kept,
            (true, true) if self.profile.is_none() && length <= MAX_PROFILE => Fate::Gathered,
            (true, true) | (false, _) => Fate::Dropped,
        };
        self.chunk = (length + AROUND - 8, fate);
        match fate {
            Fate::Kept => kept.extend_from_slice(&head),
            Fate::Gathered => self.profile = Some(head),
            Fate::Dropped => {}
        }
        Ok(())
    }
}

/// Whether the chunk of a colour profile holds one, of [`MAX_PROFILE`] bytes at most. It has a name that ends with a
/// zero, and how it is packed.
fn is_small(chunk: &[u8]) -> bool {
    let content = chunk.get(8..).unwrap_or_default();
    let packed = content.iter().position(|byte| *byte == 0).and_then(|end| content.get(end + 2..));
    let mut profile = ZlibDecoder::new(packed.unwrap_or_default()).take(MAX_PROFILE + 1);
    let unpacked = std::io::copy(&mut profile, &mut std::io::sink());
    unpacked.is_ok_and(|bytes| bytes <= MAX_PROFILE)
}
