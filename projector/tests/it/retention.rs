//! The archive: questions about messages have the same answers when some of them moved there, on both databases.

use projector::Engine;
use readmodel::*;
use schemas::events::*;
use schemas::values::*;
use schemas::{EventData, Sequence};

use crate::contract::{conversation, numbers};
use crate::kit::*;
use crate::unread::waiting;

impl History {
    /// Messages of a room move to the archive.
    pub(crate) fn retire(&mut self, in_room: u64, ids: &[u64]) -> Sequence {
        self.add(RetentionApplied {
            room_id: room(in_room),
            days: 7,
            before: when(600),
            messages: ids.iter().copied().map(message).collect(),
            except_users: Vec::new(),
        })
    }

    /// Messages of a room are gone for good.
    pub(crate) fn purge(&mut self, in_room: u64, ids: &[u64]) -> Sequence {
        self.add(MessagesPurged {
            room_id: room(in_room),
            days: 7,
            before: when(600),
            messages: ids.iter().copied().map(message).collect(),
        })
    }

    /// The texts of messages of room 1 leave the log.
    fn remove_texts(&mut self, ids: &[u64]) -> Sequence {
        let blank = |id: &u64| {
            let was = BlankEvent::Posted(BlankMessage {
                id: message(*id),
                room_id: room(1),
                client_id: None,
                mentions: Vec::new(),
                mentions_room: None,
                thread_root_id: None,
                created_at: when(*id),
                private: false,
            });
            let blank = Blank { sequence: 1, stored_at: when(*id), was };
            AuthoredBlank { sender_id: user(1), blank }
        };
        self.add(TextsRemoved {
            room_id: room(1),
            listed_at: when(700),
            before: when(700),
            gone: Vec::new(),
            blanks: ids.iter().map(blank).collect(),
            media: Vec::new(),
        })
    }
}

/// A message as a replay finds it whose events are gone: its shape, and what its client called it as a hash.
fn blanked(message: &mut MessageState) {
    message.body = Body::erased();
    message.format = Format::default();
    message.client_id = message.client_id.is_some().then(|| client("hashed"));
}

/// Projects what a history has beyond what a place has seen.
async fn go_on(place: &Place, history: &History, seen: usize) {
    let last = u64::try_from(history.events.len()).unwrap();
    let mut engine: Engine = place.engine().await;
    engine.apply(&history.events[seen..], last).await.unwrap();
}

/// All that can be asked of a room's timeline of 20 messages, and of the thread under its second.
async fn pages(place: &Place) -> Vec<Vec<u64>> {
    let store = place.model.current();
    let mut all = Vec::new();
    for limit in [1, 3, 7, 50] {
        let anchors =
            (0..=23).flat_map(|n| [Anchor::Before(n), Anchor::After(n), Anchor::Around(n)]);
        for anchor in anchors.chain([Anchor::Latest]) {
            for threads in [Threads::Shown, Threads::LeftOut] {
                let found = store.timeline(&room(1), threads, anchor, limit).await;
                all.push(numbers(&found.unwrap()));
            }
            let found = store.thread(&message(2), anchor, limit).await;
            all.push(numbers(&found.unwrap()));
        }
    }
    all
}

fn with_threads() -> History {
    let mut history = conversation(4);
    for id in 5..=20 {
        let mut said = message_state(1, id, 2, "said");
        said.thread_root_id = (id % 3 == 0).then(|| message(2));
        said.client_id = Some(client(&format!("c{id}")));
        history.post_with(said);
    }
    history
}

