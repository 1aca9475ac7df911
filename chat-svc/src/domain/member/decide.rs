//! Decisions about memberships. Where an owner comes or goes, the room's own list of owners changes in
//! the same batch: "the last owner stays" is guarded by the room's lane.

use decider::Fact;
use schemas::commands::ChangeMember;
use schemas::events::{
    MemberAdded, MemberChanged, MemberJoined, MemberLeft, MemberRemoved, MemberState, RoomState,
};
use schemas::values::{Role, RoomKind, RoomRole, Visibility};
use schemas::{EventData, Lane, RoomId, Timestamp, UserId};

use super::MemberRejection;
use super::owners::{is_last_owner, owners_changed};
use crate::domain::Context;
use crate::domain::access::{Denied, Standing, active, belongs, role_in};
use crate::domain::person::Person;

/// The person a decision is about, when it is not the caller.
#[derive(Debug, Clone, Copy)]
pub struct Target<'a> {
    /// The person of whom the decision is.
    pub person: &'a Person,
    /// What their member lane says.
    pub member: Option<&'a MemberState>,
}

impl<'a> Target<'a> {
    /// A target that must have an account.
    ///
    /// # Errors
    /// [`MemberRejection::NoSuchUser`].
    pub fn of(
        person: Option<&'a Person>,
        member: Option<&'a MemberState>,
    ) -> Result<Self, MemberRejection> {
        Ok(Self { person: person.ok_or(MemberRejection::NoSuchUser)?, member })
    }
}

/// A membership that begins now. A mute outlives leaving and coming back.
#[must_use]
pub fn newcomer(
    room: &RoomId,
    user: &UserId,
    role: RoomRole,
    before: Option<&MemberState>,
    now: Timestamp,
) -> MemberState {
    MemberState {
        room_id: *room,
        user_id: *user,
        role,
        present: true,
        muted_until: before.and_then(|member| member.muted_until),
        banned: false,
        ban: None,
        joined_at: now,
        blocks: before.is_some_and(|member| member.blocks),
        blocked: before.is_some_and(|member| member.blocked),
    }
}

fn on_lane(standing: &Standing<'_>, user: &UserId, data: impl Into<EventData>) -> Fact {
    Fact::new(Lane::Member(standing.room.id, *user), data)
}

/// The caller joins a public room; nothing happens when they are in it.
///
/// # Errors
/// See [`MemberRejection`].
pub fn join(standing: &Standing<'_>, cx: &Context) -> Result<Vec<Fact>, MemberRejection> {
    if standing.member.is_some_and(|member| member.is_banned(cx.now)) {
        return Err(Denied::Banned.into());
    }
    standing.members_may_change()?;
    standing.not_archived()?;
    if standing.is_present() {
        return Ok(Vec::new());
    }
    let member = newcomer(&standing.room.id, &cx.actor, RoomRole::Member, standing.member, cx.now);
    Ok(vec![on_lane(standing, &cx.actor, MemberJoined { member })])
}

/// The caller leaves; nothing happens when they are not in the (public) room.
///
/// # Errors
/// See [`MemberRejection`].
pub fn leave(standing: &Standing<'_>, cx: &Context) -> Result<Vec<Fact>, MemberRejection> {
    standing.members_may_change()?;
    let Some(member) = standing.member.filter(|_| standing.is_present()) else {
        return Ok(Vec::new());
    };
    go(standing, member, |member| on_lane(standing, &cx.actor, MemberLeft { member }))
}

/// Ends a membership: the owner's list shrinks with it where they were an owner.
fn go(
    standing: &Standing<'_>,
    member: &MemberState,
    fact: impl FnOnce(MemberState) -> Fact,
) -> Result<Vec<Fact>, MemberRejection> {
    let room = standing.room;
    if is_last_owner(room, member) {
        return Err(MemberRejection::LastOwner);
    }
    let gone = MemberState { present: false, role: RoomRole::Member, ..member.clone() };
    let mut facts: Vec<Fact> = owners_changed(room, &member.user_id, false).into_iter().collect();
    facts.push(fact(gone));
    Ok(facts)
}

/// The caller brings a person in. In a public room every member may; in a private one it needs an admin.
/// Only an owner gives a role above member.
///
/// # Errors
/// See [`MemberRejection`].
pub fn add(
    standing: &Standing<'_>,
    target: &Target<'_>,
    role: Option<RoomRole>,
    cx: &Context,
) -> Result<Vec<Fact>, MemberRejection> {
    standing.role()?;
    standing.members_may_change()?;
    let wanted = role.unwrap_or(RoomRole::Member);
    let needed = match (wanted, standing.room.visibility) {
        (RoomRole::Member, Visibility::Public) => RoomRole::Member,
        (RoomRole::Member, Visibility::Private) => RoomRole::Admin,
        (RoomRole::Admin | RoomRole::Owner, _) => RoomRole::Owner,
    };
    standing.may_govern(needed, cx.now)?;
    if let Some(member) = target.member {
        if member.is_banned(cx.now) {
            return Err(MemberRejection::TargetBanned);
        }
        if member.present {
            let same = role.is_none_or(|role| role == member.role);
            return if same { Ok(Vec::new()) } else { Err(MemberRejection::AlreadyMember) };
        }
    }
    if target.person.suspended {
        return Err(MemberRejection::TargetSuspended);
    }
    let room = standing.room;
    let user = &target.person.id;
    let mut facts: Vec<Fact> =
        owners_changed(room, user, wanted == RoomRole::Owner).into_iter().collect();
    let member = with_role(newcomer(&room.id, user, wanted, target.member, cx.now), wanted);
    facts.push(on_lane(standing, user, MemberAdded { member }));
    Ok(facts)
}

