//! Coming, going and roles.

use schemas::commands::{AddMember, ChangeMember, JoinRoom, LeaveRoom, RemoveMember};
use schemas::values::{Patch, Role, RoomKind, RoomRole, UserRef};
use schemas::{Code, Lane, RoomId, Timestamp, UserId};

use crate::kit::{World, say, until};

fn add(room: &RoomId, who: &str, role: Option<RoomRole>) -> AddMember {
    AddMember { room_id: *room, user: UserRef::parse(who).unwrap(), role }
}

fn set_role(room: &RoomId, who: &UserId, role: RoomRole) -> ChangeMember {
    let (room_id, user_id) = (*room, *who);
    ChangeMember { room_id, user_id, role: Some(role), muted_until: Patch::Keep }
}

fn mute(room: &RoomId, who: &UserId, until: Patch<Timestamp>) -> ChangeMember {
    let (room_id, user_id) = (*room, *who);
    ChangeMember { room_id, user_id, role: None, muted_until: until }
}

#[tokio::test(flavor = "multi_thread")]
async fn joining_and_leaving_a_public_room() {
    let world = World::start().await;
    let (ada, bob) = (world.register("ada").await, world.register("bob").await);
    let room = world.create(&ada, RoomKind::Channel, "lobby", &[]).await;
    let refused = world.call(&bob, &say(&room.id, "hi")).await.unwrap_err();
    assert_eq!(refused.code, Code::Forbidden);
    let join = JoinRoom { room_id: room.id };
    let joined = world.call(&bob, &join).await.unwrap().position;
    assert!(joined.is_some());
    assert_eq!(world.call(&bob, &join).await.unwrap().position, joined);
    world.say(&bob, &room.id, "hi").await;
    let leave = LeaveRoom { room_id: room.id };
    let left = world.call(&bob, &leave).await.unwrap().position;
    assert_eq!(world.call(&bob, &leave).await.unwrap().position, left);
    assert_eq!(world.call(&ada, &leave).await.unwrap_err().code, Code::Conflict);
    assert_eq!(
        world.types_on(&Lane::Member(room.id, bob)).await,
        ["member.joined.v1", "member.left.v1"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_private_room_does_not_exist_for_strangers() {
    let world = World::start().await;
    let (ada, bob) = (world.register("ada").await, world.register("bob").await);
    let room = world.create(&ada, RoomKind::Group, "us", &[]).await.id;
    let nowhere = RoomId::from_uuid(crate::kit::fresh());
    for id in [&room, &nowhere] {
        let posted = world.call(&bob, &say(id, "hi")).await.unwrap_err();
        let joined = world.call(&bob, &JoinRoom { room_id: *id }).await.unwrap_err();
        let added = world.call(&bob, &add(id, "@bob", None)).await.unwrap_err();
        let left = world.call(&bob, &LeaveRoom { room_id: *id }).await.unwrap_err();
        let expected = schemas::Rejection::not_found();
        assert_eq!([posted, joined, added, left], std::array::from_fn(|_| expected.clone()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn adding_promoting_muting_and_removing() {
    let world = World::start().await;
    let ada = world.register("ada").await;
    let (bob, cyd) = (world.register("bob").await, world.register("cyd").await);
    let room = world.create(&ada, RoomKind::Group, "us", &[&bob]).await.id;
    let refused = world.call(&bob, &add(&room, "@cyd", None)).await.unwrap_err();
    assert_eq!(refused.code, Code::Forbidden);
    let refused = world.call(&ada, &add(&room, "@unknown", None)).await.unwrap_err();
    assert_eq!((refused.code, refused.errors[0].pointer.as_str()), (Code::NotFound, "/user"));
    let added = world.call(&ada, &add(&room, "@cyd", None)).await.unwrap();
    assert_eq!((added.result.user_id, added.result.role), (cyd, RoomRole::Member));
    let again = world.call(&ada, &add(&room, cyd.as_str(), None)).await.unwrap();
    // Judged by what was read, which may be newer: other lanes were read, too.
    assert!(again.position.unwrap().sequence >= added.position.unwrap().sequence);
    let refused = world.call(&bob, &set_role(&room, &cyd, RoomRole::Admin)).await.unwrap_err();
    assert_eq!(refused.code, Code::Forbidden);
    world.call(&ada, &set_role(&room, &bob, RoomRole::Admin)).await.unwrap();
    let until = Patch::Set(Timestamp::now().plus_seconds(60));
    world.call(&bob, &mute(&room, &cyd, until)).await.unwrap();
    let silent = world.call(&cyd, &say(&room, "hm")).await.unwrap_err();
    assert_eq!(silent.code, Code::Forbidden);
    world.call(&bob, &mute(&room, &cyd, Patch::Clear)).await.unwrap();
    world.say(&cyd, &room, "better").await;
    let remove = RemoveMember { room_id: room, user_id: cyd };
    let removed = world.call(&bob, &remove).await.unwrap().position.unwrap();
    let again = world.call(&bob, &remove).await.unwrap().position.unwrap();
    assert!(again.sequence >= removed.sequence);
    assert_eq!(world.call(&cyd, &say(&room, "?")).await.unwrap_err().code, Code::NotFound);
    let owner = RemoveMember { room_id: room, user_id: ada };
    assert_eq!(world.call(&bob, &owner).await.unwrap_err().code, Code::Forbidden);
    assert_eq!(world.call(&ada, &owner).await.unwrap_err().code, Code::Conflict);
}

#[tokio::test(flavor = "multi_thread")]
async fn in_the_general_room_only_mutes_are_events() {
    let world = World::start().await;
    let (ada, bob) = (world.register_as("ada", Role::Moderator).await, world.register("bob").await);
    let general = world.first.general.unwrap();
    world.say(&bob, &general, "one").await;
    let until = Patch::Set(Timestamp::now().plus_seconds(60));
    let refused = world.call(&bob, &mute(&general, &ada, until.clone())).await.unwrap_err();
    assert_eq!(refused.code, Code::Forbidden);
    world.call(&ada, &mute(&general, &bob, until)).await.unwrap();
    let refused = world.call(&bob, &say(&general, "two")).await.unwrap_err();
    assert_eq!(refused.code, Code::Forbidden);
    world.call(&ada, &mute(&general, &bob, Patch::Clear)).await.unwrap();
    world.say(&bob, &general, "three").await;
    let leave = LeaveRoom { room_id: general };
    assert_eq!(world.call(&bob, &leave).await.unwrap_err().code, Code::Conflict);
    let remove = RemoveMember { room_id: general, user_id: bob };
    assert_eq!(world.call(&ada, &remove).await.unwrap_err().code, Code::Conflict);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_suspended_and_the_unknown_do_nothing() {
    let world = World::start().await;
    let bob = world.register("bob").await;
    let general = world.first.general.unwrap();
    world.say(&bob, &general, "one").await;
    world.suspend(&bob).await;
    let refused = until("the suspension is known", async || {
        world.call(&bob, &say(&general, "two")).await.err()
    });
    assert_eq!(refused.await.code, Code::Forbidden);
    let unknown = UserId::from_uuid(crate::kit::fresh());
    let refused = world.call(&unknown, &say(&general, "boo")).await.unwrap_err();
    assert_eq!(refused.code, Code::NotFound);
}
