//! The contract of a read model: the same events give the same documents and the same answers, in SQLite
//! and in MongoDB.

use readmodel::*;
use schemas::events::*;
use schemas::ids::{RoomId, UserId};
use schemas::values::*;

use crate::kit::*;
use crate::server::Mongo;

macro_rules! cases {
    ($($case:ident),* $(,)?) => {
        mod sqlite {
            $(#[tokio::test]
            async fn $case() {
                super::$case(&crate::kit::Place::sqlite().await).await;
            })*
        }

        /// One server for all cases, ended with them.
        #[tokio::test]
        async fn mongodb() {
            let Some(server) = Mongo::start().await else { return };
            $({
                let place = Place::mongo(server.url()).await;
                eprintln!("mongodb: {}", stringify!($case));
                $case(&place).await;
            })*
        }
    };
}

cases!(
    a_history_becomes_documents,
    unread_and_mentions_follow_the_marker,
    edits_and_deletions,
    threads_count_answers,
    everyone_belongs_to_the_room_of_everyone,
    direct_rooms_have_their_members_at_once,
    repeats_change_nothing,
    inboxes,
    people_are_found,
    rooms_are_found_and_listed,
    timelines_have_pages,
    resume_finds_what_changed,
    a_commit_is_fenced,
    a_crash_before_the_commit_loses_nothing,
    generations_are_switched,
    another_namespace_is_another_read_model,
);

fn ids(members: &[MembershipDoc]) -> Vec<UserId> {
    members.iter().map(|member| member.user_id.clone()).collect()
}

fn numbers(messages: &[MessageDoc]) -> Vec<u64> {
    messages.iter().map(|message| message.number).collect()
}

/// A room 1 with users 1, 2, 3 and messages 1 to `posts` by user 1.
fn conversation(posts: u64) -> History {
    let mut history = History::default();
    for (number, name) in [(1, "ada"), (2, "bob"), (3, "eve")] {
        history.register(number, name);
    }
    history.create_room(1, "Analysis");
    for who in 1..=3 {
        history.join(1, who);
    }
    for id in 1..=posts {
        history.post(1, id, 1);
    }
    history
}

async fn a_history_becomes_documents(place: &Place) {
    let history = conversation(3);
    place.project(&history).await;
    let store = place.model.current();
    let checkpoint = store.checkpoint().await.unwrap();
    assert_eq!(checkpoint.position(), Some(epoch().at(10)));
    let ada = store.user(&user(1)).await.unwrap().unwrap();
    assert_eq!((ada.state, ada.registered), (user_state(1, "ada"), 1));
    let found = store.room(&room(1)).await.unwrap().unwrap();
    assert_eq!((found.member_count, found.message_count(), found.last_activity), (3, 3, 10));
    assert_eq!(found.last_message_id, Some(message(3)));
    let second = store.message(&message(2)).await.unwrap().unwrap();
    assert_eq!((second.number, second.posted, second.body.as_str()), (2, 9, "message 2"));
    assert_eq!(store.message(&message(9)).await.unwrap(), None);
    let everything = contents(&place.model.writer()).await;
    assert_eq!(everything.len(), 3 + 1 + 3 + 3 + 1);
}

async fn unread_and_mentions_follow_the_marker(place: &Place) {
    let mut history = conversation(2);
    let mut naming = message_state(1, 3, 1, "@bob @ada @room");
    naming.mentions = vec![user(2), user(1), user(2)];
    naming.mentions_room = true;
    history.post_with(naming);
    history.post(1, 4, 3);
    place.project(&history).await;
    let store = place.model.current();
    let counts = async |who| {
        let found = store.room(&room(1)).await.unwrap().unwrap();
        let member = store.membership(&room(1), &user(who)).await.unwrap().unwrap();
        (member.unread_count(&found), member.mention_count(&found))
    };
    // Ada wrote last as number 3, Bob never, Eve as number 4.
    assert_eq!((counts(1).await, counts(2).await, counts(3).await), ((1, 0), (4, 1), (0, 0)));
    let mut engine = place.engine().await;
    let mut more = history.clone();
    let moved = more.read(1, 2, 3);
    more.read(1, 2, 1);
    engine.apply(&more.events[11..], more.events.len() as u64).await.unwrap();
    assert_eq!(counts(2).await, (1, 0));
    let bob = store.membership(&room(1), &user(2)).await.unwrap().unwrap();
    assert_eq!((bob.marker_message_id, bob.marker_updated), (Some(message(3)), moved));
    let readers = store.readers(&room(1), 3, None, 50).await.unwrap();
    assert_eq!(ids(&readers.items), [user(1), user(2), user(3)]);
    assert_eq!(ids(&store.readers(&room(1), 4, None, 50).await.unwrap().items), [user(3)]);
}

