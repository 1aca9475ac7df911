//! WebM and Matroska: elements within elements. Blanked is what tags say of a place; nothing else in such a file names one.

use super::numbers::{number, wide};
use super::walk::Walk;
use crate::not_an_image::NotAnImage;
use crate::stretch::Marked;

/// Elements after which a file is refused: it is made to be looked at for ever.
const MAX_STEPS: usize = 65_536;
/// Bytes of the head of an element: its kind and its size.
const HEAD: usize = 12;
/// Bytes of the name of a tag that are looked at.
const MAX_NAME: u64 = 256;

const SEGMENT: u64 = 0x1853_8067;
const TAGS: u64 = 0x1254_c367;
const TAG: u64 = 0x7373;
const SIMPLE_TAG: u64 = 0x67c8;
const NAME: u64 = 0x45a3;
/// What a tag says, as a text or otherwise.
const TEXT: u64 = 0x4487;
const BINARY: u64 = 0x4485;

/// What is looked at next. Places are those of the first byte, and of that behind the last.
#[derive(Debug, Clone, Copy)]
enum Task {
    Elements(u64, u64),
    Name(u64, usize),
}

/// Looks through a WebM or Matroska file.
#[derive(Debug)]
pub struct Matroska {
    walk: Walk<Task>,
    /// Whether the present tag is about a place; none while its name is not known.
    is_place: Option<bool>,
    pub(super) marked: Marked,
}

impl Matroska {
    pub(super) fn new(size: u64) -> Self {
        let walk = Walk::from(Task::Elements(0, size), MAX_STEPS);
        Self { walk, is_place: None, marked: Marked::default() }
    }

    pub(super) fn wants(&self) -> Option<(u64, usize)> {
        Some(match *self.walk.ahead()? {
            Task::Elements(from, _) => (from, HEAD),
            Task::Name(from, bytes) => (from, bytes),
        })
    }

    pub(super) fn take(&mut self, bytes: &[u8]) -> Result<(), NotAnImage> {
        let Some(task) = self.walk.step()? else { return Ok(()) };
        match task {
            Task::Elements(from, to) if from < to => self.element(bytes, from, to),
            Task::Elements(..) => Ok(()),
            Task::Name(..) => {
                let name = String::from_utf8_lossy(bytes).to_ascii_lowercase();
                self.is_place = Some(name.contains("location") || name.contains("gps"));
                Ok(())
            }
        }
    }

    fn element(&mut self, bytes: &[u8], from: u64, to: u64) -> Result<(), NotAnImage> {
        // What is no element ends the list.
        let Some(Head { kind, size, length }) = Head::read(bytes) else { return Ok(()) };
        let content = (from + length).min(to);
        let end = size.map(|size| content.saturating_add(size).min(to));
        // One without a size reaches as far as that it stands in, as segments do that are written as they are recorded; of
        // a part of the film that has none it is not known where it ends, and tags stand before those.
        if let Some(end) = end.filter(|end| *end < to) {
            self.walk.push(Task::Elements(end, to));
        }
        match (kind, end) {
            (SEGMENT, end) => self.walk.push(Task::Elements(content, end.unwrap_or(to))),
            (TAGS | TAG, Some(end)) => self.walk.push(Task::Elements(content, end)),
            (SIMPLE_TAG, Some(end)) => {
                self.is_place = None;
                self.walk.push(Task::Elements(content, end));
            }
            (NAME, Some(end)) => {
                let bytes = usize::try_from((end - content).min(MAX_NAME)).unwrap_or(0);
                self.walk.push(Task::Name(content, bytes));
            }
            // What is said before its name is known may be a place.
            (TEXT | BINARY, Some(end)) if self.is_place.unwrap_or(true) => {
                self.marked.add((content, end), b"")?;
            }
            _ => {}
        }
        Ok(())
    }
}

/// The head of an element.
struct Head {
    kind: u64,
    /// None: it is not said.
    size: Option<u64>,
    /// Bytes of the head itself.
    length: u64,
}

impl Head {
    /// Both numbers say how many bytes they have by the zeros they begin with.
    fn read(bytes: &[u8]) -> Option<Self> {
        let long = |first: u8, most: u32| {
            let length = first.leading_zeros() + 1;
            (length <= most).then(|| usize::try_from(length).ok()).flatten()
        };
        let of_kind = long(*bytes.first()?, 4)?;
        let first = *bytes.get(of_kind)?;
        let of_size = long(first, 8)?;
        let length = of_kind + of_size;
        let kind = number(bytes.get(..of_kind)?);
        let bits = u32::try_from(7 * of_size).ok()?;
        let most = (1_u64 << bits) - 1;
        let size = number(bytes.get(of_kind..length)?) & most;
        Some(Self { kind, size: Some(size).filter(|size| *size < most), length: wide(length) })
    }
}
