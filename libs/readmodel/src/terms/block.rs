//! The index of messages by their terms, in blocks.
//!
//! The log's sequences are cut into *blocks*. When a block is behind the checkpoint, the terms of the messages posted in
//! it are written once, in 48 *parts*: a term's part follows from how it begins, so looking a term up in all blocks
//! reads one part of each. The messages of the last, open block are read themselves. So a message costs a fraction of
//! a row, where an index of every term would cost a row for each ([ADR 32](../../../../docs/adr/0032-search.md)).
//!
//! A block is a function of the messages that were posted in it: an edit or a deletion changes the parts it must, and
//! what is deleted leaves nothing behind.

use std::collections::{BTreeMap, HashMap};

use foldhash::fast::RandomState;
use schemas::ids::{RoomId, UserId};
use schemas::position::Sequence;
use schemas::unicode::is_symbol;

use super::{each, is_unspaced};

/// Sequences of a block.
pub(crate) const BLOCK: u64 = 1024;
/// Parts of a block.
pub(crate) const PARTS: u32 = 48;
/// The part beside them that says when the messages of the block were written.
pub(crate) const TIMES: u32 = PARTS;

/// The block of a message.
pub(crate) const fn block_of(posted: Sequence) -> u64 {
    posted / BLOCK
}

/// Bits of a part's key that are its block: a part of all blocks lies together.
const BLOCK_BITS: u32 = 40;

/// The key under which stores keep a part of a block.
pub(crate) fn key(part: u32, block: u64) -> i64 {
    (i64::from(part) << BLOCK_BITS) | block.cast_signed()
}

/// The number of the part in a key.
pub(crate) fn part_in(key: i64) -> u32 {
    u32::try_from(key >> BLOCK_BITS).unwrap_or(u32::MAX)
}

/// The block of a key.
pub(crate) const fn block_in(key: i64) -> u64 {
    key.cast_unsigned() & ((1 << BLOCK_BITS) - 1)
}

/// How many blocks lie behind a checkpoint: those before this one are indexed, the rest of the messages are not.
pub(crate) const fn complete(checkpoint: Sequence) -> u64 {
    checkpoint.saturating_add(1) / BLOCK
}

/// Begin the terms that say something of a message besides its words. No word begins with a character for private use.
const OF_ROOM: char = '\u{e000}';
const OF_SENDER: char = '\u{e001}';
/// A message with a link in its text.
pub(crate) const LINK: &str = "\u{e002}link";
/// A message with attached files.
pub(crate) const FILE: &str = "\u{e002}file";

/// The term of all messages of a room.
pub(crate) fn of_room(room: &RoomId) -> String {
    format!("{OF_ROOM}{room}")
}

/// The term of all messages of a user.
pub(crate) fn of_sender(user: &UserId) -> String {
    format!("{OF_SENDER}{user}")
}

/// Whether the index can find all terms that begin so: those of one part only.
pub(crate) fn leads_to_one_part(begun: &str) -> bool {
    let mut chars = begun.chars();
    match (chars.next(), chars.next()) {
        (Some(first), None) => is_unspaced(first) || is_symbol(first),
        (Some(_), Some(_)) => true,
        (None, _) => false,
    }
}

/// The part of a term: by its first two characters, by one where a character says as much as a syllable.
pub(crate) fn part_of(term: &str) -> u32 {
    let mut chars = term.char_indices();
    let first = chars.next().map_or(' ', |(_, c)| c);
    let second = chars.next().map_or(term.len(), |(at, _)| at);
    let end = match first {
        OF_ROOM..='\u{e002}' => term.len(),
        first if is_unspaced(first) || is_symbol(first) => second,
        _ => chars.next().map_or(term.len(), |(at, _)| at),
    };
    let hash = |hash: u32, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193);
    term.bytes().take(end).fold(0x811c_9dc5, hash) % PARTS
}

/// A message as it is indexed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Entry<'a> {
    /// The event that posted it.
    pub(crate) posted: Sequence,
    /// When it was written, in milliseconds.
    pub(crate) created: i64,
    /// None for a deleted message.
    pub(crate) found_by: Option<FoundBy<'a>>,
}

/// What a message is found by.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FoundBy<'a> {
    pub(crate) room: &'a str,
    pub(crate) sender: &'a str,
    pub(crate) body: &'a str,
    pub(crate) files: bool,
}

impl FoundBy<'_> {
    /// Names the terms of the message, some of them more than once.
    fn each_term(&self, mut take: impl FnMut(&str)) {
        let mut mark = String::with_capacity(40);
        for (of, id) in [(OF_ROOM, self.room), (OF_SENDER, self.sender)] {
            mark.clear();
            mark.push(of);
            mark.push_str(id);
            take(&mark);
        }
        if self.files {
            take(FILE);
        }
        if has_link(self.body) {
            take(LINK);
        }
        each(self.body, |term, _, _| take(term));
    }
}

