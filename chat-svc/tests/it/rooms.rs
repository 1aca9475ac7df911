//! Making, finding, changing and archiving rooms.

use schemas::commands::{ArchiveRoom, ChangeRoom, CreateRoom, JoinRoom, OpenDirect};
use schemas::values::{Patch, RoomKind, RoomName, UserRef, Visibility};
use schemas::{Code, Lane};

use crate::kit::{World, call, create_room, keyed, say};

fn rename(room: &schemas::RoomId, to: &str) -> ChangeRoom {
    ChangeRoom {
        room_id: *room,
        name: Some(RoomName::parse(to).unwrap()),
        topic: Patch::Keep,
        visibility: None,
        retention_days: Patch::Keep,
        posting: None,
        slow_mode_seconds: None,
        archived: None,
    }
}

fn named(names: &[&str]) -> Vec<UserRef> {
    names.iter().map(|name| UserRef::parse(name).unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn instances_that_start_together_make_one_general_room() {
    let world = World::start().await;
    let (a, b, c) = tokio::join!(world.another(), world.another(), world.another());
    for instance in [&a, &b, &c] {
        assert_eq!(instance.general, world.first.general);
    }
    let general = world.first.general.unwrap();
    assert_eq!(world.types_on(&Lane::Room(general)).await, ["room.created.v1"]);
    let ada = world.register("ada").await;
    let posted = world.say(&ada, &general, "hello").await;
    assert_eq!(posted.message.room_id, general);
    assert!(world.types_on(&Lane::Member(general, ada)).await.is_empty());
    let joined = world.call(&ada, &JoinRoom { room_id: general }).await.unwrap_err();
    assert_eq!(joined.code, Code::Conflict);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_channel_name_is_unique_and_can_be_moved_and_reused() {
    let world = World::start().await;
    let (ada, bob) = (world.register("ada").await, world.register("bob").await);
    let room = world.create(&ada, RoomKind::Channel, "Lobby", &[&bob]).await;
    let again = world.call(&bob, &create_room(RoomKind::Channel, "lobby")).await.unwrap_err();
    assert_eq!((again.code, again.errors[0].pointer.as_str()), (Code::AlreadyExists, "/name"));
    world.create(&bob, RoomKind::Group, "lobby", &[]).await;
    let renamed = world.call(&ada, &rename(&room.id, "Attic")).await.unwrap();
    assert_eq!(renamed.result.room.name.unwrap().as_str(), "Attic");
    let second = world.create(&bob, RoomKind::Channel, "LOBBY", &[]).await;
    let taken = world.call(&bob, &rename(&second.id, "attic")).await.unwrap_err();
    assert_eq!(taken.code, Code::AlreadyExists);
    let refused = world.call(&bob, &rename(&room.id, "mine")).await.unwrap_err();
    assert_eq!(refused.code, Code::Forbidden);
    let once = world.call(&ada, &ArchiveRoom { room_id: room.id }).await.unwrap();
    world.create(&bob, RoomKind::Channel, "attic", &[]).await;
    let archived = world.call(&ada, &say(&room.id, "too late")).await.unwrap_err();
    assert_eq!(archived.code, Code::Conflict);
    let twice = world.call(&ada, &ArchiveRoom { room_id: room.id }).await.unwrap();
    assert!(twice.position.unwrap().sequence >= once.position.unwrap().sequence);
}

#[tokio::test(flavor = "multi_thread")]
async fn members_are_named_by_id_or_username_and_must_exist() {
    let world = World::start().await;
    let (ada, bob) = (world.register("ada").await, world.register("bob").await);
    let command = CreateRoom { members: named(&["@bob"]), ..create_room(RoomKind::Group, "us") };
    let room = world.call(&ada, &command).await.unwrap().result.room;
    assert_eq!(world.types_on(&Lane::Member(room.id, bob)).await, ["member.added.v1"]);
    let stranger = format!("usr_{}", "0".repeat(26));
    for (index, who) in [(0, "@unknown"), (0, stranger.as_str())] {
        let command = CreateRoom { members: named(&[who]), ..create_room(RoomKind::Group, "us") };
        let refused = world.call(&ada, &command).await.unwrap_err();
        assert_eq!(refused.code, Code::NotFound);
        assert_eq!(refused.errors[0].pointer, format!("/members/{index}"));
    }
    let kind = world.call(&ada, &create_room(RoomKind::Direct, "x")).await.unwrap_err();
    assert_eq!(kind.code, Code::ValidationFailed);
}

#[tokio::test(flavor = "multi_thread")]
async fn creating_with_a_key_makes_one_room_for_ever() {
    let world = World::start().await;
    let ada = world.register("ada").await;
    let (bus, context) = (&world.first.bus, keyed(&ada, "one"));
    let command = create_room(RoomKind::Channel, "lobby");
    let other = world.another().await;
    let calls = (0..8).map(|n| {
        let bus = if n % 2 == 0 { bus } else { &other.bus };
        call(bus, &context, &command)
    });
    let rooms: Vec<_> = futures_util::future::join_all(calls).await;
    let first = rooms[0].as_ref().unwrap().result.room.clone();
    for room in rooms {
        let room = room.unwrap();
        assert_eq!((room.result.room, room.result.created), (first.clone(), true));
        assert!(room.position.is_some());
    }
    let types = world.types_on(&Lane::Room(first.id)).await;
    assert_eq!(types, ["room.created.v1"]);
    let key_of_another = keyed(&world.register("bob").await, "one");
    let refused = call(bus, &key_of_another, &command).await.unwrap_err();
    assert_eq!(refused.code, Code::AlreadyExists);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_people_always_get_the_same_direct_room() {
    let world = World::start().await;
    let (ada, bob, cyd) =
        (world.register("ada").await, world.register("bob").await, world.register("cyd").await);
    let other = world.another().await;
    let open = |who: &schemas::UserId, members: &[&str]| {
        (crate::kit::context(who), OpenDirect { members: named(members) })
    };
    let calls: Vec<_> = (0..24)
        .map(|n| if n % 2 == 0 { open(&ada, &["@bob"]) } else { open(&bob, &["@ada", "@bob"]) })
        .collect();
    let answers = calls.iter().enumerate().map(|(n, (context, command))| {
        let bus = if n % 3 == 0 { &other.bus } else { &world.first.bus };
        call(bus, context, command)
    });
    let answers: Vec<_> =
        futures_util::future::join_all(answers).await.into_iter().map(Result::unwrap).collect();
    let room = answers[0].result.room.clone();
    assert!(answers.iter().all(|answer| answer.result.room == room));
    assert_eq!(answers.iter().filter(|answer| answer.result.created).count(), 1);
    assert_eq!(world.types_on(&Lane::Room(room.id)).await, ["room.created.v1"]);
    assert_eq!(room.direct_members.len(), 2);
    assert_eq!(room.visibility, Visibility::Private);

    let (context, command) = open(&ada, &["@bob", "@cyd"]);
    let three = call(&world.first.bus, &context, &command).await.unwrap();
    assert!(three.result.created && three.result.room.id != room.id);
    let refused = world.call(&cyd, &say(&room.id, "hi")).await.unwrap_err();
    assert_eq!(refused.code, Code::NotFound);
    let refused = world.call(&ada, &rename(&room.id, "x")).await.unwrap_err();
    assert_eq!(refused.code, Code::Conflict);
    let (context, command) = open(&ada, &["@ada"]);
    let notes = call(&world.first.bus, &context, &command).await.unwrap();
    assert_eq!(notes.result.room.direct_members, vec![ada]);
}
