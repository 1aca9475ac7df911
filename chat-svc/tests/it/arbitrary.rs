//! Arbitrary commands, made of arbitrary JSON, through parse, decide, encode and decode, in this process and over
//! NATS: whatever is accepted is read back equal, and nothing else is written.

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use schemas::commands::{ChangeMember, ChangeRoom, CreateRoom, PostMessage};
use schemas::events::{MessageEvent, RoomEvent};
use schemas::ids::{RoomId, UserId};
use schemas::values::{Patch, RoomKind};
use schemas::{EventData, Lane};
use serde_json::{Value, json};

use crate::kit::{World, call, context};

const CASES: usize = 150;

fn texts() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "\\PC{1,90}",
        1 => "(\\PC|\n|\t){1,400}",
        1 => proptest::sample::select(vec!["\0", "a\r\nb", " x ", "\u{feff}a", "e\u{301}", "\u{2028}", ""])
            .prop_map(ToOwned::to_owned),
    ]
}

fn times() -> impl Strategy<Value = String> {
    prop_oneof![
        2 => "[0-9]{4}-(0[1-9]|1[0-2])-[0-2][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9](\\.[0-9]{1,9})?(Z|[+-][0-2][0-9]:[0-5][0-9])",
        1 => "(0000|0001|9999)-(01-01|12-31)T(00:00:00|23:59:59|23:59:60)(Z|[+-]23:59)",
    ]
}

fn posts(room: &RoomId) -> impl Strategy<Value = Value> {
    let room = room.to_string();
    (texts(), prop::option::of("[!-~]{0,130}")).prop_map(move |(body, client_id)| {
        json!({
            "room_id": room, "client_id": client_id, "body": body, "format": "markdown",
            "attachments": [], "thread_root_id": null,
        })
    })
}

fn mutes(room: &RoomId, user: &UserId) -> impl Strategy<Value = Value> {
    let (room, user) = (room.to_string(), user.to_string());
    times().prop_map(move |time| {
        json!({ "room_id": room, "user_id": user, "role": null, "muted_until": { "set": time } })
    })
}

fn creates() -> impl Strategy<Value = Value> {
    (texts(), prop::option::of(texts())).prop_map(|(name, topic)| {
        json!({ "kind": "group", "name": name, "topic": topic, "visibility": null, "members": [] })
    })
}

fn changes(room: &RoomId) -> impl Strategy<Value = Value> {
    let room = room.to_string();
    (prop::option::of(texts()), prop::option::of(texts()), any::<Option<u32>>()).prop_map(
        move |(name, topic, days)| {
            let patch = |value: Option<Value>| value.map_or(json!("clear"), |v| json!({ "set": v }));
            json!({
                "room_id": room, "name": name, "topic": patch(topic.map(Value::from)), "visibility": null,
                "retention_days": patch(days.map(Value::from)),
            })
        },
    )
}

/// Parses a command as a service does that was sent it.
fn parsed<C: serde::de::DeserializeOwned>(
    strategy: &impl Strategy<Value = Value>,
    runner: &mut TestRunner,
) -> Option<C> {
    let json = strategy.new_tree(runner).expect("a value").current().to_string();
    serde_json::from_str(&json).ok()
}

/// The last event of a lane, read back.
async fn last(world: &World, lane: Lane) -> EventData {
    let stored = world.log.last(&lane).await.expect("read").expect("an event");
    stored.event().expect("readable").data
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_accepted_is_read_back_equal() {
    let world = World::start().await;
    let (ada, bob) = (world.register("ada").await, world.register("bob").await);
    let made = world.create(&ada, RoomKind::Group, "group", &[&bob]).await.id;
    let elsewhere =
        bus::Bus::connect(world.url(), "far", world.log.namespace()).await.expect("a bus");
    let buses = [world.first.bus.clone(), elsewhere];
    let mut runner = TestRunner::deterministic();
    let (posts, mutes) = (posts(&made), mutes(&made, &bob));
    let (creates, changes) = (creates(), changes(&made));
    let who = context(&ada);
    let mut accepted = 0;
    for (_, bus) in (0..CASES).zip(buses.iter().cycle()) {
        if let Some(command) = parsed::<PostMessage>(&posts, &mut runner)
            && let Ok(posted) = call(bus, &who, &command).await
        {
            let stored = world.log.get(posted.result.posted.sequence).await.expect("read");
            let data = stored.expect("an event").event().expect("readable").data;
            let EventData::Message(MessageEvent::Posted(stored)) = data else { panic!("{data:?}") };
            assert_eq!(stored.message, posted.result.message);
            assert_eq!(stored.message.body, command.body);
            accepted += 1;
        }
        if let Some(command) = parsed::<ChangeMember>(&mutes, &mut runner)
            && let Ok(changed) = call(bus, &who, &command).await
        {
            let data = last(&world, Lane::Member(made, bob)).await;
            assert_eq!(data.membership(), Some(&changed.result));
            let Patch::Set(until) = command.muted_until else { panic!("{command:?}") };
            assert_eq!(changed.result.muted_until, Some(until));
            accepted += 1;
        }
        if let Some(command) = parsed::<ChangeRoom>(&changes, &mut runner)
            && let Ok(changed) = call(bus, &who, &command).await
        {
            let room = match last(&world, Lane::Room(made)).await {
                EventData::Room(RoomEvent::Changed(stored)) => stored.room,
                EventData::Room(RoomEvent::Created(stored)) => stored.room,
                other => panic!("{other:?}"),
            };
            assert_eq!(room, changed.result.room);
            accepted += 1;
        }
        if let Some(command) = parsed::<CreateRoom>(&creates, &mut runner)
            && let Ok(created) = call(bus, &who, &command).await
        {
            let data = last(&world, Lane::Room(created.result.room.id)).await;
            let EventData::Room(RoomEvent::Created(stored)) = data else { panic!("{data:?}") };
            assert_eq!(stored.room, created.result.room);
            assert_eq!(stored.room.name.as_ref(), Some(&command.name));
            accepted += 1;
        }
    }
    assert!(accepted > CASES, "{accepted} accepted");
    assert_eq!(world.log.refused_unreadable(), 0, "everything was refused where it was parsed");
    // Every event there is can be read.
    world.events().await;
}
