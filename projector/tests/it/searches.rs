//! Finding messages: the same answers on both databases, by an index that was kept, or made when a generation was sealed.

use std::collections::HashSet;
use std::sync::Arc;

use projector::Engine;
use readmodel::*;
use schemas::values::*;
use schemas::{Sequence, Timestamp};

use crate::kit::*;

fn search(query: &str) -> MessageSearch {
    MessageSearch { words: Words::parse(query), ..MessageSearch::default() }
}

/// The messages of all pages, by the numbers of their ids, newest first.
async fn pages(store: &dyn ReadStore, who: u64, search: &MessageSearch, limit: usize) -> Vec<u64> {
    let (mut all, mut search) = (Vec::new(), search.clone());
    loop {
        let page = search_messages(store, &user(who), &search, limit).await.unwrap();
        assert!(page.items.len() <= limit && page.items.is_sorted_by(|a, b| a.posted > b.posted));
        all.extend(page.items.iter().map(number));
        assert!(page.onward.is_none_or(|onward| search.below.is_none_or(|below| onward < below)));
        search.below = page.onward;
        if search.below.is_none() {
            return all;
        }
    }
}

/// The number of a message's id, by the time it was posted.
fn number(found: &MessageDoc) -> u64 {
    u64::try_from((found.created_at.millis() - when(0).millis()) / 1000).unwrap()
}

async fn found(place: &Place, who: u64, query: &str) -> Vec<u64> {
    pages(place.model.current().as_ref(), who, &search(query), 2).await
}

fn post(history: &mut History, in_room: u64, id: u64, by: u64, body: &str) {
    history.post_with(message_state(in_room, id, by, body));
}

/// Rooms 1 and 2, which user 1 is in both and user 2 only in the first.
fn two_rooms() -> History {
    let mut history = History::default();
    for who in 1..=3 {
        history.register(who, &format!("user{who}"));
    }
    for (room, name) in [(1, "One"), (2, "Two"), (3, "Three")] {
        history.create_room(room, name);
    }
    for (room, who) in [(1, 1), (1, 2), (2, 1), (3, 3)] {
        history.join(room, who);
    }
    history
}

/// Brings a log to the beginning of its next block, by events that are no messages.
fn pass_block(history: &mut History) {
    while !(history.events.len() + 1).is_multiple_of(1024) {
        history.release(1);
    }
}

pub(crate) async fn messages_are_found(place: &Place) {
    let mut history = two_rooms();
    post(&mut history, 1, 1, 1, "The quick brown fox, see https://example.org");
    post(&mut history, 2, 2, 1, "A quick fox in another room");
    post(&mut history, 1, 3, 2, "北京大学 🎉 Ångström");
    let mut answer = message_state(1, 4, 2, "brown quick answers");
    answer.thread_root_id = Some(message(1));
    history.post_with(answer);
    post(&mut history, 3, 5, 3, "quick things user 1 does not see");
    place.project(&history).await;
    // All of it in the open block, then all of it behind it.
    words_are_found(place).await;
    filters_narrow(place).await;
    let done = history.events.len();
    pass_block(&mut history);
    let mut engine = place.engine().await;
    engine.apply(&history.events[done..], history.events.len() as u64).await.unwrap();
    words_are_found(place).await;
    filters_narrow(place).await;
}

async fn words_are_found(place: &Place) {
    assert_eq!(found(place, 1, "quick").await, [4, 2, 1]);
    assert_eq!(found(place, 2, "quick").await, [4, 1]);
    assert_eq!(found(place, 3, "quick").await, [5]);
    assert_eq!(found(place, 1, "QUICK fox").await, [2, 1]);
    assert_eq!(found(place, 1, "\"quick brown\"").await, [1]);
    assert_eq!(found(place, 1, "\"brown quick\"").await, [4]);
    assert_eq!(found(place, 1, "qui*").await, [4, 2, 1]);
    assert_eq!(found(place, 1, "b* q*").await, [4, 1]);
    assert_eq!(found(place, 1, "大").await, [3]);
    assert_eq!(found(place, 1, "京大学 angstrom 🎉").await, [3]);
    for nothing in ["", " ", "*", "\"\"", "quic", "學", "fox NOT fox", "$where", "NEAR(quick fox)"]
    {
        assert_eq!(found(place, 1, nothing).await, [0_u64; 0], "{nothing}");
    }
}

