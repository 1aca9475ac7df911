//! What waits for people: given what happened in a room, these are the counts, the readers and the last message.
//! And whatever happens: the counts are those of a model that knows nothing but the order of things.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use readmodel::ReadStore;
use schemas::events::*;
use schemas::values::RoomMention;

use crate::contract::{conversation, ids};
use crate::kit::*;
use crate::server::mongo;

/// What waits for a member: messages and mentions.
pub(crate) async fn waiting(place: &Place, in_room: u64, who: u64) -> (u64, u64) {
    waiting_in(place.model.current().as_ref(), in_room, who).await.unwrap()
}

/// The same in any generation; none for who is not a member.
async fn waiting_in(store: &dyn ReadStore, in_room: u64, who: u64) -> Option<(u64, u64)> {
    let found = store.room(&room(in_room)).await.unwrap()?;
    let own = store.membership(&room(in_room), &user(who)).await.unwrap()?;
    let unread = store.unread(&[(&found, &own)]).await.unwrap();
    own.present.then_some((unread[0].messages, unread[0].mentions))
}

async fn everyone_waits(place: &Place) -> [(u64, u64); 3] {
    [waiting(place, 1, 1).await, waiting(place, 1, 2).await, waiting(place, 1, 3).await]
}

/// Projects what a history has more than the place has seen.
async fn go_on(place: &Place, history: &History, seen: usize) {
    let mut engine = place.engine().await;
    engine.apply(&history.events[seen..], history.events.len() as u64).await.unwrap();
}

fn answer(id: u64, by: u64, root: u64) -> MessageState {
    MessageState { thread_root_id: Some(message(root)), ..message_state(1, id, by, "an answer") }
}

fn naming(id: u64, by: u64, named: &[u64], all: bool) -> MessageState {
    MessageState {
        mentions: named.iter().map(|who| user(*who)).collect(),
        mentions_room: all.then_some(RoomMention::Room),
        ..message_state(1, id, by, "names")
    }
}

pub(crate) async fn unread_is_counted_in_the_main_timeline(place: &Place) {
    // Ada says 1 to 5; Bob and Eve have read nothing.
    let mut history = conversation(5);
    history.delete(1, 2, None);
    history.post_with(answer(6, 2, 1));
    place.project(&history).await;
    assert_eq!(everyone_waits(place).await, [(0, 0), (4, 0), (4, 0)], "an answer moves nothing");
    let seen = history.events.len();
    history.read(1, 3, 4);
    // Deleted again, deleted behind a marker, an answer deleted: counted in no place twice.
    history.delete(1, 2, None);
    history.delete(1, 1, None);
    history.delete(1, 6, Some(1));
    history.post(1, 7, 2);
    history.delete(1, 5, None);
    go_on(place, &history, seen).await;
    assert_eq!(everyone_waits(place).await, [(1, 0), (0, 0), (1, 0)]);
    let seen = history.events.len();
    // An answer's id marks the main timeline as it was then; nothing goes back.
    history.post_with(answer(8, 1, 7));
    history.post(1, 9, 2);
    history.read(1, 3, 8);
    history.read(1, 3, 1);
    go_on(place, &history, seen).await;
    assert_eq!(everyone_waits(place).await, [(2, 0), (0, 0), (1, 0)]);
}

pub(crate) async fn mentions_are_counted_where_they_stand(place: &Place) {
    let mut history = conversation(0);
    history.post_with(naming(1, 1, &[2, 1, 2], true));
    history.post_with(naming(2, 1, &[2], false));
    history.post_with(MessageState { mentions: vec![user(2)], ..answer(3, 1, 1) });
    history.post(1, 4, 1);
    place.project(&history).await;
    assert_eq!(everyone_waits(place).await, [(0, 0), (3, 2), (3, 1)], "each message once");
    let seen = history.events.len();
    history.edit(naming(2, 1, &[3], false));
    history.edit(naming(1, 1, &[], false));
    history.edit(naming(4, 1, &[2, 3], true));
    go_on(place, &history, seen).await;
    assert_eq!(everyone_waits(place).await, [(0, 0), (3, 1), (3, 2)]);
    let seen = history.events.len();
    history.read(1, 3, 2);
    // Named where it was read already: nothing.
    history.edit(naming(1, 1, &[3], true));
    history.delete(1, 4, None);
    history.edit(naming(4, 1, &[2, 3], true));
    go_on(place, &history, seen).await;
    assert_eq!(everyone_waits(place).await, [(0, 0), (2, 1), (0, 0)]);
    // Who is there is shown that it is for them; nothing is counted.
    let seen = history.events.len();
    let here = MessageState { mentions_room: Some(RoomMention::Here), ..naming(5, 1, &[], false) };
    history.post_with(here);
    go_on(place, &history, seen).await;
    assert_eq!(everyone_waits(place).await, [(0, 0), (3, 1), (1, 0)]);
    let seen = history.events.len();
    history.delete(1, 5, None);
    go_on(place, &history, seen).await;
    assert_eq!(everyone_waits(place).await, [(0, 0), (2, 1), (0, 0)]);
    // More than any list in a document could hold.
    let seen = history.events.len();
    for id in 100..1_300 {
        history.post_with(naming(id, 1, &[2], id % 2 == 0));
    }
    go_on(place, &history, seen).await;
    assert_eq!(everyone_waits(place).await, [(0, 0), (1_202, 1_201), (1_200, 600)]);
}

