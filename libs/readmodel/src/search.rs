//! Finding messages: a question over the index of messages and the messages together.
//!
//! The index (`terms/block.rs`) leads to messages that may be found, newest first; each is read in the rooms the user is
//! in, and judged by its text as it is, until the page is full. So what the index leaves out (phrases, beginnings of one
//! letter, many rooms, times) costs reading and never a wrong answer. Messages of the block that is still open are read all.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::ops::Range;
use std::sync::Arc;

use schemas::ids::{RoomId, UserId};
use schemas::position::Sequence;
use schemas::values::MessageHas;

use crate::answers::{Answer, MAX_ITEMS, StoreError};
use crate::documents::{FoundMessages, Judged, MessageDoc, MessageSearch, Scope};
use crate::store::ReadStore;
use crate::terms::block::{
    BLOCK, Damaged, FILE, LINK, TIMES, block_of, complete, find, leads_to_one_part, of_room,
    of_sender, part_of, times,
};

/// Places of the log that are looked at for a page, and messages that are read and judged for it.
const LOOKED_AT: usize = 20_000;
const JUDGED: usize = 4_000;
/// Places looked at together, at first and at most.
const FIRST_LOOK: usize = 128;
const LOOK: usize = 1_000;
/// Terms looked up in the index for a search; the others are judged by the text.
const LOOKUPS: usize = 6;
/// Rooms whose terms are looked up; of more the store leaves out the others by their messages.
const ROOMS: usize = 8;
/// Of how many blocks the index is read together, the newest first: the words most people ask for are in the newest. Then
/// four times as many.
const FIRST_BLOCKS: u64 = 64;
/// So few messages are read sooner than another term is looked up: a message costs as much as this many blocks of a term.
const BLOCKS_A_MESSAGE: u64 = 4;

/// Messages of each block, by their places in it.
type Places = BTreeMap<u64, Vec<u16>>;
/// Parts of the index that were read, each of some blocks.
type Parts = HashMap<u32, Vec<(u64, Vec<u8>)>>;

/// The next messages that a user finds in the rooms they are in now, newest first. At most 20,000 places of the log are
/// looked at: a page may be short, or empty, and go on.
///
/// # Errors
/// The store does not answer, or its index is damaged.
pub async fn search_messages(
    store: &dyn ReadStore,
    user: &UserId,
    search: &MessageSearch,
    limit: usize,
) -> Answer<FoundMessages> {
    let of_search = |room: &_| search.room.as_ref().is_none_or(|only| only == room);
    let members = store.memberships_of(user).await?;
    let present = members.into_iter().filter(|member| member.present && !member.banned);
    let rooms: HashSet<RoomId> = present.map(|member| member.room_id).filter(of_search).collect();
    if search.words.is_empty() || rooms.is_empty() {
        return Ok(FoundMessages::default());
    }
    let scope = Scope { search: Arc::new(search.clone()), user: *user, rooms: Arc::new(rooms) };
    let checkpoint = store.checkpoint().await?.groups.conversations;
    let below = search.below.unwrap_or(Sequence::MAX).min(checkpoint.saturating_add(1));
    let lookups = lookups(&scope);
    let mut run = Run { store, scope, blocks: complete(checkpoint), below, lookups };
    let mut page = Page { limit: limit.clamp(1, MAX_ITEMS), ..Page::default() };
    run.fill(&mut page).await?;
    Ok(FoundMessages { items: page.items, onward: page.onward })
}

/// A page that is being filled.
#[derive(Default)]
struct Page {
    limit: usize,
    items: Vec<MessageDoc>,
    looked_at: usize,
    judged: usize,
    onward: Option<Sequence>,
}

impl Page {
    /// How many messages fill it, and one more by which it is known to go on.
    const fn left(&self) -> usize {
        self.limit.saturating_sub(self.items.len()).saturating_add(1)
    }

    /// Takes what was found among messages, newest first, down to an event of the log; whether to go on before that.
    fn take(&mut self, judged: Judged, down_to: Sequence) -> bool {
        self.judged += judged.judged;
        for message in judged.found {
            if self.items.len() == self.limit {
                self.onward = self.items.last().map(|last| last.posted);
                return false;
            }
            self.items.push(message);
        }
        if self.looked_at >= LOOKED_AT || self.judged >= JUDGED {
            self.onward = Some(down_to);
            return false;
        }
        true
    }
}