async fn filters_narrow(place: &Place) {
    let store = place.model.current();
    let with = async |search: MessageSearch| pages(store.as_ref(), 1, &search, 2).await;
    let quick = || search("quick");
    assert_eq!(with(MessageSearch { room: Some(room(1)), ..quick() }).await, [4, 1]);
    assert_eq!(with(MessageSearch { room: Some(room(3)), ..quick() }).await, [0_u64; 0]);
    assert_eq!(with(MessageSearch { from: Some(user(1)), ..quick() }).await, [2, 1]);
    assert_eq!(with(MessageSearch { from: Some(user(9)), ..quick() }).await, [0_u64; 0]);
    let at = |id| Some(when(id));
    assert_eq!(with(MessageSearch { after: at(1), ..quick() }).await, [4, 2]);
    assert_eq!(with(MessageSearch { before: at(4), ..quick() }).await, [2, 1]);
    assert_eq!(with(MessageSearch { after: at(1), before: at(4), ..quick() }).await, [2]);
    let has = |what| MessageSearch { has: Some(what), ..quick() };
    assert_eq!(with(has(MessageHas::Link)).await, [1]);
    assert_eq!(with(has(MessageHas::File)).await, [0_u64; 0]);
}

pub(crate) async fn what_is_found_follows_the_messages(place: &Place) {
    let mut history = two_rooms();
    for id in 1..=6 {
        post(&mut history, 1, id, 1, &format!("first words w{id}"));
    }
    pass_block(&mut history);
    place.project(&history).await;
    let apply = async |history: &History, from: usize| {
        let mut engine = place.engine().await;
        engine.apply(&history.events[from..], history.events.len() as u64).await.unwrap();
    };
    let from = history.events.len();
    history.edit(message_state(1, 2, 1, "other words altogether"));
    history.delete(1, 3, None);
    post(&mut history, 1, 7, 2, "first and last");
    apply(&history, from).await;
    assert_eq!(found(place, 1, "first").await, [7, 6, 5, 4, 1]);
    assert_eq!(found(place, 1, "altogether").await, [2]);
    assert_eq!(found(place, 1, "w2").await, [0_u64; 0]);
    assert_eq!(found(place, 1, "w3").await, [0_u64; 0]);
    // An archived room is found, one that was left is not, nor one a user was put out of.
    let from = history.events.len();
    let mut archived = room_state(1, "One");
    archived.archived = true;
    history.add(schemas::events::RoomArchived { room: archived, reason: None });
    history.leave(1, 2);
    apply(&history, from).await;
    assert_eq!(found(place, 1, "last").await, [7]);
    assert_eq!(found(place, 2, "last").await, [0_u64; 0]);
    let from = history.events.len();
    history.join(1, 2);
    apply(&history, from).await;
    assert_eq!(found(place, 2, "last").await, [7]);
    // The index of the block that was changed is the same as one that was made of what is left.
    let anew = place.model.create_generation().await.unwrap();
    let last = history.events.len() as u64;
    let mut engine = Engine::open(Arc::clone(&anew), epoch()).await.unwrap();
    engine.apply(&history.events, last).await.unwrap();
    anew.seal().await.unwrap();
    same_index(place.model.current().as_ref(), anew.reader().as_ref(), last).await;
}

async fn same_index(kept: &dyn ReadStore, made: &dyn ReadStore, last: Sequence) {
    let mut parts = 0;
    for part in 0..64 {
        let blocks = 0..last;
        let found = kept.index_part(part, blocks.clone()).await.unwrap();
        assert_eq!(found, made.index_part(part, blocks).await.unwrap(), "part {part}");
        parts += found.len();
    }
    assert!(parts > 5, "{parts}");
}

/// A number below another, always the same ones.
fn next(seed: &mut u64, below: u64) -> u64 {
    *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    (*seed >> 33) % below
}

const WORDS: [&str; 12] =
    ["a", "ab", "abc", "b", "ba", "bab", "rare", "Über", "京都", "京", "都市", "🎉"];

fn some_words(seed: &mut u64, most: u64) -> String {
    let count = 1 + next(seed, most);
    let words: Vec<&str> = (0..count)
        .map(|_| WORDS[usize::try_from(next(seed, 12).min(next(seed, 13))).unwrap()])
        .collect();
    words.join(" ")
}

/// Whether a text has a word of a query, looked at plainly: whole words, beginnings, and parts of a text in Chinese.
fn has(text: &str, word: &str) -> bool {
    let text = text.to_lowercase().replace('ü', "u");
    let word = word.to_lowercase().replace('ü', "u");
    if let Some(phrase) = word.strip_prefix('"') {
        let phrase: Vec<&str> = phrase.trim_matches('"').split('_').collect();
        let words: Vec<&str> = text.split(' ').collect();
        return words.windows(phrase.len()).any(|some| some == phrase);
    }
    let begun = word.strip_suffix('*');
    text.split(' ').any(|one| match begun {
        _ if word.starts_with(['京', '都']) => one.contains(word.trim_end_matches('*')),
        Some(begun) => one.starts_with(begun),
        None => one == word,
    })
}

