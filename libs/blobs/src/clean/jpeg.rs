//! JPEG: a row of segments; the picture's data follow their header up to the next marker.

use crate::not_an_image::NotAnImage;

/// Which way is up, of the tags of Exif.
const ORIENTATION: u16 = 0x0112;
const EXIF: &[u8] = b"Exif\0\0";

/// What is being read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    /// The two bytes every file begins with.
    Begin,
    /// A marker, and the segment behind it.
    Segment,
    /// The picture's data.
    Data,
    /// Behind the end of the image.
    End,
}

/// Cleans a JPEG image.
#[derive(Debug)]
pub struct Jpeg {
    at: At,
    /// What is not decided on: a marker and its segment, at most 64 KiB.
    waiting: Vec<u8>,
}

impl Default for Jpeg {
    fn default() -> Self {
        Self { at: At::Begin, waiting: Vec::new() }
    }
}

impl Jpeg {
    pub(super) fn push(&mut self, bytes: &[u8]) -> Result<Vec<u8>, NotAnImage> {
        if self.at == At::End {
            return Ok(Vec::new());
        }
        self.waiting.extend_from_slice(bytes);
        let waiting = std::mem::take(&mut self.waiting);
        let (mut rest, mut kept) = (waiting.as_slice(), Vec::with_capacity(waiting.len()));
        loop {
            let taken = match self.at {
                At::Begin => self.begin(rest, &mut kept)?,
                At::Segment => self.segment(rest, &mut kept)?,
                At::Data => self.data(rest, &mut kept),
                At::End => return Ok(kept),
            };
            if taken == 0 {
                self.waiting = rest.to_vec();
                return Ok(kept);
            }
            rest = rest.get(taken..).unwrap_or_default();
        }
    }

    pub(super) fn end(self) -> Result<(), NotAnImage> {
        if self.at == At::End { Ok(()) } else { Err(NotAnImage) }
    }

    /// How many bytes were dealt with; 0: more are needed.
    fn begin(&mut self, rest: &[u8], kept: &mut Vec<u8>) -> Result<usize, NotAnImage> {
        match rest {
            [0xff, 0xd8, ..] => {
                kept.extend_from_slice(&[0xff, 0xd8]);
                self.at = At::Segment;
                Ok(2)
            }
            [] | [0xff] => Ok(0),
            _ => Err(NotAnImage),
        }
    }

    fn segment(&mut self, rest: &[u8], kept: &mut Vec<u8>) -> Result<usize, NotAnImage> {
        match rest {
            // Markers may be filled up with any number of these.
            [0xff, 0xff, ..] => Ok(1),
            [0xff, 0xd9, ..] => {
                kept.extend_from_slice(&[0xff, 0xd9]);
                self.at = At::End;
                Ok(2)
            }
            [0xff, 0x01 | 0xd0..=0xd7, ..] => Ok(2),
            [0xff, marker, high, low, ..] => {
                let length = usize::from(u16::from_be_bytes([*high, *low]));
                if length < 2 {
                    return Err(NotAnImage);
                }
                let Some(segment) = rest.get(..2 + length) else { return Ok(0) };
                keep(*marker, segment, kept);
                if *marker == 0xda {
                    self.at = At::Data;
                }
                Ok(2 + length)
            }
            [] | [0xff] | [0xff, _] | [0xff, _, _] => Ok(0),
            _ => Err(NotAnImage),
        }
    }

    fn data(&mut self, rest: &[u8], kept: &mut Vec<u8>) -> usize {
        let mut at = 0;
        while let Some(found) = rest.get(at..).and_then(|rest| rest.iter().position(|b| *b == 0xff))
        {
            at += found;
            match rest.get(at + 1) {
                Some(0x00 | 0xd0..=0xd7 | 0xff) => {
                    at += if rest.get(at + 1) == Some(&0xff) { 1 } else { 2 }
                }
                Some(_) => {
                    self.at = At::Segment;
                    kept.extend_from_slice(rest.get(..at).unwrap_or_default());
                    // At least the marker is left, so that something was dealt with or will be.
                    return if at == 0 { self.marker_at_once(rest, kept) } else { at };
                }
                None => {
                    kept.extend_from_slice(rest.get(..at).unwrap_or_default());
                    return at;
                }
            }
        }
        kept.extend_from_slice(rest);
        rest.len()
    }

    /// Data may be empty: then the marker is dealt with now, as nothing else would be.
    fn marker_at_once(&mut self, rest: &[u8], kept: &mut Vec<u8>) -> usize {
        // Where it is no image the next turn says so.
        self.segment(rest, kept).unwrap_or_default()
    }
}

/// Keeps a segment, or what of it says how the picture is shown.
fn keep(marker: u8, segment: &[u8], kept: &mut Vec<u8>) {
    let content = segment.get(4..).unwrap_or_default();
    match marker {
        0xe1 => {
            let exif = content.strip_prefix(EXIF).unwrap_or_default();
            if let Some(orientation) = orientation(exif).filter(|one| (2..=8).contains(one)) {
                kept.extend_from_slice(&only_orientation(orientation));
            }
        }
        // JFIF and Adobe's say how colours are coded, as does a profile.
        0xe0 if content.starts_with(b"JFIF\0") => kept.extend_from_slice(segment),
        0xe2 if content.starts_with(b"ICC_PROFILE\0") => kept.extend_from_slice(segment),
        0xee if content.starts_with(b"Adobe") => kept.extend_from_slice(segment),
        0xe0..=0xef | 0xfe => {}
        _ => kept.extend_from_slice(segment),
    }
}

/// The value of the tag in the first directory of Exif.
fn orientation(tiff: &[u8]) -> Option<u16> {
    let little = match tiff.get(..2)? {
        b"II" => true,
        b"MM" => false,
        _ => return None,
    };
    let short = |at: usize| {
        let bytes: [u8; 2] = tiff.get(at..at.checked_add(2)?)?.try_into().ok()?;
        Some(if little { u16::from_le_bytes(bytes) } else { u16::from_be_bytes(bytes) })
    };
    let long = |at: usize| {
        let bytes: [u8; 4] = tiff.get(at..at.checked_add(4)?)?.try_into().ok()?;
        Some(if little { u32::from_le_bytes(bytes) } else { u32::from_be_bytes(bytes) })
    };
    let directory = usize::try_from(long(4)?).ok()?;
    for entry in 0..usize::from(short(directory)?) {
        let at = directory.checked_add(2 + 12 * entry)?;
        if short(at)? == ORIENTATION {
            return short(at.checked_add(8)?);
        }
    }
    None
}

/// A segment of Exif that says nothing but which way is up.
fn only_orientation(orientation: u16) -> Vec<u8> {
    let mut segment = vec![0xff, 0xe1, 0x00, 0x22];
    segment.extend_from_slice(EXIF);
    segment.extend_from_slice(b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01");
    segment.extend_from_slice(&orientation.to_be_bytes());
    segment.extend_from_slice(&[0, 0, 0, 0, 0, 0]);
    segment
}
