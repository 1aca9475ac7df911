//! Decisions about bans: a banned user is out of the room and stays out, whether they were ever in it or not.

use decider::Fact;
use schemas::commands::BanMember;
use schemas::events::{Ban, MemberChanged, MemberJoined, MemberRemoved, MemberState, RoomState};
use schemas::values::RoomRole;
use schemas::{Lane, Timestamp, UserId};

use super::owners::owners_changed;
use super::{MemberRejection, Target, newcomer};
use crate::domain::Context;
use crate::domain::access::{Standing, belongs, role_in};

/// The caller bans a user who is below them. Nothing happens when the user is banned in just that way already.
///
/// # Errors
/// See [`MemberRejection`].
pub fn ban(
    standing: &Standing<'_>,
    target: &Target<'_>,
    command: &BanMember,
    cx: &Context,
) -> Result<Vec<Fact>, MemberRejection> {
    let role = standing.may_govern(RoomRole::Admin, cx.now)?;
    if command.until.is_some_and(|until| until <= cx.now) {
        return Err(MemberRejection::BanOver);
    }
    let (room, before, user) = (standing.room, target.member, &target.person.id);
    let inside = belongs(room, before);
    let theirs = match inside || room.everyone {
        true => role_in(room, target.person, before),
        false => RoomRole::Member,
    };
    if *user == cx.actor || theirs >= role {
        return Err(MemberRejection::NotBelow);
    }
    let present_ban = before.filter(|member| member.is_banned(cx.now));
    let present_ban = present_ban.and_then(|member| member.ban.as_ref());
    if present_ban.is_some_and(|ban| ban.reason == command.reason && ban.until == command.until) {
        return Ok(Vec::new());
    }
    let ban = Ban {
        by: cx.actor,
        reason: command.reason.clone(),
        until: command.until,
        created_at: present_ban.map_or(cx.now, |ban| ban.created_at),
    };
    let since = before.map_or(cx.now, |member| member.joined_at);
    let member = MemberState {
        present: false,
        banned: true,
        ban: Some(ban),
        ..newcomer(&room.id, user, RoomRole::Member, before, since)
    };
    let mut facts: Vec<Fact> = owners_changed(room, user, false).into_iter().collect();
    let lane = Lane::Member(room.id, *user);
    facts.push(match inside {
        true => Fact::new(lane, MemberRemoved { member }),
        false => Fact::new(lane, MemberChanged { member }),
    });
    Ok(facts)
}

/// The caller lifts a ban; nothing happens where there is none. Who belongs to the room by a rule is in it again.
///
/// # Errors
/// See [`MemberRejection`].
pub fn lift(
    standing: &Standing<'_>,
    user: &UserId,
    member: Option<&MemberState>,
    cx: &Context,
) -> Result<Vec<Fact>, MemberRejection> {
    standing.may_govern(RoomRole::Admin, cx.now)?;
    let banned = member.filter(|member| member.banned);
    Ok(banned.map(|member| lifted(standing.room, user, member, cx.now)).into_iter().collect())
}

/// A ban from a room of everybody has run out: its user is in the room again.
#[must_use]
pub fn lapse(room: &RoomState, member: &MemberState, now: Timestamp) -> Vec<Fact> {
    let over = room.everyone && member.banned && !member.is_banned(now);
    over.then(|| lifted(room, &member.user_id, member, now)).into_iter().collect()
}

fn lifted(room: &RoomState, user: &UserId, member: &MemberState, now: Timestamp) -> Fact {
    let lane = Lane::Member(room.id, *user);
    if room.everyone {
        let member = newcomer(&room.id, user, RoomRole::Member, Some(member), now);
        return Fact::new(lane, MemberJoined { member });
    }
    let member = MemberState { banned: false, ban: None, ..member.clone() };
    Fact::new(lane, MemberChanged { member })
}

#[cfg(test)]
mod tests {
    use schemas::values::{Reason, Role, RoomKind, Visibility};

    use super::*;
    use crate::domain::access::Denied;
    use crate::domain::member::{add, join};
    use crate::domain::testing::*;

