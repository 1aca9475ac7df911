//! Slow mode over several copies of the service, and repeats in it.

use futures_util::future::join_all;
use schemas::commands::ChangeRoom;
use schemas::values::{Patch, RoomKind};
use schemas::{Code, Lane, RoomId, UserId};

use crate::kit::{World, call, context, say, say_as, until};

/// A group of Ada's in which Bob waits so long after each message.
async fn slow_room(world: &World, seconds: u32) -> (UserId, UserId, RoomId) {
    let (ada, bob) = (world.register("ada").await, world.register("bob").await);
    let room = world.create(&ada, RoomKind::Group, "us", &[&bob]).await.id;
    slowed(world, &ada, &room, seconds).await;
    (ada, bob, room)
}

async fn slowed(world: &World, ada: &UserId, room: &RoomId, seconds: u32) {
    let change = ChangeRoom {
        room_id: *room,
        name: None,
        topic: Patch::Keep,
        visibility: None,
        retention_days: Patch::Keep,
        posting: None,
        slow_mode_seconds: Some(seconds),
        archived: None,
    };
    world.call(ada, &change).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_at_once_at_three_copies_one_is_written() {
    let world = World::start().await;
    let (_, bob, room) = slow_room(&world, 600).await;
    let copies = [world.another().await, world.another().await];
    let buses = [&world.first.bus, &copies[0].bus, &copies[1].bus];
    let who = context(&bob);
    let posts: Vec<_> = (0..30).map(|n| say(&room, &format!("{n}"))).collect();
    let tries = posts.iter().enumerate().map(|(n, post)| call(buses[n % 3], &who, post));
    let answers = join_all(tries).await;
    let written = answers.iter().filter(|answer| answer.is_ok()).count();
    let refused = answers.iter().filter_map(|answer| answer.as_ref().err());
    assert_eq!(written, 1);
    assert!(refused.clone().all(|refused| refused.code == Code::RateLimited));
    assert!(refused.clone().all(|refused| refused.retry_after.is_some_and(|left| left <= 600)));
    let types = world.types_on(&Lane::Timeline(room)).await;
    assert_eq!(types, ["message.posted.v1"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_repeat_takes_no_turn_however_old_it_is_and_wherever_it_is_sent() {
    let world = World::start().await;
    let (ada, bob, room) = slow_room(&world, 1).await;
    let other = world.another().await;
    let mut first = Vec::new();
    for number in 0..3 {
        let post = say_as(&room, &format!("c{number}"), "said");
        let posted = until("it is their turn", async || world.call(&bob, &post).await.ok()).await;
        first.push((post, posted.result.posted));
    }
    slowed(&world, &ada, &room, 600).await;
    for bus in [&world.first.bus, &other.bus] {
        for (post, posted) in &first {
            let again = call(bus, &context(&bob), post).await.unwrap().result;
            assert!(again.repeat);
            assert_eq!(again.posted, *posted);
        }
    }
    let new = world.call(&bob, &say_as(&room, "c3", "new")).await.unwrap_err();
    assert_eq!(new.code, Code::RateLimited);
    let otherwise = world.call(&bob, &say_as(&room, "c0", "otherwise")).await.unwrap_err();
    assert_eq!(otherwise.code, Code::IdempotencyMismatch);
}