/// The caller puts a person out who is below them. Themselves: they leave. Nothing happens when the person
/// has gone already.
///
/// # Errors
/// See [`MemberRejection`].
pub fn remove(
    standing: &Standing<'_>,
    user: &UserId,
    member: Option<&MemberState>,
    cx: &Context,
) -> Result<Vec<Fact>, MemberRejection> {
    standing.role()?;
    if *user == cx.actor {
        return leave(standing, cx);
    }
    standing.members_may_change()?;
    let role = standing.may_govern(RoomRole::Admin, cx.now)?;
    let member = member.ok_or(MemberRejection::NoSuchMember)?;
    if !belongs(standing.room, Some(member)) {
        return Ok(Vec::new());
    }
    if member.role >= role {
        return Err(MemberRejection::NotBelow);
    }
    go(standing, member, |member| on_lane(standing, user, MemberRemoved { member }))
}

/// The caller changes a person's role (owners, of those below them) or mutes them (admins, those below them).
/// Everyone may step down, but for the last owner.
///
/// # Errors
/// See [`MemberRejection`].
pub fn change(
    standing: &Standing<'_>,
    target: &Target<'_>,
    command: &ChangeMember,
    cx: &Context,
) -> Result<(Vec<Fact>, MemberState), MemberRejection> {
    let role = standing.may_govern(RoomRole::Admin, cx.now)?;
    let before = present_target(standing, target)?;
    let mut next = before.clone();
    if !command.muted_until.is_keep() {
        if role_in(standing.room, target.person, target.member) >= role {
            return Err(MemberRejection::NotBelow);
        }
        next.muted_until = command.muted_until.clone().apply(before.muted_until);
    }
    if let Some(wanted) = command.role.filter(|wanted| *wanted != before.role) {
        may_give(standing, target, &before, wanted)?;
        next = with_role(next, wanted);
    }
    Ok((became(standing.room, &before, &next), next))
}

/// Whether the caller may give a member another role.
fn may_give(
    standing: &Standing<'_>,
    target: &Target<'_>,
    before: &MemberState,
    wanted: RoomRole,
) -> Result<(), MemberRejection> {
    let room = standing.room;
    if room.everyone {
        return Err(Denied::EveryoneRoom.into());
    }
    let steps_down = target.person.id == standing.person.id && wanted < before.role;
    if steps_down {
        return if is_last_owner(room, before) { Err(MemberRejection::LastOwner) } else { Ok(()) };
    }
    if before.role >= standing.at_least(RoomRole::Owner)? {
        return Err(MemberRejection::NotBelow);
    }
    if wanted > before.role && target.person.suspended {
        return Err(MemberRejection::TargetSuspended);
    }
    Ok(())
}

/// An admin of the installation makes a member an owner beside those there are: the way out where no owner
/// can act any more. The admin need not be in the room.
///
/// # Errors
/// See [`MemberRejection`].
pub fn appoint(
    person: Option<&Person>,
    room: Option<&RoomState>,
    target: &Target<'_>,
) -> Result<(Vec<Fact>, MemberState), MemberRejection> {
    if active(person)?.role != Role::Admin {
        return Err(MemberRejection::NotAnAdmin);
    }
    let room = room.ok_or(Denied::NoSuchRoom)?;
    match (room.kind, room.everyone, room.archived) {
        (RoomKind::Direct, ..) => return Err(Denied::DirectRoom.into()),
        (_, true, _) => return Err(Denied::EveryoneRoom.into()),
        (.., true) => return Err(Denied::Archived.into()),
        _ => {}
    }
    let before = target.member.filter(|member| belongs(room, Some(member)));
    let before = before.ok_or(MemberRejection::NoSuchMember)?;
    if target.person.suspended {
        return Err(MemberRejection::TargetSuspended);
    }
    let next = match before.role {
        RoomRole::Owner => before.clone(),
        RoomRole::Admin | RoomRole::Member => with_role(before.clone(), RoomRole::Owner),
    };
    Ok((became(room, before, &next), next))
}

/// A membership with a role. Who becomes an owner is not muted any more: there would be no one above them
/// to lift it.
fn with_role(member: MemberState, role: RoomRole) -> MemberState {
    let muted_until = member.muted_until.filter(|_| role != RoomRole::Owner);
    MemberState { role, muted_until, ..member }
}

/// What is written when a membership becomes another; nothing when it stays as it is.
fn became(room: &RoomState, before: &MemberState, next: &MemberState) -> Vec<Fact> {
    if next == before {
        return Vec::new();
    }
    let owns = next.role == RoomRole::Owner;
    let mut facts: Vec<Fact> = owners_changed(room, &next.user_id, owns).into_iter().collect();
    let lane = Lane::Member(room.id, next.user_id);
    facts.push(Fact::new(lane, MemberChanged { member: next.clone() }));
    facts
}

/// The target's membership, which in a room of everybody may have no event yet.
fn present_target(
    standing: &Standing<'_>,
    target: &Target<'_>,
) -> Result<MemberState, MemberRejection> {
    let room = standing.room;
    if !belongs(room, target.member) {
        return Err(MemberRejection::NoSuchMember);
    }
    Ok(target.member.cloned().unwrap_or_else(|| {
        let since = target.person.registered_at;
        newcomer(&room.id, &target.person.id, RoomRole::Member, None, since)
    }))
}
