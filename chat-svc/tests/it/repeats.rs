//! One message for each (sender, room, client id), for ever.

use std::time::Duration;

use chat_svc::{Config, DedupConfig};
use eventlog::Topology;
use schemas::commands::{MessageOutcome, PostMessage};
use schemas::{Lane, RoomId};
use tokio::time::Instant;

use crate::kit::{World, call, context, keyed, say, say_as, until};

/// A log that forgets message ids so soon that a test can wait for it.
const WINDOW: Duration = Duration::from_millis(1_500);

async fn forgetful(filter_bytes: usize) -> World {
    let topology = Topology { duplicate_window: WINDOW, ..Topology::default() };
    let dedup = DedupConfig {
        freshness: Duration::from_secs(1),
        tolerated_lag: Duration::from_millis(500),
        filter_bytes,
        ..DedupConfig::default()
    };
    World::start_with(topology, Config { dedup, ..Config::default() }).await
}

async fn window_passed() {
    let begun = Instant::now();
    until("the duplicate window has passed", async || (begun.elapsed() > WINDOW * 2).then_some(()))
        .await;
}

async fn posts_in(world: &World, room: &RoomId) -> usize {
    world.types_on(&Lane::Timeline(*room)).await.len()
}

#[track_caller]
fn same(first: &MessageOutcome, repeat: &MessageOutcome) {
    assert!(repeat.repeat && !first.repeat);
    assert_eq!((&first.message, &first.posted), (&repeat.message, &repeat.posted));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_client_id_counts_once_however_many_send_it_at_once() {
    let world = World::start().await;
    let ada = world.register("ada").await;
    let general = world.first.general.unwrap();
    let other = world.another().await;
    let context = context(&ada);
    let commands: Vec<_> = (0..30).map(|_| say_as(&general, "c1", "one")).collect();
    let posts = commands.iter().enumerate().map(|(n, command)| {
        call(if n % 2 == 0 { &world.first.bus } else { &other.bus }, &context, command)
    });
    let posts: Vec<_> =
        futures_util::future::join_all(posts).await.into_iter().map(|post| post.unwrap()).collect();
    assert_eq!(posts.iter().filter(|post| !post.result.repeat).count(), 1);
    let first = posts.iter().find(|post| !post.result.repeat).unwrap();
    for post in posts.iter().filter(|post| post.result.repeat) {
        same(&first.result, &post.result);
        assert_eq!(post.position, first.position);
    }
    assert_eq!(posts_in(&world, &general).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_id_belongs_to_its_sender_and_room() {
    let world = World::start().await;
    let (ada, bob) = (world.register("ada").await, world.register("bob").await);
    let general = world.first.general.unwrap();
    let room = world.create(&ada, schemas::values::RoomKind::Group, "us", &[&bob]).await.id;
    for (who, room) in [(&ada, &general), (&bob, &general), (&ada, &room), (&bob, &room)] {
        let posted = world.call(who, &say_as(room, "c1", "mine")).await.unwrap().result;
        assert!(!posted.repeat);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idempotency_key_does_where_there_is_no_client_id() {
    let world = World::start().await;
    let ada = world.register("ada").await;
    let general = world.first.general.unwrap();
    let (bus, keyed) = (&world.first.bus, keyed(&ada, "k1"));
    let first = call(bus, &keyed, &say(&general, "one")).await.unwrap().result;
    let repeat = call(bus, &keyed, &say(&general, "one")).await.unwrap().result;
    same(&first, &repeat);
    let client_id = say_as(&general, "k1", "another");
    assert!(!world.call(&ada, &client_id).await.unwrap().result.repeat);
    let both: PostMessage = say_as(&general, "k1", "another");
    assert!(call(bus, &keyed, &both).await.unwrap().result.repeat);
    assert_eq!(posts_in(&world, &general).await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeat_is_known_long_after_the_window() {
    known_after_the_window(0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeat_is_known_long_after_the_window_to_the_filter_too() {
    known_after_the_window(4096).await;
}

async fn known_after_the_window(filter_bytes: usize) {
    let world = forgetful(filter_bytes).await;
    let ada = world.register("ada").await;
    let general = world.first.general.unwrap();
    let first = world.call(&ada, &say_as(&general, "c1", "one")).await.unwrap().result;
    window_passed().await;
    same(&first, &world.call(&ada, &say_as(&general, "c1", "one")).await.unwrap().result);
    // A process that has never seen it finds it in the index.
    let other = world.another().await;
    let repeat = call(&other.bus, &context(&ada), &say_as(&general, "c1", "one")).await;
    same(&first, &repeat.unwrap().result);
    assert_eq!(posts_in(&world, &general).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeat_is_known_even_when_the_projector_has_stopped() {
    known_while_the_projector_stands(0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeat_is_known_to_the_filter_too_when_the_projector_has_stopped() {
    known_while_the_projector_stands(4096).await;
}

async fn known_while_the_projector_stands(filter_bytes: usize) {
    let world = forgetful(filter_bytes).await;
    let ada = world.register("ada").await;
    let general = world.first.general.unwrap();
    let before = world.call(&ada, &say_as(&general, "before", "one")).await.unwrap().result;
    world.index.stop().await;
    let after = world.call(&ada, &say_as(&general, "after", "one")).await.unwrap().result;
    window_passed().await;
    // Neither the log's window, nor the index, nor this process's memory knows the second one.
    let other = world.another().await;
    for (client_id, first) in [("before", &before), ("after", &after)] {
        let command = say_as(&general, client_id, "one");
        let repeat = call(&other.bus, &context(&ada), &command).await.unwrap().result;
        same(first, &repeat);
    }
    let new = call(&other.bus, &context(&ada), &say_as(&general, "new", "one")).await.unwrap();
    window_passed().await;
    world.index.resume();
    let third = world.another().await;
    for (client_id, first) in [("before", &before), ("after", &after), ("new", &new.result)] {
        for instance in [&third, &other] {
            let command = say_as(&general, client_id, "one");
            let repeat = call(&instance.bus, &context(&ada), &command).await.unwrap().result;
            same(first, &repeat);
        }
    }
    assert_eq!(posts_in(&world, &general).await, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn too_long_a_tail_is_refused_honestly() {
    let topology = Topology { duplicate_window: WINDOW, ..Topology::default() };
    let dedup = DedupConfig {
        freshness: Duration::from_secs(1),
        tolerated_lag: Duration::from_millis(200),
        tail_limit: 3,
        filter_bytes: 0,
    };
    let config = Config { dedup, ..Config::default() };
    let world = World::start_with(topology, config).await;
    let ada = world.register("ada").await;
    let general = world.first.general.unwrap();
    world.index.stop().await;
    let refused = until("the tail is full", async || {
        let client_id = format!("c{}", crate::kit::fresh());
        world.call(&ada, &say_as(&general, &client_id, "x")).await.err()
    });
    assert_eq!(refused.await.code, schemas::Code::Unavailable);
    world.say(&ada, &general, "without a client id it goes on").await;
    world.index.resume();
    until("the read model has caught up", async || {
        world.call(&ada, &say_as(&general, "again", "x")).await.ok()
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn new_posts_need_no_look_into_the_read_model() {
    let world = forgetful(4096).await;
    let ada = world.register("ada").await;
    let general = world.first.general.unwrap();
    let first = world.call(&ada, &say_as(&general, "c0", "one")).await.unwrap().result;
    window_passed().await;
    // A process that comes later reads the past once.
    let other = world.another().await;
    world.say(&ada, &general, "something for the live feed").await;
    let mut n = 0;
    until("the filter is complete", async || {
        n += 1;
        let before = world.index.lookups();
        let command = say_as(&general, &format!("c{n}"), "new");
        call(&other.bus, &context(&ada), &command).await.unwrap();
        (world.index.lookups() == before).then_some(())
    })
    .await;
    world.index.set_broken(true);
    let repeated = say_as(&general, "c0", "one");
    for n in 0..20 {
        let command = say_as(&general, &format!("d{n}"), "new");
        let posted = call(&other.bus, &context(&ada), &command).await.unwrap().result;
        assert!(!posted.repeat);
    }
    let refused = call(&other.bus, &context(&ada), &repeated).await.unwrap_err();
    assert_eq!(refused.code, schemas::Code::Unavailable);
    world.index.set_broken(false);
    let repeat =
        until("the index answers", async || call(&other.bus, &context(&ada), &repeated).await.ok());
    same(&first, &repeat.await.result);
}
