use schemas::ids::InviteId;
use schemas::values::{Patch, RoomKind, RoomRole, Visibility};
use uuid::Uuid;

use super::*;
use crate::domain::Context;
use crate::domain::access::Denied;
use crate::domain::member;
use crate::domain::testing::*;
use decider::Fact;
use schemas::commands::CreateInvite;
use schemas::events::InviteState;

fn asked(max_uses: Option<u32>, expires_in: Option<u32>) -> CreateInvite {
    CreateInvite { room_id: room_id(1), expires_in, max_uses }
}

impl World {
    fn invite(&self, by: u128, command: &CreateInvite) -> Result<InviteState, InviteRejection> {
        let id = InviteId::from_uuid(Uuid::from_u128(7));
        let making = Making { id: &id, open: 99, unverified: false };
        Ok(create(&self.standing(by)?, making, command, &cx(by))?.1)
    }

    fn accept(
        &self,
        invite: &InviteState,
        n: u128,
        second: i64,
    ) -> Result<Vec<Fact>, InviteRejection> {
        let inviting = Inviting {
            invite,
            room: self.room.as_ref(),
            inviter: self.people.get(&invite.created_by),
            member: self.members.get(&invite.created_by),
            unverified: false,
        };
        let (person, member) = (self.people.get(&user(n)), self.members.get(&user(n)));
        accept(&inviting, person, member, &Context { now: at(second), ..cx(n) })
    }
}

#[test]
fn members_of_groups_and_admins_of_private_channels_invite() {
    let group =
        World::with_room(RoomKind::Group, Visibility::Private).having(BOB, RoomRole::Member);
    assert!(group.invite(BOB, &asked(None, None)).is_ok());
    refused(group.invite(CYD, &asked(None, None)), Denied::NoSuchRoom.into());
    let channel = World::with_room(RoomKind::Channel, Visibility::Private);
    let mut channel = channel.having(BOB, RoomRole::Member);
    refused(channel.invite(BOB, &asked(None, None)), Denied::NeedsRole(RoomRole::Admin).into());
    assert!(channel.invite(ADA, &asked(None, None)).is_ok());
    for uses in [0, 1_001] {
        refused(channel.invite(ADA, &asked(Some(uses), None)), InviteRejection::Uses);
    }
    for seconds in [0, 31_536_001] {
        refused(channel.invite(ADA, &asked(None, Some(seconds))), InviteRejection::Expiry);
    }
    channel.person(ADA, |ada| ada.verified = false);
    refused(channel.invite(ADA, &asked(None, None)), InviteRejection::NotVerified);
    refused(World::with_direct().invite(ADA, &asked(None, None)), Denied::DirectRoom.into());
    let id = InviteId::from_uuid(Uuid::from_u128(7));
    let full = Making { id: &id, open: 100, unverified: true };
    let standing = channel.standing(ADA).unwrap();
    refused(create(&standing, full, &asked(None, None), &cx(ADA)), InviteRejection::TooMany);
}

#[test]
fn an_invitation_lets_in_as_long_as_it_holds() {
    let world =
        World::with_room(RoomKind::Group, Visibility::Private).having(BOB, RoomRole::Member);
    let invite = world.invite(BOB, &asked(Some(2), Some(10))).unwrap();
    then(world.accept(&invite, CYD, 109), &["invite.accepted.v1", "member.joined.v1"]);
    then(world.accept(&invite, ADA, 109), &[]);
    refused(world.accept(&invite, CYD, 110), InviteRejection::Over);
    let used = InviteState { uses: 2, ..invite.clone() };
    refused(world.accept(&used, CYD, 101), InviteRejection::Over);
    then(world.accept(&used, BOB, 101), &[]);
    refused(world.accept(&used, BOB, 110), InviteRejection::Over);
    let revoked = InviteState { revoked: true, ..invite.clone() };
    refused(world.accept(&revoked, CYD, 101), InviteRejection::Over);
    refused(world.accept(&revoked, BOB, 101), InviteRejection::Over);
    refused(world.accept(&invite, STRANGER, 101), Denied::NoSuchCaller.into());

    let mut unverified = world.clone();
    unverified.person(BOB, |bob| bob.verified = false);
    refused(unverified.accept(&invite, CYD, 101), InviteRejection::Over);
    let mut left = world.clone();
    let facts = member::leave(&left.standing(BOB).unwrap(), &cx(BOB)).unwrap();
    left.apply(facts);
    refused(left.accept(&invite, CYD, 101), InviteRejection::Over);
    let mut archived = world.clone();
    archived.apply(world.archive(ADA).unwrap());
    refused(archived.accept(&invite, CYD, 101), InviteRejection::Over);
}