async fn edits_and_deletions(place: &Place) {
    let mut history = conversation(1);
    let mut edited = message_state(1, 1, 1, "@bob better");
    edited.mentions = vec![user(2)];
    let at = history.edit(edited.clone());
    place.project(&history).await;
    let store = place.model.current();
    let found = store.message(&message(1)).await.unwrap().unwrap();
    assert_eq!(
        (found.body.as_str(), found.edited_at, found.changed),
        ("@bob better", Some(when(500)), at)
    );
    let bob = store.membership(&room(1), &user(2)).await.unwrap().unwrap();
    assert_eq!(bob.mention_numbers, [1]);
    let mut engine = place.engine().await;
    let first = history.events.len();
    let gone = history.delete(1, 1, None);
    history.edit(edited);
    history.delete(1, 1, None);
    history.edit(message_state(1, 77, 1, "never posted"));
    engine.apply(&history.events[first..], history.events.len() as u64).await.unwrap();
    let found = store.message(&message(1)).await.unwrap().unwrap();
    assert_eq!((found.body.as_str(), found.number, found.changed), ("", 1, gone));
    assert_eq!((found.deleted_at, found.mentions.len()), (Some(when(600)), 0));
    let bob = store.membership(&room(1), &user(2)).await.unwrap().unwrap();
    assert_eq!((bob.mention_numbers.len(), bob.marker_number), (0, 0));
}

async fn threads_count_answers(place: &Place) {
    let mut history = conversation(1);
    for id in 2..=5 {
        let mut answer = message_state(1, id, 2, "an answer");
        answer.thread_root_id = Some(message(1));
        history.post_with(answer);
    }
    history.delete(1, 3, Some(1));
    place.project(&history).await;
    let store = place.model.current();
    assert_eq!(store.message(&message(1)).await.unwrap().unwrap().reply_count, 3);
    let root = message(1);
    let page = store.thread(&root, Anchor::After(2), 2).await.unwrap();
    assert_eq!(numbers(&page), [3, 4]);
    assert_eq!(numbers(&store.thread(&root, Anchor::Latest, 3).await.unwrap()), [3, 4, 5]);
    assert_eq!(numbers(&store.thread(&root, Anchor::Before(3), 9).await.unwrap()), [2]);
}

async fn everyone_belongs_to_the_room_of_everyone(place: &Place) {
    let mut history = History::default();
    history.register(1, "ada");
    let mut general = room_state(1, "general");
    general.everyone = true;
    history.add(RoomCreated { room: general });
    history.register(2, "bob");
    place.project(&history).await;
    let mut engine = place.engine().await;
    history.post(1, 1, 1);
    history.register(3, "eve");
    let mut banned = member_state(1, 2, false);
    banned.banned = true;
    history.add(MemberChanged { member: banned });
    engine.apply(&history.events[3..], 6).await.unwrap();
    let store = place.model.current();
    let members = store.members(&room(1), None, 10).await.unwrap();
    assert_eq!((ids(&members.items), members.more), (vec![user(1), user(3)], false));
    let found = store.room(&room(1)).await.unwrap().unwrap();
    assert_eq!(found.member_count, 2);
    let eve = store.membership(&room(1), &user(3)).await.unwrap().unwrap();
    assert_eq!((eve.unread_count(&found), eve.marker_number), (0, 1));
    let bob = store.membership(&room(1), &user(2)).await.unwrap().unwrap();
    assert_eq!((bob.present, bob.banned), (false, true));
    assert_eq!(store.memberships_of(&user(2)).await.unwrap(), []);
}