/// Whether a text has the address of a web page in it.
pub(crate) fn has_link(text: &str) -> bool {
    text.match_indices("://").any(|(at, sign)| {
        let scheme = &text.as_bytes()[..at];
        let ends = |with: &[u8]| {
            scheme.len() >= with.len()
                && scheme[scheme.len() - with.len()..].eq_ignore_ascii_case(with)
        };
        let host = text[at + sign.len()..].chars().next();
        (ends(b"http") || ends(b"https")) && host.is_some_and(|c| c.is_alphanumeric() || c == '[')
    })
}

/// A message's place in its block.
fn offset(posted: Sequence) -> u16 {
    u16::try_from(posted % BLOCK).unwrap_or_default()
}

/// A part as it is written does not read: it is damaged, or of another layout.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a part of the index of messages does not read")]
pub(crate) struct Damaged;

/// Which messages of a block have which terms of a part; the messages in their order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Part(BTreeMap<String, Vec<u16>>);

impl Part {
    /// Reads a part. None that was written here fails to.
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, Damaged> {
        let mut part = BTreeMap::new();
        walk(bytes, |term, offsets| {
            let term = std::str::from_utf8(term).map_err(|_| Damaged)?;
            part.insert(term.to_owned(), offsets);
            Ok(())
        })?;
        Ok(Self(part))
    }

    fn write(&self) -> Vec<u8> {
        let (mut bytes, mut before) = (Vec::new(), "");
        for (term, offsets) in &self.0 {
            append(&mut bytes, before, term, offsets);
            before = term;
        }
        bytes
    }

    fn note(&mut self, term: &str, offset: u16) {
        let offsets = self.0.entry(term.to_owned()).or_default();
        if let Err(place) = offsets.binary_search(&offset) {
            offsets.insert(place, offset);
        }
    }

    fn forget(&mut self, offset: u16) {
        self.0.retain(|_, offsets| {
            offsets.retain(|one| *one != offset);
            !offsets.is_empty()
        });
    }
}

/// Writes a term behind the one before it in the order of their bytes, by what it does not share with that, and its
/// messages in their order, by the steps between them.
fn append(bytes: &mut Vec<u8>, before: &str, term: &str, offsets: &[u16]) {
    let pairs = before.bytes().zip(term.bytes());
    let shared = pairs.take_while(|(a, b)| a == b).count();
    let rest = &term.as_bytes()[shared..];
    put(bytes, shared);
    put(bytes, rest.len());
    bytes.extend_from_slice(rest);
    put(bytes, offsets.len());
    let mut last = 0;
    for offset in offsets {
        put(bytes, usize::from(offset - last));
        last = *offset;
    }
}

fn put(bytes: &mut Vec<u8>, mut number: usize) {
    while number >= 0x80 {
        bytes.push(u8::try_from(number & 0x7f).unwrap_or_default() | 0x80);
        number >>= 7;
    }
    bytes.push(u8::try_from(number).unwrap_or_default());
}

fn take(bytes: &mut &[u8]) -> Result<usize, Damaged> {
    let (mut number, mut shift) = (0_usize, 0);
    loop {
        let (byte, rest) = bytes.split_first().ok_or(Damaged)?;
        *bytes = rest;
        number |= usize::from(byte & 0x7f) << shift;
        shift += 7;
        if byte & 0x80 == 0 {
            return Ok(number);
        }
        if shift > 28 {
            return Err(Damaged);
        }
    }
}

/// Goes through the terms of a part in the order of their bytes.
fn walk(
    mut bytes: &[u8],
    mut take_term: impl FnMut(&[u8], Vec<u16>) -> Result<(), Damaged>,
) -> Result<(), Damaged> {
    let mut term = Vec::new();
    while !bytes.is_empty() {
        let (shared, own) = (take(&mut bytes)?, take(&mut bytes)?);
        let (rest, after) = bytes.split_at_checked(own).ok_or(Damaged)?;
        if shared > term.len() {
            return Err(Damaged);
        }
        term.truncate(shared);
        term.extend_from_slice(rest);
        bytes = after;
        let mut found = Vec::new();
        offsets(&mut bytes, Some(&mut found))?;
        take_term(&term, found)?;
    }
    Ok(())
}

