use proptest::prelude::*;
use schemas::commands::ChangeMember;
use schemas::values::{Patch, Role, RoomKind, RoomRole, Visibility};

use super::*;
use crate::domain::Fact;
use crate::domain::access::Denied;
use crate::domain::room;
use crate::domain::testing::*;

fn channel() -> World {
    World::with_room(RoomKind::Channel, Visibility::Public)
}

fn group() -> World {
    World::with_room(RoomKind::Group, Visibility::Private)
}

impl World {
    fn join(&self, n: u128) -> Result<Vec<Fact>, MemberRejection> {
        join(&self.standing(n)?, &cx(n))
    }

    fn leave(&self, n: u128) -> Result<Vec<Fact>, MemberRejection> {
        leave(&self.standing(n)?, &cx(n))
    }

    fn add(
        &self,
        actor: u128,
        whom: u128,
        role: Option<RoomRole>,
    ) -> Result<Vec<Fact>, MemberRejection> {
        add(&self.standing(actor)?, &self.target(whom)?, role, &cx(actor))
    }

    fn remove(&self, actor: u128, whom: u128) -> Result<Vec<Fact>, MemberRejection> {
        let standing = self.standing(actor)?;
        remove(&standing, &user(whom), self.members.get(&user(whom)), &cx(actor))
    }

    fn change_member(
        &self,
        actor: u128,
        command: &ChangeMember,
        whom: u128,
    ) -> Result<Vec<Fact>, MemberRejection> {
        let standing = self.standing(actor)?;
        Ok(change(&standing, &self.target(whom)?, command)?.0)
    }

    fn set_role(
        &self,
        actor: u128,
        whom: u128,
        role: RoomRole,
    ) -> Result<Vec<Fact>, MemberRejection> {
        self.change_member(actor, &set_role(whom, role), whom)
    }
}

#[test]
fn anyone_joins_a_public_room_once() {
    let mut world = channel();
    let facts = world.join(BOB);
    then(facts.clone(), &["member.joined.v1"]);
    world.apply(facts.unwrap());
    then(world.join(BOB), &[]);
    refused(group().join(BOB), Denied::NoSuchRoom.into());
    refused(world.join(NOBODY), Denied::NoSuchCaller.into());
}

#[test]
fn the_banned_and_the_late_stay_out() {
    let mut world = channel().having(BOB, RoomRole::Member);
    if let Some(bob) = world.members.get_mut(&user(BOB)) {
        (bob.present, bob.banned) = (false, true);
    }
    refused(world.join(BOB), Denied::Banned.into());
    refused(world.add(ADA, BOB, None), MemberRejection::TargetBanned);
    let facts = room::archive(&world.standing(ADA).unwrap()).unwrap();
    world.apply(facts);
    refused(world.join(CYD), Denied::Archived.into());
    refused(world.add(ADA, CYD, None), Denied::Archived.into());
}

#[test]
fn leaving_ends_the_role_and_not_the_mute() {
    let mut world = channel().having(BOB, RoomRole::Admin);
    world.apply(world.change_member(ADA, &mute(BOB, Patch::Set(at(500))), BOB).unwrap());
    world.apply(world.leave(BOB).unwrap());
    then(world.leave(BOB), &[]);
    world.apply(world.join(BOB).unwrap());
    let bob = &world.members[&user(BOB)];
    assert_eq!((bob.role, bob.muted_until), (RoomRole::Member, Some(at(500))));
    assert!(world.standing(BOB).unwrap().may_write(at(499)).is_err());
    assert!(world.standing(BOB).unwrap().may_write(at(500)).is_ok());
}

#[test]
fn the_last_owner_hands_over_before_he_goes() {
    let mut world = group().having(BOB, RoomRole::Member);
    refused(world.leave(ADA), MemberRejection::LastOwner);
    refused(world.set_role(ADA, ADA, RoomRole::Admin), MemberRejection::LastOwner);
    let facts = world.set_role(ADA, BOB, RoomRole::Owner);
    then(facts.clone(), &["room.changed.v1", "member.changed.v1"]);
    world.apply(facts.unwrap());
    let facts = world.leave(ADA);
    then(facts.clone(), &["room.changed.v1", "member.left.v1"]);
    world.apply(facts.unwrap());
    assert_eq!(world.room.as_ref().unwrap().owners, vec![user(BOB)]);
    refused(world.leave(BOB), MemberRejection::LastOwner);
    refused(world.leave(ADA), Denied::NoSuchRoom.into());
}