async fn direct_rooms_have_their_members_at_once(place: &Place) {
    let mut history = History::default();
    let mut direct = room_state(1, "x");
    direct.kind = RoomKind::Direct;
    direct.name = None;
    direct.visibility = Visibility::Private;
    direct.direct_members = vec![user(1), user(2)];
    // A membership may stand before its room in an atomic batch.
    history.add(MemberAdded { member: member_state(1, 2, true) });
    history.add(RoomCreated { room: direct });
    history.add(MemberAdded { member: member_state(1, 1, true) });
    history.post(1, 1, 1);
    place.project(&history).await;
    let store = place.model.current();
    assert_eq!(store.room(&room(1)).await.unwrap().unwrap().member_count, 2);
    let rooms = store.user_rooms(&user(2), None, 10).await.unwrap().items;
    assert_eq!(rooms.iter().map(|(r, m)| m.unread_count(r)).collect::<Vec<_>>(), [1]);
}

async fn repeats_change_nothing(place: &Place) {
    let mut history = conversation(0);
    let mut named = message_state(1, 1, 1, "once");
    named.client_id = Some(client("c-1"));
    history.post_with(named.clone());
    history.post_with(MessageState { id: message(2), ..named.clone() });
    place.project(&history).await;
    let mut engine = place.engine().await;
    let before = contents(&place.model.writer()).await;
    let first = history.events.len();
    history.post_with(MessageState { id: message(3), ..named.clone() });
    history.post_with(MessageState { client_id: None, ..named.clone() });
    engine.apply(&history.events[first..], history.events.len() as u64).await.unwrap();
    assert_eq!(contents(&place.model.writer()).await, before);
    let store = place.model.current();
    let found = store.message_by_client_id(&room(1), &user(1), &client("c-1")).await.unwrap();
    assert_eq!(found.unwrap().id, message(1));
    let other = store.message_by_client_id(&room(1), &user(2), &client("c-1")).await.unwrap();
    assert_eq!(other, None);
    // Another sender may use the same name.
    let next = history.events.len();
    history.post_with(MessageState { id: message(4), sender_id: user(2), ..named });
    engine.apply(&history.events[next..], history.events.len() as u64).await.unwrap();
    assert_eq!(store.room(&room(1)).await.unwrap().unwrap().last_number, 2);
}

async fn inboxes(place: &Place) {
    let mut history = History::default();
    for id in 1..=5 {
        history.notify(id, 1);
    }
    history.notify(5, 1);
    history.notify(6, 2);
    history.read_notification(1, Some(2));
    history.read_notification(2, Some(1));
    place.project(&history).await;
    let store = place.model.current();
    let unread = async |only| {
        let page = store.notifications(&user(1), only, None, 50).await.unwrap();
        page.items.iter().map(|entry| (entry.created, entry.read)).collect::<Vec<_>>()
    };
    let all = [(5, false), (4, false), (3, false), (2, true), (1, false)];
    assert_eq!(unread(false).await, all);
    assert_eq!(unread(true).await.len(), 4);
    assert_eq!(store.inbox(&user(1)).await.unwrap().unread_count, 4);
    let page = store.notifications(&user(1), true, Some(4), 1).await.unwrap();
    assert_eq!((page.items[0].created, page.more), (3, true));
    let changed = store.notification_changes(&user(1), 5, 10).await.unwrap();
    assert_eq!((changed.items.len(), changed.complete), (1, true));
    assert_eq!(store.notification(&user(2), &notification(1)).await.unwrap(), None);
    let mut engine = place.engine().await;
    let first = history.events.len();
    let all_read = history.read_notification(1, None);
    history.read_notification(1, Some(1));
    history.notify(7, 1);
    engine.apply(&history.events[first..], history.events.len() as u64).await.unwrap();
    assert_eq!(unread(true).await, [(12, false)]);
    let inbox = store.inbox(&user(1)).await.unwrap();
    assert_eq!((inbox.unread_count, inbox.read_all), (1, all_read));
    assert!(store.notification(&user(1), &notification(1)).await.unwrap().unwrap().read);
    assert_eq!(store.inbox(&user(9)).await.unwrap(), InboxDoc::empty(user(9)));
}

