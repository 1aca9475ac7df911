use schemas::commands::ChangeRoom;
use schemas::events::RoomEvent;
use schemas::values::{Patch, Role, RoomKind, RoomRole, Visibility};
use schemas::{Code, EventData, Rejection};

use super::*;
use crate::domain::access::Denied;
use crate::domain::testing::*;

#[test]
fn a_channel_claims_its_name_and_brings_its_members_in() {
    let world = World::new();
    let command = create_room(RoomKind::Channel, "Lobby");
    let others = [user(BOB), user(ADA), user(BOB), user(CYD)];
    let ada = world.people.get(&user(ADA));
    let facts = then(
        create(new_room(), &command, ada, &None, &others, &cx(ADA)),
        &[
            "name.claimed.v1",
            "room.created.v1",
            "member.joined.v1",
            "member.added.v1",
            "member.added.v1",
        ],
    );
    let mut world = world;
    world.apply(facts);
    let room = world.room.unwrap();
    assert_eq!((room.visibility, room.owners), (Visibility::Public, vec![user(ADA)]));
    assert_eq!(world.members[&user(BOB)].role, RoomRole::Member);
    assert!(world.names.contains_key(&format!("{:?}", names().room_name("lobby"))));
}

#[test]
fn a_taken_name_is_refused_for_channels_only() {
    let world = World::new();
    let ada = world.people.get(&user(ADA));
    let taken = Some(room_id(7).to_string());
    let make = |kind| create(new_room(), &create_room(kind, "lobby"), ada, &taken, &[], &cx(ADA));
    refused(make(RoomKind::Channel), RoomRejection::NameTaken);
    refused(make(RoomKind::Direct), RoomRejection::KindDirect);
    then(make(RoomKind::Group), &["room.created.v1", "member.joined.v1"]);
    let rejection = Rejection::from(RoomRejection::NameTaken);
    assert_eq!(
        (rejection.code, rejection.errors[0].pointer.as_str()),
        (Code::AlreadyExists, "/name")
    );
}

#[test]
fn groups_are_private_unless_said_otherwise() {
    let world = World::new();
    let ada = world.people.get(&user(ADA));
    let command = create_room(RoomKind::Group, "us");
    let facts = create(new_room(), &command, ada, &None, &[], &cx(ADA)).unwrap();
    let EventData::Room(RoomEvent::Created(created)) = &facts[0].data else { panic!("no room") };
    assert_eq!(created.room.visibility, Visibility::Private);
}

#[test]
fn nobody_suspended_or_unknown_makes_rooms() {
    let mut world = World::new();
    world.person(BOB, |bob| bob.suspended = true);
    let command = create_room(RoomKind::Group, "us");
    let make = |n| create(new_room(), &command, world.people.get(&user(n)), &None, &[], &cx(n));
    refused(make(BOB), Denied::Suspended.into());
    refused(make(STRANGER), Denied::NoSuchCaller.into());
}

#[test]
fn more_than_five_hundred_first_members_are_refused() {
    let world = World::new();
    let others: Vec<_> = (1_000..1_501).map(user).collect();
    let command = create_room(RoomKind::Group, "crowd");
    let make = |others| {
        create(new_room(), &command, world.people.get(&user(ADA)), &None, others, &cx(ADA))
    };
    refused(make(&others), RoomRejection::TooManyMembers);
    assert_eq!(make(&others[1..]).unwrap().len(), 502);
}

