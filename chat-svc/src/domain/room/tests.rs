use schemas::values::{Patch, Role, RoomKind, RoomRole, Visibility};
use schemas::{Code, EventData, Lane, Rejection};

use super::*;
use crate::domain::access::Denied;
use crate::domain::testing::*;

#[test]
fn a_channel_claims_its_name_and_brings_its_members_in() {
    let world = World::new();
    let command = create_room(RoomKind::Channel, "Lobby");
    let others = [user(BOB), user(ADA), user(BOB), user(CYD)];
    let ada = world.people.get(&user(ADA));
    let facts = create(&room_id(1), &command, ada, &None, &others, &cx(ADA));
    then(
        facts.clone(),
        &[
            "name.claimed.v1",
            "room.created.v1",
            "member.joined.v1",
            "member.added.v1",
            "member.added.v1",
        ],
    );
    let mut world = world.clone();
    world.apply(facts.unwrap());
    let room = world.room.unwrap();
    assert_eq!((room.visibility, room.owners), (Visibility::Public, vec![user(ADA)]));
    assert_eq!(world.members[&user(BOB)].role, RoomRole::Member);
    assert!(world.names.contains_key(&format!("{:?}", Lane::room_name("lobby"))));
}

#[test]
fn a_taken_name_is_refused_for_channels_only() {
    let world = World::new();
    let ada = world.people.get(&user(ADA));
    let taken = Some(room_id(7).to_string());
    let make = |kind| create(&room_id(1), &create_room(kind, "lobby"), ada, &taken, &[], &cx(ADA));
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
    let facts = create(&room_id(1), &command, ada, &None, &[], &cx(ADA)).unwrap();
    let EventData::RoomCreated(created) = &facts[0].data else { panic!("no room") };
    assert_eq!(created.room.visibility, Visibility::Private);
}

#[test]
fn nobody_suspended_or_unknown_makes_rooms() {
    let mut world = World::new();
    world.person(BOB, |bob| bob.suspended = true);
    let command = create_room(RoomKind::Group, "us");
    let make = |n| create(&room_id(1), &command, world.people.get(&user(n)), &None, &[], &cx(n));
    refused(make(BOB), Denied::Suspended.into());
    refused(make(NOBODY), Denied::NoSuchCaller.into());
}

#[test]
fn more_than_a_hundred_first_members_are_refused() {
    let world = World::new();
    let others: Vec<_> = (1_000..1_101).map(user).collect();
    let command = create_room(RoomKind::Group, "crowd");
    let make = |others| {
        create(&room_id(1), &command, world.people.get(&user(ADA)), &None, others, &cx(ADA))
    };
    refused(make(&others), RoomRejection::TooManyMembers);
    assert_eq!(make(&others[1..]).unwrap().len(), 102);
}

#[test]
fn a_direct_room_has_fixed_members_and_one_lane_for_the_set() {
    let world = World::new();
    let open = |actor: u128, others: &[_]| {
        open_direct(&room_id(1), world.people.get(&user(actor)), others, &cx(actor))
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
    refused(open(ADA, &[]), RoomRejection::DirectSize);
    let ten: Vec<_> = (10..20).map(user).collect();
    refused(open(ADA, &ten), RoomRejection::DirectSize);
    assert!(open(ADA, &ten[1..]).is_ok());
}

#[test]
fn nothing_about_a_direct_room_changes() {
    let world = World::with_direct();
    refused(world.change_room(ADA, &rename("x")), Denied::DirectRoom.into());
    refused(archive(&world.standing(ADA).unwrap()), Denied::DirectRoom.into());
    refused(world.standing(CYD), Denied::NoSuchRoom);
}

#[test]
fn renaming_a_channel_moves_its_claim() {
    let mut world = World::with_room(RoomKind::Channel, Visibility::Public);
    let facts = world.change_room(ADA, &rename("attic"));
    then(facts.clone(), &["name.claimed.v1", "name.released.v1", "room.changed.v1"]);
    world.apply(facts.unwrap());
    assert_eq!(world.holder(&Lane::room_name("lobby")), None);
    assert_eq!(world.holder(&Lane::room_name("ATTIC")), Some(room_id(1).to_string()));
    // A change of case stays on its lane.
    then(world.change_room(ADA, &rename("Attic")), &["room.changed.v1"]);
    then(world.change_room(ADA, &rename("attic")), &[]);
    then(world.change_room(ADA, &no_change()), &[]);
}

#[test]
fn renaming_to_a_taken_name_is_refused() {
    let mut world = World::with_room(RoomKind::Channel, Visibility::Public);
    let lane = Lane::room_name("attic");
    world.names.insert(format!("{lane:?}"), room_id(2).to_string());
    refused(world.change_room(ADA, &rename("Attic")), RoomRejection::NameTaken);
}

#[test]
fn only_admins_change_and_only_owners_archive() {
    let world = World::with_room(RoomKind::Group, Visibility::Private)
        .having(BOB, RoomRole::Admin)
        .having(CYD, RoomRole::Member);
    then(world.change_room(BOB, &rename("x")), &["room.changed.v1"]);
    refused(world.change_room(CYD, &rename("x")), Denied::NeedsRole(RoomRole::Admin).into());
    refused(world.change_room(4, &rename("x")), Denied::NoSuchRoom.into());
    let needs_owner = Denied::NeedsRole(RoomRole::Owner);
    refused(archive(&world.standing(BOB).unwrap()), needs_owner.into());
    then(archive(&world.standing(ADA).unwrap()), &["room.archived.v1"]);
}

#[test]
fn retention_is_bounded() {
    let world = World::with_room(RoomKind::Group, Visibility::Private);
    let keep = |days| ChangeRoomOf::days(days);
    refused(world.change_room(ADA, &keep(0)), RoomRejection::Retention);
    refused(world.change_room(ADA, &keep(36_501)), RoomRejection::Retention);
    then(world.change_room(ADA, &keep(30)), &["room.changed.v1"]);
}

struct ChangeRoomOf;
impl ChangeRoomOf {
    fn days(days: u32) -> schemas::commands::ChangeRoom {
        schemas::commands::ChangeRoom { retention_days: Patch::Set(days), ..no_change() }
    }
}

#[test]
fn an_archived_channel_gives_its_name_back_and_changes_no_more() {
    let mut world = World::with_room(RoomKind::Channel, Visibility::Public);
    let facts = archive(&world.standing(ADA).unwrap());
    then(facts.clone(), &["room.archived.v1", "name.released.v1"]);
    world.apply(facts.unwrap());
    assert_eq!(world.holder(&Lane::room_name("lobby")), None);
    then(archive(&world.standing(ADA).unwrap()), &[]);
    refused(world.change_room(ADA, &rename("x")), Denied::Archived.into());
}

#[test]
fn the_room_of_everybody_keeps_its_name_and_takes_a_topic_from_admins() {
    let world = World::with_everyone();
    refused(world.change_room(ADA, &rename("x")), RoomRejection::Fixed);
    refused(archive(&world.standing(ADA).unwrap()), RoomRejection::Fixed);
    let topic = schemas::values::Topic::parse("hello").unwrap();
    let change = schemas::commands::ChangeRoom { topic: Patch::Set(topic), ..no_change() };
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
    let facts = archive(&world.standing(ADA).unwrap()).unwrap();
    world.apply(facts);
    let late = schemas::events::RoomChanged { room: open };
    evolve(&mut world.room, &late.into());
    assert!(world.room.unwrap().archived);
}
