use schemas::commands::ChangeMember;
use schemas::values::{Patch, Role, RoomKind, RoomRole, Visibility};

use super::*;
use crate::domain::access::Denied;
use crate::domain::testing::*;
use decider::Fact;

mod tries;

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
        Ok(change(&standing, &self.target(whom)?, command, &cx(actor))?.0)
    }

    fn appoint(&self, actor: u128, whom: u128) -> Result<Vec<Fact>, MemberRejection> {
        let person = self.people.get(&user(actor));
        Ok(appoint(person, self.room.as_ref(), &self.target(whom)?)?.0)
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
    let facts = then(world.join(BOB), &["member.joined.v1"]);
    world.apply(facts);
    then(world.join(BOB), &[]);
    refused(group().join(BOB), Denied::NoSuchRoom.into());
    refused(world.join(STRANGER), Denied::NoSuchCaller.into());
}

#[test]
fn the_banned_and_the_late_stay_out() {
    let mut world = channel().having(BOB, RoomRole::Member);
    if let Some(bob) = world.members.get_mut(&user(BOB)) {
        (bob.present, bob.banned) = (false, true);
    }
    refused(world.join(BOB), Denied::Banned.into());
    refused(world.add(ADA, BOB, None), MemberRejection::TargetBanned);
    let facts = world.archive(ADA).unwrap();
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
    let facts =
        then(world.set_role(ADA, BOB, RoomRole::Owner), &["room.changed.v1", "member.changed.v1"]);
    world.apply(facts);
    let facts = then(world.leave(ADA), &["room.changed.v1", "member.left.v1"]);
    world.apply(facts);
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
    refused(world.add(ADA, STRANGER, None), MemberRejection::NoSuchUser);
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
    let facts =
        then(world.add(ADA, 4, Some(RoomRole::Owner)), &["room.changed.v1", "member.added.v1"]);
    world.apply(facts);
    assert_eq!(world.room.as_ref().unwrap().owners, vec![user(ADA), user(4)]);
    then(world.add(ADA, CYD, None), &[]);
    then(world.add(ADA, CYD, Some(RoomRole::Member)), &[]);
    refused(world.add(ADA, CYD, Some(RoomRole::Owner)), MemberRejection::AlreadyMember);
}

#[test]
fn a_member_is_removed_by_those_above_alone() {
    let world = group()
        .having(BOB, RoomRole::Admin)
        .having(CYD, RoomRole::Member)
        .having(4, RoomRole::Admin)
        .having(5, RoomRole::Owner);
    then(world.remove(BOB, CYD), &["member.removed.v1"]);
    refused(world.remove(BOB, 4), MemberRejection::NotBelow);
    refused(world.remove(BOB, ADA), MemberRejection::NotBelow);
    refused(world.remove(CYD, BOB), Denied::NeedsRole(RoomRole::Admin).into());
    refused(world.remove(ADA, 5), MemberRejection::NotBelow);
    refused(world.remove(5, ADA), MemberRejection::NotBelow);
    then(world.remove(ADA, BOB), &["member.removed.v1"]);
    then(world.remove(BOB, BOB), &["member.left.v1"]);
    refused(world.remove(ADA, 6), MemberRejection::NoSuchMember);
    let mut world = world;
    world.apply(world.remove(BOB, CYD).unwrap());
    then(world.remove(BOB, CYD), &[]);
}

#[test]
fn owners_do_not_demote_one_another_and_may_step_down() {
    let mut world = group().having(BOB, RoomRole::Owner).having(CYD, RoomRole::Admin);
    for (actor, whom) in [(ADA, BOB), (BOB, ADA)] {
        for role in [RoomRole::Admin, RoomRole::Member] {
            refused(world.set_role(actor, whom, role), MemberRejection::NotBelow);
        }
        then(world.set_role(actor, whom, RoomRole::Owner), &[]);
    }
    then(world.set_role(CYD, CYD, RoomRole::Member), &["member.changed.v1"]);
    let needs_owner = Denied::NeedsRole(RoomRole::Owner);
    refused(world.set_role(CYD, CYD, RoomRole::Owner), needs_owner.into());
    let facts =
        then(world.set_role(BOB, BOB, RoomRole::Admin), &["room.changed.v1", "member.changed.v1"]);
    world.apply(facts);
    refused(world.set_role(ADA, ADA, RoomRole::Member), MemberRejection::LastOwner);
    then(world.set_role(ADA, BOB, RoomRole::Member), &["member.changed.v1"]);
}

