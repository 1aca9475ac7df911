//! Generated histories, odd ones included: however they are cut into batches, and wherever the projector crashes on
//! the way, the documents are those of a fresh rebuild, and they keep what they promise.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use readmodel::{Collection, Document, Want};
use schemas::Sequence;
use schemas::events::*;
use schemas::ids::{MessageId, RoomId};
use schemas::values::*;

use crate::kit::*;
use crate::server::mongo;

type Contents = BTreeMap<(Collection, String), Document>;

/// One thing that happens, to few enough people, rooms and messages that things meet.
#[derive(Debug, Clone)]
enum Step {
    Register(u64),
    Profile(u64, bool),
    Room(u64, bool, bool),
    Archive(u64),
    Member(u64, u64, bool, bool),
    Post {
        room: u64,
        id: u64,
        by: u64,
        named: Vec<u64>,
        all: Option<RoomMention>,
        client: Option<u8>,
        root: Option<u64>,
    },
    Edit {
        room: u64,
        id: u64,
        named: Vec<u64>,
        all: Option<RoomMention>,
    },
    Delete(u64, u64, Option<u64>),
    React(u64, u64, u64, u32, bool),
    Pin(u64, u64, bool),
    Retire(u64, Vec<u64>, bool),
    Read(u64, u64, u64, bool),
    Block(u64, Vec<u64>),
    Notify(u64, u64),
    TakeBack(u64, u64),
    ReadOne(u64, u64),
    ReadAll(u64),
    Session(u64),
    Prefs(u64, u64, bool, bool),
    Follow(u64, u64, u64, bool),
    ReadThread {
        room: u64,
        by: u64,
        root: u64,
        id: u64,
    },
    Report {
        room: u64,
        by: u64,
        id: u64,
        handled: bool,
    },
}

fn called() -> impl Strategy<Value = Option<RoomMention>> {
    prop::option::of(prop_oneof![Just(RoomMention::Room), Just(RoomMention::Here)])
}

fn step() -> impl Strategy<Value = Step> {
    let (user, room, id) = (1..6_u64, 1..4_u64, 1..25_u64);
    let named = prop::collection::vec(1..6_u64, 0..3);
    let post = (room.clone(), id.clone(), user.clone(), named.clone(), called());
    let post = (post, prop::option::of(0..4_u8), prop::option::of(id.clone())).prop_map(
        |((room, id, by, named, all), client, root)| Step::Post {
            room,
            id,
            by,
            named,
            all,
            client,
            root,
        },
    );
    let edit = (room.clone(), id.clone(), named, called())
        .prop_map(|(room, id, named, all)| Step::Edit { room, id, named, all });
    prop_oneof![
        2 => user.clone().prop_map(Step::Register),
        1 => (user.clone(), any::<bool>()).prop_map(|(u, s)| Step::Profile(u, s)),
        2 => (room.clone(), any::<bool>(), any::<bool>()).prop_map(|(r, e, d)| Step::Room(r, e, d)),
        1 => room.clone().prop_map(Step::Archive),
        4 => (room.clone(), user.clone(), any::<bool>(), any::<bool>())
            .prop_map(|(r, u, p, b)| Step::Member(r, u, p, b)),
        8 => post,
        3 => edit,
        2 => (room.clone(), id.clone(), prop::option::of(id.clone()))
            .prop_map(|(r, m, root)| Step::Delete(r, m, root)),
        5 => (room.clone(), id.clone(), user.clone(), 0..3_u32, prop::bool::weighted(0.7))
            .prop_map(|(r, m, u, e, add)| Step::React(r, m, u, e, add)),
        2 => (room.clone(), id.clone(), prop::bool::weighted(0.7))
            .prop_map(|(r, m, add)| Step::Pin(r, m, add)),
        3 => (room.clone(), prop::collection::vec(id.clone(), 1..6), any::<bool>())
            .prop_map(|(r, m, gone)| Step::Retire(r, m, gone)),
        3 => (room.clone(), user.clone(), id.clone(), any::<bool>())
            .prop_map(|(r, u, m, p)| Step::Read(r, u, m, p)),
        1 => (user.clone(), prop::collection::vec(1..6_u64, 0..3))
            .prop_map(|(u, b)| Step::Block(u, b)),
        2 => (id.clone(), user.clone()).prop_map(|(n, u)| Step::Notify(n, u)),
        1 => (user.clone(), id.clone()).prop_map(|(u, n)| Step::TakeBack(u, n)),
        1 => (user.clone(), id.clone()).prop_map(|(u, n)| Step::ReadOne(u, n)),
        1 => user.clone().prop_map(Step::ReadAll),
        1 => user.clone().prop_map(Step::Session),
        3 => (1..4_u64, user.clone(), any::<bool>(), any::<bool>())
            .prop_map(|(r, u, p, h)| Step::Prefs(r, u, p, h)),
        2 => (room.clone(), user.clone(), id.clone(), any::<bool>())
            .prop_map(|(r, u, m, on)| Step::Follow(r, u, m, on)),
        2 => (room.clone(), user.clone(), id.clone(), id.clone())
            .prop_map(|(room, by, root, id)| Step::ReadThread { room, by, root, id }),
        1 => (room, user, id, any::<bool>())
            .prop_map(|(room, by, id, handled)| Step::Report { room, by, id, handled }),
    ]
}