fn some_query(seed: &mut u64) -> Vec<String> {
    (0..=next(seed, 3))
        .map(|_| match next(seed, 4) {
            0 => format!("{}*", WORDS[usize::try_from(next(seed, 11)).unwrap()]),
            1 => format!(
                "\"{}\"",
                ["a_ab", "ab_a", "b_a_b", "rare_a", "bab_über"]
                    [usize::try_from(next(seed, 5)).unwrap()]
            ),
            _ => WORDS[usize::try_from(next(seed, 12)).unwrap()].to_owned(),
        })
        .collect()
}

struct Posted {
    id: u64,
    room: u64,
    by: u64,
    body: String,
    at: Timestamp,
}

const ROOMS: u64 = 12;

fn is_in(who: u64, room: u64) -> bool {
    who == 1 || room.is_multiple_of(who)
}

/// Messages of four users in rooms of which the first is in all, some of them edited and deleted; and what they say.
fn long_history(seed: &mut u64) -> (History, Vec<Posted>) {
    let mut history = History::default();
    for who in 1..=4 {
        history.register(who, &format!("user{who}"));
    }
    for room in 1..=ROOMS {
        history.create_room(room, &format!("Room {room}"));
        for who in (1..=4).filter(|who| is_in(*who, room)) {
            history.join(room, who);
        }
    }
    let mut all: Vec<Posted> = Vec::new();
    for id in 1..=2600 {
        let (room, by) = (1 + next(seed, ROOMS), 1 + next(seed, 4));
        let body = some_words(seed, 5);
        history.post_with(message_state(room, id, by, &body));
        all.push(Posted { id, room, by, body, at: when(id) });
        if id % 10 == 0 {
            let old = &mut all[usize::try_from(next(seed, id)).unwrap()];
            if next(seed, 2) == 0 || old.body.is_empty() {
                history.delete(old.room, old.id, None);
                old.body.clear();
            } else {
                old.body = some_words(seed, 5);
                history.edit(message_state(old.room, old.id, old.by, &old.body));
            }
        }
    }
    (history, all)
}

/// A question, and what a look at every message says to it.
fn question(seed: &mut u64, who: u64, all: &[Posted]) -> (MessageSearch, Vec<u64>) {
    let query = some_query(seed);
    let only = (next(seed, 3) == 0).then(|| 1 + next(seed, ROOMS));
    let from = (next(seed, 4) == 0).then(|| 1 + next(seed, 4));
    let after = (next(seed, 4) == 0).then(|| when(next(seed, 2600)));
    let before = (next(seed, 4) == 0).then(|| when(next(seed, 2600)));
    let fits = |one: &&Posted| {
        is_in(who, one.room)
            && only.is_none_or(|only| only == one.room)
            && from.is_none_or(|from| from == one.by)
            && after.is_none_or(|after| one.at > after)
            && before.is_none_or(|before| one.at < before)
            && query.iter().all(|word| has(&one.body, word))
    };
    let wanted = all.iter().rev().filter(fits).map(|one| one.id).collect();
    let words = search(&query.join(" ").replace('_', " "));
    (MessageSearch { room: only.map(room), from: from.map(user), after, before, ..words }, wanted)
}

pub(crate) async fn what_is_found_is_what_a_look_at_every_message_finds(place: &Place) {
    let mut seed = 11;
    let (history, all) = long_history(&mut seed);
    let last = history.events.len() as u64;
    let mut engine = place.engine().await;
    for some in history.events.chunks(97) {
        engine.apply(some, some.last().unwrap().sequence).await.unwrap();
    }
    let anew = place.model.create_generation().await.unwrap();
    let mut engine = Engine::open(Arc::clone(&anew), epoch()).await.unwrap();
    let (before, after) = history.events.split_at(2000);
    engine.apply(before, 2000).await.unwrap();
    anew.seal().await.unwrap();
    engine.apply(after, last).await.unwrap();
    for store in [place.model.writer(), Arc::clone(&anew)] {
        let check = store.check_index().await.unwrap();
        assert_eq!((check.blocks, check.differing), ((last + 1) / 1024, vec![]));
    }
    let (kept, made) = (place.model.current(), anew.reader());
    same_index(kept.as_ref(), made.as_ref(), last).await;
    let (mut hits, mut distinct) = (0, HashSet::new());
    for round in 0..120 {
        let who = 1 + next(&mut seed, 4);
        let (asked, wanted) = question(&mut seed, who, &all);
        let limit = usize::try_from(1 + next(&mut seed, 200)).unwrap();
        let store = if round % 2 == 0 { &kept } else { &made };
        assert_eq!(pages(store.as_ref(), who, &asked, limit).await, wanted, "{who}: {asked:?}");
        hits += wanted.len();
        distinct.insert(wanted.len());
    }
    assert!(hits > 2_000 && distinct.len() > 20, "{hits} {distinct:?}");
}