#[test]
fn in_private_rooms_admins_add_and_in_public_ones_every_member() {
    let world = group().having(BOB, RoomRole::Member);
    refused(world.add(BOB, CYD, None), Denied::NeedsRole(RoomRole::Admin).into());
    refused(world.add(4, CYD, None), Denied::NoSuchRoom.into());
    then(world.add(ADA, CYD, None), &["member.added.v1"]);
    refused(world.add(ADA, NOBODY, None), MemberRejection::NoSuchUser);
    let world = channel().having(BOB, RoomRole::Member);
    then(world.add(BOB, CYD, None), &["member.added.v1"]);
    refused(world.add(4, CYD, None), Denied::NotAMember.into());
}

#[test]
fn only_owners_give_roles() {
    let mut world = group().having(BOB, RoomRole::Admin).having(CYD, RoomRole::Member);
    let needs_owner = MemberRejection::from(Denied::NeedsRole(RoomRole::Owner));
    refused(world.add(BOB, 4, Some(RoomRole::Admin)), needs_owner);
    refused(world.set_role(BOB, CYD, RoomRole::Admin), needs_owner);
    refused(world.set_role(CYD, BOB, RoomRole::Member), Denied::NeedsRole(RoomRole::Admin).into());
    let facts = world.add(ADA, 4, Some(RoomRole::Owner));
    then(facts.clone(), &["room.changed.v1", "member.added.v1"]);
    world.apply(facts.unwrap());
    assert_eq!(world.room.as_ref().unwrap().owners, vec![user(ADA), user(4)]);
    then(world.add(ADA, CYD, None), &[]);
    then(world.add(ADA, CYD, Some(RoomRole::Member)), &[]);
    refused(world.add(ADA, CYD, Some(RoomRole::Owner)), MemberRejection::AlreadyMember);
}

#[test]
fn admins_remove_those_below_and_owners_anybody() {
    let world = group()
        .having(BOB, RoomRole::Admin)
        .having(CYD, RoomRole::Member)
        .having(4, RoomRole::Admin)
        .having(5, RoomRole::Owner);
    then(world.remove(BOB, CYD), &["member.removed.v1"]);
    refused(world.remove(BOB, 4), MemberRejection::NotBelow);
    refused(world.remove(BOB, ADA), MemberRejection::NotBelow);
    refused(world.remove(CYD, BOB), Denied::NeedsRole(RoomRole::Admin).into());
    then(world.remove(ADA, 5), &["room.changed.v1", "member.removed.v1"]);
    then(world.remove(BOB, BOB), &["member.left.v1"]);
    refused(world.remove(ADA, 6), MemberRejection::NoSuchMember);
    let mut world = world;
    world.apply(world.remove(BOB, CYD).unwrap());
    then(world.remove(BOB, CYD), &[]);
}

#[test]
fn admins_mute_those_below() {
    let world = group().having(BOB, RoomRole::Admin).having(CYD, RoomRole::Member);
    let until = Patch::Set(at(500));
    then(world.change_member(BOB, &mute(CYD, until.clone()), CYD), &["member.changed.v1"]);
    then(world.change_member(BOB, &mute(CYD, Patch::Clear), CYD), &[]);
    for (actor, whom) in [(BOB, ADA), (BOB, BOB), (ADA, ADA)] {
        let decided = world.change_member(actor, &mute(whom, until.clone()), whom);
        refused(decided, MemberRejection::NotBelow);
    }
    let decided = world.change_member(CYD, &mute(BOB, until), BOB);
    refused(decided, Denied::NeedsRole(RoomRole::Admin).into());
}

#[test]
fn nobody_comes_to_or_goes_from_the_room_of_everybody() {
    let mut world = World::with_everyone();
    world.person(CYD, |cyd| cyd.role = Role::Moderator);
    let everybody = MemberRejection::from(Denied::EveryoneRoom);
    refused(world.join(BOB), everybody);
    refused(world.leave(BOB), everybody);
    refused(world.add(ADA, BOB, None), everybody);
    refused(world.remove(ADA, BOB), everybody);
    refused(world.set_role(ADA, BOB, RoomRole::Admin), everybody);
    let facts = world.change_member(CYD, &mute(BOB, Patch::Set(at(500))), BOB);
    then(facts.clone(), &["member.changed.v1"]);
    world.apply(facts.unwrap());
    assert_eq!(world.standing(BOB).unwrap().may_write(at(1)), Err(Denied::Muted(at(500))));
    assert_eq!(world.members[&user(BOB)].joined_at, at(1));
    let decided = world.change_member(CYD, &mute(ADA, Patch::Set(at(500))), ADA);
    refused(decided, MemberRejection::NotBelow);
}