pub(crate) async fn who_comes_in_has_nothing_unread(place: &Place) {
    let mut history = conversation(2);
    history.leave(1, 2);
    history.post_with(naming(3, 1, &[2], true));
    history.post_with(answer(4, 1, 1));
    history.register(4, "zed");
    history.join(1, 2);
    history.join(1, 4);
    place.project(&history).await;
    assert_eq!((waiting(place, 1, 2).await, waiting(place, 1, 4).await), ((0, 0), (0, 0)));
    let store = place.model.current();
    let zed = store.membership(&room(1), &user(4)).await.unwrap().unwrap();
    assert_eq!((zed.marker_message_id, zed.marker_moved), (Some(message(3)), false));
    let seen = history.events.len();
    history.post_with(naming(5, 1, &[2], false));
    go_on(place, &history, seen).await;
    assert_eq!((waiting(place, 1, 2).await, waiting(place, 1, 4).await), ((1, 1), (1, 0)));
}

pub(crate) async fn readers_have_moved_a_marker(place: &Place) {
    let mut history = conversation(2);
    history.register(4, "zed");
    history.join(1, 4);
    history.read(1, 2, 2);
    history.post_with(answer(3, 3, 1));
    place.project(&history).await;
    let store = place.model.current();
    let readers =
        async |number| ids(&store.readers(&room(1), number, None, 50).await.unwrap().items);
    // Who came in later has read nothing, though their marker stands at the end; an answer reads nothing.
    assert_eq!(readers(1).await, [user(1), user(2)]);
    assert_eq!(store.members(&room(1), None, 50).await.unwrap().items.len(), 4);
    let seen = history.events.len();
    // Said where the stay began: from now on they are known to have read. What is older says nothing.
    history.read(1, 4, 1);
    go_on(place, &history, seen).await;
    assert_eq!(readers(1).await, [user(1), user(2)]);
    let seen = history.events.len();
    history.read(1, 4, 2);
    history.post(1, 5, 3);
    go_on(place, &history, seen).await;
    assert_eq!(readers(2).await, [user(1), user(2), user(3), user(4)]);
    assert_eq!(readers(4).await, [user(3)]);
    let seen = history.events.len();
    history.leave(1, 3);
    history.join(1, 3);
    go_on(place, &history, seen).await;
    assert_eq!(readers(2).await, [user(1), user(2), user(4)], "a new stay has read nothing yet");
}

pub(crate) async fn the_last_message_is_the_newest_that_stands(place: &Place) {
    let mut history = conversation(3);
    history.post_with(answer(4, 2, 1));
    place.project(&history).await;
    let store = place.model.current();
    let last = async || {
        let found = store.room(&room(1)).await.unwrap().unwrap();
        store.last_messages(&[&found]).await.unwrap().into_iter().map(|one| one.id).next()
    };
    assert_eq!(last().await, Some(message(3)));
    for (gone, left) in [(2, Some(3)), (3, Some(1)), (1, None)] {
        let seen = history.events.len();
        history.delete(1, gone, None);
        go_on(place, &history, seen).await;
        assert_eq!(last().await, left.map(message), "after {gone} was deleted");
    }
    let activity = store.room(&room(1)).await.unwrap().unwrap().last_activity;
    assert_eq!(activity, 10, "where the third was posted: an answer is no activity of the room");
}

/// One thing that happens in a room of four people.
#[derive(Debug, Clone)]
enum Step {
    Post {
        by: u64,
        named: Vec<u64>,
        all: bool,
        root: Option<usize>,
    },
    Edit {
        which: usize,
        named: Vec<u64>,
        all: bool,
    },
    Delete(usize),
    Read(u64, usize),
    Come(u64),
    Go(u64),
    /// Who, whom, and whether they block them from now on.
    Block(u64, u64, bool),
}

fn step() -> impl Strategy<Value = Step> {
    let (who, which) = (1..5_u64, 0..30_usize);
    let named = || prop::collection::vec(1..5_u64, 0..3);
    let post = (who.clone(), named(), any::<bool>(), prop::option::weighted(0.4, which.clone()));
    prop_oneof![
        9 => post.prop_map(|(by, named, all, root)| Step::Post { by, named, all, root }),
        3 => (which.clone(), named(), any::<bool>())
            .prop_map(|(which, named, all)| Step::Edit { which, named, all }),
        3 => which.clone().prop_map(Step::Delete),
        4 => (who.clone(), which).prop_map(|(who, which)| Step::Read(who, which)),
        2 => who.clone().prop_map(Step::Come),
        1 => who.clone().prop_map(Step::Go),
        2 => (who.clone(), who, any::<bool>())
            .prop_map(|(who, whom, blocks)| Step::Block(who, whom, blocks)),
    ]
}

