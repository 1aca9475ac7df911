//! Reactions, pins and edits that change nothing: what is written of them, and what two processes write at once.

use futures_util::future::join_all;
use schemas::commands::{AddReaction, EditMessage, PinMessage, RemoveReaction, UnpinMessage};
use schemas::events::MAX_KINDS;
use schemas::ids::MessageId;
use schemas::values::{Body, Emoji, RoomKind};
use schemas::{Code, Lane};

use crate::kit::{World, call, context};

fn emoji(number: usize) -> Emoji {
    let one = char::from_u32(0x1f600 + u32::try_from(number).unwrap()).unwrap();
    Emoji::parse(&one.to_string()).unwrap()
}

fn react(message_id: &MessageId, number: usize) -> AddReaction {
    AddReaction { message_id: *message_id, emoji: emoji(number) }
}

fn unreact(message_id: &MessageId, number: usize) -> RemoveReaction {
    RemoveReaction { message_id: *message_id, emoji: emoji(number) }
}

#[tokio::test(flavor = "multi_thread")]
async fn repeats_write_nothing_also_while_the_index_stands() {
    let world = World::start().await;
    let ada = world.register("ada").await;
    let room = world.create(&ada, RoomKind::Group, "us", &[]).await.id;
    let id = world.say(&ada, &room, "hello").await.message.id;
    world.index.stop().await;
    let first = world.call(&ada, &react(&id, 0)).await.unwrap().position.unwrap();
    for _ in 0..2 {
        // Told with the place of what is there already, which the caller's gateway may not have heard of.
        assert_eq!(world.call(&ada, &react(&id, 0)).await.unwrap().position, Some(first));
    }
    let pin = PinMessage { message_id: id };
    let unpin = UnpinMessage { message_id: id };
    world.call(&ada, &pin).await.unwrap();
    world.call(&ada, &pin).await.unwrap();
    world.call(&ada, &unreact(&id, 0)).await.unwrap();
    world.call(&ada, &unreact(&id, 0)).await.unwrap();
    world.call(&ada, &unpin).await.unwrap();
    world.call(&ada, &unpin).await.unwrap();
    let edit = |text: &str| EditMessage { message_id: id, body: Body::parse(text).unwrap() };
    for text in ["other", "other", "hello", "hello"] {
        world.call(&ada, &edit(text)).await.unwrap();
    }
    world.index.resume();
    let unchanged = world.call(&ada, &edit("hello")).await.unwrap();
    assert_eq!((unchanged.position, unchanged.result.repeat), (None, true));
    let expected = [
        "message.posted.v1",
        "reaction.added.v1",
        "message.pinned.v1",
        "reaction.removed.v1",
        "message.unpinned.v1",
        "message.edited.v1",
        "message.edited.v1",
    ];
    assert_eq!(world.types_on(&Lane::Timeline(room)).await, expected);
}

/// A process that remembers nothing is not misled by an index that is behind: the log says what became of it.
#[tokio::test(flavor = "multi_thread")]
async fn what_an_index_does_not_know_yet_is_taken_back_all_the_same() {
    let world = World::start().await;
    let ada = world.register("ada").await;
    let room = world.create(&ada, RoomKind::Group, "us", &[]).await.id;
    let id = world.say(&ada, &room, "hello").await.message.id;
    world.index.stop().await;
    world.call(&ada, &react(&id, 0)).await.unwrap();
    let other = world.another().await;
    call(&other.bus, &context(&ada), &unreact(&id, 0)).await.unwrap();
    let lane = Lane::Timeline(room);
    assert_eq!(world.types_on(&lane).await.pop(), Some("reaction.removed.v1"));
    let written = world.types_on(&lane).await.len();
    let third = world.another().await;
    call(&third.bus, &context(&ada), &unreact(&id, 0)).await.unwrap();
    assert_eq!(world.types_on(&lane).await.len(), written, "it is gone");
    let fourth = world.another().await;
    for bus in [&fourth.bus, &third.bus, &world.first.bus] {
        call(bus, &context(&ada), &react(&id, 0)).await.unwrap();
    }
    assert_eq!(world.types_on(&lane).await.len(), written + 1, "it is there, once");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_two_processes_do_at_once_is_written_once() {
    let world = World::start().await;
    let ada = world.register("ada").await;
    let room = world.create(&ada, RoomKind::Group, "us", &[]).await.id;
    let other = world.another().await;
    let context = context(&ada);
    let buses = [&world.first.bus, &other.bus];
    for number in 0..10 {
        let id = world.say(&ada, &room, "hello").await.message.id;
        let (add, remove) = (react(&id, number), unreact(&id, number));
        let added = join_all(buses.map(|bus| call(bus, &context, &add))).await;
        let removed = join_all(buses.map(|bus| call(bus, &context, &remove))).await;
        assert!(added.iter().all(Result::is_ok) && removed.iter().all(Result::is_ok));
    }
    let types = world.types_on(&Lane::Timeline(room)).await;
    let expected = ["message.posted.v1", "reaction.added.v1", "reaction.removed.v1"].repeat(10);
    assert_eq!(types, expected);
    // Within the log's memory of ids the same is done again.
    let id = world.say(&ada, &room, "hello").await.message.id;
    for _ in 0..3 {
        world.call(&ada, &react(&id, 0)).await.unwrap();
        world.call(&ada, &unreact(&id, 0)).await.unwrap();
    }
    let again = world.types_on(&Lane::Timeline(room)).await.len() - types.len();
    assert_eq!(again, 7);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_processes_never_acknowledge_more_kinds_than_fit() {
    let world = World::start().await;
    let (ada, bob) = (world.register("ada").await, world.register("bob").await);
    let room = world.create(&ada, RoomKind::Group, "us", &[&bob]).await.id;
    let id = world.say(&ada, &room, "hello").await.message.id;
    let other = world.another().await;
    let (ada, bob) = (context(&ada), context(&bob));
    let adding = (0..MAX_KINDS + 10).map(|number| {
        let command = react(&id, number);
        let (bus, who) = match number % 2 {
            0 => (&world.first.bus, &ada),
            _ => (&other.bus, &bob),
        };
        async move { call(bus, who, &command).await }
    });
    let answers = join_all(adding).await;
    let refused = answers.iter().filter_map(|answer| answer.as_ref().err());
    let codes: Vec<Code> = refused.map(|refused| refused.code).collect();
    assert_eq!(codes, [Code::Conflict; 10]);
    let more = call(&world.first.bus, &ada, &react(&id, MAX_KINDS + 10)).await.unwrap_err();
    assert_eq!(more.code, Code::Conflict);
}
