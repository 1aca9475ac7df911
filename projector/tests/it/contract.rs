//! The contract of a read model: the same events give the same documents and the same answers, in SQLite
//! and in MongoDB.

use readmodel::*;
use schemas::events::*;
use schemas::ids::UserId;
use schemas::values::*;

use crate::additions::*;
use crate::exports::*;
use crate::kit::*;
use crate::media::*;
use crate::members::*;
use crate::people::*;
use crate::queries::*;
use crate::retention::*;
use crate::searches::*;
use crate::unread::*;

cases!(
    #[tokio::test]
    a_history_becomes_documents,
    unread_is_counted_in_the_main_timeline,
    mentions_are_counted_where_they_stand,
    who_comes_in_has_nothing_unread,
    readers_have_moved_a_marker,
    the_last_message_is_the_newest_that_stands,
    edits_and_deletions,
    threads_count_answers,
    everyone_belongs_to_the_room_of_everyone,
    direct_rooms_have_their_members_at_once,
    repeats_change_nothing,
    inboxes,
    entries_are_found_by_what_they_are_about,
    people_are_found,
    blocks_are_kept,
    readers_are_those_who_let_it_be_seen,
    accounts_are_found,
    members_are_found,
    a_shared_room_is_one_that_people_chose,
    rooms_are_found_and_listed,
    rooms_are_pinned_and_hidden,
    bans_are_found_while_they_last,
    the_main_timeline_leaves_answers_out,
    words_find_what_a_look_at_every_name_finds,
    messages_are_found,
    what_is_found_follows_the_messages,
    what_is_found_is_what_a_look_at_every_message_finds,
    timelines_have_pages,
    reactions_are_counted_by_kind,
    reactions_of_a_kind_have_pages,
    a_message_has_so_many_kinds,
    a_deletion_takes_reactions_along,
    a_room_keeps_its_pins,
    a_room_has_so_many_pins,
    edits_leave_former_texts,
    exports_are_kept_and_found_when_they_are_due,
    media_are_kept_and_counted,
    media_that_end_take_nothing,
    names_that_left_the_log_make_no_difference_to_a_replay,
    resume_finds_what_changed,
    history_crosses_the_border_of_the_archive,
    archived_messages_change_as_others_do,
    what_is_counted_does_not_ask_where_messages_lie,
    archived_messages_are_found,
    a_move_to_the_archive_is_no_change_to_clients,
    a_message_moves_once_and_from_its_own_room,
    texts_that_left_the_log_make_no_difference_to_a_replay,
    purged_messages_are_on_no_list_and_are_counted,
    a_commit_is_fenced,
    a_crash_before_the_commit_loses_nothing,
    generations_are_switched,
    what_is_kept_beside_outlives_every_generation,
    another_namespace_is_another_read_model,
);

pub(crate) fn ids(members: &[MembershipDoc]) -> Vec<UserId> {
    members.iter().map(|member| member.user_id).collect()
}

pub(crate) fn numbers(messages: &[MessageDoc]) -> Vec<u64> {
    messages.iter().map(|message| message.number).collect()
}

/// A room 1 with users 1, 2, 3 and messages 1 to `posts` by user 1.
pub(crate) fn conversation(posts: u64) -> History {
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
    // Sightings of a block are as many as different things in it.
    let documents = everything.keys().filter(|(of, _)| *of != Collection::Sightings).count();
    assert_eq!(documents, 3 + 1 + 3 + 3);
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
    assert_eq!(waiting(place, 1, 2).await, (1, 1));
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
    assert_eq!(waiting(place, 1, 2).await, (0, 0));
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
    assert_eq!((waiting(place, 1, 3).await, eve.marker_number), ((0, 0), 1));
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
    let rooms = store.user_rooms(&user(2), &ListFrom::Start, 10).await.unwrap().items;
    assert_eq!(rooms.len(), 1);
    assert_eq!(waiting(place, 1, 2).await, (1, 0));
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
    let refused = projector::Engine::open(fresh.clone(), other).await;
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
    let Document::Room(mut wrong) = doc else { panic!("not a room") };
    std::sync::Arc::make_mut(&mut wrong).last_number = 99;
    let refused = store.commit(5, epoch().at(7), vec![Document::Room(wrong)]).await;
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
    next.seal().await.unwrap();
    // Once more does no harm.
    next.seal().await.unwrap();
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

async fn what_is_kept_beside_outlives_every_generation(place: &Place) {
    let other = ReadModel::open(&place.url, &place.namespace).await.unwrap();
    let side = place.model.side().await.unwrap();
    let all = [1, 2, 3].map(user);
    assert_eq!(side.last_seen(&all).await.unwrap(), []);
    let seen = |number: u64, at: u64| (user(number), Some(when(at)));
    side.keep_last_seen(vec![seen(1, 5), seen(2, 6)]).await.unwrap();
    // An earlier moment, told late by another process, changes nothing; a later one does.
    let theirs = other.side().await.unwrap();
    theirs.keep_last_seen(vec![seen(1, 4), seen(2, 7), seen(2, 7)]).await.unwrap();
    let old = place.model.generation();
    let next = place.model.create_generation().await.unwrap();
    next.seal().await.unwrap();
    assert!(place.model.switch(&old, next.generation()).await.unwrap());
    place.model.delete(&old).await.unwrap();
    assert_eq!(place.model.generations().await.unwrap(), [next.generation()]);
    assert!(place.model.create_snapshot("side").await.is_err());
    let mut found = side.last_seen(&all).await.unwrap();
    found.sort();
    assert_eq!(found, [(user(1), when(5)), (user(2), when(7))]);
    theirs.keep_last_seen(vec![(user(1), None), (user(3), None)]).await.unwrap();
    assert_eq!(side.last_seen(&all).await.unwrap(), [(user(2), when(7))]);
}

async fn another_namespace_is_another_read_model(place: &Place) {
    place.project(&conversation(1)).await;
    let other = schemas::Namespace::parse("another").unwrap();
    match (&place.url, ReadModel::open(&place.url, &other).await) {
        (ReadModelUrl::Sqlite(_), opened) => assert!(opened.is_err()),
        (ReadModelUrl::Mongo(_), opened) => assert_eq!(opened.unwrap().known_checkpoint(), 0),
    }
}