/// A message as the model keeps it.
struct Said {
    by: u64,
    main: bool,
    deleted: bool,
    named: BTreeSet<u64>,
    all: bool,
}

/// Counts by walking over everything that was ever said.
#[derive(Default)]
struct Model {
    said: Vec<Said>,
    /// Who is in, and how many of the messages count as read for them.
    members: BTreeMap<u64, usize>,
    blocked: BTreeMap<u64, Vec<u64>>,
}

impl Model {
    /// Takes a step, and writes it down as an event; what would be refused is left out.
    fn take(&mut self, step: Step, history: &mut History) {
        match step {
            Step::Post { by, named, all, root } => {
                if !self.members.contains_key(&by) {
                    return;
                }
                let root = root.filter(|root| self.said.get(*root).is_some_and(|one| one.main));
                let id = self.said.len() as u64 + 1;
                let state = MessageState {
                    thread_root_id: root.map(|root| message(root as u64 + 1)),
                    ..naming(id, by, &named, all)
                };
                history.post_with(state);
                let main = root.is_none();
                let named = named.into_iter().collect();
                self.said.push(Said { by, main, deleted: false, named, all });
                if main {
                    self.members.insert(by, self.said.len());
                }
            }
            Step::Edit { which, named, all } => {
                let Some(one) = self.said.get_mut(which) else { return };
                let state = naming(which as u64 + 1, one.by, &named, all);
                // The log may hold an edit of what was deleted: it changes nothing.
                history.edit(state);
                if !one.deleted {
                    (one.named, one.all) = (named.into_iter().collect(), all);
                }
            }
            Step::Delete(which) => {
                let Some(one) = self.said.get_mut(which) else { return };
                history.delete(1, which as u64 + 1, None);
                one.deleted = true;
            }
            Step::Read(who, which) => {
                if which < self.said.len() {
                    history.read(1, who, which as u64 + 1);
                    if let Some(read) = self.members.get_mut(&who) {
                        *read = (*read).max(which + 1);
                    }
                }
            }
            Step::Block(who, whom, blocks) => {
                let list = self.blocked.entry(who).or_default();
                list.retain(|other| *other != whom);
                if blocks {
                    list.push(whom);
                }
                history.block(who, list);
            }
            Step::Come(who) => {
                history.join(1, who);
                let all = self.said.len();
                self.members.entry(who).or_insert(all);
            }
            Step::Go(who) => {
                history.leave(1, who);
                self.members.remove(&who);
            }
        }
    }

    fn waiting(&self, who: u64) -> Option<(u64, u64)> {
        let read = *self.members.get(&who)?;
        let unread = self.said.iter().skip(read);
        let unread: Vec<&Said> =
            unread.filter(|one| one.main && !one.deleted && one.by != who).collect();
        let blocked = self.blocked.get(&who).map(Vec::as_slice).unwrap_or_default();
        let names =
            |one: &&&Said| (one.all || one.named.contains(&who)) && !blocked.contains(&one.by);
        let naming = unread.iter().filter(names).count();
        Some((unread.len() as u64, naming as u64))
    }
}

async fn counts_agree(place: &Place, steps: &[Step], size: usize) -> Result<(), TestCaseError> {
    let (mut history, mut model) = (History::default(), Model::default());
    history.create_room(1, "Talk");
    for step in steps {
        model.take(step.clone(), &mut history);
    }
    let store = place.model.create_generation().await.unwrap();
    store.seal().await.unwrap();
    let mut engine = projector::Engine::open(store.clone(), epoch()).await.unwrap();
    for batch in history.events.chunks(size) {
        engine.apply(batch, batch.last().unwrap().sequence).await.unwrap();
    }
    let mut found = Vec::new();
    for who in 1..5 {
        found.push(waiting_in(store.clone().reader().as_ref(), 1, who).await);
    }
    place.model.delete(store.generation()).await.unwrap();
    let expected: Vec<_> = (1..5).map(|who| model.waiting(who)).collect();
    prop_assert_eq!(found, expected);
    Ok(())
}

fn any_order_counts(place: &Place, runtime: &tokio::runtime::Runtime, cases: u32) {
    let config = Config { cases, max_shrink_iters: 200, ..Config::default() };
    let steps = (prop::collection::vec(step(), 1..60), 1..15_usize);
    let outcome = TestRunner::new(config)
        .run(&steps, |(steps, size)| runtime.block_on(counts_agree(place, &steps, size)));
    outcome.unwrap();
}

#[test]
fn whatever_happens_the_counts_are_right() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let place = runtime.block_on(Place::sqlite());
    any_order_counts(&place, &runtime, 96);
}

#[test]
fn whatever_happens_the_counts_are_right_in_mongodb() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let Some(server) = runtime.block_on(mongo()) else { return };
    let place = runtime.block_on(Place::mongo(&server.url()));
    any_order_counts(&place, &runtime, 12);
    runtime.block_on(async { drop(place) });
    drop(server);
}
