//! TIFF: directories anywhere in the file point at one another and at what they say. The directory of the position is
//! emptied, with what it points at, and so are notes of programs that may repeat it. What a camera needs for its raw
//! images is left alone.

use std::collections::HashSet;

use super::numbers::{number, wide};
use super::walk::Walk;
use crate::not_an_image::NotAnImage;
use crate::stretch::Marked;

/// Directories and lists of them after which an image is refused, looked at or waiting: it is made to be looked at for
/// ever.
const MAX_STEPS: usize = 4_096;
/// Entries of a directory; one with more is refused.
const MAX_ENTRIES: usize = 4_096;
/// Directories within one; more are not followed.
const MAX_POINTERS: u64 = 64;
/// Bytes of an entry, and of where the next directory is.
const ENTRY: usize = 12;
const NEXT: usize = 4;

const SUB_DIRECTORIES: u64 = 0x014a;
const EXIF: u64 = 0x8769;
const POSITION: u64 = 0x8825;
/// XMP, IPTC, and the notes of Photoshop.
const NOTES: [u64; 3] = [0x02bc, 0x83bb, 0x8649];

/// What a directory is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum About {
    Picture,
    Position,
}

/// What is looked at next.
#[derive(Debug, Clone, Copy)]
enum Task {
    Head,
    /// How many entries a directory has.
    Count(u64, About),
    /// The entries themselves, and where the next directory is.
    Entries(u64, usize, About),
    /// Where directories are.
    Pointers(u64, usize),
}

/// Looks through a TIFF image.
#[derive(Debug)]
pub struct Tiff {
    walk: Walk<Task>,
    is_little: bool,
    /// The directories that were met: they may point at one another in a circle.
    met: HashSet<u64>,
    pub(super) marked: Marked,
}

impl Default for Tiff {
    fn default() -> Self {
        Self {
            walk: Walk::from(Task::Head, MAX_STEPS),
            is_little: false,
            met: HashSet::new(),
            marked: Marked::default(),
        }
    }
}

impl Tiff {
    pub(super) fn wants(&self) -> Option<(u64, usize)> {
        Some(match *self.walk.ahead()? {
            Task::Head => (0, 8),
            Task::Count(at, _) => (at, 2),
            Task::Entries(at, count, _) => (at, count * ENTRY + NEXT),
            Task::Pointers(at, count) => (at, count * NEXT),
        })
    }

    pub(super) fn take(&mut self, bytes: &[u8]) -> Result<(), NotAnImage> {
        let Some(task) = self.walk.step()? else { return Ok(()) };
        match task {
            Task::Head => self.head(bytes),
            Task::Count(at, about) => {
                // What lies behind the end of the file is read by no program either.
                let Some(count) = bytes.get(..2) else { return Ok(()) };
                let count = self.number(count);
                let count = usize::try_from(count).unwrap_or(usize::MAX);
                if count > MAX_ENTRIES {
                    return Err(NotAnImage);
                }
                self.walk.push(Task::Entries(at + 2, count, about));
                Ok(())
            }
            Task::Entries(at, count, about) => {
                let entries = bytes.get(..count * ENTRY).ok_or(NotAnImage)?;
                // Where the file ends with its last directory, none follows.
                let next = self.number(bytes.get(count * ENTRY..).unwrap_or_default());
                self.entries((at, entries), next, about)
            }
            Task::Pointers(_, count) => {
                let pointers = bytes.get(..count * NEXT).ok_or(NotAnImage)?;
                for pointer in pointers.chunks(NEXT) {
                    self.follow(self.number(pointer), About::Picture);
                }
                Ok(())
            }
        }
    }

    fn head(&mut self, bytes: &[u8]) -> Result<(), NotAnImage> {
        self.is_little = match bytes.get(..4) {
            Some(b"II*\0") => true,
            Some(b"MM\0*") => false,
            _ => return Err(NotAnImage),
        };
        self.follow(self.number(bytes.get(4..8).ok_or(NotAnImage)?), About::Picture);
        Ok(())
    }

    /// Looks at a directory, once.
    fn follow(&mut self, at: u64, about: About) {
        if at > 0 && self.met.insert(at) {
            self.walk.push(Task::Count(at, about));
        }
    }

    fn entries(
        &mut self,
        (at, entries): (u64, &[u8]),
        next: u64,
        about: About,
    ) -> Result<(), NotAnImage> {
        if about == About::Position {
            // With its count, so that nothing is in it.
            self.marked.add((at - 2, at + wide(entries.len() + NEXT)), b"")?;
        } else {
            self.follow(next, About::Picture);
        }
        for entry in entries.chunks(ENTRY) {
            let part =
                |from: usize, to: usize| self.number(entry.get(from..to).unwrap_or_default());
            let (tag, kind, count) = (part(0, 2), part(2, 4), part(4, 8));
            let value = part(8, if kind == SHORT { 10 } else { 12 });
            let bytes = count.saturating_mul(bytes_of(kind));
            match tag {
                _ if about == About::Position => self.blank(value, bytes)?,
                POSITION => self.follow(value, About::Position),
                EXIF => self.follow(value, About::Picture),
                SUB_DIRECTORIES if count == 1 => self.follow(value, About::Picture),
                SUB_DIRECTORIES => {
                    let count = usize::try_from(count.min(MAX_POINTERS)).unwrap_or(0);
                    self.walk.push(Task::Pointers(value, count));
                }
                _ if NOTES.contains(&tag) => self.blank(value, bytes)?,
                _ => {}
            }
        }
        Ok(())
    }

    /// Marks what an entry points at. Up to four bytes stand in the entry itself.
    fn blank(&mut self, at: u64, bytes: u64) -> Result<(), NotAnImage> {
        if bytes <= wide(NEXT) {
            return Ok(());
        }
        self.marked.add((at, at.saturating_add(bytes)), b"")
    }

    fn number(&self, bytes: &[u8]) -> u64 {
        if self.is_little {
            bytes.iter().rev().fold(0, |number, byte| (number << 8) | u64::from(*byte))
        } else {
            number(bytes)
        }
    }
}

/// The kind of values of two bytes.
const SHORT: u64 = 3;

/// Bytes of a value of a kind; none of a kind there is not.
const fn bytes_of(kind: u64) -> u64 {
    match kind {
        1 | 2 | 6 | 7 => 1,
        SHORT | 8 => 2,
        4 | 9 | 11 | 13 => 4,
        5 | 10 | 12 => 8,
        _ => 0,
    }
}