async fn people_are_found(place: &Place) {
    let mut history = History::default();
    for (number, name) in [(1, "ada"), (2, "adam"), (3, "eve"), (4, "zad")] {
        history.register(number, name);
    }
    let mut renamed = user_state(4, "abel");
    renamed.display_name = DisplayName::parse("Adele [.*").unwrap();
    let at = history.add(UserProfileChanged { user: renamed });
    place.project(&history).await;
    let store = place.model.current();
    let names = |page: &Slice<UserDoc>| {
        page.items.iter().map(|user| user.state.username.to_string()).collect::<Vec<_>>()
    };
    let by_name = async |name: &str| {
        let name = Username::parse(name).unwrap();
        store.user_by_username(&name).await.unwrap().map(|found| found.state.id)
    };
    assert_eq!((by_name("ABEL").await, by_name("zad").await), (Some(user(4)), None));
    let page = store.search_users("AD", None, 2).await.unwrap();
    assert_eq!((names(&page), page.more), (vec!["abel".into(), "ada".into()], true));
    let page = store.search_users("ad", Some("ada"), 2).await.unwrap();
    assert_eq!((names(&page), page.more), (vec!["adam".into()], false));
    assert_eq!(names(&store.search_users("adele [.", None, 2).await.unwrap()), ["abel"]);
    assert_eq!(names(&store.search_users(".*", None, 2).await.unwrap()), [""; 0]);
    let page = store.list_users(Some(&user(2)), 1).await.unwrap();
    assert_eq!((names(&page), page.more), (vec!["eve".into()], true));
    let changed = store.user_changes(4, 10).await.unwrap();
    assert_eq!((changed.items.len(), changed.items[0].updated), (1, at));
    assert_eq!(store.users(&[user(1), user(9), user(3)]).await.unwrap().len(), 2);
}

async fn rooms_are_found_and_listed(place: &Place) {
    let mut history = History::default();
    history.register(1, "ada");
    for (number, name) in [(1, "Beta"), (2, "alpha"), (3, "Alpine"), (4, "hidden"), (5, "Gone")] {
        let mut state = room_state(number, name);
        if number == 4 {
            state.visibility = Visibility::Private;
        }
        history.add(RoomCreated { room: state });
        history.join(number, 1);
    }
    let archived = RoomState { archived: true, ..room_state(5, "Gone") };
    history.add(RoomArchived { room: archived });
    history.post(2, 1, 1);
    history.leave(3, 1);
    place.project(&history).await;
    let store = place.model.current();
    let found = async |filter, after: Option<&NameAnchor>, limit| {
        let page = store.public_rooms(&filter, after, limit).await.unwrap();
        (page.items.into_iter().map(|r| r.state.id).collect::<Vec<_>>(), page.more)
    };
    let all = found(RoomFilter::Any, None, 10).await;
    assert_eq!(all, (vec![room(2), room(3), room(1)], false));
    let anchor = NameAnchor { name: "alpha".into(), room_id: room(2) };
    assert_eq!(found(RoomFilter::Any, Some(&anchor), 1).await, (vec![room(3)], true));
    assert_eq!(found(RoomFilter::Name("BETA".into()), None, 9).await.0, [room(1)]);
    assert_eq!(found(RoomFilter::Name("bet".into()), None, 9).await.0, []);
    assert_eq!(found(RoomFilter::Prefix("AL".into()), None, 9).await.0, [room(2), room(3)]);
    let mine = async |after: Option<&ActivityAnchor>, limit| {
        let page = store.user_rooms(&user(1), after, limit).await.unwrap();
        (page.items.into_iter().map(|(r, _)| r.state.id).collect::<Vec<_>>(), page.more)
    };
    assert_eq!(mine(None, 10).await, (vec![room(2), room(5), room(4), room(1)], false));
    let anchor = ActivityAnchor { last_activity: 10, room_id: room(5) };
    assert_eq!(mine(Some(&anchor), 1).await, (vec![room(4)], true));
    let left = store.membership(&room(3), &user(1)).await.unwrap().unwrap();
    assert!(!left.present);
    assert_eq!(store.memberships_of(&user(1)).await.unwrap().len(), 4);
}