fn play(steps: &[Step]) -> History {
    let mut history = History::default();
    for step in steps {
        play_one(step.clone(), &mut history);
    }
    history
}

fn set(history: &mut History, in_room: u64, who: u64, pinned: bool, hidden: bool) -> Sequence {
    let notify = if pinned { Notify::None } else { Notify::All };
    let (room_id, user_id) = (room(in_room), user(who));
    history.add(PrefsChanged { prefs: PrefsState { room_id, user_id, notify, pinned, hidden } })
}

fn play_one(step: Step, history: &mut History) {
    match step {
        Step::Register(who) => history.register(who, &format!("user{who}")),
        Step::Profile(who, suspended) => {
            let user = UserState { suspended, ..user_state(who, &format!("named{who}")) };
            history.add(UserProfileChanged { user })
        }
        Step::Room(number, everyone, direct) => {
            let mut state = RoomState { everyone, ..room_state(number, &format!("Room {number}")) };
            if direct {
                state.kind = RoomKind::Direct;
                state.direct_members = vec![user(1), user(2)];
            }
            history.add(RoomCreated { room: state })
        }
        Step::Archive(number) => {
            let room = RoomState { archived: true, ..room_state(number, "Archived") };
            history.add(RoomArchived { room, reason: None })
        }
        Step::Member(room, who, present, banned) => {
            let member = MemberState { banned, ..member_state(room, who, present) };
            history.add(MemberChanged { member })
        }
        Step::Post { room, id, by, named, all, client: named_by, root } => {
            history.post_with(MessageState {
                client_id: named_by.map(|n| client(&format!("c{n}"))),
                mentions: named.into_iter().map(user).collect(),
                mentions_room: all,
                thread_root_id: root.map(message),
                ..message_state(room, id, by, "said")
            })
        }
        Step::Edit { room, id, named, all } => {
            let mentions = named.into_iter().map(user).collect();
            let edited = message_state(room, id, 1, "edited");
            history.edit(MessageState { mentions, mentions_room: all, ..edited })
        }
        Step::Delete(room, id, root) => history.delete(room, id, root),
        Step::React(room, id, who, with, true) => history.react(room, id, who, with),
        Step::React(room, id, who, with, false) => history.unreact(room, id, who, with),
        Step::Pin(room, id, there) => history.pin(room, id, there),
        Step::Retire(room, ids, false) => history.retire(room, &ids),
        Step::Retire(room, ids, true) => history.purge(room, &ids),
        Step::Read(room, who, id, private) => history.read_with(room, who, id, private),
        Step::Block(who, blocked) => history.block(who, &blocked),
        Step::Notify(id, who) if id % 2 == 0 => history.notify_about(id, who, id),
        Step::Notify(id, who) => history.notify(id, who),
        Step::TakeBack(who, id) => history.remove_notification(who, id),
        Step::ReadOne(who, id) => history.read_notification(who, Some(id)),
        Step::ReadAll(who) => history.read_notification(who, None),
        Step::Prefs(in_room, who, pinned, hidden) => set(history, in_room, who, pinned, hidden),
        Step::Follow(room, who, root, on) => history.follow(room, who, root, on),
        Step::ReadThread { room, by, root, id } => history.read_thread(room, by, root, id),
        Step::Report { room, by, id, handled } => history.report(room, by, id, handled),
        Step::Session(who) => history.release(who),
    };
}