#[test]
fn the_members_of_a_direct_room_are_fixed() {
    let world = World::with_direct();
    let direct = MemberRejection::from(Denied::DirectRoom);
    refused(world.leave(ADA), direct);
    refused(world.add(ADA, CYD, None), direct);
    refused(world.remove(ADA, BOB), direct);
    refused(world.set_role(ADA, BOB, RoomRole::Admin), direct);
    refused(world.join(CYD), Denied::NoSuchRoom.into());
}

/// One thing somebody tries.
#[derive(Debug, Clone)]
enum Try {
    Join(u128),
    Leave(u128),
    Add(u128, u128, Option<RoomRole>),
    Remove(u128, u128),
    Role(u128, u128, RoomRole),
    Mute(u128, u128, bool),
    Rename(u128, bool),
    Archive(u128),
}

fn tries() -> impl Strategy<Value = Try> {
    let who = || 1u128..7;
    let role = || prop_oneof![Just(RoomRole::Member), Just(RoomRole::Admin), Just(RoomRole::Owner)];
    prop_oneof![
        who().prop_map(Try::Join),
        who().prop_map(Try::Leave),
        (who(), who(), prop::option::of(role())).prop_map(|(a, b, r)| Try::Add(a, b, r)),
        (who(), who()).prop_map(|(a, b)| Try::Remove(a, b)),
        (who(), who(), role()).prop_map(|(a, b, r)| Try::Role(a, b, r)),
        (who(), who(), any::<bool>()).prop_map(|(a, b, m)| Try::Mute(a, b, m)),
        (who(), any::<bool>()).prop_map(|(a, x)| Try::Rename(a, x)),
        who().prop_map(Try::Archive),
    ]
}

impl World {
    /// Tries something; whether it is refused does not matter here.
    fn attempt(&mut self, what: &Try) {
        let decided = match what {
            Try::Join(a) => self.join(*a).ok(),
            Try::Leave(a) => self.leave(*a).ok(),
            Try::Add(a, b, role) => self.add(*a, *b, *role).ok(),
            Try::Remove(a, b) => self.remove(*a, *b).ok(),
            Try::Role(a, b, role) => self.set_role(*a, *b, *role).ok(),
            Try::Mute(a, b, on) => {
                let until = if *on { Patch::Set(at(500)) } else { Patch::Clear };
                self.change_member(*a, &mute(*b, until), *b).ok()
            }
            Try::Rename(a, x) => self.change_room(*a, &rename(if *x { "x" } else { "y" })).ok(),
            Try::Archive(a) => {
                self.standing(*a).ok().and_then(|standing| room::archive(&standing).ok())
            }
        };
        self.apply(decided.unwrap_or_default());
    }

    fn check(&self) {
        let room = self.room.as_ref().unwrap();
        let mut owners: Vec<_> = self
            .members
            .values()
            .filter(|member| member.present && member.role == RoomRole::Owner)
            .map(|member| member.user_id.clone())
            .collect();
        let mut listed = room.owners.clone();
        owners.sort();
        listed.sort();
        assert_eq!(owners, listed, "the room's list and the members' roles agree");
        let fixed = room.everyone || room.kind == RoomKind::Direct;
        assert_eq!(owners.is_empty(), fixed, "a room that changes hands always has an owner");
        assert!(self.names.len() <= 1, "a room holds one name at most");
        assert_eq!(&self.replayed(), self, "replay gives the live state");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn whatever_is_tried_a_room_keeps_its_rules(
        kind in 0..4,
        tries in prop::collection::vec(tries(), 0..40),
    ) {
        let mut world = match kind {
            0 => channel(),
            1 => group(),
            2 => World::with_everyone(),
            _ => World::with_direct(),
        };
        for what in &tries {
            world.attempt(what);
            world.check();
        }
    }
}
