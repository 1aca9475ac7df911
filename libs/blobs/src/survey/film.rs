//! MP4 and QuickTime: boxes within boxes, with the film itself at fixed places. Blanked is what programs note about a place,
//! wherever a film says that: user data (`©xyz`, `loci`), Apple's keys, XMP, and what is free and may hold anything.
//! What is noted in a track of its own, moment by moment, stands among the pictures and is not looked for.

use std::collections::HashSet;

use super::numbers::number;
use super::walk::Walk;
use crate::not_an_image::NotAnImage;
use crate::stretch::Marked;

/// Boxes after which a film is refused: it is made to be looked at for ever.
const MAX_STEPS: usize = 65_536;
/// Bytes of the head of a box, with a long size and the kind of one that says its kind in 16 bytes.
const HEAD: usize = 32;
/// Bytes of names of keys that are looked at; where there are more, every key counts as one of a place.
const MAX_KEYS: u64 = 64 * 1024;
/// What a box becomes.
const FREE: &[u8] = b"free";
const PLACE: &[u8] = b"\xa9xyz";
/// Kinds of 16 bytes: XMP, and the notes of two makers of cameras.
const NOTES: [&[u8; 16]; 3] = [
    b"\xbe\x7a\xcf\xcb\x97\xa9\x42\xe8\x9c\x71\x99\x94\x91\xe3\xaf\xac",
    b"\x85\xc0\xb6\x87\x82\x0f\x11\xe0\x81\x11\xf4\xce\x46\x2b\x6a\x48",
    b"\x55\x53\x4d\x54\x21\xd2\x4f\xce\xbb\x88\x69\x5c\xfa\xc9\xc7\x40",
];

/// What boxes stand in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Within {
    /// The file, the film or a track.
    Film,
    UserData,
    Meta,
    /// The list of what keys say.
    Items,
}

/// What is looked at next. Places are those of the first byte, and of that behind the last.
#[derive(Debug, Clone, Copy)]
enum Task {
    Boxes(u64, u64, Within),
    /// `meta`, which QuickTime writes without a version.
    Meta(u64, u64),
    Keys(u64, usize),
}

/// Looks through a film.
#[derive(Debug)]
pub struct Film {
    walk: Walk<Task>,
    /// The numbers of keys of the present `meta` that say a place; none while its keys are not known.
    places: Option<HashSet<u64>>,
    pub(super) marked: Marked,
}

impl Film {
    pub(super) fn new(size: u64) -> Self {
        let walk = Walk::from(Task::Boxes(0, size, Within::Film), MAX_STEPS);
        Self { walk, places: None, marked: Marked::default() }
    }

    pub(super) fn wants(&self) -> Option<(u64, usize)> {
        Some(match *self.walk.ahead()? {
            Task::Boxes(from, ..) | Task::Meta(from, _) => (from, HEAD),
            Task::Keys(from, bytes) => (from, bytes),
        })
    }

    pub(super) fn take(&mut self, bytes: &[u8]) -> Result<(), NotAnImage> {
        let Some(task) = self.walk.step()? else { return Ok(()) };
        match task {
            Task::Boxes(from, to, within) => self.look_at_box(bytes, (from, to), within),
            Task::Meta(from, to) => {
                self.places = None;
                let is_bare = bytes.get(4..8).is_some_and(|kind| kind == b"hdlr");
                self.boxes(if is_bare { from } else { from.saturating_add(4) }, to, Within::Meta);
                Ok(())
            }
            Task::Keys(_, wanted) => {
                self.places = bytes.get(8..wanted).map(places);
                Ok(())
            }
        }
    }

    /// Looks at the boxes of a part of the file, if there is room for any.
    fn boxes(&mut self, from: u64, to: u64, within: Within) {
        if to.saturating_sub(from) >= 8 {
            self.walk.push(Task::Boxes(from, to, within));
        }
    }

    fn look_at_box(
        &mut self,
        bytes: &[u8],
        (from, to): (u64, u64),
        within: Within,
    ) -> Result<(), NotAnImage> {
        let (Some(short), Some(kind)) = (bytes.get(..4), bytes.get(4..8)) else { return Ok(()) };
        let (head, size) = match number(short) {
            0 => (8, to - from),
            1 => (16, number(bytes.get(8..16).unwrap_or_default())),
            size => (8, size),
        };
        // What is no box ends the list: zeros do behind user data, and some programs add what is none.
        if size < head {
            return Ok(());
        }
        let end = from.saturating_add(size).min(to);
        let content = (from + head).min(end);
        // Looked at after what stands in this one: keys come before what they say.
        self.boxes(end, to, within);
        let uuid = usize::try_from(head).ok().and_then(|head| bytes.get(head..head + 16));
        if is_telling(within, kind, uuid) || (within == Within::Items && self.says_place(kind)) {
            self.marked.add((from + 4, from + 8), FREE)?;
            return self.marked.add((content, end), b"");
        }
        match (within, kind) {
            (Within::Film, b"moov" | b"trak") => self.boxes(content, end, Within::Film),
            (Within::Film, b"udta") => self.boxes(content, end, Within::UserData),
            (Within::Film | Within::UserData, b"meta") => self.walk.push(Task::Meta(content, end)),
            (Within::Meta, b"keys") if end - content <= MAX_KEYS => {
                let bytes = usize::try_from(end - content).unwrap_or(0);
                self.walk.push(Task::Keys(content, bytes));
            }
            (Within::Meta, b"ilst") => self.boxes(content, end, Within::Items),
            _ => {}
        }
        Ok(())
    }

    /// Whether an item says a place: by its kind, which is a name, or the number of a key.
    fn says_place(&self, kind: &[u8]) -> bool {
        let is_number = kind.first() == Some(&0);
        let is_known_place = |places: &HashSet<u64>| places.contains(&number(kind));
        kind == PLACE || (is_number && self.places.as_ref().is_none_or(is_known_place))
    }
}

/// Whether a box may say too much, whatever is in it.
fn is_telling(within: Within, kind: &[u8], uuid: Option<&[u8]>) -> bool {
    let is = |kinds: &[&[u8]]| kinds.contains(&kind);
    let is_noted = uuid.is_some_and(|uuid| NOTES.iter().any(|note| uuid == note.as_slice()));
    let anywhere = is(&[b"free", b"skip", b"XMP_", b"gps "]) || (is_noted && is(&[b"uuid"]));
    match within {
        Within::Film => anywhere,
        Within::UserData => anywhere || is(&[PLACE, b"loci", b"GPMF"]),
        Within::Meta => anywhere || is(&[b"xml ", b"bxml"]),
        Within::Items => false,
    }
}

/// The numbers of keys, from 1, whose names say that they are about a place.
fn places(mut keys: &[u8]) -> HashSet<u64> {
    let mut places = HashSet::new();
    for nth in 1_u64.. {
        let size = keys.get(..4).map_or(0, number);
        let Some((key, rest)) =
            usize::try_from(size).ok().and_then(|size| keys.split_at_checked(size))
        else {
            break;
        };
        let Some(name) = key.get(8..) else { break };
        let name = String::from_utf8_lossy(name).to_ascii_lowercase();
        if name.contains("location") || name.contains("gps") {
            places.insert(nth);
        }
        keys = rest;
    }
    places
}