async fn timelines_have_pages(place: &Place) {
    place.project(&conversation(20)).await;
    let store = place.model.current();
    let page =
        async |anchor, limit| numbers(&store.timeline(&room(1), anchor, limit).await.unwrap());
    assert_eq!(page(Anchor::Latest, 3).await, [18, 19, 20]);
    assert_eq!(page(Anchor::Before(4), 2).await, [2, 3]);
    assert_eq!(page(Anchor::After(4), 2).await, [5, 6]);
    assert_eq!(page(Anchor::Around(10), 5).await, [8, 9, 10, 11, 12]);
    assert_eq!(page(Anchor::Around(1), 4).await, [1, 2]);
    assert_eq!(page(Anchor::After(u64::MAX), 4).await, [0; 0]);
    assert_eq!(store.timeline(&room(9), Anchor::Latest, 5).await.unwrap(), []);
}

async fn resume_finds_what_changed(place: &Place) {
    let mut history = conversation(5);
    let p = history.events.len() as u64;
    let edited = history.edit(message_state(1, 2, 1, "edited"));
    let posted = history.post(1, 6, 2);
    let mut answer = message_state(1, 7, 2, "an answer");
    answer.thread_root_id = Some(message(1));
    let answered = history.post_with(answer);
    let read = history.read(1, 3, 6);
    let left = history.leave(1, 2);
    let renamed = history.add(RoomChanged { room: room_state(1, "Renamed") });
    place.project(&history).await;
    let store = place.model.current();
    let rooms: [RoomId; 2] = [room(1), room(2)];
    let messages = store.message_changes(&rooms, p, 10).await.unwrap();
    let changed: Vec<u64> = messages.items.iter().map(|message| message.changed).collect();
    assert_eq!((changed, messages.complete), (vec![edited, posted, answered], true));
    assert!(!store.message_changes(&rooms, p, 2).await.unwrap().complete);
    assert!(store.message_changes(&rooms, answered, 2).await.unwrap().items.is_empty());
    let members = store.member_changes(&rooms, p, 10).await.unwrap();
    assert_eq!(ids(&members.items), [user(2)]);
    assert_eq!((members.items[0].changed, members.items[0].present), (left, false));
    let mine = store.membership_changes(&user(2), p, 10).await.unwrap();
    assert_eq!(mine.items, members.items);
    let markers = store.marker_changes(&rooms, p, 10).await.unwrap();
    assert_eq!((ids(&markers.items), markers.items[0].marker_updated), (vec![user(3)], read));
    let room_changes = store.room_changes(&rooms, p, 10).await.unwrap();
    assert_eq!((room_changes.items.len(), room_changes.items[0].changed), (1, renamed));
    assert!(store.room_changes(&rooms, renamed, 10).await.unwrap().items.is_empty());
}