pub(crate) async fn history_crosses_the_border_of_the_archive(place: &Place) {
    let mut history = with_threads();
    place.project(&history).await;
    let before = pages(place).await;
    let seen = history.events.len();
    // Not all of the oldest: a legal hold kept some of them.
    history.retire(1, &[1, 2, 3, 5, 6]);
    history.retire(1, &[8, 9]);
    go_on(place, &history, seen).await;
    assert_eq!(pages(place).await, before);
    let store = place.model.current();
    let at_hand =
        async |after, limit| numbers(&store.at_hand(&room(1), after, limit).await.unwrap());
    assert_eq!(at_hand(0, 4).await, [4, 7, 10, 11]);
    assert_eq!(at_hand(4, 1).await, [7]);
    assert_eq!(at_hand(19, 9).await, [20]);
    let found = store.messages(&[message(1), message(4), message(9), message(99)]).await.unwrap();
    let mut found: Vec<(u64, bool)> =
        found.iter().map(|one| (one.number, one.archived > 0)).collect();
    found.sort_unstable();
    assert_eq!(found, [(1, true), (4, false), (9, true)]);
    let repeated = store.message_by_client_id(&room(1), &user(2), &client("c9")).await.unwrap();
    assert_eq!(repeated.map(|one| one.number), Some(9));
    assert_eq!(store.counts().await.unwrap().messages, 20);
    let seen = history.events.len();
    history.retire(1, &(1..=20).collect::<Vec<_>>());
    go_on(place, &history, seen).await;
    assert_eq!(pages(place).await, before, "a room may be in the archive as a whole");
    assert_eq!(at_hand(0, 9).await, [0_u64; 0]);
    let newest = store.newest(vec![room(1)]).await.unwrap();
    assert_eq!(numbers(&newest), [20]);
}

/// Every message is written by a batch that began after it moved: replies, reactions, pins, edits that came late, deletion.
pub(crate) async fn archived_messages_change_as_others_do(place: &Place) {
    let mut history = with_threads();
    history.retire(1, &[1, 2, 3, 4]);
    place.project(&history).await;
    let seen = history.events.len();
    let mut answer = message_state(1, 21, 3, "an answer");
    answer.thread_root_id = Some(message(2));
    let answered = history.post_with(answer);
    history.react(1, 1, 2, 1);
    history.pin(1, 3, true);
    let edited = history.edit(message_state(1, 4, 1, "decided before, written after"));
    let deleted = history.delete(1, 1, None);
    go_on(place, &history, seen).await;
    let store = place.model.current();
    let one = async |id| store.message(&message(id)).await.unwrap().unwrap();
    let root = one(2).await;
    assert_eq!((root.beside, root.last_reply_at), (answered, Some(when(21))));
    assert!(one(3).await.pinned > 0);
    let late = one(4).await;
    assert_eq!((late.body.as_str(), late.changed), ("decided before, written after", edited));
    let gone = one(1).await;
    assert_eq!((gone.body.as_str(), gone.changed, gone.reactions.len()), ("", deleted, 0));
    let archived = |doc: &MessageDoc| doc.archived > 0;
    assert!([root, late, gone].iter().all(archived), "they stay where they are");
    let text = store.history(&message(4)).await.unwrap().unwrap();
    assert_eq!(text.texts.len(), 1);
}

pub(crate) async fn what_is_counted_does_not_ask_where_messages_lie(place: &Place) {
    let mut history = conversation(6);
    let mut named = message_state(1, 7, 1, "@bob");
    named.mentions = vec![user(2)];
    history.post_with(named);
    for id in 8..=10 {
        let mut answer = message_state(1, id, 1, "@bob");
        answer.thread_root_id = Some(message(1));
        answer.mentions = vec![user(2)];
        history.post_with(answer);
    }
    history.delete(1, 3, None);
    history.delete(1, 9, Some(1));
    place.project(&history).await;
    assert_eq!(waiting(place, 1, 2).await, (6, 1));
    let answers = async || {
        let of = documents::ThreadStretch {
            root_id: message(1),
            user_id: user(2),
            after: 0,
            through: 3,
            blocked: Vec::new(),
        };
        let counted = place.model.current().count_answers(vec![of]).await.unwrap();
        (counted[0].deleted, counted[0].named)
    };
    assert_eq!(answers().await, (1, 2));
    let seen = history.events.len();
    history.retire(1, &(1..=10).collect::<Vec<_>>());
    go_on(place, &history, seen).await;
    assert_eq!((waiting(place, 1, 2).await, answers().await), ((6, 1), (1, 2)));
    let seen = history.events.len();
    history.delete(1, 7, None);
    history.delete(1, 8, Some(1));
    go_on(place, &history, seen).await;
    assert_eq!((waiting(place, 1, 2).await, answers().await), ((5, 0), (2, 1)));
}

