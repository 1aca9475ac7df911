//! What happens at the same time.

use std::collections::HashSet;

use schemas::commands::{
    AddMember, ChangeMember, DeleteMessage, EditMessage, LeaveRoom, RemoveMember,
};
use schemas::events::{MemberEvent, MessageEvent, RoomEvent};
use schemas::values::{Body, Patch, RoomKind, RoomRole, UserRef};
use schemas::{Code, EventData, Lane, RoomId, UserId};

use crate::kit::{World, call, context, say, say_as};

fn remove(room: &RoomId, user: &UserId) -> RemoveMember {
    RemoveMember { room_id: *room, user_id: *user }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nothing_is_sequenced_after_its_author_was_removed() {
    let world = World::start().await;
    let (ada, bob) = (world.register("ada").await, world.register("bob").await);
    let other = world.another().await;
    let room = world.create(&ada, RoomKind::Group, "us", &[]).await.id;
    let (mut acked, mut refused) = (HashSet::new(), 0);
    for round in 0..12 {
        let add = AddMember { room_id: room, user: UserRef::Id(bob), role: None };
        world.call(&ada, &add).await.unwrap();
        let posts = (0..60).map(|n| {
            let bus = if n % 2 == 0 { &world.first.bus } else { &other.bus };
            let (context, command) = (context(&bob), say_as(&room, &format!("{round}-{n}"), "hi"));
            async move { call(bus, &context, &command).await }
        });
        let removal = async {
            // In the midst of the posts, at another point in every round.
            for _ in 0..round * 3 {
                tokio::task::yield_now().await;
            }
            world.call(&ada, &remove(&room, &bob)).await
        };
        let (posts, removal) = tokio::join!(futures_util::future::join_all(posts), removal);
        removal.unwrap();
        for post in posts {
            match post {
                Ok(accepted) => {
                    assert!(acked.insert(accepted.result.posted.sequence));
                }
                Err(_) => refused += 1,
            }
        }
    }
    let (mut present, mut stored) = (false, HashSet::new());
    for (sequence, lane, data) in world.events().await {
        match (lane, data) {
            (Lane::Member(_, user), EventData::Member(MemberEvent::Added(_))) if user == bob => {
                present = true
            }
            (Lane::Member(_, user), EventData::Member(MemberEvent::Removed(_))) if user == bob => {
                present = false
            }
            (Lane::Timeline(_), EventData::Message(MessageEvent::Posted(_))) => {
                assert!(present, "a message at {sequence} after its author's removal");
                stored.insert(sequence);
            }
            _ => {}
        }
    }
    assert_eq!(acked, stored, "what was acknowledged is stored, once, and nothing else");
    assert!(refused > 0 && !stored.is_empty(), "{refused} refused, {} stored", stored.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_stream_of_joins_disturbs_no_poster() {
    let world = World::start().await;
    let ada = world.register("ada").await;
    let room = world.create(&ada, RoomKind::Channel, "lobby", &[]).await.id;
    let mut crowd = Vec::new();
    for n in 0..20 {
        crowd.push(world.register(&format!("user{n}")).await);
    }
    let joins = crowd.iter().map(|user| {
        let join = schemas::commands::JoinRoom { room_id: room };
        let world = &world;
        async move { world.call(user, &join).await.unwrap() }
    });
    let posts = (0..200).map(|_| world.say(&ada, &room, "still here"));
    let (_, posts) =
        tokio::join!(futures_util::future::join_all(joins), futures_util::future::join_all(posts));
    let places: HashSet<_> = posts.iter().map(|post| post.posted.sequence).collect();
    assert_eq!(places.len(), 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_owners_that_leave_at_once_one_stays() {
    let world = World::start().await;
    let (ada, bob) = (world.register("ada").await, world.register("bob").await);
    let other = world.another().await;
    for n in 0..6 {
        let room = world.create(&ada, RoomKind::Group, &format!("r{n}"), &[&bob]).await.id;
        let promote = ChangeMember {
            room_id: room,
            user_id: bob,
            role: Some(RoomRole::Owner),
            muted_until: Patch::Keep,
        };
        world.call(&ada, &promote).await.unwrap();
        let leave = LeaveRoom { room_id: room };
        let (ada_context, bob_context) = (context(&ada), context(&bob));
        let (a, b) = tokio::join!(
            call(&world.first.bus, &ada_context, &leave),
            call(&other.bus, &bob_context, &leave)
        );
        assert!(a.is_ok() != b.is_ok(), "{a:?} {b:?}");
        let lane = Lane::Room(room);
        let last = world.log.last(&lane).await.unwrap().unwrap().event().unwrap();
        let EventData::Room(RoomEvent::Changed(changed)) = last.data else { panic!("no change") };
        assert_eq!(changed.room.owners.len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn hundreds_of_posts_at_once_are_all_stored() {
    let world = World::start().await;
    let ada = world.register("ada").await;
    let general = world.first.general.unwrap();
    let command = say(&general, "many");
    let posts = (0..1_000).map(|_| world.call(&ada, &command));
    let posts = futures_util::future::join_all(posts).await;
    let places: HashSet<_> =
        posts.into_iter().map(|post| post.unwrap().result.posted.sequence).collect();
    assert_eq!(places.len(), 1_000);
}

/// Fault 3: the log may hold an edit after the deletion; its author is not told that it was made.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn who_edits_what_is_being_deleted_is_told_the_truth() {
    let world = World::start().await;
    let (ada, bob) = (world.register("ada").await, world.register("bob").await);
    let other = world.another().await;
    let room = world.create(&ada, RoomKind::Group, "us", &[&bob]).await.id;
    let mut late = 0;
    for round in 0..20 {
        let message_id = world.say(&bob, &room, "first").await.message.id;
        let edits = (0..20).map(|n| {
            let bus = if n % 2 == 0 { &world.first.bus } else { &other.bus };
            let body = Body::parse(&format!("{round}-{n}")).unwrap();
            let context = context(&bob);
            async move { call(bus, &context, &EditMessage { message_id, body }).await }
        });
        let deletion = async {
            for _ in 0..round {
                tokio::task::yield_now().await;
            }
            call(&other.bus, &context(&ada), &DeleteMessage { message_id }).await
        };
        let (edits, deletion) = tokio::join!(futures_util::future::join_all(edits), deletion);
        let deleted = deletion.unwrap().position.unwrap().sequence;
        for edit in edits {
            match edit {
                Ok(made) => assert!(made.position.unwrap().sequence < deleted),
                Err(refused) => assert_eq!(refused.code, Code::Conflict, "{refused:?}"),
            }
        }
        let events = world.events().await;
        late += events
            .iter()
            .filter(|(at, _, data)| {
                let edited =
                    matches!(data, EventData::Message(MessageEvent::Edited(e)) if e.message.id == message_id);
                edited && *at > deleted
            })
            .count();
    }
    assert!(late > 0, "no edit was ever appended after the deletion: nothing was tried");
}