/// Projects into a fresh generation in batches of given sizes. After every second batch the projector
/// crashes, and a stale one tries to apply the same batch once more.
async fn project(place: &Place, history: &History, sizes: &[usize]) -> Contents {
    let store = place.model.create_generation().await.unwrap();
    let mut engine = projector::Engine::open(store.clone(), epoch()).await.unwrap();
    let (mut from, mut turn) = (0, 0);
    while from < history.events.len() {
        let size = sizes[turn % sizes.len()].min(history.events.len() - from);
        let batch = &history.events[from..from + size];
        let last = batch[size - 1].sequence;
        if turn % 2 == 1 {
            let mut stale = projector::Engine::open(store.clone(), epoch()).await.unwrap();
            engine = projector::Engine::open(store.clone(), epoch()).await.unwrap();
            engine.apply(batch, last).await.unwrap();
            let refused = stale.apply(batch, last).await;
            assert!(matches!(refused, Err(projector::ProjectError::Fenced)), "{refused:?}");
        } else {
            engine.apply(batch, last).await.unwrap();
        }
        from += size;
        turn += 1;
    }
    let all = contents(&store).await;
    place.model.delete(store.generation()).await.unwrap();
    all
}

/// What documents promise about one another.
fn consistent(all: &Contents) -> Result<(), TestCaseError> {
    let mut numbers: BTreeMap<RoomId, Vec<u64>> = BTreeMap::new();
    let mut mains: BTreeMap<RoomId, Vec<u64>> = BTreeMap::new();
    let mut members: BTreeMap<RoomId, u64> = BTreeMap::new();
    let mut answers: BTreeMap<MessageId, Vec<(u64, bool)>> = BTreeMap::new();
    for doc in all.values() {
        match doc {
            Document::Message(doc) => {
                numbers.entry(doc.room_id).or_default().push(doc.number);
                if let (Some(root), Some(number)) = (&doc.thread_root_id, doc.thread_number) {
                    let standing = doc.deleted_at.is_none();
                    answers.entry(*root).or_default().push((number, standing));
                }
                if doc.is_main() {
                    mains.entry(doc.room_id).or_default().push(doc.main_number);
                }
            }
            Document::Membership(doc) => {
                *members.entry(doc.room_id).or_default() += u64::from(doc.present);
                prop_assert!(doc.marker_main <= doc.marker_number);
                prop_assert!(doc.receipt_number <= doc.marker_number);
                prop_assert!(doc.receipt_updated <= doc.marker_updated);
            }
            _ => {}
        }
    }
    for doc in all.values() {
        let Document::Thread(thread) = doc else { continue };
        let mut found = answers.remove(&thread.root_id).unwrap_or_default();
        found.sort_unstable();
        let numbers: Vec<u64> = found.iter().map(|(number, _)| *number).collect();
        prop_assert_eq!(numbers, (1..=thread.total).collect::<Vec<_>>());
        let standing = found.iter().filter(|(_, standing)| *standing).count();
        prop_assert_eq!(thread.reply_count, u64::try_from(standing).unwrap());
        let key = (Collection::Messages, thread.root_id.to_string());
        let Some(Document::Message(root)) = all.get(&key) else { continue };
        prop_assert_eq!(root.reply_count, thread.reply_count);
        prop_assert_eq!(root.last_reply_at, thread.last_reply_at());
    }
    prop_assert!(answers.is_empty(), "{:?}", answers);
    for doc in all.values() {
        let Document::Room(room) = doc else { continue };
        let mut found = numbers.remove(&room.state.id).unwrap_or_default();
        found.sort_unstable();
        prop_assert_eq!(found, (1..=room.last_number).collect::<Vec<_>>());
        let present = members.remove(&room.state.id).unwrap_or(0);
        prop_assert_eq!(room.member_count, present);
        let mut main = mains.remove(&room.state.id).unwrap_or_default();
        main.sort_unstable();
        prop_assert_eq!(main, (1..=room.main_number).collect::<Vec<_>>());
    }
    Ok(())
}