#[test]
fn who_was_registered_with_it_has_a_place() {
    let world =
        World::with_room(RoomKind::Group, Visibility::Private).having(BOB, RoomRole::Member);
    let invite = world.invite(BOB, &asked(Some(1), Some(10))).unwrap();
    let kept = invite.reserved_for(&user(CYD), at(101)).unwrap();
    assert_eq!((kept.uses, kept.reserved.len()), (1, 1));
    assert!(kept.reserved_for(&user(STRANGER), at(101)).is_none(), "the only place is taken");
    let facts = world.accept(&kept, CYD, 101).unwrap();
    let after = facts.iter().find_map(|fact| {
        let mut after = None;
        evolve(&mut after, &fact.data);
        after
    });
    let after = after.unwrap();
    assert_eq!((after.uses, after.reserved.len()), (1, 0), "the place was counted before");
    refused(world.accept(&after, CYD, 101), InviteRejection::Over);
    let revoked = InviteState { revoked: true, ..kept.clone() };
    refused(world.accept(&revoked, CYD, 101), InviteRejection::Over);
    refused(world.accept(&kept, CYD, 110), InviteRejection::Over);
}

#[test]
fn a_demoted_inviter_and_a_banned_guest() {
    let world = World::with_room(RoomKind::Channel, Visibility::Private);
    let mut world = world.having(BOB, RoomRole::Admin);
    let invite = world.invite(BOB, &asked(None, None)).unwrap();
    let standing = world.standing(ADA).unwrap();
    let demote = set_role(BOB, RoomRole::Member);
    let (facts, _) =
        member::change(&standing, &world.target(BOB).unwrap(), &demote, &cx(ADA)).unwrap();
    let mut demoted = world.clone();
    demoted.apply(facts);
    refused(demoted.accept(&invite, CYD, 101), InviteRejection::Over);
    let muted = mute(BOB, Patch::Set(at(900)));
    let (facts, _) =
        member::change(&standing, &world.target(BOB).unwrap(), &muted, &cx(ADA)).unwrap();
    world.apply(facts);
    refused(world.invite(BOB, &asked(None, None)), Denied::Muted(at(900)).into());
    let guest = member::newcomer(&room_id(1), &user(CYD), RoomRole::Member, None, at(1));
    let banned = schemas::events::MemberState { present: false, banned: true, ..guest };
    world.members.insert(user(CYD), banned);
    refused(world.accept(&invite, CYD, 101), Denied::Banned.into());
}

#[test]
fn who_made_it_and_admins_take_it_back() {
    let world = World::with_room(RoomKind::Group, Visibility::Private)
        .having(BOB, RoomRole::Member)
        .having(CYD, RoomRole::Member);
    let invite = world.invite(BOB, &asked(None, None)).unwrap();
    for n in [ADA, BOB] {
        then(revoke(&world.standing(n).unwrap(), Some(&invite)), &["invite.revoked.v1"]);
    }
    refused(revoke(&world.standing(CYD).unwrap(), Some(&invite)), InviteRejection::NoSuchInvite);
    refused(revoke(&world.standing(ADA).unwrap(), None), InviteRejection::NoSuchInvite);
    let revoked = InviteState { revoked: true, ..invite };
    then(revoke(&world.standing(BOB).unwrap(), Some(&revoked)), &[]);
}