#[test]
fn a_direct_room_has_fixed_members_and_one_lane_for_the_set() {
    let world = World::new();
    let open = |actor: u128, others: &[_]| {
        open_direct(&room_id(1), world.people.get(&user(actor)), others, &cx(actor), &names())
    };
    let by_ada = open(ADA, &[user(BOB), user(CYD)]).unwrap();
    let by_cyd = open(CYD, &[user(BOB), user(ADA), user(BOB), user(CYD)]).unwrap();
    assert_eq!(by_ada[0].lane, by_cyd[0].lane);
    then(
        Ok::<_, ()>(by_ada),
        &[
            "name.claimed.v1",
            "room.created.v1",
            "member.joined.v1",
            "member.added.v1",
            "member.added.v1",
        ],
    );
    then(open(ADA, &[user(ADA)]), &["name.claimed.v1", "room.created.v1", "member.joined.v1"]);
    // Alone it is one's notes.
    then(open(ADA, &[]), &["name.claimed.v1", "room.created.v1", "member.joined.v1"]);
    assert_eq!(open(ADA, &[]).unwrap()[0].lane, open(ADA, &[user(ADA)]).unwrap()[0].lane);
    let twenty: Vec<_> = (10..30).map(user).collect();
    refused(open(ADA, &twenty), RoomRejection::DirectSize);
    assert!(open(ADA, &twenty[1..]).is_ok());
}

#[test]
fn nothing_about_a_direct_room_changes() {
    let world = World::with_direct();
    refused(world.change_room(ADA, &rename("x")), Denied::DirectRoom.into());
    refused(world.archive(ADA), Denied::DirectRoom.into());
    refused(world.standing(CYD), Denied::NoSuchRoom);
}

#[test]
fn renaming_a_channel_moves_its_claim() {
    let mut world = World::with_room(RoomKind::Channel, Visibility::Public);
    let facts = then(
        world.change_room(ADA, &rename("attic")),
        &["name.claimed.v1", "name.released.v1", "room.changed.v1"],
    );
    world.apply(facts);
    assert_eq!(world.holder(&names().room_name("lobby")), None);
    assert_eq!(world.holder(&names().room_name("ATTIC")), Some(room_id(1).to_string()));
    // A change of case stays on its lane.
    then(world.change_room(ADA, &rename("Attic")), &["room.changed.v1"]);
    then(world.change_room(ADA, &rename("attic")), &[]);
    then(world.change_room(ADA, &no_change()), &[]);
}

#[test]
fn renaming_to_a_taken_name_is_refused() {
    let mut world = World::with_room(RoomKind::Channel, Visibility::Public);
    let lane = names().room_name("attic");
    world.names.insert(format!("{lane:?}"), room_id(2).to_string());
    refused(world.change_room(ADA, &rename("Attic")), RoomRejection::NameTaken);
}

#[test]
fn admins_change_and_archive_and_members_do_not() {
    let world = World::with_room(RoomKind::Group, Visibility::Private)
        .having(BOB, RoomRole::Admin)
        .having(CYD, RoomRole::Member);
    let needs_admin = Denied::NeedsRole(RoomRole::Admin);
    for actor in [ADA, BOB] {
        then(world.change_room(actor, &rename("x")), &["room.changed.v1"]);
        then(world.archive(actor), &["room.archived.v1"]);
        then(world.restore(actor), &[]);
    }
    refused(world.change_room(CYD, &rename("x")), needs_admin.into());
    refused(world.archive(CYD), needs_admin.into());
    refused(world.restore(CYD), needs_admin.into());
    refused(world.change_room(4, &rename("x")), Denied::NoSuchRoom.into());
}

#[test]
fn visibility_and_retention_are_the_owners_matter() {
    let needs_owner = Denied::NeedsRole(RoomRole::Owner);
    for visibility in [Visibility::Private, Visibility::Public] {
        let world = World::with_room(RoomKind::Group, visibility)
            .having(BOB, RoomRole::Admin)
            .having(CYD, RoomRole::Member);
        for wanted in [Visibility::Private, Visibility::Public] {
            let exposing = ChangeRoom { visibility: Some(wanted), ..rename("x") };
            then(world.change_room(ADA, &exposing), &["room.changed.v1"]);
            for actor in [BOB, CYD] {
                refused(world.change_room(actor, &exposing), needs_owner.into());
            }
        }
        for days in [Patch::Set(30), Patch::Clear] {
            let keeping = ChangeRoom { retention_days: days, ..no_change() };
            refused(world.change_room(BOB, &keeping), needs_owner.into());
            assert!(world.change_room(ADA, &keeping).is_ok());
        }
    }
}