/// The messages of a part, by their places in the block, with a term or, if `begun`, with any that begins so.
///
/// Terms before the one sought are passed over by how much they share with the ones before them; none is put together.
pub(crate) fn find(part: &[u8], sought: &str, begun: bool) -> Result<Vec<u16>, Damaged> {
    let (mut bytes, sought, mut found) = (part, sought.as_bytes(), Vec::new());
    // How many bytes the last term has in common with what is sought, from the beginning; and how many it has.
    let (mut same, mut length) = (0, 0);
    while !bytes.is_empty() {
        let (shared, own) = (take(&mut bytes)?, take(&mut bytes)?);
        let (rest, after) = bytes.split_at_checked(own).ok_or(Damaged)?;
        bytes = after;
        if shared > length {
            return Err(Damaged);
        }
        length = shared + own;
        if shared < same {
            // It is greater where the last one was the same.
            break;
        }
        if shared == same {
            let more = sought[same..].iter().zip(rest).take_while(|(a, b)| a == b).count();
            let past = rest.get(more).zip(sought.get(same + more)).is_some_and(|(a, b)| a > b);
            if past {
                break;
            }
            same += more;
        }
        let fits = same == sought.len() && (begun || length == same);
        if !fits && same == sought.len() {
            break;
        }
        offsets(&mut bytes, fits.then_some(&mut found))?;
    }
    found.sort_unstable();
    found.dedup();
    Ok(found)
}

/// Reads the messages of a term, or passes them over.
fn offsets(bytes: &mut &[u8], mut found: Option<&mut Vec<u16>>) -> Result<(), Damaged> {
    let mut last = 0_usize;
    for _ in 0..take(bytes)? {
        last += take(bytes)?;
        if let Some(found) = &mut found {
            found.push(u16::try_from(last).map_err(|_| Damaged)?);
        }
    }
    Ok(())
}

/// When the first and the last of a block's messages were written.
pub(crate) fn times(part: &[u8]) -> Result<(i64, i64), Damaged> {
    let number = |at: usize| {
        let bytes = part.get(at..at + 8).and_then(|bytes| bytes.try_into().ok());
        bytes.map(i64::from_be_bytes).ok_or(Damaged)
    };
    Ok((number(0)?, number(8)?))
}

/// The parts of a block by their numbers, without those that have no terms.
pub(crate) type Parts = BTreeMap<u32, Vec<u8>>;

/// A block that is being made of its messages.
#[derive(Default)]
pub(crate) struct Builder {
    times: Option<(i64, i64)>,
    terms: HashMap<String, Vec<u16>, RandomState>,
}

impl Builder {
    /// Takes a message.
    pub(crate) fn add(&mut self, entry: &Entry<'_>) {
        let (first, last) = self.times.unwrap_or((entry.created, entry.created));
        self.times = Some((first.min(entry.created), last.max(entry.created)));
        let offset = offset(entry.posted);
        let Some(found_by) = &entry.found_by else { return };
        found_by.each_term(|term| match self.terms.get_mut(term) {
            Some(offsets) if offsets.last() == Some(&offset) => {}
            Some(offsets) => offsets.push(offset),
            None => drop(self.terms.insert(term.to_owned(), vec![offset])),
        });
    }

    /// The parts; none of a block without messages.
    pub(crate) fn finish(self) -> Parts {
        let Some((first, last)) = self.times else { return Parts::new() };
        let with_part =
            self.terms.into_iter().map(|(term, offsets)| (part_of(&term), term, offsets));
        let mut terms: Vec<(u32, String, Vec<u16>)> = with_part.collect();
        terms.sort_unstable_by(|a, b| (a.0, &a.1).cmp(&(b.0, &b.1)));
        let mut parts = Parts::new();
        let mut before: Option<(u32, &str)> = None;
        for (part, term, offsets) in &mut terms {
            // In their order already, as far as they were added so.
            offsets.sort_unstable();
            offsets.dedup();
            let same = before.filter(|(last, _)| last == part);
            let bytes = parts.entry(*part).or_default();
            append(bytes, same.map_or("", |(_, term)| term), term, offsets);
            before = Some((*part, term));
        }
        parts.insert(TIMES, [first.to_be_bytes(), last.to_be_bytes()].concat());
        parts
    }
}

/// The parts of a block that are others after these of its messages have changed; empty ones are to be deleted.
pub(crate) fn changed<'a>(
    before: &Parts,
    entries: impl IntoIterator<Item = Entry<'a>>,
) -> Result<Parts, Damaged> {
    let mut parts: BTreeMap<u32, Part> = BTreeMap::new();
    for (part, bytes) in before.iter().filter(|(part, _)| **part != TIMES) {
        parts.insert(*part, Part::read(bytes)?);
    }
    for entry in entries {
        let offset = offset(entry.posted);
        for part in parts.values_mut() {
            part.forget(offset);
        }
        if let Some(found_by) = &entry.found_by {
            found_by.each_term(|term| parts.entry(part_of(term)).or_default().note(term, offset));
        }
    }
    let written = parts.iter().map(|(part, terms)| (*part, terms.write()));
    Ok(written.filter(|(part, bytes)| before.get(part).is_none_or(|old| old != bytes)).collect())
}

#[cfg(test)]
mod tests;