pub(crate) async fn archived_messages_are_found(place: &Place) {
    let mut history = conversation(0);
    for (id, word) in (1..).zip(["ant", "bee", "cow", "dog", "elk", "fly"]) {
        history.post_with(message_state(1, id, 1, &format!("fox {word}")));
    }
    history.retire(1, &[1, 2, 4]);
    place.project(&history).await;
    let found = async |query: &str| {
        let words = Words::parse(query);
        let search = MessageSearch { words, ..MessageSearch::default() };
        let store = place.model.current();
        let page = search_messages(store.as_ref(), &user(2), &search, 50).await.unwrap();
        numbers(&page.items)
    };
    // First in the block that is still open, then by the index.
    assert_eq!(found("fox").await, [6, 5, 4, 3, 2, 1]);
    let seen = history.events.len();
    while history.events.len() < 1100 {
        history.release(1);
    }
    go_on(place, &history, seen).await;
    assert_eq!(found("fox").await, [6, 5, 4, 3, 2, 1]);
    let seen = history.events.len();
    history.retire(1, &[3]);
    history.edit(message_state(1, 2, 1, "cat"));
    history.delete(1, 4, None);
    go_on(place, &history, seen).await;
    assert_eq!(found("fox").await, [6, 5, 3, 1]);
    assert_eq!((found("cow").await, found("cat").await), (vec![3], vec![2]));
    let check = place.model.writer().check_index().await.unwrap();
    assert_eq!((check.blocks, check.differing), (1, vec![]));
}

pub(crate) async fn a_move_to_the_archive_is_no_change_to_clients(place: &Place) {
    let mut history = conversation(4);
    place.project(&history).await;
    let p = u64::try_from(history.events.len()).unwrap();
    let edited = history.edit(message_state(1, 1, 1, "edited"));
    history.retire(1, &[1, 2, 3]);
    let beside = history.react(1, 2, 3, 1);
    history.retire(1, &[4]);
    go_on(place, &history, usize::try_from(p).unwrap()).await;
    let store = place.model.current();
    let marks = async |after| {
        let most = Bound { items: 10, bytes: 100_000 };
        store.message_marks(&[room(1)], after, most).await.unwrap()
    };
    let mut told: Vec<(Sequence, Sequence)> =
        marks(p + 1).await.items.iter().map(|mark| (mark.changed, mark.beside)).collect();
    told.sort_unstable();
    let second = store.message(&message(2)).await.unwrap().unwrap();
    assert_eq!(told, [(second.posted, beside), (edited, 0)]);
    assert!(marks(beside + 1).await.items.is_empty());
    let first = store.message(&message(1)).await.unwrap().unwrap();
    assert_eq!((first.told(), first.updated, first.archived), (edited, edited + 1, edited + 1));
}

pub(crate) async fn a_message_moves_once_and_from_its_own_room(place: &Place) {
    let mut history = conversation(3);
    place.project(&history).await;
    let seen = history.events.len();
    let moved = history.retire(1, &[1, 77]);
    history.retire(1, &[1]);
    history.retire(2, &[2]);
    go_on(place, &history, seen).await;
    let store = place.model.current();
    let archived = async |id| store.message(&message(id)).await.unwrap().unwrap().archived;
    assert_eq!((archived(1).await, archived(2).await), (moved, 0));
    // A new generation moves the same, in one batch with their posts.
    let copy = place.model.create_generation().await.unwrap();
    let mut engine = Engine::open(copy.clone(), epoch()).await.unwrap();
    engine.apply(&history.events, history.events.len() as u64).await.unwrap();
    assert_eq!(contents(&copy).await, contents(&place.model.writer()).await);
}