struct Run<'a> {
    store: &'a dyn ReadStore,
    scope: Scope,
    /// The number of blocks that are indexed.
    blocks: u64,
    below: Sequence,
    lookups: Vec<Lookup>,
}

/// Terms of which every message that is found has at least one. Of some it is enough how they begin.
struct Lookup {
    any_of: Vec<(String, bool)>,
    /// How many messages of a thousand blocks have one, by those that were looked at last; none: it is not known.
    of_thousand: Option<usize>,
}

impl Lookup {
    const fn new(any_of: Vec<(String, bool)>) -> Self {
        Self { any_of, of_thousand: None }
    }
}

fn damaged(damaged: Damaged) -> StoreError {
    StoreError::Unreadable(damaged.to_string())
}

impl Run<'_> {
    async fn fill(&mut self, page: &mut Page) -> Answer<()> {
        let open = self.blocks * BLOCK;
        if self.below > open && !self.read(page, open..self.below).await? {
            return Ok(());
        }
        let mut end = block_of(self.below.min(open).saturating_sub(1)) + 1;
        let mut together = FIRST_BLOCKS;
        while end > 0 {
            let start = end.saturating_sub(together);
            if !self.fill_from(page, start..end).await? {
                return Ok(());
            }
            end = start;
            together = together.saturating_mul(4);
        }
        Ok(())
    }

    /// Takes what is found in some blocks; whether to go on before them.
    async fn fill_from(&mut self, page: &mut Page, mut blocks: Range<u64>) -> Answer<bool> {
        let in_time = self.in_time(blocks.clone()).await?;
        if let Some(in_time) = &in_time {
            let (Some(first), Some(last)) = (in_time.first(), in_time.last()) else {
                return Ok(true);
            };
            blocks = *first..*last + 1;
        }
        let kept = |block: &u64| in_time.as_ref().is_none_or(|blocks| blocks.contains(block));
        let Some(places) = self.places(blocks.clone()).await? else {
            return self.read_all(page, blocks.filter(kept).collect()).await;
        };
        let blocks = places.iter().rev().filter(|(block, _)| kept(block));
        let mut events = blocks.flat_map(|(block, offsets)| {
            offsets.iter().rev().map(move |offset| block * BLOCK + u64::from(*offset))
        });
        let mut look = FIRST_LOOK;
        loop {
            let below = |event: &Sequence| *event < self.below;
            let some: Vec<Sequence> = events.by_ref().filter(below).take(look).collect();
            let Some(down_to) = some.last().copied() else { return Ok(true) };
            page.looked_at += some.len();
            let judged = self.store.find_posted(&self.scope, some, page.left()).await?;
            if !page.take(judged, down_to) {
                return Ok(false);
            }
            look = (look * 2).min(LOOK);
        }
    }

    /// Reads all messages of a range of the log; whether to go on before it.
    async fn read(&self, page: &mut Page, events: Range<Sequence>) -> Answer<bool> {
        let down_to = events.start;
        page.looked_at += usize::try_from(events.end - down_to).unwrap_or(usize::MAX);
        let judged = self.store.find_between(&self.scope, events, page.left()).await?;
        Ok(page.take(judged, down_to))
    }

    /// Reads all messages of blocks, for a search of which the index knows nothing; whether to go on before them.
    async fn read_all(&self, page: &mut Page, blocks: Vec<u64>) -> Answer<bool> {
        for block in blocks.into_iter().rev() {
            let end = self.below.min((block + 1).min(self.blocks) * BLOCK);
            if !self.read(page, block * BLOCK..end).await? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Which of some blocks have messages of the times searched; none for all.
    async fn in_time(&self, among: Range<u64>) -> Answer<Option<BTreeSet<u64>>> {
        let MessageSearch { after, before, .. } = &*self.scope.search;
        if after.is_none() && before.is_none() {
            return Ok(None);
        }
        let mut blocks = BTreeSet::new();
        for (block, part) in self.store.index_part(TIMES, among).await? {
            let (first, last) = times(&part).map_err(damaged)?;
            let late_enough = after.is_none_or(|after| last > after.millis());
            if late_enough && before.is_none_or(|before| first < before.millis()) {
                blocks.insert(block);
            }
        }
        Ok(Some(blocks))
    }

    /// The messages of some blocks that may be found, as far as the index tells; none where it tells nothing. What excludes
    /// most is looked up first, as far as newer blocks have shown it.
    async fn places(&mut self, mut among: Range<u64>) -> Answer<Option<Places>> {
        let few = among.end.saturating_sub(among.start) / BLOCKS_A_MESSAGE;
        let few = usize::try_from(few).unwrap_or(usize::MAX);
        let (store, mut parts) = (self.store, Parts::new());
        let mut places: Option<Places> = None;
        self.lookups.sort_by_key(|lookup| lookup.of_thousand.unwrap_or(usize::MAX));
        for lookup in &mut self.lookups {
            if let Some(so_far) = &places {
                if number_of(so_far) <= few {
                    break;
                }
                among = span(so_far);
            }
            let mut found = Places::new();
            let mut blocks = 0;
            for (term, begun) in &lookup.any_of {
                let number = part_of(term);
                let part = match parts.entry(number) {
                    Entry::Occupied(known) => known.into_mut(),
                    Entry::Vacant(free) => {
                        free.insert(store.index_part(number, among.clone()).await?)
                    }
                };
                let within =
                    |block: &u64| places.as_ref().is_none_or(|so_far| so_far.contains_key(block));
                let there = part.iter().filter(|(block, _)| within(block));
                blocks = there.clone().count().max(blocks);
                for (block, part) in there {
                    let offsets = find(part, term, *begun).map_err(damaged)?;
                    if !offsets.is_empty() {
                        join(found.entry(*block).or_default(), offsets);
                    }
                }
            }
            lookup.of_thousand = Some(number_of(&found) * 1000 / blocks.max(1));
            places = Some(match places {
                None => found,
                Some(so_far) => common(so_far, &found),
            });
        }
        Ok(places)
    }
}

/// What to look up in the index, first what is likely to exclude most.
fn lookups(scope: &Scope) -> Vec<Lookup> {
    let search = &scope.search;
    let mut words = BTreeSet::new();
    for clause in search.words.clauses() {
        let last = clause.terms.len().saturating_sub(1);
        for (index, term) in clause.terms.iter().enumerate() {
            let begun = clause.begun && index == last;
            if !begun || leads_to_one_part(term) {
                words.insert((term.clone(), begun));
            }
        }
    }
    let mut words: Vec<(String, bool)> = words.into_iter().collect();
    words.sort_by_key(|(term, begun)| (*begun, std::cmp::Reverse(term.len())));
    words.truncate(LOOKUPS);
    let mut lookups: Vec<Lookup> = words.into_iter().map(|word| Lookup::new(vec![word])).collect();
    let marks = [
        search.from.as_ref().map(of_sender),
        search.has.map(|has| match has {
            MessageHas::File => FILE.to_owned(),
            MessageHas::Link => LINK.to_owned(),
        }),
    ];
    lookups.extend(marks.into_iter().flatten().map(|mark| Lookup::new(vec![(mark, false)])));
    if scope.rooms.len() <= ROOMS {
        lookups.push(Lookup::new(scope.rooms.iter().map(|room| (of_room(room), false)).collect()));
    }
    lookups
}

/// The blocks from the first to the last of some places.
fn span(places: &Places) -> Range<u64> {
    let ends = places.first_key_value().zip(places.last_key_value());
    ends.map_or(0..0, |((first, _), (last, _))| *first..*last + 1)
}

fn number_of(places: &Places) -> usize {
    places.values().map(Vec::len).sum()
}

fn join(all: &mut Vec<u16>, more: Vec<u16>) {
    let first = all.is_empty();
    all.extend(more);
    if !first {
        all.sort_unstable();
        all.dedup();
    }
}

fn common(mut places: Places, with: &Places) -> Places {
    for (block, offsets) in &mut places {
        match with.get(block) {
            None => offsets.clear(),
            Some(others) => offsets.retain(|offset| others.binary_search(offset).is_ok()),
        }
    }
    places.retain(|_, offsets| !offsets.is_empty());
    places
}
