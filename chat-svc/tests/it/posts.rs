//! What a user posts in one room in a row: one command, each post with an answer of its own, in order.

use schemas::commands::{
    AddMember, ChangeMember, MAX_POSTS, MessageOutcome, PostMessage, PostMessages, RemoveMember,
    Reply,
};
use schemas::events::{MemberEvent, MessageEvent};
use schemas::ids::{MediaId, MessageId};
use schemas::values::{Patch, RoomKind, RoomRole, UserRef};
use schemas::{Code, EventData, Lane, Rejection, RoomId, Sequence, UserId};

use crate::kit::{World, fresh, say, say_as};

fn in_a_row(room: &RoomId, prefix: &str, count: usize) -> Vec<PostMessage> {
    let one = |n| say_as(room, &format!("{prefix}{n}"), &format!("{prefix}{n}"));
    (0..count).map(one).collect()
}

async fn post(
    world: &World,
    who: &UserId,
    posts: Vec<PostMessage>,
) -> Result<Vec<Result<MessageOutcome, Rejection>>, Rejection> {
    let replies = world.call(who, &PostMessages { posts }).await?.result;
    let outcome = |reply| match reply {
        Reply::Accepted(accepted) => Ok(accepted.result),
        Reply::Rejected(rejection) => Err(rejection),
    };
    Ok(replies.into_iter().map(outcome).collect())
}