#[test]
fn retention_is_bounded() {
    let world = World::with_room(RoomKind::Group, Visibility::Private);
    let keep = |days| ChangeRoom { retention_days: Patch::Set(days), ..no_change() };
    for days in [0, 36_501, u32::MAX] {
        refused(world.change_room(ADA, &keep(days)), RoomRejection::Retention);
    }
    for days in [1, 36_500] {
        then(world.change_room(ADA, &keep(days)), &["room.changed.v1"]);
    }
}

#[test]
fn an_archived_room_comes_back_with_its_name_or_another() {
    let mut world = World::with_room(RoomKind::Channel, Visibility::Public);
    let lane = names().room_name("lobby");
    world.apply(world.archive(ADA).unwrap());
    for change in [
        rename("x"),
        no_change(),
        ChangeRoom { archived: Some(true), ..rename("x") },
        ChangeRoom { retention_days: Patch::Set(3), ..no_change() },
    ] {
        refused(world.change_room(ADA, &change), Denied::Archived.into());
    }
    world.names.insert(format!("{lane:?}"), room_id(2).to_string());
    refused(world.restore(ADA), RoomRejection::NameTaken);
    let renamed = ChangeRoom { archived: Some(false), ..rename("attic") };
    then(world.change_room(ADA, &renamed), &["name.claimed.v1", "room.restored.v1"]);
    world.names.clear();
    let facts = then(world.restore(ADA), &["name.claimed.v1", "room.restored.v1"]);
    world.apply(facts);
    assert_eq!(world.holder(&lane), Some(room_id(1).to_string()));
    assert!(!world.room.as_ref().unwrap().archived);
    then(world.restore(ADA), &[]);
    let both = ChangeRoom { archived: Some(true), ..rename("attic") };
    then(world.change_room(ADA, &both), &["name.released.v1", "room.archived.v1"]);
}

#[test]
fn an_archived_channel_gives_its_name_back_and_changes_no_more() {
    let mut world = World::with_room(RoomKind::Channel, Visibility::Public);
    let facts = then(world.archive(ADA), &["name.released.v1", "room.archived.v1"]);
    world.apply(facts);
    assert_eq!(world.holder(&names().room_name("lobby")), None);
    then(world.archive(ADA), &[]);
    refused(world.change_room(ADA, &rename("x")), Denied::Archived.into());
}

#[test]
fn the_room_of_everybody_keeps_its_name_and_takes_a_topic_from_admins() {
    let world = World::with_everyone();
    refused(world.change_room(ADA, &rename("x")), RoomRejection::Fixed);
    refused(world.archive(ADA), RoomRejection::Fixed);
    let topic = schemas::values::Topic::parse("hello").unwrap();
    let change = ChangeRoom { topic: Patch::Set(topic), ..no_change() };
    then(world.change_room(ADA, &change), &["room.changed.v1"]);
    refused(world.change_room(BOB, &change), Denied::NeedsRole(RoomRole::Admin).into());
}

#[test]
fn moderators_of_the_installation_are_admins_of_the_room_of_everybody_only() {
    let mut world = World::with_everyone();
    world.person(BOB, |bob| bob.role = Role::Moderator);
    assert_eq!(world.standing(BOB).unwrap().role(), Ok(RoomRole::Admin));
    let mut other = World::with_room(RoomKind::Channel, Visibility::Public);
    other.person(BOB, |bob| bob.role = Role::Admin);
    assert_eq!(other.standing(BOB).unwrap().role(), Err(Denied::NotAMember));
}

#[test]
fn an_archived_room_stays_archived_whatever_follows() {
    let mut world = World::with_room(RoomKind::Group, Visibility::Private);
    let open = world.room.clone().unwrap();
    let facts = world.archive(ADA).unwrap();
    world.apply(facts);
    let late = schemas::events::RoomChanged { room: open };
    evolve(&mut world.room, &late.into());
    assert!(world.room.unwrap().archived);
}
