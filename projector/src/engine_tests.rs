//! A group stops before what it cannot apply, the others go on, and a build that can apply it catches up.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use readmodel::{Checkpoints, Group, ProjectionStore};
use schemas::events::{MessageEvent, NotificationCreated, NotificationEvent, UserEvent};
use schemas::values::NotificationKind;
use schemas::{DecodeError, EventData};

use crate::source::Unreadable;
use crate::views::Logged;
use crate::{Engine, Poison};

#[expect(dead_code, reason = "the other tests use the rest")]
#[path = "../tests/it/kit.rs"]
mod kit;
#[path = "../tests/it/server.rs"]
mod server;

use kit::*;

/// Texts on which a view panics, until they are taken out: then the build is fixed.
static TRIPS: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

/// Panics in the place of a view.
pub(crate) fn trip(logged: &Logged, group: Group) {
    let text = match (&logged.event.data, group) {
        (EventData::Notification(NotificationEvent::Created(data)), Group::Inbox) => {
            data.title.clone().unwrap_or_default()
        }
        (EventData::Message(MessageEvent::Posted(data)), Group::Conversations) => {
            data.message.body.to_string()
        }
        (EventData::User(UserEvent::Registered(data)), Group::People) => {
            data.user.username.to_string()
        }
        _ => return,
    };
    let trips = TRIPS.lock().unwrap().contains(&text);
    assert!(!trips, "a view panics on purpose");
}

fn arm(text: &str) {
    TRIPS.lock().unwrap().insert(text.to_owned());
}

fn fix(text: &str) {
    TRIPS.lock().unwrap().remove(text);
}

fn entry(id: u64, title: &str) -> NotificationCreated {
    NotificationCreated {
        notification_id: notification(id),
        user_id: user(1),
        kind: NotificationKind::System,
        title: Some(title.to_owned()),
        body: Some("Text".to_owned()),
        room_id: None,
        message_id: None,
        created_at: when(id),
        actor_id: None,
        thread_root_id: None,
        posted: 0,
        caused: 0,
        login: false,
    }
}

/// Users who talk and get entries about it.
fn life() -> History {
    let mut history = History::default();
    history.register(1, "ada");
    history.register(2, "bob");
    history.create_room(1, "Talk");
    history.join(1, 1);
    history.join(1, 2);
    for id in 1..=4 {
        history.post(1, id, 1);
        history.notify(id, 1);
    }
    history
}

fn more_life(history: &mut History) {
    history.register(3, "cyd");
    history.join(1, 3);
    for id in 11..=14 {
        history.post(1, id, 3);
        history.notify(id, 1);
    }
    history.read_notification(1, Some(notification_number(2)));
}

const fn notification_number(number: u64) -> u64 {
    number
}

async fn cold(place: &Place, history: &History) -> Contents {
    let store = place.model.create_generation().await.unwrap();
    let mut engine = Engine::open(Arc::clone(&store), epoch()).await.unwrap();
    engine.apply(&history.events, last(history)).await.unwrap();
    assert!(engine.stops().is_empty());
    let all = contents(&store).await;
    place.model.delete(store.generation()).await.unwrap();
    all
}

type Contents = std::collections::BTreeMap<(readmodel::Collection, String), readmodel::Document>;

fn last(history: &History) -> u64 {
    history.events.last().map_or(0, |last| last.sequence)
}

fn of_group(all: &Contents, group: Group) -> Contents {
    let of = all.iter().filter(|((collection, _), _)| collection.group() == group);
    of.map(|(key, doc)| (key.clone(), doc.clone())).collect()
}

async fn marks(store: &Arc<dyn ProjectionStore>) -> Checkpoints {
    store.checkpoint().await.unwrap().groups
}

/// What each group does when one panics: `text` is what it panics on, at `poisoned`.
async fn one_panics(place: &Place, mut history: History, text: &str, group: Group) {
    let poisoned = last(&history);
    more_life(&mut history);
    arm(text);
    let store = place.model.writer();
    let mut engine = place.engine().await;
    // In two batches, the first of which ends in the middle of things.
    let middle = usize::try_from(poisoned).unwrap() - 2;
    let (early, late) = history.events.split_at(middle);
    engine.apply(early, middle as u64).await.unwrap();
    engine.apply(late, last(&history)).await.unwrap();
    let stops: Vec<_> = engine.stops().iter().map(|s| (s.group, s.poison.sequence())).collect();
    assert_eq!(stops, [(group, poisoned)]);
    assert!(matches!(engine.stops()[0].poison, Poison::View { .. }));
    let mut expected = Checkpoints::all(last(&history));
    expected.set(group, poisoned - 1);
    assert_eq!((engine.checkpoints(), marks(&store).await), (expected, expected));

    // A crash, and the same build again: nothing is applied twice, the group stays where it is.
    drop(engine);
    let mut engine = place.engine().await;
    let rest = &history.events[usize::try_from(poisoned).unwrap() - 1..];
    engine.apply(rest, last(&history)).await.unwrap();
    assert_eq!(marks(&store).await, expected);

    // A fixed build catches up: everything is as if nothing had been.
    fix(text);
    let whole = cold(place, &history).await;
    let stopped = contents(&store).await;
    for other in Group::ALL.into_iter().filter(|other| *other != group) {
        assert_eq!(of_group(&stopped, other), of_group(&whole, other), "{other:?} went on");
    }
    assert_ne!(of_group(&stopped, group), of_group(&whole, group));
    let mut engine = place.engine().await;
    engine.apply(rest, last(&history)).await.unwrap();
    assert!(engine.stops().is_empty());
    assert_eq!(marks(&store).await, Checkpoints::all(last(&history)));
    assert_eq!(contents(&store).await, whole);
}