/// The client ids of what was posted in a room, in the order of the log.
async fn posted(world: &World, room: &RoomId) -> Vec<(Sequence, String)> {
    let of_room = |(sequence, _, data)| match data {
        EventData::Message(MessageEvent::Posted(posted)) if posted.message.room_id == *room => {
            Some((sequence, posted.message.client_id?.to_string()))
        }
        _ => None,
    };
    world.events().await.into_iter().filter_map(of_room).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn posts_in_a_row_are_stored_in_order_and_answered_one_by_one() {
    let world = World::start().await;
    let ada = world.register("ada").await;
    let room = world.create(&ada, RoomKind::Group, "us", &[]).await.id;
    let outcomes = post(&world, &ada, in_a_row(&room, "a", MAX_POSTS)).await.unwrap();
    let answered: Vec<(Sequence, String)> = outcomes
        .into_iter()
        .map(Result::unwrap)
        .map(|outcome| {
            let id = outcome.message.client_id.unwrap().to_string();
            assert_eq!((outcome.message.body.as_str(), outcome.repeat), (id.as_str(), false));
            (outcome.posted.sequence, id)
        })
        .collect();
    assert_eq!(posted(&world, &room).await, answered);
    let expected: Vec<String> = (0..MAX_POSTS).map(|n| format!("a{n}")).collect();
    assert_eq!(answered.into_iter().map(|(_, id)| id).collect::<Vec<_>>(), expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn they_are_all_to_one_room_and_not_too_many() {
    let world = World::start().await;
    let ada = world.register("ada").await;
    let room = world.create(&ada, RoomKind::Group, "us", &[]).await.id;
    let other = world.create(&ada, RoomKind::Group, "them", &[]).await.id;
    let head = world.log.head().await.unwrap();
    let mixed = vec![say(&room, "here"), say(&other, "there")];
    for bad in [Vec::new(), mixed, in_a_row(&room, "x", MAX_POSTS + 1)] {
        let refused = post(&world, &ada, bad).await.unwrap_err();
        assert_eq!(refused.code, Code::ValidationFailed);
        assert_eq!(refused.errors[0].pointer, "/posts");
    }
    assert_eq!(world.log.head().await.unwrap(), head);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_is_refused_does_not_hold_up_the_others() {
    let world = World::start().await;
    let ada = world.register("ada").await;
    let room = world.create(&ada, RoomKind::Group, "us", &[]).await.id;
    let mut posts = in_a_row(&room, "a", 6);
    posts[1].thread_root_id = Some(MessageId::from_uuid(fresh()));
    posts[4].attachments = vec![MediaId::from_uuid(fresh())];
    let outcomes = post(&world, &ada, posts).await.unwrap();
    let pointer = |n: usize| outcomes[n].as_ref().unwrap_err().errors[0].pointer.as_str();
    assert_eq!((pointer(1), pointer(4)), ("/thread_root_id", "/attachments/0"));
    let stored: Vec<String> = posted(&world, &room).await.into_iter().map(|(_, id)| id).collect();
    assert_eq!(stored, ["a0", "a2", "a3", "a5"]);
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn repeats_among_them_find_their_first() {
    let world = World::start().await;
    let ada = world.register("ada").await;
    let room = world.create(&ada, RoomKind::Group, "us", &[]).await.id;
    let first = post(&world, &ada, in_a_row(&room, "a", 4)).await.unwrap();
    let mut posts = in_a_row(&room, "b", 2);
    posts.extend(in_a_row(&room, "a", 4));
    posts.extend(in_a_row(&room, "c", 2));
    // And one twice in the same command.
    posts.extend(in_a_row(&room, "b", 1));
    let second = post(&world, &ada, posts).await.unwrap();
    for (n, again) in second.iter().map(|outcome| outcome.as_ref().unwrap()).enumerate() {
        let original = match n {
            2..6 => first[n - 2].as_ref().ok(),
            8 => second[0].as_ref().ok(),
            _ => None,
        };
        assert_eq!(again.repeat, original.is_some(), "{n}");
        if let Some(original) = original {
            assert_eq!((&again.message, &again.posted), (&original.message, &original.posted));
        }
    }
    let stored: Vec<String> = posted(&world, &room).await.into_iter().map(|(_, id)| id).collect();
    assert_eq!(stored, ["a0", "a1", "a2", "a3", "b0", "b1", "c0", "c1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_write_gets_that_for_every_answer() {
    let world = World::start().await;
    let (ada, eve) = (world.register("ada").await, world.register("eve").await);
    let room = world.create(&ada, RoomKind::Group, "us", &[]).await.id;
    let outcomes = post(&world, &eve, in_a_row(&room, "e", 3)).await.unwrap();
    assert_eq!(outcomes, vec![Err(Rejection::not_found()); 3]);
    // A user who joined a moment ago is not sent away by what was known of them before.
    let add = AddMember { room_id: room, user: UserRef::Id(eve), role: None };
    world.call(&ada, &add).await.unwrap();
    let outcomes = post(&world, &eve, in_a_row(&room, "e", 3)).await.unwrap();
    assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_membership_that_changes_meanwhile_costs_neither_posts_nor_their_order() {
    let world = World::start().await;
    let (ada, bob) = (world.register("ada").await, world.register("bob").await);
    let other = world.another().await;
    let room = world.create(&ada, RoomKind::Group, "us", &[&bob]).await.id;
    let mut expected = Vec::new();
    for round in 0..20 {
        let prefix = format!("{round}-");
        let role = if round % 2 == 0 { RoomRole::Admin } else { RoomRole::Member };
        let change = ChangeMember {
            room_id: room,
            user_id: bob,
            role: Some(role),
            muted_until: Patch::Keep,
        };
        let admin = crate::kit::context(&ada);
        let (outcomes, changed) = tokio::join!(
            post(&world, &bob, in_a_row(&room, &prefix, 50)),
            crate::kit::call(&other.bus, &admin, &change)
        );
        changed.unwrap();
        assert!(outcomes.unwrap().iter().all(Result::is_ok));
        expected.extend((0..50).map(|n| format!("{prefix}{n}")));
    }
    let stored: Vec<String> = posted(&world, &room).await.into_iter().map(|(_, id)| id).collect();
    assert_eq!(stored, expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn somebody_removed_meanwhile_has_said_the_first_of_them_only() {
    let world = World::start().await;
    let (ada, bob) = (world.register("ada").await, world.register("bob").await);
    let other = world.another().await;
    let room = world.create(&ada, RoomKind::Group, "us", &[]).await.id;
    let (mut said, mut refused) = (Vec::new(), 0);
    for round in 0..20 {
        let add = AddMember { room_id: room, user: UserRef::Id(bob), role: None };
        world.call(&ada, &add).await.unwrap();
        let remove = RemoveMember { room_id: room, user_id: bob };
        let admin = crate::kit::context(&ada);
        let prefix = format!("{round}-");
        let (outcomes, removed) = tokio::join!(
            post(&world, &bob, in_a_row(&room, &prefix, 60)),
            crate::kit::call(&other.bus, &admin, &remove)
        );
        removed.unwrap();
        let outcomes = outcomes.unwrap();
        let accepted = outcomes.iter().take_while(|outcome| outcome.is_ok()).count();
        assert!(outcomes[accepted..].iter().all(Result::is_err), "a hole: {outcomes:?}");
        refused += outcomes.len() - accepted;
        said.extend((0..accepted).map(|n| format!("{prefix}{n}")));
    }
    let mut present = false;
    let mut stored = Vec::new();
    for (sequence, lane, data) in world.events().await {
        match (lane, data) {
            (Lane::Member(_, user), EventData::Member(MemberEvent::Added(_))) if user == bob => {
                present = true
            }
            (Lane::Member(_, user), EventData::Member(MemberEvent::Removed(_))) if user == bob => {
                present = false
            }
            (Lane::Timeline(_), EventData::Message(MessageEvent::Posted(posted))) => {
                assert!(present, "a message at {sequence} after its author's removal");
                stored.extend(posted.message.client_id.map(|id| id.to_string()));
            }
            _ => {}
        }
    }
    assert_eq!(stored, said);
    assert!(refused > 0, "the removals came too late to test anything");
}