#[test]
fn nothing_about_the_members_of_an_archived_room_changes_but_leaving() {
    let mut world = group().having(BOB, RoomRole::Admin).having(CYD, RoomRole::Member);
    world.apply(world.archive(BOB).unwrap());
    let archived = MemberRejection::from(Denied::Archived);
    for actor in [ADA, BOB, CYD] {
        refused(world.set_role(actor, CYD, RoomRole::Admin), archived);
        refused(world.change_member(actor, &mute(CYD, Patch::Set(at(500))), CYD), archived);
        refused(world.add(actor, 5, None), archived);
        refused(world.remove(actor, 4), archived);
    }
    refused(world.set_role(BOB, BOB, RoomRole::Member), archived);
    then(world.leave(CYD), &["member.left.v1"]);
    then(world.remove(CYD, CYD), &["member.left.v1"]);
    refused(world.leave(ADA), MemberRejection::LastOwner);
    world.apply(world.restore(BOB).unwrap());
    then(world.set_role(ADA, CYD, RoomRole::Admin), &["member.changed.v1"]);
}

#[test]
fn the_muted_have_no_say_and_may_leave() {
    let mut world = channel().having(BOB, RoomRole::Admin).having(CYD, RoomRole::Member);
    world.apply(world.change_member(ADA, &mute(BOB, Patch::Set(at(500))), BOB).unwrap());
    let muted = MemberRejection::from(Denied::Muted(at(500)));
    refused(world.add(BOB, 5, None), muted);
    refused(world.remove(BOB, CYD), muted);
    refused(world.set_role(BOB, BOB, RoomRole::Member), muted);
    refused(world.change_member(BOB, &mute(CYD, Patch::Clear), CYD), muted);
    refused(world.change_room(BOB, &rename("x")), Denied::Muted(at(500)).into());
    then(world.leave(BOB), &["member.left.v1"]);
    // The mute of an owner could not be lifted.
    world.apply(world.set_role(ADA, BOB, RoomRole::Owner).unwrap());
    assert_eq!(world.members[&user(BOB)].muted_until, None);
}

#[test]
fn the_suspended_are_not_brought_in_or_promoted() {
    let mut world = group().having(BOB, RoomRole::Member).having(CYD, RoomRole::Admin);
    for who in [BOB, CYD, 5] {
        world.person(who, |person| person.suspended = true);
    }
    refused(world.add(ADA, 5, None), MemberRejection::TargetSuspended);
    refused(world.set_role(ADA, BOB, RoomRole::Owner), MemberRejection::TargetSuspended);
    then(world.add(ADA, BOB, None), &[]);
    then(world.set_role(ADA, CYD, RoomRole::Member), &["member.changed.v1"]);
    then(world.remove(ADA, BOB), &["member.removed.v1"]);
}

#[test]
fn an_admin_of_the_installation_rescues_a_room() {
    let mut world = group().having(BOB, RoomRole::Member).having(CYD, RoomRole::Admin);
    world.person(7, |admin| admin.role = Role::Admin);
    world.person(8, |moderator| moderator.role = Role::Moderator);
    world.person(ADA, |ada| ada.suspended = true);
    for actor in [BOB, CYD, 8] {
        refused(world.appoint(actor, BOB), MemberRejection::NotAnAdmin);
    }
    refused(world.appoint(STRANGER, BOB), Denied::NoSuchCaller.into());
    refused(world.appoint(7, 5), MemberRejection::NoSuchMember);
    refused(world.appoint(7, STRANGER), MemberRejection::NoSuchUser);
    world.person(CYD, |cyd| cyd.suspended = true);
    refused(world.appoint(7, CYD), MemberRejection::TargetSuspended);
    let facts = then(world.appoint(7, BOB), &["room.changed.v1", "member.changed.v1"]);
    world.apply(facts);
    assert_eq!(world.room.as_ref().unwrap().owners, vec![user(ADA), user(BOB)]);
    then(world.appoint(7, BOB), &[]);
    world.apply(world.archive(BOB).unwrap());
    refused(world.appoint(7, 4), MemberRejection::Denied(Denied::Archived));
    let mut everyone = World::with_everyone();
    refused(everyone.appoint(ADA, BOB), Denied::EveryoneRoom.into());
    everyone.person(ADA, |ada| ada.suspended = true);
    refused(everyone.appoint(ADA, BOB), Denied::Suspended.into());
    let mut direct = World::with_direct();
    direct.person(7, |admin| admin.role = Role::Admin);
    refused(direct.appoint(7, BOB), Denied::DirectRoom.into());
    direct.room = None;
    refused(direct.appoint(7, BOB), Denied::NoSuchRoom.into());
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
    let facts = then(
        world.change_member(CYD, &mute(BOB, Patch::Set(at(500))), BOB),
        &["member.changed.v1"],
    );
    world.apply(facts);
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