/// What stands beside messages is what the documents of it say.
fn besides_agree(all: &Contents) -> Result<(), TestCaseError> {
    let mut reactions: BTreeMap<(MessageId, Emoji), u64> = BTreeMap::new();
    let mut pins: BTreeMap<MessageId, u64> = BTreeMap::new();
    for doc in all.values() {
        match doc {
            Document::Reaction(doc) => {
                *reactions.entry((doc.message_id, doc.emoji.clone())).or_default() += 1;
            }
            Document::Pins(doc) => {
                pins.extend(doc.pins.iter().map(|pin| (pin.message_id, pin.at)));
            }
            _ => {}
        }
    }
    for doc in all.values() {
        match doc {
            Document::Message(doc) => {
                for kind in &doc.reactions {
                    let key = (doc.id, kind.emoji.clone());
                    prop_assert_eq!(reactions.remove(&key), Some(kind.count));
                    prop_assert!(kind.first.len() as u64 <= kind.count);
                }
                prop_assert_eq!(pins.remove(&doc.id).unwrap_or(0), doc.pinned);
            }
            Document::History(history) => {
                let key = (Collection::Messages, history.message_id.to_string());
                let Some(Document::Message(doc)) = all.get(&key) else { panic!("no message") };
                prop_assert!(doc.deleted_at.is_none() && !history.texts.is_empty());
            }
            _ => {}
        }
    }
    prop_assert!(reactions.is_empty() && pins.is_empty(), "{:?} {:?}", reactions, pins);
    Ok(())
}

fn histories() -> impl Strategy<Value = (Vec<Step>, Vec<usize>)> {
    let sizes = prop::collection::vec(1..12_usize, 1..5);
    (prop::collection::vec(step(), 1..90), sizes)
}

#[test]
fn batches_and_crashes_do_not_matter() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let place = runtime.block_on(Place::sqlite());
    let config = Config { cases: 48, ..Config::default() };
    let outcome = TestRunner::new(config).run(&histories(), |(steps, sizes)| {
        let history = play(&steps);
        let whole = runtime.block_on(project(&place, &history, &[usize::MAX]));
        let pieces = runtime.block_on(project(&place, &history, &sizes));
        consistent(&whole)?;
        besides_agree(&whole)?;
        prop_assert_eq!(whole, pieces);
        Ok(())
    });
    outcome.unwrap();
}

#[test]
fn both_backends_hold_the_same() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let Some(server) = runtime.block_on(mongo()) else { return };
    let (embedded, database) =
        runtime.block_on(async { (Place::sqlite().await, Place::mongo(&server.url()).await) });
    let config = Config { cases: 8, max_shrink_iters: 20, ..Config::default() };
    let outcome = TestRunner::new(config).run(&histories(), |(steps, sizes)| {
        let history = play(&steps);
        let one = runtime.block_on(project(&embedded, &history, &[7]));
        let other = runtime.block_on(project(&database, &history, &sizes));
        prop_assert_eq!(one, other);
        Ok(())
    });
    outcome.unwrap();
    // Server after its clients.
    runtime.block_on(async { drop((embedded, database)) });
    drop(server);
}

#[test]
fn wants_are_hashed_by_what_they_name() {
    let a = Want::ClientId(room(1), user(1), client("c"));
    assert_eq!(a, Want::ClientId(room(1), user(1), client("c")));
    assert_ne!(a, Want::ClientId(room(1), user(2), client("c")));
}
