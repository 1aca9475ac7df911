//! What the box `meta` of a HEIF image says of its items: which of them say too much, and where they stand.

use crate::not_an_image::NotAnImage;
use crate::stretch::Stretch;

/// Stretches of one image that are blanked; of more it is refused, so that blanking costs about as much as reading.
const MAX_STRETCHES: usize = 256;
/// Bytes of all of them together.
const MAX_BLANKED: u64 = 64 * 1024 * 1024;
/// An Exif block that says nothing: where its head is, its head, no entries. Decoders want one that can be read.
const EMPTY_EXIF: &[u8] = b"\0\0\0\0MM\0*\0\0\0\x08\0\0\0\0\0\0";

/// What says too much, by the content of `meta` and its place in the file.
pub(super) fn telling(content: &[u8], place: u64) -> Result<Vec<Stretch>, NotAnImage> {
    let parts = parts(content, 4)?;
    let the = |kind: &[u8; 4]| parts.iter().find(|part| part.kind == kind);
    let beside = |kind: &[u8]| [b"uuid", b"xml ", b"bxml", b"udta"].iter().any(|one| one == &kind);
    let mut stretches = Vec::new();
    for part in parts.iter().filter(|part| beside(part.kind)) {
        let from = place + wide(part.at);
        stretches.push(Stretch { from, to: from + wide(part.content.len()), begins: b"" });
    }
    let items = the(b"iinf").map(|part| items(part.content)).transpose()?.unwrap_or_default();
    if let Some(locations) = the(b"iloc") {
        let data = the(b"idat").map(|part| place + wide(part.at));
        stretches.extend(located(locations.content, &items, data)?);
    }
    let bytes: u64 = stretches.iter().map(|one| one.to - one.from).fold(0, u64::saturating_add);
    match stretches.len() <= MAX_STRETCHES && bytes <= MAX_BLANKED {
        true => Ok(stretches),
        false => Err(NotAnImage),
    }
}

/// An item that says too much.
struct Item {
    id: u64,
    is_exif: bool,
}

fn items(content: &[u8]) -> Result<Vec<Item>, NotAnImage> {
    let mut reader = Reader { all: content, at: 0 };
    let version = reader.version()?;
    reader.number(if version == 0 { 2 } else { 4 })?;
    let mut items = Vec::new();
    for part in parts(content, reader.at)?.iter().filter(|part| part.kind == b"infe") {
        let mut reader = Reader { all: part.content, at: 0 };
        let version = reader.version()?;
        let id = reader.number(if version < 3 { 2 } else { 4 })?;
        reader.number(2)?;
        // Before version 2 there were texts only.
        let kind: &[u8] = if version < 2 { b"mime" } else { reader.take(4)? };
        if [b"Exif", b"mime", b"uri "].iter().any(|one| one == &kind) {
            items.push(Item { id, is_exif: kind == b"Exif" });
        }
    }
    if items.len() > MAX_STRETCHES {
        return Err(NotAnImage);
    }
    Ok(items)
}

/// Where these items stand; `data` is the place of what stands in `meta` itself.
fn located(content: &[u8], items: &[Item], data: Option<u64>) -> Result<Vec<Stretch>, NotAnImage> {
    let mut reader = Reader { all: content, at: 0 };
    let version = reader.version()?;
    let [of_offset, of_length] = reader.sizes()?;
    let [of_base, of_index] = reader.sizes()?;
    let of_id = if version < 2 { 2 } else { 4 };
    let mut stretches = Vec::new();
    for _ in 0..reader.number(of_id)? {
        let id = reader.number(of_id)?;
        let method = if version == 0 { 0 } else { reader.number(2)? & 0xf };
        reader.number(2)?;
        let base = reader.number(of_base)?;
        let extents = reader.number(2)?;
        let of_index = if version == 0 { 0 } else { of_index };
        let Some(item) = items.iter().find(|item| item.id == id) else {
            let all = usize::try_from(extents).unwrap_or(usize::MAX);
            reader.take(all.saturating_mul(of_index + of_offset + of_length))?;
            continue;
        };
        for nth in 0..extents {
            reader.number(of_index)?;
            let (offset, length) = (reader.number(of_offset)?, reader.number(of_length)?);
            let start = match method {
                0 => 0,
                1 => data.ok_or(NotAnImage)?,
                _ => return Err(NotAnImage),
            };
            // Without a length it reaches to the end of the file.
            let length = if length == 0 { None } else { Some(length) };
            let from = start.checked_add(base).and_then(|from| from.checked_add(offset));
            let to = from.zip(length).and_then(|(from, length)| from.checked_add(length));
            let (from, to) = from.zip(to).ok_or(NotAnImage)?;
            let begins: &'static [u8] = if item.is_exif && nth == 0 { EMPTY_EXIF } else { b"" };
            stretches.push(Stretch { from, to, begins });
        }
    }
    Ok(stretches)
}

/// A box within another.
struct Part<'a> {
    kind: &'a [u8],
    content: &'a [u8],
    /// The place of its content in that of the other.
    at: usize,
}

fn parts(all: &[u8], from: usize) -> Result<Vec<Part<'_>>, NotAnImage> {
    let mut reader = Reader { all, at: from };
    let mut parts = Vec::new();
    while reader.at < all.len() {
        let begin = reader.at;
        let size = reader.number(4)?;
        let kind = reader.take(4)?;
        let size = match size {
            0 => wide(all.len() - begin),
            1 => reader.number(8)?,
            size => size,
        };
        let end = usize::try_from(size).ok().and_then(|size| begin.checked_add(size));
        let content = end.and_then(|end| all.get(reader.at..end)).ok_or(NotAnImage)?;
        parts.push(Part { kind, content, at: reader.at });
        reader.at += content.len();
    }
    Ok(parts)
}

struct Reader<'a> {
    all: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn take(&mut self, bytes: usize) -> Result<&'a [u8], NotAnImage> {
        let end = self.at.checked_add(bytes).ok_or(NotAnImage)?;
        let taken = self.all.get(self.at..end).ok_or(NotAnImage)?;
        self.at = end;
        Ok(taken)
    }

    /// A number of at most eight bytes, the highest first.
    fn number(&mut self, bytes: usize) -> Result<u64, NotAnImage> {
        Ok(self.take(bytes)?.iter().fold(0, |number, byte| (number << 8) | u64::from(*byte)))
    }

    /// The version of a box; its flags are passed over.
    fn version(&mut self) -> Result<u64, NotAnImage> {
        Ok(self.number(4)? >> 24)
    }

    /// How many bytes two kinds of numbers have.
    fn sizes(&mut self) -> Result<[usize; 2], NotAnImage> {
        let byte = self.number(1)?;
        let size = |nibble: u64| match nibble {
            0 => Ok(0),
            4 => Ok(4),
            8 => Ok(8),
            _ => Err(NotAnImage),
        };
        Ok([size(byte >> 4)?, size(byte & 0xf)?])
    }
}

fn wide(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}
