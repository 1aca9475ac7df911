//! What a read model answers: lists, pages, and what changed since.

use readmodel::*;
use schemas::events::*;
use schemas::ids::RoomId;
use schemas::values::*;

use crate::contract::{conversation, ids, numbers};
use crate::kit::*;

pub(crate) async fn inboxes(place: &Place) {
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

pub(crate) async fn entries_are_found_by_what_they_are_about(place: &Place) {
    let mut history = History::default();
    history.notify_about(1, 1, 7);
    history.notify_about(2, 2, 7);
    history.notify_about(3, 1, 8);
    history.notify_about(4, 1, 9);
    history.notify(5, 1);
    history.read_notification(1, Some(4));
    let at = history.remove_notification(1, 1);
    // Repeats, another's entry, one that never was.
    history.remove_notification(1, 1);
    history.remove_notification(2, 3);
    history.remove_notification(1, 77);
    history.read_notification(1, Some(1));
    history.notify_about(1, 1, 7);
    place.project(&history).await;
    let store = place.model.current();
    let page = store.notifications(&user(1), false, None, 50).await.unwrap();
    let listed: Vec<(u64, bool)> = page.items.iter().map(|one| (one.created, one.read)).collect();
    assert_eq!(listed, [(5, false), (4, true), (3, false)]);
    assert_eq!(store.notifications(&user(1), true, None, 50).await.unwrap().items.len(), 2);
    assert_eq!(store.inbox(&user(1)).await.unwrap().unread_count, 2);
    assert_eq!(store.notification(&user(1), &notification(1)).await.unwrap(), None);
    let about = store.notification_about(&user(1), &message(7)).await.unwrap().unwrap();
    assert!(about.removed, "a tombstone");
    assert!(store.notification_about(&user(1), &message(9)).await.unwrap().unwrap().read);
    assert_eq!(store.notification_about(&user(2), &message(9)).await.unwrap(), None);
    assert_eq!(store.people_told_of(&message(7)).await.unwrap(), [user(2)]);
    let unread = store.unread_about_room(&user(1), &room(1)).await.unwrap();
    assert_eq!(unread.iter().map(|one| one.created).collect::<Vec<_>>(), [3]);
    assert_eq!(store.unread_about_room(&user(1), &room(2)).await.unwrap(), []);
    assert_eq!(store.rooms_with_unread(&user(1)).await.unwrap(), [room(1)]);
    let changed = store.notification_changes(&user(1), at - 1, 10).await.unwrap().items;
    assert_eq!(
        changed.iter().map(|one| (one.updated, one.removed)).collect::<Vec<_>>(),
        [(at, true)]
    );
    let mut engine = place.engine().await;
    let seen = history.events.len();
    history.read_notification(1, None);
    engine.apply(&history.events[seen..], history.events.len() as u64).await.unwrap();
    assert_eq!(store.unread_about_room(&user(1), &room(1)).await.unwrap(), []);
    assert_eq!(store.rooms_with_unread(&user(1)).await.unwrap(), []);
    assert_eq!(store.rooms_with_unread(&user(2)).await.unwrap(), [room(1)]);
}

pub(crate) async fn people_are_found(place: &Place) {
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
    let page = store.search_users("AD", &ListFrom::Start, 2).await.unwrap();
    assert_eq!((names(&page), page.more), (vec!["abel".into(), "ada".into()], true));
    let after = |name: &str| ListFrom::After(Username::parse(name).unwrap());
    let page = store.search_users("ad", &after("ada"), 2).await.unwrap();
    assert_eq!((names(&page), page.more), (vec!["adam".into()], false));
    assert_eq!(
        names(&store.search_users("adele [.", &ListFrom::Start, 2).await.unwrap()),
        ["abel"]
    );
    assert_eq!(names(&store.search_users(".*", &ListFrom::Start, 2).await.unwrap()), [""; 0]);
    let moved = |since, after| ListFrom::Moved { since, after };
    let page = store.search_users("ad", &moved(0, None), 2).await.unwrap();
    assert_eq!((names(&page), page.more), (vec!["ada".into(), "adam".into()], true));
    let page = store.search_users("ad", &moved(0, Some(user(2))), 2).await.unwrap();
    assert_eq!((names(&page), page.more), (vec!["abel".into()], false));
    let page = store.search_users("ad", &moved(4, None), 2).await.unwrap();
    assert_eq!((names(&page), page.more), (vec!["abel".into()], false));
    assert_eq!(names(&store.search_users("zad", &ListFrom::Start, 2).await.unwrap()), [""; 0]);
    let page = store.list_users(Some(&user(2)), 1).await.unwrap();
    assert_eq!((names(&page), page.more), (vec!["eve".into()], true));
    let changed = store.user_changes(4, 10).await.unwrap();
    assert_eq!((changed.items.len(), changed.items[0].updated), (1, at));
    assert_eq!(store.users(&[user(1), user(9), user(3)]).await.unwrap().len(), 2);
}

pub(crate) async fn rooms_are_found_and_listed(place: &Place) {
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
    history.add(RoomArchived { room: archived, reason: None });
    history.post(2, 1, 1);
    history.leave(3, 1);
    place.project(&history).await;
    let store = place.model.current();
    let found = async |filter, from: Option<ListFrom<NameAnchor, RoomId>>, limit| {
        let from = from.unwrap_or(ListFrom::Start);
        let page = store.public_rooms(&filter, &from, limit).await.unwrap();
        (page.items.into_iter().map(|r| r.state.id).collect::<Vec<_>>(), page.more)
    };
    let all = found(RoomFilter::Any, None, 10).await;
    assert_eq!(all, (vec![room(2), room(3), room(1)], false));
    let anchor = NameAnchor { name: "alpha".into(), room_id: room(2) };
    let after = Some(ListFrom::After(anchor.clone()));
    assert_eq!(found(RoomFilter::Any, after.clone(), 1).await, (vec![room(3)], true));
    let words = |query: &str| RoomFilter::Words(query.into());
    assert_eq!(found(words("al"), after, 9).await, (vec![room(3)], false));
    let moved = |since, after| Some(ListFrom::Moved { since, after });
    assert_eq!(found(RoomFilter::Any, moved(3, None), 9).await.0, [room(2), room(3)]);
    assert_eq!(found(RoomFilter::Any, moved(0, Some(room(1))), 1).await, (vec![room(2)], true));
    assert_eq!(found(words("ALP"), moved(5, None), 9).await.0, [room(3)]);
    for nothing in ["", "%", "alpha beta", "lpha", "hidden", "gone"] {
        assert_eq!(found(words(nothing), None, 9).await.0, [], "{nothing:?}");
    }
    assert_eq!(found(RoomFilter::Name("BETA".into()), None, 9).await.0, [room(1)]);
    assert_eq!(found(RoomFilter::Name("bet".into()), None, 9).await.0, []);
    assert_eq!(found(words("AL"), None, 9).await.0, [room(2), room(3)]);
    let mine = async |from: Option<ListFrom<ActivityAnchor, RoomId>>, limit| {
        let from = from.unwrap_or(ListFrom::Start);
        let page = store.user_rooms(&user(1), &from, limit).await.unwrap();
        (page.items.into_iter().map(|(r, _)| r.state.id).collect::<Vec<_>>(), page.more)
    };
    assert_eq!(mine(None, 10).await, (vec![room(2), room(5), room(4), room(1)], false));
    let anchor = ActivityAnchor { pinned: false, last_activity: 10, room_id: room(5) };
    assert_eq!(mine(Some(ListFrom::After(anchor)), 1).await, (vec![room(4)], true));
    let moved = |since, after| Some(ListFrom::Moved { since, after });
    assert_eq!(mine(moved(12, None), 9).await, (vec![room(2)], false));
    assert_eq!(mine(moved(5, None), 2).await, (vec![room(2), room(4)], true));
    assert_eq!(mine(moved(5, Some(room(4))), 2).await, (vec![room(5)], false));
    let left = store.membership(&room(3), &user(1)).await.unwrap().unwrap();
    assert!(!left.present);
    assert_eq!(store.memberships_of(&user(1)).await.unwrap().len(), 4);
}

pub(crate) async fn timelines_have_pages(place: &Place) {
    place.project(&conversation(20)).await;
    let store = place.model.current();
    let page = async |anchor, limit| {
        let found = store.timeline(&room(1), Threads::Shown, anchor, limit).await;
        numbers(&found.unwrap())
    };
    assert_eq!(page(Anchor::Latest, 3).await, [18, 19, 20]);
    assert_eq!(page(Anchor::Before(4), 2).await, [2, 3]);
    assert_eq!(page(Anchor::After(4), 2).await, [5, 6]);
    assert_eq!(page(Anchor::Around(10), 5).await, [8, 9, 10, 11, 12]);
    // Where one side ends the other fills the page.
    assert_eq!(page(Anchor::Around(1), 4).await, [1, 2, 3, 4]);
    assert_eq!(page(Anchor::Around(2), 5).await, [1, 2, 3, 4, 5]);
    assert_eq!(page(Anchor::Around(20), 5).await, [16, 17, 18, 19, 20]);
    assert_eq!(page(Anchor::Around(19), 4).await, [17, 18, 19, 20]);
    assert_eq!(page(Anchor::Around(10), 1).await, [10]);
    assert_eq!(page(Anchor::Around(10), 50).await, (1..=20).collect::<Vec<_>>());
    assert_eq!(page(Anchor::After(u64::MAX), 4).await, [0; 0]);
    assert_eq!(store.timeline(&room(9), Threads::Shown, Anchor::Latest, 5).await.unwrap(), []);
}

pub(crate) async fn the_main_timeline_leaves_answers_out(place: &Place) {
    let mut history = conversation(4);
    for id in 5..=30 {
        let mut said = message_state(1, id, 2, "said");
        said.thread_root_id = (id % 5 != 0).then(|| message(2));
        history.post_with(said);
    }
    place.project(&history).await;
    let store = place.model.current();
    let page = async |anchor, limit| {
        let found = store.timeline(&room(1), Threads::LeftOut, anchor, limit).await;
        numbers(&found.unwrap())
    };
    assert_eq!(page(Anchor::Latest, 3).await, [20, 25, 30]);
    assert_eq!(page(Anchor::Before(20), 3).await, [5, 10, 15]);
    assert_eq!(page(Anchor::After(3), 3).await, [4, 5, 10]);
    assert_eq!(page(Anchor::Around(12), 4).await, [5, 10, 15, 20]);
    assert_eq!(page(Anchor::Around(30), 4).await, [15, 20, 25, 30]);
}

/// A few letters, with and without accents, and what is no letter: names of these meet one another often.
const LETTERS: [(char, char); 8] = [
    ('a', 'a'),
    ('B', 'b'),
    ('é', 'e'),
    ('E', 'e'),
    ('Ä', 'a'),
    (' ', ' '),
    ('%', '%'),
    ('.', '.'),
];

/// Texts that are the same each time.
fn text(seed: &mut u64, length: u64) -> String {
    let mut next = |bound: u64| {
        *seed =
            seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (*seed >> 33) % bound
    };
    let length = 1 + next(length);
    (0..length).map(|_| LETTERS[usize::try_from(next(8)).unwrap()].0).collect()
}

fn naive(name: &str, query: &str) -> bool {
    let plain = |text: &str| -> String {
        let of = |c: char| LETTERS.iter().find(|(one, _)| *one == c).map_or(c, |(_, plain)| *plain);
        text.chars().map(of).collect()
    };
    let kind = |c: char| (c.is_alphanumeric(), c.is_whitespace());
    let (name, query) = (format!(" {}", plain(name)), plain(query));
    let begins = |asked: &str| {
        let places = name.char_indices().zip(name.char_indices().skip(1));
        let mut starts = places.filter(|((_, before), (_, now))| kind(*before) != kind(*now));
        starts.any(|(_, (at, _))| name[at..].starts_with(asked))
    };
    let mut asked = query.split_whitespace().peekable();
    asked.peek().is_some() && asked.all(begins)
}

pub(crate) async fn words_find_what_a_look_at_every_name_finds(place: &Place) {
    let (mut history, mut seed) = (History::default(), 7);
    let mut names: Vec<(u64, String)> = Vec::new();
    for number in 1..=120 {
        history.register(number, &format!("u{number:03}"));
        let shown = format!("{}z", text(&mut seed, 9));
        let mut state = user_state(number, &format!("u{number:03}"));
        state.display_name = DisplayName::parse(&shown).unwrap();
        history.add(UserProfileChanged { user: state });
        history.add(RoomCreated { room: room_state(number, &shown) });
        names.push((number, shown));
    }
    place.project(&history).await;
    let store = place.model.current();
    let mut hits = 0;
    for _ in 0..150 {
        let query = text(&mut seed, 5);
        let wanted: Vec<u64> =
            names.iter().filter(|(_, name)| naive(name, &query)).map(|(n, _)| *n).collect();
        hits += wanted.len();
        let found = store.search_users(&query, &ListFrom::Start, 200).await.unwrap();
        let found: Vec<_> = found.items.into_iter().map(|doc| doc.state.id).collect();
        assert_eq!(found, wanted.iter().map(|n| user(*n)).collect::<Vec<_>>(), "{query:?}");
        let filter = RoomFilter::Words(query.clone());
        let found = store.public_rooms(&filter, &ListFrom::Start, 200).await.unwrap();
        let mut found: Vec<_> = found.items.into_iter().map(|doc| doc.state.id).collect();
        found.sort();
        assert_eq!(found, wanted.iter().map(|n| room(*n)).collect::<Vec<_>>(), "{query:?}");
    }
    assert!(hits > 500, "queries that find nothing show nothing: {hits}");
}

pub(crate) async fn resume_finds_what_changed(place: &Place) {
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
    let marks = async |after, items, bytes| {
        store.message_marks(&rooms, after, Bound { items, bytes }).await.unwrap()
    };
    let messages = marks(p, 10, 100_000).await;
    let mut changed: Vec<(u64, u64, u64)> =
        messages.items.iter().map(|mark| (mark.posted, mark.changed, mark.beside)).collect();
    changed.sort_unstable();
    // The first message was answered, the second edited.
    let expected =
        vec![(8, 8, answered), (9, edited, 0), (posted, posted, 0), (answered, answered, 0)];
    assert_eq!((changed, messages.complete), (expected, true));
    assert!(!marks(p, 3, 100_000).await.complete);
    assert!(!marks(p, 10, 1_000).await.complete);
    // What was posted right there is known; that the first was answered there may not be.
    let last = marks(answered, 2, 100_000).await;
    assert_eq!(last.items.iter().map(|mark| mark.beside).collect::<Vec<_>>(), [answered]);
    assert!(marks(answered + 1, 2, 100_000).await.items.is_empty());
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