async fn a_panic_in_the_inbox(place: &Place) {
    let text = format!("inbox of {}", place.namespace);
    let mut history = life();
    history.add(entry(9, &text));
    one_panics(place, history, &text, Group::Inbox).await;
}

async fn a_panic_in_conversations(place: &Place) {
    let text = format!("said in {}", place.namespace);
    let mut history = life();
    history.post_with(message_state(1, 9, 2, &text));
    one_panics(place, history, &text, Group::Conversations).await;
}

async fn a_panic_in_people(place: &Place) {
    let text = format!("zoe{}", place.namespace);
    let mut history = life();
    history.register(9, &text);
    one_panics(place, history, &text, Group::People).await;
}

/// Written by a newer build, on a lane that two groups read.
async fn an_event_of_a_newer_build(place: &Place) {
    let mut history = life();
    let unknown = last(&history) + 1;
    let source = Arc::new(DecodeError::UnknownType("user.renamed.v2".to_owned()));
    let groups = crate::views::groups_of_lane(Some(&schemas::Lane::User(user(1))));
    let unreadable = [Unreadable { sequence: unknown, groups, traces: None, source: Some(source) }];
    // A fixed build reads it: what it says changes nothing here.
    history.add(schemas::events::NameReleased { owner: "an_account".to_owned(), held_until: None });
    history.notify(20, 2);
    let mut engine = place.engine().await;
    let readable: Vec<Logged> =
        history.events.iter().filter(|event| event.sequence != unknown).cloned().collect();
    engine.stage(&readable, &unreadable, last(&history)).await.unwrap();
    engine.settle().await.unwrap();
    let store = place.model.writer();
    let expected =
        Checkpoints { conversations: unknown - 1, people: unknown - 1, inbox: last(&history) };
    assert_eq!(marks(&store).await, expected);
    let mut engine = place.engine().await;
    engine.apply(&history.events, last(&history)).await.unwrap();
    assert_eq!(marks(&store).await, Checkpoints::all(last(&history)));
    assert_eq!(contents(&store).await, cold(place, &history).await);
}

/// A room of everyone must not read the users while their group is behind, nor count users who came later.
async fn a_room_of_everybody_waits_for_people(place: &Place) {
    let text = format!("eve{}", place.namespace);
    let mut history = life();
    let poisoned = history.register(9, &text);
    history.post(1, 30, 1);
    let mut everyone = room_state(5, "All");
    everyone.everyone = true;
    let made = history.add(schemas::events::RoomCreated { room: everyone });
    history.register(10, "late");
    let (before, after) = history.events.split_at(usize::try_from(poisoned).unwrap() + 1);
    arm(&text);
    let mut engine = place.engine().await;
    engine.apply(before, poisoned + 1).await.unwrap();
    engine.apply(after, last(&history)).await.unwrap();
    let stops: Vec<_> = engine.stops().iter().map(|s| (s.group, s.poison.sequence())).collect();
    assert_eq!(stops, [(Group::People, poisoned), (Group::Conversations, made)]);
    fix(&text);
    let mut engine = place.engine().await;
    let rest = &history.events[usize::try_from(poisoned).unwrap() - 1..];
    engine.apply(rest, last(&history)).await.unwrap();
    assert!(engine.stops().is_empty(), "{:?}", engine.stops());
    let store = place.model.writer();
    assert_eq!(contents(&store).await, cold(place, &history).await);
}

macro_rules! cases {
    ($($case:ident),* $(,)?) => {
        mod sqlite {
            $(#[tokio::test]
            async fn $case() {
                super::$case(&super::Place::sqlite().await).await;
            })*
        }

        #[tokio::test]
        async fn mongodb() {
            let Some(server) = server::mongo().await else { return };
            $($case(&Place::mongo(&server.url()).await).await;)*
        }
    };
}

cases!(
    a_panic_in_the_inbox,
    a_panic_in_conversations,
    a_panic_in_people,
    an_event_of_a_newer_build,
    a_room_of_everybody_waits_for_people,
);