async fn a_commit_is_fenced(place: &Place) {
    let history = conversation(4);
    let mut first = place.engine().await;
    let mut second = place.engine().await;
    first.apply(&history.events[..5], 5).await.unwrap();
    let refused = second.apply(&history.events[..5], 5).await;
    assert!(matches!(refused, Err(projector::ProjectError::Fenced)), "{refused:?}");
    let mut second = place.engine().await;
    second.apply(&history.events[5..], 11).await.unwrap();
    let refused = first.apply(&history.events[5..], 11).await;
    assert!(matches!(refused, Err(projector::ProjectError::Fenced)), "{refused:?}");
    let fresh = place.model.create_generation().await.unwrap();
    let mut engine = projector::Engine::open(fresh.clone(), epoch()).await.unwrap();
    engine.apply(&history.events, 11).await.unwrap();
    assert_eq!(contents(&place.model.writer()).await, contents(&fresh).await);
    let other = schemas::Epoch::parse("another").unwrap();
    let refused = projector::Engine::open(fresh.clone(), other.clone()).await;
    assert!(matches!(refused, Err(projector::ProjectError::OtherLog(_))), "{refused:?}");
    let refused = fresh.commit(11, other.at(12), vec![]).await;
    assert!(matches!(refused, Err(CommitError::Fenced)), "{refused:?}");
    assert_eq!(fresh.set_retired(true).await.unwrap().sequence, 11);
    let refused = engine.apply(&[], 12).await;
    assert!(matches!(refused, Err(projector::ProjectError::Retired)), "{refused:?}");
    fresh.set_retired(false).await.unwrap();
    let mut engine = projector::Engine::open(fresh, epoch()).await.unwrap();
    engine.apply(&[], 12).await.unwrap();
}

async fn a_crash_before_the_commit_loses_nothing(place: &Place) {
    let history = conversation(4);
    let store = place.model.writer();
    let mut engine = place.engine().await;
    engine.apply(&history.events[..6], 6).await.unwrap();
    // A batch that is cut off: everything is written but the checkpoint has another idea.
    let doc = store.load(vec![Want::Key(Key::Room(room(1)))]).await.unwrap().pop().unwrap();
    let Doc::Room(mut wrong) = doc else { panic!("not a room") };
    wrong.last_number = 99;
    let refused = store.commit(5, epoch().at(7), vec![Doc::Room(wrong)]).await;
    assert!(matches!(refused, Err(CommitError::Fenced)), "{refused:?}");
    drop(engine);
    let again = ReadModel::open(&place.url, &place.namespace).await.unwrap();
    assert_eq!(again.known_checkpoint(), 6);
    let mut engine = projector::Engine::open(again.writer(), epoch()).await.unwrap();
    engine.apply(&history.events[6..], 11).await.unwrap();
    let found = place.model.current().room(&room(1)).await.unwrap().unwrap();
    assert_eq!((found.last_number, found.member_count), (4, 3));
}

async fn generations_are_switched(place: &Place) {
    let other = ReadModel::open(&place.url, &place.namespace).await.unwrap();
    assert_eq!(other.generation(), place.model.generation());
    let old = place.model.generation();
    let next = place.model.create_generation().await.unwrap();
    let name = next.generation().to_owned();
    assert_ne!(name, old);
    assert!(!place.model.switch(&name, &name).await.unwrap());
    assert!(place.model.switch(&old, &name).await.unwrap());
    assert!(!place.model.switch(&old, &name).await.unwrap());
    assert_eq!(place.model.generation(), name);
    other.note_checkpoint(0, &name);
    let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(5);
    while other.generation() != name {
        assert!(tokio::time::Instant::now() < deadline, "the other handle does not follow");
        tokio::task::yield_now().await;
    }
    assert!(place.model.delete(&name).await.is_err());
    place.model.delete(&old).await.unwrap();
    assert_eq!(place.model.generations().await.unwrap(), [name]);
    assert!(place.model.open_generation(&old).await.unwrap().is_none());
    assert!(place.model.create_snapshot("gen-7").await.is_err());
    assert!(place.model.create_snapshot("../x").await.is_err());
    place.model.create_snapshot("past").await.unwrap();
    assert!(place.model.create_snapshot("past").await.is_err());
    let lagging = place.model.wait_for(1, std::time::Duration::from_millis(50)).await;
    assert_eq!(lagging.unwrap_err().at, 0);
}

async fn another_namespace_is_another_read_model(place: &Place) {
    place.project(&conversation(1)).await;
    let other = schemas::Namespace::parse("another").unwrap();
    match (&place.url, ReadModel::open(&place.url, &other).await) {
        (ReadModelUrl::Sqlite(_), opened) => assert!(opened.is_err()),
        (ReadModelUrl::Mongo(_), opened) => assert_eq!(opened.unwrap().known_checkpoint(), 0),
    }
}