pub(crate) async fn texts_that_left_the_log_make_no_difference_to_a_replay(place: &Place) {
    let mut history = conversation(2);
    let text = |id, body: &str| MessageState {
        client_id: Some(client("c")),
        format: Format::Markdown,
        mentions: vec![user(2)],
        ..message_state(1, id, 1, body)
    };
    history.post_with(text(3, "**words** @bob"));
    let mut answer = text(4, "an answer");
    (answer.thread_root_id, answer.client_id) = (Some(message(1)), None);
    history.post_with(answer);
    history.react(1, 3, 2, 1);
    history.edit(text(3, "other **words** @bob"));
    history.retire(1, &[3]);
    history.delete(1, 3, None);
    history.delete(1, 4, Some(1));
    history.edit(text(3, "too late"));
    history.remove_texts(&[3, 4]);
    place.project(&history).await;
    let store = place.model.current();
    let gone = store.message(&message(3)).await.unwrap().unwrap();
    assert_eq!((gone.body.as_str(), gone.client_id, gone.format), ("", None, Format::Plain));
    let mut replay = history.clone();
    for logged in &mut replay.events {
        match &mut logged.event.data {
            EventData::Message(MessageEvent::Posted(posted))
                if [message(3), message(4)].contains(&posted.message.id) =>
            {
                blanked(&mut posted.message);
            }
            EventData::Message(MessageEvent::Edited(edited)) => blanked(&mut edited.message),
            _ => {}
        }
    }
    assert_ne!(replay.events, history.events);
    let copy = place.model.create_generation().await.unwrap();
    let mut engine = Engine::open(copy.clone(), epoch()).await.unwrap();
    engine.apply(&replay.events, replay.events.len() as u64).await.unwrap();
    assert_eq!(contents(&copy).await, contents(&place.model.writer()).await);
}

pub(crate) async fn purged_messages_are_on_no_list_and_are_counted(place: &Place) {
    let mut history = conversation(6);
    let mut answer = message_state(1, 7, 1, "an answer");
    answer.thread_root_id = Some(message(2));
    history.post_with(answer);
    history.retire(1, &[1, 2]);
    place.project(&history).await;
    let seen = history.events.len();
    let deleted = history.delete(1, 1, None);
    history.delete(1, 3, None);
    history.delete(1, 7, Some(2));
    let purged = history.purge(1, &[1, 3, 4, 7]);
    history.purge(2, &[2]);
    history.purge(1, &[1]);
    go_on(place, &history, seen).await;
    let store = place.model.current();
    let page = async |threads| {
        let found = store.timeline(&room(1), threads, Anchor::Around(3), 50).await;
        numbers(&found.unwrap())
    };
    assert_eq!(page(Threads::Shown).await, [2, 4, 5, 6], "what was not deleted is not purged");
    assert_eq!(page(Threads::LeftOut).await, [2, 4, 5, 6]);
    let thread = store.thread(&message(2), Anchor::Latest, 5).await.unwrap();
    assert_eq!(numbers(&thread), [0_u64; 0]);
    let one = async |id| store.message(&message(id)).await.unwrap().unwrap();
    let gone = one(1).await;
    assert_eq!((gone.number, gone.purged, gone.changed), (1, purged, deleted));
    assert_eq!((one(3).await.purged, one(4).await.purged, one(2).await.purged), (purged, 0, 0));
    // Two of six are deleted, wherever they lie, and nothing is read.
    assert_eq!(waiting(place, 1, 2).await, (4, 0));
    assert_eq!(store.counts().await.unwrap().messages, 7);
    let most = Bound { items: 10, bytes: 100_000 };
    let marks = store.message_marks(&[room(1)], deleted, most).await.unwrap();
    let mut told: Vec<(Sequence, bool)> =
        marks.items.iter().map(|mark| (mark.changed, mark.deleted)).collect();
    told.retain(|(_, deleted)| *deleted);
    told.sort_unstable();
    let expected = [deleted, deleted + 1, deleted + 2].map(|at| (at, true));
    assert_eq!(told, expected, "who was away is told that they were deleted");
    let copy = place.model.create_generation().await.unwrap();
    let mut engine = Engine::open(copy.clone(), epoch()).await.unwrap();
    engine.apply(&history.events, history.events.len() as u64).await.unwrap();
    assert_eq!(contents(&copy).await, contents(&place.model.writer()).await);
}