    fn banning(whom: u128, until: Option<Timestamp>) -> BanMember {
        let reason = Some(Reason::parse("spam").unwrap());
        BanMember { room_id: room_id(1), user_id: user(whom), reason, until }
    }

    impl World {
        fn ban(&self, by: u128, whom: u128, until: Option<Timestamp>) -> Decided {
            let standing = self.standing(by)?;
            ban(&standing, &self.target(whom)?, &banning(whom, until), &cx(by))
        }

        fn lift(&self, by: u128, whom: u128) -> Decided {
            let member = self.members.get(&user(whom));
            lift(&self.standing(by)?, &user(whom), member, &cx(by))
        }
    }

    type Decided = Result<Vec<Fact>, MemberRejection>;

    fn channel() -> World {
        World::with_room(RoomKind::Channel, Visibility::Public)
    }

    #[test]
    fn a_ban_puts_out_and_keeps_out_until_it_is_lifted() {
        let mut world = channel().having(BOB, RoomRole::Member);
        world.apply(then(world.ban(ADA, BOB, None), &["member.removed.v1"]));
        then(world.ban(ADA, BOB, None), &[]);
        then(world.ban(ADA, BOB, Some(at(900))), &["member.changed.v1"]);
        refused(join(&world.standing(BOB).unwrap(), &cx(BOB)), Denied::Banned.into());
        let (standing, target) = (world.standing(ADA).unwrap(), world.target(BOB).unwrap());
        refused(add(&standing, &target, None, &cx(ADA)), MemberRejection::TargetBanned);
        world.apply(then(world.lift(ADA, BOB), &["member.changed.v1"]));
        then(world.lift(ADA, BOB), &[]);
        then(join(&world.standing(BOB).unwrap(), &cx(BOB)), &["member.joined.v1"]);
    }

    #[test]
    fn who_was_never_in_is_banned_for_a_time() {
        let mut world = channel();
        world.apply(then(world.ban(ADA, CYD, Some(at(200))), &["member.changed.v1"]));
        let standing = world.standing(CYD).unwrap();
        let later = |second| Context { now: at(second), ..cx(CYD) };
        refused(join(&standing, &later(199)), Denied::Banned.into());
        then(join(&standing, &later(200)), &["member.joined.v1"]);
        refused(world.ban(ADA, BOB, Some(at(100))), MemberRejection::BanOver);
    }

    #[test]
    fn nobody_bans_an_equal_or_themselves() {
        let world = channel().having(BOB, RoomRole::Admin).having(CYD, RoomRole::Admin);
        refused(world.ban(BOB, CYD, None), MemberRejection::NotBelow);
        refused(world.ban(BOB, ADA, None), MemberRejection::NotBelow);
        refused(world.ban(ADA, ADA, None), MemberRejection::NotBelow);
        then(world.ban(ADA, BOB, None), &["member.removed.v1"]);
        refused(World::with_direct().ban(ADA, BOB, None), Denied::DirectRoom.into());
        refused(world.ban(4, BOB, None), Denied::NotAMember.into());
    }

    #[test]
    fn a_ban_from_the_room_of_everybody_ends_with_being_in_it() {
        let mut world = World::with_everyone();
        world.person(CYD, |person| person.role = Role::Admin);
        refused(world.ban(ADA, CYD, None), MemberRejection::NotBelow);
        refused(world.ban(BOB, 4, None), Denied::NeedsRole(RoomRole::Admin).into());
        world.apply(world.ban(ADA, BOB, Some(at(200))).unwrap());
        assert!(!world.standing(BOB).unwrap().is_present());
        let (room, bob) = (world.room.as_ref().unwrap(), &world.members[&user(BOB)]);
        assert_eq!(lapse(room, bob, at(199)), []);
        then(Ok::<_, MemberRejection>(lapse(room, bob, at(200))), &["member.joined.v1"]);
        world.apply(world.lift(ADA, BOB).unwrap());
        assert!(world.standing(BOB).unwrap().is_present());
    }
}
